"""Why: a workgroup says where results go and how they are encrypted, whatever a query's own request says."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from ..clock import Clock
from ..protocol import Caller
from .failures import invalid, lacking

PRIMARY = "primary"
ENGINE = "Athena engine version 3"
_MOST_TAGS = 50
_SMALLEST_CUTOFF = 10_000_000
_HERE = {
    *("ResultConfiguration", "EnforceWorkGroupConfiguration", "PublishCloudWatchMetricsEnabled"),
    *("BytesScannedCutoffPerQuery", "RequesterPaysEnabled", "EngineVersion"),
}
_RESULTS_HERE = {"OutputLocation", "EncryptionConfiguration", "ExpectedBucketOwner", "AclConfiguration"}
_REMOVALS = {
    "RemoveOutputLocation": "OutputLocation",
    "RemoveEncryptionConfiguration": "EncryptionConfiguration",
    "RemoveExpectedBucketOwner": "ExpectedBucketOwner",
    "RemoveAclConfiguration": "AclConfiguration",
}

Record = dict[str, Any]
Busy = Callable[[Caller, str], bool]


class WorkGroups:
    """The workgroups of every account and region; each has the one called primary from the beginning."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: dict[tuple[str, str], dict[str, Record]] = {}
        self._tags: dict[str, dict[str, str]] = {}
        self.busy: Busy = lambda _caller, _name: False
        """Whether anything ran in a workgroup; whoever keeps the queries tells."""

    def create_work_group(self, params: Record, caller: Caller) -> Record:
        """Make a workgroup."""
        name = params["Name"]
        with self._lock:
            groups = self._of(caller)
            if name in groups:
                raise invalid("WorkGroup is already created")
            configuration = _checked(params.get("Configuration") or {})
            groups[name] = self._new(name, configuration, params.get("Description", ""))
            self._tags[_arn(caller, name)] = _pairs(params.get("Tags") or [])
        return {}

    def get_work_group(self, params: Record, caller: Caller) -> Record:
        """Return a workgroup."""
        return {"WorkGroup": self.get(params["WorkGroup"], caller)}

    def update_work_group(self, params: Record, caller: Caller) -> Record:
        """Change what the request names of a workgroup."""
        group = self.get(params["WorkGroup"], caller)
        updates = params.get("ConfigurationUpdates") or {}
        configuration = dict(group["Configuration"])
        results = dict(configuration.get("ResultConfiguration") or {})
        for name, value in (updates.get("ResultConfigurationUpdates") or {}).items():
            if name in _REMOVALS:
                if value:
                    results.pop(_REMOVALS[name], None)
            else:
                results[name] = value
        if updates.get("RemoveBytesScannedCutoffPerQuery"):
            configuration.pop("BytesScannedCutoffPerQuery", None)
        plain = {"ResultConfigurationUpdates", "RemoveBytesScannedCutoffPerQuery"}
        configuration |= {name: value for name, value in updates.items() if name not in plain}
        configuration["ResultConfiguration"] = results
        checked = _checked(configuration)
        with self._lock:
            group["Configuration"] = checked
            for name in ("Description", "State"):
                if name in params:
                    group[name] = params[name]
        return {}

    def delete_work_group(self, params: Record, caller: Caller) -> Record:
        """Delete a workgroup; one in which something ran only where the request says so."""
        name = params["WorkGroup"]
        if name == PRIMARY:
            raise invalid("The primary workgroup cannot be deleted.")
        self.get(name, caller)
        if not params.get("RecursiveDeleteOption") and self.busy(caller, name):
            raise invalid(f"WorkGroup {name} is not empty")
        with self._lock:
            del self._of(caller)[name]
            self._tags.pop(_arn(caller, name), None)
        return {}

    def list_work_groups(self, params: Record, caller: Caller) -> Record:
        """Return all workgroups, in one page."""
        if params.get("NextToken"):
            raise invalid("NextToken is not one that was given out.")
        members = ("Name", "State", "Description", "CreationTime")
        with self._lock:
            groups = sorted(self._of(caller).values(), key=lambda group: str(group["Name"]))
        summaries = [{name: group[name] for name in members} for group in groups]
        engine = {"EngineVersion": {"SelectedEngineVersion": "AUTO", "EffectiveEngineVersion": ENGINE}}
        return {"WorkGroups": [summary | engine for summary in summaries]}

    def tag_resource(self, params: Record, caller: Caller) -> Record:
        """Add tags, or change them."""
        tags = {**self._tagged(params, caller), **_pairs(params["Tags"])}
        if len(tags) > _MOST_TAGS:
            raise invalid(f"A workgroup has at most {_MOST_TAGS} tags.")
        self._tags[params["ResourceARN"]] = tags
        return {}

    def untag_resource(self, params: Record, caller: Caller) -> Record:
        """Remove tags."""
        tags = self._tagged(params, caller)
        self._tags[params["ResourceARN"]] = {key: tags[key] for key in tags if key not in params["TagKeys"]}
        return {}

    def list_tags_for_resource(self, params: Record, caller: Caller) -> Record:
        """Return the tags, in one page."""
        tags = self._tagged(params, caller)
        return {"Tags": [{"Key": key, "Value": value} for key, value in sorted(tags.items())]}

    def get(self, name: str, caller: Caller) -> Record:
        """Return a workgroup as it is kept."""
        with self._lock:
            groups = self._of(caller)
            if name not in groups:
                raise invalid(f"WorkGroup {name} is not found.")
            return groups[name]

    def tags_of(self, arn: str) -> dict[str, str]:
        """Return the tags of a workgroup, for whoever decides about access."""
        return self._tags.get(arn, {})

    def _tagged(self, params: Record, caller: Caller) -> dict[str, str]:
        arn = params["ResourceARN"]
        if not arn.startswith(_arn(caller, "")):
            raise lacking(f"tags of {arn}")
        self.get(arn.rpartition("/")[2], caller)
        return self._tags.setdefault(arn, {})

    def _of(self, caller: Caller) -> dict[str, Record]:
        groups = self._kept.setdefault((caller.account, caller.region), {})
        if PRIMARY not in groups:
            groups[PRIMARY] = self._new(PRIMARY, _checked({"EnforceWorkGroupConfiguration": False}), "")
        return groups

    def _new(self, name: str, configuration: Record, description: str) -> Record:
        return {
            "Name": name,
            "State": "ENABLED",
            "Configuration": configuration,
            "Description": description,
            "CreationTime": datetime.fromtimestamp(self._clock.now(), UTC),
        }


def check_results(results: Record) -> None:
    """Refuse a configuration of results that Athena does not take, and by name what the sandbox lacks of it."""
    for name in results:
        if name not in _RESULTS_HERE:
            raise lacking(f"{name} of a result configuration")
    location = results.get("OutputLocation", "")
    if location and not location.startswith("s3://"):
        raise invalid("outputLocation is not a valid S3 path.")
    encryption = results.get("EncryptionConfiguration") or {}
    if encryption.get("EncryptionOption") == "CSE_KMS":
        raise lacking("encryption by the client (CSE_KMS)")
    if encryption.get("EncryptionOption") == "SSE_KMS" and not encryption.get("KmsKey"):
        raise invalid("KmsKey is required for the encryption option SSE_KMS")


def _checked(configuration: Record) -> Record:
    for name, value in configuration.items():
        if name not in _HERE and value not in (False, {"Enabled": False}):
            raise lacking(f"{name} of a workgroup")
    check_results(configuration.get("ResultConfiguration") or {})
    cutoff = configuration.get("BytesScannedCutoffPerQuery")
    if cutoff is not None and cutoff < _SMALLEST_CUTOFF:
        raise invalid(f"BytesScannedCutoffPerQuery must be at least {_SMALLEST_CUTOFF}")
    selected = (configuration.get("EngineVersion") or {}).get("SelectedEngineVersion", "AUTO")
    if selected not in {"AUTO", ENGINE}:
        raise lacking(f"the engine {selected}")
    defaults: Record = {
        "ResultConfiguration": {},
        "EnforceWorkGroupConfiguration": True,
        "PublishCloudWatchMetricsEnabled": False,
        "RequesterPaysEnabled": False,
    }
    kept = {name: value for name, value in configuration.items() if name in _HERE}
    engine = {"EngineVersion": {"SelectedEngineVersion": selected, "EffectiveEngineVersion": ENGINE}}
    return {**defaults, **kept, **engine}


def _arn(caller: Caller, name: str) -> str:
    return f"arn:aws:athena:{caller.region}:{caller.account}:workgroup/{name}"


def _pairs(tags: list[dict[str, str]]) -> dict[str, str]:
    return {tag["Key"]: tag.get("Value", "") for tag in tags}
