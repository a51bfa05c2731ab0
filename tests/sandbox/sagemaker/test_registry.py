import json
import uuid
from collections.abc import Callable
from typing import Any

import botocore.session
import pytest
from botocore.exceptions import ClientError

from tests.sandbox.sagemaker.conftest import policy

IMAGE = "141502667606.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-scikit-learn:1.9-0-cpu-py3"
OTHER_ACCOUNT = "222222222222"

Register = Callable[..., str]


@pytest.fixture
def sagemaker(sandbox: Any) -> Any:
    return sandbox.client("sagemaker")


@pytest.fixture
def group(sagemaker: Any) -> str:
    name = f"churn-{uuid.uuid4().hex[:12]}"
    sagemaker.create_model_package_group(ModelPackageGroupName=name, ModelPackageGroupDescription="Who leaves")
    return name


@pytest.fixture(scope="module")
def model_data(sandbox: Any) -> str:
    s3 = sandbox.client("s3")
    s3.create_bucket(Bucket="registry-models", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    s3.put_object(Bucket="registry-models", Key="model.tar.gz", Body=b"model")
    return "s3://registry-models/model.tar.gz"


@pytest.fixture
def register(sagemaker: Any, group: str, model_data: str) -> Register:
    def register(**params: Any) -> str:
        containers = [{"Image": IMAGE, "ModelDataUrl": model_data}]
        specification = {"Containers": containers, "SupportedContentTypes": ["text/csv"]}
        defaults = {"ModelPackageGroupName": group, "InferenceSpecification": specification}
        return sagemaker.create_model_package(**defaults | params)["ModelPackageArn"]

    return register


def test_a_group_is_described_by_name_and_by_arn(sagemaker: Any, group: str) -> None:
    described = sagemaker.describe_model_package_group(ModelPackageGroupName=group)
    assert described["ModelPackageGroupArn"] == f"arn:aws:sagemaker:eu-west-1:111111111111:model-package-group/{group}"
    assert described["ModelPackageGroupStatus"] == "Completed"
    assert described["CreatedBy"]["IamIdentity"]["Arn"] == "arn:aws:iam::111111111111:user/administrator"
    by_arn = sagemaker.describe_model_package_group(ModelPackageGroupName=described["ModelPackageGroupArn"])
    assert by_arn["ModelPackageGroupName"] == group


def test_a_second_group_of_the_same_name_is_refused(sagemaker: Any, group: str) -> None:
    with pytest.raises(ClientError, match=rf"Model Package Group already exists: arn:.*/{group}"):
        sagemaker.create_model_package_group(ModelPackageGroupName=group)


def test_an_absent_group_is_refused(sagemaker: Any) -> None:
    with pytest.raises(ClientError, match=r"\(ValidationException\).*model-package-group/nowhere does not exist"):
        sagemaker.describe_model_package_group(ModelPackageGroupName="nowhere")


def test_groups_are_listed_by_name(sagemaker: Any, group: str) -> None:
    listed = sagemaker.list_model_package_groups(NameContains=group[2:], SortBy="Name")["ModelPackageGroupSummaryList"]
    assert [each["ModelPackageGroupName"] for each in listed] == [group]
    assert listed[0]["ModelPackageGroupDescription"] == "Who leaves"


def test_a_group_that_holds_versions_cannot_be_deleted(sagemaker: Any, group: str, register: Register) -> None:
    arn = register()
    with pytest.raises(ClientError, match=r"ConflictException.*still contains"):
        sagemaker.delete_model_package_group(ModelPackageGroupName=group)
    sagemaker.delete_model_package(ModelPackageName=arn)
    sagemaker.delete_model_package_group(ModelPackageGroupName=group)
    with pytest.raises(ClientError, match="does not exist"):
        sagemaker.describe_model_package_group(ModelPackageGroupName=group)


def test_the_number_of_a_deleted_version_is_not_given_again(sagemaker: Any, group: str, register: Register) -> None:
    register()
    sagemaker.delete_model_package(ModelPackageName=register())
    assert register() == f"arn:aws:sagemaker:eu-west-1:111111111111:model-package/{group}/3"


def test_a_version_is_described_with_what_it_was_registered_with(
    sagemaker: Any, group: str, register: Register, model_data: str
) -> None:
    arn = register(
        ModelApprovalStatus="PendingManualApproval",
        CustomerMetadataProperties={"GitCommit": "abc"},
        ModelMetrics={
            "ModelQuality": {"Statistics": {"ContentType": "application/json", "S3Uri": "s3://no/where.json"}}
        },
    )
    described = sagemaker.describe_model_package(ModelPackageName=arn)
    assert described["ModelPackageGroupName"] == group
    assert described["ModelPackageVersion"] == 1
    assert described["ModelPackageStatus"] == "Completed"
    assert described["ModelApprovalStatus"] == "PendingManualApproval"
    assert described["InferenceSpecification"]["Containers"][0]["ModelDataUrl"] == model_data
    assert described["CustomerMetadataProperties"] == {"GitCommit": "abc"}
    assert "LastModifiedTime" not in described


def test_an_absent_version_is_refused(sagemaker: Any, group: str) -> None:
    arn = f"arn:aws:sagemaker:eu-west-1:111111111111:model-package/{group}/9"
    with pytest.raises(ClientError, match=rf"\(ValidationException\).*ModelPackage {arn} does not exist"):
        sagemaker.describe_model_package(ModelPackageName=arn)


def test_a_version_of_an_absent_group_is_refused(register: Register) -> None:
    with pytest.raises(ClientError, match="model-package-group/nowhere does not exist"):
        register(ModelPackageGroupName="nowhere")


def test_a_version_without_its_model_artifact_is_refused(register: Register) -> None:
    containers = [{"Image": IMAGE, "ModelDataUrl": "s3://registry-models/absent.tar.gz"}]
    with pytest.raises(ClientError, match=r"Cannot find S3 object: absent.tar.gz in bucket registry-models"):
        register(InferenceSpecification={"Containers": containers})


def test_an_image_outside_ecr_is_refused(register: Register, model_data: str) -> None:
    containers = [{"Image": "docker.io/python:3", "ModelDataUrl": model_data}]
    with pytest.raises(ClientError, match=r"Invalid image URI docker.io/python:3"):
        register(InferenceSpecification={"Containers": containers})


def test_tags_on_a_version_are_refused(register: Register) -> None:
    with pytest.raises(ClientError, match="Tag the model package group instead"):
        register(Tags=[{"Key": "owner", "Value": "ml"}])


def test_a_package_outside_a_group_is_refused_by_name(sagemaker: Any) -> None:
    with pytest.raises(ClientError, match=r"UnsupportedOperation.*outside a group"):
        sagemaker.create_model_package(ModelPackageName="alone")
    with pytest.raises(ClientError, match="Missing ARN"):
        sagemaker.create_model_package()
    with pytest.raises(ClientError, match="Cannot determine which one to use"):
        sagemaker.create_model_package(ModelPackageName="alone", ModelPackageGroupName="churn")


def test_the_same_client_token_registers_once(register: Register) -> None:
    token = uuid.uuid4().hex
    assert register(ClientToken=token) == register(ClientToken=token)
    assert register().endswith("/2")


def test_an_approval_is_recorded_with_who_and_when(sagemaker: Any, register: Register) -> None:
    arn = register()
    sagemaker.update_model_package(
        ModelPackageArn=arn, ModelApprovalStatus="Approved", ApprovalDescription="better than the last"
    )
    described = sagemaker.describe_model_package(ModelPackageName=arn)
    assert described["ModelApprovalStatus"] == "Approved"
    assert described["ApprovalDescription"] == "better than the last"
    assert described["LastModifiedTime"] >= described["CreationTime"]
    assert described["LastModifiedBy"]["IamIdentity"]["Arn"].endswith("user/administrator")


def test_an_unknown_approval_status_is_refused(sagemaker: Any, register: Register) -> None:
    with pytest.raises(ClientError, match=r"enum value set: .*Approved"):
        sagemaker.update_model_package(ModelPackageArn=register(), ModelApprovalStatus="Perhaps")


def test_metadata_properties_are_merged_and_removed(sagemaker: Any, register: Register) -> None:
    arn = register(CustomerMetadataProperties={"a": "1", "b": "2"})
    sagemaker.update_model_package(
        ModelPackageArn=arn, CustomerMetadataProperties={"c": "3"}, CustomerMetadataPropertiesToRemove=["a"]
    )
    described = sagemaker.describe_model_package(ModelPackageName=arn)
    assert described["CustomerMetadataProperties"] == {"b": "2", "c": "3"}


def test_more_than_fifty_metadata_properties_are_refused(sagemaker: Any, register: Register) -> None:
    arn = register(CustomerMetadataProperties={f"key{number}": "value" for number in range(50)})
    with pytest.raises(ClientError, match="at most 50"):
        sagemaker.update_model_package(ModelPackageArn=arn, CustomerMetadataProperties={"one-more": "value"})


def test_versions_are_listed_filtered_sorted_and_paged(sagemaker: Any, group: str, register: Register) -> None:
    for _ in range(3):
        register(ModelApprovalStatus="Rejected")
    register(ModelApprovalStatus="Approved")
    pages = sagemaker.get_paginator("list_model_packages").paginate(
        ModelPackageGroupName=group,
        ModelApprovalStatus="Rejected",
        SortBy="CreationTime",
        SortOrder="Descending",
        PaginationConfig={"PageSize": 2},
    )
    versions = [[each["ModelPackageVersion"] for each in page["ModelPackageSummaryList"]] for page in pages]
    assert versions == [[3, 2], [1]]


def test_a_foreign_next_token_is_refused(sagemaker: Any, group: str) -> None:
    with pytest.raises(ClientError, match="Invalid NextToken"):
        sagemaker.list_model_packages(ModelPackageGroupName=group, NextToken="bm90IG91cnM=")


def test_a_group_policy_is_kept_read_and_removed(sagemaker: Any, group: str) -> None:
    policy = _policy(OTHER_ACCOUNT)
    sagemaker.put_model_package_group_policy(ModelPackageGroupName=group, ResourcePolicy=policy)
    assert sagemaker.get_model_package_group_policy(ModelPackageGroupName=group)["ResourcePolicy"] == policy
    sagemaker.delete_model_package_group_policy(ModelPackageGroupName=group)
    with pytest.raises(ClientError, match="Cannot find resource policy"):
        sagemaker.get_model_package_group_policy(ModelPackageGroupName=group)


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ("{", "not valid JSON"),
        ("{}", "no Statement"),
        ('{"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}', "no Principal"),
    ],
)
def test_a_text_that_is_no_resource_policy_is_refused(sagemaker: Any, group: str, document: str, reason: str) -> None:
    with pytest.raises(ClientError, match=reason):
        sagemaker.put_model_package_group_policy(ModelPackageGroupName=group, ResourcePolicy=document)


def test_another_account_reads_a_version_only_once_the_group_is_shared(
    sandbox: Any, sagemaker: Any, group: str, register: Register
) -> None:
    arn = register()
    theirs = sandbox.client("sagemaker", OTHER_ACCOUNT)
    with pytest.raises(ClientError, match=r"AccessDeniedException.*user/administrator is not authorized"):
        theirs.describe_model_package(ModelPackageName=arn)
    sagemaker.put_model_package_group_policy(ModelPackageGroupName=group, ResourcePolicy=_policy(OTHER_ACCOUNT))
    assert theirs.describe_model_package(ModelPackageName=arn)["ModelPackageArn"] == arn


def test_a_version_is_shared_by_the_policy_of_its_group(
    sandbox: Any, sagemaker: Any, group: str, register: Register
) -> None:
    registry = sandbox.sandbox._gateway._sagemaker.registry
    arn = register()
    of_group = sagemaker.describe_model_package_group(ModelPackageGroupName=group)["ModelPackageGroupArn"]
    assert registry.policy_of(arn) is None
    shared = _policy(OTHER_ACCOUNT)
    sagemaker.put_model_package_group_policy(ModelPackageGroupName=group, ResourcePolicy=shared)
    assert registry.policy_of(arn) == registry.policy_of(of_group) == shared


def test_who_may_not_read_the_artifact_cannot_register_it(sandbox: Any, group: str, model_data: str) -> None:
    iam, name = sandbox.client("iam"), f"u{uuid.uuid4().hex}"
    iam.create_user(UserName=name)
    allowed = policy((["sagemaker:CreateModelPackage"], "*"))
    iam.put_user_policy(UserName=name, PolicyName="Register", PolicyDocument=allowed)
    key = iam.create_access_key(UserName=name)["AccessKey"]["AccessKeyId"]
    client = sandbox.sandbox.clients.acting(key).get("sagemaker", "111111111111", "eu-west-1")
    with pytest.raises(ClientError) as refusal:
        client.create_model_package(
            ModelPackageGroupName=group,
            InferenceSpecification={"Containers": [{"Image": IMAGE, "ModelDataUrl": model_data}]},
        )
    assert refusal.value.response["Error"]["Message"].startswith(
        "Access denied for bucket: registry-models, object key: model.tar.gz."
        f" User: arn:aws:iam::111111111111:user/{name} is not authorized to perform: s3:GetObject"
    )


def test_a_change_by_an_assumed_role_names_its_session(sandbox: Any, register: Register) -> None:
    trust = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    iam = sandbox.client("iam")
    role = iam.create_role(RoleName=f"r{uuid.uuid4().hex}", AssumeRolePolicyDocument=document)["Role"]
    approve = policy((["sagemaker:DescribeModelPackage", "sagemaker:UpdateModelPackage"], "*"))
    iam.put_role_policy(RoleName=role["RoleName"], PolicyName="Approve", PolicyDocument=approve)
    session = sandbox.client("sts").assume_role(RoleArn=role["Arn"], RoleSessionName="approver")["Credentials"]
    client: Any = botocore.session.get_session().create_client(
        "sagemaker",
        region_name="eu-west-1",
        endpoint_url=sandbox.endpoint,
        aws_access_key_id=session["AccessKeyId"],
        aws_secret_access_key=session["SecretAccessKey"],
        aws_session_token=session["SessionToken"],
    )
    arn = register()
    client.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved")
    changed_by = client.describe_model_package(ModelPackageName=arn)["LastModifiedBy"]["IamIdentity"]["Arn"]
    assert changed_by == f"arn:aws:sts::111111111111:assumed-role/{role['RoleName']}/approver"


def _policy(account: str) -> str:
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
        "Action": ["sagemaker:DescribeModelPackage"],
        "Resource": "*",
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
