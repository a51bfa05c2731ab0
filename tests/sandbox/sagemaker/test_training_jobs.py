import io
import json
import tarfile
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

UNTIL_STOPPED = """
import signal, sys, time
def finish(*_):
    open(sys.argv[1], "w").write("saved at the last moment")
    sys.exit(0)
signal.signal(signal.SIGTERM, finish)
print("up", flush=True)
time.sleep(300)
"""


TRAINER = """
import json, os, pathlib, sys
ml = pathlib.Path(sys.argv[1]).parents[1]
config = ml / "input" / "config"
told = {name: json.loads((config / f"{name}.json").read_text())
        for name in ("hyperparameters", "inputdataconfig", "resourceconfig")}
pathlib.Path(sys.argv[1]).write_text(json.dumps(told))
(ml / "model" / "code").mkdir()
(ml / "model" / "code" / "inference.py").write_text("handlers")
(ml / "output" / "data" / "curve.csv").write_text("1,2")
print(os.environ["TRAINING_JOB_NAME"], os.environ["TRAINING_JOB_ARN"], os.environ["LEVEL"])
"""


def refused(call: Callable[..., Any], request: dict[str, Any]) -> tuple[str, str]:
    with pytest.raises(ClientError) as error:
        call(**request)
    return error.value.response["Error"]["Code"], error.value.response["Error"]["Message"]


def unpacked(archive: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        return {each.name: file.read() for each in opened if (file := opened.extractfile(each))}


def test_a_training_job_leaves_model_output_and_history(account: Any, jobs: Any) -> None:
    job = jobs.train(TRAINER, HyperParameters={"depth": "3"}, Environment={"LEVEL": "high"})
    assert job["TrainingJobStatus"] == "Completed"
    uri = f"s3://{account.bucket}/models/{account.name}/output/model.tar.gz"
    assert job["ModelArtifacts"] == {"S3ModelArtifacts": uri}
    model = unpacked(account.get(f"models/{account.name}/output/model.tar.gz"))
    assert set(model) == {"model.txt", "code/inference.py"}
    told = json.loads(model["model.txt"])
    assert told["hyperparameters"] == {"depth": "3"}
    assert told["inputdataconfig"]["code"]["TrainingInputMode"] == "File"
    assert told["resourceconfig"]["current_host"] == "algo-1"
    assert unpacked(account.get(f"models/{account.name}/output/output.tar.gz")) == {"curve.csv": b"1,2"}
    assert [each["Status"] for each in job["SecondaryStatusTransitions"]] == [
        *("Starting", "Downloading", "Training", "Uploading", "Completed")
    ]
    assert job["BillableTimeInSeconds"] >= 1
    arn = job["TrainingJobArn"]
    lines = account.log_lines("/aws/sagemaker/TrainingJobs", f"{account.name}/algo-1-")
    assert lines == [f"{account.name} {arn} high"]
    assert account.client("sagemaker").describe_training_job(TrainingJobName=account.name)["SecondaryStatus"] == (
        "Completed"
    )


def test_a_model_can_stay_uncompressed(account: Any, jobs: Any) -> None:
    output = {"S3OutputPath": f"s3://{account.bucket}/models", "CompressionType": "NONE"}
    job = jobs.train(TRAINER, OutputDataConfig=output, Environment={"LEVEL": "high"})
    assert job["ModelArtifacts"]["S3ModelArtifacts"].endswith(f"/{account.name}/output/model")
    assert account.get(f"models/{account.name}/output/model/code/inference.py") == b"handlers"


def test_the_failure_file_becomes_the_reason(jobs: Any) -> None:
    program = """
import pathlib, sys
(pathlib.Path(sys.argv[1]).parents[1] / "output" / "failure").write_text("label is missing")
sys.exit(1)
"""
    job = jobs.train(program)
    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"] == "AlgorithmError: label is missing, exit code: 1"
    assert "ModelArtifacts" not in job


def test_a_training_job_without_a_model_completes_and_says_so_in_its_log(account: Any, jobs: Any) -> None:
    job = jobs.train("print('nothing')")
    assert job["TrainingJobStatus"] == "Completed"
    lines = account.log_lines("/aws/sagemaker/TrainingJobs", f"{account.name}/algo-1-")
    assert lines[-1].startswith("No model artifact is saved under path /opt/ml/model.")


def test_a_stopped_training_job_keeps_what_it_saved(account: Any, jobs: Any) -> None:
    client = account.client("sagemaker")
    arn = client.create_training_job(**jobs.training_request(UNTIL_STOPPED))["TrainingJobArn"]
    jobs.wait_for_line("training-job", "up")
    client.stop_training_job(TrainingJobName=account.name)
    job = account.finished(arn)
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "Stopped")
    model = unpacked(account.get(f"models/{account.name}/output/model.tar.gz"))
    assert model["model.txt"] == b"saved at the last moment"


def test_a_training_job_out_of_time_keeps_what_it_saved(account: Any, jobs: Any) -> None:
    job = jobs.train(UNTIL_STOPPED, StoppingCondition={"MaxRuntimeInSeconds": 2})
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")
    assert b"saved" in unpacked(account.get(f"models/{account.name}/output/model.tar.gz"))["model.txt"]


def test_a_channel_without_objects_is_refused(account: Any, jobs: Any) -> None:
    uri = f"s3://{account.bucket}/nothing"
    request = jobs.training_request("")
    request["InputDataConfig"].append(jobs.channel("train", uri))
    code, message = refused(account.client("sagemaker").create_training_job, request)
    assert code == "ValidationException"
    assert message.startswith(f'No S3 objects found under S3 URL "{uri}" given in input data source.')


def test_a_training_job_of_more_than_28_days_is_refused(account: Any, jobs: Any) -> None:
    request = jobs.training_request("", StoppingCondition={"MaxRuntimeInSeconds": 2_419_201})
    code, message = refused(account.client("sagemaker").create_training_job, request)
    assert code == "ValidationException"
    assert "MaxRuntimeInSeconds must have value less than or equal to 2419200" in message


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("1.9-0-cpu", "9.9-0-cpu"), "Cannot find the requested image: "),
        (("eu-west-1", "eu-west-2"), "Cannot find the requested image: "),
        (("scikit-learn", "other"), "Cannot find repository: sagemaker-other in registry ID: "),
        ((".dkr.ecr", ""), "Invalid training image."),
    ],
)
def test_a_training_image_that_is_not_there_is_refused(
    account: Any, jobs: Any, change: tuple[str, str], said: str
) -> None:
    request = jobs.training_request("")
    request["AlgorithmSpecification"]["TrainingImage"] = account.image.replace(*change)
    code, message = refused(account.client("sagemaker").create_training_job, request)
    assert code == "ValidationException"
    assert message.startswith(said)
    assert message.endswith(f"It can run {account.image}.")


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        ("EnableManagedSpotTraining", True, "EnableManagedSpotTraining"),
        ("AlgorithmSpecification.TrainingInputMode", "FastFile", "TrainingInputMode FastFile"),
        ("InputDataConfig.0.CompressionType", "Gzip", "InputDataConfig[code].CompressionType Gzip"),
        ("ResourceConfig.InstanceCount", 2, "ResourceConfig.InstanceCount 2"),
        ("CheckpointConfig", {"S3Uri": "s3://bucket/x"}, "CreateTrainingJob.CheckpointConfig"),
    ],
)
def test_what_a_training_job_cannot_have_here_is_refused_by_name(
    account: Any, jobs: Any, path: str, value: Any, named: str
) -> None:
    request = jobs.other(jobs.training_request(""), path, value)
    code, message = refused(account.client("sagemaker").create_training_job, request)
    assert code == "UnsupportedOperation"
    assert named in message
