import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from botocore.config import Config

from sagewright.cli import sandbox_process
from tests.runtime.functions.endpoint import ACCOUNT, IMAGE, REGION, Endpoint

EVALUATION = {
    "binary_classification_metrics": {
        "average_precision": {"value": 0.66, "standard_deviation": 0.01},
        "accuracy": {"value": 0.8, "standard_deviation": "NaN"},
        "confusion_matrix": {"value": {"value": 1, "No": 2}},
    },
    "rows": 3,
}


@pytest.fixture(scope="session")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Any]]:
    running = sandbox_process.start(tmp_path_factory.mktemp("functions"))

    def make(service: str) -> Any:
        session = boto3.Session(f"AKIASBOX{ACCOUNT}", "sandbox", region_name=REGION)
        name: Any = service
        return session.client(name, endpoint_url=running.endpoint, config=Config(proxies={}))

    yield make
    running.stop()


@pytest.fixture(scope="session")
def endpoint(client: Callable[[str], Any]) -> Callable[[], Endpoint]:
    """Make the endpoint of an environment that nothing was released to yet."""

    def make() -> Endpoint:
        name = f"endpoint-{uuid.uuid4().hex}"
        client("s3").create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
        return Endpoint(client, name)

    return make


@dataclass(frozen=True)
class Registered:
    bucket: str
    group: str
    arns: list[str]

    def uri(self, key: str) -> str:
        return f"s3://{self.bucket}/{key}"


@pytest.fixture
def bucket(client: Callable[[str], Any]) -> str:
    name = f"data-{uuid.uuid4().hex}"
    client("s3").create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    return name


@pytest.fixture
def registered(client: Callable[[str], Any], bucket: str) -> Registered:
    """Two versions whose record is as the pipeline writes it."""
    s3, sagemaker, group = client("s3"), client("sagemaker"), f"group-{uuid.uuid4().hex[:12]}"
    files = {
        "run/Train/model.tar.gz": b"a model",
        "run/baseline/schema.json": b'{"columns": []}',
        "run/evaluation/evaluation.json": json.dumps(EVALUATION).encode(),
        "run/evaluation/predictions.csv": b"row_number,truth,prediction,score\n7,Yes,No,0.4\n9,No,No,0.1\n",
        "run/evaluation-of-another/evaluation.json": b"{}",
        "run/held_out/rows.csv": b'age,plan\n42,"a, b"\n17,c\n',
        "run/held_out/truth.csv": b"row_number,churn\n7,Yes\n9,No\n",
    }
    for key, body in files.items():
        s3.put_object(Bucket=bucket, Key=key, Body=body)
    sagemaker.create_model_package_group(ModelPackageGroupName=group)
    metadata = {
        "BaselineUri": f"s3://{bucket}/run/baseline",
        "EvaluationUri": f"s3://{bucket}/run/evaluation",
        "HeldOutUri": f"s3://{bucket}/run/held_out",
        "ExecutionArn": f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:pipeline/p/execution/abc",
        "Metric": "average_precision",
    }
    arns = [
        sagemaker.create_model_package(
            ModelPackageGroupName=group,
            ModelApprovalStatus="PendingManualApproval",
            InferenceSpecification={
                "Containers": [{"Image": IMAGE, "ModelDataUrl": f"s3://{bucket}/run/Train/model.tar.gz"}],
                "SupportedContentTypes": ["text/csv"],
                "SupportedResponseMIMETypes": ["text/csv"],
            },
            CustomerMetadataProperties=metadata,
        )["ModelPackageArn"]
        for _ in range(2)
    ]
    return Registered(bucket, group, arns)
