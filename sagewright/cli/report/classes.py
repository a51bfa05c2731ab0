"""Which class is taken for which."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sagewright.cli.training import number

from .chart import Table

MOST_CLASSES = 12  # of a matrix that can be taken in; of more, the commonest confusions are listed
MOST_CONFUSIONS = 20


@dataclass(frozen=True)
class Cell:
    """How often a class was called another, and which share of that class's rows that is."""

    count: int
    share: float
    right: bool

    @property
    def told(self) -> str:
        """The share as a percentage."""
        return f"{self.share:.0%}"


@dataclass(frozen=True)
class Confusion:
    """The matrix with its classes in order; `told` says what it holds in a sentence."""

    classes: Sequence[str]
    rows: Sequence[tuple[str, Sequence[Cell]]]
    told: str
    # Instead of the rows, where there are too many classes for a matrix.
    commonest: Table | None

    @classmethod
    def of(cls, report: Mapping[str, Any], threshold: float | None) -> "Confusion":
        """Read the matrix of an evaluation report."""
        names = [str(each) for each in report["classes"]]
        matrix: Mapping[str, Mapping[str, int]] = report[f"{report['problem']}_metrics"]["confusion_matrix"]
        rows = [(truth, [_cell(matrix[truth], truth, called) for called in names]) for truth in names]
        right, total = sum(matrix[name][name] for name in names), sum(sum(row.values()) for row in matrix.values())
        told = f"{right:,} of {total:,} held-out rows are called what they are."
        if threshold is not None:
            told = f"“{report['positive_label']}” from a score of {number(threshold)}: {told}"
        if len(names) <= MOST_CLASSES:
            return cls(names, rows, told, None)
        return cls(names, [], f"{told} The commonest confusions among {len(names)} classes:", _commonest(rows, names))


def by_class(report: Mapping[str, Any]) -> Table:
    """List precision, recall, F1 and rows of each class."""
    rows = []
    for label in map(str, report["classes"]):
        measured = report["classification_report"][label]
        shares = (f"{measured[each]:.3f}" for each in ("precision", "recall", "f1-score"))
        rows.append((label, *shares, f"{measured['support']:,.0f}"))
    return Table((str(report["label"]), "Precision", "Recall", "F1", "Rows"), rows)


def _cell(row: Mapping[str, int], truth: str, called: str) -> Cell:
    return Cell(row[called], row[called] / max(sum(row.values()), 1), truth == called)


def _commonest(rows: Sequence[tuple[str, Sequence[Cell]]], names: Sequence[str]) -> Table:
    wrong = [
        (cell.count, truth, called, cell.told)
        for truth, cells in rows
        for called, cell in zip(names, cells, strict=True)
        if cell.count and not cell.right
    ]
    wrong.sort(key=lambda each: -each[0])
    listed = [(truth, called, f"{count:,}", share) for count, truth, called, share in wrong[:MOST_CONFUSIONS]]
    return Table(("Truth", "Called", "Rows", "Of that class"), listed)
