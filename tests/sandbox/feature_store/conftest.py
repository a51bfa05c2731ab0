import io
import json
import uuid
from dataclasses import dataclass
from typing import Any

import pyarrow.parquet as pq
import pytest
from botocore.exceptions import ClientError

from sagewright.sandbox.feature_store.kind import FEATURE_GROUP
from sagewright.sandbox.protocol import Caller

ACCOUNT, REGION = "111111111111", "eu-west-1"
FEATURES = {"id": "String", "at": "String", "count": "Integral", "share": "Fractional", "note": "String"}
ROLE_MAY = (
    *("s3:PutObject", "s3:PutObjectAcl", "s3:GetBucketAcl", "s3:GetObject"),
    *("glue:GetTable", "glue:UpdateTable", "kms:GenerateDataKey", "kms:Decrypt"),
)


def definitions(features: dict[str, str]) -> list[dict[str, str]]:
    return [{"FeatureName": name, "FeatureType": kind} for name, kind in features.items()]


def record(**values: Any) -> list[dict[str, str]]:
    return [{"FeatureName": name, "ValueAsString": str(value)} for name, value in values.items()]


def refused(call: Any, **params: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as refusal:
        call(**params)
    error = refusal.value.response["Error"]
    return error["Code"], error["Message"]


@dataclass
class Shop:
    """An account's bucket, role and feature groups, under a name of the test's own."""

    sandbox: Any
    name: str

    def client(self, service: str) -> Any:
        return self.sandbox.client(service, ACCOUNT, REGION)

    @property
    def sagemaker(self) -> Any:
        return self.client("sagemaker")

    @property
    def runtime(self) -> Any:
        return self.client("sagemaker-featurestore-runtime")

    @property
    def clock(self) -> Any:
        return self.sandbox.sandbox.clock

    @property
    def role(self) -> str:
        return f"arn:aws:iam::{ACCOUNT}:role/{self.name}"

    def open(self) -> None:
        trust = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
        self.client("iam").create_role(RoleName=self.name, AssumeRolePolicyDocument=policy(trust))
        self.let_role(*ROLE_MAY)
        place = {"LocationConstraint": REGION}
        self.client("s3").create_bucket(Bucket=self.name, CreateBucketConfiguration=place)

    def let_role(self, *actions: str) -> None:
        document = policy({"Effect": "Allow", "Action": list(actions), "Resource": "*"})
        self.client("iam").put_role_policy(RoleName=self.name, PolicyName="Work", PolicyDocument=document)

    def request(self, features: dict[str, str] | None = None, **changes: Any) -> dict[str, Any]:
        """Return a request for a group with both stores; a change that is None leaves a member out."""
        request = {
            "FeatureGroupName": f"{self.name}-{uuid.uuid4().hex[:6]}",
            "RecordIdentifierFeatureName": "id",
            "EventTimeFeatureName": "at",
            "FeatureDefinitions": definitions(features or FEATURES),
            "OnlineStoreConfig": {"EnableOnlineStore": True},
            "OfflineStoreConfig": {"S3StorageConfig": {"S3Uri": f"s3://{self.name}/features"}},
            "RoleArn": self.role,
        } | changes
        return {key: value for key, value in request.items() if value is not None}

    def made(self, features: dict[str, str] | None = None, **changes: Any) -> str:
        """Make a group and return its name, once it is settled."""
        request = self.request(features, **changes)
        self.sagemaker.create_feature_group(**request)
        self.settled(request["FeatureGroupName"])
        return request["FeatureGroupName"]

    def settled(self, name: str) -> dict[str, Any]:
        """Wait until nothing of the group is in progress, and return what is told of it."""

        def is_settled(group: dict[str, Any]) -> bool:
            updating = group.get("LastUpdateStatus", {}).get("Status") == "InProgress"
            return group["FeatureGroupStatus"] != "Creating" and not updating

        store = self.sandbox.sandbox._gateway._sagemaker.store
        store.wait(FEATURE_GROUP, Caller(ACCOUNT, REGION, ""), name, is_settled, 30)
        return self.sagemaker.describe_feature_group(FeatureGroupName=name)

    def put(self, group: str, **values: Any) -> None:
        self.runtime.put_record(FeatureGroupName=group, Record=record(**values))

    def get(self, group: str, record_id: str, **more: Any) -> dict[str, str]:
        asked = {"FeatureGroupName": group, "RecordIdentifierValueAsString": record_id, **more}
        found = self.runtime.get_record(**asked).get("Record", ())
        return {value["FeatureName"]: value["ValueAsString"] for value in found}

    def forward(self, seconds: float) -> None:
        """Move the sandbox's clock, and wait for all that is due on the way."""
        self.clock.forward(self.clock.now() + seconds)
        assert self.clock.arrived(30)

    def keys(self, group: str) -> list[str]:
        """Return the data files of a group's offline store, below their root."""
        listed = self.client("s3").list_objects_v2(Bucket=self.name, Prefix=f"{self.prefix(group)}/data/")
        return [each["Key"].removeprefix(self.prefix(group) + "/") for each in listed.get("Contents", ())]

    def prefix(self, group: str) -> str:
        found = self.sagemaker.describe_feature_group(FeatureGroupName=group)["OfflineStoreConfig"]["S3StorageConfig"]
        return found["ResolvedOutputS3Uri"].removeprefix(f"s3://{self.name}/").removesuffix("/data")

    def table(self, group: str) -> dict[str, Any]:
        names = self.sagemaker.describe_feature_group(FeatureGroupName=group)["OfflineStoreConfig"]["DataCatalogConfig"]
        return self.client("glue").get_table(DatabaseName=names["Database"], Name=names["TableName"])["Table"]

    def rows(self, group: str) -> list[dict[str, Any]]:
        """Return what is in a group's offline store."""
        found: list[dict[str, Any]] = []
        for key in self.keys(group):
            body = self.client("s3").get_object(Bucket=self.name, Key=f"{self.prefix(group)}/{key}")["Body"].read()
            found += pq.ParquetFile(io.BytesIO(body)).read().to_pylist()
        return found


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


@pytest.fixture
def shop(sandbox: Any) -> Shop:
    opened = Shop(sandbox, f"shop-{uuid.uuid4().hex[:10]}")
    opened.open()
    return opened
