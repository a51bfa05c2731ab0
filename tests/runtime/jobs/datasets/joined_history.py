"""Histories of feature groups, what of them a labelled row may know, and the SQL that says the same, run by DuckDB.

The reference looks at every record for every row, as the definition reads, and shares nothing with the query.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import duckdb
import pyarrow as pa
import sqlglot

from sagewright.runtime.jobs.datasets.point_in_time import AT, AT_SECONDS, GLUE_TYPES, ROW, Plan
from sagewright.runtime.jobs.declaration import Declaration

DATABASE, LABELLED = "shop_features", "labelled_0"
_ARROW = {"string": pa.string(), "bigint": pa.int64(), "double": pa.float64()}
_RESERVED = {"write_time": pa.timestamp("ms"), "api_invocation_time": pa.timestamp("ms"), "is_deleted": pa.bool_()}


@dataclass(frozen=True)
class Record:
    """One row of an offline store; times in milliseconds, the event time also as the store holds it."""

    id: Any
    happened: int
    stored: Any
    arrived: int
    written: int
    deleted: bool
    values: Mapping[str, Any]


@dataclass(frozen=True)
class History:
    """A group as declared, with all its records."""

    name: str
    types: Mapping[str, str]  # record id and event time first
    records: Sequence[Record]
    on: str
    look_back_hours: float | None = None
    time_to_live_s: int | None = None

    @property
    def features(self) -> list[str]:
        return [*self.types][2:]

    def group(self) -> dict[str, Any]:
        record_id, event_time = [*self.types][:2]
        features = [{"name": name, "type": kind, "description": "", "unit": ""} for name, kind in self.types.items()]
        return {
            "feature_group": f"shop-{self.name}-v1",
            "version": 1,
            "record_id": record_id,
            "event_time": event_time,
            "transform": None,
            "package": "shop",
            "database": DATABASE,
            "table": f"{self.name}_v1",
            "offline": "glue",
            "online": True,
            "time_to_live_s": self.time_to_live_s,
            "own": True,
            "owner": "team@example.com",
            "features": features,
        }

    def table(self) -> pa.Table:
        record_id, event_time = [*self.types][:2]
        rows = [
            {
                record_id: each.id,
                event_time: each.stored,
                **each.values,
                "write_time": moment(each.written),
                "api_invocation_time": moment(each.arrived),
                "is_deleted": each.deleted,
            }
            for each in self.records
        ]
        types = {name: _ARROW[GLUE_TYPES[kind]] for name, kind in self.types.items()} | _RESERVED
        return pa.Table.from_pylist(rows, pa.schema(types))


def moment(milliseconds: int) -> datetime:
    return datetime(1970, 1, 1) + timedelta(milliseconds=milliseconds)  # noqa: DTZ001 - a store's own have no zone


def iso(milliseconds: int, hours_east: int = 0) -> str:
    """Write a moment as a clock of another zone shows it."""
    there = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=milliseconds, hours=hours_east)
    text = there.strftime("%Y-%m-%dT%H:%M:%S") + (f".{milliseconds % 1000:03}" if milliseconds % 1000 else "")
    return text + (f"{hours_east:+03}:00" if hours_east else "Z")


def document(histories: Sequence[History], known_by: str = "event_time") -> dict[str, Any]:
    return {
        "project": "shop",
        "groups": {each.name: each.group() for each in histories},
        "join": [
            {
                "group": each.name,
                "on": each.on,
                "features": each.features,
                "look_back_hours": each.look_back_hours,
            }
            for each in histories
        ],
        "data": {"event_time": "at", "record_id": None, "label": "bought", "known_by": known_by},
    }


def plan(histories: Sequence[History], known_by: str = "event_time") -> Plan:
    return Plan.of(Declaration.parse(document(histories, known_by)))


@dataclass(frozen=True)
class Question:
    """The labelled rows: the time of each in milliseconds, and its keys by column."""

    times: Sequence[int]
    keys: Mapping[str, Sequence[Any]]

    def table(self, of: Plan) -> pa.Table:
        columns: dict[str, Any] = {
            ROW: pa.array(range(len(self.times)), pa.int64()),
            AT: pa.array(self.times, pa.timestamp("ms")),
            AT_SECONDS: pa.array([each / 1000 for each in self.times], pa.float64()),
        }
        return pa.table(
            columns | {key.alias: pa.array(self.keys[key.column], _ARROW[GLUE_TYPES[key.type]]) for key in of.keys}
        )


@dataclass
class Reference:
    """The definition, record by record."""

    histories: Sequence[History]
    known_by: str = "event_time"
    answers: list[dict[str, Any]] = field(default_factory=list)

    def joined(self, question: Question) -> list[dict[str, Any]]:
        answers: list[dict[str, Any]] = []
        for row, time in enumerate(question.times):
            cells: dict[str, Any] = {name: values[row] for name, values in question.keys.items()}
            found: dict[str, Any] = {}
            for history in self.histories:
                best = self._best(history, cells.get(history.on), time)
                values = {name: None if best is None else best.values[name] for name in history.features}
                cells |= values
                found |= values
            answers.append(found)
        return answers

    def _best(self, history: History, key: Any, time: int) -> Record | None:
        best: Record | None = None
        for record in history.records:
            if key is None or record.id != key or record.happened > time:
                continue
            if self.known_by == "api_invocation_time" and record.arrived > time:
                continue
            if history.look_back_hours is not None and record.happened <= time - history.look_back_hours * 3_600_000:
                continue
            if history.time_to_live_s is not None and record.happened <= time - history.time_to_live_s * 1000:
                continue
            if history.time_to_live_s is not None and record.deleted and _lives(record, history):
                continue
            if best is None or _age(record, history) > _age(best, history):
                best = record
        return None if best is None or best.deleted else best


def _lives(expired: Record, history: History) -> bool:
    """Tell whether a record of the same id and event time is in the history that is no deletion."""
    return any(
        each.id == expired.id and each.happened == expired.happened and not each.deleted for each in history.records
    )


def _age(record: Record, history: History) -> tuple[Any, ...]:
    values = [
        (record.values[name] is not None, record.values[name] if record.values[name] is not None else 0)
        for name in history.features
    ]
    return (record.happened, record.arrived, record.written, record.deleted, values)


def answered(query: str, tables: Mapping[str, pa.Table]) -> pa.Table:
    """Run a query of Athena's in DuckDB, where the zone of the session is Athena's."""
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f'CREATE SCHEMA "{DATABASE}"')
        for name, table in tables.items():
            connection.register("given", table)
            connection.table("given").create(f'"{DATABASE}"."{name}"')
            connection.unregister("given")
        return connection.sql(translated(query)).to_arrow_table()


@cache
def translated(query: str) -> str:
    (text,) = sqlglot.transpile(query, read="athena", write="duckdb")
    return text


def by_query(histories: Sequence[History], question: Question, known_by: str = "event_time") -> list[dict[str, Any]]:
    """Return the features of each row as the query finds them."""
    of = plan(histories, known_by)
    tables = {f"{each.name}_v1": each.table() for each in histories} | {LABELLED: question.table(of)}
    result = answered(of.query(DATABASE, LABELLED), tables).sort_by(ROW)
    assert result.column(ROW).to_pylist() == [*range(len(question.times))]
    names = {alias: feature.name for alias, feature in of.features.items()}
    return [{names[alias]: row[alias] for alias in names} for row in result.to_pylist()]
