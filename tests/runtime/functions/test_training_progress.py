from datetime import UTC, datetime

import boto3
from botocore.stub import Stubber

from sagewright.runtime.functions import training_progress

ARN = "arn:aws:sagemaker:eu-west-1:111111111111:pipeline/churn-training/execution/abcdefghijkl"
JOB = "arn:aws:sagemaker:eu-west-1:111111111111:training-job/pipelines-abc-Train-xyz"


def at(second: int) -> datetime:
    return datetime(2026, 1, 1, 0, 0, second, tzinfo=UTC)


def test_steps_tell_duration_cache_hit_and_the_one_that_failed() -> None:
    sagemaker = boto3.client("sagemaker", region_name="eu-west-1", aws_access_key_id="a", aws_secret_access_key="b")
    steps = [
        {
            "StepName": "Preprocess",
            "StepStatus": "Succeeded",
            "StartTime": at(0),
            "EndTime": at(1),
            "CacheHitResult": {"SourcePipelineExecutionArn": ARN},
        },
        {
            "StepName": "Train",
            "StepStatus": "Failed",
            "StartTime": at(1),
            "EndTime": at(5),
            "FailureReason": "AlgorithmError: no such column",
            "Metadata": {"TrainingJob": {"Arn": JOB}},
        },
    ]
    with Stubber(sagemaker) as stubber:
        stubber.add_response("describe_pipeline_execution", {"PipelineExecutionStatus": "Failed"})
        stubber.add_response("list_pipeline_execution_steps", {"PipelineExecutionSteps": steps})
        execution = training_progress.read(sagemaker, ARN)
    preprocess, train = execution.steps
    assert execution.ended
    assert preprocess.cached
    assert not train.cached
    assert train.seconds == 4
    assert execution.failed == train
    assert train.job == "pipelines-abc-Train-xyz"


def test_the_threshold_is_the_one_that_the_execution_was_started_with() -> None:
    sagemaker = boto3.client("sagemaker", region_name="eu-west-1", aws_access_key_id="a", aws_secret_access_key="b")
    listed = [{"Name": "DataVersion", "Value": "v1"}, {"Name": "MetricThreshold", "Value": "0.2"}]
    with Stubber(sagemaker) as stubber:
        stubber.add_response("list_pipeline_parameters_for_execution", {"PipelineParameters": listed})
        stubber.add_response("list_pipeline_parameters_for_execution", {"PipelineParameters": listed[:1]})
        assert training_progress.threshold(sagemaker, ARN) == 0.2
        assert training_progress.threshold(sagemaker, ARN) is None
