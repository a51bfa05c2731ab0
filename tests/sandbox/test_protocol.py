import json
from datetime import UTC, datetime
from typing import Any

import pytest
from moto.core.request import Request
from moto.core.utils import get_service_model
from werkzeug.test import create_environ
from werkzeug.wrappers import Response

from sagewright.sandbox.constraints import violations
from sagewright.sandbox.protocol import ApiError, Caller, respond

CALLER = Caller("111111111111", "eu-west-1", "AKIASBOX111111111111")
ARN = "arn:aws:sagemaker:eu-west-1:111111111111:model/m"
FORM = "application/x-www-form-urlencoded; charset=utf-8"


class Echo:
    """A service that remembers what it was asked and answers what it is told."""

    def __init__(self, service_name: str, answer: dict[str, Any] | ApiError) -> None:
        self.service_name = service_name
        self.answer = answer
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def call(self, operation: str, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        assert caller == CALLER
        self.asked.append((operation, params))
        if isinstance(self.answer, ApiError):
            raise self.answer
        return self.answer


def as_json(service: Echo, operation: str, body: Any) -> Response:
    data = body if isinstance(body, str) else json.dumps(body)
    headers = {"X-Amz-Target": f"SageMaker.{operation}", "Content-Type": "application/x-amz-json-1.1"}
    return respond(service, Request(create_environ(method="POST", data=data, headers=headers)), CALLER)


def as_query(service: Echo, **form: str) -> Response:
    return respond(service, Request(create_environ(method="POST", data=form, content_type=FORM)), CALLER)


def told(response: Response) -> tuple[int, str, str]:
    body = json.loads(response.get_data(as_text=True))
    assert response.headers["x-amzn-ErrorType"] == body["__type"]
    return response.status_code, body["__type"], body["message"]


def test_a_json_request_becomes_an_operation_with_parameters() -> None:
    made = datetime(2026, 11, 21, 12, 30, tzinfo=UTC)
    service = Echo("sagemaker", {"ModelName": "m", "CreationTime": made, "ModelArn": "arn", "ExecutionRoleArn": None})

    response = as_json(service, "DescribeModel", {"ModelName": "m", "Unknown": 1})

    assert service.asked == [("DescribeModel", {"ModelName": "m"})]
    answer = json.loads(response.get_data(as_text=True))
    assert answer == {"ModelName": "m", "CreationTime": made.timestamp(), "ModelArn": "arn"}
    assert response.headers["x-amzn-RequestId"]


def test_a_query_request_becomes_an_operation_with_parameters() -> None:
    service = Echo("cloudformation", {"StackId": "arn:aws:cloudformation:…"})
    tags = {"Tags.member.1.Key": "team", "Tags.member.1.Value": "ml"}

    response = as_query(
        service, Action="CreateStack", Version="2010-05-15", StackName="s", DisableRollback="true", **tags
    )

    expected = {"StackName": "s", "DisableRollback": True, "Tags": [{"Key": "team", "Value": "ml"}]}
    assert service.asked == [("CreateStack", expected)]
    assert "<StackId>arn:aws:cloudformation:…</StackId>" in response.get_data(as_text=True)


def test_an_unknown_operation_is_refused() -> None:
    assert told(as_json(Echo("sagemaker", {}), "MakeCoffee", {}))[:2] == (400, "UnknownOperationException")
    response = as_query(Echo("cloudformation", {}), Action="MakeCoffee", Version="2010-05-15")
    assert response.status_code == 400
    assert "<Code>InvalidAction</Code>" in response.get_data(as_text=True)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ('{"ModelName": 3}', "NUMBER_VALUE can not be converted to a String"),
        ('{"ModelName": true}', "TRUE_VALUE can not be converted to a String"),
        ('{"ModelName": ["m"]}', "Start of list found where not expected"),
        ('{"ModelName": "m", "Tags": [{"Key": {}}]}', "Start of structure or map found where not expected."),
        ('{"ModelName": "m", "EnableNetworkIsolation": "yes"}', "STRING_VALUE can not be converted to a Boolean"),
        ("[]", "Start of list found where not expected"),
    ],
)
def test_a_value_of_the_wrong_type_is_refused(body: str, message: str) -> None:
    service = Echo("sagemaker", {})

    assert told(as_json(service, "CreateModel", body)) == (400, "SerializationException", message)
    assert service.asked == []


def test_a_body_that_is_no_json_is_refused() -> None:
    status, code, _ = told(as_json(Echo("sagemaker", {}), "CreateModel", '{"ModelName": '))

    assert (status, code) == (400, "SerializationException")


def test_all_violations_are_told_at_once_in_aws_words() -> None:
    body = {"ModelName": "under_score", "PrimaryContainer": {"Mode": "Both"}, "Tags": [{"Key": "", "Value": "v"}]}

    status, code, message = told(as_json(Echo("sagemaker", {}), "CreateModel", body))

    assert (status, code) == (400, "ValidationException")
    assert message.startswith("3 validation errors detected: Value ")
    for where, constraint in (
        ("Value 'under_score' at 'modelName'", "Member must satisfy regular expression pattern: [a-zA-Z0-9]"),
        ("Value 'Both' at 'primaryContainer.mode'", "Member must satisfy enum value set: [SingleModel, MultiModel]"),
        ("Value '' at 'tags.1.member.key'", "Member must have length greater than or equal to 1"),
    ):
        assert f"{where} failed to satisfy constraint: {constraint}" in message


TAG_KEY = (
    "[Member must have length less than or equal to 128, Member must have length greater than or equal to 1, "
    "Member must satisfy regular expression pattern: ([\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*)]"
)


@pytest.mark.parametrize(
    ("operation", "params", "where", "constraint"),
    [
        ("DescribeModel", {}, "null at 'modelName'", "Member must not be null"),
        (
            *("CreateModel", {"ModelName": "m" * 64}, f"'{'m' * 64}' at 'modelName'"),
            "Member must have length less than or equal to 63",
        ),
        (
            *("ListModels", {"MaxResults": 0}, "'0' at 'maxResults'"),
            "Member must have value greater than or equal to 1",
        ),
        (
            *("ListModels", {"MaxResults": 101}, "'101' at 'maxResults'"),
            "Member must have value less than or equal to 100",
        ),
        (
            *(
                "CreateModel",
                {"ModelName": "m", "Containers": ["x"] * 16},
                f"'[{', '.join('x' * 16)}]' at 'containers'",
            ),
            "Member must have length less than or equal to 15",
        ),
        (
            *("DeleteTags", {"ResourceArn": ARN, "TagKeys": ["a", ""]}, "'[a, ]' at 'tagKeys'"),
            f"Member must satisfy constraint: {TAG_KEY}",
        ),
    ],
)
def test_every_kind_of_constraint_is_checked(
    operation: str, params: dict[str, Any], where: str, constraint: str
) -> None:
    shape = get_service_model("sagemaker").operation_model(operation).input_shape

    assert shape is not None
    assert list(violations(shape, params)) == [f"Value {where} failed to satisfy constraint: {constraint}"]


def test_letters_of_any_script_satisfy_a_unicode_pattern() -> None:
    shape = get_service_model("sagemaker").operation_model("AddTags").input_shape

    assert shape is not None
    assert not list(violations(shape, {"ResourceArn": ARN, "Tags": [{"Key": "größe", "Value": "大"}]}))
    assert list(violations(shape, {"ResourceArn": ARN, "Tags": [{"Key": "a!", "Value": "b"}]}))


def test_the_error_of_a_service_keeps_code_message_and_status() -> None:
    refused = ApiError("ResourceNotFound", "RecordNotFound <x>", 404)

    assert told(as_json(Echo("sagemaker", refused), "DescribeModel", {"ModelName": "m"})) == (
        404,
        "ResourceNotFound",
        "RecordNotFound <x>",
    )
    response = as_query(Echo("cloudformation", refused), Action="ListStacks", Version="2010-05-15")
    assert response.status_code == 404
    assert "<Message>RecordNotFound &lt;x&gt;</Message>" in response.get_data(as_text=True)
