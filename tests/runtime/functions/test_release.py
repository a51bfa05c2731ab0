import json
import uuid
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

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


def test_nothing_is_live_before_the_first_release(client: Callable[[str], Any]) -> None:
    assert release.live(client("ssm"), f"/sagewright/{uuid.uuid4().hex}/dev/release") is None


def test_what_is_live_is_read_from_what_the_release_wrote_down(client: Callable[[str], Any]) -> None:
    name = f"/sagewright/{uuid.uuid4().hex}/dev/release"
    arn = "arn:aws:sagemaker:eu-west-1:111111111111:model-package/churn/12"
    value = json.dumps({"version": arn, "config": "config-1", "baseline": "s3://b/releases/12/baseline"})
    client("ssm").put_parameter(Name=name, Value=value, Type="String")
    live = release.live(client("ssm"), name)
    assert live is not None
    assert (live.number, live.endpoint_config) == (12, "config-1")


def test_the_first_environment_keeps_a_copy_of_what_the_latest_release_wrote_down(
    client: Callable[[str], Any],
) -> None:
    own, copy = (f"/sagewright/{uuid.uuid4().hex}/{end}" for end in ("prod/release", "dev/releases/prod"))
    ssm = client("ssm")
    for version in (3, 4):
        arn = f"arn:aws:sagemaker:eu-west-1:111111111111:model-package/churn/{version}"
        value = json.dumps({"version": arn, "config": "config", "baseline": f"s3://b/releases/{version}/baseline"})
        ssm.put_parameter(Name=own, Value=value, Type="String", Overwrite=True)
        release.copy_record(ssm, own, ssm, copy)

        assert ssm.get_parameter(Name=copy)["Parameter"]["Value"] == value


def test_a_release_that_wrote_nothing_down_is_refused(client: Callable[[str], Any]) -> None:
    ssm = client("ssm")
    with pytest.raises(Refused, match="has not written /sagewright/none/prod/release down"):
        release.copy_record(ssm, "/sagewright/none/prod/release", ssm, "/sagewright/none/dev/releases/prod")


def described(**members: Any) -> Any:
    sagemaker = boto3.client("sagemaker", region_name="eu-west-1", aws_access_key_id="a", aws_secret_access_key="b")
    stubber = Stubber(sagemaker)
    arn = "arn:aws:sagemaker:eu-west-1:111111111111:endpoint/churn-dev"
    times = {"CreationTime": 0, "LastModifiedTime": 0}
    stubber.add_response("describe_endpoint", {"EndpointName": "churn-dev", "EndpointArn": arn, **times, **members})
    stubber.activate()
    return sagemaker


def test_an_endpoint_in_service_on_the_new_config_is_verified() -> None:
    release.verify(described(EndpointStatus="InService", EndpointConfigName="new"), "churn-dev", "new")


def test_an_update_that_rolled_back_is_no_success_although_the_endpoint_is_in_service() -> None:
    with pytest.raises(Refused, match="InService, but on old instead of new: SageMaker has rolled the update back"):
        release.verify(described(EndpointStatus="InService", EndpointConfigName="old"), "churn-dev", "new")


def test_a_failed_endpoint_is_told_with_its_reason() -> None:
    failed = described(EndpointStatus="Failed", EndpointConfigName="new", FailureReason="did not pass the ping")
    with pytest.raises(Refused, match="is Failed, not InService: did not pass the ping"):
        release.verify(failed, "churn-dev", "new")
