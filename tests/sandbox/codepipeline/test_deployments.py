"""A deployment brings a stack to what the artifacts say, by the roles of the action, in its account or another."""

import json
from typing import Any

import pytest

from .conftest import ACCOUNT, REGION, action, gate, stage

OTHER = "222222222222"
TEMPLATE = {
    "Parameters": {"Value": {"Type": "String"}, "Size": {"Type": "String", "Default": "small"}},
    "Resources": {
        "Setting": {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": {"Ref": "Value"}}}
    },
    "Outputs": {"Name": {"Value": {"Ref": "Setting"}}, "Size": {"Value": {"Ref": "Size"}}},
}
STACKS = [f"cloudformation:{each}" for each in ("CreateStack", "UpdateStack", "DeleteStack", "DescribeStacks")]


def executing(lane: Any) -> str:
    return lane.bench.role("cloudformation.amazonaws.com", {"Effect": "Allow", "Action": "ssm:*", "Resource": "*"})


def deploying(lane: Any, execution: str) -> str:
    """Return a pipeline's role that may deploy stacks with the execution role."""
    stacks = {"Effect": "Allow", "Action": STACKS, "Resource": f"arn:aws:cloudformation:*:*:stack/{lane.name}/*"}
    return lane.role(stacks, {"Effect": "Allow", "Action": "iam:PassRole", "Resource": execution})


def deploy(lane: Any, execution: str, mode: str = "CREATE_UPDATE", **more: Any) -> dict[str, Any]:
    configuration = {"ActionMode": mode, "StackName": lane.name, "RoleArn": execution}
    configuration |= {"TemplatePath": "Source::one.json"} if mode == "CREATE_UPDATE" else {}
    inputs = [{"name": "Source"}] if mode == "CREATE_UPDATE" else []
    given = {"configuration": configuration | more.pop("configuration", {}), "inputArtifacts": inputs}
    return action("Deploy", "Deploy", "CloudFormation", namespace="Deployed", **given, **more)


def source(lane: Any, template: Any = TEMPLATE, **files: Any) -> None:
    told = {f"{name}.json": json.dumps(content) for name, content in files.items()}
    lane.put({"one.json": json.dumps(template), **told})


def stack(lane: Any, account: str = ACCOUNT) -> dict[str, Any]:
    client = lane.bench.sandbox.client("cloudformation", account, REGION)
    return client.describe_stacks(StackName=lane.name)["Stacks"][0]


def test_a_stack_is_created_updated_left_alone_and_deleted(lane: Any) -> None:
    execution = executing(lane)
    configured = {"TemplateConfiguration": "Source::prod.json", "ParameterOverrides": '{"Size": "large"}'}
    first = {"Parameters": {"Value": "one", "Size": "middling"}, "Tags": {"team": "ml"}}
    source(lane, prod=first)
    shown = gate(configuration={"CustomData": "#{Deployed.Name} #{Deployed.Size}"})
    stages = (stage("Deploy", deploy(lane, execution, configuration=configured)), stage("Gate", shown))
    identity = lane.create(*stages, roleArn=deploying(lane, execution))
    made = stack(lane)
    assert made["StackStatus"] == "CREATE_COMPLETE"
    assert made["Tags"] == [{"Key": "team", "Value": "ml"}]
    outputs = {each["OutputKey"]: each["OutputValue"] for each in made["Outputs"]}
    assert lane.runs(identity)[-1]["input"]["resolvedConfiguration"]["CustomData"] == f"{outputs['Name']} large"
    lane.answer("Gate")
    source(lane, prod={**first, "Parameters": {"Value": "two"}})
    lane.start()
    assert stack(lane)["StackStatus"] == "UPDATE_COMPLETE"
    lane.answer("Gate")
    assert lane.status(lane.start()) == "InProgress"
    lane.client.update_pipeline(
        pipeline=lane.declaration(
            stage("Remove", deploy(lane, execution, "DELETE_ONLY")), roleArn=deploying(lane, execution)
        )
    )
    assert lane.status(lane.start()) == "Succeeded"
    assert lane.status(lane.start()) == "Succeeded"
    with pytest.raises(Exception, match="does not exist"):
        stack(lane)


def test_outputs_go_into_a_file_of_the_output_artifact(lane: Any) -> None:
    execution = executing(lane)
    source(lane)
    given = {"OutputFileName": "out.json", "ParameterOverrides": '{"Value": "one"}'}
    deployed = deploy(lane, execution, configuration=given, outputArtifacts=[{"name": "Outputs"}])
    identity = lane.create(stage("Deploy", deployed), roleArn=deploying(lane, execution))
    assert lane.status(identity) == "Succeeded"
    (artifact,) = lane.runs(identity)[-1]["output"]["outputArtifacts"]
    assert artifact["s3location"]["key"].startswith(f"{lane.name[:20]}/Outputs/")


def test_a_long_template_reaches_cloudformation(lane: Any) -> None:
    execution = executing(lane)
    source(lane, {**TEMPLATE, "Metadata": {"Long": "x" * 60_000}})
    given = {"ParameterOverrides": '{"Value": "one"}'}
    identity = lane.create(
        stage("Deploy", deploy(lane, execution, configuration=given)), roleArn=deploying(lane, execution)
    )
    assert lane.status(identity) == "Succeeded"


def test_a_stack_that_fails_fails_the_action_and_stays_as_it_is(lane: Any) -> None:
    execution = lane.bench.role("cloudformation.amazonaws.com")
    source(lane)
    given = {"ParameterOverrides": '{"Value": "one"}'}
    stages = (stage("Deploy", deploy(lane, execution, configuration=given)),)
    identity = lane.create(*stages, roleArn=deploying(lane, execution))
    assert lane.status(identity) == "Failed"
    error = lane.action("Deploy", "Deploy")["errorDetails"]
    assert (error["code"], "ROLLBACK_COMPLETE" in error["message"]) == ("JobFailed", True)
    assert lane.action("Deploy", "Deploy")["externalExecutionId"] == stack(lane)["StackId"]
    again = lane.start()
    assert lane.status(again) == "Failed"
    assert "is in ROLLBACK_COMPLETE state and can not be updated" in lane.action("Deploy", "Deploy")["summary"]


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({}, "File [prod.json] does not exist in artifact [Source]"),
        ({"prod": {"Parameters": {"Value": 1}}}, "Parameters must be an object of texts"),
        ({"prod": {"Ponies": {}}}, "has ['Ponies']"),
    ],
)
def test_a_template_configuration_that_is_none_fails_the_action(lane: Any, files: dict[str, Any], words: str) -> None:
    execution = executing(lane)
    source(lane, **files)
    configured = {"TemplateConfiguration": "Source::prod.json"}
    lane.create(stage("Deploy", deploy(lane, execution, configuration=configured)), roleArn=deploying(lane, execution))
    error = lane.action("Deploy", "Deploy")["errorDetails"]
    assert (error["code"], words in error["message"]) == ("ConfigurationError", True), error


def test_a_role_that_may_not_deploy_fails_the_action_with_the_permission_that_it_lacks(lane: Any) -> None:
    execution = executing(lane)
    source(lane)
    given = {"ParameterOverrides": '{"Value": "one"}'}
    lane.create(stage("Deploy", deploy(lane, execution, configuration=given)))
    error = lane.action("Deploy", "Deploy")["errorDetails"]
    assert error["code"] == "PermissionError"
    assert "cloudformation:DescribeStacks" in error["message"]


class Account:
    """Another account, with roles by which the pipeline of the first one deploys there."""

    def __init__(self, lane: Any) -> None:
        self.lane = lane
        self.iam = lane.bench.sandbox.client("iam", OTHER, REGION)
        self.deploy, self.execution = f"{lane.name}-deploy", f"{lane.name}-exec"

    def arn(self, role: str) -> str:
        return f"arn:aws:iam::{OTHER}:role/{role}"

    def make(self, trusted: str) -> None:
        allowed = [
            {"Effect": "Allow", "Action": STACKS, "Resource": "*"},
            {"Effect": "Allow", "Action": "iam:PassRole", "Resource": self.arn(self.execution)},
            self.lane.on_bucket("s3:GetObject"),
        ]
        self._role(self.deploy, {"AWS": trusted}, allowed)
        ssm = [{"Effect": "Allow", "Action": "ssm:*", "Resource": "*"}]
        self._role(self.execution, {"Service": "cloudformation.amazonaws.com"}, ssm)

    def _role(self, name: str, principal: dict[str, str], statements: list[dict[str, Any]]) -> None:
        trust = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
        self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=_document(trust))
        self.iam.put_role_policy(RoleName=name, PolicyName="Work", PolicyDocument=_document(*statements))


def _document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def across(lane: Any, *, readable: bool) -> str:
    """Deploy into the other account and return the execution; the artifacts are readable there or not."""
    source(lane)
    other = Account(lane)
    assume = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": other.arn(other.deploy)}
    role = lane.role(assume)
    other.make(role)
    admitted = {"AWS": other.arn(other.deploy) if readable else role}
    policy = {"Effect": "Allow", "Principal": admitted, "Action": "s3:GetObject"}
    s3 = lane.bench.client("s3")
    document = _document({**policy, "Resource": f"arn:aws:s3:::{lane.bucket}/*"})
    s3.put_bucket_policy(Bucket=lane.bucket, Policy=document)
    given = {"ParameterOverrides": '{"Value": "one"}'}
    deployed = deploy(lane, other.arn(other.execution), configuration=given, roleArn=other.arn(other.deploy))
    store = {
        "type": "S3",
        "location": lane.bucket,
        "encryptionKey": {"id": shared_key(lane, role, other), "type": "KMS"},
    }
    return lane.create(stage("Deploy", deployed), roleArn=role, artifactStore=store)


def shared_key(lane: Any, role: str, other: Account) -> str:
    """Return a key that the pipeline's role and the other account's deploying role may use."""
    root = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "kms:*", "Resource": "*"}
    use = {"Effect": "Allow", "Principal": {"AWS": other.arn(other.deploy)}, "Action": "kms:Decrypt", "Resource": "*"}
    arn = lane.bench.client("kms").create_key(Policy=_document(root, use))["KeyMetadata"]["Arn"]
    mine = _document({"Effect": "Allow", "Action": ["kms:GenerateDataKey", "kms:Decrypt"], "Resource": arn})
    lane.bench.client("iam").put_role_policy(RoleName=role.rpartition("/")[2], PolicyName="Key", PolicyDocument=mine)
    other.iam.put_role_policy(
        RoleName=other.deploy,
        PolicyName="Key",
        PolicyDocument=_document({"Effect": "Allow", "Action": "kms:Decrypt", "Resource": arn}),
    )
    return arn


def test_an_action_deploys_into_another_account_by_a_role_there(lane: Any) -> None:
    identity = across(lane, readable=True)
    assert lane.status(identity) == "Succeeded", lane.action("Deploy", "Deploy")
    assert stack(lane, OTHER)["StackStatus"] == "CREATE_COMPLETE"


def test_artifacts_that_the_other_account_may_not_read_fail_the_action(lane: Any) -> None:
    assert lane.status(across(lane, readable=False)) == "Failed"
    error = lane.action("Deploy", "Deploy")["errorDetails"]
    assert error["code"] == "PermissionError"
    assert "located in the Amazon S3 artifact bucket" in error["message"]


def test_a_role_that_does_not_trust_the_pipeline_fails_the_action(lane: Any) -> None:
    source(lane)
    other = Account(lane)
    other.make(f"arn:aws:iam::{OTHER}:root")
    given = {"ParameterOverrides": '{"Value": "one"}'}
    deployed = deploy(lane, other.arn(other.execution), configuration=given, roleArn=other.arn(other.deploy))
    lane.create(stage("Deploy", deployed))
    error = lane.action("Deploy", "Deploy")["errorDetails"]
    assert (error["code"], "sts:AssumeRole" in error["message"]) == ("PermissionError", True)


def test_whoever_writes_a_pipeline_needs_to_pass_its_roles(lane: Any) -> None:
    execution = executing(lane)
    declaration = lane.declaration(stage("Deploy", deploy(lane, execution)))
    writes = {"Effect": "Allow", "Action": "codepipeline:CreatePipeline", "Resource": lane.arn}
    passes = {"Effect": "Allow", "Action": "iam:PassRole", "Resource": declaration["roleArn"]}
    to_stacks = {"StringEquals": {"iam:PassedToService": "cloudformation.amazonaws.com"}}
    lends = {"Effect": "Allow", "Action": "iam:PassRole", "Resource": execution, "Condition": to_stacks}
    clients = lane.bench.sandbox.sandbox.clients
    for allowed, refused in ([writes], True), ([writes, passes], True), ([writes, passes, lends], False):
        role = lane.bench.role("lambda.amazonaws.com", *allowed)
        client = clients.as_role(role, service="lambda.amazonaws.com", region=REGION).get("codepipeline", "", REGION)
        if refused:
            with pytest.raises(Exception, match="iam:PassRole"):
                client.create_pipeline(pipeline=declaration)
        else:
            client.create_pipeline(pipeline=declaration)
    lane.bench.settled()
