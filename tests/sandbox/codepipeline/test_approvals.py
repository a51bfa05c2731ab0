"""A gate waits for a person, tells who is to decide, keeps who did, and shuts for good when its time is over."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from .conftest import ACCOUNT, REGION, gate, stage


def test_an_approval_lets_the_execution_on_and_keeps_who_gave_it(lane: Any) -> None:
    identity = lane.create(stage("Gate", gate()), stage("After", gate("Second")))
    assert lane.status(identity) == "InProgress"
    assert lane.action("Gate", "Approve")["status"] == "InProgress"
    assert "approvedAt" in lane.answer("Gate")
    done = lane.action("Gate", "Approve")
    assert (done["status"], done["summary"]) == ("Succeeded", "Approved by a test")
    assert done["lastUpdatedBy"] == f"arn:aws:iam::{ACCOUNT}:user/administrator"
    assert "token" not in done
    lane.answer("After", name="Second")
    assert lane.status(identity) == "Succeeded"


def test_a_rejection_fails_the_stage_with_the_persons_words(lane: Any) -> None:
    identity = lane.create(stage("Gate", gate()))
    lane.answer("Gate", "Rejected")
    assert lane.status(identity) == "Failed"
    assert lane.stage("Gate")["latestExecution"]["status"] == "Failed"
    error = lane.action("Gate", "Approve")["errorDetails"]
    assert error == {"code": "JobFailed", "message": "Rejected by a test"}


def test_the_topic_gets_the_documented_message(lane: Any) -> None:
    sns = lane.bench.client("sns")
    topic = sns.create_topic(Name=lane.name)["TopicArn"]
    service = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage"}
    queue = lane.bench.queue(service)
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)
    asked = {
        "NotificationArn": topic,
        "CustomData": "Version of #{codepipeline.PipelineExecutionId}",
        "ExternalEntityLink": "https://example.com/evidence",
    }
    publish = {"Effect": "Allow", "Action": "sns:Publish", "Resource": topic}
    identity = lane.create(stage("Gate", gate(configuration=asked)), roleArn=lane.role(publish))
    message = json.loads(lane.bench.received(queue)["Body"])
    assert message["Subject"].startswith("APPROVAL NEEDED: AWS CodePipeline ")
    told = json.loads(message["Message"])
    assert told["region"] == "eu-west-1"
    approval = told["approval"]
    assert (approval["pipelineName"], approval["stageName"], approval["actionName"]) == (lane.name, "Gate", "Approve")
    assert approval["customData"] == f"Version of {identity}"
    assert approval["externalEntityLink"] == "https://example.com/evidence"
    assert approval["approvalReviewLink"].endswith(f"/Gate/Approve/approve/{approval['token']}")
    lane.answer("Gate", token=approval["token"])
    assert lane.status(identity) == "Succeeded"


def test_a_question_that_its_variables_make_too_long_fails_the_gate(lane: Any) -> None:
    variables = [{"name": "Why", "defaultValue": "w" * 1000}]
    lane.create(stage("Gate", gate(configuration={"CustomData": "Why: #{variables.Why}"})), variables=variables)
    assert "longer than 1000 characters" in lane.action("Gate", "Approve")["errorDetails"]["message"]


def test_a_role_that_may_not_publish_fails_the_gate(lane: Any) -> None:
    topic = lane.bench.client("sns").create_topic(Name=lane.name)["TopicArn"]
    identity = lane.create(stage("Gate", gate(configuration={"NotificationArn": topic})))
    assert lane.status(identity) == "Failed"
    error = lane.action("Gate", "Approve")["errorDetails"]
    assert error["code"] == "PermissionError"
    assert "sns:Publish" in error["message"]


def test_a_gate_that_nobody_answers_fails_when_its_time_is_over(lane: Any) -> None:
    identity = lane.create(stage("Gate", gate(timeoutInMinutes=60)))
    token = lane.action("Gate", "Approve")["token"]
    lane.bench.forward(3500)
    assert lane.status(identity) == "InProgress"
    lane.bench.forward(200)
    assert lane.status(identity) == "Failed"
    with pytest.raises(ClientError, match="ApprovalAlreadyCompletedException"):
        lane.answer("Gate", token=token)


def test_a_second_answer_and_a_token_of_nobodys_are_refused(lane: Any) -> None:
    lane.create(stage("Gate", gate()))
    with pytest.raises(ClientError, match="InvalidApprovalTokenException"):
        lane.answer("Gate", token="00000000-0000-4000-8000-000000000000")
    token = lane.action("Gate", "Approve")["token"]
    lane.answer("Gate", token=token)
    with pytest.raises(ClientError, match="ApprovalAlreadyCompletedException"):
        lane.answer("Gate", token=token)
    with pytest.raises(ClientError, match="ActionNotFoundException"):
        lane.answer("Gate", name="Another", token=token)


def test_waiting_for_an_answer_does_not_hold_the_clock(lane: Any) -> None:
    identity = lane.create(stage("Gate", gate()))
    lane.bench.forward(24 * 3600)
    lane.answer("Gate")
    assert lane.status(identity) == "Succeeded"


def test_who_may_answer_another_gate_only_is_refused(lane: Any) -> None:
    lane.create(stage("Gate", gate()))
    token, clients = lane.action("Gate", "Approve")["token"], lane.bench.sandbox.sandbox.clients
    asked = {"pipelineName": lane.name, "stageName": "Gate", "actionName": "Approve", "token": token}
    for resource, refused in ((f"{lane.arn}/Gate/Other", True), (f"{lane.arn}/Gate/Approve", False)):
        allowed = {"Effect": "Allow", "Action": "codepipeline:PutApprovalResult", "Resource": resource}
        role = lane.bench.role("lambda.amazonaws.com", allowed)
        client = clients.as_role(role, service="lambda.amazonaws.com", region=REGION).get("codepipeline", "", REGION)
        result = {"summary": "yes", "status": "Approved"}
        if refused:
            with pytest.raises(ClientError, match="codepipeline:PutApprovalResult"):
                client.put_approval_result(**asked, result=result)
        else:
            client.put_approval_result(**asked, result=result)
    lane.bench.settled()
    assert role.rpartition("/")[2] in lane.action("Gate", "Approve")["lastUpdatedBy"]
