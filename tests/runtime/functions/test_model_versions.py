from collections.abc import Callable
from typing import Any

import pytest

from sagewright.runtime.functions import model_versions, release
from sagewright.runtime.functions.model_versions import APPROVED, PENDING, REJECTED
from sagewright.runtime.functions.refusal import Refused


def test_versions_come_newest_first(client: Callable[[str], Any], registered: Any) -> None:
    found = list(model_versions.versions(client("sagemaker"), registered.group))
    assert [version.number for version in found] == [2, 1]
    assert found[0].metric == "average_precision"


def test_an_unknown_version_is_refused_with_those_that_there_are(client: Callable[[str], Any], registered: Any) -> None:
    with pytest.raises(Refused, match=r"has no version 9\. Registered versions: 1, 2\."):
        model_versions.find(client("sagemaker"), registered.group, 9)


def test_approving_is_recorded_with_its_note_and_repeating_it_changes_nothing(
    client: Callable[[str], Any], registered: Any
) -> None:
    sagemaker = client("sagemaker")
    version = model_versions.find(sagemaker, registered.group, 1)
    assert model_versions.decide(sagemaker, version, APPROVED, "good")
    approved = model_versions.find(sagemaker, registered.group, 1)
    assert (approved.status, approved.note) == (APPROVED, "good")
    assert not model_versions.decide(sagemaker, approved, APPROVED, None)
    assert not model_versions.decide(sagemaker, approved, APPROVED, "good")


def test_a_decision_that_changes_does_not_keep_the_note_of_the_one_before(
    client: Callable[[str], Any], registered: Any
) -> None:
    sagemaker = client("sagemaker")
    model_versions.decide(sagemaker, model_versions.find(sagemaker, registered.group, 1), REJECTED, "bad data")
    model_versions.decide(sagemaker, model_versions.find(sagemaker, registered.group, 1), APPROVED, None)
    assert not model_versions.find(sagemaker, registered.group, 1).note


def test_the_newest_pending_version_is_found_past_decided_ones(client: Callable[[str], Any], registered: Any) -> None:
    sagemaker = client("sagemaker")
    model_versions.decide(sagemaker, model_versions.find(sagemaker, registered.group, 2), APPROVED, None)
    newest = model_versions.newest(sagemaker, registered.group, PENDING)
    assert newest is not None
    assert newest.number == 1
    assert model_versions.newest(sagemaker, registered.group, REJECTED) is None


def test_a_version_is_retired_once_and_for_all_with_the_note_that_says_why(
    client: Callable[[str], Any], registered: Any
) -> None:
    sagemaker = client("sagemaker")
    version = model_versions.find(sagemaker, registered.group, 1)
    model_versions.decide(sagemaker, version, APPROVED, None)
    assert not version.is_retired
    assert model_versions.retire(sagemaker, version, "too old")
    retired = model_versions.find(sagemaker, registered.group, 1)
    assert (retired.is_retired, retired.status, retired.stage_note) == (True, APPROVED, "too old")
    assert sagemaker.describe_model_package(ModelPackageName=version.arn)["ModelLifeCycle"] == {
        "Stage": "Retired",
        "StageStatus": "Done",
        "StageDescription": "too old",
    }
    assert not model_versions.retire(sagemaker, retired, "again")
    with pytest.raises(Refused, match="Version 1 is retired, and not released any more"):
        release.require_approved(retired)


def test_a_retired_version_is_not_approved_and_the_way_out_is_told(
    client: Callable[[str], Any], registered: Any
) -> None:
    sagemaker = client("sagemaker")
    model_versions.retire(sagemaker, model_versions.find(sagemaker, registered.group, 2), "too old")
    retired = model_versions.find(sagemaker, registered.group, 2)
    with pytest.raises(Refused, match=r"Version 2 is retired \(too old\), for good: .* Approve another one"):
        model_versions.decide(sagemaker, retired, APPROVED, "after all")
    assert model_versions.find(sagemaker, registered.group, 2).status == PENDING
    newest = model_versions.newest(sagemaker, registered.group, PENDING)
    assert newest is not None
    assert newest.number == 1
