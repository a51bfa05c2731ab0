"""A client's call runs the function's own code, as its role, and gets Lambda's answer or Lambda's error."""

import base64
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

LOGS = {
    "Effect": "Allow",
    "Action": ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
    "Resource": "*",
}
ECHO = (
    "def handler(event, context):\n    print('got', event)\n    return {'seen': event, 'id': context.aws_request_id}\n"
)
COUNT = "n = 0\ndef handler(event, context):\n    global n\n    n += 1\n    return n\n"


def answer(bench: Any, function: str, payload: Any = None, **options: Any) -> tuple[Any, dict[str, Any]]:
    asked = {"FunctionName": function, "Payload": json.dumps(payload).encode(), **options}
    told = bench.client("lambda").invoke(**asked)
    text = told["Payload"].read()
    return json.loads(text) if text else None, told


def lines_of(bench: Any, group: str) -> list[str]:
    logs = bench.client("logs")
    streams = logs.describe_log_streams(logGroupName=group)["logStreams"]
    events = [
        logs.get_log_events(logGroupName=group, logStreamName=each["logStreamName"])["events"] for each in streams
    ]
    return [event["message"] for several in events for event in several]


def test_the_answer_is_the_handlers_and_the_log_tells_of_the_run(bench: Any) -> None:
    function = bench.function(ECHO, LOGS)
    result, told = answer(bench, function, {"a": [1, "ü"]}, LogType="Tail")
    assert result["seen"] == {"a": [1, "ü"]}
    assert (told["StatusCode"], told["ExecutedVersion"], "FunctionError" in told) == (200, "$LATEST", False)
    assert f"START RequestId: {result['id']} Version: $LATEST" in base64.b64decode(told["LogResult"]).decode()
    lines = lines_of(bench, f"/aws/lambda/{function.rpartition(':')[2]}")
    assert lines[:2] == [f"START RequestId: {result['id']} Version: $LATEST", "got {'a': [1, 'ü']}"]
    assert lines[2] == f"END RequestId: {result['id']}"


def test_the_function_is_its_role_and_may_do_what_that_may(bench: Any) -> None:
    code = """
import boto3, os
def handler(event, context):
    who = boto3.client("sts").get_caller_identity()["Arn"]
    try:
        boto3.client("sqs").list_queues()
    except Exception as error:
        return [who, os.environ["AWS_REGION"], os.environ["STAGE"], error.response["Error"]["Code"]]
"""
    function = bench.function(code, Environment={"Variables": {"STAGE": "test"}})
    name = function.rpartition(":")[2]
    (who, *rest), _ = answer(bench, function)
    assert who.endswith(f"/{name}")
    assert ":assumed-role/" in who
    assert rest == ["eu-west-1", "test", "AccessDeniedException"]


@pytest.mark.parametrize(
    ("code", "kind", "message"),
    [
        ("def handler(event, context):\n    raise ValueError('bad')", "ValueError", "bad"),
        ("import pandas", "Runtime.ImportModuleError", "Unable to import module 'index': No module named 'pandas'"),
        ("x = 1", "Runtime.HandlerNotFound", "Handler 'handler' missing on module 'index'"),
        ("def handler(event, context): return {1, 2}", "Runtime.MarshalError", "Unable to marshal response: "),
        ("import os\ndef handler(event, context): os._exit(3)", "Runtime.ExitError", "exit status 3"),
    ],
)
def test_a_failure_is_worded_as_lambda_words_it(bench: Any, code: str, kind: str, message: str) -> None:
    failure, told = answer(bench, bench.function(code))
    assert (told["StatusCode"], told["FunctionError"]) == (200, "Unhandled")
    assert failure["errorType"] == kind
    assert message in failure["errorMessage"]


def test_the_trace_shows_the_functions_own_lines_only(bench: Any) -> None:
    failure, _ = answer(bench, bench.function("def handler(event, context):\n    return event['none']"), {})
    (frame,) = failure["stackTrace"]
    assert "index.py" in frame
    assert "event['none']" in frame


def test_a_function_that_takes_too_long_is_ended(bench: Any) -> None:
    code = "import time\ndef handler(event, context):\n    time.sleep(event)\n    return 'slept'"
    function = bench.function(code, Timeout=1)
    failure, told = answer(bench, function, 30)
    assert told["FunctionError"] == "Unhandled"
    assert failure["errorMessage"].endswith("Error: Task timed out after 1.00 seconds")
    assert answer(bench, function, 0)[0] == "slept"


@pytest.mark.parametrize("timeout_s", [901, 5400])
def test_a_timeout_above_a_quarter_of_an_hour_is_refused(bench: Any, timeout_s: int) -> None:
    match = f"Value '{timeout_s}' at 'timeout' failed to satisfy constraint: Member must have value less than or .* 900"
    with pytest.raises(ClientError, match=match) as error:
        bench.function(ECHO, Timeout=timeout_s)
    assert error.value.response["Error"]["Code"] == "ValidationException"
    client, function = bench.client("lambda"), bench.function(ECHO, Timeout=900)
    with pytest.raises(ClientError, match=match):
        client.update_function_configuration(FunctionName=function, Timeout=timeout_s)
    assert client.get_function_configuration(FunctionName=function)["Timeout"] == 900


def test_a_process_serves_again_until_the_function_changes(bench: Any) -> None:
    function = bench.function(COUNT)
    assert [answer(bench, function)[0] for _ in range(3)] == [1, 2, 3]
    bench.client("lambda").update_function_configuration(FunctionName=function, Environment={"Variables": {"A": "b"}})
    assert answer(bench, function)[0] == 1


def test_a_log_group_that_the_function_names_gets_its_lines_without_the_right_to_make_groups(bench: Any) -> None:
    group = f"/{bench.name}/own"
    bench.client("logs").create_log_group(logGroupName=group)
    writes = {"Effect": "Allow", "Action": ["logs:CreateLogStream", "logs:PutLogEvents"], "Resource": "*"}
    function = bench.function(ECHO, writes, LoggingConfig={"LogGroup": group})
    answer(bench, function, 5)
    assert "got 5" in lines_of(bench, group)


def test_a_role_that_may_not_write_logs_leaves_none(bench: Any) -> None:
    function = bench.function(ECHO)
    assert answer(bench, function, 5)[0]["seen"] == 5
    groups = bench.client("logs").describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{function.rpartition(':')[2]}")
    assert groups["logGroups"] == []


def test_a_function_that_cannot_run_here_is_refused_by_name(bench: Any) -> None:
    for settings, named in (
        ({"Runtime": "nodejs22.x"}, "the runtime nodejs22.x"),
        ({"VpcConfig": {"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}}, "functions in a VPC"),
        ({"DeadLetterConfig": {"TargetArn": bench.arn("sqs", "x")}}, "a dead-letter queue"),
    ):
        with pytest.raises(ClientError, match=named) as refused:
            bench.function(ECHO, **settings)
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501
    with pytest.raises(ClientError, match="Reserved keys used in this request: AWS_REGION"):
        bench.function(ECHO, Environment={"Variables": {"AWS_REGION": "x"}})


def test_absent_functions_and_broken_events_are_refused(bench: Any) -> None:
    with pytest.raises(ClientError, match=r"ResourceNotFoundException.*Function not found: arn:aws:lambda"):
        answer(bench, f"{bench.name}-none")
    with pytest.raises(ClientError, match="InvalidRequestContentException"):
        bench.client("lambda").invoke(FunctionName=bench.function(ECHO), Payload=b"{")


def test_a_function_that_may_run_never_at_once_is_throttled(bench: Any) -> None:
    function = bench.function(ECHO)
    bench.client("lambda").put_function_concurrency(FunctionName=function, ReservedConcurrentExecutions=0)
    with pytest.raises(ClientError, match="TooManyRequestsException"):
        answer(bench, function)
