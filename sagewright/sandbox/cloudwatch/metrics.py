"""Why: services of ours measure like AWS's: every minute one point per metric, among those that clients put themselves.

They are kept where moto keeps a client's points, so that GetMetricStatistics and ListMetrics find them. A minute passes
`pace` times as fast.
"""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

from moto.cloudwatch.models import MetricAggregatedDatum, MetricDatum, cloudwatch_backends

from .samples import Metric, Sample, dimensions_of

MINUTE_S = 60
_DIGITS = 3


class Place(NamedTuple):
    """Where metrics and alarms are."""

    account: str
    region: str


class Measured(MetricAggregatedDatum):
    """A minute's values of one metric: a statistic set that remembers how often each value came."""

    def __init__(self, metric: Metric, time_s: float, unit: str) -> None:
        super().__init__(
            namespace=metric.namespace,
            name=metric.name,
            min_stat=float("inf"),
            max_stat=float("-inf"),
            sample_count=0,
            sum_stat=0,
            dimensions=[{"Name": name, "Value": value} for name, value in sorted(metric.dimensions)],
            timestamp=datetime.fromtimestamp(time_s, UTC).replace(tzinfo=None),  # moto's own times have no zone
            unit=unit,
        )
        self.values: Counter[float] = Counter()

    def add(self, value: float) -> None:
        """Count one value."""
        self.min, self.max = min(self.min, value), max(self.max, value)
        self.sample_count += 1
        self.sum += value
        self.values[float(f"{value:.{_DIGITS}g}")] += 1  # as coarse as CloudWatch's own distributions


class Metrics:
    """Puts what services measure, and reads what an alarm sees."""

    def __init__(self, pace: float) -> None:
        self.pace = pace
        self._minute_s = MINUTE_S / pace
        self._lock = threading.Lock()
        self._current: dict[tuple[Place, Metric], tuple[int, Any]] = {}

    def add(self, place: Place, metric: Metric, value: float, unit: str) -> None:
        """Count one value in the minute that runs."""
        minute = int(time.time() // self._minute_s)
        with self._lock:
            began, datum = self._current.get((place, metric), (-1, None))
            if began != minute or datum is None:
                datum = _measured(metric, minute * self._minute_s, unit)
                self._current[place, metric] = (minute, datum)
                cloudwatch_backends[place.account][place.region].metric_data.append(datum)
            datum.add(value)

    def samples(self, place: Place, metric: Metric, since_s: float) -> list[Sample]:
        """Return the points of exactly this metric, whoever put them."""
        with self._lock:
            points = list(cloudwatch_backends[place.account][place.region].metric_data)
            return list(_samples(points, metric, since_s))


def _measured(metric: Metric, time_s: float, unit: str) -> Any:
    """Return a new data point; moto's base class hides from a type checker what its classes make."""
    return Measured(metric, time_s, unit)


def _samples(points: list[Any], metric: Metric, since_s: float) -> Iterator[Sample]:
    for point in points:
        if point.namespace != metric.namespace or point.name != metric.name:
            continue
        if dimensions_of({"Name": each.name, "Value": each.value} for each in point.dimensions) != metric.dimensions:
            continue
        moment: datetime = point.timestamp
        time_s = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        if time_s < since_s:
            continue
        if isinstance(point, MetricDatum):
            yield Sample.of(time_s, point.value)
        elif isinstance(point, MetricAggregatedDatum):
            values = dict(point.values) if isinstance(point, Measured) else None
            yield Sample(time_s, point.sample_count, point.sum, point.min, point.max, values)
