"""Why: a group is made, changed and deleted by the control plane, which goes on after the request was answered."""

import threading
from collections.abc import Callable
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from ..clients import ActingClients, Clients
from ..errands import begin
from ..protocol import ApiError, Caller
from ..sagemaker.identity import own_name
from ..sagemaker.instances.role import require_role
from ..sagemaker.listing import matching, only, ordered, page
from ..sagemaker.store import Record, Store
from . import catalog, keys, provisioning
from .changes import Changes
from .definition import check
from .group import Group, opened
from .kind import FEATURE_GROUP

CREATED = "Created"

_SUMMARY = ("FeatureGroupName", "FeatureGroupArn", "CreationTime", "FeatureGroupStatus", "OfflineStoreStatus")
_SORTED_BY = {"Name": "FeatureGroupName", "FeatureGroupStatus": "FeatureGroupStatus", "CreationTime": "CreationTime"}


class Groups:
    """The feature groups of every account and region: their operations, and what their stores need of them."""

    def __init__(self, store: Store, clients: Clients) -> None:
        self._store = store
        self._clients = clients
        self._live: dict[tuple[str, str, str], Group] = {}
        self._changes = Changes()
        self._changing = threading.Lock()

    def create_feature_group(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Begin to make a group; that it is Created, or why not, is told by DescribeFeatureGroup."""
        check(params)
        name = params["FeatureGroupName"]
        arn = self._store.arn(FEATURE_GROUP, caller, name)
        if key := params.get("OnlineStoreConfig", {}).get("SecurityConfig", {}).get("KmsKeyId"):
            keys.require_for_creating(self._clients, caller, key)
        if role := params.get("RoleArn"):
            require_role(self._clients, caller, role, arn)
        described = provisioning.described(params, caller, arn, self._store.now())
        self._store.put(FEATURE_GROUP, caller, name, described, params.get("Tags", ()))
        group = opened(caller, described)
        self._live[caller.account, caller.region, name] = group
        self._begin(f"creation of feature group {name}", partial(self._make, group, described, caller))
        return {"FeatureGroupArn": arn}

    def describe_feature_group(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Return a group."""
        name = own_name(params["FeatureGroupName"], caller)
        described = self._store.get(FEATURE_GROUP, caller, name)
        group = self._live.get((caller.account, caller.region, name))
        if group is not None and group.online is not None:
            described["OnlineStoreTotalSizeBytes"] = group.online.size
        return described

    def update_feature_group(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Begin to change a group in one of the ways there are."""
        name = own_name(params["FeatureGroupName"], caller)
        with self._changing:
            described = self._store.get(FEATURE_GROUP, caller, name)
            changes = self._changes.checked(params, described, self._store.clock.now())
            started = {"LastUpdateStatus": {"Status": "InProgress"}}
            self._store.update(FEATURE_GROUP, caller, name, **started)
        group = self._live[caller.account, caller.region, name]
        self._begin(f"update of feature group {name}", partial(self._change, group, changes))
        return {"FeatureGroupArn": described["FeatureGroupArn"]}

    def delete_feature_group(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Forget a group and what is online; table and files of the offline store stay."""
        name = params["FeatureGroupName"]
        described = self._store.get(FEATURE_GROUP, caller, name)
        if described["FeatureGroupStatus"] == "Creating":
            raise ApiError("ValidationException", f"Validation Error: FeatureGroup {name} is in Creating status.")
        self._live.pop((caller.account, caller.region, name), None)
        self._store.delete(FEATURE_GROUP, caller, name)
        return {}

    def list_feature_groups(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Return the groups of the account and region."""
        found = matching(self._store.all(FEATURE_GROUP, caller), params, name="FeatureGroupName")
        if status := params.get("FeatureGroupStatusEquals"):
            found = [each for each in found if each["FeatureGroupStatus"] == status]
        if status := params.get("OfflineStoreStatusEquals"):
            found = [each for each in found if each["OfflineStoreStatus"]["Status"] == status]
        if params.get("SortBy") == "OfflineStoreStatus":
            found.sort(key=lambda each: each["OfflineStoreStatus"]["Status"])
            found = found[::-1] if params.get("SortOrder") == "Descending" else found
        else:
            found = ordered(found, params, _SORTED_BY, ("CreationTime", "Descending"))
        return page("FeatureGroupSummaries", [only(each, _SUMMARY) for each in found], params)

    def find(self, account: str, region: str, name: str) -> Group | None:
        """Return a group at work."""
        return self._live.get((account, region, name))

    def commit(self, acting: ActingClients, group: Group, at_s: float) -> None:
        """Let a group's Iceberg table know of what was written."""
        described = self._store.find(FEATURE_GROUP, group.owner, group.name)
        if group.is_iceberg and described is not None:
            provisioning.advance(acting, group, described, at_s)

    def written(self, group: Group, refusal: str) -> None:
        """Block the offline store that cannot be written, and open it again."""
        status = {"Status": "Blocked", "BlockedReason": refusal[:1024]} if refusal else {"Status": "Active"}
        if self._store.find(FEATURE_GROUP, group.owner, group.name) is not None:
            self._store.update(FEATURE_GROUP, group.owner, group.name, OfflineStoreStatus=status)

    def _make(self, group: Group, described: Record, caller: Caller) -> None:
        creator = self._clients.acting(caller.access_key)

        def do() -> Record:
            provisioning.make(self._clients, creator, group, described)
            return {}

        self._finish(group, do, "FeatureGroupStatus", (CREATED, "CreateFailed"))

    def _change(self, group: Group, changes: Record) -> None:
        def do() -> Record:
            described = {**self._store.get(FEATURE_GROUP, group.owner, group.name), **changes}
            if "FeatureDefinitions" in changes and catalog.has_table(described):
                provisioning.grow(self._clients, group, described, self._store.clock.now())
            return changes

        self._finish(group, do, "LastUpdateStatus", ("Successful", "Failed"))

    def _finish(self, group: Group, do: Callable[[], Record], member: str, ends: tuple[str, str]) -> None:
        """Do what makes or changes a group, and note how that ended."""
        try:
            changed, end, reason = do(), ends[0], ""
        except (ClientError, ApiError) as error:
            told = error.message if isinstance(error, ApiError) else error.response["Error"]["Message"]
            changed, end, reason = Record(), ends[1], told[:1024]
        why = {"FailureReason": reason} if reason else {}
        state: Record = {member: end, **why} if member == "FeatureGroupStatus" else {member: {"Status": end, **why}}
        now = self._store.now()
        described = self._store.update(FEATURE_GROUP, group.owner, group.name, **changed, **state, LastModifiedTime=now)
        group.follow(described)
        if "ThroughputConfig" in changed:
            group.throttle(described["ThroughputConfig"])

    def _begin(self, what: str, do: Callable[[], None]) -> None:
        begin(self._store.clock, what, do)
