"""Who may add to the audit folder and who may read it, judged by the sandbox's IAM: the templates' own policies.

What roles of ours may do is decided in process, request by request. That nothing is lost is tried as somebody who may
do everything, with real requests to a bucket that has the policy.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sagewright.sandbox.iam.decision import Access, Policies, decide
from sagewright.sandbox.iam.documents import Policy, parse
from sagewright.sandbox.iam.principal import Principal
from sagewright.sandbox.server import Sandbox

FIRST, OTHER = "111111111111", "222222222222"
REGION = "eu-west-1"
BUCKET = f"churn-dev-data-{FIRST}-{REGION}"
ENTRY = f"arn:aws:s3:::{BUCKET}/audit/2026/11/21/101500-approval-0123456789ab.json"
# What stands for what CloudFormation makes and names itself.
MADE = f"arn:aws:kms:{REGION}:{FIRST}:key/00000000-0000-0000-0000-000000000000"
SECTIONS = """\
data: {source: data/customers.csv, problem: binary_classification, label: churned}
training: {code: src/churn}
evaluation: {minimum: 0.55}
repository: {provider: codecommit, name: churn}
"""
EVERYTHING = parse({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}, "all")


@pytest.fixture(scope="module")
def assembly(tmp_path_factory: pytest.TempPathFactory, synthesized_of: Callable[..., Any]) -> Any:
    accounts = {"dev": FIRST, "staging": FIRST, "prod": OTHER}
    environments = "".join(f'  {name}: {{account: "{each}", region: {REGION}}}\n' for name, each in accounts.items())
    return synthesized_of(tmp_path_factory.mktemp("audit") / "churn", environments, SECTIONS, accounts)


@pytest.fixture(scope="module")
def of_bucket(assembly: Any) -> dict[str, Any]:
    """The data bucket's policy as it is deployed."""
    document = assembly["churn-dev-data"].at("Data/Bucket/Policy/Resource")["Properties"]["PolicyDocument"]
    return json.loads(json.dumps(document).replace("<DataBucketE6B0FAA8.Arn>", f"arn:aws:s3:::{BUCKET}"))


@pytest.fixture(scope="module")
def roles(assembly: Any) -> dict[str, tuple[str, Policy]]:
    """Every role of the project by its place in the templates: its account, and what it may do."""
    return {
        f"{template.name}/{path}": (template.account, policy)
        for template in assembly
        for path, policy in policies_of(template)
    }


def policies_of(template: Any) -> Iterator[tuple[str, Policy]]:
    for each in template.resources("AWS::IAM::Policy").values():
        path = (
            each["Metadata"]["aws:cdk:path"].removeprefix(f"{template.name}/").removesuffix("/DefaultPolicy/Resource")
        )
        document = json.loads(json.dumps(each["Properties"]["PolicyDocument"]))
        for statement in document["Statement"]:
            listed = statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]]
            statement["Resource"] = [MADE if "<" in resource else resource for resource in listed]
        yield path, parse(document, path)


def may(account: str, identity: Policy, of_bucket: dict[str, Any], action: str, **context: str) -> bool:
    name = "churn-prod-release" if account == OTHER else "somebody"
    principal = Principal(
        kind="assumed-role",
        arn=f"arn:aws:sts::{account}:assumed-role/{name}/session",
        account=account,
        role_arn=f"arn:aws:iam::{account}:role/{name}",
        user_id=f"AROA{'A' * 17}:session",
    )
    said = {"aws:SecureTransport": "true", **context}
    access = Access(principal, action, ENTRY, FIRST, said)
    return decide(access, Policies(identity=(identity,), resource=parse(of_bucket, "data bucket"))).allowed


def test_of_all_roles_only_the_functions_adds_to_the_audit(
    roles: dict[str, tuple[str, Policy]], of_bucket: dict[str, Any]
) -> None:
    adding = [
        name
        for name, (account, policy) in roles.items()
        if may(account, policy, of_bucket, "s3:PutObject", **{"s3:if-none-match": "*"})
    ]

    assert adding == ["churn-delivery/Events/Role"]


def test_no_role_of_the_project_reads_the_audit(
    roles: dict[str, tuple[str, Policy]], of_bucket: dict[str, Any]
) -> None:
    assert [name for name, (account, policy) in roles.items() if may(account, policy, of_bucket, "s3:GetObject")] == []


def test_who_may_read_the_bucket_in_its_own_account_reads_the_audit_and_nobody_elsewhere(
    of_bucket: dict[str, Any],
) -> None:
    assert may(FIRST, EVERYTHING, of_bucket, "s3:GetObject")
    assert not may(OTHER, EVERYTHING, of_bucket, "s3:GetObject")
    assert not may(OTHER, EVERYTHING, of_bucket, "s3:PutObject", **{"s3:if-none-match": "*"})


@pytest.mark.parametrize(
    "action",
    ["s3:DeleteObject", "s3:DeleteObjectVersion", "s3:PutObjectAcl", "s3:ReplicateDelete", "s3:ReplicateObject"],
)
@pytest.mark.parametrize("account", [FIRST, OTHER])
def test_nobody_at_all_takes_anything_back(of_bucket: dict[str, Any], account: str, action: str) -> None:
    assert not may(account, EVERYTHING, of_bucket, action)


def test_without_a_repository_there_is_no_audit_to_protect(three: Any) -> None:
    document = three["churn-dev-data"].at("Data/Bucket/Policy/Resource")["Properties"]["PolicyDocument"]

    assert "audit/" not in json.dumps(document)


@pytest.fixture(scope="module")
def s3(embedded: Sandbox, of_bucket: dict[str, Any]) -> Any:
    """S3 as the account's administrator, with a bucket that has the policy, versions and one entry of the audit."""
    client = embedded.clients.get("s3", FIRST, REGION)
    client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    client.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    # The sandbox speaks plain HTTP, which the policy denies first.
    named = [each for each in of_bucket["Statement"] if "audit/" in json.dumps(each)]
    client.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps({**of_bucket, "Statement": named}))
    client.put_object(Bucket=BUCKET, Key="audit/entry.json", Body=b"first", IfNoneMatch="*")
    return client


def refused(call: Callable[..., Any], **parameters: Any) -> str:
    with pytest.raises(ClientError) as error:
        call(Bucket=BUCKET, **parameters)
    return error.value.response["Error"]["Code"]


def test_an_entry_is_neither_deleted_nor_overwritten_by_the_administrator(s3: Any) -> None:
    version = s3.head_object(Bucket=BUCKET, Key="audit/entry.json")["VersionId"]

    assert refused(s3.delete_object, Key="audit/entry.json") == "AccessDenied"
    assert refused(s3.delete_object, Key="audit/entry.json", VersionId=version) == "AccessDenied"
    assert refused(s3.put_object, Key="audit/entry.json", Body=b"second") == "AccessDenied"
    assert refused(s3.put_object, Key="audit/entry.json", Body=b"second", IfNoneMatch="*") == "PreconditionFailed"
    assert s3.get_object(Bucket=BUCKET, Key="audit/entry.json")["Body"].read() == b"first"


def test_deleting_many_at_once_deletes_none_of_the_audit(s3: Any) -> None:
    s3.put_object(Bucket=BUCKET, Key="raw/table.csv", Body=b"1")
    listed = {"Objects": [{"Key": "audit/entry.json"}, {"Key": "raw/table.csv"}]}

    assert refused(s3.delete_objects, Delete=listed) == "AccessDenied"
    assert s3.get_object(Bucket=BUCKET, Key="audit/entry.json")["Body"].read() == b"first"


def test_an_entry_comes_in_no_other_way_than_by_asking_whether_it_is_there(s3: Any) -> None:
    s3.put_object(Bucket=BUCKET, Key="raw/other.json", Body=b"copied")

    assert refused(s3.create_multipart_upload, Key="audit/parts.json") == "AccessDenied"
    copied = {"Bucket": BUCKET, "Key": "raw/other.json"}
    assert refused(s3.copy_object, Key="audit/entry.json", CopySource=copied) == "AccessDenied"
    s3.put_object(Bucket=BUCKET, Key="audit/another.json", Body=b"1", IfNoneMatch="*")


def test_the_rest_of_the_bucket_is_as_free_as_before(s3: Any) -> None:
    s3.put_object(Bucket=BUCKET, Key="raw/free.csv", Body=b"1")
    s3.put_object(Bucket=BUCKET, Key="raw/free.csv", Body=b"2")
    s3.delete_object(Bucket=BUCKET, Key="raw/free.csv")
