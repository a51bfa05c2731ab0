"""Executions of pipelines whose jobs really run: scripts from S3 on the managed scikit-learn image."""

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

INPUT = "/opt/ml/processing/input"
OUTPUT = "/opt/ml/processing/output"
# Programs are told their folders: each gets that of the inputs and that of the outputs.
PREPARE = """
import os, pathlib, sys
pathlib.Path(sys.argv[2], "train").mkdir(parents=True, exist_ok=True)
pathlib.Path(sys.argv[2], "train", "rows.csv").write_text(os.environ["ROWS"])
"""
TRAIN = """
import pathlib, sys
rows = pathlib.Path(sys.argv[1], "train", "rows.csv").read_text()
pathlib.Path(sys.argv[2], "model.txt").write_text(rows)
"""
EVALUATE = """
import json, pathlib, sys, tarfile
with tarfile.open(pathlib.Path(sys.argv[1], "model", "model.tar.gz")) as archive:
    rows = archive.extractfile("model.txt").read().decode()
report = {"metrics": {"rows": {"value": rows.count(",")}}}
pathlib.Path(sys.argv[2], "evaluation").mkdir(parents=True, exist_ok=True)
pathlib.Path(sys.argv[2], "evaluation", "evaluation.json").write_text(json.dumps(report))
"""
FAILING = "raise SystemExit(3)"
UNTIL_STOPPED = "import time; time.sleep(300)"
CLUSTER = {"ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 10}}

Ended = Callable[[str], dict[str, Any]]


def processing(account: Any, name: str, program: str, outputs: dict[str, Any], **arguments: Any) -> dict[str, Any]:
    code = account.put(f"code/{name}.py", program)
    inputs = {"code": code} | arguments.pop("inputs", {})
    return {
        "Name": name,
        "Type": "Processing",
        "Arguments": {
            "RoleArn": account.role,
            "ProcessingResources": CLUSTER,
            "AppSpecification": {
                "ImageUri": account.image,
                "ContainerEntrypoint": ["python3", f"{INPUT}/code/{name}.py"],
                "ContainerArguments": [INPUT, OUTPUT],
            },
            "ProcessingInputs": [
                {
                    "InputName": key,
                    "S3Input": {
                        "S3Uri": uri,
                        "LocalPath": f"{INPUT}/{key}",
                        "S3DataType": "S3Prefix",
                        "S3InputMode": "File",
                    },
                }
                for key, uri in inputs.items()
            ],
            "ProcessingOutputConfig": {
                "Outputs": [
                    {
                        "OutputName": key,
                        "S3Output": {"S3Uri": uri, "LocalPath": f"{OUTPUT}/{key}", "S3UploadMode": "EndOfJob"},
                    }
                    for key, uri in outputs.items()
                ]
            },
            **arguments,
        },
    }


def of_execution(account: Any, step: str) -> dict[str, Any]:
    """Return the expression for a prefix of the execution's own."""
    values = [f"s3://{account.bucket}/executions", {"Get": "Execution.PipelineExecutionId"}, step]
    return {"Std:Join": {"On": "/", "Values": values}}


def training_pipeline(account: Any) -> dict[str, Any]:
    cache = {"CacheConfig": {"Enabled": True, "ExpireAfter": "P30D"}}
    group = f"{account.name}-models"
    account.client("sagemaker").create_model_package_group(ModelPackageGroupName=group)
    model = {"Get": "Steps.Train.ModelArtifacts.S3ModelArtifacts"}
    rows = {
        "Std:JsonGet": {"PropertyFile": {"Get": "Steps.Evaluate.PropertyFiles.Report"}, "Path": "metrics.rows.value"}
    }
    prepare = processing(
        account,
        "Prepare",
        PREPARE,
        {"train": of_execution(account, "Prepare")},
        Environment={"ROWS": {"Get": "Parameters.Rows"}},
    )
    evaluate = processing(
        account,
        "Evaluate",
        EVALUATE,
        {"evaluation": of_execution(account, "Evaluate")},
        inputs={"model": model},
    )
    channels = {
        "code": account.put("code/Train.py", TRAIN),
        "train": {"Get": "Steps.Prepare.ProcessingOutputConfig.Outputs['train'].S3Output.S3Uri"},
    }
    train = {
        "Name": "Train",
        "Type": "Training",
        "Arguments": {
            "RoleArn": account.role,
            "AlgorithmSpecification": {
                "TrainingImage": account.image,
                "TrainingInputMode": "File",
                "ContainerEntrypoint": ["python3", "/opt/ml/input/data/code/Train.py"],
                "ContainerArguments": ["/opt/ml/input/data", "/opt/ml/model"],
            },
            "InputDataConfig": [
                {"ChannelName": name, "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": uri}}}
                for name, uri in channels.items()
            ],
            "OutputDataConfig": {"S3OutputPath": of_execution(account, "Train")},
            "ResourceConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 10},
            "StoppingCondition": {"MaxRuntimeInSeconds": 600},
        },
    }
    register = {
        "Name": "Register",
        "Type": "RegisterModel",
        "Arguments": {
            "ModelPackageGroupName": group,
            "ModelApprovalStatus": "PendingManualApproval",
            "InferenceSpecification": {"Containers": [{"Image": account.image, "ModelDataUrl": model}]},
            "CustomerMetadataProperties": {"ExecutionArn": {"Get": "Execution.PipelineExecutionArn"}},
        },
    }
    too_few = {
        "Name": "TooFew",
        "Type": "Fail",
        "Arguments": {
            "ErrorMessage": {"Std:Join": {"On": "", "Values": [rows, " is below ", {"Get": "Parameters.Minimum"}]}}
        },
    }
    gate = {
        "Name": "Gate",
        "Type": "Condition",
        "Arguments": {
            "Conditions": [
                {"Type": "GreaterThanOrEqualTo", "LeftValue": rows, "RightValue": {"Get": "Parameters.Minimum"}}
            ],
            "IfSteps": [register],
            "ElseSteps": [too_few],
        },
    }
    report = {"PropertyFileName": "Report", "OutputName": "evaluation", "FilePath": "evaluation.json"}
    return {
        "Version": "2020-12-01",
        "Parameters": [
            {"Name": "Rows", "Type": "String"},
            {"Name": "Minimum", "Type": "Float", "DefaultValue": 2.5},
        ],
        "Steps": [prepare | cache, train | cache, evaluate | cache | {"PropertyFiles": [report]}, gate],
    }


def create(account: Any, document: dict[str, Any]) -> str:
    name = f"real-{uuid.uuid4().hex[:12]}"
    sagemaker = account.client("sagemaker")
    sagemaker.create_pipeline(PipelineName=name, PipelineDefinition=json.dumps(document), RoleArn=account.role)
    return name


def start(account: Any, pipeline: str, **parameters: str) -> str:
    given = [{"Name": name, "Value": value} for name, value in parameters.items()]
    answer = account.client("sagemaker").start_pipeline_execution(PipelineName=pipeline, PipelineParameters=given)
    return answer["PipelineExecutionArn"]


def steps(account: Any, arn: str) -> dict[str, dict[str, Any]]:
    listed = account.client("sagemaker").list_pipeline_execution_steps(PipelineExecutionArn=arn, SortOrder="Ascending")
    return {step["StepName"]: step for step in listed["PipelineExecutionSteps"]}


def test_a_model_is_trained_judged_registered_and_then_taken_from_the_cache(account: Any, ended: Ended) -> None:
    sagemaker = account.client("sagemaker")
    pipeline = create(account, training_pipeline(account))
    first = start(account, pipeline, Rows="a,b,c,d")
    assert ended(first)["PipelineExecutionStatus"] == "Succeeded", steps(account, first)
    ran = steps(account, first)
    assert list(ran) == ["Prepare", "Train", "Evaluate", "Gate", "Register"]
    version = sagemaker.describe_model_package(ModelPackageName=ran["Register"]["Metadata"]["RegisterModel"]["Arn"])
    assert version["CustomerMetadataProperties"] == {"ExecutionArn": first}
    assert version["MetadataProperties"] == {"GeneratedBy": first}
    job = ran["Train"]["Metadata"]["TrainingJob"]["Arn"]
    assert sagemaker.list_tags(ResourceArn=job)["Tags"] == [{"Key": "sagemaker:pipeline-execution-arn", "Value": first}]

    second = start(account, pipeline, Rows="a,b,c,d")
    assert ended(second)["PipelineExecutionStatus"] == "Succeeded"
    again = steps(account, second)
    assert all(again[name]["CacheHitResult"]["SourcePipelineExecutionArn"] == first for name in list(ran)[:3])
    assert again["Register"]["Metadata"]["RegisterModel"]["Arn"].endswith("/2")

    third = start(account, pipeline, Rows="a,b")
    execution = ended(third)
    failed = steps(account, third)
    assert execution["PipelineExecutionStatus"] == "Failed"
    assert execution["FailureReason"] == "Step failure: One or multiple steps failed."
    assert failed["TooFew"]["FailureReason"] == "1 is below 2.5"
    assert not any("CacheHitResult" in step for step in failed.values())


def test_a_program_that_fails_fails_its_step(account: Any, ended: Ended) -> None:
    step = processing(account, "Bad", FAILING, {"none": f"s3://{account.bucket}/none"})
    arn = start(account, create(account, {"Version": "2020-12-01", "Steps": [step]}))
    assert ended(arn)["PipelineExecutionStatus"] == "Failed"
    reason = steps(account, arn)["Bad"]["FailureReason"]
    assert reason.startswith("ClientError: AlgorithmError: ")
    assert "exit code 3" in reason


def test_a_resolved_request_that_sagemaker_refuses_fails_its_step(account: Any, ended: Ended) -> None:
    step = processing(account, "Bad", FAILING, {"none": {"Get": "Parameters.Target"}})
    document = {"Version": "2020-12-01", "Parameters": [{"Name": "Target", "Type": "String"}], "Steps": [step]}
    arn = start(account, create(account, document), Target="nowhere")
    assert ended(arn)["PipelineExecutionStatus"] == "Failed"
    failed = steps(account, arn)["Bad"]
    assert failed["FailureReason"].startswith(
        "ClientError: Failed to invoke sagemaker:CreateProcessingJob. Error Details: 1 validation error detected: "
        "Value 'nowhere' at 'processingOutputConfig.outputs.1.member.s3Output.s3Uri'"
    )
    assert failed["Metadata"] == {}


def test_a_resolved_value_of_the_wrong_type_fails_its_step(account: Any, ended: Ended) -> None:
    step = processing(account, "Bad", FAILING, {"none": f"s3://{account.bucket}/none"})
    step["Arguments"]["Environment"] = {"SHARE": {"Get": "Parameters.Share"}}
    parameters = [{"Name": "Share", "Type": "Float", "DefaultValue": 0.5}]
    arn = start(account, create(account, {"Version": "2020-12-01", "Parameters": parameters, "Steps": [step]}))
    assert ended(arn)["PipelineExecutionStatus"] == "Failed"
    assert "Environment.SHARE" in steps(account, arn)["Bad"]["FailureReason"]


def test_a_running_execution_is_stopped_with_its_job_and_cannot_be_deleted_before(account: Any, ended: Ended) -> None:
    sagemaker = account.client("sagemaker")
    step = processing(account, "Long", UNTIL_STOPPED, {"none": f"s3://{account.bucket}/none"})
    pipeline = create(account, {"Version": "2020-12-01", "Steps": [step]})
    arn = start(account, pipeline)
    with pytest.raises(ClientError, match=r"ConflictException.*stop it first"):
        sagemaker.delete_pipeline(PipelineName=pipeline)
    with pytest.raises(ClientError, match="cannot be retried because it is Executing"):
        sagemaker.retry_pipeline_execution(PipelineExecutionArn=arn)
    sagemaker.stop_pipeline_execution(PipelineExecutionArn=arn)
    assert ended(arn)["PipelineExecutionStatus"] == "Stopped"
    assert steps(account, arn)["Long"]["StepStatus"] == "Stopped"
    sagemaker.delete_pipeline(PipelineName=pipeline)
