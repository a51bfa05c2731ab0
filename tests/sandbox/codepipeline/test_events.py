"""Rules hear of executions, stages and actions in the form that CodePipeline documents."""

import re
from typing import Any

from .conftest import gate, stage

MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z")
ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def heard(lane: Any, level: str, state: str) -> dict[str, Any]:
    kind = f"CodePipeline {level} Execution State Change"
    return next(each for each in lane.events if each["detail_type"] == kind and each["detail"]["state"] == state)


def test_an_execution_is_told_from_its_start_to_its_end(lane: Any) -> None:
    identity = lane.create(stage("Gate", gate()))
    lane.answer("Gate")
    assert lane.told("Pipeline") == [("STARTED",), ("SUCCEEDED",)]
    assert lane.told("Stage") == [
        *(("Source", "STARTED"), ("Source", "SUCCEEDED")),
        *(("Gate", "STARTED"), ("Gate", "SUCCEEDED")),
    ]
    assert lane.told("Action") == [
        *(("Take", "STARTED"), ("Take", "SUCCEEDED")),
        *(("Approve", "STARTED"), ("Approve", "SUCCEEDED")),
    ]
    started = heard(lane, "Pipeline", "STARTED")
    assert (started["source"], started["resources"]) == ("aws.codepipeline", [lane.arn])
    detail = started["detail"]
    assert MOMENT.fullmatch(detail.pop("start-time"))
    assert detail == {
        "pipeline": lane.name,
        "execution-id": identity,
        "execution-trigger": {
            "trigger-type": "CreatePipeline",
            "trigger-detail": "arn:aws:iam::111111111111:user/administrator",
        },
        "state": "STARTED",
        "version": 1.0,
        "pipeline-execution-attempt": 1.0,
    }
    assert set(heard(lane, "Pipeline", "SUCCEEDED")["detail"]) == {
        *("pipeline", "execution-id", "start-time", "state", "version", "pipeline-execution-attempt")
    }


def test_a_stage_is_told_as_documented(lane: Any) -> None:
    lane.create(stage("Gate", gate()))
    detail = heard(lane, "Stage", "STARTED")["detail"]
    assert set(detail) == {
        *("pipeline", "version", "execution-id", "start-time", "stage", "state", "pipeline-execution-attempt")
    }


def test_an_action_is_told_with_its_artifacts_and_result(lane: Any) -> None:
    lane.create(stage("Gate", gate()))
    detail = heard(lane, "Action", "SUCCEEDED")["detail"]
    assert ID.fullmatch(detail["action-execution-id"])
    assert detail["type"] == {"owner": "AWS", "provider": "S3", "category": "Source", "version": "1"}
    assert detail["region"] == "eu-west-1"
    (artifact,) = detail["output-artifacts"]
    assert (artifact["name"], artifact["s3location"]["bucket"]) == ("Source", lane.bucket)
    assert detail["execution-result"]["external-execution-summary"].startswith("Amazon S3 version id: ")


def test_a_failure_is_told_at_every_level_with_its_reason(lane: Any) -> None:
    lane.create(stage("Gate", gate()))
    lane.answer("Gate", "Rejected")
    assert (lane.told("Pipeline")[-1], lane.told("Stage")[-1]) == (("FAILED",), ("Gate", "FAILED"))
    assert heard(lane, "Action", "FAILED")["detail"]["execution-result"] == {
        "external-execution-summary": "Rejected by a test",
        "error-code": "JobFailed",
    }


def test_a_retry_is_told_as_resumed_with_its_attempt(lane: Any) -> None:
    identity = lane.create(stage("Gate", gate()))
    lane.answer("Gate", "Rejected")
    lane.retry("Gate", identity)
    resumed = heard(lane, "Stage", "RESUMED")["detail"]
    assert resumed["pipeline-execution-attempt"] == 2.0
    assert MOMENT.fullmatch(resumed["stage-last-retry-attempt-time"])
    assert heard(lane, "Pipeline", "RESUMED")["detail"]["pipeline-execution-attempt"] == 2.0


def test_stopping_superseding_and_abandoning_are_told(lane: Any) -> None:
    one = lane.create(stage("Gate", gate()))
    lane.start()
    lane.start()
    assert ("SUPERSEDED",) in lane.told("Pipeline")
    lane.stop(one, abandon=True)
    stopped = [each for each in lane.events if each["detail"]["execution-id"] == one][-5:]
    assert [each["detail"]["state"] for each in stopped] == [
        *("STOPPING", "STOPPING", "ABANDONED", "STOPPED", "STOPPED")
    ]
    assert stopped[0]["detail"]["stop-execution-comments"] == "a test asks for it"
