"""Why: moto's log groups take a key when they are made and never another one, and judge times by the machine's clock.

A log that SageMaker has made comes under a stack, and so under the key of its environment, only later.
"""

import json
from datetime import UTC, datetime
from typing import Any

from moto.kms.models import kms_backends
from moto.logs import models
from moto.logs.exceptions import InvalidParameterException, ResourceNotFoundException
from moto.logs.responses import LogsResponse

from .clock import Clock
from .cloudformation.resources.policy_document import allows


def apply(clock: Clock) -> None:
    """Give moto the two operations, which it finds by their names, and the sandbox's time to judge lines' times by."""
    setattr(models, "utcnow", lambda: datetime.fromtimestamp(clock.now(), UTC).replace(tzinfo=None))  # noqa: B010 - moto's own function
    setattr(LogsResponse, "associate_kms_key", _associate)  # noqa: B010 - moto's class declares no such method
    setattr(LogsResponse, "disassociate_kms_key", _disassociate)  # noqa: B010 - see above


def _associate(response: Any) -> str:
    group, key = _group(response), response._get_param("kmsKeyId")  # noqa: SLF001 - how moto's own methods read it
    if not _admits(key, response.region):
        raise InvalidParameterException(
            f"The specified KMS key does not exist or is not allowed to be used with Arn '{group.arn}'"
        )
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
