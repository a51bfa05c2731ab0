"""Why: services of ours measure like AWS's: every minute one point per metric, among those that clients put themselves.

A minute passes `pace` times as fast, because deployments bake at that pace and look at what was measured meanwhile.
"""

import threading
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from ..clock import Clock
from .samples import NO_UNIT, Metric, Sample
from .series import Series

MINUTE_S = 60
_DIGITS = 3


class Place(NamedTuple):
    """Where metrics and alarms are."""

    account: str
    region: str


class Metrics:
    """Keeps what services measure and clients put, by account, region and metric."""

    def __init__(self, clock: Clock, pace: float) -> None:
        self.clock = clock
        self.pace = pace
        self._lock = threading.Lock()
        self._series: defaultdict[Place, dict[Metric, Series]] = defaultdict(dict)

    def add(self, place: Place, metric: Metric, value: float, unit: str = NO_UNIT) -> None:
        """Count one value in the minute that runs, as coarse as CloudWatch's own distributions."""
        coarse = float(f"{value:.{_DIGITS}g}")
        self.put(place, metric, replace(Sample.of(self.clock.now(), value, unit=unit), values={coarse: 1}))

    def put(self, place: Place, metric: Metric, sample: Sample, resolution_s: int = MINUTE_S) -> None:
        """Keep a point in its minute, or in its second where it was put in high resolution."""
        step_s = resolution_s / self.pace
        begin_s = sample.time_s // step_s * step_s
        with self._lock:
            series = self._series[place].setdefault(metric, Series())
            series.add(replace(sample, time_s=begin_s))

    def samples(self, place: Place, metric: Metric, since_s: float, until_s: float = float("inf")) -> list[Sample]:
        """Return the points of exactly this metric in a span of time, its end excluded, whoever put them."""
        with self._lock:
            series = self._series[place].get(metric)
            return series.between(since_s, until_s) if series else []

    def cut(self, place: Place, metric: Metric, moments: tuple[float, ...]) -> tuple[int, ...]:
        """Return what stays the same as long as the same points lie between the moments."""
        with self._lock:
            series = self._series[place].get(metric)
            return (series.version, *series.cut(moments)) if series else ()

    def names(self, place: Place) -> Mapping[Metric, float]:
        """Return the metrics that have points, each with the time of its latest one."""
        with self._lock:
            return {metric: series.last_s for metric, series in self._series[place].items()}
