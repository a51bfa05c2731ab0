"""The delivery's ear as it is deployed: under the policies that CloudFormation gets, with the function's own rights.

What belongs to pipelines and builds is left out of the template: nothing here starts one.
"""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import WaiterError

from sagewright.sandbox.cloudwatch.metrics import Place
from sagewright.sandbox.server import Sandbox
from sagewright.stacks import execution_policy

ACCOUNT, REGION, QUALIFIER = "616161616161", "eu-west-1", "hnb659fds"
ASSETS = f"cdk-{QUALIFIER}-assets-{ACCOUNT}-{REGION}"
BUCKET = f"churn-dev-data-{ACCOUNT}-{REGION}"
VERSION = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:model-package/churn/7"
HEARING = ("Age", "Events", "Notices", "Rules", "Undelivered")
ENVIRONMENT = f'  dev: {{account: "{ACCOUNT}", region: {REGION}}}\n'
SECTIONS = """\
data: {source: data/customers.csv, problem: binary_classification, label: churned}
training: {code: src/churn}
evaluation: {minimum: 0.55}
repository: {provider: codecommit, name: churn}
"""


@dataclass(frozen=True)
class Deployed:
    """A sandbox that holds the stacks."""

    sandbox: Sandbox

    def client(self, service: str) -> Any:
        return self.sandbox.clients.get(service, ACCOUNT, REGION)

    def create(self, name: str, template: str, role: str | None = None) -> None:
        cloudformation = self.client("cloudformation")
        request: dict[str, Any] = {
            "StackName": name,
            "TemplateBody": template,
            "Capabilities": ["CAPABILITY_NAMED_IAM"],
        }
        cloudformation.create_stack(**request, **({"RoleARN": role} if role else {}))
        try:
            cloudformation.get_waiter("stack_create_complete").wait(
                StackName=name, WaiterConfig={"Delay": 0.2, "MaxAttempts": 300}
            )
        except WaiterError as error:
            events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
            why = [each["ResourceStatusReason"] for each in events if each["ResourceStatus"] == "CREATE_FAILED"]
            raise AssertionError(f"{name}: {why}") from error

    def emit(self, detail: dict[str, Any], time_s: float) -> None:
        """Tell of a change in the registry, as SageMaker does."""
        self.sandbox._gateway.bus.emit(
            Place(ACCOUNT, REGION),
            source="aws.sagemaker",
            detail_type="SageMaker Model Package State Change",
            detail={"ModelPackageGroupName": "churn", "ModelPackageArn": VERSION, **detail},
            resources=[VERSION],
            time_s=time_s,
        )
        self.settled()

    def now(self) -> float:
        return self.sandbox._gateway.clock.now()

    def settled(self) -> None:
        clock = self.sandbox._gateway.clock
        with clock._changed:
            assert clock._changed.wait_for(lambda: not clock._under_way, 60), clock._under_way

    def forward(self, seconds: float) -> None:
        clock = self.sandbox._gateway.clock
        clock.forward(clock.now() + seconds)
        assert clock.arrived(60)
        self.settled()

    def entries(self, kind: str) -> list[dict[str, Any]]:
        """What the audit holds of a kind, the oldest first."""
        s3 = self.client("s3")
        found = s3.list_objects_v2(Bucket=BUCKET, Prefix="audit/").get("Contents", [])
        named = [each["Key"] for each in found if f"-{kind}-" in each["Key"]]
        return [json.loads(s3.get_object(Bucket=BUCKET, Key=each)["Body"].read()) for each in named]

    def until(self, holds: Callable[[], bool]) -> None:
        """Wait for something that the sandbox does by itself."""
        deadline, waited = time.monotonic() + 60, threading.Event()
        while not holds():
            assert time.monotonic() < deadline
            waited.wait(0.05)


@pytest.fixture(scope="module")
def deployed(
    embedded: Sandbox, tmp_path_factory: pytest.TempPathFactory, synthesized_of: Callable[..., Any]
) -> Deployed:
    assembly = synthesized_of(tmp_path_factory.mktemp("deployed") / "churn", ENVIRONMENT, SECTIONS, {"dev": ACCOUNT})
    there = Deployed(embedded)
    role = prepared(there)
    for stack in ("churn-dev-data", "churn-delivery"):
        upload(there, assembly.folder, stack)
    there.create("churn-dev-data", json.dumps(assembly["churn-dev-data"].body), role)
    there.create("churn-delivery", json.dumps(hearing(assembly["churn-delivery"].body)), role)
    return there


def prepared(there: Deployed) -> str:
    """What a bootstrap makes of what these stacks need: the role under our policies, the bucket, the version."""
    iam, s3, ssm = (there.client(each) for each in ("iam", "s3", "ssm"))
    there.create("execution", json.dumps(execution_policy.template(QUALIFIER, None)))
    trust = {"Effect": "Allow", "Principal": {"Service": "cloudformation.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = iam.create_role(RoleName="cfn-exec", AssumeRolePolicyDocument=document)["Role"]["Arn"]
    # The key of artifacts names who deploys the environments, so that role has to be there.
    iam.create_role(RoleName=f"cdk-{QUALIFIER}-deploy-role-{ACCOUNT}-{REGION}", AssumeRolePolicyDocument=document)
    outputs = there.client("cloudformation").describe_stacks(StackName="execution")["Stacks"][0]["Outputs"]
    for each in outputs:
        iam.attach_role_policy(RoleName="cfn-exec", PolicyArn=each["OutputValue"])
    s3.create_bucket(Bucket=ASSETS, CreateBucketConfiguration={"LocationConstraint": REGION})
    ssm.put_parameter(Name=f"/cdk-bootstrap/{QUALIFIER}/version", Value="30", Type="String")
    return role


def upload(there: Deployed, folder: Path, stack: str) -> None:
    for each in json.loads((folder / f"{stack}.assets.json").read_text())["files"].values():
        source = folder / each["source"]["path"]
        for place in each["destinations"].values():
            there.client("s3").put_object(Bucket=ASSETS, Key=place["objectKey"], Body=source.read_bytes())


def hearing(template: dict[str, Any]) -> dict[str, Any]:
    """The template without pipelines and builds."""
    kept = {
        name: each
        for name, each in template["Resources"].items()
        if each["Metadata"]["aws:cdk:path"].split("/")[1] in HEARING
    }
    return {**template, "Resources": kept, "Outputs": {}}


def test_a_decision_is_written_down_once_however_often_it_is_told(deployed: Deployed) -> None:
    decided = deployed.now()

    for _ in range(3):
        deployed.emit(
            {"ModelApprovalStatus": "Rejected", "UpdatedModelPackageFields": ["ModelApprovalStatus"]}, decided
        )
    deployed.emit({"ModelApprovalStatus": "Rejected", "UpdatedModelPackageFields": ["ModelLifeCycle"]}, decided + 60)

    (written,) = deployed.entries("rejection")
    assert written["what"] == "Version 7 was rejected."


def test_changed_settings_are_written_down(deployed: Deployed) -> None:
    cloudformation = deployed.client("cloudformation")
    body = cloudformation.get_template(StackName="churn-delivery")["TemplateBody"]
    template = json.loads(body) if isinstance(body, str) else json.loads(json.dumps(body))
    (age,) = [name for name in template["Resources"] if name.startswith("AgeDev")]
    template["Resources"][age]["Properties"]["Threshold"] = 7

    request = {"StackName": "churn-delivery", "TemplateBody": json.dumps(template)}
    cloudformation.update_stack(**request, Capabilities=["CAPABILITY_NAMED_IAM"])

    changed = "Stack churn-delivery is UPDATE_COMPLETE."
    deployed.until(lambda: changed in [each["what"] for each in deployed.entries("settings")])
    (written,) = [each for each in deployed.entries("settings") if each["what"] == changed]
    assert written["who"].endswith(":role/cfn-exec")


def test_an_event_that_the_function_fails_on_is_kept_after_three_attempts(deployed: Deployed) -> None:
    iam, role = deployed.client("iam"), "churn-delivery-events"
    (name,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
    rights = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
    left = [each for each in rights["Statement"] if each["Sid"] not in {"WriteDown", "ReadVersions"}]
    iam.put_role_policy(
        RoleName=role, PolicyName=name, PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": left})
    )

    changed = {"ModelApprovalStatus": "Approved", "UpdatedModelPackageFields": ["ModelApprovalStatus"]}
    deployed.emit(changed, deployed.now())
    deployed.forward(600)

    sqs = deployed.client("sqs")
    url = sqs.get_queue_url(QueueName="churn-delivery")["QueueUrl"]
    (message,) = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20)["Messages"]
    kept = json.loads(message["Body"])
    assert kept["requestContext"]["approximateInvokeCount"] == 3
    assert kept["requestPayload"]["detail"]["ModelPackageArn"] == VERSION
    assert "not authorized" in json.dumps(kept["responsePayload"])
    iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(rights))
