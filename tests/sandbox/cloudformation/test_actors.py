"""CloudFormation does what the stack's role may do, or else what the caller may do, and nothing more."""

import json
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sagewright.sandbox.cloudformation.actor import SERVICE

ACCOUNT, REGION = "111111111111", "eu-west-1"
PARAMETER = {"P": {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": "x"}}}
MAKE = ["ssm:AddTagsToResource", "ssm:GetParameters", "ssm:ListTagsForResource", "ssm:PutParameter"]
REMOVE = ["ssm:DeleteParameter"]


def changed(value: str) -> dict[str, Any]:
    return {"P": {**PARAMETER["P"], "Properties": {"Type": "String", "Value": value}}}


def policy(*actions: str) -> str:
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def role(stacks: Any, *actions: str, service: str = SERVICE) -> str:
    """A role that a service may take, and what it may do; returns its ARN."""
    name = f"role-{uuid.uuid4().hex[:12]}"
    trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    made = stacks.client("iam").create_role(
        RoleName=name, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    )
    grant(stacks, name, *actions)
    return made["Role"]["Arn"]


def grant(stacks: Any, role_arn: str, *actions: str) -> None:
    name = role_arn.rpartition("/")[2]
    stacks.client("iam").put_role_policy(RoleName=name, PolicyName="actions", PolicyDocument=policy(*actions))


def as_user(stacks: Any, service: str, *actions: str) -> Any:
    """A client of a user who may do these actions."""
    iam, name = stacks.client("iam"), f"user-{uuid.uuid4().hex[:12]}"
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="actions", PolicyDocument=policy(*actions))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    acting = stacks.sandbox.sandbox.clients.acting(key["AccessKeyId"], key["SecretAccessKey"])
    return acting.get(service, ACCOUNT, REGION)


def test_what_the_role_may_not_do_fails_the_resource_with_the_denial(stacks: Any) -> None:
    arn = role(stacks, "ssm:GetParameters")
    name = arn.rpartition("/")[2]

    stack = stacks.create(PARAMETER, RoleARN=arn)

    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    told = stacks.reason(stack["StackName"], "P", "CREATE_FAILED")
    assert told.startswith(f'Resource handler returned message: "User: arn:aws:sts::{ACCOUNT}:assumed-role/{name}/')
    assert "is not authorized to perform: ssm:PutParameter on resource: arn:aws:ssm:" in told
    assert "because no identity-based policy allows the ssm:PutParameter action" in told
    assert "HandlerErrorCode: AccessDenied)" in told


def test_a_role_that_is_enough_makes_the_stack_and_its_name_stays_with_it(stacks: Any) -> None:
    arn = role(stacks, *MAKE, *REMOVE)
    stack = stacks.create(PARAMETER, RoleARN=arn)
    assert (stack["StackStatus"], stack["RoleARN"]) == ("CREATE_COMPLETE", arn)

    grant(stacks, arn, "ssm:GetParameters")
    assert stacks.update(stack["StackName"], changed("y"))["StackStatus"] == "UPDATE_ROLLBACK_FAILED"
    grant(stacks, arn, *MAKE)
    stacks.api.continue_update_rollback(StackName=stack["StackName"])
    assert stacks.settled(stack["StackName"])["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"

    assert stacks.delete(stack["StackName"])["StackStatus"] == "DELETE_FAILED"
    grant(stacks, arn, *REMOVE)
    assert stacks.delete(stack["StackName"])["StackStatus"] == "DELETE_COMPLETE"


def test_a_deletion_may_name_another_role(stacks: Any) -> None:
    stack = stacks.create(PARAMETER, RoleARN=role(stacks, *MAKE))

    assert stacks.delete(stack["StackName"], RoleARN=role(stacks, *REMOVE))["StackStatus"] == "DELETE_COMPLETE"


@pytest.mark.parametrize("service", ["sagemaker.amazonaws.com", "lambda.amazonaws.com"])
def test_a_role_that_does_not_trust_cloudformation_is_refused(stacks: Any, service: str) -> None:
    arn = role(stacks, *MAKE, service=service)

    with pytest.raises(ClientError, match=f"Role {arn} is invalid or cannot be assumed"):
        stacks.create(PARAMETER, RoleARN=arn)


def test_without_a_role_the_caller_acts(stacks: Any) -> None:
    name, body = stacks.name(), json.dumps({"Resources": PARAMETER})
    user = as_user(stacks, "cloudformation", "cloudformation:*", "ssm:GetParameters")

    user.create_stack(StackName=name, TemplateBody=body)

    assert stacks.settled(name)["StackStatus"] == "ROLLBACK_COMPLETE"
    assert f"User: arn:aws:iam::{ACCOUNT}:user/user-" in stacks.reason(name, "P", "CREATE_FAILED")


def test_a_change_set_is_executed_in_the_name_of_who_executes_it(stacks: Any) -> None:
    name, body = stacks.name(), json.dumps({"Resources": PARAMETER})
    planner = as_user(stacks, "cloudformation", "cloudformation:*")
    planner.create_change_set(StackName=name, ChangeSetName="set", ChangeSetType="CREATE", TemplateBody=body)

    stacks.api.execute_change_set(StackName=name, ChangeSetName="set")

    assert stacks.settled(name)["StackStatus"] == "CREATE_COMPLETE"


def test_a_template_in_a_bucket_is_read_as_the_caller(stacks: Any) -> None:
    bucket = f"templates-{uuid.uuid4().hex[:12]}"
    s3 = stacks.client("s3")
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_object(Bucket=bucket, Key="t.json", Body=json.dumps({"Resources": PARAMETER}).encode())
    user = as_user(stacks, "cloudformation", "cloudformation:*", "iam:PassRole")
    arn = role(stacks, *MAKE, "s3:GetObject")

    with pytest.raises(ClientError, match="S3 error: "):
        user.create_stack(
            StackName=stacks.name(), TemplateURL=f"{stacks.sandbox.endpoint}/{bucket}/t.json", RoleARN=arn
        )
