"""A sorted summary of any number of values, in bounded memory and with a known error, that merges with its like.

The idea is that of the KLL sketch (https://arxiv.org/abs/1603.05346), whose form Model Monitor's statistics have:
values of level i stand for 2^i rows each. A full level is sorted and one value of each run of 32 goes five levels up;
it is the middle one, so nothing here is random and the error has a bound that is never exceeded.
"""

from collections.abc import Sequence

import numpy as np

# The parameters that Model Monitor writes; the stored form keeps at most K values of the highest weight.
K = 2048
C = 0.64

_CAPACITY = 65_536
_STEP = 5


class QuantileSketch:
    """Ranks of a column of finite numbers.

    `rank_error` is the most by which any rank can be off, in rows: 0 up to 65,536 values, at most 0.025 % of the
    rows for each level above (one up to two million rows, two up to 64 million). The stored form adds at most 0.06 %.
    """

    def __init__(self) -> None:
        self.count = 0
        self.rank_error = 0.0
        self._levels: dict[int, list[np.ndarray]] = {}

    @classmethod
    def of_levels(cls, levels: Sequence[Sequence[float]]) -> "QuantileSketch":
        """Read the values that `levels` gave, or those of a KLL sketch: the i-th list's values stand for 2^i rows."""
        sketch = cls()
        for level, values in enumerate(levels):
            if len(values):
                sketch._levels[level] = [np.asarray(values, dtype=np.float64)]
                sketch.count += len(values) << level
        return sketch

    def add(self, values: np.ndarray) -> None:
        """Add finite numbers, one for each row."""
        self.count += values.size
        self._put(0, values)

    def stored(self) -> "QuantileSketch":
        """Return the sketch in the form for a file: at most K values of the highest weight, and few of the others."""
        height = max(self._levels, default=0)
        while self.count >> height > K:
            height += 1
        small = QuantileSketch()
        small.count, small.rank_error = self.count, self.rank_error
        parts = {level: [*arrays] for level, arrays in self._levels.items()}
        for level in range(height):
            if level in parts:
                above = min(level + _STEP, height)
                rest, middles = _middles(np.sort(np.concatenate(parts[level])), 1 << (above - level))
                parts[level] = [rest]
                parts.setdefault(above, []).append(middles)
                small.rank_error += (1 << above) / 2 if middles.size else 0
        small._levels = {level: [np.sort(np.concatenate(arrays))] for level, arrays in parts.items()}
        return small

    def levels(self) -> list[list[float]]:
        """Return the values of each level, in order."""
        height = max(self._levels, default=-1)
        return [np.sort(np.concatenate(self._levels.get(level, [_NONE]))).tolist() for level in range(height + 1)]

    def weighted(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the values in order, and for each how many rows are not above it."""
        if not self._levels:
            return _NONE, _NONE
        parts = [(np.concatenate(arrays), level) for level, arrays in self._levels.items()]
        values = np.concatenate([array for array, _ in parts])
        rows = np.concatenate([np.full(array.size, 1 << level, dtype=np.int64) for array, level in parts])
        order = np.argsort(values, kind="stable")
        return values[order], np.cumsum(rows[order])

    def ranks(self, at: np.ndarray) -> np.ndarray:
        """Return how many rows are not above each of some values."""
        values, cumulated = self.weighted()
        return np.concatenate([[0], cumulated])[np.searchsorted(values, at, side="right")]

    def _put(self, level: int, values: np.ndarray) -> None:
        parts = self._levels.setdefault(level, [])
        parts.append(np.array(values, dtype=np.float64))  # a copy: the caller's may be a view of a whole batch
        if sum(part.size for part in parts) < _CAPACITY:
            return
        rest, middles = _middles(np.sort(np.concatenate(parts)), 1 << _STEP)
        self._levels[level] = [rest]
        self.rank_error += (1 << level + _STEP) / 2
        self._put(level + _STEP, middles)


_NONE = np.empty(0)


def _middles(ordered: np.ndarray, run: int) -> tuple[np.ndarray, np.ndarray]:
    """Return what is left over at the upper end, and the middle of each run of that many values in order.

    Rows that are not above a value are counted by the middles that are not above it, `run` each: at most half a run
    too many or too few, because only the run that the value falls into is counted wholly or not at all.
    """
    whole = ordered.size - ordered.size % run
    return ordered[whole:], ordered[run // 2 - (run > 1) : whole : run]
