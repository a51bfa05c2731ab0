"""Why: a window violates what constraints.json says of a column, by the six checks that Model Monitor documents.

https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-interpreting-violations.html
Distances and their correction for few rows are Deequ's (com.amazon.deequ.analyzers.Distance).
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from .columns import FRACTIONAL, INTEGRAL, STRING, Column

Document = dict[str, Any]

MISSING_COLUMNS, EXTRA_COLUMNS = "Missing columns", "Extra columns"
_ENABLED = "Enabled"
_FEW_ROWS = 1.8
_WHOLE = 100.0


class AnalysisError(Exception):
    """Why no analysis is possible; the text is for the exit message."""


def violations(columns: Mapping[str, Column], rows: int, statistics: Document, constraints: Document) -> list[Document]:
    """Return the window's entries of constraint_violations.json; a window without rows violates nothing."""
    settings = constraints.get("monitoring_config", {})
    if not rows or settings.get("evaluate_constraints", _ENABLED) != _ENABLED:
        return []
    known = {feature["name"]: feature for feature in constraints["features"]}
    baseline = {feature["name"]: feature for feature in statistics["features"]}
    found = list(_columns(set(columns), set(known)))
    for name, feature in known.items():
        if name in columns:
            effective = _merged(settings, feature.get("monitoringConfigOverrides", {}))
            found += _of_column(name, columns[name], feature, baseline.get(name, {}), effective)
    return found


def _columns(present: set[str], known: set[str]) -> Iterator[Document]:
    numbers = (
        f"Number of columns in current dataset: {len(present)}, Number of columns in baseline constraints: {len(known)}"
    )
    if known - present:
        yield _violation(
            MISSING_COLUMNS, "missing_column_check", f"There are missing columns in current dataset. {numbers}"
        )
    if present - known:
        yield _violation(EXTRA_COLUMNS, "extra_column_check", f"There are extra columns in current dataset. {numbers}")


def _of_column(
    name: str, column: Column, feature: Document, baseline: Document, settings: Document
) -> Iterator[Document]:
    expected = feature["inferred_type"]
    least = settings.get("datatype_check_threshold", 1.0)
    if column.present and expected in {INTEGRAL, FRACTIONAL, STRING}:
        share = column.kinds[expected] / column.present
        if share < least:
            yield _violation(
                name,
                "data_type_check",
                f"Data type match requirement is not met. Expected data type: {expected}, Expected match:"
                f" {_WHOLE * least}%. Observed: Only {_WHOLE * share}% of data is {expected}.",
            )
    if column.completeness < feature.get("completeness", 0.0):
        yield _violation(
            name,
            "completeness_check",
            f"Completeness requirement is not met. Expected completeness: {_WHOLE * feature['completeness']}%."
            f" Observed: Only {_WHOLE * column.completeness}% of data is present.",
        )
    yield from _drift(name, column, expected, baseline, settings.get("distribution_constraints", {}))
    domains = set(feature.get("string_constraints", {}).get("domains", ()))
    if domains and column.present:
        share = sum(count for text, count in column.texts.items() if text in domains) / column.present
        least = settings.get("domain_content_threshold", 1.0)
        if share < least:
            yield _violation(
                name,
                "categorical_values_check",
                f"Domain match requirement is not met. Expected match: {_WHOLE * least}%. Observed: Only"
                f" {_WHOLE * share}% of values are in the baseline's domain.",
            )


def _drift(name: str, column: Column, expected: str, baseline: Document, settings: Document) -> Iterator[Document]:
    if settings.get("perform_comparison", _ENABLED) != _ENABLED or not baseline or not column.present:
        return
    threshold = settings.get("comparison_threshold", 0.1)
    if expected == STRING:
        if settings.get("categorical_drift_method", "LInfinity") != "LInfinity":
            method = settings["categorical_drift_method"]
            raise AnalysisError(f"categorical_drift_method {method} is not available in the sandbox.")
        threshold = settings.get("categorical_comparison_threshold", threshold)
        measured = _between_shares(column, baseline.get("string_statistics", {}))
    else:
        measured = _between_distributions(column, baseline.get("numerical_statistics", {}))
    if measured is None:
        return
    distance, had, has = measured
    if settings.get("comparison_method", "Robust") == "Robust":
        distance = max(0.0, distance - _FEW_ROWS * float(np.sqrt((had + has) / (had * has))))
    if distance > threshold:
        said = f"Baseline drift distance: {distance} exceeds threshold: {threshold}"
        yield _violation(name, "baseline_drift_check", said)


def _between_shares(column: Column, baseline: Document) -> tuple[float, int, int] | None:
    """Return the largest difference between a text's share then and now, and the numbers of values."""
    had = int(baseline.get("common", {}).get("num_present", 0))
    if not had:
        return None
    buckets = baseline.get("distribution", {}).get("categorical", {}).get("buckets", [])
    then = {bucket["value"]: bucket["count"] / had for bucket in buckets}
    now = {text: count / column.present for text, count in column.texts.items()}
    distance = max(abs(then.get(text, 0.0) - now.get(text, 0.0)) for text in then | now)
    return distance, had, column.present


def _between_distributions(column: Column, baseline: Document) -> tuple[float, int, int] | None:
    """Return the largest distance between the cumulative distributions, the baseline's by its sketch."""
    had = int(baseline.get("common", {}).get("num_present", 0))
    levels = baseline.get("distribution", {}).get("kll", {}).get("sketch", {}).get("data", [])
    if not had or not any(levels) or not column.numbers:
        return None
    items = np.concatenate([np.asarray(level, dtype=np.float64) for level in levels])
    weights = np.concatenate([np.full(len(level), 2.0**at) for at, level in enumerate(levels)])
    order = np.argsort(items, kind="stable")
    items, cumulated = items[order], np.cumsum(weights[order])
    values = np.sort(np.asarray(column.numbers, dtype=np.float64))
    points = np.union1d(items, values)
    at = np.searchsorted(items, points, side="right")
    then = np.where(at > 0, cumulated[np.maximum(at, 1) - 1], 0.0) / cumulated[-1]
    now = np.searchsorted(values, points, side="right") / len(values)
    return float(np.max(np.abs(then - now))), had, len(values)


def _merged(settings: Document, overrides: Document) -> Document:
    """Return the settings with a column's own ones in their place."""
    merged = dict(settings)
    for key, value in overrides.items():
        own = settings.get(key)
        merged[key] = _merged(own, value) if isinstance(own, dict) and isinstance(value, dict) else value
    return merged


def _violation(feature: str, check: str, description: str) -> Document:
    return {"feature_name": feature, "constraint_check_type": check, "description": description}
