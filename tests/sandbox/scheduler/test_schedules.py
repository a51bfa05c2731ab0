"""Schedules fire by the sandbox's clock and call their target with their role; what fails is tried again or kept."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

SCHEDULER = "scheduler.amazonaws.com"
START = "arn:aws:scheduler:::aws-sdk:sagemaker:startPipelineExecution"
SENDS = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*"}
FAIL = {
    "Version": "2020-12-01",
    "Parameters": [{"Name": "WindowEnd", "Type": "String"}],
    "Steps": [{"Name": "Fail", "Type": "Fail", "Arguments": {"ErrorMessage": "done"}}],
}


def create(bench: Any, target: dict[str, Any], expression: str = "rate(1 hour)", **settings: Any) -> str:
    given = {"FlexibleTimeWindow": {"Mode": "OFF"}, **settings}
    arn = bench.client("scheduler").create_schedule(
        Name=bench.name, ScheduleExpression=expression, Target=target, **given
    )
    return arn["ScheduleArn"]


def fired(bench: Any, arn: str) -> list[dict[str, Any]]:
    bench.settled()
    return [each for each in bench.gateway.scheduler.document()["fired"] if each["arn"] == arn]


def to_queue(bench: Any, **more: Any) -> tuple[str, dict[str, Any]]:
    queue = bench.queue()
    return queue, {"Arn": queue, "RoleArn": bench.role(SCHEDULER, SENDS), "Input": "now", **more}


def now(bench: Any) -> datetime:
    return datetime.fromtimestamp(bench.gateway.clock.now(), UTC)


@pytest.fixture(autouse=True)
def _gone_afterwards(bench: Any) -> Any:
    yield
    client = bench.client("scheduler")
    for schedule in client.list_schedules(NamePrefix=bench.name)["Schedules"]:
        client.delete_schedule(Name=schedule["Name"], GroupName=schedule["GroupName"])


def test_every_hour_on_the_way_fires_once_at_its_time(bench: Any) -> None:
    _, target = to_queue(bench)
    arn = create(bench, target, "cron(10 * * * ? *)")
    began = now(bench)
    bench.forward(3 * 3600)
    first = began.replace(minute=10, second=0, microsecond=0) + timedelta(hours=began.minute >= 10)
    expected = [f"{first + timedelta(hours=n):%Y-%m-%dT%H:%M:%SZ}" for n in range(3)]
    assert [(each["scheduled"], each["outcome"]) for each in fired(bench, arn)] == [
        (moment, "delivered") for moment in expected
    ]
    (told,) = [each for each in bench.gateway.scheduler.document()["schedules"] if each["arn"] == arn]
    assert told["next"] == f"{first + timedelta(hours=3):%Y-%m-%dT%H:%M:%SZ}"


def test_a_pipeline_starts_with_the_scheduled_time_and_only_once_for_it(bench: Any) -> None:
    pipelines, runs = bench.role("sagemaker.amazonaws.com"), "sagemaker:StartPipelineExecution"
    sagemaker = bench.client("sagemaker")
    sagemaker.create_pipeline(
        PipelineName=bench.name,
        PipelineDefinition=json.dumps(FAIL),
        RoleArn=pipelines,
    )
    request = {
        "PipelineName": bench.name,
        "PipelineParameters": [{"Name": "WindowEnd", "Value": "<aws.scheduler.scheduled-time>"}],
        "ClientRequestToken": "scheduled-run-of-the-monitor-<aws.scheduler.execution-id>",
    }
    allowed = {"Effect": "Allow", "Action": runs, "Resource": bench.arn("sagemaker", f"pipeline/{bench.name}")}
    role = bench.role(SCHEDULER, allowed)
    arn = create(bench, {"Arn": START, "RoleArn": role, "Input": json.dumps(request)}, "cron(10 * * * ? *)")
    bench.forward(3600)
    (firing,) = fired(bench, arn)
    assert firing["outcome"] == "delivered"
    (execution,) = sagemaker.list_pipeline_executions(PipelineName=bench.name)["PipelineExecutionSummaries"]
    (parameter,) = sagemaker.list_pipeline_parameters_for_execution(
        PipelineExecutionArn=execution["PipelineExecutionArn"]
    )["PipelineParameters"]
    assert parameter == {"Name": "WindowEnd", "Value": firing["scheduled"]}


def test_a_role_that_may_not_call_leaves_the_input_in_the_dead_letter_queue(bench: Any) -> None:
    dead = bench.queue()
    role = bench.role(SCHEDULER, {**SENDS, "Resource": dead})
    target = {"Arn": bench.queue(), "RoleArn": role, "Input": "now", "DeadLetterConfig": {"Arn": dead}}
    arn = create(bench, target)
    bench.forward(10)
    message = bench.received(dead)
    attributes = {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}
    assert (message["Body"], attributes["SCHEDULE_ARN"], attributes["RETRY_ATTEMPTS"]) == ("now", arn, "0")
    assert attributes["ERROR_CODE"] == "AccessDeniedException"
    (firing,) = fired(bench, arn)
    assert "is not authorized to perform: sqs:SendMessage" in firing["outcome"]


def test_a_throttled_call_is_tried_again_as_often_as_the_policy_says(
    bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    function = bench.function("def handler(event, context): pass")
    calls = {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": function}
    dead = bench.queue()
    target = {
        "Arn": function,
        "RoleArn": bench.role(SCHEDULER, calls, SENDS),
        "RetryPolicy": {"MaximumRetryAttempts": 2, "MaximumEventAgeInSeconds": 3600},
        "DeadLetterConfig": {"Arn": dead},
    }
    clients = bench.gateway._clients
    take = clients.as_role

    def refuse(*arguments: Any, **options: Any) -> Any:
        acting = take(*arguments, **options)
        if options["service"] != SCHEDULER:
            return acting
        acting.get("lambda", "111111111111", "eu-west-1").invoke = over_the_limit
        return acting

    def over_the_limit(**_: Any) -> Any:
        details: Any = {"Error": {"Code": "TooManyRequestsException", "Message": "Rate Exceeded."}}
        details["ResponseMetadata"] = {"HTTPStatusCode": 429}
        raise ClientError(details, "Invoke")

    monkeypatch.setattr(clients, "as_role", refuse)
    arn = create(bench, target, "rate(1 day)")
    bench.forward(600)
    assert [each["attempt"] for each in fired(bench, arn)] == [1, 2, 3]
    message = bench.received(dead)
    assert message["MessageAttributes"]["RETRY_ATTEMPTS"]["StringValue"] == "2"


def test_a_schedule_fires_neither_when_switched_off_nor_outside_of_its_dates(bench: Any) -> None:
    _, target = to_queue(bench)
    began = now(bench)
    dates = {"StartDate": began + timedelta(hours=2), "EndDate": began + timedelta(hours=4, minutes=30)}
    arn = create(bench, target, "rate(1 hour)", **dates)
    bench.forward(6 * 3600)
    times = [datetime.fromisoformat(each["scheduled"]) for each in fired(bench, arn)]
    assert [round((moment - began).total_seconds() / 3600) for moment in times] == [2, 3, 4]

    bench.client("scheduler").delete_schedule(Name=bench.name)
    off = create(bench, target, "cron(10 * * * ? *)", State="DISABLED")
    bench.forward(2 * 3600)
    assert fired(bench, off) == fired(bench, arn)


def test_one_time_schedules_fire_once_and_go_if_asked_to(bench: Any) -> None:
    _, target = to_queue(bench)
    moment = f"at({now(bench) + timedelta(minutes=5):%Y-%m-%dT%H:%M:%S})"
    arn = create(bench, target, moment, ActionAfterCompletion="DELETE")
    bench.forward(3600)
    assert len(fired(bench, arn)) == 1
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        bench.client("scheduler").get_schedule(Name=bench.name)


def test_a_flexible_window_delays_the_call_and_not_the_time_that_it_is_told(bench: Any) -> None:
    queue, target = to_queue(bench, Input="<aws.scheduler.scheduled-time>")
    window = {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 30}
    arn = create(bench, target, "cron(0 * * * ? *)", FlexibleTimeWindow=window)
    bench.forward(2 * 3600)
    first = fired(bench, arn)[0]
    late = (datetime.fromisoformat(first["time"]) - datetime.fromisoformat(first["scheduled"])).total_seconds()
    assert 0 <= late <= 1801
    assert bench.received(queue)["Body"] == first["scheduled"]


def test_the_role_is_taken_for_the_schedules_group(bench: Any) -> None:
    group = bench.arn("scheduler", "schedule-group/default")
    queue = bench.queue()
    for source, problem in ((group, None), (f"{group}-other", "must allow AWS EventBridge Scheduler to assume")):
        role = bench.role(SCHEDULER, SENDS, Condition={"StringEquals": {"aws:SourceArn": source}})
        target = {"Arn": queue, "RoleArn": role, "Input": "now"}
        if problem:
            with pytest.raises(ClientError, match=problem):
                bench.client("scheduler").update_schedule(
                    Name=bench.name,
                    ScheduleExpression="rate(1 hour)",
                    Target=target,
                    FlexibleTimeWindow={"Mode": "OFF"},
                )
        else:
            arn = create(bench, target)
            bench.forward(10)
            assert fired(bench, arn)[0]["outcome"] == "delivered"


def test_what_a_schedule_could_never_do_is_refused(bench: Any) -> None:
    _, target = to_queue(bench)
    step = {**target, "Arn": bench.arn("states", "stateMachine:a")}
    ready: dict[str, Any] = {"Arn": START, "RoleArn": target["RoleArn"]}
    none: dict[str, Any] = {}
    cases: list[tuple[dict[str, Any], dict[str, Any], str]] = [
        (step, none, "does not reach arn:aws:states"),
        ({**ready, "Arn": START.replace("start", "stop")}, none, "does not reach"),
        (ready, none, "Input is required"),
        ({**ready, "Input": '{"Pipeline": "a"}'}, none, "The field 'Pipeline' is not supported"),
        ({**ready, "Input": "{}"}, none, "The field 'PipelineName' is required"),
        ({**ready, "Input": '{"PipelineName": "<aws.scheduler.now>"}'}, none, "is no context attribute"),
        (target, {"ScheduleExpressionTimezone": "Europe/Nowhere"}, "time zone Europe/Nowhere is invalid"),
        (target, {"EndDate": now(bench) - timedelta(hours=1)}, "EndDate you specify must be in the future"),
        (target, {"FlexibleTimeWindow": {"Mode": "FLEXIBLE"}}, "MaximumWindowInMinutes is required"),
        (target, {"KmsKeyArn": bench.arn("kms", "key/a")}, "does not have keys of customers"),
        (target, {"GroupName": "none"}, "Schedule group none does not exist"),
    ]
    for changed, settings, named in cases:
        with pytest.raises(ClientError, match=named):
            create(bench, changed, **settings)
    create(bench, target)
    with pytest.raises(ClientError, match="ConflictException"):
        create(bench, target)
