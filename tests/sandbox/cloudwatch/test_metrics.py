import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sagewright.sandbox.cloudwatch.metrics import Metrics, Place
from sagewright.sandbox.cloudwatch.samples import Metric

PLACE = Place("111111111111", "eu-west-1")


@pytest.fixture
def metric() -> Metric:
    return Metric.of(f"Test/{uuid.uuid4().hex}", "Latency", {"EndpointName": "churn", "VariantName": "AllTraffic"})


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(pace=0.001)  # a minute lasts most of a day, so that one holds all of a test


def test_what_is_measured_is_found_by_clients(sandbox: Any, metric: Metric, metrics: Metrics) -> None:
    for value in (1.0, 2.0, 6.0):
        metrics.add(PLACE, metric, value, "Microseconds")
    client = sandbox.client("cloudwatch")
    now = datetime.now(UTC)
    (point,) = client.get_metric_statistics(
        Namespace=metric.namespace,
        MetricName=metric.name,
        Dimensions=[{"Name": name, "Value": value} for name, value in metric.dimensions],
        StartTime=now - timedelta(days=2),
        EndTime=now + timedelta(days=1),
        Period=86400,
        Statistics=["Sum", "Average", "Maximum", "SampleCount"],
    )["Datapoints"]
    assert (point["Sum"], point["Average"], point["Maximum"], point["SampleCount"]) == (9, 3, 6, 3)
    assert point["Unit"] == "Microseconds"
    assert client.list_metrics(Namespace=metric.namespace)["Metrics"][0]["MetricName"] == "Latency"


def test_samples_keep_how_often_each_value_came(metric: Metric, metrics: Metrics) -> None:
    for value in (2.0, 2.0, 12345.0):
        metrics.add(PLACE, metric, value, "None")
    (sample,) = metrics.samples(PLACE, metric, 0)
    assert sample.values == {2.0: 2, 12300.0: 1}


def test_samples_are_those_of_exactly_this_metric(sandbox: Any, metric: Metric, metrics: Metrics) -> None:
    metrics.add(PLACE, metric, 1.0, "None")
    wider = Metric(metric.namespace, metric.name, frozenset([*metric.dimensions, ("EndpointConfigName", "c")]))
    metrics.add(PLACE, wider, 5.0, "None")
    dimensions = [{"Name": name, "Value": value} for name, value in wider.dimensions]
    sandbox.client("cloudwatch").put_metric_data(
        Namespace=metric.namespace,
        MetricData=[{"MetricName": metric.name, "Dimensions": dimensions, "Value": 7, "Timestamp": time.time()}],
    )
    assert [sample.total for sample in metrics.samples(PLACE, metric, 0)] == [1.0]
    assert [sample.total for sample in metrics.samples(PLACE, wider, 0)] == [5.0, 7.0]
    assert not metrics.samples(Place("222222222222", "eu-west-1"), metric, 0)
    assert not metrics.samples(PLACE, wider, time.time() + 60)
