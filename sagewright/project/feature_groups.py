"""The groups of features that a project declares once, for training and for serving: the typed model of each."""

import re
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic.config import JsonDict

from sagewright.project import feature_fields, fields
from sagewright.project.messages import shown
from sagewright.project.section import Section

FeatureType = Literal["integral", "fractional", "string"]
TYPES: tuple[FeatureType, ...] = ("integral", "fractional", "string")
Unit = Literal["seconds", "minutes", "hours", "days", "weeks"]
Schedule = Literal["none", "hourly", "daily"]
Offline = Literal["glue", "iceberg", "none"]

_SECONDS: dict[Unit, int] = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86400, "weeks": 604800}
# CloudWatch looks back no further.
FRESH_HOURS = 7 * 24
# Of one group: https://docs.aws.amazon.com/sagemaker/latest/dg/feature-store-quotas.html
CAPACITY_UNITS = 40_000


class Declared(NamedTuple):
    """One feature as a feature group holds it; description and unit are empty where there is none."""

    name: str
    type: FeatureType
    description: str
    unit: str


class Feature(Section):
    """One column of a group."""

    type: FeatureType = Field(
        description="What its values are: whole numbers, numbers or text. It can never change within a version."
    )
    description: Annotated[str, AfterValidator(feature_fields.feature_text)] = Field(
        "",
        description="What it says, for those who look for features. The ingestion writes it to the feature's metadata.",
        examples=["How far one sees"],
        json_schema_extra={"maxLength": feature_fields.FEATURE_TEXT, "pattern": "^[^\\r\\n\\t]*$"},
    )
    unit: Annotated[str, AfterValidator(feature_fields.unit)] | None = Field(
        None,
        description="What it is measured in, kept as the parameter `unit` of the feature's metadata.",
        examples=["miles"],
    )


class TimeToLive(Section):
    """How long the online store keeps a record."""

    value: int = Field(ge=1, le=2147483647, description="How many of the unit, from a record's event time on.")
    unit: Unit = Field(description="The unit of `value`.")

    @property
    def seconds(self) -> int:
        """How long that is."""
        return self.value * _SECONDS[self.unit]


class Online(Section):
    """The store that serving reads: the newest record of each id."""

    time_to_live: TimeToLive | None = Field(
        None, description="How long a record can be read. Left out, it stays until another one replaces it."
    )


class Provisioned(Section):
    """Throughput that is paid by the hour instead of by the request."""

    reads: int = Field(ge=1, le=CAPACITY_UNITS, description="Read capacity units.", examples=[100])
    writes: int = Field(ge=1, le=CAPACITY_UNITS, description="Write capacity units.", examples=[100])


class Ingest(Section):
    """When the group's source is read."""

    schedule: Schedule = Field("none", description="How often, whatever has arrived.")
    on_arrival: bool = Field(
        default=True,
        description="Whether also as soon as a file has arrived. For a source in a bucket of somebody else, its owner "
        "has to send the bucket's events to EventBridge in this account.",
    )


def _feature(value: Any) -> Any:
    """Read `wind: fractional` as its type."""
    if isinstance(value, str):
        return {"type": value}
    if _is_plain(value):
        raise ValueError(
            f"{shown(value)} is not a type; write {', '.join(TYPES[:-1])} or {TYPES[-1]}, or keys below it"
        )
    return value


def _online(value: Any) -> Any:
    if isinstance(value, bool):
        return Online() if value else None
    if _is_plain(value):
        raise ValueError(f"{shown(value)} is neither true nor false; write one of them, or `time_to_live` below it")
    return value


def _throughput(value: Any) -> Any:
    if value == "on_demand":
        return None
    if _is_plain(value):
        raise ValueError(f"{shown(value)} is not on_demand; write that, or `reads` and `writes` below it")
    return value


def _is_plain(value: object) -> bool:
    return value is None or isinstance(value, str | int | float)


def _short_feature(schema: JsonDict) -> None:
    # A callable and not a mapping, because pydantic merges a mapping into the reference, which then says both.
    reference = schema.pop("additionalProperties")
    schema["additionalProperties"] = {"anyOf": [{"type": "string", "enum": list(TYPES)}, reference]}
    schema["propertyNames"] = {
        "pattern": f"^{feature_fields.FEATURE}$",
        "maxLength": feature_fields.NAME_LENGTH,
        "not": {"enum": list(feature_fields.RESERVED)},
    }
    schema["maxProperties"] = feature_fields.FEATURES
    schema["minProperties"] = 1


def _either(short: JsonDict, default: Any, schema: JsonDict) -> None:
    options = schema["anyOf"]
    if not isinstance(options, list):
        raise TypeError(f"{schema} is not a choice")
    schema["anyOf"] = [short, *(option for option in options if option != {"type": "null"})]
    schema["default"] = default


def _online_schema(schema: JsonDict) -> None:
    _either({"type": "boolean"}, True, schema)


def _throughput_schema(schema: JsonDict) -> None:
    _either({"type": "string", "enum": ["on_demand"]}, "on_demand", schema)


class FeatureGroup(Section):
    """Rows of features by record id and event time: declared once, the same in training and serving."""

    use: Annotated[str, AfterValidator(feature_fields.use)] | None = Field(
        None,
        description="A group of another project in the same account and region, read and never written. Declare of it "
        "`record_id`, `event_time` and the `features` that are read; everything else is the other project's.",
        examples=["other-project/weather@2"],
        json_schema_extra={
            "anyOf": [
                {
                    "type": "string",
                    "pattern": f"^{feature_fields.USE.replace('?P<project>', '').replace('?P<group>', '')}$",
                },
                {"type": "null"},
            ]
        },
    )
    version: int = Field(
        1,
        ge=1,
        le=9999,
        description="Another version is another group, beside the one before, which stays. It is the way to every "
        "change that a group cannot take: `sagewright features migrate GROUP` fills the new one.",
    )
    description: Annotated[str, AfterValidator(fields.description)] = Field(
        "",
        description="One line for those who look for features.",
        examples=["What the stations measure"],
        json_schema_extra={"maxLength": fields.DESCRIPTION_BYTES, "pattern": "^[^\\r\\n\\t]*$"},
    )
    source: Annotated[str, AfterValidator(fields.source)] | None = Field(
        None,
        description="Where its rows come from: an S3 prefix, or a CSV or Parquet file of the project, which "
        "`sagewright data put` sends up. Left out, the group is written through SageMaker's API only.",
        examples=["data/weather.parquet", "s3://bucket/weather/"],
    )
    transform: Annotated[str, AfterValidator(feature_fields.function)] | None = Field(
        None,
        description="A function of the package in `training.code` that makes the group's rows of the source's: it "
        "takes and returns a data frame. Left out, the columns are taken as they are.",
        examples=["weather_features"],
    )
    record_id: Annotated[str, AfterValidator(feature_fields.feature_name)] = Field(
        description="The column that says what a row is about.", examples=["origin"]
    )
    event_time: Annotated[str, AfterValidator(feature_fields.feature_name)] = Field(
        description="The column that says since when a row holds: ISO 8601 text (without a zone, UTC), or seconds "
        "since 1970 where it is declared `fractional`.",
        examples=["observed_at"],
    )
    features: dict[
        Annotated[str, AfterValidator(feature_fields.feature_name)], Annotated[Feature, BeforeValidator(_feature)]
    ] = Field(
        description="Every column with its type, or with keys of its own. Of `record_id` and `event_time` they are "
        "`string` where they are left out.",
        examples=[{"wind": "fractional"}],
        json_schema_extra=_short_feature,
    )
    online: Annotated[Online | None, BeforeValidator(_online)] = Field(
        default_factory=Online,
        description="Whether the newest record of each id can be read within milliseconds, as serving by id needs.",
        json_schema_extra=_online_schema,
    )
    offline: Offline = Field(
        "glue",
        description="How the history is kept, which training reads: as Parquet files that a Glue table lists, as an "
        "Iceberg table, or not at all.",
    )
    throughput: Annotated[Provisioned | None, BeforeValidator(_throughput)] = Field(
        None,
        description="What the online store is ready for.",
        json_schema_extra=_throughput_schema,
    )
    ingest: Ingest = Field(default_factory=Ingest, description="When the source is read.")
    fresh_hours: int | None = Field(
        None,
        ge=1,
        le=FRESH_HOURS,
        description="After how many hours without a row ingested somebody is told. Left out, nobody is.",
        examples=[24],
    )

    @property
    def own(self) -> bool:
        """Whether the project holds the group itself."""
        return self.use is None

    @property
    def used(self) -> tuple[str, str, int]:
        """The project, group and version that `use` names; raises ValueError for a group of one's own."""
        found = re.fullmatch(feature_fields.USE, self.use or "")
        if found is None:
            raise ValueError("the group is the project's own and uses no other")
        return found["project"], found["group"], int(found["version"])

    @property
    def s3_place(self) -> tuple[str, str] | None:
        """Bucket and prefix of a source in S3; None for a file of the project and for no source at all."""
        return fields.s3_place(self.source) if self.source else None

    @property
    def table_format(self) -> Literal["Glue", "Iceberg"] | None:
        """AWS's word for how the offline store keeps its table; None where there is no offline store."""
        formats: dict[Offline, Literal["Glue", "Iceberg"] | None] = {"glue": "Glue", "iceberg": "Iceberg", "none": None}
        return formats[self.offline]

    @property
    def time_to_live(self) -> TimeToLive | None:
        """How long the online store keeps a record; None for ever, or without one."""
        return self.online.time_to_live if self.online else None

    @property
    def declared(self) -> tuple[Declared, ...]:
        """Every feature in the order of the group: record id and event time first, then as the file has them."""
        named = dict.fromkeys((self.record_id, self.event_time, *self.features))
        text = Feature(type="string")
        held = {name: self.features.get(name, text) for name in named}
        return tuple(Declared(name, each.type, each.description, each.unit or "") for name, each in held.items())

    def feature(self, name: str) -> Declared | None:
        """Find a declared feature by its name."""
        return next((each for each in self.declared if each.name == name), None)

    @property
    def values(self) -> tuple[str, ...]:
        """The names of the features that a row brings along: all but record id and event time."""
        return tuple(each.name for each in self.declared if each.name not in (self.record_id, self.event_time))
