from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.stub import ANY, Stubber

from sagewright.runtime.functions import training_start
from sagewright.runtime.functions.champion import Champion
from sagewright.runtime.functions.objects import Location
from sagewright.runtime.functions.refusal import Refused
from sagewright.runtime.functions.training_start import Overrides

ARN = "arn:aws:sagemaker:eu-west-1:111111111111:pipeline/churn-training/execution/abcdefghijkl"


def put(client: Callable[[str], Any], bucket: str, **files: bytes) -> None:
    for name, body in files.items():
        client("s3").put_object(Bucket=bucket, Key=f"raw/{name}", Body=body)


def test_the_data_version_is_the_same_until_the_data_changes(client: Callable[[str], Any], bucket: str) -> None:
    source = Location(bucket, "raw/")
    put(client, bucket, a=b"1,2")
    first = training_start.data_version(client("s3"), source)
    put(client, bucket, a=b"1,2")
    assert training_start.data_version(client("s3"), source) == first
    put(client, bucket, a=b"1,3")
    changed = training_start.data_version(client("s3"), source)
    assert changed != first
    put(client, bucket, b=b"4,5")
    assert training_start.data_version(client("s3"), source) not in (first, changed)


def test_an_empty_folder_object_is_no_data(client: Callable[[str], Any], bucket: str) -> None:
    client("s3").put_object(Bucket=bucket, Key="raw/", Body=b"")
    with pytest.raises(Refused, match="There is no data below s3://"):
        training_start.data_version(client("s3"), Location(bucket, "raw/"))


@pytest.fixture
def stubbed() -> Any:
    sagemaker = boto3.client("sagemaker", region_name="eu-west-1", aws_access_key_id="a", aws_secret_access_key="b")
    with Stubber(sagemaker) as stubber:
        yield sagemaker, stubber
        stubber.assert_no_pending_responses()


def executions(*statuses: str) -> dict[str, Any]:
    return {
        "PipelineExecutionSummaries": [
            {"PipelineExecutionArn": ARN, "PipelineExecutionStatus": status} for status in statuses
        ]
    }


@pytest.mark.parametrize("status", ["Executing", "Stopping"])
def test_a_second_training_is_refused_while_one_has_not_ended(stubbed: Any, status: str) -> None:
    sagemaker, stubber = stubbed
    stubber.add_response("list_pipeline_executions", executions("Succeeded", status))
    with pytest.raises(Refused, match="Pipeline churn-training is already running") as refused:
        training_start.start(sagemaker, "churn-training", version="v", git_commit=None, overrides=Overrides())
    command = f"aws sagemaker stop-pipeline-execution --region eu-west-1 --pipeline-execution-arn {ARN}"
    assert f"`{command}`" in str(refused.value)


def test_a_training_starts_with_its_data_commit_and_what_this_run_overrides(stubbed: Any) -> None:
    sagemaker, stubber = stubbed
    stubber.add_response("list_pipeline_executions", executions("Succeeded", "Failed"))
    expected = {
        "PipelineName": "churn-training",
        "PipelineParameters": [
            {"Name": "DataVersion", "Value": "v1"},
            {"Name": "GitCommit", "Value": "c0ffee"},
            {"Name": "MetricThreshold", "Value": "0.7"},
            {"Name": "TrainingInstanceType", "Value": "ml.m5.2xlarge"},
            {"Name": "ChampionModelUri", "Value": "s3://bucket/model.tar.gz"},
            {"Name": "ChampionVersion", "Value": "3"},
        ],
        "ClientRequestToken": ANY,
    }
    stubber.add_response("start_pipeline_execution", {"PipelineExecutionArn": ARN}, expected)
    overrides = Overrides(metric_threshold=0.7, training_instance_type="ml.m5.2xlarge")
    started = training_start.start(
        sagemaker,
        "churn-training",
        version="v1",
        git_commit="c0ffee",
        overrides=overrides,
        champion=Champion("3", "s3://bucket/model.tar.gz"),
    )
    assert started == ARN
