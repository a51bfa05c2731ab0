import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sagewright.sandbox.clients import access_key
from sagewright.sandbox.clock import Clock
from sagewright.sandbox.images.catalogue import ANALYZER
from sagewright.sandbox.protocol import Caller
from sagewright.sandbox.sagemaker.events import Events
from sagewright.sandbox.sagemaker.jobs import Jobs
from sagewright.sandbox.sagemaker.monitors import Definitions, Schedules
from sagewright.sandbox.sagemaker.store import ENDPOINT, Store

ACCOUNT, REGION = "111111111111", "eu-west-1"
CALLER = Caller(ACCOUNT, REGION, access_key(ACCOUNT))
IMAGE = f"468650794304.dkr.ecr.{REGION}.amazonaws.com/{ANALYZER}"
ENDPOINT_DATA = "/opt/ml/processing/input/endpoint"
LONG_S = 60
PREPROCESSOR = """
import json

def preprocess_handler(inference_record):
    request = inference_record.endpoint_input
    if request.encoding != "JSON":
        return []
    rows = json.loads(request.data)
    return [{"size": float(row["size"]), "color": row["color"]} for row in rows]
"""


def statistics(sizes: list[float], colors: list[str]) -> dict[str, Any]:
    """Return the baseline's statistics.json, with the sizes in a sketch of one level."""
    size = {
        "common": {"num_present": len(sizes), "num_missing": 0},
        "distribution": {"kll": {"sketch": {"parameters": {"c": 0.64, "k": 2048.0}, "data": [sizes]}}},
    }
    buckets = [{"value": color, "count": colors.count(color)} for color in sorted(set(colors))]
    color = {
        "common": {"num_present": len(colors), "num_missing": 0},
        "distribution": {"categorical": {"buckets": buckets}},
    }
    features = [
        {"name": "size", "inferred_type": "Fractional", "numerical_statistics": size},
        {"name": "color", "inferred_type": "String", "string_statistics": color},
    ]
    return {"version": 0.0, "dataset": {"item_count": len(sizes)}, "features": features}


def constraints(**settings: Any) -> dict[str, Any]:
    comparison = {"perform_comparison": "Enabled", "comparison_threshold": 0.1, "comparison_method": "Robust"}
    config = {"evaluate_constraints": "Enabled", "datatype_check_threshold": 0.97, "domain_content_threshold": 0.97}
    features = [
        {"name": "size", "inferred_type": "Fractional", "completeness": 0.97},
        {"name": "color", "inferred_type": "String", "completeness": 0.97},
    ]
    return {
        "version": 0.0,
        "features": features,
        "monitoring_config": config | {"distribution_constraints": comparison} | settings,
    }


def sample(count: int, scale: float = 1) -> tuple[list[float], list[str]]:
    """Return sizes and colors of the same population, the sizes scaled."""
    generator = random.Random(count)  # noqa: S311 - a sample
    sizes = [generator.gauss(50, 10) * scale for _ in range(count)]
    return sizes, [generator.choice(("red", "red", "blue")) for _ in range(count)]


class Recorder:
    """A bus that remembers."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []

    def emit(self, place: Any, **event: Any) -> None:
        self.events.append({"place": tuple(place), **event})


class Bench:
    """Monitors of an endpoint that captures, with jobs that really run, on a clock of their own."""

    def __init__(self, account: Any, folder: Path) -> None:
        self.account = account
        self.clock = Clock()
        self.bus = Recorder()
        self.store = Store(self.clock, Events(self.bus, self.clock).changed)
        service = account.sandbox.sandbox._gateway._sagemaker
        clients = account.sandbox.sandbox.clients
        self.jobs = Jobs(self.store, clients, folder, service._containers)
        self.definitions = Definitions(self.store, clients)
        self.schedules = Schedules(self.store, clients, self.jobs)
        self.name = account.name
        self.start = datetime(2027, 3, 1, 9, 30, tzinfo=UTC)
        self.move(self.start)
        account.put("baseline/statistics.json", json.dumps(statistics(*sample(2000))))
        account.put("baseline/constraints.json", json.dumps(constraints()))
        account.put("baseline/record_preprocessor.py", PREPROCESSOR)
        self.serve()

    def serve(self, **changes: Any) -> None:
        """Put an endpoint as CreateEndpoint leaves it once it serves."""
        uri = f"s3://{self.account.bucket}/capture"
        capture = {"EnableCapture": True, "DestinationS3Uri": uri} | changes
        record = {
            "EndpointName": self.name,
            "EndpointStatus": "InService",
            "EndpointConfigName": "one",
            "CreationTime": self.store.now(),
            "LastModifiedTime": self.store.now(),
            "EndpointArn": self.store.arn(ENDPOINT, CALLER, self.name),
            "ProductionVariants": [{"VariantName": "AllTraffic", "DesiredWeight": 1, "DesiredInstanceCount": 1}],
            "DataCaptureConfig": capture,
        }
        self.store.put(ENDPOINT, CALLER, self.name, record)

    def definition(self, name: str = "quality", **changes: Any) -> dict[str, Any]:
        uri = f"s3://{self.account.bucket}"
        output = {"S3Uri": f"{uri}/monitoring", "LocalPath": "/opt/ml/processing/output/report"}
        return {
            "JobDefinitionName": name,
            "DataQualityAppSpecification": {
                "ImageUri": IMAGE,
                "RecordPreprocessorSourceUri": f"{uri}/baseline/record_preprocessor.py",
                "Environment": {"publish_cloudwatch_metrics": "Disabled"},
            },
            "DataQualityBaselineConfig": {
                "ConstraintsResource": {"S3Uri": f"{uri}/baseline/constraints.json"},
                "StatisticsResource": {"S3Uri": f"{uri}/baseline/statistics.json"},
            },
            "DataQualityJobInput": {"EndpointInput": {"EndpointName": self.name, "LocalPath": ENDPOINT_DATA}},
            "DataQualityJobOutputConfig": {"MonitoringOutputs": [{"S3Output": output}]},
            "JobResources": {
                "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 10}
            },
            "RoleArn": self.account.role,
        } | changes

    def define(self, name: str = "quality", **changes: Any) -> str:
        params = self.definition(name, **changes)
        return self.definitions.create_data_quality_job_definition(params, CALLER)["JobDefinitionArn"]

    def config(self, definition: str = "quality", expression: str = "cron(0 * ? * * *)", **when: str) -> dict[str, Any]:
        return {
            "ScheduleConfig": {"ScheduleExpression": expression} | when,
            "MonitoringJobDefinitionName": definition,
            "MonitoringType": "DataQuality",
        }

    def schedule(self, name: str = "hourly", **config: str) -> str:
        """Make a schedule of the definition and wait until it runs."""
        params = {"MonitoringScheduleName": name, "MonitoringScheduleConfig": self.config(**config)}
        arn = self.schedules.create_monitoring_schedule(params, CALLER)["MonitoringScheduleArn"]
        self.move(self.now)
        return arn

    @property
    def now(self) -> datetime:
        return datetime.fromtimestamp(self.clock.now(), UTC)

    def move(self, moment: datetime) -> None:
        """Move the clock, and let happen what is due on the way."""
        self.clock.forward(max(moment.timestamp(), self.clock.now() + 1))
        assert self.clock.arrived(LONG_S), self.clock.waiting_for()

    def capture(self, sizes: list[float], colors: list[str], moment: datetime | None = None) -> None:
        """Put a captured request, as an endpoint writes it."""
        rows = [{"size": size, "color": color} for size, color in zip(sizes, colors, strict=True)]
        self.capture_data(json.dumps(rows), "JSON", moment)

    def capture_data(self, data: str, encoding: str, moment: datetime | None = None) -> None:
        when = moment or self.now
        request = {"observedContentType": "application/json", "mode": "INPUT", "data": data, "encoding": encoding}
        record = {
            "captureData": {"endpointInput": request},
            "eventMetadata": {"eventId": "1", "inferenceTime": f"{when:%Y-%m-%dT%H:%M:%SZ}"},
            "eventVersion": "0",
        }
        key = f"capture/{self.name}/AllTraffic/{when:%Y/%m/%d/%H/%M-%S}-000-{random.getrandbits(64)}.jsonl"
        self.account.put(key, json.dumps(record) + "\n")

    def executions(self, **params: Any) -> list[dict[str, Any]]:
        """Return the runs, the first one first."""
        listed = self.schedules.list_monitoring_executions({"MaxResults": 100, **params}, CALLER)
        return listed["MonitoringExecutionSummaries"][::-1]

    def describe(self, name: str = "hourly") -> dict[str, Any]:
        return self.schedules.describe_monitoring_schedule({"MonitoringScheduleName": name}, CALLER)

    def job(self, execution: dict[str, Any]) -> dict[str, Any]:
        name = execution["ProcessingJobArn"].rpartition("/")[2]
        return self.jobs.describe_processing_job({"ProcessingJobName": name}, CALLER)

    def result(self, execution: dict[str, Any], file: str) -> dict[str, Any]:
        place = self.job(execution)["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]["S3Uri"]
        return json.loads(self.account.get(f"{place.removeprefix(f's3://{self.account.bucket}/')}/{file}"))

    def close(self) -> None:
        self.clock.close()
        self.jobs.close()


@pytest.fixture
def bench(account: Any, tmp_path: Path) -> Iterator[Bench]:
    made = Bench(account, tmp_path)
    yield made
    made.close()


@pytest.fixture
def hour() -> timedelta:
    return timedelta(hours=1)
