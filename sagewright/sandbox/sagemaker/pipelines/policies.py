"""Why: a step may be skipped by the cache or tried again; what a definition says of both is read here."""

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from .expressions import json_array, json_object, malformed

# AWS's own examples write 30d, T16m and 30dT5h besides P30D.
DURATION = re.compile(
    r"P?(?=.)(?:(?P<years>\d+)Y)?(?:(?P<months>\d+)M)?(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T(?=\d)(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+)S)?)?",
    re.IGNORECASE,
)
DAYS_PER_MONTH, DAYS_PER_YEAR = 30, 365

SERVICE_FAULT, THROTTLING = "Step.SERVICE_FAULT", "Step.THROTTLING"
INTERNAL_ERROR = "SageMaker.JOB_INTERNAL_ERROR"
CAPACITY_ERROR, RESOURCE_LIMIT = "SageMaker.CAPACITY_ERROR", "SageMaker.RESOURCE_LIMIT"
EXCEPTION_TYPES = (SERVICE_FAULT, THROTTLING, INTERNAL_ERROR, CAPACITY_ERROR, RESOURCE_LIMIT)
# https://docs.aws.amazon.com/sagemaker/latest/dg/pipelines-retry-policy.html
MAX_INTERVAL_S, MAX_ATTEMPTS, MAX_EXPIRY_MIN = 43_200, 20, 14_400


@dataclass(frozen=True)
class Cache:
    """How old a successful run may be for a step to take its result."""

    max_age: timedelta


@dataclass(frozen=True)
class Retry:
    """When a step is tried again, how soon, and how often (not counting its first attempt) or for how long."""

    exceptions: tuple[str, ...]
    interval_s: float = 1
    backoff_rate: float = 2.0
    max_attempts: float | None = 5
    expire_after: timedelta | None = None


def parse_cache(config: Any) -> Cache | None:
    """Read a CacheConfig; None where it is not enabled."""
    json_object(config, "CacheConfig", ("Enabled", "ExpireAfter"))
    if not isinstance(config.get("Enabled"), bool):
        raise malformed(f"Enabled of CacheConfig is true or false; received {config.get('Enabled')!r}.")
    if "ExpireAfter" not in config:
        if config["Enabled"]:
            raise malformed("CacheConfig has no ExpireAfter: give an ISO 8601 duration such as P30D.")
        return None
    max_age = _duration(config["ExpireAfter"])
    return Cache(max_age) if config["Enabled"] else None


def parse_retries(policies: Any) -> tuple[Retry, ...]:
    """Read RetryPolicies; an exception type may be in one of them only."""
    retries = tuple(_retry(policy) for policy in json_array(policies))
    seen: set[str] = set()
    for exception in (each for retry in retries for each in retry.exceptions):
        if exception in seen:
            raise malformed(f"RetryPolicies name the exception type {exception} more than once.")
        seen.add(exception)
    return retries


def _retry(policy: Any) -> Retry:
    members = ("ExceptionType", "IntervalSeconds", "BackoffRate", "MaxAttempts", "ExpireAfterMin")
    json_object(policy, "RetryPolicies", members)
    exceptions = policy.get("ExceptionType")
    if not isinstance(exceptions, list) or not exceptions:
        raise malformed("ExceptionType of RetryPolicies is a list of exception types.")
    for exception in exceptions:
        if exception not in EXCEPTION_TYPES:
            raise malformed(
                f"Value '{exception}' for 'ExceptionType' failed to satisfy enum value set:"
                f" [{', '.join(EXCEPTION_TYPES)}]"
            )
    if "MaxAttempts" in policy and "ExpireAfterMin" in policy:
        raise malformed("RetryPolicies take either MaxAttempts or ExpireAfterMin, not both.")
    limits: dict[str, Any] = {}
    if "MaxAttempts" in policy:
        limits["max_attempts"] = _number(policy, "MaxAttempts", 0, MAX_ATTEMPTS, 0)
    elif "ExpireAfterMin" in policy:
        minutes = _number(policy, "ExpireAfterMin", 0, MAX_EXPIRY_MIN, 0)
        limits |= {"max_attempts": None, "expire_after": timedelta(minutes=minutes)}
    return Retry(
        exceptions=tuple(exceptions),
        interval_s=_number(policy, "IntervalSeconds", 1, MAX_INTERVAL_S, Retry.interval_s),
        backoff_rate=_number(policy, "BackoffRate", 1, float("inf"), Retry.backoff_rate),
        **limits,
    )


def _number(policy: dict[str, Any], member: str, low: float, high: float, default: float) -> float:
    value = policy.get(member, default)
    kinds = (int, float) if member == "BackoffRate" else (int,)
    if not isinstance(value, kinds) or isinstance(value, bool) or not low <= value <= high:
        raise malformed(f"{member} of RetryPolicies is a number from {low} to {high}; received {value!r}.")
    return value


def _duration(text: Any) -> timedelta:
    match = DURATION.fullmatch(text) if isinstance(text, str) else None
    parts = {unit: int(value) for unit, value in match.groupdict().items() if value} if match else {}
    if not parts:
        raise malformed(f"ExpireAfter of CacheConfig is an ISO 8601 duration such as P30D or PT1H; received {text!r}.")
    days = parts.pop("days", 0) + DAYS_PER_MONTH * parts.pop("months", 0) + DAYS_PER_YEAR * parts.pop("years", 0)
    return timedelta(days=days, **parts)
