"""Why: every record is checked against its group, so what that takes is kept at hand and not read anew each time."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..protocol import Caller
from .definition import ICEBERG, duration_s
from .online_table import OnlineTable
from .throughput import Throughput
from .values import Value, as_event_time, invalid, moment_s, typed

MOST_BYTES = 350 * 1024
MOST_ID_BYTES = 2 * 1024
"""https://docs.aws.amazon.com/sagemaker/latest/dg/feature-store-quotas.html"""

Described = Mapping[str, Any]


@dataclass(frozen=True)
class Entry:
    """A record that was checked: its texts by feature, and what they say."""

    record_id: str
    moment_s: float
    values: Mapping[str, str]
    size: int


@dataclass
class Group:
    """A feature group at work; its members change when the group does."""

    owner: Caller
    arn: str
    name: str
    record_id: str
    event_time: str
    types: dict[str, str]
    status: str
    has_offline: bool
    is_iceberg: bool
    role: str
    root: str
    """Where data and metadata of the offline store lie, or nothing."""
    offline_key: str
    online_key: str
    online: OnlineTable | None
    ttl_s: int | None
    throughput: Throughput = field(repr=False)

    def entry(self, record: list[Mapping[str, str]]) -> Entry:
        """Check a record, and return it; a feature without a value is left out of it."""
        types, size = self.types, 0
        values: dict[str, str] = {}
        for item in record:
            name = item["FeatureName"]
            if name in values:
                raise invalid(f"Feature {name} is given more than once.")
            if name not in types:
                raise invalid(f"Feature {name} is not defined in feature group {self.name}.")
            if "ValueAsStringList" in item:
                raise invalid(f"Feature {name} is no collection: give its value as ValueAsString.")
            text = item.get("ValueAsString")
            if text is None:
                raise invalid(f"Feature {name} has no ValueAsString; leave a feature out that has no value.")
            if name != self.event_time:  # which has a form of its own
                typed(name, types[name], text)
            values[name] = text
            size += len(name) + len(text.encode())
        for required in (self.record_id, self.event_time):
            if required not in values:
                raise invalid(f"Required feature {required} is missing from the record.")
        if size > MOST_BYTES:
            raise invalid(f"The record has {size} bytes, more than the {MOST_BYTES} that a record may have.")
        key = self.checked_id(values[self.record_id])
        return Entry(key, self.moment(values[self.event_time]), values, size)

    def checked_id(self, text: str) -> str:
        """Return a record identifier; refuse one that no record can have."""
        if not text or len(text.encode()) > MOST_ID_BYTES:
            raise invalid(
                f"The value of record identifier {self.record_id} has {len(text.encode())} bytes; it has to have 1 to"
                f" {MOST_ID_BYTES}."
            )
        typed(self.record_id, self.types[self.record_id], text)
        return text

    def moment(self, text: str) -> float:
        """Return an event time in seconds since 1970."""
        return moment_s(self.event_time, self.types[self.event_time], text)

    def marker(self, record_id: str, moment: float, event_time: str = "") -> Entry:
        """Return what tells of a deletion: the identifier and its moment, and no values."""
        told = event_time or as_event_time(self.types[self.event_time], moment)
        return Entry(record_id, moment, {self.record_id: record_id, self.event_time: told}, 0)

    def columns(self, entries: list[Entry]) -> dict[str, list[Value | None]]:
        """Return the entries' values by feature, of the features' types; None where there is none."""
        return {
            name: [typed(name, kind, entry.values[name]) if name in entry.values else None for entry in entries]
            for name, kind in self.types.items()
        }

    def throttle(self, config: Described) -> None:
        """Count by another ThroughputConfig from now on."""
        self.throughput = Throughput(config)

    def follow(self, described: Described) -> None:
        """Take over what can change of a group."""
        self.types = {each["FeatureName"]: each["FeatureType"] for each in described["FeatureDefinitions"]}
        self.ttl_s = duration_s(described.get("OnlineStoreConfig", {}).get("TtlDuration"))
        self.status = described["FeatureGroupStatus"]


def opened(owner: Caller, described: Described) -> Group:
    """Return the group that a Describe response tells of."""
    online, offline = described.get("OnlineStoreConfig", {}), described.get("OfflineStoreConfig", {})
    storage = offline.get("S3StorageConfig", {})
    group = Group(
        owner=owner,
        arn=described["FeatureGroupArn"],
        name=described["FeatureGroupName"],
        record_id=described["RecordIdentifierFeatureName"],
        event_time=described["EventTimeFeatureName"],
        types={},
        status="",
        has_offline=bool(offline),
        is_iceberg=offline.get("TableFormat") == ICEBERG,
        role=described.get("RoleArn", ""),
        root=storage.get("ResolvedOutputS3Uri", "").removesuffix("/data"),
        offline_key=storage.get("KmsKeyId", ""),
        online_key=online.get("SecurityConfig", {}).get("KmsKeyId", ""),
        online=OnlineTable() if online.get("EnableOnlineStore") else None,
        ttl_s=None,
        throughput=Throughput(described.get("ThroughputConfig", {})),
    )
    group.follow(described)
    return group
