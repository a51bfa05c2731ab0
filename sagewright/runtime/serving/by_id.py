"""Requests whose rows hold ids in the place of features: which columns they have, and how they are told from others."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from sagewright.runtime.serving.columns import Column
from sagewright.runtime.serving.schema import Schema


@dataclass(frozen=True)
class IdRows:
    """What a row by its ids may hold: the labelled rows' own columns, with the keys of the join, and no feature of it.

    A row that has none of the looked-up features is one by its ids.
    """

    columns: tuple[Column, ...]
    looked_up: frozenset[str]

    @classmethod
    def of(cls, schema: Schema) -> "IdRows":
        """Take them from how the training's rows were joined; the time of a row may always be left out."""
        looked_up = frozenset(feature.name for lookup in schema.lookups for feature in lookup.features)
        own = {column.name: column for column in schema.columns if column.name not in looked_up}
        for lookup in schema.lookups:
            if lookup.on not in looked_up:
                # The record id is no column of the model's; a row cannot be looked up without it.
                own.setdefault(lookup.on, Column(lookup.on, lookup.on_type, nullable=False))
        if schema.event_time is not None:
            time = own.get(schema.event_time, Column(schema.event_time, "string", nullable=True))
            own[schema.event_time] = replace(time, nullable=True)
        return cls(tuple(own.values()), looked_up)

    def are(self, rows: Sequence[Collection[str]]) -> bool | None:
        """Tell whether the rows, each by the names of its columns, are by their ids; None where some are."""
        complete = sum(not self.looked_up.isdisjoint(names) for names in rows)
        return True if not complete else False if complete == len(rows) else None

    def keys(self, columns: Sequence[Column]) -> list[str]:
        """Return the names that such a row holds and that are no columns of the model's."""
        names = {column.name for column in columns}
        return [column.name for column in self.columns if column.name not in names]
