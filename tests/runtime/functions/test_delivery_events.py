"""What the delivery function does with events, in the shape in which AWS documents them: late, twice, out of order."""

import io
import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sagewright.runtime.functions import delivery_events, model_versions
from sagewright.runtime.functions.delivery_desk import Desk, Setting
from sagewright.runtime.functions.model_versions import APPROVED, PENDING, REJECTED
from tests.runtime.functions.pipelines import NOW, Execution, Pipelines

EVENTS = Path(__file__).parents[2] / "stacks" / "events"
BUILD, PROMOTION, ROLLBACK = "churn-build", "churn-promotion", "churn-rollback"
WATCHED = {"DaysLive"}


@dataclass
class Topic:
    """In the place of SNS: remembers what was published, and can be out of order."""

    messages: list[dict[str, str]] = field(default_factory=list)
    is_broken: bool = False

    def publish(self, **message: str) -> None:
        if self.is_broken:
            self.is_broken = False
            raise delivery_events.ClientError({"Error": {"Code": "Throttling", "Message": "later"}}, "Publish")
        assert len(message["Subject"]) < 100
        assert message["Subject"].isascii()
        self.messages.append(message)


@dataclass
class Delivery:
    """The function in an account of its own: registry, bucket and records are the sandbox's."""

    client: Callable[[str], Any]
    group: str
    versions: list[str]
    setting: Setting
    pipelines: Pipelines = field(default_factory=Pipelines)
    topic: Topic = field(default_factory=Topic)
    builds: dict[str, Any] = field(default_factory=dict)

    def make(self, service: str) -> Any:
        own = {"codepipeline": self.pipelines, "sns": self.topic, "codebuild": self, "logs": self, "codecommit": self}
        return own.get(service) or self.client(service)

    def hear(self, name: str, identity: str = "event-1", time: str = "2026-11-20T12:00:00Z", **detail: Any) -> Any:
        """Deliver an event as AWS documents it, about something of ours."""
        event = json.loads((EVENTS / f"{name}.json").read_text())["event"]
        event |= {"id": identity, "time": time}
        event["detail"] |= {key.replace("_", "-"): value for key, value in detail.items()}
        return delivery_events.answer(Desk(self.setting, self.make), event)

    def decide(self, number: int, status: str, note: str | None = None) -> None:
        sagemaker = self.client("sagemaker")
        model_versions.decide(sagemaker, model_versions.find(sagemaker, self.group, number), status, note)

    def decided(self, number: int, said: str, **more: Any) -> Any:
        """Tell of a decision about a version."""
        event = json.loads((EVENTS / "model-package.json").read_text())["event"]
        event |= {"id": more.pop("identity", "event-1"), "time": "2026-11-20T12:00:00Z"}
        event["detail"] |= {"ModelPackageArn": self.versions[number - 1], "ModelApprovalStatus": said}
        event["detail"] |= {"UpdatedModelPackageFields": ["ModelApprovalStatus"], **more}
        return delivery_events.answer(Desk(self.setting, self.make), event)

    def live(self, environment: str, number: int) -> None:
        """Let the record say what an environment serves."""
        record = {"version": self.versions[number - 1], "config": uuid.uuid4().hex, "baseline": ""}
        name = self.setting.release_copy(environment)
        self.client("ssm").put_parameter(Name=name, Value=json.dumps(record), Type="String", Overwrite=True)

    def audit(self, kind: str = "") -> list[dict[str, Any]]:
        """The audit, in its order."""
        s3 = self.client("s3")
        listed = s3.list_objects_v2(Bucket=self.setting.bucket, Prefix="audit/").get("Contents", [])
        found = [
            json.loads(s3.get_object(Bucket=self.setting.bucket, Key=each["Key"])["Body"].read()) for each in listed
        ]
        return [each for each in found if not kind or each["kind"] == kind]

    def promoting(self, number: int, **more: str) -> Execution:
        return self.pipelines.put(PROMOTION, Version=self.versions[number - 1], **more)

    def batch_get_builds(self, ids: list[str]) -> Any:
        return {"builds": [self.builds[each] for each in ids if each in self.builds]}

    def get_log_events(self, **asked: Any) -> Any:
        assert asked["startFromHead"] is False
        lines = [
            "[Container] Running",
            "Error: Endpoint churn-prod is too slow: p99 is above 1000 ms.\n",
            "[Container] end",
        ]
        return {"events": [{"message": line} for line in lines]}


@pytest.fixture
def delivery(client: Callable[[str], Any], registered: Any) -> Delivery:
    project = f"churn-{uuid.uuid4().hex[:8]}"
    setting = Setting(
        project=project,
        first="dev",
        region="eu-west-1",
        environments=("staging", "prod"),
        build=BUILD,
        promotion=PROMOTION,
        rollback=ROLLBACK,
        group=registered.group,
        bucket=registered.bucket,
        topic="arn:aws:sns:eu-west-1:111111111111:churn-delivery",
        approval_hours=168,
        pull_request="churn-pull-request",
        repository="churn",
    )
    return Delivery(client, registered.group, registered.arns, setting)


def test_an_approval_starts_the_promotion_of_the_version_once_however_often_it_is_told(delivery: Delivery) -> None:
    delivery.decide(1, APPROVED, "better recall")
    for identity in ("event-1", "event-1", "event-2"):
        delivery.decided(1, APPROVED, identity=identity)
    assert delivery.pipelines.started(PROMOTION) == [{"Version": delivery.versions[0]}]
    (entry,) = delivery.audit()
    assert (entry["kind"], entry["what"], entry["words"]) == ("approval", "Version 1 was approved.", "better recall")
    assert entry["sources"]["version"] == delivery.versions[0]


def test_two_approvals_in_a_row_are_two_promotions(delivery: Delivery) -> None:
    for number in (1, 2):
        delivery.decide(number, APPROVED)
        delivery.decided(number, APPROVED)
    assert [each["Version"] for each in delivery.pipelines.started(PROMOTION)] == delivery.versions


def test_an_approval_that_was_taken_back_before_its_event_came_promotes_nothing(delivery: Delivery) -> None:
    delivery.decide(1, APPROVED)
    delivery.decide(1, REJECTED, "wrong month")
    delivery.decided(1, REJECTED, identity="later")
    delivery.decided(1, APPROVED, identity="earlier")
    assert delivery.pipelines.started(PROMOTION) == []
    assert sorted(each["kind"] for each in delivery.audit()) == ["approval", "rejection"]


def test_an_approval_after_a_rejection_is_a_promotion_of_its_own(delivery: Delivery) -> None:
    for status in (APPROVED, REJECTED, APPROVED):
        delivery.decide(1, status)
        delivery.decided(1, status)
    assert len(delivery.pipelines.started(PROMOTION)) == 2


def test_approving_once_more_starts_a_promotion_only_where_none_goes_on(delivery: Delivery) -> None:
    changed = {"UpdatedModelPackageFields": ["ApprovalDescription"]}
    delivery.decide(1, APPROVED)
    first = delivery.decided(1, APPROVED)["promotion"]
    delivery.decide(1, APPROVED, "again")
    assert delivery.decided(1, APPROVED, identity="event-2", **changed) == {"promotion": first}
    delivery.pipelines.executions[first].status = "Failed"
    sagemaker = delivery.client("sagemaker")
    for _ in range(2):
        version = model_versions.find(sagemaker, delivery.group, 1)
        assert model_versions.decide(sagemaker, version, APPROVED, None, anew=True)
    assert (model_versions.find(sagemaker, delivery.group, 1).note or "").count("once more") == 1
    assert delivery.decided(1, APPROVED, identity="event-3", **changed)["promotion"] != first


def test_a_version_that_was_deleted_before_its_event_came_is_let_be(delivery: Delivery) -> None:
    delivery.decide(1, APPROVED)
    delivery.client("sagemaker").delete_model_package(ModelPackageName=delivery.versions[0])
    assert delivery.decided(1, APPROVED) == {"ignored": f"{delivery.versions[0]} was deleted"}
    assert delivery.pipelines.started(PROMOTION) == []


def test_a_change_that_decides_nothing_promotes_nothing(delivery: Delivery) -> None:
    delivery.decide(1, APPROVED)
    delivery.decided(1, APPROVED, UpdatedModelPackageFields=["ModelLifeCycle"])
    assert delivery.pipelines.started(PROMOTION) == []


def test_rejecting_what_is_live_takes_it_back_where_it_is_live(delivery: Delivery) -> None:
    delivery.live("staging", 2)
    delivery.live("prod", 1)
    delivery.decide(1, REJECTED, "too many refusals")
    for identity in ("event-1", "event-1", "event-2"):
        delivery.decided(1, REJECTED, identity=identity)
    (started,) = delivery.pipelines.started(ROLLBACK)
    assert (started["Environment"], started["Leaving"], started["Promotion"]) == ("prod", "1", "none")
    assert started["Reason"] == "version 1 was rejected (too many refusals)"


def test_rejecting_what_is_live_nowhere_takes_nothing_back(delivery: Delivery) -> None:
    delivery.live("prod", 1)
    delivery.decide(2, REJECTED)
    delivery.decided(2, REJECTED)
    assert delivery.pipelines.started(ROLLBACK) == []


def test_rejecting_what_is_on_its_way_stops_it_and_takes_it_back_from_where_it_has_begun(delivery: Delivery) -> None:
    delivery.live("staging", 1)
    delivery.decide(2, REJECTED)
    execution = delivery.promoting(2)
    delivery.pipelines.enter(execution, "staging", "InProgress")
    delivery.decided(2, REJECTED)
    assert [each["Environment"] for each in delivery.pipelines.started(ROLLBACK)] == ["staging"]
    assert delivery.pipelines.stopped == [(execution.id, "Version 2 was rejected.")]


def test_a_stage_that_fails_is_taken_back_once(delivery: Delivery) -> None:
    execution = delivery.promoting(2)
    delivery.pipelines.enter(execution, "staging", "Failed")
    delivery.pipelines.act(execution, "staging", "Verify", "Failed")
    told = {"pipeline": PROMOTION, "stage": "staging", "state": "FAILED", "execution_id": execution.id}
    for identity in ("event-1", "event-1", "event-2"):
        delivery.hear("codepipeline-stage", identity, **told)
    (started,) = delivery.pipelines.started(ROLLBACK)
    assert started == {
        "Environment": "staging",
        "Version": "none",
        "Leaving": "2",
        "Promotion": execution.id,
        "Who": f"promotion {execution.id}",
        "Reason": "version 2 ended as failed at Verify",
    }


@pytest.mark.parametrize("status", ["InProgress", "Succeeded"])
def test_a_stage_that_was_run_again_before_its_failure_was_told_is_let_be(delivery: Delivery, status: str) -> None:
    execution = delivery.promoting(2)
    delivery.pipelines.enter(execution, "staging", status)
    told = {"pipeline": PROMOTION, "stage": "staging", "state": "FAILED", "execution_id": execution.id}
    assert "ignored" in delivery.hear("codepipeline-stage", **told)
    assert delivery.pipelines.started(ROLLBACK) == []


def test_a_promotion_that_somebody_stops_in_an_environment_is_taken_back_there(delivery: Delivery) -> None:
    execution = delivery.promoting(2)
    delivery.pipelines.enter(execution, "prod", "Stopped")
    told = {"pipeline": PROMOTION, "stage": "prod", "state": "STOPPED", "execution_id": execution.id}
    delivery.hear("codepipeline-stage", **told)
    assert [each["Environment"] for each in delivery.pipelines.started(ROLLBACK)] == ["prod"]


@pytest.mark.parametrize("stage", ["Source", "Resolve", "prod-changes", "Approve"])
def test_a_stage_that_is_no_environment_is_taken_back_from_nowhere(delivery: Delivery, stage: str) -> None:
    execution = delivery.promoting(2)
    delivery.pipelines.enter(execution, stage, "Failed")
    told = {"pipeline": PROMOTION, "stage": stage, "state": "FAILED", "execution_id": execution.id}
    delivery.hear("codepipeline-stage", **told)
    assert delivery.pipelines.started(ROLLBACK) == []


def test_a_version_that_serves_and_is_only_not_watched_stays(delivery: Delivery) -> None:
    execution = delivery.promoting(2)
    delivery.pipelines.enter(execution, "prod", "Failed")
    delivery.pipelines.act(execution, "prod", "Monitoring", "Failed")
    told = {"pipeline": PROMOTION, "stage": "prod", "state": "FAILED", "execution_id": execution.id}
    delivery.hear("codepipeline-stage", **told)
    assert delivery.pipelines.started(ROLLBACK) == []


def test_a_release_is_written_down_with_who_let_it_go_there(delivery: Delivery) -> None:
    execution = delivery.promoting(2)
    approval = {"actionTypeId": {"category": "Approval", "owner": "AWS", "provider": "Manual", "version": "1"}}
    said = {"executionResult": {"externalExecutionSummary": "looks good"}}
    by = "arn:aws:iam::111111111111:user/ann"
    delivery.pipelines.act(execution, "Approve", "Approve", "Succeeded", input=approval, output=said, updatedBy=by)
    told = {"pipeline": PROMOTION, "stage": "prod", "state": "SUCCEEDED", "execution_id": execution.id}
    for _ in range(3):
        delivery.hear("codepipeline-stage", **told)
    (entry,) = delivery.audit("release")
    assert (entry["who"], entry["words"]) == (by, "looks good")
    assert entry["what"] == "Version 2 serves in prod, and was verified there."


@pytest.mark.parametrize("is_last", [True, False])
def test_who_answered_at_the_gate_and_in_which_words_is_written_down(delivery: Delivery, is_last: bool) -> None:  # noqa: FBT001
    execution = delivery.promoting(2)
    by = "arn:aws:iam::111111111111:user/ann"
    said = {"executionResult": {"externalExecutionSummary": "looks good"}}
    action = delivery.pipelines.act(execution, "Approve", "Approve", "Succeeded", output=said, updatedBy=by)
    if is_last:
        latest = {"actionExecutionId": action, "lastUpdatedBy": by, "summary": "looks good", "status": "Succeeded"}
        delivery.pipelines.enter(execution, "Approve", "Succeeded", latest)
    kind = {"owner": "AWS", "provider": "Manual", "category": "Approval", "version": "1"}
    told = {"pipeline": PROMOTION, "stage": "Approve", "action": "Approve", "state": "SUCCEEDED", "type": kind}
    delivery.hear("codepipeline-action", execution_id=execution.id, action_execution_id=action, **told)
    (entry,) = delivery.audit("gate")
    assert (entry["who"], entry["words"]) == (by, "looks good")
    assert entry["what"] == "Version 2 was approved at Approve."


def test_an_approval_that_nobody_gave_in_time_is_written_down_as_nobodys(delivery: Delivery) -> None:
    execution = delivery.promoting(2)
    action = delivery.pipelines.act(execution, "Approve", "Approve", "Failed")
    kind = {"owner": "AWS", "provider": "Manual", "category": "Approval", "version": "1"}
    told = {"pipeline": PROMOTION, "stage": "Approve", "action": "Approve", "state": "FAILED", "type": kind}
    delivery.hear("codepipeline-action", execution_id=execution.id, action_execution_id=action, **told)
    (entry,) = delivery.audit("gate")
    assert (entry["who"], entry["what"]) == ("nobody", "Version 2 was not approved at Approve within 168 hours.")


def test_a_failed_verification_is_told_once_in_the_words_of_its_build(delivery: Delivery) -> None:
    execution = delivery.promoting(2)
    build = f"churn-prod-release:{uuid.uuid4()}"
    delivery.builds[build] = {"logs": {"groupName": "/aws/codebuild/churn-prod-release", "streamName": "1"}}
    failed = {"externalExecutionId": build, "errorDetails": {"message": "exit status 1"}}
    delivery.pipelines.act(execution, "prod", "Verify", "Failed", output={"executionResult": failed})
    for identity in ("event-1", "event-1", "event-2"):
        told = {"pipeline": PROMOTION, "state": "FAILED", "execution_id": execution.id}
        delivery.hear("codepipeline-pipeline", identity, **told)
    (message,) = delivery.topic.messages
    assert message["Subject"].endswith("Promotion of version 2 failed at prod (Verify)")
    text = message["Message"]
    assert text.startswith(
        "Promotion of version 2: prod (Verify) failed: Endpoint churn-prod is too slow: p99 is above 1000"
    )
    assert "prod is being taken back to what was verified there before" in text
    assert "The whole log: `aws logs tail /aws/codebuild/churn-prod-release --log-stream-names 1 --since" in text
    assert f"/pipelines/{PROMOTION}/executions/{execution.id}/" in text


def test_a_message_that_could_not_be_sent_is_sent_by_the_next_attempt(delivery: Delivery) -> None:
    execution = delivery.pipelines.put(BUILD, "Failed")
    delivery.pipelines.act(execution, "Test", "Test", "Failed")
    told = {"pipeline": BUILD, "state": "FAILED", "execution_id": execution.id}
    delivery.topic.is_broken = True
    with pytest.raises(delivery_events.ClientError):
        delivery.hear("codepipeline-pipeline", **told)
    delivery.hear("codepipeline-pipeline", **told)
    (message,) = delivery.topic.messages
    assert message["Subject"].endswith("Build failed at Test (Test)")
    assert "aws codepipeline retry-stage-execution" in message["Message"]


def test_a_rollback_that_fails_calls_somebody_at_once(delivery: Delivery) -> None:
    execution = delivery.pipelines.put(ROLLBACK, "Failed", Environment="prod", Leaving="2")
    delivery.pipelines.act(execution, "prod", "Serving", "Failed")
    told = {"pipeline": ROLLBACK, "state": "FAILED", "execution_id": execution.id}
    delivery.hear("codepipeline-pipeline", **told)
    assert "Somebody has to look at prod NOW" in delivery.topic.messages[0]["Message"]


def test_a_rollback_that_took_something_back_is_told_and_written_down(delivery: Delivery) -> None:
    execution = delivery.pipelines.put(ROLLBACK, "Succeeded", Environment="prod", Who="ann", Reason="too slow")
    output = {"outputVariables": {"Summary": "prod goes back to version 1, which was verified there."}}
    delivery.pipelines.act(execution, "Resolve", "Resolve", "Succeeded", output=output)
    told = {"pipeline": ROLLBACK, "state": "SUCCEEDED", "execution_id": execution.id}
    delivery.hear("codepipeline-pipeline", **told)
    (entry,) = delivery.audit("rollback")
    assert (entry["who"], entry["words"]) == ("ann", "too slow")
    (message,) = delivery.topic.messages
    assert "Asked for by ann: too slow." in message["Message"]


def test_a_rollback_that_had_nothing_to_do_is_told_to_nobody(delivery: Delivery) -> None:
    execution = delivery.pipelines.put(ROLLBACK, "Succeeded", Environment="prod")
    output = {"outputVariables": {"Summary": "Nothing to do in prod: version 1 serves there."}}
    delivery.pipelines.act(execution, "Resolve", "Resolve", "Succeeded", output=output)
    delivery.hear("codepipeline-pipeline", pipeline=ROLLBACK, state="SUCCEEDED", execution_id=execution.id)
    assert delivery.topic.messages == []


def test_pipelines_that_ran_because_they_were_just_created_are_not_in_the_audit(delivery: Delivery) -> None:
    for pipeline in (PROMOTION, ROLLBACK):
        execution = delivery.pipelines.put(pipeline, "Succeeded", Version="none", Environment="none")
        delivery.hear("codepipeline-pipeline", pipeline=pipeline, state="SUCCEEDED", execution_id=execution.id)
    assert delivery.audit() == []


def scheduled(delivery: Delivery, hours: float) -> Any:
    at = f"{NOW + timedelta(hours=hours):%Y-%m-%dT%H:%M:%SZ}"
    event = {"detail-type": "Scheduled Event", "source": "aws.events", "id": at, "time": at}
    return delivery_events.answer(Desk(delivery.setting, delivery.make), event)


def test_an_approval_that_waits_is_told_once_a_day(delivery: Delivery) -> None:
    for number in (1, 2):
        delivery.decide(number, APPROVED)
    execution = delivery.promoting(2)
    waits = {"actionExecutionId": "a", "status": "InProgress", "token": "t", "lastStatusChange": NOW}
    delivery.pipelines.enter(execution, "Approve", "InProgress", waits)
    for hours in (1, 23, 24.2, 24.2, 25, 47, 48.1, 49):
        scheduled(delivery, hours)
    assert [each["Subject"].partition(": ")[2] for each in delivery.topic.messages] == [
        "The approval of version 2 at Approve waits for 1 day",
        "The approval of version 2 at Approve waits for 2 days",
    ]
    assert "ends by itself at 2026-11-27 12:00 UTC" in delivery.topic.messages[0]["Message"]


def test_only_the_newest_version_is_reminded_of_while_it_waits(delivery: Delivery) -> None:
    newest = model_versions.find(delivery.client("sagemaker"), delivery.group, 2)
    assert newest.status == PENDING
    later = (newest.created - NOW) / timedelta(hours=1)
    for days in (0.5, 1.1, 1.2, 2.1, 30):
        scheduled(delivery, later + 24 * days)
    assert [each["Subject"].partition(": ")[2] for each in delivery.topic.messages] == [
        "Version 2 waits for 1 day",
        "Version 2 waits for 2 days",
    ]


def test_the_age_of_what_serves_counts_from_when_its_version_came_and_not_its_config(delivery: Delivery) -> None:
    for number in (2, 1, 1):
        delivery.live("prod", number)
    history = delivery.client("ssm").get_parameter_history(Name=delivery.setting.release_copy("prod"))["Parameters"]
    done = scheduled(delivery, 24 * 400)
    (days,) = done["days"].values()
    expected = NOW + timedelta(days=400) - history[1]["LastModifiedDate"]
    assert days == pytest.approx(expected / timedelta(days=1))
    metrics = delivery.client("cloudwatch").list_metrics(Namespace=delivery.setting.namespace("prod"))["Metrics"]
    assert {each["MetricName"] for each in metrics} == WATCHED


def test_changed_stacks_are_written_down(delivery: Delivery) -> None:
    delivery.hear("stack")
    (entry,) = delivery.audit("settings")
    assert entry["what"].startswith("Stack ")


def test_the_function_takes_its_settings_from_its_environment(
    monkeypatch: pytest.MonkeyPatch, delivery: Delivery
) -> None:
    variables = {
        "PROJECT": "churn",
        "FIRST": "dev",
        "AWS_REGION": "eu-west-1",
        "ENVIRONMENTS": '{"staging": {"account": "222222222222", "region": "eu-west-1"}}',
        "BUILD": BUILD,
        "PROMOTION": PROMOTION,
        "ROLLBACK": ROLLBACK,
        "GROUP": "churn",
        "BUCKET": "b",
        "TOPIC_ARN": "arn",
        "REVIEW_DAYS": "180",
        "APPROVAL_HOURS": "168",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("boto3.client", delivery.make)
    told = io.StringIO()
    monkeypatch.setattr("sys.stdout", told)
    execution = delivery.pipelines.put(PROMOTION, Version="none")
    event = json.loads((EVENTS / "codepipeline-pipeline.json").read_text())["event"]
    event["detail"] |= {"pipeline": PROMOTION, "execution-id": execution.id}
    assert delivery_events.handler(event, None) == {"seen": f"{PROMOTION} {execution.id} STARTED"}
    assert json.loads(told.getvalue())["event"] == "01234567-EXAMPLE"


def test_an_event_that_no_rule_asks_for_is_not_swallowed(delivery: Delivery) -> None:
    with pytest.raises(ValueError, match="No rule of ours asks for events of type 'Something Else'"):
        delivery_events.answer(Desk(delivery.setting, delivery.make), {"detail-type": "Something Else"})
