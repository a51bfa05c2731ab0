from collections.abc import Callable
from typing import Any

import pytest

from sagewright.runtime.functions import model_versions, release
from sagewright.runtime.functions.model_versions import APPROVED, REJECTED
from sagewright.runtime.functions.objects import Location
from sagewright.runtime.functions.refusal import Refused


@pytest.fixture
def approved(client: Callable[[str], Any], registered: Any) -> Any:
    sagemaker = client("sagemaker")
    model_versions.decide(sagemaker, model_versions.find(sagemaker, registered.group, 1), APPROVED, None)
    return model_versions.find(sagemaker, registered.group, 1)


def keys(s3: Any, bucket: str, prefix: str) -> set[str]:
    return {entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])}


def test_a_release_copies_exactly_the_versions_own_files(
    client: Callable[[str], Any], registered: Any, approved: Any
) -> None:
    folder = Location(registered.bucket, "releases/1")
    artifacts = release.copy(client("s3"), approved, folder)
    assert keys(client("s3"), registered.bucket, "releases/") == {
        "releases/1/model.tar.gz",
        "releases/1/baseline/schema.json",
        "releases/1/evaluation/evaluation.json",
        "releases/1/evaluation/predictions.csv",
    }
    assert artifacts.parameters == {
        "ModelPackageArn": registered.arns[0],
        "ImageUri": approved.image,
        "ModelDataUrl": registered.uri("releases/1/model.tar.gz"),
        "BaselineUri": registered.uri("releases/1/baseline"),
    }


def test_copying_again_gives_the_same(client: Callable[[str], Any], registered: Any, approved: Any) -> None:
    folder = Location(registered.bucket, "releases/1")
    assert release.copy(client("s3"), approved, folder) == release.copy(client("s3"), approved, folder)


@pytest.mark.parametrize("status", ["PendingManualApproval", REJECTED])
def test_a_version_that_is_not_approved_is_not_copied(
    client: Callable[[str], Any], registered: Any, status: str
) -> None:
    sagemaker = client("sagemaker")
    model_versions.decide(sagemaker, model_versions.find(sagemaker, registered.group, 2), status, None)
    version = model_versions.find(sagemaker, registered.group, 2)
    with pytest.raises(Refused, match=f"Version 2 is {status}: only an approved version"):
        release.copy(client("s3"), version, Location(registered.bucket, "releases/2"))
    assert not keys(client("s3"), registered.bucket, "releases/")


def test_a_version_whose_record_is_gone_is_refused(
    client: Callable[[str], Any], registered: Any, approved: Any
) -> None:
    client("s3").delete_object(Bucket=registered.bucket, Key="run/baseline/schema.json")
    with pytest.raises(Refused, match=r"nothing below s3://.*/run/baseline: the version's record is not complete"):
        release.copy(client("s3"), approved, Location(registered.bucket, "releases/1"))
