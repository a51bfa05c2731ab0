"""The steps of a definition, in the form of the format 2020-12-01, with how each is cached and tried again.

A cached step is repeated only when one of the fields changes that AWS compares for its type
(https://docs.aws.amazon.com/sagemaker/latest/dg/pipelines-default-keys.html): for Processing AppSpecification,
Environment and ProcessingInputs; for Training AlgorithmSpecification, Environment, HyperParameters and InputDataConfig
(and those of the debugger and checkpoints). So nothing that differs from run to run may stand in them but a real input.
"""

from collections.abc import Sequence
from typing import Any, Literal

from sagewright.pipelines.expressions import Expression, PropertyFile

Arguments = dict[str, Any]
Step = dict[str, Any]

_CACHE = {"Enabled": True, "ExpireAfter": "P30D"}

# https://docs.aws.amazon.com/sagemaker/latest/dg/pipelines-retry-policy.html. A call that fails is worth repeating
# soon, a lack of instances only after minutes.
_CALLS_AGAIN = {
    "ExceptionType": ["Step.SERVICE_FAULT", "Step.THROTTLING"],
    "IntervalSeconds": 5,
    "BackoffRate": 2.0,
    "MaxAttempts": 5,
}
_RUNS_AGAIN = {
    "ExceptionType": ["SageMaker.CAPACITY_ERROR", "SageMaker.JOB_INTERNAL_ERROR"],
    "IntervalSeconds": 60,
    "BackoffRate": 2.0,
    "MaxAttempts": 5,
}


def job(
    name: str,
    kind: Literal["Processing", "Training"],
    arguments: Arguments,
    property_files: Sequence[PropertyFile] = (),
) -> Step:
    """Run a job: `arguments` are the request that would create it, without its name."""
    step: Step = {
        "Name": name,
        "Type": kind,
        "Arguments": arguments,
        "CacheConfig": dict(_CACHE),
        "RetryPolicies": [dict(_CALLS_AGAIN), dict(_RUNS_AGAIN)],
    }
    if property_files:
        step["PropertyFiles"] = [file.declaration() for file in property_files]
    return step


def repeated_job(name: str, arguments: Arguments) -> Step:
    """Run a processing job that is never taken from the cache: it reads what is there by now."""
    return {
        "Name": name,
        "Type": "Processing",
        "Arguments": arguments,
        "RetryPolicies": [dict(_CALLS_AGAIN), dict(_RUNS_AGAIN)],
    }


def register_model(name: str, arguments: Arguments) -> Step:
    """Register a version: `arguments` are the request of CreateModelPackage."""
    return {"Name": name, "Type": "RegisterModel", "Arguments": arguments, "RetryPolicies": [dict(_CALLS_AGAIN)]}


def condition(name: str, all_hold: Sequence[Expression], *, then: Sequence[Step], otherwise: Sequence[Step]) -> Step:
    """Run the steps of one of two branches, in which no other condition may stand.

    https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-steps-types.html#step-type-condition
    """
    arguments = {"Conditions": list(all_hold), "IfSteps": list(then), "ElseSteps": list(otherwise)}
    return {"Name": name, "Type": "Condition", "Arguments": arguments}


def fail(name: str, message: Expression) -> Step:
    """End the run as failed, with a reason."""
    return {"Name": name, "Type": "Fail", "Arguments": {"ErrorMessage": message}}
