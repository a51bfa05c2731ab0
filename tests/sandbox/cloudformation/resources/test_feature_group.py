"""A feature group in a template: made and deleted as a whole, grown in place, and never anything else."""

import json
import uuid
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sagewright.sandbox.cloudformation.resource import HandlerError
from sagewright.sandbox.cloudformation.resources.existing import exists, identifying
from sagewright.sandbox.cloudformation.schema import schema_for

TYPE = "AWS::SageMaker::FeatureGroup"
REGION = "eu-west-1"


@dataclass(frozen=True)
class Place:
    """What a group is made of: a stack, and a bucket with a role that may write it."""

    stack: Any
    name: str
    role: str

    def properties(self, *more: str, **changes: Any) -> dict[str, Any]:
        features = {"id": "String", "at": "String", **dict.fromkeys(more, "Fractional")}
        return {
            "FeatureGroupName": self.name,
            "RecordIdentifierFeatureName": "id",
            "EventTimeFeatureName": "at",
            "FeatureDefinitions": [{"FeatureName": key, "FeatureType": kind} for key, kind in features.items()],
            "OnlineStoreConfig": {"EnableOnlineStore": "true"},
            "OfflineStoreConfig": {"S3StorageConfig": {"S3Uri": f"s3://{self.name}/features"}},
            "RoleArn": self.role,
        } | changes

    def described(self) -> dict[str, Any]:
        return self.stack.client("sagemaker").describe_feature_group(FeatureGroupName=self.name)


@pytest.fixture
def place(stack: Any) -> Place:
    name = f"group-{uuid.uuid4().hex[:10]}"
    role = stack.role("sagemaker.amazonaws.com")
    rights = {"Effect": "Allow", "Action": ["s3:*", "glue:GetTable", "glue:UpdateTable"], "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [rights]})
    stack.client("iam").put_role_policy(RoleName=role.id, PolicyName="Work", PolicyDocument=document)
    stack.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    return Place(stack, name, role.attributes["Arn"])


def test_a_group_is_named_made_and_deleted(stack: Any, place: Place) -> None:
    made = stack.create(TYPE, place.properties("wind"))

    assert made.id == place.name
    assert made.attributes["FeatureGroupStatus"] == "Created"
    assert identifying(TYPE, REGION) == ("FeatureGroupName",)
    assert exists(made.context, TYPE, place.name)
    made.delete()
    made.delete()
    assert not exists(made.context, TYPE, place.name)


def test_tags_are_those_of_the_creation(stack: Any, place: Place) -> None:
    made = stack.create(TYPE, place.properties())
    made.update(place.properties("wind"), tags={"team": "another"})
    arn = place.described()["FeatureGroupArn"]

    assert stack.client("sagemaker").list_tags(ResourceArn=arn)["Tags"] == [{"Key": "team", "Value": "ml"}]


def test_features_time_to_live_and_throughput_change_in_place(stack: Any, place: Place) -> None:
    made = stack.create(TYPE, place.properties())
    provisioned = {
        "ThroughputMode": "Provisioned",
        "ProvisionedReadCapacityUnits": 5,
        "ProvisionedWriteCapacityUnits": 5,
    }
    online = {"EnableOnlineStore": "true", "TtlDuration": {"Unit": "Days", "Value": "2"}}
    created = place.described()["CreationTime"]

    changed = made.update(place.properties("wind", OnlineStoreConfig=online, ThroughputConfig=provisioned))
    there = place.described()
    changed.update(place.properties("wind"))
    back = place.described()

    assert [each["FeatureName"] for each in there["FeatureDefinitions"]] == ["id", "at", "wind"]
    assert there["OnlineStoreConfig"]["TtlDuration"] == {"Unit": "Days", "Value": 2}
    assert there["ThroughputConfig"] == provisioned
    assert "TtlDuration" not in back["OnlineStoreConfig"]
    assert back["ThroughputConfig"] == {"ThroughputMode": "OnDemand"}
    assert back["CreationTime"] == created


def test_a_feature_that_is_gone_or_another_now_is_refused(stack: Any, place: Place) -> None:
    made = stack.create(TYPE, place.properties("wind", "rain"))
    retyped = place.properties("wind", "rain")
    retyped["FeatureDefinitions"][2]["FeatureType"] = "Integral"

    with pytest.raises(ClientError, match="cannot be removed or changed: rain"):
        made.update(place.properties("wind"))
    with pytest.raises(ClientError, match="cannot be removed or changed: wind"):
        made.update(retyped)


def test_more_than_a_hundred_features_in_one_update_are_refused(stack: Any, place: Place) -> None:
    made = stack.create(TYPE, place.properties())

    with pytest.raises(ClientError, match="less than or equal to 100"):
        made.update(place.properties(*(f"f{number}" for number in range(101))))


def test_a_group_that_cannot_be_made_leaves_nothing(stack: Any, place: Place) -> None:
    properties = place.properties(OfflineStoreConfig={"S3StorageConfig": {"S3Uri": "s3://no-such-bucket-here/"}})

    with pytest.raises(HandlerError, match="CreateFailed: The S3 bucket no-such-bucket-here does not exist"):
        stack.create(TYPE, properties)

    with pytest.raises(ClientError, match="can't find a FeatureGroup"):
        place.described()


@pytest.mark.parametrize(
    "changes",
    [
        {"Description": "Another"},
        {"RecordIdentifierFeatureName": "at"},
        {"EventTimeFeatureName": "id"},
        {"OnlineStoreConfig": {"EnableOnlineStore": "false"}},
        {"OnlineStoreConfig": {"EnableOnlineStore": "true", "SecurityConfig": {"KmsKeyId": "alias/another"}}},
        {"OfflineStoreConfig": {"S3StorageConfig": {"S3Uri": "s3://elsewhere/"}}},
        {"RoleArn": "arn:aws:iam::111111111111:role/another"},
        {"Tags": [{"Key": "owner", "Value": "another"}]},
    ],
)
def test_what_is_given_at_creation_replaces_the_group_which_its_name_forbids(changes: dict[str, Any]) -> None:
    schema, place = schema_for(TYPE, REGION), Place(None, "weather", "arn:aws:iam::111111111111:role/one")
    assert schema is not None

    old, new = place.properties("wind"), place.properties("wind", **changes)

    assert schema.replaces(old, new)
    assert schema.kept_name(old, new) == "weather"
