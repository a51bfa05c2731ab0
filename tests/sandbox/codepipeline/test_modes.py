"""Executions hold a stage, wait before it, overtake one another or queue up, as the pipeline's mode says."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from .conftest import gate, stage

GATES = (stage("First", gate()), stage("Second", gate()))


def test_a_new_pipeline_runs_once(lane: Any) -> None:
    lane.create(stage("Gate", gate()))
    (only,) = lane.executions()
    assert only["trigger"]["triggerType"] == "CreatePipeline"


def test_a_newer_execution_supersedes_the_one_that_waits(lane: Any) -> None:
    one = lane.create(*GATES)
    two, three = lane.start(), lane.start()
    assert [lane.status(each) for each in (one, two, three)] == ["InProgress", "Superseded", "InProgress"]
    assert lane.stage("First")["inboundExecution"]["pipelineExecutionId"] == three
    lane.answer("First")
    assert lane.stage("First")["latestExecution"]["pipelineExecutionId"] == three
    assert lane.stage("Second")["latestExecution"]["pipelineExecutionId"] == one
    lane.answer("First")
    lane.answer("Second")
    lane.answer("Second")
    assert [lane.status(each) for each in (one, two, three)] == ["Succeeded", "Superseded", "Succeeded"]


def test_queued_executions_go_through_each_stage_in_their_order(lane: Any) -> None:
    one = lane.create(*GATES, executionMode="QUEUED")
    two, three = lane.start(), lane.start()
    waiting = [each["pipelineExecutionId"] for each in lane.stage("First")["inboundExecutions"]]
    assert waiting == [two, three]
    for identity in (one, two, three):
        assert lane.stage("First")["latestExecution"]["pipelineExecutionId"] == identity
        lane.answer("First")
        lane.answer("Second")
    assert [lane.status(each) for each in (one, two, three)] == ["Succeeded"] * 3


def test_a_failed_execution_lets_the_next_in_the_queue_in(lane: Any) -> None:
    one = lane.create(*GATES, executionMode="QUEUED")
    two = lane.start()
    lane.answer("First", "Rejected")
    assert (lane.status(one), lane.status(two)) == ("Failed", "InProgress")
    assert lane.stage("First")["latestExecution"]["pipelineExecutionId"] == two


def test_parallel_executions_do_not_wait_for_one_another(lane: Any) -> None:
    one = lane.create(*GATES, executionMode="PARALLEL")
    two = lane.start()
    assert [run["actionName"] for run in lane.runs(one)] == [run["actionName"] for run in lane.runs(two)]
    lane.answer("First")
    assert (lane.runs(one)[-1]["stageName"], lane.runs(two)[-1]["stageName"]) == ("First", "Second")


def test_a_queue_of_fifty_takes_no_more(lane: Any) -> None:
    lane.create(*GATES, executionMode="QUEUED")
    for _ in range(49):
        lane.client.start_pipeline_execution(name=lane.name)
    with pytest.raises(ClientError, match="ConcurrentPipelineExecutionsLimitExceededException"):
        lane.client.start_pipeline_execution(name=lane.name)
    lane.bench.settled()


def test_a_closed_transition_holds_executions_back(lane: Any) -> None:
    one = lane.create(*GATES)
    asked = {"pipelineName": lane.name, "stageName": "Second", "transitionType": "Inbound"}
    lane.client.disable_stage_transition(**asked, reason="holidays")
    lane.answer("First")
    told = lane.stage("Second")
    assert told["inboundExecution"]["pipelineExecutionId"] == one
    assert told["inboundTransitionState"]["disabledReason"] == "holidays"
    lane.client.enable_stage_transition(**asked)
    lane.bench.settled()
    assert lane.stage("Second")["latestExecution"]["pipelineExecutionId"] == one


def test_an_update_cancels_what_runs_in_a_changed_stage_only(lane: Any) -> None:
    one = lane.create(*GATES)
    declaration = lane.declaration(*GATES, stage("Third", gate()))
    lane.client.update_pipeline(pipeline=declaration)
    lane.answer("First")
    lane.answer("Second")
    assert lane.stage("Third")["latestExecution"]["pipelineExecutionId"] == one
    declaration["stages"][3]["actions"][0]["configuration"] = {"CustomData": "another question"}
    lane.client.update_pipeline(pipeline=declaration)
    assert lane.status(one) == "Cancelled"
    assert lane.told("Pipeline")[-1] == ("CANCELED",)
