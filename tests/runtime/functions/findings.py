"""What a monitor leaves behind, in an S3 of this process: written as the jobs write it, read by the functions."""

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import boto3
import pytest
from moto import mock_aws
from moto.core import DEFAULT_ACCOUNT_ID

import sagewright

BUCKET = "churn-prod-data"
FINDINGS = f"s3://{BUCKET}/monitoring/churn-prod/"
BASELINE = f"s3://{BUCKET}/releases/7/baseline/"
SETTINGS = {
    "PROJECT": "churn",
    "ENVIRONMENT": "prod",
    "ENDPOINT": "churn-prod",
    "NAMESPACE": "Sagewright/churn/prod",
    "VERSION": "7",
    "ENGINE": "builtin",
    "MONITOR": "builtin-hourly",
    "WINDOW_HOURS": "1",
    "FINDINGS": FINDINGS,
    "BASELINE": BASELINE,
    "SILENCE_ALARM": "churn-prod/monitor-silent",
    "DASHBOARD": "https://eu-west-1.console.aws.amazon.com/cloudwatch/home#dashboards/dashboard/churn-prod",
    "SCHEDULE": "churn-prod-data-quality",
    "TOPIC_ARN": f"arn:aws:sns:eu-west-1:{DEFAULT_ACCOUNT_ID}:churn-prod-notices",
}
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "AKIATEST",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "eu-west-1",
}


@contextmanager
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An AWS of this process, with the environment's bucket, for the time of a test."""
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        place: Any = {"LocationConstraint": "eu-west-1"}
        boto3.client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration=place)
        yield


def deployed() -> ModuleType:
    """Load the function from its file alone, as Lambda does, with its settings behind the last line."""
    path = Path(sagewright.__file__).parent / "runtime" / "functions" / "findings.py"
    module = ModuleType("index")
    # Dataclasses look their module up.
    sys.modules["index"] = module
    settings = f"\n\nSETTINGS.update({json.dumps(SETTINGS)})\n"
    exec(compile(path.read_text(encoding="utf-8") + settings, str(path), "exec"), module.__dict__)  # noqa: S102 (it is ours)
    return module


def put(folder: str, documents: Mapping[str, Any]) -> None:
    """Write the files of one run, or of a baseline."""
    prefix = folder.removeprefix(f"s3://{BUCKET}/")
    for name, document in documents.items():
        boto3.client("s3").put_object(Bucket=BUCKET, Key=f"{prefix}{name}.json", Body=json.dumps(document).encode())


def run_of(hour: int, columns: Mapping[str, float], *, threshold: float = 0.1, rows: int = 500) -> dict[str, Any]:
    """The files of one hour's run of the built-in engine that measured these distances."""
    found = list(violations(columns, threshold))
    drifted = {each["feature_name"] for each in found}
    return {
        "statistics": statistics(mean=129.1 if drifted else 64.8),
        "constraint_violations": {"violations": found},
        "drift": {
            "engine": "builtin",
            "window": {"start": f"2026-11-21T{hour - 1:02}:00:00Z", "end": f"2026-11-21T{hour:02}:00:00Z"},
            "rows": rows,
            "records": rows,
            "unreadable": 0,
            "columns": [
                {
                    "name": name,
                    "kind": "numerical",
                    "distance": distance,
                    "threshold": threshold,
                    "drifted": name in drifted,
                    "checks": ["baseline_drift_check"] * (name in drifted),
                }
                for name, distance in columns.items()
            ],
        },
    }


def violations(columns: Mapping[str, float], threshold: float = 0.1) -> Iterator[dict[str, str]]:
    """The violations of columns that are farther away than they may be, in Model Monitor's words."""
    for name, distance in columns.items():
        if distance > threshold:
            yield {
                "feature_name": name,
                "constraint_check_type": "baseline_drift_check",
                "description": f"Baseline drift distance: {distance} exceeds threshold: {threshold}",
            }


def statistics(*, mean: float = 64.8, yearly: int = 20) -> dict[str, Any]:
    """Statistics of one column of numbers and one of text."""
    common = {"num_present": 100, "num_missing": 0}
    buckets = [{"value": "Yearly", "count": yearly}, {"value": "Monthly", "count": 100 - yearly}]
    return {
        "version": 0,
        "dataset": {"item_count": 100},
        "features": [
            {"name": "price", "inferred_type": "Fractional", "numerical_statistics": {"common": common, "mean": mean}},
            {
                "name": "plan",
                "inferred_type": "String",
                "string_statistics": {
                    "common": common,
                    "distinct_count": 2,
                    "distribution": {"categorical": {"buckets": buckets}},
                },
            },
        ],
    }
