"""Why: a feature group is there when it is Created, and of what it is only a little can ever change."""

import time
from typing import Any

from typing_extensions import override

from ..resource import Context, HandlerError, Properties
from .api_call import call, refusal
from .api_resource import ApiResource, Attributes, changed, readable

_POLL_S = 0.05
_TIMEOUT_S = 600.0


class FeatureGroup(ApiResource):
    """A feature group; what it begins with is its tags' and its description's last word, too."""

    @override
    def attributes(self, context: Context, physical_id: str, properties: Properties) -> Attributes:
        """Return what SageMaker says of the group."""
        group = call(self.client(context), "describe_feature_group", FeatureGroupName=physical_id)
        values = {"CreationTime": group["CreationTime"].isoformat(), "FeatureGroupStatus": group["FeatureGroupStatus"]}
        return readable(context, self.type_name, values)

    @override
    def change(self, context: Context, physical_id: str, old: Properties, new: Properties) -> None:
        """Add features, and change time to live and throughput, each by an update of its own."""
        client = self.client(context)
        for members in _changes(old, new):
            call(client, "update_feature_group", FeatureGroupName=physical_id, **members)
            _settle(client, physical_id)

    @override
    def complete(self, context: Context, physical_id: str, old: Properties, new: Properties) -> None:
        """Wait until the group is Created."""
        _settle(self.client(context), physical_id)

    @override
    def retag(self, context: Context, physical_id: str, properties: Properties) -> None:
        """Leave the tags: those of this type are given at creation and never again."""


def _changes(old: Properties, new: Properties) -> list[dict[str, Any]]:
    """Return the parameters of the updates; a feature that is gone, or another now, cannot be had."""
    before = {each["FeatureName"]: each for each in old["FeatureDefinitions"]}
    after = {each["FeatureName"]: each for each in new["FeatureDefinitions"]}
    if lost := [name for name, feature in before.items() if after.get(name) != feature]:
        told = f"Feature definitions cannot be removed or changed: {', '.join(lost)}."
        raise refusal("ValidationException", told, "UpdateFeatureGroup")
    found: list[dict[str, Any]] = []
    if added := [feature for name, feature in after.items() if name not in before]:
        found.append({"FeatureAdditions": added})
    if _ttl(old) != _ttl(new):
        found.append({"OnlineStoreConfig": {"TtlDuration": _ttl(new)}})
    if changed(old, new, "ThroughputConfig"):
        found.append({"ThroughputConfig": new.get("ThroughputConfig", {"ThroughputMode": "OnDemand"})})
    return found


def _ttl(properties: Properties) -> dict[str, Any]:
    return dict(properties.get("OnlineStoreConfig", {}).get("TtlDuration", {}))


def _settle(client: Any, name: str) -> None:
    """Wait until nothing is in progress any more, and refuse what has failed."""
    until = time.monotonic() + _TIMEOUT_S
    while True:
        group = call(client, "describe_feature_group", FeatureGroupName=name)
        update = group.get("LastUpdateStatus", {})
        if group["FeatureGroupStatus"] not in {"Creating", "Deleting"} and update.get("Status") != "InProgress":
            break
        if time.monotonic() > until:
            raise HandlerError(f"Feature group {name} is {group['FeatureGroupStatus']} for too long.")
        time.sleep(_POLL_S)
    if group["FeatureGroupStatus"] != "Created":
        raise HandlerError(f"Feature group {name} is {group['FeatureGroupStatus']}: {group.get('FailureReason', '')}")
    if update.get("Status") == "Failed":
        raise HandlerError(f"The update of feature group {name} has failed: {update.get('FailureReason', '')}")
