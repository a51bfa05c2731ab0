"""Why: the files of Model Monitor tell of columns, and what they tell is counted over all rows of a window."""

import math
import re
from collections import Counter
from typing import Any

import numpy as np

Document = dict[str, Any]

INTEGRAL, FRACTIONAL, STRING, UNKNOWN = "Integral", "Fractional", "String", "Unknown"
BUCKETS = 10
SKETCH_K, SKETCH_C = 2048, 0.64
MOST_DOMAINS = 100
# Deequ's own: a text that looks like a number counts as one.
_WHOLE = re.compile(r"[-+]? ?\d+")
_BROKEN = re.compile(r"[-+]? ?(\d+\.\d*|\d*\.\d+)([eE][-+]?\d+)?")


class Column:
    """What a window holds of one column."""

    def __init__(self) -> None:
        self.missing = 0
        self.kinds: Counter[str] = Counter()
        self.texts: Counter[str] = Counter()
        self.numbers: list[float] = []

    @property
    def present(self) -> int:
        """Return how many values there are."""
        return self.kinds.total()

    @property
    def seen(self) -> int:
        """Return in how many rows the column was."""
        return self.present + self.missing

    @property
    def kind(self) -> str:
        """Return the narrowest type that holds every value."""
        if not self.present:
            return UNKNOWN
        if self.kinds[STRING]:
            return STRING
        return FRACTIONAL if self.kinds[FRACTIONAL] else INTEGRAL

    def add(self, value: Any) -> None:
        """Count one row's value."""
        if value is None or (isinstance(value, float) and math.isnan(value)):
            self.missing += 1
            return
        kind = kind_of(value)
        self.kinds[kind] += 1
        self.texts[str(value)] += 1
        if kind != STRING:
            self.numbers.append(float(str(value).replace(" ", "")))

    def statistics(self, name: str) -> Document:
        """Return the column's entry of statistics.json."""
        common = {"num_present": self.present, "num_missing": self.missing}
        if self.kind in {INTEGRAL, FRACTIONAL}:
            return {"name": name, "inferred_type": self.kind, "numerical_statistics": self._numerical(common)}
        buckets = [{"value": text, "count": count} for text, count in self.texts.most_common()]
        texts = {
            "common": common,
            "distinct_count": float(len(self.texts)),
            "distribution": {"categorical": {"buckets": buckets}},
        }
        return {"name": name, "inferred_type": self.kind, "string_statistics": texts}

    def constraints(self, name: str) -> Document:
        """Return what this window alone would suggest as the column's constraints."""
        entry: Document = {"name": name, "inferred_type": self.kind, "completeness": self.completeness}
        if self.kind in {INTEGRAL, FRACTIONAL}:
            entry["num_constraints"] = {"is_non_negative": min(self.numbers) >= 0}
        elif self.kind == STRING and len(self.texts) <= MOST_DOMAINS:
            entry["string_constraints"] = {"domains": sorted(self.texts)}
        return entry

    @property
    def completeness(self) -> float:
        """Return the share of rows that have a value."""
        return self.present / self.seen if self.seen else 0.0

    def _numerical(self, common: Document) -> Document:
        values = np.sort(np.asarray(self.numbers, dtype=np.float64))
        counts, bounds = np.histogram(values, bins=BUCKETS, range=(float(values[0]), float(values[-1])))
        buckets = [
            {"lower_bound": float(bounds[at]), "upper_bound": float(bounds[at + 1]), "count": float(counts[at])}
            for at in range(BUCKETS)
        ]
        sketch = {"parameters": {"c": SKETCH_C, "k": float(SKETCH_K)}, "data": _levels(values)}
        return {
            "common": common,
            "mean": float(values.mean()),
            "sum": float(values.sum()),
            "std_dev": float(values.std()),
            "min": float(values[0]),
            "max": float(values[-1]),
            "distribution": {"kll": {"buckets": buckets, "sketch": sketch}},
        }


def kind_of(value: Any) -> str:
    """Return the type that Deequ sees in a value; a truth value is none of the numbers."""
    if isinstance(value, bool):
        return STRING
    if isinstance(value, int) or (isinstance(value, str) and _WHOLE.fullmatch(value)):
        return INTEGRAL
    if (isinstance(value, float) and math.isfinite(value)) or (isinstance(value, str) and _BROKEN.fullmatch(value)):
        return FRACTIONAL
    return STRING


def _levels(values: np.ndarray) -> list[list[float]]:
    """Return sorted values as a sketch's levels, an item of level i standing for 2**i of them."""
    level = max(0, math.ceil(math.log2(len(values) / SKETCH_K)))
    group = 1 << level
    whole = len(values) // group * group
    levels: list[list[float]] = [[] for _ in range(level + 1)]
    levels[0] = values[whole:].tolist()
    levels[level] += values[:whole].reshape(-1, group)[:, group // 2].tolist()
    return levels
