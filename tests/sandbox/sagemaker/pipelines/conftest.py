import copy
import json
import re
import threading
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from datetime import UTC, datetime
from typing import Any

import pytest

from sagewright.sandbox.clients import access_key
from sagewright.sandbox.protocol import Caller
from sagewright.sandbox.sagemaker.pipelines import Executions, Pipelines
from sagewright.sandbox.sagemaker.store import PIPELINE_EXECUTION, Store

CALLER = Caller("111111111111", "eu-west-1", access_key("111111111111"))
TRUST = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
BUCKET = "executor-results"
PARAMETERS = [{"Name": "Data", "Value": "v1"}]
FINAL = ("Succeeded", "Failed", "Stopped")
TIMEOUT_S = 20

Outcome = str | Exception | threading.Event
IMAGE = "141502667606.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-scikit-learn:1.9-0-cpu-py3"
ROLE = "arn:aws:iam::111111111111:role/pipeline"
CLUSTER = {"ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 10}}
DOCUMENT: dict[str, Any] = {
    "Version": "2020-12-01",
    "Metadata": {},
    "Parameters": [
        {"Name": "Threshold", "Type": "Float", "DefaultValue": 0.5},
        {"Name": "Data", "Type": "String"},
    ],
    "Steps": [
        {
            "Name": "Prepare",
            "Type": "Processing",
            "Arguments": {
                "RoleArn": ROLE,
                "ProcessingResources": CLUSTER,
                "AppSpecification": {"ImageUri": IMAGE, "ContainerEntrypoint": ["python3", "prepare.py"]},
                "Environment": {"DATA": {"Get": "Parameters.Data"}},
                "ProcessingOutputConfig": {
                    "Outputs": [
                        {
                            "OutputName": "report",
                            "S3Output": {
                                "S3Uri": {
                                    "Std:Join": {
                                        "On": "/",
                                        "Values": ["s3://results", {"Get": "Execution.PipelineExecutionId"}],
                                    }
                                },
                                "LocalPath": "/opt/ml/processing/output",
                                "S3UploadMode": "EndOfJob",
                            },
                        }
                    ]
                },
            },
            "PropertyFiles": [{"PropertyFileName": "Report", "OutputName": "report", "FilePath": "report.json"}],
            "CacheConfig": {"Enabled": True, "ExpireAfter": "P30D"},
            "RetryPolicies": [{"ExceptionType": ["Step.SERVICE_FAULT"], "MaxAttempts": 2}],
        },
        {
            "Name": "Train",
            "Type": "Training",
            "Arguments": {
                "RoleArn": ROLE,
                "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
                "InputDataConfig": [
                    {
                        "ChannelName": "train",
                        "DataSource": {
                            "S3DataSource": {
                                "S3DataType": "S3Prefix",
                                "S3Uri": {
                                    "Get": "Steps.Prepare.ProcessingOutputConfig.Outputs['report'].S3Output.S3Uri"
                                },
                            }
                        },
                    }
                ],
                "OutputDataConfig": {"S3OutputPath": "s3://results/models"},
                "ResourceConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 10},
                "StoppingCondition": {"MaxRuntimeInSeconds": 60},
                "HyperParameters": {"depth": "3"},
            },
        },
        {
            "Name": "Gate",
            "Type": "Condition",
            "DependsOn": ["Train"],
            "Arguments": {
                "Conditions": [
                    {
                        "Type": "GreaterThanOrEqualTo",
                        "LeftValue": {
                            "Std:JsonGet": {
                                "PropertyFile": {"Get": "Steps.Prepare.PropertyFiles.Report"},
                                "Path": "metrics.score.value",
                            }
                        },
                        "RightValue": {"Get": "Parameters.Threshold"},
                    }
                ],
                "IfSteps": [
                    {
                        "Name": "Register",
                        "Type": "RegisterModel",
                        "Arguments": {
                            "ModelPackageGroupName": "churn",
                            "InferenceSpecification": {
                                "Containers": [
                                    {
                                        "Image": IMAGE,
                                        "ModelDataUrl": {"Get": "Steps.Train.ModelArtifacts.S3ModelArtifacts"},
                                    }
                                ]
                            },
                        },
                    }
                ],
                "ElseSteps": [
                    {
                        "Name": "NotGoodEnough",
                        "Type": "Fail",
                        "Arguments": {
                            "ErrorMessage": {
                                "Std:Join": {"On": "", "Values": ["below ", {"Get": "Parameters.Threshold"}]}
                            }
                        },
                    }
                ],
            },
        },
    ],
}


@pytest.fixture
def document() -> dict[str, Any]:
    """A whole training pipeline, to break in one place."""
    return copy.deepcopy(DOCUMENT)


@pytest.fixture
def ended(sandbox: Any) -> Callable[[str], dict[str, Any]]:
    """Wait until an execution in the running sandbox is over, and return its record."""

    def wait(arn: str) -> dict[str, Any]:
        caller = Caller("111111111111", "eu-west-1", "")
        store = sandbox.sandbox._gateway._sagemaker._executions._store
        over = FINAL
        name = arn.partition("pipeline/")[2]

        def is_over(record: dict[str, Any]) -> bool:
            return record["PipelineExecutionStatus"] in over

        record = store.wait(PIPELINE_EXECUTION, caller, name, is_over, 60)
        assert record["PipelineExecutionStatus"] in over
        return record

    return wait


class ScriptedJobs:
    """Jobs that end as the test says: Completed by default, else as each step's list of outcomes has it.

    A text is a FailureReason, an exception refuses the request, an event holds the job until it is set or stopped.
    """

    def __init__(self) -> None:
        self.outcomes: dict[str, list[Outcome]] = defaultdict(list)
        self.requests: list[tuple[str, dict[str, Any]]] = []
        self.groups: list[str] = []
        self.running = 0
        self.most_running = 0
        self._ended: dict[str, dict[str, Any]] = {}
        self._waiting: dict[str, tuple[dict[str, Any], Outcome]] = {}
        self._stopped: set[str] = set()
        self._lock = threading.Condition()

    def create_processing_job(self, **request: Any) -> dict[str, Any]:
        return {"ProcessingJobArn": self._create("processing-job", request["ProcessingJobName"], request)}

    def create_training_job(self, **request: Any) -> dict[str, Any]:
        return {"TrainingJobArn": self._create("training-job", request["TrainingJobName"], request)}

    def create_model_package(self, **request: Any) -> dict[str, Any]:
        arn = f"arn:aws:sagemaker:eu-west-1:111111111111:model-package/{request['ModelPackageGroupName']}/1"
        self.requests.append(("Register", request))
        return {"ModelPackageArn": arn}

    def create_model_package_group(self, ModelPackageGroupName: str, Tags: list[dict[str, str]]) -> None:  # noqa: N803 - the API's own names
        del Tags
        self.groups.append(ModelPackageGroupName)

    def describe_processing_job(self, ProcessingJobName: str) -> dict[str, Any]:  # noqa: N803 - the API's own name
        return self._ended[ProcessingJobName]

    def describe_training_job(self, TrainingJobName: str) -> dict[str, Any]:  # noqa: N803 - the API's own name
        return self._ended[TrainingJobName]

    def describe_model_package(self, ModelPackageName: str) -> dict[str, Any]:  # noqa: N803 - the API's own name
        return {"ModelPackageArn": ModelPackageName, "ModelPackageVersion": 1}

    def stop_processing_job(self, ProcessingJobName: str) -> None:  # noqa: N803 - the API's own name
        with self._lock:
            self._stopped.add(ProcessingJobName)
            self._lock.notify_all()

    stop_training_job = stop_processing_job

    def release(self, event: threading.Event) -> None:
        with self._lock:
            event.set()
            self._lock.notify_all()

    def started(self, step: str) -> None:
        """Wait until the step's job is there."""
        with self._lock:
            assert self._lock.wait_for(lambda: step in [name for name, _ in self.requests], TIMEOUT_S)

    def wait(self, arn: str) -> dict[str, Any]:
        ended = self._ended[arn.rpartition("/")[2]] = self._end(arn)
        return ended

    def _end(self, arn: str) -> dict[str, Any]:
        request, outcome = self._waiting[arn]
        name = arn.rpartition("/")[2]
        with self._lock:
            self.running += 1
            self.most_running = max(self.most_running, self.running)
            if isinstance(outcome, threading.Event):
                event = outcome
                assert self._lock.wait_for(lambda: event.is_set() or name in self._stopped, TIMEOUT_S)
            self.running -= 1
            status = "Stopped" if name in self._stopped else "Failed" if isinstance(outcome, str) else "Completed"
        reason = {"FailureReason": outcome} if isinstance(outcome, str) else {}
        if "ProcessingJobName" in request:
            return request | {"ProcessingJobArn": arn, "ProcessingJobStatus": status} | reason
        artifacts = {"S3ModelArtifacts": f"s3://{BUCKET}/{name}/model.tar.gz"}
        return request | {"TrainingJobArn": arn, "TrainingJobStatus": status, "ModelArtifacts": artifacts} | reason

    def _create(self, segment: str, name: str, request: dict[str, Any]) -> str:
        step = re.fullmatch(r"pipelines-[a-z0-9]{12}-(.+)-[A-Za-z0-9]{10}", name)
        assert step
        with self._lock:
            self.requests.append((step[1], request))
            outcome = self.outcomes[step[1]].pop(0) if self.outcomes[step[1]] else ""
            self._lock.notify_all()
        if isinstance(outcome, Exception):
            raise outcome
        arn = f"arn:aws:sagemaker:eu-west-1:111111111111:{segment}/{name}"
        self._waiting[arn] = (request, outcome or threading.Event())
        if not outcome:
            self._waiting[arn][1].set()  # pyrefly: ignore[missing-attribute]: made an event just now
        return arn


class Clients:
    """The sandbox's clients, whose roles reach the scripted jobs."""

    def __init__(self, sandbox: Any, jobs: ScriptedJobs) -> None:
        self._sandbox = sandbox
        self._jobs = jobs

    def as_role(self, role_arn: str, **_: Any) -> Any:
        return ActingClients(self._sandbox.sandbox.clients, role_arn, self._jobs)

    def acting(self, access_key: str) -> Any:
        return self._sandbox.sandbox.clients.acting(access_key)


class ActingClients:
    """A role's clients, but for SageMaker."""

    def __init__(self, clients: Any, role_arn: str, jobs: ScriptedJobs) -> None:
        self._acting = clients.as_role(role_arn, service="sagemaker.amazonaws.com", region="eu-west-1")
        self._jobs = jobs

    def get(self, service: str, account: str, region: str) -> Any:
        return self._jobs if service == "sagemaker" else self._acting.get(service, account, region)


class BenchClock:
    """The time that a test has set."""

    def __init__(self, bench: "Bench") -> None:
        self._bench = bench

    def now(self) -> float:
        return self._bench.time.timestamp()

    def work(self, what: str) -> Any:
        return nullcontext(what)


class Bench:
    """Pipelines and executions over scripted jobs, a clock that is moved and retries that do not wait."""

    def __init__(self, sandbox: Any) -> None:
        self.time = datetime(2026, 11, 21, tzinfo=UTC)
        self.pauses: list[float] = []
        self.jobs = ScriptedJobs()
        clock: Any = BenchClock(self)
        self.store = Store(clock)
        self.s3 = sandbox.client("s3")
        clients: Any = Clients(sandbox, self.jobs)
        self.executions = Executions(
            self.store, clients, self.jobs, pause=lambda _, seconds: self.pauses.append(seconds)
        )
        self.pipelines = Pipelines(self.store, clients, self.executions)
        self.role = _role(sandbox)
        self.name = f"p-{uuid.uuid4().hex[:12]}"

    def create(self, document: dict[str, Any]) -> None:
        text = json.dumps(document).replace("s3://results", f"s3://{BUCKET}")
        self.pipelines.create_pipeline(self._params(PipelineDefinition=text, RoleArn=self.role), CALLER)

    def update(self, document: dict[str, Any]) -> None:
        text = json.dumps(document).replace("s3://results", f"s3://{BUCKET}")
        self.pipelines.update_pipeline({"PipelineName": self.name, "PipelineDefinition": text}, CALLER)

    def start(self, **params: Any) -> str:
        given = {"PipelineParameters": PARAMETERS} | params
        return self.executions.start_pipeline_execution(self._params(**given), CALLER)["PipelineExecutionArn"]

    def run(self, **params: Any) -> dict[str, Any]:
        return self.end(self.start(**params))

    def end(self, arn: str) -> dict[str, Any]:
        name = arn.partition("pipeline/")[2]

        def is_over(record: dict[str, Any]) -> bool:
            return record["PipelineExecutionStatus"] in FINAL

        record = self.store.wait(PIPELINE_EXECUTION, CALLER, name, is_over, TIMEOUT_S)
        assert record["PipelineExecutionStatus"] in FINAL
        return record

    def steps(self, execution: dict[str, Any]) -> dict[str, dict[str, Any]]:
        params = {"PipelineExecutionArn": execution["PipelineExecutionArn"], "SortOrder": "Ascending"}
        listed = self.executions.list_pipeline_execution_steps(params, CALLER)["PipelineExecutionSteps"]
        return {step["StepName"]: step for step in listed}

    def put(self, key: str, body: Any) -> str:
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=json.dumps(body).encode())
        return f"s3://{BUCKET}/{key}"

    def _params(self, **params: Any) -> dict[str, Any]:
        return {"PipelineName": self.name, "ClientRequestToken": uuid.uuid4().hex} | params

    def at_a_fixed_place(self, document: dict[str, Any], body: Any) -> None:
        """Let Prepare write where the test has put its report already."""
        folder = f"reports/{uuid.uuid4().hex}"
        self.put(f"{folder}/report.json", body)
        outputs = document["Steps"][0]["Arguments"]["ProcessingOutputConfig"]["Outputs"]
        outputs[0]["S3Output"]["S3Uri"] = f"s3://{BUCKET}/{folder}/"

    @staticmethod
    def job(name: str, **members: Any) -> dict[str, Any]:
        arguments = {"RoleArn": ROLE, "ProcessingResources": CLUSTER, "AppSpecification": {"ImageUri": "image"}}
        return {"Name": name, "Type": "Processing", "Arguments": arguments} | members

    @staticmethod
    def pipeline(*steps: dict[str, Any]) -> dict[str, Any]:
        return {"Version": "2020-12-01", "Parameters": [{"Name": "Data", "Type": "String"}], "Steps": list(steps)}

    @staticmethod
    def id(execution: dict[str, Any]) -> str:
        return execution["PipelineExecutionArn"].rpartition("/")[2]


@pytest.fixture
def bench(sandbox: Any) -> Iterator[Bench]:
    sandbox.client("sts").get_caller_identity()  # the account is there once it is used
    bench = Bench(sandbox)
    if BUCKET not in [bucket["Name"] for bucket in bench.s3.list_buckets()["Buckets"]]:
        bench.s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    yield bench
    bench.executions.close()


def _role(sandbox: Any) -> str:
    document = json.dumps({"Version": "2012-10-17", "Statement": [TRUST]})
    name = f"executor-{uuid.uuid4().hex[:12]}"
    iam = sandbox.client("iam")
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    read = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{BUCKET}/*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [read]})
    iam.put_role_policy(RoleName=name, PolicyName="Read", PolicyDocument=policy)
    return role
