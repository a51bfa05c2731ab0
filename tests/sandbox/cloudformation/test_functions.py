"""Every function of the template language, evaluated in a stack that really is deployed."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError


def deployed(stacks: Any, value: Any, **sections: Any) -> str:
    """Return what a value in a template becomes, read back from the resource that was made with it."""
    resource = {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": value}}
    stack = stacks.create({"P": resource}, **sections)
    assert stack["StackStatus"] == "CREATE_COMPLETE", stacks.events(stack["StackName"])
    return stacks.parameter(stacks.physical_id(stack["StackName"], "P"))


MAPPINGS = {"Sizes": {"eu-west-1": {"small": "m5.large"}}}
CONDITIONS = {
    "Yes": {"Fn::Equals": ["1", 1]},
    "No": {"Fn::Not": [{"Condition": "Yes"}]},
    "Both": {"Fn::And": [{"Condition": "Yes"}, {"Condition": "No"}]},
    "Either": {"Fn::Or": [{"Condition": "Yes"}, {"Condition": "No"}]},
}


@pytest.mark.parametrize(
    ("value", "result"),
    [
        ({"Ref": "AWS::AccountId"}, "111111111111"),
        ({"Ref": "AWS::Region"}, "eu-west-1"),
        ({"Ref": "AWS::Partition"}, "aws"),
        ({"Fn::Join": ["-", ["a", {"Ref": "AWS::Region"}]]}, "a-eu-west-1"),
        ({"Fn::Join": ["-", ["a", {"Ref": "AWS::NoValue"}, "b"]]}, "a-b"),
        ({"Fn::Sub": "${AWS::AccountId}/${!literal}"}, "111111111111/${literal}"),
        ({"Fn::Sub": ["${A}-${AWS::Region}", {"A": {"Fn::Join": ["", ["x", "y"]]}}]}, "xy-eu-west-1"),
        ({"Fn::Select": ["1", {"Fn::Split": ["-", "a-b-c"]}]}, "b"),
        ({"Fn::FindInMap": ["Sizes", {"Ref": "AWS::Region"}, "small"]}, "m5.large"),
        ({"Fn::If": ["Yes", "then", {"Ref": "AWS::Region"}]}, "then"),
        ({"Fn::If": ["Both", "then", "else"]}, "else"),
        ({"Fn::If": ["Either", "then", "else"]}, "then"),
        ({"Fn::Base64": "text"}, "dGV4dA=="),
        ({"Fn::Select": [0, {"Fn::GetAZs": ""}]}, "eu-west-1a"),
        ({"Fn::Join": [",", {"Fn::Cidr": ["10.0.0.0/24", 2, 5]}]}, "10.0.0.0/27,10.0.0.32/27"),
    ],
)
def test_functions_give_what_aws_gives(stacks: Any, value: Any, result: str) -> None:
    assert deployed(stacks, value, Mappings=MAPPINGS, Conditions=CONDITIONS) == result


@pytest.mark.parametrize(
    ("kind", "given", "value", "result"),
    [
        ("String", "a", {"Ref": "A"}, "a"),
        ("Number", "3", {"Fn::Sub": "n=${A}"}, "n=3"),
        ("CommaDelimitedList", "a, b,c", {"Fn::Join": ["|", {"Ref": "A"}]}, "a|b|c"),
        ("List<Number>", "1,2", {"Fn::Select": [1, {"Ref": "A"}]}, "2"),
    ],
)
def test_parameters_have_types(stacks: Any, kind: str, given: str, value: Any, result: str) -> None:
    assert deployed(stacks, value, Parameters={"A": {"Type": kind}}, values={"A": given}) == result


def test_a_parameter_can_name_a_stored_one(stacks: Any) -> None:
    stacks.client("ssm").put_parameter(Name="/stored/here", Value="kept", Type="String")
    declared = {"A": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/stored/here"}}

    assert deployed(stacks, {"Ref": "A"}, Parameters=declared) == "kept"


def test_dynamic_references_are_read_when_the_resource_is_made(stacks: Any) -> None:
    stacks.client("ssm").put_parameter(Name="/dynamic/here", Value="kept", Type="String")
    secret = json.dumps({"user": "x", "word": "y"})
    stacks.client("secretsmanager").create_secret(Name="dynamic", SecretString=secret)

    assert deployed(stacks, "<{{resolve:ssm:/dynamic/here}}>") == "<kept>"
    assert deployed(stacks, "{{resolve:secretsmanager:dynamic:SecretString:word}}") == "y"


def test_a_dynamic_reference_to_nothing_fails_the_resource(stacks: Any) -> None:
    properties = {"Type": "String", "Value": "{{resolve:ssm:/nowhere}}"}

    stack = stacks.create({"P": {"Type": "AWS::SSM::Parameter", "Properties": properties}})

    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "Could not resolve {{resolve:ssm:/nowhere}}" in stacks.reason(stack["StackName"], "P", "CREATE_FAILED")


def test_a_condition_leaves_resources_properties_and_outputs_out(stacks: Any) -> None:
    left_out = {"Type": "AWS::SSM::Parameter", "Condition": "No", "Properties": {"Type": "String", "Value": "x"}}
    bucket = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": {"Fn::If": ["No", "x", {"Ref": "AWS::NoValue"}]}}}
    outputs = {"A": {"Value": "1"}, "B": {"Value": {"Ref": "P"}, "Condition": "No"}}

    stack = stacks.create({"P": left_out, "B": bucket}, Conditions=CONDITIONS, Outputs=outputs)

    assert [output["OutputKey"] for output in stack["Outputs"]] == ["A"]
    assert [
        r["LogicalResourceId"]
        for r in stacks.api.list_stack_resources(StackName=stack["StackId"])["StackResourceSummaries"]
    ] == ["B"]
    assert stacks.physical_id(stack["StackName"], "B").startswith(stack["StackName"])


YAML_TEMPLATE = """
AWSTemplateFormatVersion: 2010-09-09
Parameters:
  Stage: {Type: String, Default: dev}
Conditions:
  IsDev: !Equals [!Ref Stage, dev]
  Other: !Not [!Condition IsDev]
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Version: 2012-10-17
        Statement:
          - {Effect: Allow, Action: sts:AssumeRole, Principal: {Service: !Sub 'lambda.${AWS::URLSuffix}'}}
  P:
    Type: AWS::SSM::Parameter
    Properties:
      Type: String
      Value: !Join ['|', [!GetAtt Role.Arn, !If [Other, no, yes-please], !Select [0, !Split [',', 'a,b']]]]
"""


def test_yaml_may_use_the_short_forms_and_bare_dates(stacks: Any) -> None:
    name = stacks.name()

    stacks.api.create_stack(StackName=name, TemplateBody=YAML_TEMPLATE, Capabilities=["CAPABILITY_IAM"])

    assert stacks.settled(name)["StackStatus"] == "CREATE_COMPLETE"
    role = stacks.physical_id(name, "Role")
    value = stacks.parameter(stacks.physical_id(name, "P"))
    assert value == f"arn:aws:iam::111111111111:role/{role}|yes-please|a"
    assert stacks.api.get_template(StackName=name)["TemplateBody"] == YAML_TEMPLATE


@pytest.mark.parametrize(
    "address",
    [
        "{endpoint}/{bucket}/t.yaml",
        "https://s3.eu-west-1.amazonaws.com/{bucket}/t.yaml",
        "https://{bucket}.s3.eu-west-1.amazonaws.com/t.yaml",
    ],
)
def test_a_template_may_lie_in_s3(stacks: Any, address: str) -> None:
    bucket = f"templates-{stacks.name()}"
    s3 = stacks.client("s3")
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    s3.put_object(Bucket=bucket, Key="t.yaml", Body=YAML_TEMPLATE.encode())
    url = address.format(endpoint=stacks.sandbox.endpoint, bucket=bucket)

    told = stacks.api.get_template_summary(TemplateURL=url)

    assert told["ResourceTypes"] == ["AWS::IAM::Role", "AWS::SSM::Parameter"]
    with pytest.raises(ClientError, match="S3 error: The specified key does not exist"):
        stacks.api.get_template_summary(TemplateURL=url.replace("t.yaml", "u.yaml"))


def test_a_template_elsewhere_is_refused(stacks: Any) -> None:
    with pytest.raises(ClientError, match="TemplateURL must be a supported URL"):
        stacks.api.get_template_summary(TemplateURL="https://example.com/t.yaml")


def test_hidden_values_are_not_shown_and_can_be_kept(stacks: Any) -> None:
    resource = {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": {"Ref": "A"}}}
    other = {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": "x"}}
    declared = {"A": {"Type": "String", "NoEcho": True}}
    stack = stacks.create({"P": resource}, Parameters=declared, values={"A": "secret"})

    assert stack["Parameters"] == [{"ParameterKey": "A", "ParameterValue": "****"}]
    body = json.dumps({"Parameters": declared, "Resources": {"P": resource, "Q": other}})
    kept = [{"ParameterKey": "A", "UsePreviousValue": True}]
    stacks.api.update_stack(StackName=stack["StackName"], TemplateBody=body, Parameters=kept)
    assert stacks.settled(stack["StackName"])["StackStatus"] == "UPDATE_COMPLETE"
    assert stacks.parameter(stacks.physical_id(stack["StackName"], "P")) == "secret"


def test_a_previous_template_can_be_deployed_with_new_values(stacks: Any) -> None:
    resource = {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": {"Ref": "A"}}}
    stack = stacks.create({"P": resource}, Parameters={"A": {"Type": "String", "Default": "1"}})
    given = [{"ParameterKey": "A", "ParameterValue": "2"}]

    stacks.api.update_stack(StackName=stack["StackName"], UsePreviousTemplate=True, Parameters=given)

    assert stacks.settled(stack["StackName"])["StackStatus"] == "UPDATE_COMPLETE"
    assert stacks.parameter(stacks.physical_id(stack["StackName"], "P")) == "2"
