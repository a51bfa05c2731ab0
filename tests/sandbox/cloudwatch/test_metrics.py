import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from typing_extensions import override

from sagewright.sandbox.clock import Clock
from sagewright.sandbox.cloudwatch.metrics import Metrics, Place
from sagewright.sandbox.cloudwatch.samples import Metric, Sample

PLACE = Place("111111111111", "eu-west-1")


class Still(Clock):
    """A clock that stands at noon, so that what is put within a test is of one minute."""

    @override
    def now(self) -> float:
        return 43_200.0


@pytest.fixture
def namespace() -> str:
    return f"Test/{uuid.uuid4().hex}"


@pytest.fixture
def metric(namespace: str) -> Metric:
    return Metric.of(namespace, "Latency", {"EndpointName": "churn", "VariantName": "AllTraffic"})


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(Still(), pace=1)


def test_samples_keep_how_often_each_value_came(metric: Metric, metrics: Metrics) -> None:
    for value in (2.0, 2.0, 12345.0):
        metrics.add(PLACE, metric, value)
    (sample,) = metrics.samples(PLACE, metric, 0)
    assert sample.values == {2.0: 2, 12300.0: 1}
    assert (sample.time_s, sample.count, sample.total) == (43_200, 3, 12349)


def test_samples_are_those_of_exactly_this_metric_and_place(metric: Metric, metrics: Metrics) -> None:
    metrics.add(PLACE, metric, 1.0)
    wider = Metric(metric.namespace, metric.name, frozenset([*metric.dimensions, ("EndpointConfigName", "c")]))
    metrics.add(PLACE, wider, 5.0)
    assert [sample.total for sample in metrics.samples(PLACE, metric, 0)] == [1.0]
    assert [sample.total for sample in metrics.samples(PLACE, wider, 0)] == [5.0]
    assert not metrics.samples(Place("222222222222", "eu-west-1"), metric, 0)


def test_samples_are_those_of_the_span_of_time_in_its_order(metric: Metric, metrics: Metrics) -> None:
    for minute in (5, 1, 3, 2, 4, 3):
        metrics.put(PLACE, metric, Sample.of(minute * 60 + 7, minute))
    found = metrics.samples(PLACE, metric, 120, 240)
    assert [(sample.time_s, sample.total) for sample in found] == [(120, 2), (180, 6)]


def test_values_of_another_unit_are_points_of_their_own(metric: Metric, metrics: Metrics) -> None:
    metrics.add(PLACE, metric, 1.0, "Seconds")
    metrics.add(PLACE, metric, 2.0, "Percent")
    assert sorted(sample.unit for sample in metrics.samples(PLACE, metric, 0)) == ["Percent", "Seconds"]


def put(sandbox: Any, namespace: str, **datum: Any) -> None:
    client = sandbox.client("cloudwatch")
    client.put_metric_data(Namespace=namespace, MetricData=[{"MetricName": "Drift"} | datum])


def clock(sandbox: Any) -> datetime:
    return datetime.fromtimestamp(sandbox.sandbox.clock.now(), UTC)


def read(sandbox: Any, namespace: str, **changes: Any) -> list[dict[str, Any]]:
    now = clock(sandbox)
    request = {"Period": 3600, "StartTime": now - timedelta(hours=2), "EndTime": now + timedelta(hours=3)}
    return sandbox.client("cloudwatch").get_metric_statistics(
        **{"Namespace": namespace, "MetricName": "Drift", "Statistics": ["Sum"]} | request | changes
    )["Datapoints"]


def test_a_value_without_a_time_is_of_the_sandboxs_now(sandbox: Any, namespace: str) -> None:
    before = clock(sandbox)
    put(sandbox, namespace, Value=3, Unit="Count")
    (point,) = read(sandbox, namespace, Statistics=["Sum", "Average", "Maximum", "Minimum", "SampleCount"])
    assert {point.pop(name) for name in ("Sum", "Average", "Maximum", "Minimum")} == {3.0}
    assert (point["SampleCount"], point["Unit"]) == (1.0, "Count")
    assert before - timedelta(hours=1, minutes=1) <= point["Timestamp"] <= clock(sandbox)


@pytest.mark.parametrize(
    ("shift", "refused"),
    [
        (timedelta(hours=1, minutes=59), False),
        (timedelta(hours=2, minutes=1), True),
        (-timedelta(days=13, hours=23), False),
        (-timedelta(days=14, minutes=1), True),
    ],
)
def test_a_value_comes_at_most_two_hours_early_and_two_weeks_late(
    sandbox: Any, namespace: str, shift: timedelta, *, refused: bool
) -> None:
    at = clock(sandbox) + shift
    if not refused:
        put(sandbox, namespace, Value=1, Timestamp=at)
        assert read(sandbox, namespace, StartTime=at - timedelta(hours=1), EndTime=at + timedelta(hours=1))
        return
    with pytest.raises(ClientError, match=r"must specify a time no more than two (hours|weeks) in the") as error:
        put(sandbox, namespace, Value=1, Timestamp=at)
    assert error.value.response["Error"]["Code"] == "InvalidParameterValue"


@pytest.mark.parametrize(
    ("datum", "message"),
    [
        ({"Value": float("nan")}, "The value nan for parameter MetricData.member.1.Value is invalid"),
        ({"Values": [1, 2], "Counts": [1]}, "must be of the same size"),
        ({"Value": 1, "Values": [1]}, "are mutually exclusive"),
        ({}, "are all missing"),
        ({"Value": float("inf")}, "The value inf for parameter MetricData.member.1.Value is invalid"),
        ({"Value": 1.2e108}, "is invalid"),
        ({"Value": -1.2e108}, "is invalid"),
        ({"Value": 8.5e-109}, "is invalid"),
        ({"Values": [1.0] * 151}, "The collection MetricData.member.1.Values must not have a size greater than 150"),
        ({"Value": 1, "Dimensions": [{"Name": "A", "Value": "ü"}]}, "member.1.Value contains non-ASCII characters"),
        ({"Value": 1, "Dimensions": [{"Name": "ü", "Value": "a"}]}, "member.1.Name contains non-ASCII characters"),
        ({"Value": 1, "Dimensions": [{"Name": "A", "Value": "a\tb"}]}, "contains ASCII control characters"),
        ({"Value": 1, "Dimensions": [{"Name": " ", "Value": "a"}]}, "must contain at least one character that is no"),
        ({"Value": 1, "Dimensions": [{"Name": ":A", "Value": "a"}]}, "must not start with a colon"),
        ({"Value": 1, "Dimensions": [{"Name": "A", "Value": v} for v in "ab"]}, "the same dimension name twice"),
    ],
)
def test_a_value_that_cloudwatch_does_not_take_is_refused(
    sandbox: Any, namespace: str, datum: dict[str, Any], message: str
) -> None:
    with pytest.raises(ClientError, match=message):
        put(sandbox, namespace, **datum)
    assert not read(sandbox, namespace)


def test_the_least_and_the_most_that_cloudwatch_takes_are_taken(sandbox: Any, namespace: str) -> None:
    put(sandbox, namespace, Values=[0.0, 8.515920e-109, -1.174271e108, *range(1, 148)])
    put(sandbox, namespace, Value=1, Dimensions=[{"Name": "A b:c", "Value": ":1"}])
    (point,) = read(sandbox, namespace, Statistics=["SampleCount"])
    assert point["SampleCount"] == 150


def test_a_thousand_data_of_long_names_come_compressed_and_one_more_is_refused(sandbox: Any, namespace: str) -> None:
    client = sandbox.client("cloudwatch")
    sent: list[Any] = []

    def note(request: Any, **_: Any) -> None:
        sent.append(request.headers["Content-Encoding"])

    data = [{"MetricName": f"{number:04}" + "x" * 200, "Value": number} for number in range(1001)]
    client.meta.events.register("before-send", note)
    try:
        client.put_metric_data(Namespace=namespace, MetricData=data[:1000])
    finally:
        client.meta.events.unregister("before-send", note)
    assert sent in (["gzip"], [b"gzip"])
    last = data[999]["MetricName"]
    assert [point["Sum"] for point in read(sandbox, namespace, MetricName=last)] == [999.0]
    with pytest.raises(ClientError, match="The collection MetricData must not have a size greater than 1000") as error:
        client.put_metric_data(Namespace=namespace, MetricData=data)
    assert error.value.response["Error"]["Code"] == "InvalidParameterValue"
    assert len(client.list_metrics(Namespace=namespace)["Metrics"]) == 500  # a page
    assert not read(sandbox, namespace, MetricName=data[1000]["MetricName"])


def test_a_namespace_of_aws_is_not_for_clients(sandbox: Any) -> None:
    with pytest.raises(ClientError, match="The value AWS/ for parameter Namespace is invalid"):
        put(sandbox, "AWS/SageMaker", Value=1)


def test_values_with_counts_have_percentiles_and_a_statistic_set_has_none(sandbox: Any, namespace: str) -> None:
    put(sandbox, namespace, Values=[10.0, 20.0], Counts=[9, 1])
    (point,) = read(sandbox, namespace, ExtendedStatistics=["p50", "p99"], Statistics=["Average"])
    assert (point["Average"], point["ExtendedStatistics"]) == (11.0, {"p50": 10.0, "p99": 20.0})
    put(sandbox, namespace, StatisticValues={"SampleCount": 2, "Sum": 40, "Minimum": 10, "Maximum": 30})
    (point,) = read(sandbox, namespace)
    assert point["Sum"] == 150.0


def test_several_metrics_are_read_at_once_the_newest_period_first(sandbox: Any, namespace: str) -> None:
    now = clock(sandbox)
    for hours, value in ((0, 1.0), (1, 2.0)):
        put(sandbox, namespace, Value=value, Timestamp=now - timedelta(hours=hours))
    metric = {"Namespace": namespace, "MetricName": "Drift"}
    queries = [
        {"Id": "a", "MetricStat": {"Metric": metric, "Period": 3600, "Stat": "Maximum"}},
        {"Id": "b", "MetricStat": {"Metric": metric | {"MetricName": "No"}, "Period": 60, "Stat": "Sum"}},
    ]
    span = {"StartTime": now - timedelta(hours=1, minutes=30), "EndTime": now + timedelta(hours=1)}
    client = sandbox.client("cloudwatch")
    first, second = client.get_metric_data(MetricDataQueries=queries, **span)["MetricDataResults"]
    assert (first["Values"], first["Label"], first["StatusCode"]) == ([1.0, 2.0], "Drift", "Complete")
    assert first["Timestamps"][0] - first["Timestamps"][1] == timedelta(hours=1)
    assert second["Values"] == []
    with pytest.raises(ClientError, match="The sandbox does not have GetMetricData with Expression"):
        client.get_metric_data(MetricDataQueries=[{"Id": "e", "Expression": "a * 2"}], **span)


def test_metrics_are_listed_with_their_dimensions(sandbox: Any, namespace: str) -> None:
    put(sandbox, namespace, Value=1, Dimensions=[{"Name": "Endpoint", "Value": "churn"}])
    put(sandbox, namespace, Value=1, Dimensions=[{"Name": "Endpoint", "Value": "other"}])
    put(sandbox, namespace, Value=1)
    client = sandbox.client("cloudwatch")
    assert len(client.list_metrics(Namespace=namespace)["Metrics"]) == 3
    churn = client.list_metrics(Namespace=namespace, Dimensions=[{"Name": "Endpoint", "Value": "churn"}])["Metrics"]
    assert churn[0]["Dimensions"] == [{"Name": "Endpoint", "Value": "churn"}]
