"""Rows that are asked for by their ids: their features as the online store has them, joined as the training's were.

Each lookup of the schema takes one group's newest record by the row's key, and a later one may take a feature that an
earlier one gave as its key. What training joined at a row's event time is read here at that time, or now. The store
holds no record but the newest: one from before now is taken even where it is newer than the row.
"""

import math
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from http import HTTPStatus

import pandas as pd

from sagewright.runtime.serving import event_times
from sagewright.runtime.serving.by_id import IdRows
from sagewright.runtime.serving.columns import Cell, CellError, Column
from sagewright.runtime.serving.online_store import Key, OnlineStore, Record, StoreError, Wanted
from sagewright.runtime.serving.requests import RequestError
from sagewright.runtime.serving.schema import Lookup, Schema

# Variables of the endpoint's container. Without a region nothing is looked up.
REGION = "FEATURE_STORE_REGION"
SUFFIX = "FEATURE_GROUP_SUFFIX"
TIME_LIMIT = "FEATURE_LOOKUP_TIME_LIMIT_MS"
MISSING = "FEATURE_LOOKUP_MISSING"
UNAVAILABLE = "FEATURE_LOOKUP_UNAVAILABLE"

REFUSE = "refuse"
_DEFAULT_LIMIT_MS = 500
_HOUR_MS = 3_600_000
# Whoever wrote a record has another clock.
_CLOCKS_APART_MS = 60_000
_INTEGER = Column("id", "integer", nullable=False)


@dataclass(frozen=True)
class Stated:
    """What is done where an id has no record, and where the store does not answer."""

    missing: str = "empty"
    unavailable: str = REFUSE


@dataclass(frozen=True)
class Lookups:
    """The join of a model version, as its endpoint does it; without a store it only says that it cannot."""

    schema: Schema
    store: OnlineStore | None
    suffix: str = ""
    stated: Stated = field(default_factory=Stated)

    @classmethod
    def of(cls, schema: Schema, variables: Mapping[str, str]) -> "Lookups | None":
        """Make them for a container with these variables; None for a model whose rows were not joined."""
        if not schema.lookups:
            return None
        limit_s = float(variables.get(TIME_LIMIT) or _DEFAULT_LIMIT_MS) / 1000
        region = variables.get(REGION)
        store = OnlineStore.connect(region, limit_s) if region else None
        stated = Stated(variables.get(MISSING) or Stated.missing, variables.get(UNAVAILABLE) or Stated.unavailable)
        return cls(schema, store, variables.get(SUFFIX, ""), stated)

    @cached_property
    def ids(self) -> IdRows:
        """What a row by its ids may hold."""
        return IdRows.of(self.schema)

    def joined(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Return the rows with the model's columns and their dtypes. Raises RequestError where that cannot be done."""
        if self.store is None:
            features = ", ".join(sorted(self.ids.looked_up))
            raise RequestError(
                [f"this endpoint reads no feature store, so rows need their features, too: {features}"],
                HTTPStatus.NOT_IMPLEMENTED,
            )
        return _Joining(self, self.store, rows).frame()


class _Joining:
    """One request's rows, as lookup after lookup fills them."""

    def __init__(self, lookups: Lookups, store: OnlineStore, rows: pd.DataFrame) -> None:
        self._lookups, self._schema, self._store = lookups, lookups.schema, store
        self._deadline = time.monotonic() + store.time_limit_s
        self._now_ms = int(time.time() * 1000)
        self._columns = {column.name: column for column in (*lookups.ids.columns, *self._schema.columns)}
        self._cells: dict[str, list[Cell]] = {name: rows[name].tolist() for name in rows.columns}
        self._count = len(rows)
        self._times_ms = self._times()
        self._problems: list[tuple[int, HTTPStatus, str]] = []

    def frame(self) -> pd.DataFrame:
        """Read all groups, those of one level in the same calls, and make the table that the training had."""
        for level in levels(self._schema.lookups):
            records = self._records(level)
            for lookup in level:
                self._add(lookup, records)
            if self._problems:
                self._problems.sort(key=lambda problem: problem[0])
                raise RequestError([text for _, _, text in self._problems], max(each for _, each, _ in self._problems))
        return pd.DataFrame({column.name: column.series(self._cells[column.name]) for column in self._schema.columns})

    def _times(self) -> list[int]:
        """Return when each row is asked for; one without a time is asked for now, and has that in its column."""
        name = self._schema.event_time
        if name is None:
            return [self._now_ms] * self._count
        times: list[int] = []
        for number, cell in enumerate(self._cells.get(name, [math.nan] * self._count)):
            if isinstance(cell, float) and math.isnan(cell):
                times.append(self._now_ms)
                continue
            try:
                times.append(event_times.milliseconds(cell))
            except event_times.EventTimeError as fault:
                raise RequestError([f"row {number + 1}, column {name}: {fault}"]) from fault
        if name in self._cells:
            now = (
                event_times.text(self._now_ms // 1000 * 1000)
                if self._columns[name].type == "string"
                else self._now_ms // 1000
            )
            self._cells[name] = [now if _is_missing(cell) else cell for cell in self._cells[name]]
        return times

    def _records(self, level: Sequence[Lookup]) -> dict[Key, Record] | StoreError:
        wanted = [
            Wanted(self._group(lookup), ids, [*(feature.name for feature in lookup.features), lookup.event_time])
            for lookup in level
            if (ids := [*dict.fromkeys(key for key in self._keys(lookup) if key)])
        ]
        try:
            return self._store.records(wanted, self._deadline)
        except StoreError as fault:
            # One line for whoever reads the endpoint's log, whatever the caller is told.
            sys.stderr.write(f"lookup: {fault}\n")
            if self._lookups.stated.unavailable == REFUSE:
                raise RequestError(
                    [f"the rows cannot be looked up: {fault}"], HTTPStatus.SERVICE_UNAVAILABLE
                ) from fault
            return fault

    def _add(self, lookup: Lookup, records: dict[Key, Record] | StoreError) -> None:
        keys = self._keys(lookup)
        found = [self._found(lookup, number, key, records) for number, key in enumerate(keys)]
        for feature in lookup.features:
            column = self._columns[feature.name]
            cells: list[Cell] = []
            for number, record in enumerate(found):
                try:
                    cells.append(column.read(record.get(feature.name)))
                except CellError as fault:
                    cells.append(math.nan)
                    if record.get(column.name):
                        wrong = f"{column.name} of feature group {self._group(lookup)}: {fault}"
                        self._refuse(number, HTTPStatus.BAD_GATEWAY, wrong)
                    elif isinstance(records, StoreError):
                        needed = f"{records}, and no row of the training was without {column.name}"
                        self._refuse(number, HTTPStatus.SERVICE_UNAVAILABLE, needed)
                    else:
                        what = column.name if record else "record"
                        needed = f"{self._absent(lookup, keys[number], what)}, and no row of the training was without"
                        self._refuse(number, HTTPStatus.NOT_FOUND, f"{needed} {column.name}")
            self._cells[column.name] = cells

    def _keys(self, lookup: Lookup) -> list[str]:
        """Return each row's key as the group writes its ids; an empty one where there is none."""
        return [_id(cell, lookup.record_id_type) for cell in self._cells[lookup.on]]

    def _found(self, lookup: Lookup, number: int, key: str, records: dict[Key, Record] | StoreError) -> Record:
        """Return a row's record, without features where there is none that counts."""
        if not key or isinstance(records, StoreError):
            return {}
        record = records.get((self._group(lookup), key))
        if record is not None and self._counts(lookup, record, self._times_ms[number]):
            return record
        if self._lookups.stated.missing == REFUSE:
            self._refuse(number, HTTPStatus.NOT_FOUND, self._absent(lookup, key, "record"))
        return {}

    def _counts(self, lookup: Lookup, record: Record, time_ms: int) -> bool:
        """Tell whether a record is not too old for a row, nor of a time that has not come yet."""
        at = record.get(lookup.event_time)
        if at is None:
            return False
        at_ms = event_times.milliseconds(at)
        oldest_ms = -math.inf if lookup.look_back_hours is None else time_ms - lookup.look_back_hours * _HOUR_MS
        return oldest_ms < at_ms <= max(time_ms, self._now_ms + _CLOCKS_APART_MS)

    def _absent(self, lookup: Lookup, key: str, what: str) -> str:
        within = f" of the {lookup.look_back_hours:g} hours before" if lookup.look_back_hours is not None else ""
        whose = f"{lookup.record_id} {key!r}" if key else f"{lookup.on}, which has no value"
        return f"feature group {self._group(lookup)} has no {what}{within} for {whose}"

    def _refuse(self, number: int, status: HTTPStatus, text: str) -> None:
        self._problems.append((number, status, f"row {number + 1}: {text}"))

    def _group(self, lookup: Lookup) -> str:
        return f"{lookup.feature_group}{self._lookups.suffix if lookup.own else ''}"


def levels(lookups: Sequence[Lookup]) -> list[list[Lookup]]:
    """Put the lookups into as few rounds as their keys allow: one goes after the one that gives its key."""
    given: dict[str, int] = {}
    rounds: list[list[Lookup]] = []
    for lookup in lookups:
        place = given.get(lookup.on, -1) + 1
        if place == len(rounds):
            rounds.append([])
        rounds[place].append(lookup)
        given |= {feature.name: place for feature in lookup.features}
    return rounds


def _is_missing(cell: Cell) -> bool:
    return isinstance(cell, float) and math.isnan(cell)


def _id(cell: Cell, kind: str) -> str:
    """Write a key as the ingestion writes ids of a type: a whole number has no point, whatever held it."""
    if _is_missing(cell):
        return ""
    if kind == "string" and isinstance(cell, str):
        return cell
    try:
        return str(_INTEGER.read(cell))
    except CellError:
        return ""  # no record has such an id
