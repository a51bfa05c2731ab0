"""Why: a service that acts in its own name is let in by the policies of what it reaches, and by nothing else."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from .clients import Clients
from .iam.principal import Principal
from .protocol import ApiError

_DATA_KEY = ("kms:GenerateDataKey", "kms:Decrypt")


@dataclass(frozen=True)
class ServiceActor:
    """An AWS service that acts on behalf of one of its resources (`source_arn`)."""

    clients: Clients
    service: str
    source_arn: str

    def require(self, action: str, arn: str, more: Mapping[str, str] | None = None) -> None:
        """Refuse what the resource's policy does not allow the service."""
        _, _, _, region, account, _ = arn.split(":", 5)
        source = source_of(self.service, self.source_arn, account_of(self.source_arn) or account)
        who = Principal("service", self.service, "")
        context = {**source, **(more or {})}
        self.clients.authorizer.authorize(who, action, arn, region=region, account=account, context=context)

    def require_key(self, key: str, account: str, region: str, context: Mapping[str, str]) -> None:
        """Refuse where the key's policy does not let the service encrypt with it and read what it encrypted."""
        arn = key_arn(self.clients, key, account, region)
        for action in _DATA_KEY:
            self.require(action, arn, {f"kms:EncryptionContext:{name}": value for name, value in context.items()})

    def send(self, queue_arn: str, body: str, *, group: str = "") -> None:
        """Put a message into a queue whose policy, and whose key's policy, let the service."""
        _, _, _, region, account, name = queue_arn.split(":", 5)
        sqs, url = self.clients.get("sqs", account, region), queue_url(self.clients.endpoint, queue_arn)
        self.require("sqs:SendMessage", queue_arn)
        try:
            found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["KmsMasterKeyId"])
            if key := found.get("Attributes", {}).get("KmsMasterKeyId"):
                self.require_key(key, account, region, {"aws:sqs:arn": queue_arn})
            sqs.send_message(QueueUrl=url, MessageBody=body, **({"MessageGroupId": group} if group else {}))
        except ClientError as error:
            raise refused(error, f"queue {name}") from error


def source_of(service: str, arn: str, account: str) -> dict[str, str]:
    """Return what a service says of the resource in whose name it acts; EventBridge says no account beside the ARN.

    https://github.com/awsdocs/aws-cloudformation-user-guide/pull/481
    """
    return {"aws:SourceArn": arn} | ({} if service == "events.amazonaws.com" else {"aws:SourceAccount": account})


def account_of(arn: str) -> str:
    """Return the account in an ARN; nothing where there is none."""
    parts = arn.split(":")
    return parts[4] if len(parts) > 4 else ""  # noqa: PLR2004 - the account is an ARN's fifth part


def queue_url(endpoint: str, queue_arn: str) -> str:
    """Return the URL that a queue has here."""
    _, _, _, _, account, name = queue_arn.split(":", 5)
    return f"{endpoint}/{account}/{name}"


def key_arn(clients: Clients, key: str, account: str, region: str) -> str:
    """Return the ARN of an enabled key that a resource names by id, alias or ARN."""
    if key.rpartition("/")[0].endswith("alias/aws"):
        # Its policy is AWS's own, and lets only principals of the account use it through the service.
        return f"arn:aws:kms:{region}:{account}:alias/aws/{key.rpartition('/')[2]}"
    place = key.split(":") if key.startswith("arn:") else ["", "", "", region, account]
    try:
        found: dict[str, Any] = clients.get("kms", place[4], place[3]).describe_key(KeyId=key)["KeyMetadata"]
    except ClientError as error:
        raise refused(error, f"key {key}") from error
    if found["KeyState"] != "Enabled":
        raise ApiError("KMSDisabledException", f"{found['Arn']} is {found['KeyState']}.")
    return str(found["Arn"])


def refused(error: ClientError, what: str) -> ApiError:
    """Return a refusal that a client got as one of ours, with what it was about."""
    details = error.response.get("Error", {})
    return ApiError(details.get("Code", ""), f"{what}: {details.get('Message', error)}")


def complain(message: str) -> None:
    """Write to the sandbox's own log what nobody waits for; in AWS it would be a metric that counts failures."""
    sys.stderr.write(f"{message}\n")
