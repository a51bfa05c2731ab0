from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

VARIANT = ("EndpointName", "VariantName")
CONFIG = (*VARIANT, "EndpointConfigName")


def total(serving: Any, metric: str, names: tuple[str, ...], statistic: str = "Sum") -> float:
    values = {"EndpointName": serving.name, "VariantName": "AllTraffic", "EndpointConfigName": f"{serving.name}-one"}
    now = datetime.fromtimestamp(serving.account.sandbox.sandbox.clock.now(), UTC)
    points = serving.account.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/SageMaker",
        MetricName=metric,
        Dimensions=[{"Name": name, "Value": values[name]} for name in names],
        StartTime=now - timedelta(hours=1),
        EndTime=now + timedelta(hours=1),
        Period=7200,
        Statistics=[statistic],
    )["Datapoints"]
    return sum(point[statistic] for point in points)


def ask(serving: Any, body: str) -> None:
    try:
        serving.invoke(body)
    except serving.runtime.exceptions.ModelError:
        return


def test_requests_are_counted_by_what_came_of_them(serving: Any) -> None:
    serving.create("one")
    for body in ("1", "1", "1", "bad", "bad", "raise"):
        ask(serving, body)
    for metric, expected in (
        ("Invocations", 6),
        ("Invocation4XXErrors", 2),
        ("Invocation5XXErrors", 1),
        ("InvocationModelErrors", 3),
    ):
        assert total(serving, metric, CONFIG) == expected


def test_points_come_with_the_configuration_and_without_it(serving: Any) -> None:
    serving.create("one")
    serving.invoke()
    serving.update(serving.configure("two"))
    serving.invoke()
    metrics = serving.account.client("cloudwatch").list_metrics(
        Namespace="AWS/SageMaker",
        MetricName="Invocations",
        Dimensions=[{"Name": "EndpointName", "Value": serving.name}],
    )["Metrics"]
    found = {tuple(sorted(each["Name"] for each in metric["Dimensions"])) for metric in metrics}
    assert found == {tuple(sorted(VARIANT)), tuple(sorted(CONFIG))}
    assert total(serving, "Invocations", CONFIG) == 1


def test_latency_is_that_of_the_model_apart_from_the_rest(serving: Any) -> None:
    handlers = serving.handlers.replace('print("loading"', 'time.sleep(0); print("loading"')
    slow = handlers.replace("def predict_fn(data, model):", "def predict_fn(data, model):\n    time.sleep(0.3)")
    serving.create("one", slow)
    serving.invoke()
    assert 300_000 <= total(serving, "ModelLatency", CONFIG, "Maximum") < 2_000_000
    assert 0 < total(serving, "OverheadLatency", CONFIG, "Maximum") < 300_000


@pytest.mark.parametrize("metric", ["CPUUtilization", "MemoryUtilization", "DiskUtilization"])
def test_instances_say_how_busy_they_are(serving: Any, metric: str) -> None:
    serving.create("one")
    now = datetime.fromtimestamp(serving.account.sandbox.sandbox.clock.now(), UTC)
    dimensions = {"EndpointName": serving.name, "VariantName": "AllTraffic"}
    points = serving.account.client("cloudwatch").get_metric_statistics(
        Namespace="/aws/sagemaker/Endpoints",
        MetricName=metric,
        Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
        StartTime=now - timedelta(hours=1),
        EndTime=now + timedelta(hours=1),
        Period=7200,
        Statistics=["Average"],
    )["Datapoints"]
    (point,) = points
    # A process that has just come up may have used less than one tick of the clock.
    assert 0 <= point["Average"] <= 800
