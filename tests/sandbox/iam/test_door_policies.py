import json
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from .conftest import FIRST, SECOND, World, allow, policy, root, trust

ABSENT = f"arn:aws:iam::{FIRST}:role/absent"


def key_policy(*more: dict[str, Any]) -> str:
    return policy(allow("kms:*", Principal={"AWS": root(FIRST)}), *more)


def test_a_key_policy_that_names_a_role_not_yet_there_is_refused(world: World) -> None:
    kms = world.admin("kms")
    document = key_policy(allow("kms:Decrypt", Principal={"AWS": ABSENT}))

    with pytest.raises(ClientError, match=r"MalformedPolicyDocumentException.*one or more invalid principals"):
        kms.create_key(Policy=document)
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    with pytest.raises(ClientError, match=r"MalformedPolicyDocumentException.*one or more invalid principals"):
        kms.put_key_policy(KeyId=key, PolicyName="default", Policy=document)


def test_a_key_policy_that_shuts_everybody_out_is_refused(world: World) -> None:
    document = policy(allow("kms:Decrypt", Principal={"AWS": root(FIRST)}))

    with pytest.raises(ClientError, match="will not allow you to update the key policy in the future"):
        world.admin("kms").create_key(Policy=document)


def test_a_bucket_policy_that_names_a_role_not_yet_there_is_refused(world: World) -> None:
    bucket = world.bucket()

    with pytest.raises(ClientError, match=r"MalformedPolicy.*Invalid principal in policy"):
        world.guard(bucket, allow("s3:GetObject", on=f"arn:aws:s3:::{bucket}/*", Principal={"AWS": ABSENT}))


def test_a_bucket_policy_about_another_bucket_is_refused(world: World) -> None:
    with pytest.raises(ClientError, match=r"MalformedPolicy.*Policy has invalid resource"):
        world.guard(world.bucket(), allow("s3:GetObject", on="arn:aws:s3:::another/*", Principal={"AWS": root(SECOND)}))


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        (trust(AWS=ABSENT), f'Invalid principal in policy: "AWS":"{ABSENT}"'),
        ({**trust(AWS=root(FIRST)), "Resource": "*"}, "Has prohibited field Resource"),
        ({"Effect": "Allow", "Action": "sts:AssumeRole"}, "Missing required field Principal"),
    ],
)
def test_a_trust_policy_that_nobody_could_use_is_refused(world: World, statement: Any, message: str) -> None:
    with pytest.raises(ClientError) as refused:
        world.admin("iam").create_role(RoleName="never", AssumeRolePolicyDocument=policy(statement))

    error = refused.value.response["Error"]
    assert (error["Code"], error["Message"]) == ("MalformedPolicyDocument", message)


def test_an_identity_policy_with_a_principal_is_refused(world: World) -> None:
    role = world.role()

    with pytest.raises(ClientError, match="Policy document should not specify a principal"):
        role.may(allow("s3:*", Principal="*"))


def test_a_text_that_is_no_policy_is_refused(world: World) -> None:
    with pytest.raises(ClientError, match="MalformedPolicy"):
        world.admin("s3").put_bucket_policy(Bucket=world.bucket(), Policy=json.dumps(["nothing"]))


def test_other_services_policies_that_name_a_role_not_yet_there_are_refused(world: World) -> None:
    document = policy(allow("sns:Publish", "sqs:SendMessage", Principal={"AWS": ABSENT}))
    name = f"name-{uuid.uuid4().hex[:8]}"
    world.admin("ecr").create_repository(repositoryName=name)

    for call, params in (
        (world.admin("sns").create_topic, {"Name": name, "Attributes": {"Policy": document}}),
        (world.admin("sqs").create_queue, {"QueueName": name, "Attributes": {"Policy": document}}),
        (world.admin("ecr").set_repository_policy, {"repositoryName": name, "policyText": document}),
    ):
        with pytest.raises(ClientError, match=r"Invalid"):
            call(**params)


def test_a_schedule_takes_no_role_that_does_not_trust_the_scheduler(world: World) -> None:
    target = {"Arn": f"arn:aws:sqs:eu-west-1:{FIRST}:queue", "RoleArn": world.service_role("lambda.amazonaws.com")}
    schedule = {
        "Name": f"name-{uuid.uuid4().hex[:8]}",
        "ScheduleExpression": "rate(1 day)",
        "FlexibleTimeWindow": {"Mode": "OFF"},
    }
    create = world.admin("scheduler").create_schedule

    with pytest.raises(ClientError, match="must allow AWS EventBridge Scheduler to assume the role"):
        create(**schedule, Target=target)
    create(**schedule, Target={**target, "RoleArn": world.service_role("scheduler.amazonaws.com")})
