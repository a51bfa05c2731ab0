"""Why: programs that write and read features meet the runtime's rules here, before they meet them in AWS."""

import heapq
import threading
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from ..clients import Clients
from ..clock import Clock
from ..errands import begin
from ..protocol import ApiError, Caller
from ..sagemaker.identity import owner_and_name
from . import keys
from .definition import duration_s
from .group import Group
from .offline_store import OfflineStore
from .online_table import Kept
from .values import invalid, iso

MOST_IDENTIFIERS = 100

Find = Callable[[str, str, str], Group | None]
Params = Mapping[str, Any]


class Records:
    """PutRecord, GetRecord, BatchGetRecord and DeleteRecord; and an agenda of the records that expire."""

    def __init__(self, clients: Clients, clock: Clock, find: Find, offline: OfflineStore) -> None:
        self._clients = clients
        self._clock = clock
        self._find = find
        self._offline = offline
        self._expiring: list[tuple[float, int, Group, str]] = []
        self._numbers = 0
        self._lock = threading.Lock()

    def put_record(self, params: Params, caller: Caller) -> dict[str, Any]:
        """Write a record to the stores that are meant; online only if it is newer than what there is."""
        group = self._writable(params, caller)
        entry = group.entry(params["Record"])
        stores = _stores(params, group)
        group.throughput.write(entry.size)
        now_s = self._clock.now()
        if group.online is not None and "OnlineStore" in stores:
            ttl_s = duration_s(params.get("TtlDuration")) or group.ttl_s
            expires_s = entry.moment_s + ttl_s if ttl_s else None
            kept = Kept(entry.moment_s, entry.values, expires_s, entry.size)
            if group.online.put(entry.record_id, kept, now_s) and expires_s is not None:
                self._will_expire(group, entry.record_id, expires_s)
        elif params.get("TtlDuration"):
            raise invalid("TtlDuration is for records that go into the online store.")
        if "OfflineStore" in stores:
            self._offline.append(group, entry)
        return {}

    def get_record(self, params: Params, caller: Caller) -> dict[str, Any]:
        """Return the newest record of an id; where there is none, nothing."""
        group = self._readable(params["FeatureGroupName"], caller)
        names = _wanted(params.get("FeatureNames"), group)
        found = self._read(group, group.checked_id(params["RecordIdentifierValueAsString"]))
        group.throughput.read(found.size if found else 0)
        return _shown(found, names, params) if found else {}

    def batch_get_record(self, params: Params, caller: Caller) -> dict[str, Any]:
        """Return the newest records of many ids; those that are not there are left out, in no order that is promised.

        What the provisioned throughput does not let through comes back as unprocessed.
        """
        asked = [
            (each, record_id) for each in params["Identifiers"] for record_id in each["RecordIdentifiersValueAsString"]
        ]
        if len(asked) > MOST_IDENTIFIERS:
            raise invalid(f"At most {MOST_IDENTIFIERS} records can be asked for at once, and there are {len(asked)}.")
        if len({(each["FeatureGroupName"], record_id) for each, record_id in asked}) < len(asked):
            raise invalid("The same record is asked for more than once.")
        records: list[Any] = []
        errors: list[Any] = []
        left: dict[int, dict[str, Any]] = {}
        for each, record_id in asked:
            where = {"FeatureGroupName": each["FeatureGroupName"], "RecordIdentifierValueAsString": record_id}
            try:
                group = self._readable(each["FeatureGroupName"], caller)
                names = _wanted(each.get("FeatureNames"), group)
                found = self._read(group, group.checked_id(record_id))
            except ApiError as error:
                if error.code == "AccessDeniedException":
                    raise
                errors.append({**where, "ErrorCode": error.code, "ErrorMessage": error.message})
                continue
            if not group.throughput.can_read(found.size if found else 0):
                unprocessed = left.setdefault(id(each), {**each, "RecordIdentifiersValueAsString": []})
                unprocessed["RecordIdentifiersValueAsString"].append(record_id)
            elif found:
                records.append({"Record": [], **where, **_shown(found, names, params)})
        # AWS promises no order: whoever counts on that of the request shall notice here.
        return {"Records": records[::-1], "Errors": errors, "UnprocessedIdentifiers": list(left.values())}

    def delete_record(self, params: Params, caller: Caller) -> dict[str, Any]:
        """Delete what is older than the moment online, and append the marker offline."""
        group = self._writable(params, caller)
        record_id = group.checked_id(params["RecordIdentifierValueAsString"])
        moment_s, stores = group.moment(params["EventTime"]), _stores(params, group)
        group.throughput.write(0)
        now_s = self._clock.now()
        if group.online is not None and "OnlineStore" in stores:
            if params.get("DeletionMode") != "HardDelete":
                group.online.bury(record_id, moment_s, now_s)
            elif not group.online.remove(record_id, moment_s, now_s):
                raise invalid("EventTime: it has to be later than that of the record in the online store.")
        if "OfflineStore" in stores:
            marker = group.marker(record_id, moment_s, params["EventTime"])
            self._offline.append(group, marker, is_deleted=True)
        return {}

    def due(self, after_s: float) -> float | None:
        """Return when the next record expires."""
        with self._lock:
            return max(self._expiring[0][0], after_s) if self._expiring else None

    def happen(self, at_s: float) -> None:
        """Remove the records that have expired, and append the markers of their deletion offline.

        AWS does so within days; that a record can be read until then is nothing to count on.
        """
        over = []
        with self._lock:
            while self._expiring and self._expiring[0][0] <= at_s:
                over.append(heapq.heappop(self._expiring))
        begin(self._clock, "expiry of records", partial(self._expire, over))

    def _expire(self, over: list[tuple[float, int, Group, str]]) -> None:
        for expires_s, _, group, record_id in over:
            gone = group.online.expire(record_id, expires_s) if group.online is not None else None
            if gone is not None and group.has_offline and self._find(*_owner(group), group.name) is group:
                self._offline.append(group, group.marker(record_id, expires_s), is_deleted=True)

    def _will_expire(self, group: Group, record_id: str, expires_s: float) -> None:
        with self._lock:
            self._numbers += 1
            heapq.heappush(self._expiring, (expires_s, self._numbers, group, record_id))

    def _writable(self, params: Params, caller: Caller) -> Group:
        group = self._group(params["FeatureGroupName"], caller)
        if group.online is not None and group.online_key and "OnlineStore" in _stores(params, group):
            keys.require_for_using(self._clients, caller, group.online_key)
        return group

    def _readable(self, name_or_arn: str, caller: Caller) -> Group:
        group = self._group(name_or_arn, caller)
        if group.online is None:
            raise invalid(f"FeatureGroup {group.name} has no online store that records could be read from.")
        if group.online_key:
            keys.require_for_using(self._clients, caller, group.online_key)
        return group

    def _group(self, name_or_arn: str, caller: Caller) -> Group:
        owner, name = owner_and_name(name_or_arn, caller)
        group = self._find(owner.account, owner.region, name) if owner.region == caller.region else None
        if group is None:
            raise ApiError("ResourceNotFound", f"Resource Not Found: FeatureGroup {name} is not there.", 404)
        if group.status != "Created":
            raise invalid(f"FeatureGroup {name} is in {group.status} status; it has to be in Created.")
        return group

    def _read(self, group: Group, record_id: str) -> Kept | None:
        return group.online.get(record_id, self._clock.now()) if group.online is not None else None


def _owner(group: Group) -> tuple[str, str]:
    return group.owner.account, group.owner.region


def _stores(params: Params, group: Group) -> set[str]:
    """Return the stores that are meant; refuse one that the group does not have."""
    there = {"OnlineStore": group.online is not None, "OfflineStore": group.has_offline}
    asked = params.get("TargetStores")
    if asked is None:
        return {store for store, is_there in there.items() if is_there}
    if len(set(asked)) < len(asked):
        raise invalid(f"TargetStores has {asked[0]} more than once.")
    if missing := [store for store in asked if not there[store]]:
        raise invalid(f"{missing[0]} of FeatureGroup {group.name} is not enabled, and is among TargetStores.")
    return set(asked)


def _wanted(names: list[str] | None, group: Group) -> list[str]:
    if names is None:
        return list(group.types)
    if unknown := [name for name in names if name not in group.types]:
        raise invalid(f"Feature {unknown[0]} is not defined in feature group {group.name}.")
    return names


def _shown(found: Kept, names: list[str], params: Params) -> dict[str, Any]:
    values = found.values or {}
    record = [{"FeatureName": name, "ValueAsString": values[name]} for name in names if name in values]
    answer: dict[str, Any] = {"Record": record} if record else {}
    if params.get("ExpirationTimeResponse") == "Enabled" and found.expires_s is not None:
        answer["ExpiresAt"] = iso(found.expires_s)
    return answer
