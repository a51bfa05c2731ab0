"""Ways around a permission that AWS leaves to nobody."""

import json
import time
import urllib.error
import urllib.request
import uuid
from typing import Any

import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from .conftest import FIRST, REGION, SECOND, Role, World, allow, deny, policy, refusal, root, trust


def name() -> str:
    return f"name-{uuid.uuid4().hex[:10]}"


def arn(service: str, resource: str, account: str = FIRST) -> str:
    return f"arn:aws:{service}:{REGION}:{account}:{resource}"


def recreated(world: World, role: Role) -> Role:
    """Delete a role, make another of the same name, and act as that."""
    iam = world.admin("iam")
    iam.delete_role(RoleName=role.name)
    iam.create_role(RoleName=role.name, AssumeRolePolicyDocument=policy(trust(AWS=root(FIRST))))
    keys = world.admin("sts").assume_role(RoleArn=role.arn, RoleSessionName="test")["Credentials"]
    clients = world.sandbox.sandbox.clients
    acting = clients.acting(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])
    return Role(world.sandbox, FIRST, role.name, acting)


def test_a_trust_policy_does_not_mean_a_later_role_of_the_same_name(world: World) -> None:
    role, target = world.role(), name()
    world.admin("iam").create_role(RoleName=target, AssumeRolePolicyDocument=policy(trust(AWS=role.arn)))
    taken = {"RoleArn": f"arn:aws:iam::{FIRST}:role/{target}", "RoleSessionName": "test"}

    role.client("sts").assume_role(**taken)
    message = refusal(recreated(world, role).client("sts").assume_role, **taken)

    assert "sts:AssumeRole" in message
    (statement,) = world.admin("iam").get_role(RoleName=target)["Role"]["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Principal"]["AWS"].startswith("AROA")


def test_a_key_policy_does_not_mean_a_later_role_of_the_same_name(world: World) -> None:
    role = world.role()
    key = world.key(allow("kms:GenerateDataKey", Principal={"AWS": [role.arn, root(SECOND)]}))

    role.client("kms").generate_data_key(KeyId=key, KeySpec="AES_256")
    refusal(recreated(world, role).client("kms").generate_data_key, KeyId=key, KeySpec="AES_256")


def test_a_bucket_policy_does_not_mean_a_later_role_of_the_same_name_but_its_conditions_do(world: World) -> None:
    role, bucket = world.role(), world.bucket(a=b"1", b=b"2")
    held = {"ArnEquals": {"aws:PrincipalArn": role.arn}}
    world.guard(
        bucket,
        allow("s3:GetObject", on=f"arn:aws:s3:::{bucket}/a", Principal={"AWS": role.arn}),
        allow("s3:GetObject", on=f"arn:aws:s3:::{bucket}/b", Principal="*", Condition=held),
    )
    role.client("s3").get_object(Bucket=bucket, Key="a")

    later = recreated(world, role).client("s3")

    refusal(later.get_object, Bucket=bucket, Key="a")
    assert later.get_object(Bucket=bucket, Key="b")["Body"].read() == b"2"


def test_an_operation_whose_resource_is_not_known_falls_under_a_deny_on_any(world: World) -> None:
    group = name()
    world.admin("logs").create_log_group(logGroupName=group)
    role = world.role(allow("logs:*"), deny("logs:StartQuery", on=arn("logs", f"log-group:{group}:*")))
    query = {"logGroupName": group, "startTime": 1, "endTime": 2, "queryString": "fields @message"}

    assert "explicit deny" in refusal(role.client("logs").start_query, **query)


def test_a_change_set_named_by_its_arn_falls_under_a_deny_on_any_stack(world: World) -> None:
    rights = (allow("cloudformation:*"), deny("cloudformation:*", on=arn("cloudformation", "stack/production/*")))
    role = world.role(*rights).client("cloudformation")

    message = refusal(role.execute_change_set, ChangeSetName=arn("cloudformation", "changeSet/one/1"))

    assert "explicit deny" in message
    role.describe_stacks()


def test_an_approval_is_not_told_by_metadata_of_the_same_name(world: World) -> None:
    sagemaker, group = world.admin("sagemaker"), name()
    sagemaker.create_model_package_group(ModelPackageGroupName=group)
    version = sagemaker.create_model_package(ModelPackageGroupName=group)["ModelPackageArn"]
    held = {"StringEquals": {"sagemaker:ModelApprovalStatus": "Rejected"}}
    update = world.role(allow("sagemaker:UpdateModelPackage", Condition=held)).client("sagemaker").update_model_package
    pretended = {"ModelApprovalStatus": "Rejected"}

    refusal(update, ModelPackageArn=version, CustomerMetadataProperties=pretended)
    refusal(update, ModelPackageArn=version, ModelApprovalStatus="Approved", CustomerMetadataProperties=pretended)
    update(ModelPackageArn=version, ModelApprovalStatus="Rejected")


def test_tagging_what_is_made_knows_no_keys_of_the_making(world: World) -> None:
    made = world.admin("iam").create_policy(PolicyName=name(), PolicyDocument=policy(allow("s3:*")))["Policy"]["Arn"]
    held = {"StringEquals": {"iam:PermissionsBoundary": made}}
    create = world.role(allow("iam:CreateRole", "iam:TagRole", Condition=held)).client("iam").create_role
    role = {"AssumeRolePolicyDocument": policy(trust(AWS=root(FIRST))), "PermissionsBoundary": made}

    create(RoleName=name(), **role)
    assert "iam:TagRole" in refusal(create, RoleName=name(), Tags=[{"Key": "a", "Value": "b"}], **role)


def test_tagging_can_be_held_to_what_is_made(world: World) -> None:
    held = {"StringEquals": {"sagemaker:TaggingAction": "CreateModelPackageGroup"}}
    rights = (allow("sagemaker:CreateModelPackageGroup"), allow("sagemaker:AddTags", Condition=held))
    role = world.role(*rights).client("sagemaker")
    tags = [{"Key": "a", "Value": "b"}]

    made = role.create_model_package_group(ModelPackageGroupName=name(), Tags=tags)["ModelPackageGroupArn"]
    refusal(role.add_tags, ResourceArn=made, Tags=tags)


def test_a_role_with_a_path_is_passed_to_an_instance_by_its_whole_arn(world: World) -> None:
    iam, role, profile = world.admin("iam"), name(), name()
    iam.create_role(RoleName=role, Path="/team/", AssumeRolePolicyDocument=policy(trust(AWS=root(FIRST))))
    iam.create_instance_profile(InstanceProfileName=profile)
    passing = allow("iam:PassRole", on=f"arn:aws:iam::{FIRST}:role/{role}")
    add = world.role(allow("iam:AddRoleToInstanceProfile"), passing).client("iam").add_role_to_instance_profile

    assert f"role/team/{role}" in refusal(add, InstanceProfileName=profile, RoleName=role)


def test_a_version_of_a_parameter_falls_under_a_deny_on_the_parameter(world: World) -> None:
    parameter = f"/{name()}"
    world.admin("ssm").put_parameter(Name=parameter, Value="1", Type="String")
    role = world.role(allow("ssm:*"), deny("ssm:GetParameter", on=arn("ssm", f"parameter{parameter}"))).client("ssm")

    refusal(role.get_parameter, Name=f"{parameter}:1")
    refusal(role.get_parameter, Name=f"{arn('ssm', f'parameter{parameter}')}:1")


def test_a_write_that_compares_the_object_reads_it(world: World) -> None:
    bucket = world.bucket(a=b"1")
    tag = world.admin("s3").head_object(Bucket=bucket, Key="a")["ETag"]
    put = world.role(allow("s3:PutObject")).client("s3").put_object

    put(Bucket=bucket, Key="a", Body=b"1")
    assert "s3:GetObject" in refusal(put, Bucket=bucket, Key="a", Body=b"2", IfMatch=tag)


def test_a_copy_takes_tags_along_only_with_the_rights_to_them(world: World) -> None:
    bucket = world.bucket()
    world.admin("s3").put_object(Bucket=bucket, Key="a", Body=b"1", Tagging="a=b")
    copy = world.role(allow("s3:GetObject", "s3:PutObject", "s3:ListBucket")).client("s3").copy_object

    assert "s3:GetObjectTagging" in refusal(copy, Bucket=bucket, Key="b", CopySource=f"{bucket}/a")
    copy(Bucket=bucket, Key="b", CopySource=f"{bucket}/a", TaggingDirective="REPLACE")


@pytest.mark.parametrize(
    ("said", "needed"),
    [
        ({"GrantRead": 'id="1"'}, "s3:PutObjectAcl"),
        ({"ObjectLockLegalHoldStatus": "ON"}, "s3:PutObjectLegalHold"),
        ({"ObjectLockMode": "COMPLIANCE", "ObjectLockRetainUntilDate": "2099-01-01"}, "s3:PutObjectRetention"),
    ],
)
def test_what_a_write_says_beside_the_object_takes_rights_of_its_own(world: World, said: Any, needed: str) -> None:
    put = world.role(allow("s3:PutObject")).client("s3").put_object

    assert needed in refusal(put, Bucket=world.bucket(), Key="a", Body=b"1", **said)


def test_replication_is_handed_its_role_only_with_the_right_to_pass_it(world: World) -> None:
    passed = world.service_role("s3.amazonaws.com")
    rule = {"ID": "1", "Status": "Enabled", "Prefix": "", "Destination": {"Bucket": f"arn:aws:s3:::{world.bucket()}"}}
    wanted = {"Role": passed, "Rules": [rule]}
    put = world.role(allow("s3:*")).client("s3").put_bucket_replication

    assert "iam:PassRole" in refusal(put, Bucket=world.bucket(), ReplicationConfiguration=wanted)


def test_an_alias_leaves_a_key_only_with_a_right_to_that_key(world: World) -> None:
    old, new, alias = world.key(), world.key(), f"alias/{name()}"
    world.admin("kms").create_alias(AliasName=alias, TargetKeyId=old)
    some = world.role(allow("kms:UpdateAlias", on=[arn("kms", alias), new])).client("kms")
    every = world.role(allow("kms:UpdateAlias", on=[arn("kms", alias), old, new])).client("kms")

    assert old in refusal(some.update_alias, AliasName=alias, TargetKeyId=new)
    every.update_alias(AliasName=alias, TargetKeyId=new)


def test_a_key_is_administered_from_its_own_account_alone(world: World) -> None:
    key = world.key(allow("kms:*", Principal={"AWS": root(FIRST)}), account=SECOND)
    kms = world.role(allow("kms:*")).client("kms")

    kms.describe_key(KeyId=key)
    refusal(kms.get_key_policy, KeyId=key, PolicyName="default")
    refusal(kms.schedule_key_deletion, KeyId=key)


@pytest.mark.parametrize("version", ["s3v4", "s3"])
def test_a_presigned_url_whose_time_is_over_is_refused(world: World, version: str) -> None:
    bucket = world.bucket(a=b"1")
    s3: Any = botocore.session.get_session().create_client(
        "s3",
        region_name=REGION,
        endpoint_url=world.sandbox.endpoint,
        aws_access_key_id=f"AKIASBOX{FIRST}",
        aws_secret_access_key="any",
        config=Config(signature_version=version, s3={"addressing_style": "path"}),
    )

    def read(seconds: int) -> bytes:
        url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "a"}, ExpiresIn=seconds)
        time.sleep(2 if seconds < 2 else 0)
        with urllib.request.urlopen(url) as answer:  # noqa: S310 - the sandbox itself
            return answer.read()

    assert read(60) == b"1"
    with pytest.raises(urllib.error.HTTPError) as refused:
        read(0)
    assert refused.value.code == 403
    assert b"Request has expired" in refused.value.read()


def test_a_session_policy_that_is_none_is_refused(world: World) -> None:
    role = world.role()

    with pytest.raises(ClientError) as refused:
        world.admin("sts").assume_role(RoleArn=role.arn, RoleSessionName="test", Policy=json.dumps({"Statement": 1}))

    assert refused.value.response["Error"]["Code"] == "MalformedPolicyDocument"


@pytest.mark.parametrize("key", ["sagemaker:VolumeKmsKey", "sagemaker:VolumeKmsKeyArn"])
def test_a_configuration_can_be_held_to_a_volume_key(world: World, key: str) -> None:
    held = {"ArnEquals": {key: (wanted := world.key())}}
    create = (
        world.role(allow("sagemaker:CreateEndpointConfig", Condition=held)).client("sagemaker").create_endpoint_config
    )
    variant = {"VariantName": "a", "ModelName": "absent", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    config = {"EndpointConfigName": name(), "ProductionVariants": [variant]}

    refusal(create, **config)
    refusal(create, KmsKeyId=world.key(), **config)
    with pytest.raises(ClientError, match="absent"):
        create(KmsKeyId=wanted, **config)
