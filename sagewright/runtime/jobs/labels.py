"""The label: which rows have one, which classes it has, and whether it suits the problem."""

from collections.abc import Sequence

import pandas as pd

from sagewright.runtime.serving.columns import Column
from sagewright.runtime.serving.errors import UserError
from sagewright.runtime.serving.schema import Label

BINARY = "binary_classification"
MULTICLASS = "multiclass_classification"
REGRESSION = "regression"

_MOST_SHOWN = 10


def read(column: Column, values: pd.Series, problem: str) -> pd.Series:
    """Return the labels of the rows that have one: numbers for regression, else text, integers or booleans."""
    y = values[values.notna()]
    if y.empty:
        raise UserError(f"label {column.name} has no value in any row")
    if problem == REGRESSION:
        return _numbers(column, y)
    if column.type == "number":
        odd = y[y % 1 != 0]
        if len(odd):
            raise UserError(
                f"label {column.name} holds decimal numbers such as {odd.tolist()[0]}: the classes of {problem} are "
                "text, whole numbers or true and false; data.problem: regression predicts numbers"
            )
    if column.type in ("integer", "number"):
        return y.astype("int64")
    return y.astype("bool") if column.type == "boolean" else y


def classes(y: pd.Series, problem: str) -> tuple[Label, ...]:
    """Return the classes, sorted. Raises UserError if they do not suit the problem or are too rare to split."""
    if problem == REGRESSION:
        return ()
    counts = y.value_counts().sort_index()
    found = tuple(counts.index.tolist())
    if len(found) == 1 or (problem == BINARY and found[2:]):
        need = "exactly two" if problem == BINARY else "two or more"
        more = f"; data.problem: {MULTICLASS} takes more" if found[2:] else ""
        raise UserError(f"label {y.name} has {_count(found)} ({listed(found)}): {problem} needs {need}{more}")
    single = [label for label, count in counts.items() if count == 1]
    if single:
        raise UserError(
            f"label {y.name} has {_count(single)} with a single row ({listed(single)}): every class needs one row to "
            "train on and one to test on; collect more rows of it, merge it with another class, or take it out"
        )
    return found


def positive(found: Sequence[Label], problem: str, wanted: str | None) -> Label | None:
    """Return the class whose probability is the score: the wanted one, else the greater one, as scikit-learn has it."""
    if problem != BINARY:
        return None
    if wanted is None:
        return found[-1]
    for label in found:
        if str(label) == wanted or (isinstance(label, bool) and str(label).lower() == wanted.lower()):
            return label
    raise UserError(f"data.positive_label {wanted!r} is no class of the label: it has {listed(found)}")


def listed(labels: Sequence[object]) -> str:
    """Return the labels for a message, the first ten if they are many."""
    shown = ", ".join(map(repr, labels[:_MOST_SHOWN]))
    return shown if len(labels) <= _MOST_SHOWN else f"{shown}, …"


def _numbers(column: Column, y: pd.Series) -> pd.Series:
    if column.type in ("integer", "number"):
        return y.astype("float64")
    raise UserError(
        f"label {column.name} holds {'booleans' if column.type == 'boolean' else 'text'} such as {_odd(y)!r}: "
        "regression needs a number in every row that has a label"
    )


def _odd(y: pd.Series) -> object:
    """Return the value that made the column one of text: the first that is no number."""
    odd = y[pd.to_numeric(y, errors="coerce").isna()]
    return (odd if len(odd) else y).tolist()[0]


def _count(labels: Sequence[object]) -> str:
    return "one class" if len(labels) == 1 else f"{len(labels)} classes"
