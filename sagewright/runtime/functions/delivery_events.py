"""The function that hears of all that happens in a project's delivery: starts what follows, writes down, tells people.

Events come at least once, late and in any order. So an event is never believed: what it is about is read anew, what is
started has a client token of its reason, and what is written has a name of what it is about.
"""

import json
import os
import sys
from collections.abc import Callable
from typing import Any

import boto3
from botocore.exceptions import ClientError

from . import hourly_round, pipeline_events, pull_requests, registry_events, training_progress
from .delivery_desk import Desk, Event, Setting, happened

_TRAINING_ENDS = {"Failed", "Stopped", "Succeeded"}
_OWN_LIMIT = "NotGoodEnough"


def handler(event: Event, _context: object) -> dict[str, Any]:
    """Answer one event of EventBridge."""
    session: Any = boto3
    return answer(Desk(Setting.read(os.environ), session.client), event)


def answer(desk: Desk, event: Event) -> dict[str, Any]:
    """Do what an event asks for; what was done also goes to the log."""
    act = _ACTIONS.get(event["detail-type"])
    if act is None:
        raise ValueError(f"No rule of ours asks for events of type {event['detail-type']!r}.")
    done = act(desk, event)
    sys.stdout.write(f"{json.dumps({'event': event.get('id'), 'type': event['detail-type'], **done}, default=str)}\n")
    return done


def _trained(desk: Desk, event: Event) -> dict[str, Any]:
    """Write down that a training began or ended, and tell the owner of one that failed."""
    detail = event["detail"]
    arn, status = detail["pipelineExecutionArn"], detail["currentPipelineExecutionStatus"]
    described = desk.sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)
    by = described.get("CreatedBy", {})
    parameters = training_progress.parameters(desk.sagemaker, arn)
    desk.record(
        "training",
        described["LastModifiedTime"] if status in _TRAINING_ENDS else described["CreationTime"],
        by.get("UserProfileArn") or by.get("IamIdentity", {}).get("Arn", ""),
        f"Training {arn.rpartition('/')[2]} {f'has ended: {status.lower()}' if status in _TRAINING_ENDS else 'began'}.",
        about=f"{arn} {status}",
        words=described.get("FailureReason", "") if status == "Failed" else "",
        execution=arn,
        commit=parameters.get("GitCommit"),
        data=parameters.get("DataVersion"),
        event=event["id"],
    )
    if status != "Failed":
        return {"recorded": arn}
    step = training_progress.read(desk.sagemaker, arn).failed
    why = ((step.failure if step is not None else None) or described.get("FailureReason", "no reason is given")).rstrip(
        "."
    )
    if step is not None and step.name == _OWN_LIMIT:
        subject = "a trained model was not good enough"
        text = f"The evaluation refused the model of {arn}: {why}. Nothing was registered, and what serves goes on."
    else:
        subject = f"training failed at step {step.name}" if step is not None else "training failed"
        text = (
            f"Training {arn} failed{f' at step {step.name}' if step is not None else ''}: {why}. Nothing was "
            "registered, and what serves goes on. The log of the job is in SageMaker; `sagewright train` runs it again "
            "when the cause is gone."
        )
    return {"told": desk.tell(subject, text, about=f"{arn} {status}")}


def _restacked(desk: Desk, event: Event) -> dict[str, Any]:
    """Write down that the settings of an environment were changed."""
    detail = event["detail"]
    stack, status = detail["stack-id"], detail["status-details"]["status"]
    name = stack.split("/")[1]
    return {
        "recorded": desk.record(
            "settings",
            happened(event),
            _deployer(desk, stack),
            f"Stack {name} is {status}.",
            about=f"{stack} {event['id']}",
            words=detail["status-details"].get("status-reason", ""),
            stack=stack,
            event=event["id"],
        )
    }


def _deployer(desk: Desk, stack: str) -> str:
    """Say as whom CloudFormation deployed a stack: who asked it to is in CloudTrail and nowhere else."""
    try:
        found = desk.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    except ClientError as error:
        if "does not exist" in error.response["Error"]["Message"]:
            return "CloudFormation"
        raise
    return found.get("RoleARN", "CloudFormation")


def _requested(desk: Desk, event: Event) -> dict[str, Any]:
    """Test a pull request that was opened, or whose branch has moved on."""
    setting, identity = desk.setting, event["detail"]["pullRequestId"]
    request = pull_requests.read(desk.client("codecommit"), identity, setting.repository)
    if request is None:
        return {"ignored": f"pull request {identity} is closed"}
    return {"build": pull_requests.test(desk.client("codebuild"), setting.pull_request, request)}


def _tested(desk: Desk, event: Event) -> dict[str, Any]:
    """Write the result of a pull request's tests below it."""
    build = event["detail"]["build-id"].rpartition("build/")[2]
    return {"commented": pull_requests.report(desk.client, build, desk.setting.repository, desk.setting.region)}


_ACTIONS: dict[str, Callable[[Desk, Event], dict[str, Any]]] = {
    "SageMaker Model Package State Change": registry_events.decided,
    "SageMaker Model Building Pipeline Execution Status Change": _trained,
    "CodePipeline Pipeline Execution State Change": pipeline_events.executed,
    "CodePipeline Stage Execution State Change": pipeline_events.staged,
    "CodePipeline Action Execution State Change": pipeline_events.answered,
    "CloudFormation Stack Status Change": _restacked,
    "CodeCommit Pull Request State Change": _requested,
    "CodeBuild Build State Change": _tested,
    "Scheduled Event": hourly_round.go,
}
