"""What one run of the monitor wrote: the same files from both engines, and besides one of the built-in engine's own."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from .client import Client
from .objects import Location, read_json

STATISTICS, VIOLATIONS, DRIFT = "statistics.json", "constraint_violations.json", "drift.json"
_MEASURED = re.compile(r"distance: (?P<distance>[0-9.eE+-]+) exceeds (?:\w+ )?threshold: (?P<threshold>[0-9.eE+-]+)")
_ABSENT = {"NoSuchKey", "404"}

Document = dict[str, Any]


@dataclass(frozen=True)
class Finding:
    """One column as a run saw it; without a distance where nothing measured one."""

    column: str
    distance: float | None
    threshold: float | None
    checks: tuple[str, ...]
    descriptions: tuple[str, ...]

    @property
    def drifted(self) -> bool:
        """Whether any check of the column failed."""
        return bool(self.checks)


@dataclass(frozen=True)
class Report:
    """The documents of one run as they are; None for one that the run did not write."""

    statistics: Document | None
    violations: Document | None
    drift: Document | None

    @classmethod
    def read(cls, s3: Client, folder: Location) -> "Report":
        """Read what is there: Model Monitor writes violations only where it found some, and no drift.json."""
        return cls(*(_read(s3, folder / name) for name in (STATISTICS, VIOLATIONS, DRIFT)))

    @property
    def rows(self) -> int | None:
        """How many rows were compared; None where the run does not say."""
        if self.drift is not None:
            return self.drift["rows"]
        return self.statistics["dataset"]["item_count"] if self.statistics is not None else None

    @property
    def by_id(self) -> int:
        """How many of the rows held ids alone, so that what was looked up for them was not compared."""
        return self.drift.get("by_id", 0) if self.drift is not None else 0

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Every column that was measured or that violates a constraint, in the order of the files."""
        violations = _by_column(self.violations)
        measured = self.drift["columns"] if self.drift is not None else []
        found = [_finding(each["name"], violations.pop(each["name"], []), each) for each in measured]
        return (*found, *(_finding(name, of_column, None) for name, of_column in violations.items()))

    @property
    def drifted(self) -> tuple[str, ...]:
        """The columns that drifted, in the order of their names."""
        return tuple(sorted(each.column for each in self.findings if each.drifted))


def _by_column(violations: Document | None) -> dict[str, list[Document]]:
    found: dict[str, list[Document]] = {}
    for each in violations["violations"] if violations is not None else []:
        found.setdefault(each["feature_name"], []).append(each)
    return found


def _finding(column: str, violations: list[Document], measured: Document | None) -> Finding:
    """Put together what was measured of a column; where nothing says it, a violation's own words do."""
    texts = tuple(each["description"] for each in violations)
    checks = tuple(each["constraint_check_type"] for each in violations)
    distance, threshold = next(_told(texts), (None, None))
    if measured is not None:
        distance, threshold = measured["distance"], measured["threshold"]
    return Finding(column, distance, threshold, checks, texts)


def _told(texts: tuple[str, ...]) -> Iterator[tuple[float, float]]:
    for text in texts:
        if (found := _MEASURED.search(text)) is not None:
            yield float(found["distance"]), float(found["threshold"].rstrip("."))


def _read(s3: Client, file: Location) -> Document | None:
    try:
        return read_json(s3, file)
    except ClientError as error:
        if error.response["Error"]["Code"] in _ABSENT:
            return None
        raise
