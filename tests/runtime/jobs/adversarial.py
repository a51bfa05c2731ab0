"""Columns that break statistics, each as pandas holds it, in 140,000 rows."""

import datetime as dt
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

ROWS = 140_000
FIRST_DAY = dt.date(2026, 1, 1)

_Make = Callable[[np.random.Generator], Any]

_NUMBERS: dict[str, _Make] = {
    "normal": lambda random: random.normal(50, 7, ROWS),
    "constant": lambda _: np.full(ROWS, 0.1),
    "one value": lambda _: np.r_[np.full(ROWS - 1, np.nan), 3.5],
    "all missing": lambda _: np.full(ROWS, np.nan),
    "half missing": lambda random: np.where(random.random(ROWS) < 0.5, np.nan, random.normal(size=ROWS)),
    "huge range": lambda random: random.choice([-1.0, 1.0], ROWS) * 10.0 ** random.uniform(-300, 308, ROWS),
    "the largest": lambda random: random.choice([-1.0, 1.0], ROWS) * np.finfo(float).max,
    "tiny": lambda random: random.normal(size=ROWS) * 1e-300,
    "far from zero": lambda random: 1e9 + random.normal(size=ROWS),
    "infinities": lambda random: np.where(random.random(ROWS) < 0.01, -np.inf, random.standard_cauchy(ROWS)),
    "integers": lambda random: random.integers(-1000, 1000, ROWS),
    "large integers": lambda random: random.integers(-(2**62), 2**62, ROWS),
    "zeros and ones": lambda random: random.integers(0, 2, ROWS).astype("int8"),
    "ascending": lambda _: np.arange(ROWS),
}
_TEXTS: dict[str, _Make] = {
    "few": lambda random: random.choice(["one", "two", "three"], ROWS, p=[0.6, 0.3, 0.1]),
    "same": lambda _: ["always"] * ROWS,
    "no text": lambda _: pd.Series([None] * ROWS, dtype="string"),
    "some missing": lambda random: pd.Series(random.choice(["a", "b"], ROWS)).where(random.random(ROWS) < 0.7),
    "unicode": lambda random: random.choice(["Zürich", "北京", "🚲", "e\u0301", "é", "\u200b", "a\nb", '"'], ROWS),
    "booleans": lambda random: random.random(ROWS) < 0.2,
    "dates": lambda random: [FIRST_DAY + dt.timedelta(int(day)) for day in random.integers(0, 99, ROWS)],
    "categories": lambda random: pd.Categorical(random.choice(["x", "y"], ROWS), ["y", "x", "never"]),
    "mixed types": lambda random: random.choice(["1", "1.0", "one", "True", "2026-01-01", "nan"], ROWS),
    "identifiers": lambda random: [f"customer {number}" for number in random.permutation(ROWS)],
}
NUMBERS, TEXTS = [*_NUMBERS], [*_TEXTS]


@cache
def frame(seed: int) -> pd.DataFrame:
    """Return every column, drawn anew for each seed."""
    random = np.random.default_rng(seed)
    return pd.DataFrame({name: pd.Series(make(random)) for name, make in (_NUMBERS | _TEXTS).items()})


def finite(name: str, seed: int) -> pd.Series:
    """Return the values that a column of numbers has for us: an infinite one is none."""
    values = frame(seed)[name].astype("float64")
    return values[np.isfinite(values)]


def texts(name: str, seed: int) -> pd.Series:
    """Return the values that a column of texts has for us."""
    return frame(seed)[name].dropna().astype(str)
