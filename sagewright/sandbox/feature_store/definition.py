"""Why: what a group is cannot be changed later, so all that is wrong with it has to be said before it is made."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from ..protocol import ApiError
from ..sagemaker.artifacts import split_s3_uri
from ..sagemaker.instances.available import refuse_others, unavailable
from .values import FRACTIONAL, SECONDS

RESERVED = ("is_deleted", "write_time", "api_invocation_time")
MOST_FEATURES = 2500
ICEBERG = "Iceberg"

_OPERATION = "CreateFeatureGroup"
_PROVISIONED = "Provisioned"
_CAPACITIES = ("ProvisionedReadCapacityUnits", "ProvisionedWriteCapacityUnits")

Definition = Mapping[str, Any]


def check(params: dict[str, Any]) -> None:
    """Refuse a group that AWS refuses, and what of one the sandbox does not have."""
    features = params["FeatureDefinitions"]
    check_features(features)
    types = {feature["FeatureName"]: feature["FeatureType"] for feature in features}
    for member in ("RecordIdentifierFeatureName", "EventTimeFeatureName"):
        if params[member] not in types:
            raise refused(f"{member} {params[member]} is not one of the names in FeatureDefinitions.")
    if params["RecordIdentifierFeatureName"] == params["EventTimeFeatureName"]:
        raise refused("RecordIdentifierFeatureName and EventTimeFeatureName have to be two features.")
    # That an id may be a fraction is documented nowhere.
    _require_type(params, types, "RecordIdentifierFeatureName", ("String", "Integral"))
    _require_type(params, types, "EventTimeFeatureName", ("String", "Fractional"))
    online, offline = params.get("OnlineStoreConfig", {}), params.get("OfflineStoreConfig")
    if not online.get("EnableOnlineStore") and offline is None:
        raise refused("A feature group needs an OnlineStoreConfig that enables the store, or an OfflineStoreConfig.")
    _check_online(online)
    if offline is not None:
        _check_offline(params, offline, types[params["EventTimeFeatureName"]])
    check_throughput(params.get("ThroughputConfig", {}), has_online=bool(online.get("EnableOnlineStore")))


def check_features(features: Iterable[Definition], present: Iterable[Definition] = ()) -> None:
    """Refuse features that cannot be, beside those that are there already."""
    given = [feature["FeatureName"] for feature in features]
    names = [*(feature["FeatureName"] for feature in present), *given]
    for feature in features:
        if feature.get("CollectionType"):  # only an in-memory store has them
            raise unavailable(f"FeatureDefinitions.CollectionType of {feature['FeatureName']}")
    if taken := [name for name in given if name.lower() in RESERVED]:
        raise refused(
            f"Feature name {taken[0]} is reserved. A FeatureName cannot be any of the following: {', '.join(RESERVED)}."
        )
    if repeated := [name for name, times in Counter(names).items() if times > 1]:
        raise refused(f"Feature names have to be unique: {repeated[0]} is given more than once.")
    if len(names) > MOST_FEATURES:
        raise ApiError(
            "ResourceLimitExceeded",
            f"A feature group has at most {MOST_FEATURES} feature definitions; this one would have {len(names)}.",
        )


def check_throughput(config: Definition, *, has_online: bool) -> None:
    """Refuse capacities that the mode does not have, and a mode without those that it needs."""
    given = [name for name in _CAPACITIES if name in config]
    if config.get("ThroughputMode") != _PROVISIONED:
        if given:
            raise refused(f"{given[0]} is not applicable in the throughput mode OnDemand.")
        return
    if "ProvisionedWriteCapacityUnits" not in config:
        raise refused("The throughput mode Provisioned needs ProvisionedWriteCapacityUnits.")
    if has_online and "ProvisionedReadCapacityUnits" not in config:
        raise refused(
            "The throughput mode Provisioned needs ProvisionedReadCapacityUnits where there is an online store."
        )
    if not has_online and config.get("ProvisionedReadCapacityUnits"):
        raise refused("ProvisionedReadCapacityUnits is not applicable to a feature group without an online store.")


def duration_s(ttl: Definition | None) -> int | None:
    """Return a TtlDuration in seconds; without unit and value it is none."""
    if not ttl or (ttl.get("Unit") is None and ttl.get("Value") is None):
        return None
    if ttl.get("Unit") is None or ttl.get("Value") is None:
        raise refused("A TtlDuration needs both Unit and Value, or neither of them to remove it.")
    return SECONDS[ttl["Unit"]] * ttl["Value"]


def refused(message: str) -> ApiError:
    """Return the refusal of a group."""
    return ApiError("ValidationException", f"Validation Error: {message}")


def _check_online(online: Definition) -> None:
    refuse_others(
        f"{_OPERATION}.OnlineStoreConfig",
        online,
        {"SecurityConfig", "EnableOnlineStore", "TtlDuration", "StorageType"},
    )
    if online.get("StorageType", "Standard") != "Standard":
        raise unavailable(f"OnlineStoreConfig.StorageType {online['StorageType']} (Standard is)")
    if duration_s(online.get("TtlDuration")) and not online.get("EnableOnlineStore"):
        raise refused("TtlDuration is for a feature group with an online store: set EnableOnlineStore to true.")


def _check_offline(params: Definition, offline: Definition, event_time: str) -> None:
    if not params.get("RoleArn"):
        raise refused("RoleArn is required for a feature group with an OfflineStoreConfig.")
    bucket, _ = split_s3_uri(offline["S3StorageConfig"]["S3Uri"])
    if not bucket:
        raise refused(f"OfflineStoreConfig.S3StorageConfig.S3Uri {offline['S3StorageConfig']['S3Uri']} has no bucket.")
    if offline.get("TableFormat") != ICEBERG:
        return
    if offline.get("DisableGlueTableCreation"):
        raise refused("TableFormat Iceberg is only supported when DisableGlueTableCreation is set to False.")
    # https://docs.aws.amazon.com/sagemaker/latest/dg/feature-store-create-feature-group.html
    if event_time == FRACTIONAL:
        raise refused("TableFormat Iceberg needs an event time feature of type String.")


def _require_type(params: Definition, types: Mapping[str, str], member: str, allowed: tuple[str, ...]) -> None:
    name = params[member]
    if types[name] not in allowed:
        raise refused(f"{member} {name} has to be of type {' or '.join(allowed)}, and is {types[name]}.")
