"""The states in which a deployment that was interrupted or failed leaves a stack, in a sandbox of our own."""

import json
import uuid
from pathlib import Path
from typing import Any

import pytest

from sagewright.cli import seeds, stack_states
from sagewright.cli.errors import CommandError
from sagewright.cli.options import Options
from sagewright.cli.sandbox_process import RunningSandbox
from sagewright.cli.target import Sandbox
from sagewright.cli.terminal import Terminal
from sagewright.project import Project, load

PARAMETER = {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": "1"}}
# A log group may be kept for a number of days out of a list, on which 2 is not.
REFUSED = {"Type": "AWS::Logs::LogGroup", "Properties": {"RetentionInDays": 2}}


class Stacks:
    """CloudFormation of the first environment, and what is to be found out about its stacks."""

    def __init__(self, target: Sandbox, project: Project, options: Options) -> None:
        self.target = target
        self.environment = project.first
        self.options = options
        self.api = target.client("cloudformation", project.first)
        self.name = f"stack-{uuid.uuid4().hex[:8]}"

    def create(self, resources: dict[str, Any], **parameters: Any) -> None:
        self.api.create_stack(StackName=self.name, TemplateBody=template(resources), **parameters)

    def update(self, resources: dict[str, Any]) -> None:
        self.api.update_stack(StackName=self.name, TemplateBody=template(resources))

    def settle(self) -> dict[str, Any] | None:
        return stack_states.settle(self.options, self.target, self.environment, self.name)

    def status(self) -> str:
        """The state once nothing is in progress."""
        stack_states._settled(self.options, self.target, self.api, self.name)
        return self.api.describe_stacks(StackName=self.name)["Stacks"][0]["StackStatus"]


def template(resources: dict[str, Any]) -> str:
    return json.dumps({"Resources": resources})


@pytest.fixture
def stacks(home: tuple[Path, RunningSandbox]) -> Stacks:
    folder, running = home
    root = folder / f"project-{uuid.uuid4().hex[:8]}"
    seeds.plant("churn", root, "leavers")
    project = load(root)
    return Stacks(Sandbox(running, project), project, Options(Terminal(), root))


def test_a_stack_that_is_not_there_can_be_deployed(stacks: Stacks) -> None:
    assert stacks.settle() is None


def test_a_stack_at_rest_is_described_with_its_outputs(stacks: Stacks) -> None:
    body = {"Resources": {"A": PARAMETER}, "Outputs": {"Value": {"Value": "x"}}}
    stacks.api.create_stack(StackName=stacks.name, TemplateBody=json.dumps(body))
    assert stack_states.outputs(stacks.settle()) == {"Value": "x"}
    assert stack_states.outputs(None) == {}


def test_an_operation_in_progress_is_waited_for_and_told(
    stacks: Stacks, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    described = iter(["UPDATE_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_COMPLETE"])
    stacks.create({"A": PARAMETER})
    stacks.status()
    real = stack_states.describe

    def slow(cloudformation: Any, name: str) -> Any:
        return (real(cloudformation, name) or {}) | {"StackStatus": next(described)}

    monkeypatch.setattr(stack_states, "describe", slow)
    found = stacks.settle()
    assert found is not None
    assert found["StackStatus"] == "UPDATE_COMPLETE"
    told = capsys.readouterr().err
    assert "is UPDATE_IN_PROGRESS: an earlier deployment goes on there. Waiting for it." in told
    assert "the earlier deployment ended: UPDATE_COMPLETE" in told


def test_a_plan_that_nobody_carried_out_is_no_stack_yet(stacks: Stacks) -> None:
    stacks.api.create_change_set(
        StackName=stacks.name, ChangeSetName="plan", ChangeSetType="CREATE", TemplateBody=template({"A": PARAMETER})
    )
    assert stacks.status() == "REVIEW_IN_PROGRESS"
    assert stacks.settle() is None


def test_a_protected_stack_that_never_came_up_is_freed_for_its_replacement(
    stacks: Stacks, capsys: pytest.CaptureFixture[str]
) -> None:
    stacks.create({"A": PARAMETER, "B": REFUSED}, EnableTerminationProtection=True)
    assert stacks.status() == "ROLLBACK_COMPLETE"
    assert stacks.settle() is None
    assert "never came up (ROLLBACK_COMPLETE): it will be deleted and created anew" in capsys.readouterr().err
    stacks.api.delete_stack(StackName=stacks.name)
    assert stacks.settle() is None


def test_a_rollback_that_failed_is_explained_with_its_reason_and_the_command_that_mends_it(stacks: Stacks) -> None:
    group = f"/{stacks.name}"
    kept = {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": group, "RetentionInDays": 7}}
    stacks.create({"A": kept})
    stacks.status()
    logs = stacks.target.client("logs", stacks.environment)
    logs.delete_log_group(logGroupName=group)
    stacks.update({"A": {**kept, "Properties": {**kept["Properties"], "RetentionInDays": 14}}})
    assert stacks.status() == "UPDATE_ROLLBACK_FAILED"

    with pytest.raises(CommandError) as refused:
        stacks.settle()

    told = str(refused.value)
    assert f"Stack {stacks.name} is UPDATE_ROLLBACK_FAILED and cannot be deployed: AWS::Logs::LogGroup A: " in told
    command = f"aws cloudformation continue-update-rollback --region eu-west-1 --stack-name {stacks.name}"
    assert f"`{command}` (after `eval " in told
    logs.create_log_group(logGroupName=group)
    stacks.api.continue_update_rollback(StackName=stacks.name)
    assert stacks.status() == "UPDATE_ROLLBACK_COMPLETE"
    assert stacks.settle() is not None


def test_a_creation_without_rollback_is_explained(stacks: Stacks) -> None:
    stacks.create({"A": PARAMETER, "B": REFUSED}, DisableRollback=True)
    assert stacks.status() == "CREATE_FAILED"
    with pytest.raises(CommandError, match=r"is CREATE_FAILED .*: AWS::Logs::LogGroup B: .*rollback-stack --region"):
        stacks.settle()


def test_a_stack_of_another_account_is_seen_by_the_cdks_own_role(stacks: Stacks) -> None:
    iam = stacks.target.client_in("iam", "222222222222", "eu-west-1")
    statement = {"Effect": "Allow", "Principal": {"AWS": "111111111111"}, "Action": "sts:AssumeRole"}
    trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    role = "cdk-hnb659fds-deploy-role-222222222222-eu-west-1"
    iam.create_role(RoleName=role, AssumeRolePolicyDocument=trust)
    statement = {"Effect": "Allow", "Action": "cloudformation:*", "Resource": "*"}
    rights = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_role_policy(RoleName=role, PolicyName="all", PolicyDocument=rights)
    there = stacks.environment.model_copy(update={"account": "222222222222"})
    api = stacks.target.client_in("cloudformation", "222222222222", "eu-west-1")
    api.create_stack(StackName=stacks.name, TemplateBody=template({"A": PARAMETER}))
    found = stack_states.settle(stacks.options, stacks.target, there, stacks.name)
    assert found is not None
    assert ":222222222222:stack/" in found["StackId"]
