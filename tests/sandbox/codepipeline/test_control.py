"""What is under way can be stopped, repeated and taken back, as far as CodePipeline allows."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from .conftest import action, check, gate, stage

GATES = (stage("First", gate()), stage("Second", gate()))
ABSENT = action(
    "Build", "Build", "CodeBuild", configuration={"ProjectName": "absent"}, inputArtifacts=[{"name": "Source"}]
)


def roll_back(lane: Any, stage_name: str, target: str) -> str:
    asked = {"pipelineName": lane.name, "stageName": stage_name, "targetPipelineExecutionId": target}
    identity = lane.client.rollback_stage(**asked)["pipelineExecutionId"]
    lane.bench.settled()
    return identity


def test_stopping_waits_for_what_runs_and_stops_before_the_next_stage(lane: Any) -> None:
    identity = lane.create(*GATES)
    lane.stop(identity)
    assert lane.status(identity) == "Stopping"
    with pytest.raises(ClientError, match="DuplicatedStopRequestException"):
        lane.stop(identity)
    lane.answer("First")
    assert lane.status(identity) == "Stopped"
    assert "latestExecution" not in lane.stage("Second")
    assert lane.executions()[0]["stopTrigger"] == {"reason": "a test asks for it"}


def test_abandoning_stops_at_once_and_lets_the_next_in(lane: Any) -> None:
    one = lane.create(*GATES, executionMode="QUEUED")
    two = lane.start()
    token = lane.action("First", "Approve")["token"]
    lane.stop(one, abandon=True)
    assert (lane.status(one), lane.status(two)) == ("Stopped", "InProgress")
    assert lane.runs(one)[-1]["status"] == "Abandoned"
    assert lane.stage("First")["latestExecution"]["pipelineExecutionId"] == two
    with pytest.raises(ClientError, match="ApprovalAlreadyCompletedException"):
        lane.answer("First", token=token)
    with pytest.raises(ClientError, match="PipelineExecutionNotStoppableException"):
        lane.stop(one)


def test_an_execution_that_waits_before_a_stage_stops_at_once(lane: Any) -> None:
    lane.create(*GATES, executionMode="QUEUED")
    two = lane.start()
    lane.stop(two)
    assert lane.status(two) == "Stopped"
    assert "inboundExecutions" not in lane.stage("First")


def test_a_retry_does_failed_actions_again_and_keeps_the_others(lane: Any) -> None:
    one = lane.create(stage("Gate", gate("Before"), gate("Approve", runOrder=2)), stage("Second", gate()))
    lane.answer("Gate", name="Before")
    lane.answer("Gate", "Rejected")
    assert lane.status(one) == "Failed"
    lane.retry("Gate", one)
    assert (lane.status(one), lane.action("Gate", "Before")["status"]) == ("InProgress", "Succeeded")
    lane.answer("Gate")
    assert [run["actionName"] for run in lane.runs(one)] == ["Take", "Before", "Approve", "Approve", "Approve"]
    metadata = lane.stage("Gate")["retryStageMetadata"]
    assert (metadata["manualStageRetryAttempt"], metadata["latestRetryTrigger"]) == (1, "ManualStageRetry")


def test_a_retry_of_all_actions_begins_the_stage_anew(lane: Any) -> None:
    one = lane.create(stage("Gate", gate("Before"), gate("Approve", runOrder=2)))
    lane.answer("Gate", name="Before")
    lane.answer("Gate", "Rejected")
    lane.retry("Gate", one, "ALL_ACTIONS")
    assert lane.action("Gate", "Before")["status"] == "InProgress"


def test_only_a_failed_stage_of_its_newest_execution_is_retried(lane: Any) -> None:
    one = lane.create(*GATES)
    with pytest.raises(ClientError, match="StageNotRetryableException"):
        lane.retry("First", one)
    lane.answer("First", "Rejected")
    lane.start()
    with pytest.raises(ClientError, match="NotLatestPipelineExecutionException"):
        lane.retry("First", one)


def test_a_stage_that_retries_itself_does_so_once(lane: Any) -> None:
    retrying = {"result": "RETRY", "retryConfiguration": {"retryMode": "FAILED_ACTIONS"}}
    one = lane.create(stage("Build", ABSENT, onFailure=retrying))
    assert lane.status(one) == "Failed"
    assert [run["status"] for run in lane.runs(one)] == ["Succeeded", "Failed", "Failed"]
    assert lane.stage("Build")["retryStageMetadata"]["latestRetryTrigger"] == "AutomatedStageRetry"


def test_a_stage_is_rolled_back_to_an_execution_that_it_succeeded_with(lane: Any) -> None:
    good = lane.create(*GATES)
    lane.answer("First")
    lane.answer("Second")
    identity = roll_back(lane, "First", good)
    told = lane.execution(identity)
    assert (told["executionType"], told["rollbackMetadata"]["rollbackTargetPipelineExecutionId"]) == ("ROLLBACK", good)
    lane.answer("First")
    assert lane.status(identity) == "Succeeded"
    assert lane.stage("Second")["latestExecution"]["pipelineExecutionId"] == good
    with pytest.raises(ClientError, match="UnableToRollbackStageException"):
        roll_back(lane, "First", identity)
    with pytest.raises(ClientError, match="UnableToRollbackStageException"):
        roll_back(lane, "Source", good)


def test_a_rollback_across_versions_is_refused(lane: Any) -> None:
    good = lane.create(*GATES)
    lane.answer("First")
    lane.answer("Second")
    lane.client.update_pipeline(pipeline=lane.declaration(*GATES))
    with pytest.raises(ClientError, match="PipelineExecutionOutdatedException"):
        roll_back(lane, "First", good)


def test_a_failed_stage_goes_back_by_itself_to_its_last_success(lane: Any) -> None:
    good = lane.create(stage("Gate", gate(), onFailure={"result": "ROLLBACK"}))
    lane.answer("Gate")
    bad = lane.start()
    lane.answer("Gate", "Rejected")
    assert lane.status(bad) == "Failed"
    back = lane.executions()[0]
    assert back["trigger"] == {"triggerType": "AutomatedRollback", "triggerDetail": bad}
    assert back["rollbackMetadata"] == {"rollbackTargetPipelineExecutionId": good}
    assert lane.stage("Gate")["latestExecution"]["type"] == "ROLLBACK"


def test_a_stage_that_never_succeeded_has_nothing_to_go_back_to(lane: Any) -> None:
    lane.create(stage("Gate", gate(), onFailure={"result": "ROLLBACK"}))
    lane.answer("Gate", "Rejected")
    assert len(lane.executions()) == 1


def test_a_condition_that_is_not_met_skips_the_stage(lane: Any) -> None:
    skipped = stage("First", gate(), beforeEntry=check("SKIP", "#{variables.Wanted}"))
    variables = [{"name": "Wanted", "defaultValue": "no"}]
    one = lane.create(skipped, stage("Second", gate()), variables=variables)
    assert lane.stage("First")["latestExecution"]["status"] == "Skipped"
    assert lane.action("First", "Approve") == {}
    assert lane.stage("First")["beforeEntryConditionState"]["latestExecution"]["status"] == "Failed"
    lane.answer("Second")
    assert lane.status(one) == "Succeeded"
    two = lane.start(variables=[{"name": "Wanted", "value": "yes"}])
    assert lane.stage("First")["latestExecution"] == {
        "pipelineExecutionId": two,
        "status": "InProgress",
        "type": "STANDARD",
    }


@pytest.mark.parametrize(
    ("operator", "value", "met"),
    [
        *(("EQ", "v1-blue", True), ("EQ", "V1-BLUE", False), ("NE", "v1-blue", False), ("CONTAINS", "blue", True)),
        *(("MATCHES", "v[0-9]+-.*", True), ("MATCHES", "v[0-9]+", False)),
    ],
)
def test_a_rule_compares_as_its_operator_says(lane: Any, operator: str, value: str, *, met: bool) -> None:
    condition = check("FAIL", "#{variables.What}", operator, value)
    variables = [{"name": "What", "defaultValue": "v1-blue"}]
    one = lane.create(stage("Gate", gate(), beforeEntry=condition), variables=variables)
    assert lane.status(one) == ("InProgress" if met else "Failed")
    (rule,) = lane.client.list_rule_executions(pipelineName=lane.name)["ruleExecutionDetails"]
    assert rule["status"] == ("Succeeded" if met else "Failed")
    assert rule["input"]["resolvedConfiguration"]["Variable"] == "v1-blue"


def test_a_failing_entry_condition_can_be_overridden_and_a_skipping_one_not(lane: Any) -> None:
    variables = [{"name": "Go", "defaultValue": "no"}]
    failing = stage("First", gate(), beforeEntry=check("FAIL", "#{variables.Go}"))
    skipping = stage("Second", gate(), beforeEntry=check("SKIP", "#{variables.Go}"))
    one = lane.create(failing, skipping, stage("Third", gate()), variables=variables)
    assert lane.status(one) == "Failed"
    asked = {"pipelineName": lane.name, "pipelineExecutionId": one, "conditionType": "BEFORE_ENTRY"}
    lane.client.override_stage_condition(stageName="First", **asked)
    lane.bench.settled()
    lane.answer("First")
    with pytest.raises(ClientError, match="ConditionNotOverridableException"):
        lane.client.override_stage_condition(stageName="Second", **asked)
    lane.answer("Third")
    assert lane.status(one) == "Succeeded"


def test_a_success_condition_that_is_not_met_fails_the_stage(lane: Any) -> None:
    variables = [{"name": "Good", "defaultValue": "no"}]
    one = lane.create(stage("Gate", gate(), onSuccess=check("FAIL", "#{variables.Good}")), variables=variables)
    lane.answer("Gate")
    assert lane.status(one) == "Failed"
    assert lane.action("Gate", "Approve")["status"] == "Succeeded"
