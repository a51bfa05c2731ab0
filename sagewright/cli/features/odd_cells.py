"""The few cells of a sample that are not as the rest: a wrong row is to be set aside later, not to decide a type.

At most one row of a hundred is taken for wrong, so that a smaller sample has to be right in every row.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sagewright.runtime.serving.columns import MISSING, Column, infer

ROWS_OF_ONE_WRONG = 100
_LONGEST_SHOWN = 60


@dataclass(frozen=True)
class Odd:
    """The rows of a column that are not as the rest of it; rows are numbered from 1."""

    column: str
    rows: int
    odd: int
    row: int
    cell: str

    @classmethod
    def of(cls, column: str, cells: Sequence[object], wrong: Sequence[bool] | np.ndarray) -> "Odd | None":
        """Take the first of the rows that are wrong; None where there is none."""
        places = np.flatnonzero(np.asarray(wrong))
        if not len(places):
            return None
        first = int(places[0])
        return cls(column, len(cells), len(places), first + 1, _shown(cells[first]))

    def __str__(self) -> str:
        """Say how many rows are right, and what the first wrong one has."""
        return f"{self.column}: {self.rows - self.odd:,} of {self.rows:,} rows; row {self.row} {self.cell}"

    def document(self) -> dict[str, object]:
        """Write it for programs."""
        return {"column": self.column, "rows": self.rows, "odd": self.odd, "row": self.row, "said": str(self)}


def tolerated(rows: int) -> int:
    """Say how many rows of a sample may be wrong."""
    return rows // ROWS_OF_ONE_WRONG


def typed(column: Column, cells: pd.Series) -> tuple[Column, pd.Series, Odd | None]:
    """Take a column of texts for what nearly all of them are; the cells that are not become missing.

    Texts that are codes, as 007 is one, are no numbers whatever the others are.
    """
    if column.type != "string":
        return column, cells, None
    texts = ["" if missing else str(cell) for cell, missing in zip(cells.tolist(), cells.isna(), strict=True)]
    odd: set[str] = set()
    for text in dict.fromkeys(texts):
        if text.strip().lower() not in MISSING and infer(column.name, [text]).type == "string":
            if len(odd) == tolerated(len(texts)) or _is_code(text):
                return column, cells, None
            odd.add(text)
    wrong = cells.isin(odd).to_numpy()
    if not odd or wrong.sum() > tolerated(len(texts)):
        return column, cells, None
    rest = ["" if is_wrong else text for text, is_wrong in zip(texts, wrong, strict=True)]
    found = infer(column.name, rest)
    if found.type == "string":
        return column, cells, None
    return found, found.series([found.read(text) for text in rest]), Odd.of(column.name, texts, wrong)


def _is_code(text: str) -> bool:
    """Tell whether a text is written in digits, and is no number because of how."""
    return infer("", [text.strip().lstrip("+-0") or "0"]).type in ("integer", "number")


def _shown(cell: object) -> str:
    if cell is None or cell == "" or (isinstance(cell, float) and np.isnan(cell)):
        return "is empty"
    text = str(cell)
    return f"has '{text[:_LONGEST_SHOWN]}…'" if len(text) > _LONGEST_SHOWN else f"has '{text}'"
