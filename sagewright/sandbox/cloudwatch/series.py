"""Why: a move over a week asks each alarm's metric thousands of times, so its points are found without a search."""

from bisect import bisect_left
from collections.abc import Sequence

from .samples import Sample


class Series:
    """One metric's points in the order of their times; what comes at one time in one unit is one point."""

    def __init__(self) -> None:
        self.version = 0
        """Changes with each point, so that who has seen a version need not look again."""
        self._times: list[float] = []
        self._points: list[Sample] = []

    @property
    def last_s(self) -> float:
        """The time of the latest point."""
        return self._times[-1]

    def add(self, sample: Sample) -> None:
        """Keep a point, together with those of its time and unit."""
        self.version += 1
        place = bisect_left(self._times, sample.time_s)
        while place < len(self._times) and self._times[place] == sample.time_s:
            if self._points[place].unit == sample.unit:
                self._points[place] = _together(self._points[place], sample)
                return
            place += 1
        self._times.insert(place, sample.time_s)
        self._points.insert(place, sample)

    def between(self, since_s: float, until_s: float) -> list[Sample]:
        """Return the points of this span of time, its end excluded."""
        return self._points[bisect_left(self._times, since_s) : bisect_left(self._times, until_s)]

    def cut(self, moments: Sequence[float]) -> tuple[int, ...]:
        """Return how many points came before each moment: the same numbers mean the same points in between."""
        return tuple(bisect_left(self._times, moment) for moment in moments)


def _together(one: Sample, other: Sample) -> Sample:
    values = None
    if one.values is not None and other.values is not None:
        values = dict(one.values)
        for value, count in other.values.items():
            values[value] = values.get(value, 0) + count
    return Sample(
        one.time_s,
        one.count + other.count,
        one.total + other.total,
        min(one.minimum, other.minimum),
        max(one.maximum, other.maximum),
        values,
        one.unit,
    )
