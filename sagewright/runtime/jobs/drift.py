"""Which columns of a window are not as the baseline's constraints want them.

The checks, their names and their texts are Model Monitor's, so that whoever reads its files reads these:
https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-interpreting-violations.html
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sagewright.runtime.jobs.profiles import Numbers, Profile, TableProfile, Texts

FILE = "drift.json"
VIOLATIONS_FILE = "constraint_violations.json"

Document = dict[str, Any]

# In a window of few rows a share or a distance is off by chance. One that is worth a violation must be less likely
# than this among samples of a population that satisfies the constraint.
_CHANCE = 1e-6

# Rows that may hold a column which the baseline does not have.
_STRAY = 0.01


@dataclass(frozen=True)
class Window:
    """The rows of some time, and what was wrong with them before they could be counted."""

    table: TableProfile
    # By column: values that are not of its type.
    mismatched: Mapping[str, int] = field(default_factory=dict)
    # By column: rows that name it.
    named: Mapping[str, int] | None = None


@dataclass(frozen=True)
class Violation:
    """One check that a column does not pass."""

    column: str
    check: str
    description: str

    def document(self) -> Document:
        """Return it as the violations file has it."""
        return {
            "feature_name": self.column,
            "constraint_check_type": self.check,
            "description": self.description,
        }


@dataclass(frozen=True)
class Finding:
    """What the checks say of one column. `distance` is None where there is nothing to compare."""

    column: str
    kind: str
    distance: float | None
    threshold: float
    violations: tuple[Violation, ...]

    def document(self) -> Document:
        """Return it as drift.json has it."""
        return {
            "name": self.column,
            "kind": self.kind,
            "distance": self.distance,
            "threshold": self.threshold,
            "drifted": bool(self.violations),
            "checks": [violation.check for violation in self.violations],
        }


def find(baseline: TableProfile, constraints: Document, window: Window) -> list[Finding]:
    """Check each column that has constraints, and each that the baseline does not have."""
    config = constraints["monitoring_config"]
    findings: list[Finding] = []
    for feature in constraints["features"]:
        own = feature.get("monitoringConfigOverrides") or feature.get("monitoring_config_overrides") or {}
        column = _Column(feature, _merged(config, own), baseline.columns.get(feature["name"]), window)
        findings.append(column.finding())
    known = {finding.column for finding in findings}
    return [*findings, *_extra_columns(window, known)]


def distance(baseline: Profile, current: Profile, *, robust: bool) -> float | None:
    """Return the largest difference of the two cumulative distributions, or of the shares of a text.

    The robust one allows for what two samples of one population differ by, as Deequ has it: it is smaller by
    1.8·sqrt((n + m)/(n·m)), the critical value of the Kolmogorov-Smirnov test at a chance of 0.3 %, and at least 0.
    """
    if not baseline.present or not current.present:
        return None
    if isinstance(baseline, Numbers) and isinstance(current, Numbers):
        simple = _between_numbers(baseline, current)
    elif isinstance(baseline, Texts) and isinstance(current, Texts):
        simple = _between_texts(baseline, current)
    else:
        return None
    if not robust:
        return simple
    n, m = baseline.present, current.present
    return max(0.0, simple - 1.8 * math.sqrt((n + m) / (n * m)))


def exceeds(count: int, rows: int, share: float) -> bool:
    """Return whether so many of some rows are more than the share, and not by chance.

    The chance of so many or more is at most exp(-rows·KL(count/rows, share)) (Chernoff's bound of the binomial
    distribution), so it is never underrated.
    """
    if not rows or count <= share * rows:
        return False
    found = count / rows
    if share <= 0:
        return True
    divergence = found * math.log(found / share)
    if found < 1:
        divergence += (1 - found) * math.log((1 - found) / (1 - share))
    return rows * divergence > -math.log(_CHANCE)


class _Column:
    """One column with its constraints, before and now."""

    def __init__(self, feature: Document, config: Document, baseline: Profile | None, window: Window) -> None:
        self._feature, self._config = feature, config
        self._name: str = feature["name"]
        self._baseline, self._window = baseline, window
        self._current = window.table.columns.get(self._name)
        comparison = config.get("distribution_constraints", {})
        self._threshold: float = comparison.get("comparison_threshold", 0.1)
        if not self._is_number:
            self._threshold = comparison.get("categorical_comparison_threshold", self._threshold)
        self._robust = comparison.get("comparison_method", "Robust") in ("Robust", "linf_robust")
        self._compares = comparison.get("perform_comparison", "Enabled") == "Enabled"

    @property
    def _is_number(self) -> bool:
        return self._feature["inferred_type"] in ("Integral", "Fractional")

    def finding(self) -> Finding:
        found = None
        if self._baseline and self._current and self._compares:
            found = distance(self._baseline, self._current, robust=self._robust)
        enabled = self._window.table.rows and self._config.get("evaluate_constraints", "Enabled") == "Enabled"
        kind = "numerical" if self._is_number else "categorical"
        return Finding(self._name, kind, found, self._threshold, tuple(self._violations(found)) if enabled else ())

    def _violations(self, found: float | None) -> Iterator[Violation]:
        named = self._window.named
        if self._current is None or (named is not None and not named.get(self._name)):
            yield self._violation(
                "missing_column_check", "There are missing columns in current dataset: no row has it."
            )
            return
        yield from self._type()
        yield from self._completeness()
        yield from self._domain()
        if found is not None and found > self._threshold:
            text = f"Baseline drift distance: {found} exceeds threshold: {self._threshold}"
            yield self._violation("baseline_drift_check", text)

    def _type(self) -> Iterator[Violation]:
        wrong = self._window.mismatched.get(self._name, 0)
        rows = wrong + (self._current.present if self._current else 0)
        least: float = self._config.get("datatype_check_threshold", 1.0)
        if exceeds(wrong, rows, 1 - least):
            kind = self._feature["inferred_type"]
            yield self._violation(
                "data_type_check",
                f"Data type match requirement is not met. Expected data type: {kind}, "
                f"Expected match: {_percent(least)}. Observed: Only {_percent(1 - wrong / rows)} of data is {kind}.",
            )

    def _completeness(self) -> Iterator[Violation]:
        least, missing = self._feature.get("completeness"), self._current.missing if self._current else 0
        rows = missing + (self._current.present if self._current else 0)
        if least is not None and exceeds(missing, rows, 1 - least):
            yield self._violation(
                "completeness_check",
                f"Data completeness requirement is not met. Expected completeness: {_percent(least)}. "
                f"Observed: Only {_percent(1 - missing / rows)} of data is present.",
            )

    def _domain(self) -> Iterator[Violation]:
        domain = {*(self._feature.get("string_constraints") or {}).get("domains", [])}
        if not domain or not isinstance(self._current, Texts):
            return
        least: float = self._config.get("domain_content_threshold", 1.0)
        unknown = sum(number for text, number in self._current.values.counts.items() if text not in domain)
        if exceeds(unknown, self._current.present, 1 - least):
            share = 1 - unknown / self._current.present
            yield self._violation(
                "categorical_values_check",
                f"Value domain requirement is not met. Expected match: {_percent(least)}. "
                f"Observed: Only {_percent(share)} of values are among those of the baseline.",
            )

    def _violation(self, check: str, description: str) -> Violation:
        return Violation(self._name, check, description)


def _extra_columns(window: Window, known: set[str]) -> Iterator[Finding]:
    extra = (window.named or dict.fromkeys(window.table.columns, window.table.rows)).items()
    for name, rows in sorted(extra):
        if name not in known and exceeds(rows, window.table.rows, _STRAY):
            text = f"There are extra columns in current dataset: {rows} of {window.table.rows} rows have it."
            yield Finding(name, "categorical", None, 0.0, (Violation(name, "extra_column_check", text),))


def _between_numbers(baseline: Numbers, current: Numbers) -> float:
    points = np.concatenate([sketch.weighted()[0] for sketch in (baseline.sketch, current.sketch)])
    first, second = (sketch.ranks(points) / sketch.count for sketch in (baseline.sketch, current.sketch))
    return float(np.max(np.abs(first - second)))


def _between_texts(baseline: Texts, current: Texts) -> float:
    first, second = baseline.values.counts, current.values.counts
    differences = (abs(first[text] / baseline.present - second[text] / current.present) for text in {*first, *second})
    # Of texts that are all rare, none may be known.
    return max(differences, default=0.0)


def _merged(config: Document, own: Document) -> Document:
    """Lay a column's own settings over those of all."""
    comparison = {**config.get("distribution_constraints", {}), **own.get("distribution_constraints", {})}
    return {**config, **own, "distribution_constraints": comparison}


def _percent(share: float) -> str:
    return f"{round(100 * share, 4)}%"
