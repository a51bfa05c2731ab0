"""What is tried again, how often, and how an execution is stopped and retried."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from sagewright.sandbox.clients import access_key
from sagewright.sandbox.protocol import Caller

CALLER = Caller("111111111111", "eu-west-1", access_key("111111111111"))
TIMEOUT_S = 20

Outcome = str | Exception | threading.Event


def _refusal(code: str, status: int = 400) -> ClientError:
    error: Any = {"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(error, "CreateProcessingJob")


@pytest.mark.parametrize(
    ("exception", "outcome"),
    [
        ("SageMaker.JOB_INTERNAL_ERROR", "InternalServerError: We encountered an internal error. Please try again."),
        ("SageMaker.CAPACITY_ERROR", "CapacityError: Unable to provision requested ML compute capacity."),
        ("SageMaker.RESOURCE_LIMIT", _refusal("ResourceLimitExceeded")),
        ("Step.THROTTLING", _refusal("ThrottlingException")),
        ("Step.SERVICE_FAULT", _refusal("InternalFailure", 500)),
        ("Step.SERVICE_FAULT", EndpointConnectionError(endpoint_url="http://localhost")),
    ],
)
def test_a_fault_is_tried_again_by_the_policy_for_it(bench: Any, exception: str, outcome: Outcome) -> None:
    policy = {"ExceptionType": [exception], "IntervalSeconds": 5, "BackoffRate": 3, "MaxAttempts": 2}
    bench.jobs.outcomes["A"] = [outcome, outcome]
    bench.create(bench.pipeline(bench.job("A", RetryPolicies=[policy])))
    execution = bench.run()
    assert execution["PipelineExecutionStatus"] == "Succeeded"
    assert bench.steps(execution)["A"]["AttemptCount"] == 3
    assert bench.pauses == [5, 15]
    names = [request["ProcessingJobName"] for _, request in bench.jobs.requests]
    assert len(set(names)) == 3


def test_retries_end_with_the_policys_attempts(bench: Any) -> None:
    fault = "InternalServerError: again"
    bench.jobs.outcomes["A"] = [fault, fault, fault]
    policy = {"ExceptionType": ["SageMaker.JOB_INTERNAL_ERROR"], "MaxAttempts": 1}
    bench.create(bench.pipeline(bench.job("A", RetryPolicies=[policy])))
    step = bench.steps(bench.run())["A"]
    assert step["AttemptCount"] == 2
    assert step["FailureReason"] == "ClientError: InternalServerError: again"


def test_retries_end_when_the_policy_expires(bench: Any) -> None:
    bench.jobs.outcomes["A"] = ["InternalServerError: again"] * 9
    policy = {"ExceptionType": ["SageMaker.JOB_INTERNAL_ERROR"], "ExpireAfterMin": 10}

    def pause(*_: object) -> None:
        bench.time += timedelta(minutes=4)

    bench.executions._pause = pause
    bench.create(bench.pipeline(bench.job("A", RetryPolicies=[policy])))
    assert bench.steps(bench.run())["A"]["AttemptCount"] == 4


def test_a_service_fault_is_tried_again_unasked(bench: Any) -> None:
    bench.jobs.outcomes["A"] = [_refusal("InternalFailure", 500)]
    bench.create(bench.pipeline(bench.job("A")))
    assert bench.steps(bench.run())["A"]["AttemptCount"] == 2
    assert bench.pauses == [1]


def test_a_fault_without_a_policy_fails_the_step_and_says_so(bench: Any) -> None:
    bench.jobs.outcomes["A"] = [_refusal("ResourceLimitExceeded")]
    bench.create(bench.pipeline(bench.job("A")))
    execution = bench.run()
    assert bench.steps(execution)["A"]["FailureReason"] == (
        "ClientError: Failed to invoke sagemaker:CreateProcessingJob. Error Details: no\n"
        "Retry not appropriate on execution of step with PipelineExecutionArn"
        f" {execution['PipelineExecutionArn']} and StepId A."
        " No retry policy configured for the exception type SAGEMAKER_RESOURCE_LIMIT."
    )


def test_a_refused_request_is_never_tried_again(bench: Any) -> None:
    bench.jobs.outcomes["A"] = [_refusal("ValidationException")]
    everything = ["Step.SERVICE_FAULT", "Step.THROTTLING", "SageMaker.JOB_INTERNAL_ERROR"]
    bench.create(bench.pipeline(bench.job("A", RetryPolicies=[{"ExceptionType": everything}])))
    step = bench.steps(bench.run())["A"]
    assert step["AttemptCount"] == 1
    assert step["FailureReason"] == "ClientError: Failed to invoke sagemaker:CreateProcessingJob. Error Details: no"


def test_a_stop_stops_the_job_and_starts_nothing_more(bench: Any) -> None:
    bench.jobs.outcomes["A"] = [threading.Event()]
    bench.create(bench.pipeline(bench.job("A"), bench.job("B", DependsOn=["A"])))
    arn = bench.start()
    bench.jobs.started("A")
    bench.executions.stop_pipeline_execution({"PipelineExecutionArn": arn, "ClientRequestToken": "t"}, CALLER)
    execution = bench.end(arn)
    assert execution["PipelineExecutionStatus"] == "Stopped"
    assert {name: step["StepStatus"] for name, step in bench.steps(execution).items()} == {"A": "Stopped"}


def test_a_stop_ends_the_wait_for_a_retry(bench: Any) -> None:
    waiting = threading.Event()

    def pause(stopping: threading.Event, _: float) -> None:
        waiting.set()
        assert stopping.wait(TIMEOUT_S)

    bench.executions._pause = pause
    bench.jobs.outcomes["A"] = [_refusal("ThrottlingException")]
    bench.create(bench.pipeline(bench.job("A")))
    arn = bench.start()
    assert waiting.wait(TIMEOUT_S)
    bench.executions.stop_pipeline_execution({"PipelineExecutionArn": arn, "ClientRequestToken": "t"}, CALLER)
    assert bench.end(arn)["PipelineExecutionStatus"] == "Stopped"
    assert len(bench.jobs.requests) == 1


def test_a_retry_runs_only_the_steps_that_did_not_succeed(bench: Any) -> None:
    bench.jobs.outcomes["B"] = ["AlgorithmError: exit code 1"]
    bench.create(bench.pipeline(bench.job("A"), bench.job("B", DependsOn=["A"]), bench.job("C", DependsOn=["B"])))
    failed = bench.run()
    params = {"PipelineExecutionArn": failed["PipelineExecutionArn"], "ClientRequestToken": "t"}
    bench.executions.retry_pipeline_execution(params, CALLER)
    execution = bench.end(failed["PipelineExecutionArn"])
    assert execution["PipelineExecutionStatus"] == "Succeeded"
    assert "FailureReason" not in execution
    assert [step for step, _ in bench.jobs.requests] == ["A", "B", "B", "C"]
