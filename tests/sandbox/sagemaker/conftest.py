import io
import json
import subprocess
import tarfile
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import boto3
import pytest

from sagewright.sandbox.images.catalogue import address_in
from sagewright.sandbox.protocol import ApiError, Caller
from sagewright.sandbox.sagemaker.store import ENDPOINT

HANDLERS = """
import json, os, sys, time
from flask import Response

def model_fn(model_dir):
    print("loading", os.path.basename(model_dir), flush=True)
    return open(os.path.join(model_dir, "name.txt")).read()

def input_fn(content, content_type):
    if content == "die":
        os._exit(9)
    if content == "wait":
        time.sleep(60)
    if content == "raise":
        raise ValueError("not handled")
    return content, content_type

def predict_fn(data, model):
    content, content_type = data
    if content == "bad":
        return Response(json.dumps({"error": "row 1: bad"}), status=400, mimetype="application/json")
    if content == "large":
        return "x" * 7_000_000
    return json.dumps({"model": model, "kind": type(content).__name__, "type": content_type})

def output_fn(prediction, accept):
    return prediction if isinstance(prediction, Response) else (prediction, accept)
"""


ENVIRONMENT = {"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"}


PIPELINE_CALLS = (
    *("AddTags", "CreateModelPackage", "CreateModelPackageGroup", "DescribeModelPackage"),
    *("CreateProcessingJob", "DescribeProcessingJob", "StopProcessingJob"),
    *("CreateTrainingJob", "DescribeTrainingJob", "StopTrainingJob"),
)
INPUT = "/opt/ml/processing/input"
OUTPUT = "/opt/ml/processing/output"
ACCOUNT = "111111111111"
REGION = "eu-west-1"


@dataclass(frozen=True)
class Account:
    """An account with a bucket and a role that SageMaker may assume."""

    sandbox: Any
    name: str
    bucket: str
    role: str

    @property
    def image(self) -> str:
        address = address_in(REGION)
        assert address is not None
        return address

    def client(self, service: str) -> Any:
        return self.sandbox.client(service, ACCOUNT, REGION)

    def forbid(self, *actions: str) -> None:
        """Take permissions away from the role."""
        document = permissions(self.bucket, self.role, actions)
        self.client("iam").put_role_policy(RoleName=self.name, PolicyName="Work", PolicyDocument=document)

    def denial(self, action: str) -> str:
        """Return how a denial of the role begins, up to the resource."""
        who = f"arn:aws:sts::{ACCOUNT}:assumed-role/{self.name}/SageMaker"
        return f"User: {who} is not authorized to perform: {action}"

    def put(self, key: str, body: str | bytes) -> str:
        self.client("s3").put_object(Bucket=self.bucket, Key=key, Body=body)
        return f"s3://{self.bucket}/{key}"

    def put_archive(self, key: str, files: dict[str, str]) -> str:
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
            for name, text in files.items():
                entry = tarfile.TarInfo(name)
                entry.size = len(text.encode())
                archive.addfile(entry, io.BytesIO(text.encode()))
        return self.put(key, buffer.getvalue())

    def get(self, key: str) -> bytes:
        return self.client("s3").get_object(Bucket=self.bucket, Key=key)["Body"].read()

    def finished(self, arn: str) -> dict[str, Any]:
        return self._sagemaker.jobs.wait(arn)

    def settled(self, endpoint: str) -> dict[str, Any]:
        """Block until the endpoint serves or has failed, and return it."""

        def is_settled(record: dict[str, Any]) -> bool:
            return record["EndpointStatus"] in {"InService", "Failed"}

        return self._endpoints_store.wait(ENDPOINT, Caller(ACCOUNT, REGION, ""), endpoint, is_settled, 60)

    def deleted(self, endpoint: str) -> None:
        """Block until the endpoint is gone."""

        def never(_: dict[str, Any]) -> bool:
            return False

        with pytest.raises(ApiError, match="Could not find endpoint"):
            self._endpoints_store.wait(ENDPOINT, Caller(ACCOUNT, REGION, ""), endpoint, never, 60)

    def log_lines(self, group: str, prefix: str) -> list[str]:
        logs = self.client("logs")
        streams = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=prefix)["logStreams"]
        return [
            event["message"]
            for stream in streams
            for event in logs.get_log_events(
                logGroupName=group, logStreamName=stream["logStreamName"], startFromHead=True
            )["events"]
        ]

    @property
    def _endpoints_store(self) -> Any:
        return self._sagemaker.endpoints._store

    @property
    def _sagemaker(self) -> Any:
        return self.sandbox.sandbox._gateway._sagemaker


@dataclass(frozen=True)
class PipelineAccount(Account):
    """The account of a pipeline whose role is not that of its jobs."""

    job_role: str

    # typing.override is there from Python 3.12 on.
    # pyrefly: ignore[missing-override-decorator]
    def forbid(self, *actions: str) -> None:
        """Take permissions away from the pipeline's role."""
        document = permissions(self.bucket, self.job_role, actions)
        self.client("iam").put_role_policy(RoleName=self.name, PolicyName="Work", PolicyDocument=document)


class JobRequests:
    """Requests for jobs of an account, each with a small program, and the jobs that they make."""

    def __init__(self, account: Account) -> None:
        self.account = account

    def processing_request(self, program: str, **changes: Any) -> dict[str, Any]:
        code = self.account.put("code/program.py", program)
        request = {
            "ProcessingJobName": self.account.name,
            "RoleArn": self.account.role,
            "AppSpecification": {
                "ImageUri": self.account.image,
                "ContainerEntrypoint": ["python3", f"{INPUT}/code/program.py"],
                "ContainerArguments": [INPUT, OUTPUT],
            },
            "ProcessingInputs": [self.processing_input("code", code)],
            "ProcessingOutputConfig": {
                "Outputs": [self.processing_output("result", f"s3://{self.account.bucket}/result", f"{OUTPUT}/result")]
            },
            "ProcessingResources": {
                "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 10}
            },
            "NetworkConfig": {"EnableNetworkIsolation": True},
        }
        return request | changes

    def processing_input(self, name: str, uri: str, **changes: Any) -> dict[str, Any]:
        source = {"S3Uri": uri, "LocalPath": f"{INPUT}/{name}", "S3DataType": "S3Prefix", "S3InputMode": "File"}
        return {"InputName": name, "S3Input": source | changes}

    def processing_output(self, name: str, uri: str, path: str, mode: str = "EndOfJob") -> dict[str, Any]:
        return {"OutputName": name, "S3Output": {"S3Uri": uri, "LocalPath": path, "S3UploadMode": mode}}

    def process(self, program: str, **changes: Any) -> dict[str, Any]:
        request = self.processing_request(program, **changes)
        return self.account.finished(
            self.account.client("sagemaker").create_processing_job(**request)["ProcessingJobArn"]
        )

    def training_request(self, program: str, **changes: Any) -> dict[str, Any]:
        request = {
            "TrainingJobName": self.account.name,
            "RoleArn": self.account.role,
            "AlgorithmSpecification": {
                "TrainingImage": self.account.image,
                "TrainingInputMode": "File",
                "ContainerEntrypoint": ["python3", "/opt/ml/input/data/code/program.py"],
                "ContainerArguments": ["/opt/ml/model/model.txt"],
            },
            "InputDataConfig": [self.channel("code", self.account.put("code/program.py", program))],
            "OutputDataConfig": {"S3OutputPath": f"s3://{self.account.bucket}/models"},
            "ResourceConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 10},
            "StoppingCondition": {"MaxRuntimeInSeconds": 600},
            "EnableNetworkIsolation": True,
        }
        return request | changes

    def channel(self, name: str, uri: str) -> dict[str, Any]:
        return {"ChannelName": name, "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": uri}}}

    def train(self, program: str, **changes: Any) -> dict[str, Any]:
        request = self.training_request(program, **changes)
        return self.account.finished(self.account.client("sagemaker").create_training_job(**request)["TrainingJobArn"])

    def wait_for_line(self, kind: str, text: str) -> None:
        """Block until the running job has written the text to its log."""
        log = self.account.sandbox.data / "jobs" / "111111111111" / "eu-west-1" / kind / self.account.name / "log"
        client = self.account.client("sagemaker")
        describe = client.describe_training_job if kind == "training-job" else client.describe_processing_job
        name = "TrainingJobName" if kind == "training-job" else "ProcessingJobName"
        while not log.exists() or text not in log.read_text():
            assert describe(**{name: self.account.name})[name.replace("Name", "Status")] == "InProgress"

    def run(self, arn: str) -> Any:
        """Return the sandbox's own view of a job."""
        return self.account._sagemaker.jobs._runs[arn]

    def pid(self, arn: str) -> int:
        """Return the process of a job that was started; it may have written to its log before it is known here."""
        while self.run(arn)._container is None:
            time.sleep(0.01)
        return self.run(arn)._container.pid

    @staticmethod
    def other(request: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
        """Return the request with one member, named by a dotted path, changed."""
        copy = json.loads(json.dumps(request))
        *parents, last = path.split(".")
        place: Any = copy
        for parent in parents:
            place = place[int(parent) if parent.isdigit() else parent]
        place[last] = value
        return copy


class Serving:
    """An account's models, configurations and endpoints, by short suffixes of the test's own name."""

    handlers = HANDLERS

    def __init__(self, account: Account) -> None:
        self.account = account
        self.client = account.client("sagemaker")
        self.runtime = boto3.client(
            "sagemaker-runtime",
            region_name="eu-west-1",
            endpoint_url=account.sandbox.endpoint,
            aws_access_key_id="AKIASBOX111111111111",
            aws_secret_access_key="sandbox",
        )
        self.name = account.name

    def model_request(self, suffix: str, handlers: str = HANDLERS, **changes: Any) -> dict[str, Any]:
        url = self.account.put_archive(f"{suffix}/model.tar.gz", {"name.txt": suffix, "code/inference.py": handlers})
        container = {"Image": self.account.image, "ModelDataUrl": url, "Environment": ENVIRONMENT}
        return {
            "ModelName": f"{self.name}-{suffix}",
            "ExecutionRoleArn": self.account.role,
            "PrimaryContainer": container | changes.pop("container", {}),
        } | changes

    def config_request(self, suffix: str, **changes: Any) -> dict[str, Any]:
        variant = {
            "VariantName": "AllTraffic",
            "ModelName": f"{self.name}-{suffix}",
            "InstanceType": "ml.m5.large",
            "InitialInstanceCount": 1,
        }
        variant |= changes.pop("variant", {})
        return {"EndpointConfigName": f"{self.name}-{suffix}", "ProductionVariants": [variant]} | changes

    def configure(self, suffix: str, handlers: str = HANDLERS, **changes: Any) -> str:
        variant = changes.pop("variant", {})
        self.client.create_model(**self.model_request(suffix, handlers, **changes))
        self.client.create_endpoint_config(**self.config_request(suffix, variant=variant))
        return f"{self.name}-{suffix}"

    def create(self, suffix: str, handlers: str = HANDLERS, **changes: Any) -> dict[str, Any]:
        config = self.configure(suffix, handlers, **changes)
        self.client.create_endpoint(EndpointName=self.name, EndpointConfigName=config)
        return self.account.settled(self.name)

    def update(self, config: str, **changes: Any) -> dict[str, Any]:
        self.client.update_endpoint(EndpointName=self.name, EndpointConfigName=config, **changes)
        return self.account.settled(self.name)

    def invoke(self, body: str | bytes = "1,2", **options: Any) -> dict[str, Any]:
        options = {"ContentType": "text/csv"} | options
        answer = self.runtime.invoke_endpoint(EndpointName=self.name, Body=body, **options)
        return answer | {"Body": answer["Body"].read()}

    def alarm(self, suffix: str, **changes: Any) -> str:
        """Make an alarm on any error of a configuration, over one minute, and return its name."""
        name = f"{self.name}-{suffix}"
        dimensions = {"EndpointName": self.name, "VariantName": "AllTraffic", "EndpointConfigName": name}
        request = {
            "AlarmName": name,
            "Namespace": "AWS/SageMaker",
            "MetricName": "Invocation5XXErrors",
            "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
            "Statistic": "Sum",
            "Period": 60,
            "EvaluationPeriods": 1,
            "Threshold": 0,
            "ComparisonOperator": "GreaterThanThreshold",
            "TreatMissingData": "notBreaching",
        }
        request = {key: value for key, value in (request | changes).items() if value is not None}
        self.account.client("cloudwatch").put_metric_alarm(**request)
        return name

    def until(self, is_so: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Block until the endpoint's description is so."""
        return self.account._endpoints_store.wait(ENDPOINT, Caller(ACCOUNT, REGION, ""), self.name, is_so, 60)

    def baking(self, instances: int) -> dict[str, Any]:
        """Block until so many new instances are watched."""

        def is_baking(record: dict[str, Any]) -> bool:
            (variant,) = record.get("PendingDeploymentSummary", {}).get("ProductionVariants", [{}])
            stages = [each["Status"] for each in variant.get("VariantStatus", ())]
            return stages == ["Baking"] and variant["CurrentInstanceCount"] == instances

        return self.until(is_baking)

    def fleet(self) -> Any:
        return self.fleets()[-1]

    def fleets(self) -> list[Any]:
        arn = f"arn:aws:sagemaker:eu-west-1:111111111111:endpoint/{self.name}"
        return self.account._sagemaker.endpoints._rollouts[arn].traffic.fleets

    def pids(self) -> list[int]:
        return [instance.container.pid for instance in self.fleet()._instances]


def permissions(bucket: str, role: str, without: Sequence[str] = ()) -> str:
    """Return the policy of a role that works with one bucket, as jobs, endpoints and pipelines need it."""
    allowed = [
        (["s3:GetObject", "s3:PutObject"], f"arn:aws:s3:::{bucket}/*"),
        (["s3:ListBucket"], f"arn:aws:s3:::{bucket}"),
        (["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"], "*"),
        (["cloudwatch:DescribeAlarms", "cloudwatch:PutMetricData", "ecr:GetAuthorizationToken"], "*"),
        (["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"], "*"),
        (["kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"], "*"),
        ([f"sagemaker:{verb}" for verb in PIPELINE_CALLS], "*"),
        (["iam:PassRole"], role),
    ]
    left = [([action for action in actions if action not in without], resource) for actions, resource in allowed]
    assert sum(len(actions) for actions, _ in left) == sum(len(actions) for actions, _ in allowed) - len(without)
    return policy(*[(actions, resource) for actions, resource in left if actions])


def policy(*allowed: tuple[list[str], str]) -> str:
    """Return a policy that allows actions, each list of them on a resource."""
    statements = [{"Effect": "Allow", "Action": actions, "Resource": resource} for actions, resource in allowed]
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def trust(service: str, effect: str = "Allow") -> str:
    statement = {"Effect": effect, "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.fixture
def is_gone() -> Callable[[int], bool]:
    def check(pid: int) -> bool:
        """Tell whether the process ends within ten seconds; a killed orphan may still wait for init to collect it."""
        over = time.monotonic() + 10
        while time.monotonic() < over:
            command = ["ps", "-o", "stat=", "-p", str(pid)]
            state = subprocess.run(command, capture_output=True, text=True, check=False).stdout
            if state.strip()[:1] in {"", "Z", "X"}:
                return True
        return False

    return check


@pytest.fixture
def account(sandbox: Any) -> Account:
    name = f"t-{uuid.uuid4().hex[:12]}"
    bucket = f"{name}-data"
    sandbox.client("s3", ACCOUNT, REGION).create_bucket(
        Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION}
    )
    iam = sandbox.client("iam", ACCOUNT, REGION)
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust("sagemaker.amazonaws.com"))["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="Work", PolicyDocument=permissions(bucket, role))
    return Account(sandbox, name, bucket, role)


@pytest.fixture
def pipeline_role(account: Account) -> Account:
    """The account with another role: one for pipelines, which may pass the first to their jobs."""
    iam, name = account.client("iam"), f"{account.name}-pipeline"
    trusted = trust("sagemaker.amazonaws.com")
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trusted)["Role"]["Arn"]
    document = permissions(account.bucket, account.role)
    iam.put_role_policy(RoleName=name, PolicyName="Work", PolicyDocument=document)
    return PipelineAccount(account.sandbox, name, account.bucket, role, account.role)


@pytest.fixture
def untrusting_role(account: Account) -> str:
    role = account.client("iam").create_role(
        RoleName=f"{account.name}-other", AssumeRolePolicyDocument=trust("lambda.amazonaws.com")
    )
    return role["Role"]["Arn"]


@pytest.fixture
def jobs(account: Account) -> JobRequests:
    return JobRequests(account)


@pytest.fixture
def serving(account: Account) -> Iterator[Serving]:
    used = Serving(account)
    yield used
    for endpoint in used.client.list_endpoints(NameContains=used.name)["Endpoints"]:
        account.settled(endpoint["EndpointName"])
        used.client.delete_endpoint(EndpointName=endpoint["EndpointName"])
