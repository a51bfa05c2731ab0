"""What a group holds, told without reading it: rows, newest event time, missing values, distinct ids.

It is the sum of the ledger's `end` records, each taken in once; so a crash between the two loses and doubles nothing.
"""

import base64
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from sagewright.runtime.jobs.declaration import Group
from sagewright.runtime.jobs.ingestion.ingest_ledger import Ledger
from sagewright.runtime.jobs.ingestion.ingest_rows import MOMENT
from sagewright.runtime.serving import event_times

FILE = "profile.json"

_ATTEMPTS = 5
# HyperLogLog (Flajolet and others, 2007): a standard error of 1.04 / sqrt(2048), which is 2.3 %.
_BITS = 11
_REGISTERS = 2**_BITS
_ALPHA = 0.7213 / (1 + 1.079 / _REGISTERS)


@dataclass
class DistinctIds:
    """About how many different ids there are, in two kilobytes that can be merged."""

    registers: np.ndarray = field(default_factory=lambda: np.zeros(_REGISTERS, dtype=np.uint8))

    def add(self, ids: Any) -> None:
        """Count an Arrow array of ids."""
        if not len(ids):
            return
        texts = ids.cast(pa.string()).to_numpy(zero_copy_only=False)
        hashes = pd.util.hash_array(texts, categorize=False)
        rest = (hashes << np.uint64(_BITS)) | np.uint64(1)
        ranks = 65 - np.frexp(rest.astype(np.float64))[1]
        np.maximum.at(self.registers, (hashes >> np.uint64(64 - _BITS)).astype(np.int64), ranks.astype(np.uint8))

    def merge(self, text: str) -> None:
        """Take in another count."""
        other = np.frombuffer(base64.b64decode(text), dtype=np.uint8)
        self.registers = np.maximum(self.registers, other)

    def text(self) -> str:
        """Write it down."""
        return base64.b64encode(self.registers.tobytes()).decode()

    @property
    def count(self) -> int:
        """The estimate; while registers are empty it comes from how many are."""
        empty = int((self.registers == 0).sum())
        estimate = _ALPHA * _REGISTERS**2 / float(np.sum(2.0 ** -self.registers.astype(np.float64)))
        if estimate <= 2.5 * _REGISTERS and empty:
            estimate = _REGISTERS * float(np.log(_REGISTERS / empty))
        return round(estimate)


class RowProfile:
    """The profile of the rows of one file."""

    def __init__(self, group: Group) -> None:
        self._group = group
        self._missing = dict.fromkeys(group.names, 0)
        self._ids = DistinctIds()
        self._newest: int | None = None

    def add(self, table: Any) -> None:
        """Count rows."""
        if not table.num_rows:
            return
        for name in self._group.names:
            self._missing[name] += table.column(name).null_count
        self._ids.add(table.column(self._group.record_id).combine_chunks())
        self._newest = max(self._newest or 0, int(np.max(table.column(MOMENT).to_numpy())))

    def document(self) -> dict[str, Any]:
        """Return it as the ledger has it."""
        return {"newest_ms": self._newest, "missing": self._missing, "ids": self._ids.text()}


def update(ledger: Ledger, group: Group, now_ms: int) -> dict[str, Any]:
    """Take into the group's profile what the ledger has beyond it, and return it."""
    for _ in range(_ATTEMPTS):
        before, etag = ledger.objects.read_json(FILE)
        contents = {*before["state"]["contents"]} if before else set[str]()
        new = sorted(content for content in ledger.ended() if content[:16] not in contents)
        profile = _with(before, [ledger.read_end(content) for content in new], new, group, now_ms)
        if not new and before:
            return profile
        condition = {"IfMatch": etag} if before else {"IfNoneMatch": "*"}
        if ledger.objects.put_json(FILE, profile, **condition):
            return profile
    raise RuntimeError(f"{FILE} of {group.feature_group} was changed by others {_ATTEMPTS} times while it was written")


def _with(
    before: dict[str, Any] | None, ends: list[dict[str, Any]], contents: list[str], group: Group, now_ms: int
) -> dict[str, Any]:
    state = before["state"] if before else {"contents": [], "newest_ms": None, "missing": {}, "ids": ""}
    ids = DistinctIds()
    for text in [state["ids"], *(end["profile"]["ids"] for end in ends)]:
        if text:
            ids.merge(text)
    moments = [state["newest_ms"], *(end["profile"]["newest_ms"] for end in ends)]
    newest = max((moment for moment in moments if moment is not None), default=None)
    rows = (before["rows"] if before else 0) + sum(end["written"] for end in ends)
    missing = {
        # A feature that came later is missing in every row from before it.
        name: state["missing"].get(name, before["rows"] if before else 0)
        + sum(end["profile"]["missing"].get(name, end["written"]) for end in ends)
        for name in group.names
    }
    return {
        "feature_group": group.feature_group,
        "rows": rows,
        "files": len(state["contents"]) + len(contents),
        "quarantined": (before["quarantined"] if before else 0) + sum(end["quarantined"] for end in ends),
        "newest_event_time": None if newest is None else event_times.text(newest),
        "updated_at": event_times.text(now_ms) if ends or not before else before["updated_at"],
        "distinct_ids": ids.count,
        "null_rate": {name: round(count / rows, 6) if rows else None for name, count in missing.items()},
        "state": {
            "contents": [*state["contents"], *(content[:16] for content in contents)],
            "newest_ms": newest,
            "missing": missing,
            "ids": ids.text(),
        },
    }
