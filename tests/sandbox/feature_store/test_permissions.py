"""Every call to a feature group is asked of IAM by the group's ARN, and of KMS where a key is the customer's."""

from typing import Any

import pytest

from tests.sandbox.iam.conftest import FIRST, SECOND, World, allow, deny, refusal

from .conftest import policy, record

AT = "2026-01-01T00:00:00Z"


@pytest.fixture
def world(sandbox: Any) -> World:
    return World(sandbox)


def arn(group: str, account: str = FIRST) -> str:
    return f"arn:aws:sagemaker:eu-west-1:{account}:feature-group/{group}"


def test_each_operation_takes_its_own_permission_on_the_group(shop: Any, world: World) -> None:
    group, other = shop.made(OfflineStoreConfig=None), shop.made(OfflineStoreConfig=None)
    role = world.role(allow("sagemaker:PutRecord", "sagemaker:BatchGetRecord", on=arn(group)))
    runtime = role.client("sagemaker-featurestore-runtime")
    both = [{"FeatureGroupName": name, "RecordIdentifiersValueAsString": ["a"]} for name in (group, other)]

    runtime.put_record(FeatureGroupName=group, Record=record(id="a", at=AT))
    found = runtime.batch_get_record(Identifiers=both[:1])

    assert len(found["Records"]) == 1
    elsewhere = refusal(runtime.put_record, FeatureGroupName=other, Record=record(id="a", at=AT))
    assert f"sagemaker:PutRecord on resource: {arn(other)}" in elsewhere
    assert "sagemaker:GetRecord" in refusal(
        runtime.get_record, FeatureGroupName=group, RecordIdentifierValueAsString="a"
    )
    assert "sagemaker:DeleteRecord" in refusal(
        runtime.delete_record, FeatureGroupName=group, RecordIdentifierValueAsString="a", EventTime=AT
    )
    assert arn(other) in refusal(runtime.batch_get_record, Identifiers=both)


def test_another_account_is_not_let_in(shop: Any, world: World) -> None:
    group = shop.made(OfflineStoreConfig=None)
    role = world.role(allow("sagemaker:*"), account=SECOND)
    runtime = role.client("sagemaker-featurestore-runtime")

    asked = {"FeatureGroupName": arn(group), "RecordIdentifierValueAsString": "a"}
    assert "sagemaker:GetRecord" in refusal(runtime.get_record, **asked)


def test_making_a_group_takes_the_permission_to_pass_its_role_and_to_make_the_table(shop: Any, world: World) -> None:
    role = world.role(allow("sagemaker:CreateFeatureGroup"))
    request = shop.request()

    assert "iam:PassRole" in refusal(role.client("sagemaker").create_feature_group, **request)

    role.may(allow("sagemaker:CreateFeatureGroup", "iam:PassRole"))
    role.client("sagemaker").create_feature_group(**request)
    group = shop.settled(request["FeatureGroupName"])
    assert group["FeatureGroupStatus"] == "CreateFailed"
    assert "glue:" in group["FailureReason"]


def test_an_online_store_with_a_key_wants_the_key_of_whoever_makes_writes_and_reads_it(shop: Any, world: World) -> None:
    key = world.key()
    online = {"EnableOnlineStore": True, "SecurityConfig": {"KmsKeyId": key}}
    request = shop.request(OnlineStoreConfig=online, OfflineStoreConfig=None, RoleArn=None)
    role = world.role(allow("sagemaker:*"))

    assert "kms:DescribeKey" in refusal(role.client("sagemaker").create_feature_group, **request)
    role.may(allow("sagemaker:*"), allow("kms:*", on=key), deny("kms:CreateGrant"))
    assert "kms:CreateGrant" in refusal(role.client("sagemaker").create_feature_group, **request)
    role.may(allow("sagemaker:*"), allow("kms:*", on=key))
    role.client("sagemaker").create_feature_group(**request)
    shop.settled(request["FeatureGroupName"])
    role.may(allow("sagemaker:*"))

    runtime, where = role.client("sagemaker-featurestore-runtime"), request["FeatureGroupName"]
    assert "kms:Decrypt" in refusal(runtime.put_record, FeatureGroupName=where, Record=record(id="a", at=AT))
    assert "kms:Decrypt" in refusal(runtime.get_record, FeatureGroupName=where, RecordIdentifierValueAsString="a")
    role.may(allow("sagemaker:*"), allow("kms:Decrypt", on=key))
    runtime.put_record(FeatureGroupName=where, Record=record(id="a", at=AT))
    assert shop.get(where, "a")["id"] == "a"


def test_the_role_must_trust_sagemaker_for_this_group(shop: Any) -> None:
    trust = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
    condition = {"ArnLike": {"aws:SourceArn": arn("another-group")}}
    document = policy({**trust, "Condition": condition})
    shop.client("iam").update_assume_role_policy(RoleName=shop.name, PolicyDocument=document)
    request = shop.request()

    with pytest.raises(shop.sagemaker.exceptions.ClientError, match="Could not assume role"):
        shop.sagemaker.create_feature_group(**request)
