import json
import urllib.request
import uuid

import pytest
from botocore.exceptions import ClientError

from .conftest import FIRST, REGION, SECOND, World, allow, policy, refusal, root


def name() -> str:
    return f"name-{uuid.uuid4().hex[:10]}"


@pytest.mark.parametrize(
    ("service", "operation", "expected"),
    [
        ("s3", "list_buckets", ("AccessDenied", 403)),
        ("iam", "list_roles", ("AccessDenied", 403)),
        ("cloudformation", "list_stacks", ("AccessDenied", 403)),
        ("sagemaker", "list_models", ("AccessDeniedException", 400)),
        ("kms", "list_keys", ("AccessDeniedException", 400)),
        ("cloudwatch", "describe_alarms", ("AccessDeniedException", 400)),
        ("lambda", "list_functions", ("AccessDeniedException", 403)),
        ("ec2", "describe_vpcs", ("UnauthorizedOperation", 403)),
        ("sns", "list_topics", ("AuthorizationError", 403)),
        ("codepipeline", "list_pipelines", ("AccessDeniedException", 400)),
    ],
)
def test_every_service_refuses_in_its_own_way(
    world: World, service: str, operation: str, expected: tuple[str, int]
) -> None:
    role = world.role()

    with pytest.raises(ClientError) as refused:
        getattr(role.client(service), operation)()

    answer = refused.value.response
    assert (answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]) == expected
    assert answer["Error"]["Message"].startswith(f"User: {role.session_arn} is not authorized to perform: {service}:")


def test_everybody_may_ask_who_they_are(world: World) -> None:
    role = world.role()

    assert role.client("sts").get_caller_identity()["Arn"] == role.session_arn


def test_a_parameter_is_read_by_its_own_name_only(world: World) -> None:
    one, ssm = f"/{name()}/one", world.admin("ssm")
    for each in (one, f"{one}-more"):
        ssm.put_parameter(Name=each, Value="1", Type="String")
    reader = world.role(allow("ssm:GetParameter", on=f"arn:aws:ssm:{REGION}:{FIRST}:parameter{one}")).client("ssm")

    assert reader.get_parameter(Name=one)["Parameter"]["Value"] == "1"
    refusal(reader.get_parameter, Name=f"{one}-more")


def test_metrics_can_be_held_to_a_namespace(world: World) -> None:
    held = {"StringEquals": {"cloudwatch:namespace": "/aws/sagemaker/TrainingJobs"}}
    put = world.role(allow("cloudwatch:PutMetricData", Condition=held)).client("cloudwatch").put_metric_data
    data = [{"MetricName": "loss", "Value": 1.0}]

    put(Namespace="/aws/sagemaker/TrainingJobs", MetricData=data)
    refusal(put, Namespace="another", MetricData=data)


def test_making_can_be_held_to_what_is_tagged(world: World) -> None:
    held = {
        "StringEquals": {"aws:RequestTag/project": "one"},
        "ForAllValues:StringEquals": {"aws:TagKeys": ["project"]},
    }
    role = world.role(allow("iam:CreateRole", "iam:TagRole", Condition=held))
    document = policy({"Effect": "Allow", "Principal": {"AWS": root(FIRST)}, "Action": "sts:AssumeRole"})
    create = role.client("iam").create_role
    tag = {"Key": "project", "Value": "one"}

    refusal(create, RoleName=name(), AssumeRolePolicyDocument=document)
    refusal(create, RoleName=name(), AssumeRolePolicyDocument=document, Tags=[tag, {"Key": "b", "Value": "2"}])
    create(RoleName=name(), AssumeRolePolicyDocument=document, Tags=[tag])


def test_changing_can_be_held_to_what_is_tagged(world: World) -> None:
    other, mine = world.role(), world.role(Tags=[{"Key": "project", "Value": "one"}])
    held = {"StringEquals": {"aws:ResourceTag/project": "one"}}
    delete = world.role(allow("iam:DeleteRole", Condition=held)).client("iam").delete_role

    refusal(delete, RoleName=other.name)
    delete(RoleName=mine.name)


def test_making_roles_can_be_held_to_a_boundary(world: World) -> None:
    iam = world.admin("iam")
    boundary = iam.create_policy(PolicyName=name(), PolicyDocument=policy(allow("s3:*")))["Policy"]["Arn"]
    held = {"StringEquals": {"iam:PermissionsBoundary": boundary}}
    rights = allow("iam:CreateRole", "iam:PutRolePolicy", Condition=held)
    role = world.role(rights).client("iam")
    document = policy({"Effect": "Allow", "Principal": {"AWS": root(FIRST)}, "Action": "sts:AssumeRole"})
    inline = {"PolicyName": "p", "PolicyDocument": policy(allow("s3:*"))}

    refusal(role.create_role, RoleName=name(), AssumeRolePolicyDocument=document)
    limited = name()
    role.create_role(RoleName=limited, AssumeRolePolicyDocument=document, PermissionsBoundary=boundary)
    role.put_role_policy(RoleName=limited, **inline)
    refusal(role.put_role_policy, RoleName=world.role().name, **inline)


def test_a_key_is_used_across_accounts_only_with_both_sides(world: World) -> None:
    role = world.role(allow("kms:GenerateDataKey"))
    closed = world.key(account=SECOND)
    opened = world.key(allow("kms:GenerateDataKey", "kms:Decrypt", Principal={"AWS": root(FIRST)}), account=SECOND)
    kms = role.client("kms")

    assert "no resource-based policy allows" in refusal(kms.generate_data_key, KeyId=closed, KeySpec="AES_256")
    made = kms.generate_data_key(KeyId=opened, KeySpec="AES_256")
    assert made["KeyId"] == opened
    message = refusal(kms.decrypt, CiphertextBlob=made["CiphertextBlob"], KeyId=opened)
    assert "no identity-based policy allows the kms:Decrypt action" in message


def test_a_key_whose_policy_does_not_name_the_account_ignores_other_policies(world: World) -> None:
    administrator = f"arn:aws:iam::{FIRST}:user/administrator"
    document = policy(allow("kms:*", Principal={"AWS": administrator}))
    key = world.admin("kms").create_key(Policy=document)["KeyMetadata"]["Arn"]
    role = world.role(allow("kms:*"))

    message = refusal(role.client("kms").describe_key, KeyId=key)

    assert (
        f"no resource-based policy allows the kms:DescribeKey action (key policy of {key.rpartition('/')[2]})"
        in message
    )


def test_a_grant_opens_a_key_to_whom_it_names(world: World) -> None:
    key, role = world.key(), world.role()
    encrypt = {"KeyId": key, "Plaintext": b"1"}
    refusal(role.client("kms").encrypt, **encrypt)

    world.admin("kms").create_grant(KeyId=key, GranteePrincipal=role.arn, Operations=["Encrypt"])

    blob = role.client("kms").encrypt(**encrypt)["CiphertextBlob"]
    refusal(role.client("kms").decrypt, CiphertextBlob=blob)


def test_a_registry_is_shared_by_its_policy_and_the_other_side_s_rights(world: World) -> None:
    group, sagemaker = name(), world.admin("sagemaker")
    sagemaker.create_model_package_group(ModelPackageGroupName=group)
    arn = f"arn:aws:sagemaker:{REGION}:{FIRST}:model-package-group/{group}"
    reader = world.role(allow("sagemaker:DescribeModelPackageGroup"), account=SECOND)
    other = world.role(account=SECOND)
    describe = {"ModelPackageGroupName": arn}
    refusal(reader.client("sagemaker").describe_model_package_group, **describe)

    shared = allow("sagemaker:DescribeModelPackageGroup", on=arn, Principal={"AWS": root(SECOND)})
    sagemaker.put_model_package_group_policy(ModelPackageGroupName=group, ResourcePolicy=policy(shared))

    assert reader.client("sagemaker").describe_model_package_group(**describe)["ModelPackageGroupArn"] == arn
    refusal(other.client("sagemaker").describe_model_package_group, **describe)


def test_an_endpoint_is_invoked_only_with_the_right_to(world: World) -> None:
    runtime = world.role().client("sagemaker-runtime")

    message = refusal(runtime.invoke_endpoint, EndpointName="one", Body=b"")

    assert f"sagemaker:InvokeEndpoint on resource: arn:aws:sagemaker:{REGION}:{FIRST}:endpoint/one" in message


def test_a_presigned_url_gives_its_signer_s_rights_and_no_others(world: World) -> None:
    bucket = world.bucket(a=b"1", b=b"2")
    s3 = world.role(allow("s3:GetObject", on=f"arn:aws:s3:::{bucket}/a")).client("s3")

    def fetch(key: str) -> bytes:
        url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": key})
        with urllib.request.urlopen(url) as answer:  # noqa: S310 - the sandbox's own address
            return answer.read()

    assert fetch("a") == b"1"
    with pytest.raises(OSError, match="403"):
        fetch("b")


def test_every_decision_is_in_the_access_log(world: World) -> None:
    role = world.role({**allow("s3:ListAllMyBuckets"), "Sid": "Look"})
    role.client("s3").list_buckets()
    refusal(role.client("ssm").describe_parameters)
    log = world.sandbox.sandbox.clients.authorizer.log
    log.flush()

    lines = [json.loads(line) for line in log.path.read_text().splitlines()]
    mine = [line for line in lines if line["role"] == role.arn and not line["action"].startswith("sts:")]
    assert [(line["action"], line["allowed"], line["via"]) for line in mine] == [
        ("s3:ListAllMyBuckets", True, ""),
        ("ssm:DescribeParameters", False, ""),
    ]
    assert mine[0]["matched"] == [[f'inline policy "rights" of role {role.name}', "Look"]]
    assert mine[0]["principal"] == role.session_arn
    assert mine[0]["context"]["aws:RequestedRegion"] == REGION


def test_the_access_log_tells_which_service_acted(world: World) -> None:
    arn = world.service_role("sagemaker.amazonaws.com", allow("s3:ListAllMyBuckets"))
    clients = world.sandbox.sandbox.clients
    clients.as_role(arn, service="sagemaker.amazonaws.com", region=REGION).get("s3", FIRST, REGION).list_buckets()
    role = world.role(allow("s3:ListAllMyBuckets"))
    keys = role.acting.keys
    clients.acting(keys.access_key, via="cloudformation.amazonaws.com").get("s3", FIRST, REGION).list_buckets()
    log = clients.authorizer.log
    log.flush()

    lines = [json.loads(line) for line in log.path.read_text().splitlines()]
    assert {(line["role"], line["via"]) for line in lines if line["role"] in {arn, role.arn}} == {
        (arn, "sagemaker.amazonaws.com"),
        (role.arn, "cloudformation.amazonaws.com"),
    }


def test_a_right_can_be_held_to_what_a_service_does_in_the_caller_s_name(world: World) -> None:
    held = {"ForAnyValue:StringEquals": {"aws:CalledVia": "cloudformation.amazonaws.com"}}
    role = world.role(allow("s3:ListAllMyBuckets", Condition=held))
    clients = world.sandbox.sandbox.clients

    refusal(role.client("s3").list_buckets)
    through = clients.acting(role.acting.keys.access_key, via="cloudformation.amazonaws.com")
    through.get("s3", FIRST, REGION).list_buckets()
