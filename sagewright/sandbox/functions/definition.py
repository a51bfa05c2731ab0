"""Why: moto keeps a function's configuration; what of it runs here, and what is refused by name, is told here."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any

from moto.awslambda.exceptions import InvalidParameterValueException, LambdaClientError, UnknownFunctionException
from moto.awslambda.models import LambdaFunction, lambda_backends

from ..protocol import ApiError, Caller

RUNTIMES = tuple(f"python3.{minor}" for minor in range(9, 15))
FUNCTION_ARN = re.compile(
    r"arn:aws:lambda:(?P<region>[a-z0-9-]+):(?P<account>\d{12}):function:(?P<name>[\w-]+)(:(?P<of>.+))?"
)
_NAME = re.compile(r"(?P<name>[\w-]{1,64})(:(?P<of>[\w$-]+))?")
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
_RESERVED = re.compile(
    r"_HANDLER|_X_AMZN_TRACE_ID|AWS_(DEFAULT_)?REGION|AWS_EXECUTION_ENV|AWS_ACCESS_KEY(_ID)?|AWS_SECRET_ACCESS_KEY"
    r"|AWS_SESSION_TOKEN|AWS_LAMBDA_(FUNCTION_(NAME|MEMORY_SIZE|VERSION)|LOG_(GROUP|STREAM)_NAME"
    r"|INITIALIZATION_TYPE|RUNTIME_API)|LAMBDA_(TASK_ROOT|RUNTIME_DIR)"
)
_ABSENT = {
    "Layers": "layers",
    "ImageConfig": "container images",
    "FileSystemConfigs": "file systems",
    "DeadLetterConfig": "a dead-letter queue (an event invoke configuration's on-failure destination serves)",
    "SnapStart": "SnapStart",
}
_TIMEOUTS_S = range(1, 901)
"""https://docs.aws.amazon.com/lambda/latest/dg/configuration-timeout.html"""
_NONE_SET: dict[str, Any] = {"SnapStart": {"ApplyOn": "None"}, "DeadLetterConfig": {"TargetArn": ""}}


@dataclass(frozen=True)
class Definition:
    """One version of a function, as it is now; `digest` changes with whatever a running process would not notice."""

    arn: str
    name: str
    version: str
    account: str
    region: str
    role: str
    runtime: str
    handler: str
    timeout_s: int
    memory_mb: int
    variables: Mapping[str, str]
    log_group: str
    code: bytes
    reserved: int | None
    asynchronous: Mapping[str, Any]

    @property
    def digest(self) -> int:
        """Return a number that tells two states of a function apart."""
        settings = (self.arn, self.version, self.role, self.runtime, self.handler, self.memory_mb, self.log_group)
        return hash((*settings, self.code, *sorted(self.variables.items())))


def place_of(named: str, caller: Caller, qualifier: str = "") -> str:
    """Return the ARN that a name, a partial or a whole ARN means, with the version or alias that is asked for."""
    if named.count(":") == 2 and named.split(":")[1] == "function":  # noqa: PLR2004 - account:function:name
        named = f"arn:aws:lambda:{caller.region}:{named}"
    match = FUNCTION_ARN.fullmatch(named) or _NAME.fullmatch(named)
    if match is None:
        raise ApiError("ValidationException", f"{named} is no name and no ARN of a function.")
    found = match.groupdict()
    of = found["of"] or qualifier
    account, region = found.get("account", caller.account), found.get("region", caller.region)
    return f"arn:aws:lambda:{region}:{account}:function:{found['name']}" + (f":{of}" if of else "")


def find(arn: str) -> Definition:
    """Return the function that is at an ARN now, or Lambda's refusal."""
    match = FUNCTION_ARN.fullmatch(arn)
    if match is None:
        raise ApiError("ValidationException", f"{arn} is no ARN of a function.")
    try:
        kept: Any = lambda_backends[match["account"]][match["region"]].get_function(match["name"], match["of"])
    except UnknownFunctionException:
        raise ApiError("ResourceNotFoundException", f"Function not found: {arn}", 404) from None
    version = str(kept.version) if match["of"] and match["of"] != "$LATEST" else "$LATEST"
    invoking: Any = kept.event_invoke_config
    return Definition(
        arn=arn,
        name=match["name"],
        version=version,
        account=match["account"],
        region=match["region"],
        role=kept.role,
        runtime=kept.run_time,
        handler=kept.handler,
        timeout_s=int(kept.timeout),
        memory_mb=int(kept.memory_size),
        variables=dict(kept.environment_vars or {}),
        log_group=kept.sandbox_logging.get("LogGroup") or f"/aws/lambda/{match['name']}",
        code=kept.code_bytes,
        reserved=None if kept.reserved_concurrency is None else int(kept.reserved_concurrency),
        asynchronous=dict(invoking[-1].config) if invoking else {},
    )


def apply() -> None:
    """Let moto keep where a function logs to, and refuse what no function here could do."""
    made, changed, told = LambdaFunction.__init__, LambdaFunction.update_configuration, LambdaFunction.get_configuration
    if hasattr(made, "__wrapped__"):
        return

    @wraps(made)
    def make(kept: Any, account_id: str, spec: dict[str, Any], region: str, version: str | int = 1) -> None:
        _check(spec, creating=True)
        kept.sandbox_logging = spec.get("LoggingConfig") or {}
        made(kept, account_id, spec, region, version)

    @wraps(changed)
    def change(kept: Any, updates: dict[str, Any]) -> dict[str, Any]:
        _check(updates, creating=False)
        kept.sandbox_logging = updates.get("LoggingConfig", kept.sandbox_logging)
        return changed(kept, updates)

    @wraps(told)
    def tell(kept: Any, on_create: bool = False) -> dict[str, Any]:  # noqa: FBT001, FBT002 - moto's own signature
        group = kept.sandbox_logging.get("LogGroup") or f"/aws/lambda/{kept.function_name}"
        return told(kept, on_create) | {"LoggingConfig": {"LogFormat": "Text", "LogGroup": group}}

    for name, method in (("__init__", make), ("update_configuration", change), ("get_configuration", tell)):
        setattr(LambdaFunction, name, method)


def _check(spec: Mapping[str, Any], *, creating: bool) -> None:
    if creating and (spec.get("PackageType") == "Image" or "ImageUri" in spec.get("Code", {})):
        raise _unavailable("container images")
    if "Runtime" in spec and spec["Runtime"] not in RUNTIMES:
        raise _unavailable(f"the runtime {spec['Runtime']}; it runs {', '.join(RUNTIMES)}")
    if "Timeout" in spec:
        _check_timeout(spec["Timeout"])
    for member, what in _ABSENT.items():
        if spec.get(member) and spec[member] != _NONE_SET.get(member):
            raise _unavailable(what)
    if (spec.get("VpcConfig") or {}).get("SubnetIds"):
        raise _unavailable("functions in a VPC")
    if (spec.get("LoggingConfig") or {}).get("LogFormat", "Text") != "Text":
        raise _unavailable("logs in JSON")
    variables = (spec.get("Environment") or {}).get("Variables") or {}
    if reserved := sorted(name for name in variables if _RESERVED.fullmatch(name)):
        raise InvalidParameterValueException(
            "Lambda was unable to configure your environment variables because the environment variables you have"
            f" provided contains reserved keys that are currently not supported for modification. Reserved keys used"
            f" in this request: {', '.join(reserved)}"
        )


def _check_timeout(timeout_s: float) -> None:
    if timeout_s in _TIMEOUTS_S:
        return
    limit = (
        f"less than or equal to {_TIMEOUTS_S[-1]}" if timeout_s > 0 else f"greater than or equal to {_TIMEOUTS_S[0]}"
    )
    raise LambdaClientError(
        "ValidationException",
        f"1 validation error detected: Value '{timeout_s}' at 'timeout' failed to satisfy constraint: Member must have"
        f" value {limit}",
    )


def _unavailable(what: str) -> LambdaClientError:
    refused = LambdaClientError("UnsupportedOperation", f"The sandbox's Lambda does not have {what}.")
    refused.code = 501
    return refused
