"""Why: an alarm sees statistics over a period, whatever way the numbers came in; percentiles need the values, too."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

_PERCENTILE_PREFIX = "p"
NO_UNIT = "None"
"""What CloudWatch calls the unit of a value that came without one."""


@dataclass(frozen=True)
class Metric:
    """What names a metric within an account and region."""

    namespace: str
    name: str
    dimensions: frozenset[tuple[str, str]]

    @staticmethod
    def of(namespace: str, name: str, dimensions: Mapping[str, str]) -> "Metric":
        """Return the metric with these dimensions."""
        return Metric(namespace, name, frozenset(dimensions.items()))


class AlarmError(Exception):
    """Why an alarm cannot be watched."""


class UnavailableError(AlarmError):
    """It is of a kind that exists in AWS and not here."""


@dataclass(frozen=True)
class Sample:
    """One data point of a metric: when (seconds since 1970), how many values, and which."""

    time_s: float
    count: float
    total: float
    minimum: float
    maximum: float
    values: Mapping[float, float] | None = None
    """How often each value came; None of a statistic set, which has forgotten them."""
    unit: str = NO_UNIT

    @staticmethod
    def of(time_s: float, value: float, count: float = 1, unit: str = NO_UNIT) -> "Sample":
        """Return the sample of a value that came so many times."""
        return Sample(time_s, count, value * count, value, value, {value: count}, unit)


def statistic(name: str, samples: Iterable[Sample]) -> float | None:
    """Return a statistic over the samples of one period; None where there is nothing to compute it from."""
    found = list(samples)
    count = sum(sample.count for sample in found)
    if not found or not count:
        return None
    total = sum(sample.total for sample in found)
    simple = {
        "SampleCount": count,
        "Sum": total,
        "Average": total / count,
        "Minimum": min(sample.minimum for sample in found),
        "Maximum": max(sample.maximum for sample in found),
    }
    return simple[name] if name in simple else _percentile(percentile_of(name), found)


def percentile_of(name: str) -> float:
    """Return 99.9 of "p99.9"; other extended statistics (trimmed means and their like) are not known here."""
    try:
        percent = float(name.removeprefix(_PERCENTILE_PREFIX)) if name.startswith(_PERCENTILE_PREFIX) else math.nan
    except ValueError:
        percent = math.nan
    if not 0 <= percent <= 100:  # noqa: PLR2004 - a percentage
        raise UnavailableError(f"statistic {name}")
    return percent


def _percentile(percent: float, samples: list[Sample]) -> float | None:
    """Return the nearest-rank percentile, or None where a sample has forgotten its values, as in CloudWatch."""
    every: Counter[float] = Counter()
    for sample in samples:
        if sample.values is None and sample.minimum != sample.maximum:
            return None
        for value, count in (sample.values or {sample.minimum: sample.count}).items():
            every[value] += int(count)
    rank, seen = max(1, math.ceil(every.total() * percent / 100)), 0
    for value in sorted(every):
        seen += every[value]
        if seen >= rank:
            return value
    return None


def dimensions_of(given: Iterable[Mapping[str, Any]]) -> frozenset[tuple[str, str]]:
    """Return dimensions as CloudWatch compares them: a metric is named by exactly all of its own."""
    return frozenset((each["Name"], each["Value"]) for each in given)
