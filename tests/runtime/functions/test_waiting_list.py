"""Where another system runs the steps, nothing can be started for it: what was decided waits until it comes to look."""

import dataclasses
import json
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sagewright.runtime.functions import delivery_events, model_versions, waiting_list
from sagewright.runtime.functions.delivery_desk import Desk, Setting
from sagewright.runtime.functions.model_versions import APPROVED, REJECTED
from sagewright.runtime.functions.waiting_list import Waiting
from tests.runtime.functions.pipelines import Pipelines

DETAIL_TYPE = "SageMaker Model Package State Change"


@dataclasses.dataclass
class Elsewhere:
    """The delivery function of a project that Jenkins delivers."""

    client: Callable[[str], Any]
    versions: list[str]
    setting: Setting
    pipelines: Pipelines = dataclasses.field(default_factory=Pipelines)

    def decide(self, number: int, status: str, *identities: str, note: str | None = None) -> None:
        """Decide about a version, and let that be told as often as there are identities."""
        sagemaker = self.client("sagemaker")
        model_versions.decide(sagemaker, model_versions.find(sagemaker, self.setting.group, number), status, note)
        detail = {
            "ModelPackageArn": self.versions[number - 1],
            "ModelApprovalStatus": status,
            "UpdatedModelPackageFields": ["ModelApprovalStatus"],
        }
        for identity in identities or ("event-1",):
            event = {"id": identity, "time": "2026-11-20T12:00:00Z", "detail-type": DETAIL_TYPE, "detail": detail}
            delivery_events.answer(Desk(self.setting, self.make), event)

    def make(self, service: str) -> Any:
        return self.pipelines if service == "codepipeline" else self.client(service)

    def live(self, environment: str, number: int) -> None:
        record = {"version": self.versions[number - 1], "config": uuid.uuid4().hex, "baseline": ""}
        name = self.setting.release_copy(environment)
        self.client("ssm").put_parameter(Name=name, Value=json.dumps(record), Type="String", Overwrite=True)

    def waiting(self, now: datetime | None = None) -> list[Waiting]:
        return [*waiting_list.waiting(self.client("s3"), self.setting.bucket, now or datetime.now(UTC))]


@pytest.fixture
def elsewhere(client: Callable[[str], Any], registered: Any) -> Elsewhere:
    variables = {
        "PROJECT": f"churn-{uuid.uuid4().hex[:8]}",
        "FIRST": "dev",
        "AWS_REGION": "eu-west-1",
        "ENVIRONMENTS": json.dumps({"staging": {}, "prod": {}}),
        "BUILD": "churn-build",
        "PROMOTION": "churn-promotion",
        "ROLLBACK": "churn-rollback",
        "GROUP": registered.group,
        "BUCKET": registered.bucket,
        "TOPIC_ARN": "arn:aws:sns:eu-west-1:111111111111:churn-delivery",
        "APPROVAL_HOURS": "168",
        "DELIVERED_BY": "jenkins",
    }
    return Elsewhere(client, registered.arns, Setting.read(variables))


def test_an_approved_version_waits_once_however_often_it_is_told(elsewhere: Elsewhere) -> None:
    elsewhere.decide(1, APPROVED, "event-1", "event-1", "event-2")

    (waits,) = elsewhere.waiting()
    assert (waits.what, waits.variables) == ("promotion", {"Version": elsewhere.versions[0]})
    assert elsewhere.pipelines.executions == {}


def test_what_has_begun_waits_no_more_and_the_same_event_does_not_bring_it_back(elsewhere: Elsewhere) -> None:
    elsewhere.decide(1, APPROVED)
    (waits,) = elsewhere.waiting()
    waiting_list.begin(elsewhere.client("s3"), elsewhere.setting.bucket, waits.identity, "job 7")
    again = [{"id": "late", "time": "2026-11-20T12:00:00Z", "detail-type": DETAIL_TYPE}]
    for event in again:
        detail = {"ModelPackageArn": elsewhere.versions[0], "ModelApprovalStatus": APPROVED}
        delivery_events.answer(Desk(elsewhere.setting, elsewhere.make), {**event, "detail": detail})

    assert elsewhere.waiting() == []


def test_an_approval_after_a_rejection_waits_anew(elsewhere: Elsewhere) -> None:
    elsewhere.decide(1, APPROVED)
    (waits,) = elsewhere.waiting()
    waiting_list.begin(elsewhere.client("s3"), elsewhere.setting.bucket, waits.identity, "job 7")
    elsewhere.decide(1, REJECTED)
    elsewhere.decide(1, APPROVED)

    assert [each.variables["Version"] for each in elsewhere.waiting()] == [elsewhere.versions[0]]


def test_a_rejected_version_waits_to_be_taken_back_from_where_it_serves(elsewhere: Elsewhere) -> None:
    elsewhere.live("staging", 2)
    elsewhere.live("prod", 1)
    elsewhere.decide(1, REJECTED, "event-1", "event-2", note="too many refusals")

    (waits,) = elsewhere.waiting()
    assert waits.what == "rollback"
    assert waits.variables["Environment"] == "prod"
    assert (waits.variables["Leaving"], waits.variables["Version"]) == ("1", "none")
    assert waits.variables["Reason"] == "version 1 was rejected (too many refusals)"


def test_what_nobody_has_come_for_in_a_week_does_not_begin_as_a_surprise(elsewhere: Elsewhere) -> None:
    elsewhere.decide(1, APPROVED)

    assert len(elsewhere.waiting(datetime.now(UTC) + timedelta(days=6))) == 1
    assert elsewhere.waiting(datetime.now(UTC) + timedelta(days=8)) == []
