"""What CloudFormation refuses before it makes anything, each refusal caused and read."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

P: dict[str, Any] = {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": "x"}}


def p(value: Any, **attributes: Any) -> dict[str, Any]:
    return {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": value}, **attributes}


def refusal(stacks: Any, template: Any, **request: Any) -> tuple[str, str]:
    """Return code and message, the same from CreateStack and CreateChangeSet, and check that no stack came to be."""
    name = stacks.name()
    body = template if isinstance(template, str) else json.dumps(template)
    found = []
    for ask in (stacks.api.create_stack, stacks.api.create_change_set):
        planned = ask == stacks.api.create_change_set
        extra: dict[str, str] = {"ChangeSetName": "c", "ChangeSetType": "CREATE"} if planned else {}
        with pytest.raises(ClientError) as refused:
            ask(StackName=name, TemplateBody=body, **extra, **request)
        found.append((refused.value.response["Error"]["Code"], refused.value.response["Error"]["Message"]))
    with pytest.raises(ClientError, match="does not exist"):
        stacks.api.describe_stacks(StackName=name)
    assert found[0] == found[1]
    return found[0]


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{", "Template format error: JSON not well-formed. (line 1, column 2)"),
        ("Resources: [", "Template format error: YAML not well-formed. (line 1, column 13)"),
        ("just text", "Template format error: unsupported structure."),
        ({}, "Template format error: At least one Resources member must be defined."),
        ({"Resources": {}}, "Template format error: At least one Resources member must be defined."),
        ({"Resources": {"P": P}, "Foo": 1}, "Invalid template property or properties [Foo]"),
        (
            {"AWSTemplateFormatVersion": "2011-01-01", "Resources": {"P": P}},
            "Template format error: unsupported value for AWSTemplateFormatVersion.",
        ),
        (
            {"Resources": {"P": {"Properties": {}}}},
            "Template format error: [/Resources/P] Every Resources object must contain a Type member.",
        ),
        ({"Resources": {"a-b": P}}, "Template format error: Resource name a-b is non alphanumeric."),
        ({"Resources": {"P": {**P, "Foo": 1}}}, "Invalid template resource property 'Foo'"),
        (
            {"Resources": {"P": {"Type": "AWS::Nothing::AtAll"}, "Q": {"Type": "AWS::S3::Buket"}}},
            "Template format error: Unrecognized resource types: [AWS::Nothing::AtAll, AWS::S3::Buket]",
        ),
        (
            {"Resources": {"P": {"Type": "AWS::RDS::DBInstance"}}},
            "The sandbox does not have resource types [AWS::RDS::DBInstance]: they work in AWS only.",
        ),
        (
            {"Resources": {"P": p({"Ref": "Nobody"})}},
            "Template format error: Unresolved resource dependencies [Nobody] in the Resources block of the template",
        ),
        (
            {"Resources": {"P": p({"Fn::Sub": "a ${Nobody} b"})}},
            "Template format error: Unresolved resource dependencies [Nobody] in the Resources block of the template",
        ),
        (
            {"Resources": {"P": p("x", DependsOn=["Nobody"])}},
            "Template format error: Unresolved resource dependencies [Nobody] in the Resources block of the template",
        ),
        (
            {"Resources": {"P": p({"Fn::GetAtt": ["Nobody", "Arn"]})}},
            "Template error: instance of Fn::GetAtt references undefined resource Nobody",
        ),
        (
            {"Resources": {"P": P, "Q": p({"Fn::GetAtt": ["P", "Foo"]})}},
            "Template error: resource P does not support attribute type Foo in Fn::GetAtt",
        ),
        (
            {"Resources": {"P": P, "Q": p({"Fn::Sub": ["${!P.Foo} ${P.Value} ${A.B} ${P.Foo.Bar}", {"A.B": "x"}]})}},
            "Template error: resource P does not support attribute type Foo.Bar in Fn::GetAtt",
        ),
        (
            {"Resources": {"P": P}, "Outputs": {"O": {"Value": {"Fn::Sub": "${P.Foo}"}}}},
            "Template error: resource P does not support attribute type Foo in Fn::GetAtt",
        ),
        (
            {"Resources": {"P": P}, "Outputs": {"O": {"Value": {"Fn::Split": [",", "a,b"]}}}},
            "Template format error: The Value field of every Outputs member must evaluate to a String. (O)",
        ),
        (
            {"Resources": {"P": P}, "Outputs": {"O": {"Value": {"a": {"Ref": "P"}}}}},
            "Template format error: The Value field of every Outputs member must evaluate to a String. (O)",
        ),
        (
            {"Resources": {"P": p({"Ref": "Q"}), "Q": p({"Fn::GetAtt": "P.Value"}), "R": p({"Ref": "P"})}},
            "Circular dependency between resources: [P, Q]",
        ),
        ({"Resources": {"P": p("x", DependsOn="P")}}, "Circular dependency between resources: [P]"),
        ({"Resources": {"P": p({"Fn::Nonsense": 1})}}, "Template error: the function Fn::Nonsense is not supported"),
        (
            {"Resources": {"P": p("x", Condition="Nothing")}},
            "Template format error: Resource P is malformed. Condition Nothing is not defined.",
        ),
        (
            {"Resources": {"P": p("x", DeletionPolicy="Snapshot")}},
            "Template error: resource type AWS::SSM::Parameter does not support deletion policy Snapshot",
        ),
        (
            {"Resources": {"P": P}, "Outputs": {"O": {}}},
            "Template format error: Every Outputs member must contain a Value object. (O)",
        ),
        (
            {"Resources": {"P": P}, "Outputs": {"O": {"Value": "1", "Export": {"Name": {"Ref": "P"}}}}},
            (
                "Template format error: Output O is malformed.  "
                "The Name field of Export must not depend on any resources, imported values, or Fn::GetAZs."
            ),
        ),
        (
            {"Resources": {"P": P}, "Parameters": {"A": {"Type": "Text"}}},
            "Template format error: Unrecognized parameter type: Text",
        ),
        (
            {"Resources": {"P": P}, "Transform": "AWS::Serverless-2016-10-31"},
            "The sandbox does not run macros: Transform AWS::Serverless-2016-10-31 works in AWS only.",
        ),
        (
            {"Resources": {"P": p({"Fn::FindInMap": ["Sizes", "mars-1", "small"]})}, "Mappings": {"Sizes": {}}},
            "Template error: Unable to get mapping for Sizes::mars-1::small",
        ),
        (
            {"Resources": {"P": p({"Fn::Select": [3, ["a"]]})}},
            "Template error: Fn::Select cannot select nonexistent value at index 3",
        ),
        (
            {"Conditions": {"A": {"Condition": "B"}, "B": {"Condition": "A"}}, "Resources": {"P": P}},
            "Template format error: Found circular condition dependency between A and B",
        ),
        (
            {"Conditions": {"Unused": {"Fn::Or": [{"Fn::Equals": ["1", "2"]}]}}, "Resources": {"P": P}},
            "Template error: Fn::Or requires a list argument with 2 to 10 elements",
        ),
        (
            {"Description": "d" * 1025, "Resources": {"P": P}},
            "Template format error: 'Description' length is greater than 1024.",
        ),
        (
            {"Description": ["d"], "Resources": {"P": P}},
            "Template format error: every Description member must be a string.",
        ),
        (
            {"Resources": {"P": P}, "Outputs": {"a-b": {"Value": "1"}}},
            "Template format error: Outputs name 'a-b' is non alphanumeric.",
        ),
        (
            {"Resources": {"P": P}, "Parameters": {"a_b": {"Type": "String"}}},
            "Template format error: Parameter name a_b is non alphanumeric.",
        ),
        (
            {"Resources": {"P": p("x", DeletionPolicy={"Ref": "AWS::Region"})}},
            "Template format error: Every DeletionPolicy member must be a string.",
        ),
        (
            "Resources:\n  P:\n    Type: AWS::SNS::Topic\n    Properties:\n",
            "Template format error: [/Resources/P/Properties] 'null' values are not allowed in templates",
        ),
        (
            {"Resources": {"P": {"Type": "AWS::SNS::Topic", "Properties": {"Tags": [{"Key": "k", "Value": None}]}}}},
            "Template format error: [/Resources/P/Properties/Tags/0/Value] 'null' values are not allowed in templates",
        ),
        (
            {"Resources": {"P": P, "Q": p({"Fn::ImportValue": {"Fn::Sub": "${P}-name"}})}},
            (
                "Template error: the attribute in Fn::ImportValue must not depend on any resources, "
                "imported values, or Fn::GetAZs"
            ),
        ),
        (
            {"Resources": {f"P{number}": P for number in range(501)}},
            "Template format error: Number of resources, 501, is greater than maximum allowed, 500",
        ),
    ],
)
def test_a_malformed_template_is_refused(stacks: Any, template: Any, message: str) -> None:
    assert refusal(stacks, template) == ("ValidationError", message)


def test_an_attribute_that_a_type_does_not_have_fails_the_validation_too(stacks: Any) -> None:
    template = {"Resources": {"P": P}, "Outputs": {"O": {"Value": {"Fn::GetAtt": ["P", "Foo"]}}}}

    with pytest.raises(ClientError, match="resource P does not support attribute type Foo in Fn::GetAtt"):
        stacks.api.validate_template(TemplateBody=json.dumps(template))


def test_a_reference_to_what_a_condition_leaves_out_is_refused(stacks: Any) -> None:
    template = {
        "Conditions": {"Never": {"Fn::Equals": ["1", "2"]}},
        "Resources": {"P": p("x", Condition="Never"), "Q": p({"Ref": "P"})},
    }

    code, message = refusal(stacks, template)

    assert (code, message) == (
        "ValidationError",
        "Template format error: Unresolved resource dependencies [P] in the Resources block of the template",
    )


@pytest.mark.parametrize(
    ("declaration", "value", "message"),
    [
        ({"Type": "String"}, None, "Parameters: [A] must have values"),
        ({"Type": "Number"}, "ten", "Parameter 'A' must be a number."),
        ({"Type": "String", "AllowedValues": ["a", "b"]}, "c", "Parameter 'A' must be one of AllowedValues"),
        ({"Type": "String", "AllowedPattern": "[a-z]+"}, "A1", "Parameter 'A' must match pattern [a-z]+"),
        (
            {"Type": "String", "AllowedPattern": "[a-z]+", "ConstraintDescription": "letters only"},
            "A1",
            "Parameter A failed to satisfy constraint: letters only",
        ),
        ({"Type": "String", "MinLength": 3}, "ab", "Parameter 'A' must contain at least 3 characters"),
        ({"Type": "String", "MaxLength": "1"}, "ab", "Parameter 'A' must contain at most 1 characters"),
        ({"Type": "Number", "MaxValue": 5}, "6", "Parameter 'A' must be a number not greater than 5"),
        (
            {"Type": "AWS::SSM::Parameter::Value<String>"},
            "/not/there",
            "Unable to fetch parameters [/not/there] from parameter store for this account.",
        ),
    ],
)
def test_a_parameter_value_that_is_not_allowed_is_refused(
    stacks: Any, declaration: dict[str, Any], value: str | None, message: str
) -> None:
    given = [{"ParameterKey": "A", "ParameterValue": value}] if value is not None else []
    template = {"Parameters": {"A": declaration}, "Resources": {"P": P}}

    assert refusal(stacks, template, Parameters=given) == ("ValidationError", message)


def test_a_parameter_that_the_template_does_not_have_is_refused(stacks: Any) -> None:
    given = [{"ParameterKey": "B", "ParameterValue": "1"}]

    found = refusal(stacks, {"Resources": {"P": P}}, Parameters=given)

    assert found == ("ValidationError", "Parameters: [B] do not exist in the template")


@pytest.mark.parametrize(
    ("properties", "capabilities", "needed"),
    [
        ({}, [], "CAPABILITY_IAM"),
        ({"RoleName": "some-name"}, ["CAPABILITY_IAM"], "CAPABILITY_NAMED_IAM"),
    ],
)
def test_iam_resources_need_a_capability(
    stacks: Any, properties: dict[str, Any], capabilities: list[str], needed: str
) -> None:
    role = {
        "Type": "AWS::IAM::Role",
        "Properties": {"AssumeRolePolicyDocument": {"Version": "2012-10-17"}, **properties},
    }

    found = refusal(stacks, {"Resources": {"R": role}}, Capabilities=capabilities)

    assert found == ("InsufficientCapabilitiesException", f"Requires capabilities : [{needed}]")


def test_a_rule_that_does_not_hold_is_refused(stacks: Any) -> None:
    contains = {"Fn::Contains": [["a", "b"], {"Ref": "A"}]}
    rules = {"Known": {"Assertions": [{"Assert": contains, "AssertDescription": "A is a or b"}]}}
    template = {"Parameters": {"A": {"Type": "String", "Default": "c"}}, "Rules": rules, "Resources": {"P": P}}

    assert refusal(stacks, template) == ("ValidationError", "Template error: Rule Known failed: A is a or b")


def test_a_role_that_does_not_exist_is_refused(stacks: Any) -> None:
    role = "arn:aws:iam::111111111111:role/nobody"

    code, message = refusal(stacks, {"Resources": {"P": P}}, RoleARN=role)

    assert (code, message) == ("ValidationError", f"Role {role} is invalid or cannot be assumed")


def test_a_stack_name_that_breaks_the_pattern_is_refused(stacks: Any) -> None:
    with pytest.raises(ClientError) as refused:
        stacks.api.create_stack(StackName="9_x", TemplateBody=json.dumps({"Resources": {"P": P}}))

    assert refused.value.response["Error"]["Message"] == (
        "1 validation error detected: Value '9_x' at 'stackName' failed to satisfy constraint: "
        "Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*"
    )


def test_a_tag_with_a_prefix_of_aws_itself_is_refused(stacks: Any) -> None:
    code, message = refusal(stacks, {"Resources": {"P": P}}, Tags=[{"Key": "aws:team", "Value": "ml"}])

    assert (code, message) == (
        "ValidationError",
        "aws: prefixed tag key names are not allowed for external use.",
    )


def test_a_body_over_the_limit_is_refused(stacks: Any) -> None:
    body = json.dumps({"Resources": {"P": p("x" * 52_000)}})

    code, message = refusal(stacks, body)

    assert code == "ValidationError"
    assert message.endswith("Member must have length less than or equal to 51200")


def test_a_name_that_is_taken_is_refused(stacks: Any) -> None:
    stack = stacks.create({"P": P})

    with pytest.raises(ClientError) as refused:
        stacks.create({"P": P}, stack["StackName"])

    assert refused.value.response["Error"]["Code"] == "AlreadyExistsException"
    assert refused.value.response["Error"]["Message"] == f"Stack [{stack['StackName']}] already exists"


def test_an_update_without_changes_is_refused(stacks: Any) -> None:
    stack = stacks.create({"P": P})

    with pytest.raises(ClientError, match="No updates are to be performed"):
        stacks.update(stack["StackName"], {"P": P})


def test_an_update_cannot_turn_a_resource_into_another_type(stacks: Any) -> None:
    stack = stacks.create({"P": P})
    body = json.dumps({"Resources": {"P": {"Type": "AWS::SNS::Topic"}}})

    with pytest.raises(ClientError, match=r"Update of resource type is not permitted\..*following resources: \[P\]"):
        stacks.api.create_change_set(StackName=stack["StackName"], ChangeSetName="c", TemplateBody=body)


def test_a_template_can_be_validated_without_values(stacks: Any) -> None:
    declared = {"A": {"Type": "String", "Default": "x", "Description": "text"}, "B": {"Type": "Number"}}
    template = {"Description": "told", "Parameters": declared, "Resources": {"R": {"Type": "AWS::IAM::Group"}}}

    told = stacks.api.validate_template(TemplateBody=json.dumps(template))

    assert told["Description"] == "told"
    assert told["Capabilities"] == ["CAPABILITY_IAM"]
    assert [parameter["ParameterKey"] for parameter in told["Parameters"]] == ["A", "B"]
    with pytest.raises(ClientError, match="Unresolved resource dependencies"):
        stacks.api.validate_template(TemplateBody=json.dumps({"Resources": {"P": p({"Ref": "X"})}}))


def test_an_operation_that_the_sandbox_lacks_is_named(stacks: Any) -> None:
    with pytest.raises(ClientError, match="The sandbox does not have cloudformation:CreateStackSet"):
        stacks.api.create_stack_set(StackSetName="x")
