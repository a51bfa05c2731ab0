"""Why: moto's log groups take any key when they are made and never another one, and judge times by the machine's clock.

A log that SageMaker has made comes under a stack, and so under the key of its environment, only later.
"""

import json
from datetime import UTC, datetime
from functools import wraps
from typing import Any

from moto.kms.models import kms_backends
from moto.logs import models
from moto.logs.exceptions import InvalidParameterException, LogsClientError, ResourceNotFoundException
from moto.logs.responses import LogsResponse

from .clock import Clock
from .cloudformation.resources.policy_document import allows

# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
_RETENTION_DAYS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653),
)


def apply(clock: Clock) -> None:
    """Give moto its two lacking operations, which it finds by name, the refusals it lacks, and the sandbox's time."""
    setattr(models, "utcnow", lambda: datetime.fromtimestamp(clock.now(), UTC).replace(tzinfo=None))  # noqa: B010 - moto's own function
    setattr(LogsResponse, "associate_kms_key", _associate)  # noqa: B010 - moto's class declares no such method
    setattr(LogsResponse, "disassociate_kms_key", _disassociate)  # noqa: B010 - see above
    _strengthen()


def _strengthen() -> None:
    """Refuse a new group's key and a retention before moto takes them."""
    made, retained = LogsResponse.create_log_group, LogsResponse.put_retention_policy
    if hasattr(made, "__wrapped__"):
        return

    @wraps(made)
    def make(response: Any) -> str:
        name, key = response._get_param("logGroupName"), response._get_param("kmsKeyId")  # noqa: SLF001 - see _associate
        if key:
            account, region = response.current_account, response.region
            _check_key(key, f"arn:aws:logs:{region}:{account}:log-group:{name}", region)
        return made(response)

    @wraps(retained)
    def retain(response: Any) -> str:
        days = response._get_param("retentionInDays")  # noqa: SLF001 - see _associate
        if days not in _RETENTION_DAYS:
            allowed = f"Member must satisfy enum value set: [{', '.join(map(str, _RETENTION_DAYS))}]"
            raise InvalidParameterException(constraint=allowed, parameter="retentionInDays", value=days)
        return retained(response)

    for name, method in (("create_log_group", make), ("put_retention_policy", retain)):
        setattr(LogsResponse, name, method)


def _associate(response: Any) -> str:
    group, key = _group(response), response._get_param("kmsKeyId")  # noqa: SLF001 - how moto's own methods read it
    _check_key(key, group.arn, response.region)
    group.kms_key_id = key
    return ""


def _disassociate(response: Any) -> str:
    _group(response).kms_key_id = None
    return ""


def _group(response: Any) -> Any:
    name = response._get_param("logGroupName")  # noqa: SLF001 - how moto's own methods read it
    groups = response.logs_backend.groups
    if name not in groups:
        raise ResourceNotFoundException
    return groups[name]


def _check_key(key: str, arn: str, region: str) -> None:
    if not _admits(key, region):
        message = f"The specified KMS key does not exist or is not allowed to be used with Arn '{arn}'"
        raise LogsClientError("AccessDeniedException", message)


def _admits(key: str, region: str) -> bool:
    """Tell whether the key is there and its policy lets CloudWatch Logs use it.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
    """
    parts = key.split(":", 5)
    if len(parts) != 6 or parts[3] != region or not parts[5].startswith("key/"):  # noqa: PLR2004 - an ARN's six parts
        return False
    held = kms_backends[parts[4]][region].keys.get(parts[5].removeprefix("key/"))
    services = {"logs.amazonaws.com", f"logs.{region}.amazonaws.com"}
    return held is not None and allows(json.loads(held.policy), "kms:GenerateDataKey", services)
