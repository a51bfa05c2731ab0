"""Every permission that the door asks for is one of AWS's, on a kind of resource that it has."""

import functools
import json
import re
from importlib.resources import files
from typing import Any

import botocore.session
import pytest
from werkzeug.datastructures import Headers

from sagewright.sandbox.iam.actions import _TABLES, demands, ec2, kms, s3
from sagewright.sandbox.iam.asked import Asked
from sagewright.sandbox.protocol import Caller

CALLER = Caller("111111111111", "eu-west-1", "AKIASBOX111111111111")
KNOWN = json.loads(files("cfnlint").joinpath("data/AdditionalSpecs/Policies.json").read_text())
DEEP = 2
ROLE = "arn:aws:iam::111111111111:role/one"


@functools.cache  # a session reads the whole model anew
def model(service: str) -> Any:
    return botocore.session.get_session().get_service_model(service)


# What is asked for without the service's own API: of another service, or by Git.
APART = {("sagemaker", "InvokeEndpoint"), ("codecommit", "GitPull"), ("codecommit", "GitPush")}
# Old names of operations, which botocore no longer has.
OLD = {("s3", "GetBucketLifecycle"), ("s3", "PutBucketLifecycle")}
SERVICES = sorted({*_TABLES, "s3", "kms", "ec2"})


def operations(service: str) -> set[str]:
    if service in _TABLES:
        return {*_TABLES[service].resources, *_TABLES[service].actions}
    tables = {"s3": (s3._BUCKET, s3._OBJECT), "kms": (kms._ABOUT_EVERY_KEY, kms._ALIASES), "ec2": (ec2._MADE,)}
    return {name for table in tables[service] for name in table}


def example(shape: Any, name: str = "", depth: int = 0) -> Any:
    """Return a value of a shape, in which a text is its own name; what takes ARNs gets none."""
    if shape.type_name == "structure":
        members = shape.members.items() if depth < DEEP else ()
        return {key: example(inner, key, depth + 1) for key, inner in members if not _is_about_arns(key)}
    if shape.type_name == "list":
        return [example(shape.member, name, depth)]
    if shape.type_name != "string":
        return None
    return "alias/one" if name == "AliasName" else f"the-{name}"


def _is_about_arns(member: str) -> bool:
    return member.lower().endswith(("arn", "arns")) or member in {"Path", "Resource"}


@pytest.mark.parametrize("service", SERVICES)
def test_every_operation_in_the_tables_is_one_of_the_service_s(service: str) -> None:
    known = {*model(service).operation_names, *(name for of, name in (*APART, *OLD) if of == service)}

    assert operations(service) <= known


@pytest.mark.parametrize("service", SERVICES)
def test_every_action_is_known_to_iam_and_so_is_the_kind_of_its_resource(service: str) -> None:
    problems: list[tuple[str, str, str]] = []
    for operation in sorted(operations(service) & set(model(service).operation_names)):
        shape = model(service).operation_model(operation).input_shape
        params = example(shape) if shape else {}
        asked = Asked(service, operation, params, CALLER, Headers({"x-amz-acl": "private"}))
        problems += [
            (operation, demand.action, demand.resource)
            for demand in demands(asked)
            if not _is_known(demand.action, demand.resource)
        ]

    assert problems == []


def _is_known(action: str, resource: str) -> bool:
    prefix, _, name = action.partition(":")
    known = KNOWN[prefix]["Actions"].get(name.lower())
    if known is None or resource == "*":
        return known is not None
    resources = {kind.lower(): details for kind, details in KNOWN[prefix]["Resources"].items()}
    formats = [each for kind in known.get("Resources") or [] for each in resources[kind.lower()]["ARNFormats"]]
    return any(re.fullmatch(re.sub(r"\$\{\w+\}", "[^:]*", each), resource) for each in formats)


@pytest.mark.parametrize(
    ("service", "operation", "params", "principal"),
    [
        ("sagemaker", "CreateTrainingJob", {"RoleArn": ROLE}, "sagemaker.amazonaws.com"),
        ("sagemaker", "CreateModel", {"ExecutionRoleArn": ROLE}, "sagemaker.amazonaws.com"),
        ("cloudformation", "CreateChangeSet", {"RoleARN": ROLE}, "cloudformation.amazonaws.com"),
        ("lambda", "CreateFunction", {"Role": ROLE}, "lambda.amazonaws.com"),
        ("scheduler", "CreateSchedule", {"Target": {"RoleArn": ROLE}}, "scheduler.amazonaws.com"),
        ("events", "PutTargets", {"Targets": [{"RoleArn": ROLE}]}, "events.amazonaws.com"),
        ("ec2", "CreateFlowLogs", {"DeliverLogsPermissionArn": ROLE}, "vpc-flow-logs.amazonaws.com"),
        ("iam", "AddRoleToInstanceProfile", {"RoleName": "one"}, "ec2.amazonaws.com"),
        ("logs", "PutSubscriptionFilter", {"roleArn": ROLE}, "logs.amazonaws.com"),
    ],
)
def test_whoever_hands_over_a_role_must_pass_it(service: str, operation: str, params: Any, principal: str) -> None:
    found = [
        (demand.resource, demand.context)
        for demand in demands(Asked(service, operation, params, CALLER))
        if demand.action == "iam:PassRole"
    ]

    assert found == [(ROLE, {"iam:PassedToService": principal})]


def test_looking_a_role_up_passes_it_to_nobody() -> None:
    for service, operation, params in (
        ("sts", "AssumeRole", {"RoleArn": ROLE}),
        ("iam", "GetRole", {"RoleName": "one"}),
        ("sagemaker", "ListPipelines", {"RoleArn": ROLE}),
    ):
        assert "iam:PassRole" not in [each.action for each in demands(Asked(service, operation, params, CALLER))]


@pytest.mark.parametrize(
    ("service", "operation", "params", "expected"),
    [
        ("ssm", "GetParameter", {"Name": "/a/b"}, "arn:aws:ssm:eu-west-1:111111111111:parameter/a/b"),
        ("ssm", "GetParameters", {"Names": ["a"]}, "arn:aws:ssm:eu-west-1:111111111111:parameter/a"),
        (
            "sagemaker",
            "CreateModelPackage",
            {"ModelPackageGroupName": "arn:aws:sagemaker:eu-west-1:222222222222:model-package-group/g"},
            "arn:aws:sagemaker:eu-west-1:222222222222:model-package/g/*",
        ),
        (
            "logs",
            "PutLogEvents",
            {"logGroupName": "/g", "logStreamName": "s"},
            "arn:aws:logs:eu-west-1:111111111111:log-group:/g:log-stream:s",
        ),
        ("sqs", "SendMessage", {"QueueUrl": "http://localhost/222222222222/q"}, "arn:aws:sqs:eu-west-1:222222222222:q"),
        (
            "cloudformation",
            "DescribeStacks",
            {"StackName": "one"},
            "arn:aws:cloudformation:eu-west-1:111111111111:stack/one/*",
        ),
        ("codepipeline", "ListPipelines", {}, "*"),
    ],
)
def test_a_resource_is_named_as_policies_name_it(service: str, operation: str, params: Any, expected: str) -> None:
    assert [each.resource for each in demands(Asked(service, operation, params, CALLER))] == [expected]


def test_an_operation_that_no_table_has_says_so() -> None:
    (demand,) = demands(Asked("logs", "StartQuery", {}, CALLER))

    assert (demand.action, demand.resource) == ("logs:StartQuery", "*")
    assert "the sandbox knows no narrower resource" in demand.note
