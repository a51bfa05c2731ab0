"""The point-in-time join as Athena's SQL: every labelled row with the features that were known at its time.

Of a record's history a row sees what happened at or before its own time (and, where the project says so, what the store
had been told by then), and of that the newest: by event time, then by when the store was told, then by when it was
written. Where these are all the same, a deletion counts as the newest, and else the order of the values decides, so
that the same history always gives the same table. A deleted record, and one older than the look-back, gives nothing.

Where a group's records have a time to live, one that has outlived it gives nothing either, as the online store has it
no more. What SageMaker adds to the history when a record expires is a deletion, of which AWS does not say whether its
event time is the record's own or the moment of the expiry. So a deletion of the same event time as a live record of the
same id is taken for its expiry and ignored: a record is there until its time to live is over, in both cases.
https://docs.aws.amazon.com/sagemaker/latest/dg/feature-store-time-to-live.html

No row is joined with a whole history, which for long histories would be their product. Each record gets its place in
its history, rows and records are put in one line by time, and the greatest place so far is the row's record: a sort.
"""

# ruff: noqa: S608 - no value stands in the text, and Athena takes no parameter for a name: each is quoted

import math
from dataclasses import dataclass, field

from sagewright.runtime.jobs.declaration import Declaration, DeclaredFeature, Group, JoinedGroup
from sagewright.runtime.serving.errors import UserError

# Columns of the table of labelled rows, beside one for each key.
ROW, AT, AT_SECONDS = "labelled_row", "row_time", "row_seconds"
# Of Athena's 262,144 bytes, the rest is for the UNLOAD around the query with its place, a key of at most 1,024:
# https://docs.aws.amazon.com/athena/latest/ug/service-limits.html
LONGEST_QUERY = 262_144 - 2_048

GLUE_TYPES = {"string": "string", "integral": "bigint", "fractional": "double"}
_MS_PER_HOUR = 3_600_000
# A time to live that is longer than event times can be apart (they are between 1900 and 2200) ends nothing.
_HOURS_APART = 300 * 366 * 24


@dataclass(frozen=True)
class Key:
    """A column of the labelled rows that names records of some group, as values of the type that their ids have."""

    column: str
    type: str
    alias: str


@dataclass(frozen=True)
class GroupJoin:
    """One group of the join."""

    group: str
    feature_group: str
    database: str
    table: str
    record_id: DeclaredFeature
    event_time: DeclaredFeature
    features: tuple[DeclaredFeature, ...]
    on: str
    # The column that holds the key within the query, and those that the features have there, in their order.
    key: str
    aliases: tuple[str, ...]
    # The project's, or the records' time to live where that is shorter.
    look_back_hours: float | None = None
    expires: bool = False


@dataclass(frozen=True)
class Plan:
    """What is joined, in order, with what the labelled rows must bring for it."""

    joins: tuple[GroupJoin, ...]
    keys: tuple[Key, ...]
    knows_arrival: bool

    @classmethod
    def of(cls, declaration: Declaration) -> "Plan":
        """Read the plan from the project's declaration. Raises UserError where it cannot be joined."""
        drawn = _Draft(declaration)
        joins = tuple(drawn.join(number, each) for number, each in enumerate(declaration.join, start=1))
        arrival = declaration.data.known_by == "api_invocation_time"
        return cls(joins, tuple(drawn.keys.values()), arrival)

    @property
    def features(self) -> dict[str, DeclaredFeature]:
        """Every joined feature by the column that holds it in the query's result."""
        return {
            alias: feature for each in self.joins for alias, feature in zip(each.aliases, each.features, strict=True)
        }

    def query(self, database: str, table: str) -> str:
        """Return the query over a table with the labelled rows' numbers, times and keys."""
        carried = [ROW, AT, AT_SECONDS, *(key.alias for key in self.keys)]
        parts = [f"joined_0 AS (SELECT {_listed(carried)} FROM {_quoted(database)}.{_quoted(table)})"]
        for number, each in enumerate(self.joins, start=1):
            step = _Step(number, each, knows_arrival=self.knows_arrival)
            parts += [step.history(), step.line(carried), step.joined(carried)]
            carried += each.aliases
        selected = _listed([ROW, *self.features])
        steps = ",\n".join(parts)
        query = f"SELECT {selected} FROM (WITH\n{steps}\nSELECT {selected} FROM joined_{len(self.joins)})"
        if len(query.encode()) > LONGEST_QUERY:
            raise UserError(
                f"data.join: the query for {len(self.features)} features has {len(query.encode())} bytes, more than "
                f"Athena takes ({LONGEST_QUERY}): name the features that the model needs under data.join[].features"
            )
        return query


def unload(query: str, uri: str) -> str:
    """Return the statement that writes a query's result as Parquet files to a place in S3 where nothing is yet."""
    place = uri.rstrip("/").replace("'", "''")
    return f"UNLOAD ({query})\nTO '{place}/'\nWITH (format = 'PARQUET', compression = 'SNAPPY')"


@dataclass
class _Draft:
    """Gives every key and feature a column of its own, so that no name of a project can be one of SQL's or of ours."""

    declaration: Declaration
    keys: dict[tuple[str, str], Key] = field(default_factory=dict)
    known: dict[str, tuple[str, DeclaredFeature]] = field(default_factory=dict)

    def join(self, number: int, wanted: JoinedGroup) -> GroupJoin:
        group = self.declaration.groups[wanted.group]
        place = f"data.join[{number - 1}] ({wanted.group})"
        if group.offline is None:
            raise UserError(f"{place}: the group has no offline store, so that nothing of its history can be joined")
        declared = {each.name: each for each in group.features}
        record_id = declared[group.record_id]
        key = self._key(place, wanted.on, record_id)
        features = tuple(declared[name] for name in wanted.features)
        return GroupJoin(
            group=wanted.group,
            feature_group=group.feature_group,
            database=group.database,
            table=group.table,
            record_id=record_id,
            event_time=declared[group.event_time],
            features=features,
            on=wanted.on,
            key=key,
            aliases=tuple(self._alias(place, feature) for feature in features),
            look_back_hours=_look_back_hours(wanted, group),
            expires=group.time_to_live_s is not None,
        )

    def _alias(self, place: str, feature: DeclaredFeature) -> str:
        if feature.name in self.known:
            raise UserError(
                f"{place}: {feature.name} is a feature of a group before, too: leave it out of one of them, or give it "
                "another name in a new version of its group"
            )
        alias = f"feature_{len(self.known) + 1}"
        self.known[feature.name] = (alias, feature)
        return alias

    def _key(self, place: str, on: str, record_id: DeclaredFeature) -> str:
        if on in self.known:
            alias, feature = self.known[on]
            if feature.type != record_id.type:
                raise UserError(
                    f"{place}: {on} is {feature.type} and cannot name records whose id {record_id.name} is "
                    f"{record_id.type}: declare both with the same type"
                )
            return alias
        key = self.keys.setdefault((on, record_id.type), Key(on, record_id.type, f"key_{len(self.keys) + 1}"))
        return key.alias


@dataclass(frozen=True)
class _Step:
    """One group's three parts of the query: its history, rows and records in one line, and the rows with its values."""

    number: int
    of: GroupJoin
    knows_arrival: bool

    @property
    def _in_seconds(self) -> bool:
        """Whether the group's event times are numbers; they are then compared as such, without any rounding."""
        return self.of.event_time.type != "string"

    def history(self) -> str:
        """Give each record its place in its history, and the moment from which on it is known."""
        order = ["happened", "arrived", "written", "deleted", *(f"{alias} NULLS FIRST" for alias in self.of.aliases)]
        arrived = "to_unixtime(arrived)" if self._in_seconds else "arrived"
        known = f"CASE WHEN {arrived} > happened THEN {arrived} ELSE happened END" if self.knows_arrival else "happened"
        return (
            f"history_{self.number} AS (\n"
            f"  SELECT {_listed(['id', 'happened', 'deleted', *self.of.aliases])}, {known} AS known,\n"
            f"    row_number() OVER (PARTITION BY id ORDER BY {', '.join(order)}) AS place\n"
            f"  FROM {self._records()})"
        )

    def _records(self) -> str:
        stored = f"(SELECT {', '.join(self._columns())} FROM {_quoted(self.of.database)}.{_quoted(self.of.table)})"
        if not self.of.expires:
            return stored
        names = _listed(["id", "happened", "arrived", "written", "deleted", *self.of.aliases])
        live = "max(CASE WHEN deleted = false THEN 1 ELSE 0 END) OVER (PARTITION BY id, happened) AS live"
        return f"(SELECT {names}, {live} FROM {stored})\n  WHERE deleted = false OR live = 0"

    def _columns(self) -> list[str]:
        time = _quoted(self.of.event_time.name)
        happened = time if self._in_seconds else f"CAST(from_iso8601_timestamp({time}) AT TIME ZONE 'UTC' AS timestamp)"
        return [
            f"{_quoted(self.of.record_id.name)} AS id",
            f"{happened} AS happened",
            '"api_invocation_time" AS arrived',
            '"write_time" AS written',
            '"is_deleted" AS deleted',
            *(
                f"{_quoted(each.name)} AS {alias}"
                for each, alias in zip(self.of.features, self.of.aliases, strict=True)
            ),
        ]

    def line(self, carried: list[str]) -> str:
        """Put rows and records in one line by time, a record before the rows of the same moment."""
        rows = f"{_listed(carried)}, {self.of.key} AS id, {AT_SECONDS if self._in_seconds else AT} AS moment"
        nothing = ", ".join(f"NULL AS {name}" for name in carried)
        return (
            f"line_{self.number} AS (\n"
            f"  SELECT {_listed(carried)}, id, is_row,\n"
            "    max(place) OVER (PARTITION BY id ORDER BY moment, is_row"
            " ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS place\n"
            f"  FROM (SELECT {rows}, NULL AS place, 1 AS is_row FROM joined_{self.number - 1}\n"
            f"    UNION ALL SELECT {nothing}, id, known AS moment, place, 0 AS is_row FROM history_{self.number}))"
        )

    def joined(self, carried: list[str]) -> str:
        """Give each row the values of its record, or none."""
        held = [f"l.{name} AS {name}" for name in carried] + [f"h.{alias} AS {alias}" for alias in self.of.aliases]
        conditions = ["h.id = l.id", "h.place = l.place", "h.deleted = false"]
        if self.of.look_back_hours is not None:
            milliseconds = round(self.of.look_back_hours * _MS_PER_HOUR)
            after = (
                f"l.{AT_SECONDS} - {milliseconds}E-3"
                if self._in_seconds
                else f"date_add('millisecond', -{milliseconds}, l.{AT})"
            )
            conditions.append(f"h.happened > {after}")
        return (
            f"joined_{self.number} AS (\n"
            f"  SELECT {', '.join(held)}\n"
            f"  FROM line_{self.number} AS l\n"
            f"  LEFT JOIN history_{self.number} AS h ON {' AND '.join(conditions)}\n"
            "  WHERE l.is_row = 1)"
        )


def _look_back_hours(wanted: JoinedGroup, group: Group) -> float | None:
    lives = math.inf if group.time_to_live_s is None else group.time_to_live_s / 3600
    hours = min(math.inf if wanted.look_back_hours is None else wanted.look_back_hours, lives)
    return hours if hours < _HOURS_APART else wanted.look_back_hours


def _listed(names: list[str]) -> str:
    return ", ".join(names)


def _quoted(name: str) -> str:
    """Return a name of the project's as SQL has it, so that a hyphen or a word of SQL's own is no more than a name."""
    return '"' + name.replace('"', '""') + '"'
