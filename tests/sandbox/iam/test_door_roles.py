import json
import uuid
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.sts.models import sts_backends

from sagewright.sandbox.protocol import ApiError

from .conftest import FIRST, REGION, SECOND, World, allow, deny, policy, refusal, root, trust

SAGEMAKER = "sagemaker.amazonaws.com"


def pipeline(passed: str) -> dict[str, Any]:
    step = {"Name": "Stop", "Type": "Fail", "Arguments": {"ErrorMessage": "stop"}}
    document = json.dumps({"Version": "2020-12-01", "Steps": [step]})
    return {
        "PipelineName": f"pipeline-{uuid.uuid4().hex[:8]}",
        "PipelineDefinition": document,
        "RoleArn": passed,
        "ClientRequestToken": uuid.uuid4().hex,
    }


def test_a_role_is_handed_to_a_service_only_with_the_right_to_pass_it(world: World) -> None:
    passed = world.service_role(SAGEMAKER)
    role = world.role(allow("sagemaker:*"))

    message = refusal(role.client("sagemaker").create_pipeline, **pipeline(passed))

    assert f"{role.session_arn} is not authorized to perform: iam:PassRole on resource: {passed}" in message


def test_the_right_to_pass_a_role_can_be_held_to_a_service(world: World) -> None:
    passed = world.service_role(SAGEMAKER)

    def creating(service: str) -> Any:
        held = {"StringEquals": {"iam:PassedToService": service}}
        rights = (allow("sagemaker:*"), allow("iam:PassRole", on=passed, Condition=held))
        return world.role(*rights).client("sagemaker").create_pipeline

    creating(SAGEMAKER)(**pipeline(passed))
    assert "iam:PassRole" in refusal(creating("lambda.amazonaws.com"), **pipeline(passed))


def test_a_service_takes_no_role_that_does_not_trust_it(world: World) -> None:
    arn = world.service_role("lambda.amazonaws.com", allow("s3:*"))
    clients = world.sandbox.sandbox.clients

    with pytest.raises(ApiError, match=f"User: {SAGEMAKER} is not authorized to perform: sts:AssumeRole"):
        clients.as_role(arn, service=SAGEMAKER, region=REGION)
    with pytest.raises(ApiError, match="AccessDenied"):
        clients.as_role(f"{arn}-absent", service="lambda.amazonaws.com", region=REGION)


def test_a_service_acts_with_the_role_s_rights_and_no_others(world: World) -> None:
    bucket = world.bucket(a=b"1")
    arn = world.service_role(SAGEMAKER, allow("s3:GetObject"))
    acting = world.sandbox.sandbox.clients.as_role(arn, service=SAGEMAKER, region=REGION)
    s3 = acting.get("s3", FIRST, REGION)

    assert s3.get_object(Bucket=bucket, Key="a")["Body"].read() == b"1"
    assert f"{arn.rpartition('/')[2]}/SageMaker" in refusal(s3.put_object, Bucket=bucket, Key="b", Body=b"")


def test_trust_can_be_held_to_the_resource_that_the_service_acts_for(world: World) -> None:
    name = f"role-{uuid.uuid4().hex[:8]}"
    held = {"ArnLike": {"aws:SourceArn": f"arn:aws:sagemaker:*:{FIRST}:training-job/*"}}
    document = policy({**trust(Service=SAGEMAKER), "Condition": held})
    arn = world.admin("iam").create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    clients = world.sandbox.sandbox.clients
    job = f"arn:aws:sagemaker:{REGION}:{FIRST}:training-job/one"

    clients.as_role(arn, service=SAGEMAKER, region=REGION, source_arn=job)
    with pytest.raises(ApiError, match="AccessDenied"):
        clients.as_role(arn, service=SAGEMAKER, region=REGION, source_arn=job.replace("training-job", "pipeline"))


def test_assuming_a_role_of_another_account_needs_both_sides(world: World) -> None:
    target = world.role(account=SECOND)
    role = world.role(allow("sts:AssumeRole"))
    call = {"RoleArn": target.arn, "RoleSessionName": "visit"}

    message = refusal(role.client("sts").assume_role, **call)
    assert f"sts:AssumeRole on resource: {target.arn} because no role trust policy allows" in message

    world.admin("iam", SECOND).update_assume_role_policy(
        RoleName=target.name, PolicyDocument=policy(trust(AWS=root(FIRST)))
    )
    role.client("sts").assume_role(**call)
    message = refusal(world.role().client("sts").assume_role, **call)
    assert "because no identity-based policy allows the sts:AssumeRole action" in message


def test_a_trust_policy_needs_no_version(world: World) -> None:
    target, role = world.role(), world.role(allow("sts:AssumeRole"))
    document = json.dumps({"Statement": [trust(AWS=root(FIRST))]})
    world.admin("iam").update_assume_role_policy(RoleName=target.name, PolicyDocument=document)

    role.client("sts").assume_role(RoleArn=target.arn, RoleSessionName="visit")


def test_an_absent_role_is_not_assumed(world: World) -> None:
    message = refusal(
        world.admin("sts").assume_role, RoleArn=f"arn:aws:iam::{FIRST}:role/absent", RoleSessionName="visit"
    )

    assert "sts:AssumeRole on resource" in message


def test_a_boundary_limits_what_other_policies_allow(world: World) -> None:
    document = policy(allow("s3:ListAllMyBuckets"))
    iam = world.admin("iam")
    boundary = iam.create_policy(PolicyName=f"limit-{uuid.uuid4().hex[:8]}", PolicyDocument=document)["Policy"]["Arn"]
    role = world.role(allow("*"), PermissionsBoundary=boundary)

    role.client("s3").list_buckets()

    message = refusal(role.client("ssm").describe_parameters)
    assert (
        f"because no permissions boundary allows the ssm:DescribeParameters action (permissions boundary {boundary})"
        in message
    )


def test_a_boundary_that_is_no_policy_is_refused(world: World) -> None:
    with pytest.raises(ClientError, match=r"NoSuchEntity.*Scope ARN"):
        world.role(PermissionsBoundary=f"arn:aws:iam::{FIRST}:policy/absent")


def test_a_session_policy_narrows_the_role(world: World) -> None:
    target = world.role(allow("*"))
    keys = world.admin("sts").assume_role(
        RoleArn=target.arn, RoleSessionName="narrow", Policy=policy(allow("s3:ListAllMyBuckets"))
    )["Credentials"]
    acting = world.sandbox.sandbox.clients.acting(keys["AccessKeyId"])

    acting.get("s3", FIRST, REGION).list_buckets()
    assert "because no session policy allows" in refusal(acting.get("ssm", FIRST, REGION).describe_parameters)


def test_the_keys_of_a_role_end_with_it_and_do_not_fit_its_successor(world: World) -> None:
    role = world.role()
    role.client("sts").get_caller_identity()
    iam = world.admin("iam")
    iam.delete_role(RoleName=role.name)

    for again in (False, True):
        if again:
            iam.create_role(RoleName=role.name, AssumeRolePolicyDocument=policy(trust(AWS=root(FIRST))))
        with pytest.raises(ClientError, match="InvalidClientTokenId"):
            role.client("sts").get_caller_identity()


def test_an_explicit_deny_overrides_every_allow(world: World) -> None:
    role = world.role(allow("*"), {**deny("ssm:*"), "Sid": "NoParameters"})

    message = refusal(role.client("ssm").describe_parameters)

    assert (
        f'with an explicit deny in an identity-based policy (inline policy "rights" of role {role.name}, statement'
        " NoParameters)" in message
    )


def test_rights_given_to_a_group_are_its_users(world: World) -> None:
    iam, name = world.admin("iam"), f"one-{uuid.uuid4().hex[:8]}"
    iam.create_user(UserName=name)
    iam.create_group(GroupName=name)
    iam.add_user_to_group(GroupName=name, UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    acting = world.sandbox.sandbox.clients.acting(key["AccessKeyId"], key["SecretAccessKey"])
    refusal(acting.get("s3", FIRST, REGION).list_buckets)

    iam.put_group_policy(GroupName=name, PolicyName="p", PolicyDocument=policy(allow("s3:ListAllMyBuckets")))

    acting.get("s3", FIRST, REGION).list_buckets()


def test_sessions_are_no_longer_than_the_role_allows(world: World) -> None:
    role = world.role(allow("sts:AssumeRole"))
    for sts in (world.admin("sts"), role.client("sts")):
        with pytest.raises(ClientError, match=r"ValidationError.*DurationSeconds exceeds"):
            sts.assume_role(RoleArn=role.arn, RoleSessionName="long", DurationSeconds=7200)


def test_an_expired_session_is_refused(world: World) -> None:
    role = world.role()
    made = sts_backends[FIRST]["aws"].get_assumed_role_from_access_key(role.acting.keys.access_key)
    assert made is not None
    made.expiration -= timedelta(hours=2)

    with pytest.raises(ClientError, match="ExpiredToken"):
        role.client("sts").get_caller_identity()


def test_what_the_sandbox_lacks_of_sessions_is_named(world: World) -> None:
    with pytest.raises(ClientError, match="The sandbox does not have sts:GetSessionToken"):
        world.admin("sts").get_session_token()
