"""Why: a connection is of no use before a person has agreed to it, and goes by two names."""

import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..cloudwatch.metrics import Place
from ..protocol import ApiError, Caller

SERVICES = ("codeconnections", "codestar-connections")
_HOSTED = {"GitHubEnterpriseServer", "GitLabSelfManaged"}
_MAX_TAGS = 200
_AWS = "aws:"

Operation = Callable[[dict[str, Any], Caller], dict[str, Any]]


@dataclass(eq=False)
class Connection:
    """A way to a provider's repositories; its ARN has the prefix of the service that made it."""

    service: str
    place: Place
    id: str
    name: str
    provider: str
    status: str = "PENDING"
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def arn(self) -> str:
        """Return the connection's ARN."""
        return f"arn:aws:{self.service}:{self.place.region}:{self.place.account}:connection/{self.id}"

    def told(self) -> dict[str, Any]:
        """Return the connection as the API shows it."""
        return {
            "ConnectionName": self.name,
            "ConnectionArn": self.arn,
            "ProviderType": self.provider,
            "OwnerAccountId": self.place.account,
            "ConnectionStatus": self.status,
        }


class Connections:
    """The connections of every account and region."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[str, Connection] = {}

    def operations(self, service: str) -> dict[str, Operation]:
        """Return the operations by one of the two names."""

        def create(params: dict[str, Any], caller: Caller) -> dict[str, Any]:
            return self._create(service, params, caller)

        return {
            "CreateConnection": create,
            "GetConnection": self._get,
            "ListConnections": self._list,
            "DeleteConnection": self._delete,
            "TagResource": self._tag,
            "UntagResource": self._untag,
            "ListTagsForResource": self._tags,
        }

    def all(self) -> list[Connection]:
        """Return every connection, in the order of their making."""
        with self._lock:
            return list(self._kept.values())

    def at(self, arn: str) -> Connection:
        """Return the connection at an ARN; an absent one is refused."""
        with self._lock:
            found = self._kept.get(arn)
        if found is None:
            raise ApiError("ResourceNotFoundException", f"Connection {arn} not found", 404)
        return found

    def identified(self, connection_id: str) -> Connection | None:
        """Return the connection of an id, whosever it is."""
        return next((each for each in self.all() if each.id == connection_id), None)

    def tags_of(self, arn: str) -> Mapping[str, str]:
        """Return the tags of a connection; of one that is not there it has none."""
        with self._lock:
            found = self._kept.get(arn)
        return dict(found.tags) if found is not None else {}

    def _create(self, service: str, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        provider, name = params.get("ProviderType", ""), params["ConnectionName"]
        if "HostArn" in params or provider in _HOSTED:
            raise ApiError("UnsupportedOperation", "The sandbox has no hosts, and so no connections to them.", 501)
        if not provider:
            problem = "You must specify either a ProviderType or a HostArn."
            raise ApiError("InvalidInputException", problem)
        place = Place(caller.account, caller.region)
        tags = _checked_tags({}, params.get("Tags") or [])
        with self._lock:
            # AWS asks for names of their own, and says nothing of what becomes of others.
            if any(each.name == name and each.place == place for each in self._kept.values()):
                raise ApiError("InvalidInputException", f"A connection named {name} already exists in this account.")
            made = Connection(service, place, str(uuid.uuid4()), name, provider, tags=tags)
            self._kept[made.arn] = made
        return {"ConnectionArn": made.arn, "Tags": _listed(tags)}

    def _get(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return {"Connection": self._of(params["ConnectionArn"], caller).told()}

    def _list(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        if params.get("MaxResults") or params.get("NextToken") or params.get("HostArnFilter"):
            problem = "The sandbox's ListConnections does not have MaxResults, NextToken and HostArnFilter."
            raise ApiError("UnsupportedOperation", problem, 501)
        place, provider = Place(caller.account, caller.region), params.get("ProviderTypeFilter")
        found = [each for each in self.all() if each.place == place and provider in {None, each.provider}]
        return {"Connections": [each.told() for each in found]}

    def _delete(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        gone = self._of(params["ConnectionArn"], caller)
        with self._lock:
            self._kept.pop(gone.arn, None)
        return {}

    def _tag(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        connection = self._of(params["ResourceArn"], caller)
        connection.tags = _checked_tags(connection.tags, params["Tags"])
        return {}

    def _untag(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        connection = self._of(params["ResourceArn"], caller)
        connection.tags = {key: value for key, value in connection.tags.items() if key not in params["TagKeys"]}
        return {}

    def _tags(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return {"Tags": _listed(self._of(params["ResourceArn"], caller).tags)}

    def _of(self, arn: str, caller: Caller) -> Connection:
        found = self.at(arn)
        if found.place != Place(caller.account, caller.region):
            raise ApiError("ResourceNotFoundException", f"Connection {arn} not found", 404)
        return found


def _checked_tags(present: Mapping[str, str], added: list[dict[str, str]]) -> dict[str, str]:
    merged = {**present, **{tag["Key"]: tag["Value"] for tag in added}}
    if any(tag["Key"].lower().startswith(_AWS) for tag in added):
        raise ApiError("InvalidInputException", "Tag keys cannot begin with aws:, which is reserved for AWS.")
    if len(merged) > _MAX_TAGS:
        raise ApiError("LimitExceededException", f"A connection has at most {_MAX_TAGS} tags.", 429)
    return merged


def _listed(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]
