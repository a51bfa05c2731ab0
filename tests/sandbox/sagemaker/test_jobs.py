import json
import os
import signal
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError


def refused(call: Callable[..., Any], request: dict[str, Any]) -> tuple[str, str]:
    with pytest.raises(ClientError) as error:
        call(**request)
    return error.value.response["Error"]["Code"], error.value.response["Error"]["Message"]


def test_a_processing_job_turns_inputs_into_outputs(account: Any, jobs: Any) -> None:
    account.put("raw/a/one.csv", "1")
    account.put("raw/two.csv", "2")
    program = """
import pathlib, sys
source, target = map(pathlib.Path, sys.argv[1:])
found = sorted(str(path.relative_to(source)) for path in source.rglob("*") if path.is_file())
(target / "result" / "deep").mkdir()
(target / "result" / "deep" / "found.txt").write_text(" ".join(found))
pathlib.Path(MESSAGE).parent.mkdir(parents=True, exist_ok=True)
pathlib.Path(MESSAGE).write_text("three files")
print("done")
"""
    program = program.replace("MESSAGE", 'source.parents[1] / "output" / "message"')
    inputs = [
        jobs.processing_input("code", account.put("code/program.py", program)),
        jobs.processing_input("raw", f"s3://{account.bucket}/raw/"),
    ]
    job = jobs.process(program, ProcessingInputs=inputs)
    assert job["ProcessingJobStatus"] == "Completed"
    assert job["ExitMessage"] == "three files"
    assert account.get("result/deep/found.txt") == b"code/program.py raw/a/one.csv raw/two.csv"
    assert account.log_lines("/aws/sagemaker/ProcessingJobs", f"{account.name}/algo-1-") == ["done"]
    described = account.client("sagemaker").describe_processing_job(ProcessingJobName=account.name)
    assert described["CreationTime"] <= described["ProcessingStartTime"] <= described["ProcessingEndTime"]
    assert described["StoppingCondition"] == {"MaxRuntimeInSeconds": 86400}


def test_a_prefix_without_a_slash_is_a_folder_or_the_start_of_names(account: Any, jobs: Any) -> None:
    account.put("in/part/x", "x")
    account.put("in/part-2", "y")
    program = """
import pathlib, sys
folder = pathlib.Path(sys.argv[1]) / "data"
found = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
(pathlib.Path(sys.argv[2]) / "result" / "found").write_text(" ".join(found))
"""
    inputs = [
        jobs.processing_input("code", account.put("code/program.py", program)),
        jobs.processing_input("data", f"s3://{account.bucket}/in/part"),
    ]
    jobs.process(program, ProcessingInputs=inputs)
    assert account.get("result/found") == b"part-2 x"


def test_a_manifest_names_the_objects(account: Any, jobs: Any) -> None:
    account.put("listed/a/one", "1")
    account.put("listed/two", "2")
    manifest = json.dumps([{"prefix": f"s3://{account.bucket}/listed/"}, "a/one"])
    program = """
import pathlib, sys
folder = pathlib.Path(sys.argv[1]) / "data"
found = [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()]
(pathlib.Path(sys.argv[2]) / "result" / "found").write_text(" ".join(found))
"""
    inputs = [
        jobs.processing_input("code", account.put("code/program.py", program)),
        jobs.processing_input("data", account.put("list.manifest", manifest), S3DataType="ManifestFile"),
    ]
    jobs.process(program, ProcessingInputs=inputs)
    assert account.get("result/found") == b"a/one"


def test_the_container_finds_its_configuration_and_environment(account: Any, jobs: Any) -> None:
    program = """
import json, os, pathlib, sys
config = pathlib.Path(sys.argv[1]).parents[1] / "config"
told = json.loads((config / "processingjobconfig.json").read_text())
hosts = json.loads((config / "resourceconfig.json").read_text())
seen = [told["ProcessingJobName"], *hosts["hosts"], os.environ["MODE"], os.environ["AWS_REGION"]]
seen += [name for name in os.environ if "KEY" in name or "ENDPOINT" in name]
(pathlib.Path(sys.argv[2]) / "result" / "seen").write_text(" ".join(seen))
"""
    jobs.process(program, Environment={"MODE": "fast"})
    assert account.get("result/seen").decode() == f"{account.name} algo-1 fast eu-west-1"


def test_a_job_with_network_acts_as_its_role(account: Any, jobs: Any) -> None:
    program = f"""
import boto3
print(boto3.client("sts").get_caller_identity()["Arn"])
boto3.client("s3").put_object(Bucket="{account.bucket}", Key="direct", Body=b"written")
"""
    job = jobs.process(program, NetworkConfig={"EnableNetworkIsolation": False})
    assert job["ProcessingJobStatus"] == "Completed"
    assert account.get("direct") == b"written"
    lines = account.log_lines("/aws/sagemaker/ProcessingJobs", f"{account.name}/algo-1-")
    assert lines == [f"arn:aws:sts::111111111111:assumed-role/{account.name}/SageMaker"]


def test_outputs_are_encrypted_with_the_key(account: Any, jobs: Any) -> None:
    key = account.client("kms").create_key()["KeyMetadata"]["Arn"]
    outputs = jobs.processing_request("")["ProcessingOutputConfig"] | {"KmsKeyId": key}
    program = "import sys; open(sys.argv[2] + '/result/x', 'w').write('x')"
    jobs.process(program, ProcessingOutputConfig=outputs)
    head = account.client("s3").head_object(Bucket=account.bucket, Key="result/x")
    assert (head["ServerSideEncryption"], head["SSEKMSKeyId"]) == ("aws:kms", key)


@pytest.mark.parametrize("key", ["arn:aws:kms:eu-west-1:111111111111:key/absent", "alias/absent"])
def test_a_key_that_does_not_exist_fails_the_job(jobs: Any, key: str) -> None:
    outputs = jobs.processing_request("")["ProcessingOutputConfig"] | {"KmsKeyId": key}
    job = jobs.process("", ProcessingOutputConfig=outputs)
    assert job["ProcessingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith(f"ClientError: KMS key {key} cannot be used:")


def test_a_program_that_fails_fails_the_processing_job_with_its_exit_code(account: Any, jobs: Any) -> None:
    program = """
import pathlib, sys
message = pathlib.Path(sys.argv[1]).parents[1] / "output" / "message"
message.parent.mkdir(exist_ok=True)
message.write_text("row 7 is empty")
(pathlib.Path(sys.argv[2]) / "result" / "half").write_text("half")
sys.exit(3)
"""
    job = jobs.process(program)
    assert job["ProcessingJobStatus"] == "Failed"
    assert job["FailureReason"] == "AlgorithmError: See job logs for more information, exit code 3"
    assert job["ExitMessage"] == "row 7 is empty"
    assert account.client("s3").list_objects_v2(Bucket=account.bucket, Prefix="result")["KeyCount"] == 0


def test_a_killed_process_fails_the_job(jobs: Any) -> None:
    job = jobs.process("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    assert job["FailureReason"] == "AlgorithmError: See job logs for more information, exit code 137"


def test_losing_the_machine_fails_the_job_as_internal_error(account: Any, jobs: Any) -> None:
    request = jobs.processing_request("import time; print('up'); time.sleep(300)")
    arn = account.client("sagemaker").create_processing_job(**request)["ProcessingJobArn"]
    jobs.wait_for_line("processing-job", "up")
    os.kill(account._sagemaker._containers.pid, signal.SIGKILL)
    assert account.finished(arn)["FailureReason"].startswith("InternalServerError: We encountered an internal error.")


def test_an_input_without_objects_fails_the_processing_job(account: Any, jobs: Any) -> None:
    uri = f"s3://{account.bucket}/nothing/"
    job = jobs.process("", ProcessingInputs=[jobs.processing_input("raw", uri)])
    assert job["ProcessingJobStatus"] == "Failed"
    assert job["FailureReason"] == (
        f'ClientError: Data download failed:No S3 objects found under S3 URL "{uri}" given in input data source.'
        " Please ensure that the bucket exists in the selected region (eu-west-1), that objects exist under that S3"
        f' prefix, and that the role "{account.role}" has "s3:ListBucket" permissions on bucket "{account.bucket}".'
    )


def test_a_bucket_of_another_region_counts_as_empty(account: Any, jobs: Any) -> None:
    far = f"{account.name}-far"
    client = account.sandbox.client("s3", "111111111111", "us-east-1")
    client.create_bucket(Bucket=far)
    client.put_object(Bucket=far, Key="x/y", Body=b"y")
    job = jobs.process("", ProcessingInputs=[jobs.processing_input("raw", f"s3://{far}/x")])
    assert "the bucket exists in the selected region (eu-west-1)" in job["FailureReason"]


def test_an_unknown_image_fails_the_processing_job(account: Any, jobs: Any) -> None:
    image = account.image.replace("1.9-0", "0.1-0")
    application = jobs.processing_request("")["AppSpecification"] | {"ImageUri": image}
    job = jobs.process("", AppSpecification=application)
    assert job["FailureReason"].startswith(f"ClientError: API error (404): manifest for {image} not found")
    assert job["FailureReason"].endswith(f"It can run {account.image}.")


def test_a_processing_job_stops_when_its_time_is_over(jobs: Any) -> None:
    job = jobs.process("import time; time.sleep(300)", StoppingCondition={"MaxRuntimeInSeconds": 1})
    assert job["ProcessingJobStatus"] == "Stopped"


def test_a_processing_job_can_be_stopped_once(account: Any, jobs: Any) -> None:
    client = account.client("sagemaker")
    request = jobs.processing_request("import time; print('up'); time.sleep(300)")
    arn = client.create_processing_job(**request)["ProcessingJobArn"]
    jobs.wait_for_line("processing-job", "up")
    client.stop_processing_job(ProcessingJobName=account.name)
    assert account.finished(arn)["ProcessingJobStatus"] == "Stopped"
    assert refused(client.stop_processing_job, {"ProcessingJobName": account.name}) == (
        "ValidationException",
        "The request was rejected because the processing job is in status Stopped.",
    )


def test_a_name_is_used_once(account: Any, jobs: Any) -> None:
    jobs.process("")
    code, message = refused(account.client("sagemaker").create_processing_job, jobs.processing_request(""))
    assert code == "ResourceInUse"
    assert message.startswith("Job name must be unique within an AWS account and region")


def test_a_job_that_does_not_exist_is_not_found(account: Any) -> None:
    client = account.client("sagemaker")
    for call in (client.describe_processing_job, client.stop_processing_job):
        assert refused(call, {"ProcessingJobName": account.name})[1].startswith("Could not find requested job")
    for call in (client.describe_training_job, client.stop_training_job):
        assert refused(call, {"TrainingJobName": account.name})[1] == "Requested resource not found."


def test_jobs_are_listed_by_name_and_status(account: Any, jobs: Any) -> None:
    jobs.process("")
    jobs.train("raise SystemExit(1)")
    client = account.client("sagemaker")
    done = client.list_processing_jobs(NameContains=account.name, StatusEquals="Completed")["ProcessingJobSummaries"]
    assert [job["ProcessingJobName"] for job in done] == [account.name]
    failed = client.list_training_jobs(NameContains=account.name, StatusEquals="Failed")["TrainingJobSummaries"]
    assert [job["TrainingJobName"] for job in failed] == [account.name]
    assert not client.list_training_jobs(NameContains=account.name, StatusEquals="Completed")["TrainingJobSummaries"]


@pytest.mark.parametrize("kind", ["processing", "training"])
def test_a_role_that_sagemaker_cannot_assume_is_refused(
    account: Any, jobs: Any, untrusting_role: str, kind: str
) -> None:
    client = account.client("sagemaker")
    create = client.create_processing_job if kind == "processing" else client.create_training_job
    make = jobs.processing_request if kind == "processing" else jobs.training_request
    absent = "arn:aws:iam::111111111111:role/absent"
    for role in (absent, untrusting_role):
        code, message = refused(create, make("", RoleArn=role))
        assert code == "ValidationException"
        assert message.startswith(
            f"Could not assume role {role}. Please ensure that the role exists and allows principal"
            " 'sagemaker.amazonaws.com' to assume the role."
        )
    foreign = "arn:aws:iam::222222222222:role/any"
    assert refused(create, make("", RoleArn=foreign))[1].startswith("Cross-account pass role is not allowed")


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        ("ProcessingInputs.0.S3Input.S3InputMode", "Pipe", "ProcessingInputs[code].S3Input.S3InputMode Pipe"),
        ("ProcessingInputs.0.AppManaged", True, "ProcessingInputs[code].AppManaged"),
        ("ProcessingOutputConfig.Outputs.0.S3Output.S3UploadMode", "Continuous", "S3UploadMode Continuous"),
        ("ProcessingResources.ClusterConfig.InstanceCount", 2, "ClusterConfig.InstanceCount 2"),
        ("ExperimentConfig", {"ExperimentName": "e"}, "CreateProcessingJob.ExperimentConfig"),
    ],
)
def test_what_a_processing_job_cannot_have_here_is_refused_by_name(
    account: Any, jobs: Any, path: str, value: Any, named: str
) -> None:
    request = jobs.other(jobs.processing_request(""), path, value)
    code, message = refused(account.client("sagemaker").create_processing_job, request)
    assert code == "UnsupportedOperation"
    assert named in message
    assert message.endswith("is not available in the sandbox.")


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("ProcessingInputs.0.S3Input.LocalPath", "/tmp/x", "LocalPath must begin with /opt/ml/processing/"),  # noqa: S108 - the path is refused
        ("ProcessingInputs.0.S3Input.LocalPath", "/opt/ml/processing/../x", "LocalPath must begin with"),
        ("ProcessingOutputConfig.Outputs.0.S3Output.LocalPath", "/opt/ml/model", "LocalPath must begin with"),
        (
            "ProcessingResources.ClusterConfig",
            {"InstanceCount": 1, "InstanceType": "ml.g4dn.xlarge", "VolumeSizeInGB": 1, "VolumeKmsKeyId": "k"},
            "KMS key is not supported for NVMe instance storage: ml.g4dn.xlarge",
        ),
    ],
)
def test_a_processing_request_that_aws_refuses_is_refused(
    account: Any, jobs: Any, path: str, value: Any, said: str
) -> None:
    request = jobs.other(jobs.processing_request(""), path, value)
    code, message = refused(account.client("sagemaker").create_processing_job, request)
    assert code == "ValidationException"
    assert said in message


def test_an_input_mode_left_out_is_refused_as_aws_says_it(account: Any, jobs: Any) -> None:
    request = jobs.processing_request("")
    del request["ProcessingInputs"][0]["S3Input"]["S3InputMode"]
    assert refused(account.client("sagemaker").create_processing_job, request)[1] == (
        'Input code missing one or more required fields for SageMaker-managed S3Input: "S3InputMode"'
    )


def test_two_inputs_cannot_share_a_folder(account: Any, jobs: Any) -> None:
    request = jobs.processing_request("")
    request["ProcessingInputs"].append(request["ProcessingInputs"][0] | {"InputName": "second"})
    message = refused(account.client("sagemaker").create_processing_job, request)[1]
    assert message.startswith("LocalPath of an input must be unique")


def test_more_jobs_than_places_wait_for_their_turn(account: Any, jobs: Any) -> None:
    client = account.client("sagemaker")
    arns = []
    for number in range(2 * (os.cpu_count() or 1) + 2):
        request = jobs.processing_request("print('done')") | {"ProcessingJobName": f"{account.name}-{number}"}
        arns.append(client.create_processing_job(**request)["ProcessingJobArn"])
    assert {account.finished(arn)["ProcessingJobStatus"] for arn in arns} == {"Completed"}


def test_an_unchanged_boto3_sees_a_job_through(account: Any, jobs: Any) -> None:
    client = boto3.client(
        "sagemaker",
        region_name="eu-west-1",
        endpoint_url=account.sandbox.endpoint,
        aws_access_key_id="AKIASBOX111111111111",
        aws_secret_access_key="sandbox",
    )
    client.create_processing_job(**jobs.processing_request("", Tags=[{"Key": "team", "Value": "ml"}]))
    waiter = client.get_waiter("processing_job_completed_or_stopped")
    waiter.wait(ProcessingJobName=account.name, WaiterConfig={"Delay": 1})
    arn = client.describe_processing_job(ProcessingJobName=account.name)["ProcessingJobArn"]
    assert client.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "team", "Value": "ml"}]
