"""What there is to know of the project's feature groups: declared, deployed, ingested, used, each from where it is."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from botocore.exceptions import ClientError

from sagewright.cli import uploading
from sagewright.cli.target import Target
from sagewright.project import Environment, Project, names
from sagewright.project.feature_groups import Declared, FeatureGroup
from sagewright.runtime.functions.client import Client
from sagewright.runtime.functions.objects import Location, read_json

NOT_FOUND = "ResourceNotFound"
_ABSENT = {"NoSuchKey", "NoSuchBucket", "404"}
PROFILE = "profile.json"


@dataclass(frozen=True)
class Ingested:
    """What the ingestion wrote down of a group."""

    rows: int
    quarantined: int
    distinct_ids: int | None
    newest_event_time: str | None
    at: datetime | None
    null_rates: Mapping[str, float]

    @classmethod
    def of(cls, profile: Mapping[str, Any]) -> "Ingested":
        """Read it from the profile; what a later version has added is left out."""
        at = profile.get("updated_at")
        rates = profile.get("null_rate") or {}
        return cls(
            rows=profile["rows"],
            quarantined=profile.get("quarantined", 0),
            distinct_ids=profile.get("distinct_ids"),
            newest_event_time=profile.get("newest_event_time"),
            at=datetime.fromisoformat(at) if at else None,
            null_rates={name: rate for name, rate in rates.items() if rate is not None},
        )


@dataclass(frozen=True)
class Group:
    """One group of the project file as it is now. `stores` has a status by environment, None where it is not there."""

    name: str
    declared: FeatureGroup
    feature_group: str
    owner: str
    project: str
    stores: Mapping[str, str | None]
    ingested: Ingested | None
    used_by: tuple[str, ...]

    @property
    def features(self) -> tuple[Declared, ...]:
        """Every column, record id and event time first."""
        return self.declared.declared

    @property
    def never_ingested(self) -> tuple[str, ...]:
        """The features that no ingestion has known yet: they were added since, so every row is without them."""
        if self.ingested is None or not self.ingested.rows:
            return ()
        return tuple(each.name for each in self.features if each.name not in self.ingested.null_rates)

    def age_h(self, now: datetime) -> float | None:
        """Hours since something was last ingested; None where nothing ever was."""
        return (
            None
            if self.ingested is None or self.ingested.at is None
            else (now - self.ingested.at).total_seconds() / 3600
        )

    def is_late(self, now: datetime) -> bool:
        """Tell whether nothing was ingested for longer than the project file allows."""
        age, limit = self.age_h(now), self.declared.fresh_hours
        return limit is not None and (age is None or age > limit)


@dataclass(frozen=True)
class Catalogue:
    """All groups of a project, and those of its groups in the account that the project file names no more."""

    groups: tuple[Group, ...]
    left: tuple[str, ...]


class Reader:
    """Reads the catalogue of one project."""

    def __init__(self, project: Project, target: Target) -> None:
        self._project, self._target = project, target
        self._sagemaker = target.client("sagemaker", project.first)

    def read(self) -> Catalogue:
        """Ask for every group where it is."""
        groups = tuple(self._group(name, group) for name, group in self._project.features.items())
        return Catalogue(groups, tuple(self._left({each.feature_group for each in groups})))

    def _group(self, name: str, declared: FeatureGroup) -> Group:
        project = self._project
        holder, there, version = (project.name, name, declared.version) if declared.own else declared.used
        feature_group = names.feature_group(holder, there, version)
        return Group(
            name=name,
            declared=declared,
            feature_group=feature_group,
            owner=(project.owner or project.name) if declared.own else holder,
            project=holder,
            stores=self._stores(name, declared, feature_group),
            ingested=self._ingested(holder, there, version, own=declared.own),
            used_by=tuple(self._users(name, declared, feature_group)),
        )

    def _stores(self, name: str, declared: FeatureGroup, feature_group: str) -> dict[str, str | None]:
        first = self._project.first
        found = {first.name: status(self._sagemaker, feature_group)}
        if declared.own and declared.online:
            for each in self._project.environments[1:]:
                there = names.feature_group(self._project.name, name, declared.version, each.name)
                found[each.name] = status(self._target.lookup_client("sagemaker", each), there)
        return found

    def _ingested(self, holder: str, group: str, version: int, *, own: bool) -> Ingested | None:
        bucket = uploading.data_bucket(self._project, self._target) if own else self._exports.get(_bucket(holder))
        if bucket is None:
            return None
        place = Location(bucket, f"{names.INGESTION}/{group}/v{version}/{PROFILE}")
        try:
            return Ingested.of(read_json(self._target.client("s3", self._project.first), place))
        except ClientError as error:
            if error.response["Error"]["Code"] in _ABSENT:
                return None
            raise

    def _users(self, name: str, declared: FeatureGroup, feature_group: str) -> Iterator[str]:
        if any(each.group == name for each in self._project.first.data.join or ()):
            yield f"{self._project.name} (data.join)"
        if declared.own and feature_group in self._exports:
            yield from importers(self._cloudformation, feature_group)

    def _left(self, declared: set[str]) -> Iterator[str]:
        """Name the groups of the project that nothing declares any more: versions before, and what was taken out."""
        pages = self._sagemaker.get_paginator("list_feature_groups").paginate(NameContains=f"{self._project.name}-")
        for page in pages:
            for each in page["FeatureGroupSummaries"]:
                found = names.group_of(self._project.name, each["FeatureGroupName"])
                if found is not None and found[2] is None and each["FeatureGroupName"] not in declared:
                    yield each["FeatureGroupName"]

    @cached_property
    def _cloudformation(self) -> Client:
        return self._target.client("cloudformation", self._project.first)

    @cached_property
    def _exports(self) -> dict[str, str]:
        pages = self._cloudformation.get_paginator("list_exports").paginate()
        return {each["Name"]: each["Value"] for page in pages for each in page["Exports"]}


def status(sagemaker: Client, feature_group: str) -> str | None:
    """Return a group's status; None where there is none of that name."""
    described = describe(sagemaker, feature_group)
    return None if described is None else described["FeatureGroupStatus"]


def describe(sagemaker: Client, feature_group: str) -> dict[str, Any] | None:
    """Describe a group; None where there is none of that name."""
    try:
        return sagemaker.describe_feature_group(FeatureGroupName=feature_group)
    except ClientError as error:
        if error.response["Error"]["Code"] == NOT_FOUND:
            return None
        raise


def definitions(sagemaker: Client, feature_group: str) -> dict[str, str] | None:
    """Return the type of each feature of a group; None where there is none of that name."""
    described = describe(sagemaker, feature_group)
    if described is None:
        return None
    found = [*described["FeatureDefinitions"]]
    while token := described.get("NextToken"):
        described = sagemaker.describe_feature_group(FeatureGroupName=feature_group, NextToken=token)
        found += described["FeatureDefinitions"]
    return {each["FeatureName"]: each["FeatureType"] for each in found}


def importers(cloudformation: Client, export: str) -> list[str]:
    """Name the stacks that import an export."""
    try:
        pages = cloudformation.get_paginator("list_imports").paginate(ExportName=export)
        return [stack for page in pages for stack in page["Imports"]]
    except ClientError as error:
        if "is not imported" in error.response["Error"]["Message"]:
            return []
        raise


def environment_group(project: Project, name: str, environment: Environment) -> str:
    """Name a group where an environment's serving reads it."""
    declared = project.features[name]
    if not declared.own:
        return names.feature_group(*declared.used)
    suffix = None if environment is project.first else environment.name
    return names.feature_group(project.name, name, declared.version, suffix)


def _bucket(project: str) -> str:
    return names.feature_export(project, "bucket")
