"""Why: a group can be changed in three ways, one at a time, and in no other."""

from collections.abc import Mapping
from typing import Any

from ..protocol import ApiError
from ..sagemaker.instances.available import refuse_others
from ..sagemaker.store import Record
from .definition import check_features, check_throughput, duration_s, refused

_WAYS = ("FeatureAdditions", "OnlineStoreConfig", "ThroughputConfig")
_DAY_S = 86400
_ON_DEMAND = "OnDemand"


class Changes:
    """Turns a request for a change into the members of the group that it changes."""

    def __init__(self) -> None:
        self._on_demand_since: dict[str, float] = {}

    def checked(self, params: Mapping[str, Any], described: Record, now_s: float) -> Record:
        """Return the changed members; refuse what AWS refuses."""
        name = described["FeatureGroupName"]
        if described["FeatureGroupStatus"] != "Created":
            raise refused(f"FeatureGroup {name} is in {described['FeatureGroupStatus']} status.")
        if described.get("LastUpdateStatus", {}).get("Status") == "InProgress":
            raise refused(f"FeatureGroup {name} is being updated. Wait until LastUpdateStatus is no more InProgress.")
        given = [way for way in _WAYS if way in params]
        if len(given) != 1:
            raise refused(f"One of {', '.join(_WAYS)} has to be given at a time, and there are {len(given)}.")
        if "FeatureAdditions" in params:
            present = described["FeatureDefinitions"]
            check_features(params["FeatureAdditions"], present)
            return {"FeatureDefinitions": [*present, *params["FeatureAdditions"]]}
        if "OnlineStoreConfig" in params:
            return {"OnlineStoreConfig": _online(params["OnlineStoreConfig"], described)}
        return {"ThroughputConfig": self._throughput(params["ThroughputConfig"], described, now_s)}

    def _throughput(self, change: Mapping[str, Any], described: Record, now_s: float) -> dict[str, Any]:
        old, arn = described["ThroughputConfig"], described["FeatureGroupArn"]
        mode = change.get("ThroughputMode", old["ThroughputMode"])
        switches = mode == _ON_DEMAND != old["ThroughputMode"]
        if switches and now_s - self._on_demand_since.get(arn, -_DAY_S) < _DAY_S:
            raise ApiError(
                "ResourceLimitExceeded", "A feature group can be switched to OnDemand only once in a 24 hour period."
            )
        new = {**({} if mode == _ON_DEMAND else old), **change, "ThroughputMode": mode}
        check_throughput(new, has_online=described.get("OnlineStoreConfig", {}).get("EnableOnlineStore", False))
        if switches:
            self._on_demand_since[arn] = now_s
        return new


def _online(change: Mapping[str, Any], described: Record) -> dict[str, Any]:
    """Return the group's OnlineStoreConfig with another time to live, or without one."""
    online = described.get("OnlineStoreConfig", {})
    refuse_others("UpdateFeatureGroup.OnlineStoreConfig", change, {"TtlDuration"})
    if not online.get("EnableOnlineStore"):
        raise refused("TtlDuration is for a feature group with an online store, which cannot be enabled later.")
    if "TtlDuration" not in change:
        raise refused("OnlineStoreConfig changes the TtlDuration, and has none.")
    ttl = change["TtlDuration"]
    kept = {key: value for key, value in online.items() if key != "TtlDuration"}
    return {**kept, "TtlDuration": ttl} if duration_s(ttl) else kept
