"""One file into one group: checked, written to its stores, counted, and written down when nothing is left to do.

It may end anywhere and begin again: what was written before is written again as it was, under the names it had. Of two
runs with different code the later one goes on; the other finds that out before its next rows and takes its own away.
"""

import csv
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, fields
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from sagewright.runtime.jobs.declaration import Group
from sagewright.runtime.jobs.ingestion import ingest_rows
from sagewright.runtime.jobs.ingestion.ingest_ledger import Begun, Ledger, LeftToAnotherError, Progress, mark_of
from sagewright.runtime.jobs.ingestion.ingest_profile import RowProfile
from sagewright.runtime.jobs.ingestion.ingest_rows import DELETED, MOMENT, Quarantined, RowCheck
from sagewright.runtime.jobs.ingestion.newest_rows import NewestRows
from sagewright.runtime.jobs.ingestion.offline_store import OfflineFile, OfflineStore
from sagewright.runtime.jobs.ingestion.online_writer import OnlineWriter, Write
from sagewright.runtime.jobs.ingestion.source_files import SourceFile

logger = logging.getLogger(__name__)

ONLINE, OFFLINE = "OnlineStore", "OfflineStore"

_PROGRESS_ROWS = 100_000
_PROGRESS_RECORDS = 10_000
# Rows that PutRecord adds to an Iceberg table cannot be added again without standing there twice.
_STEP_ROWS = 1_000
# Within that time a run that is alive has written such a step down.
_SIGN_OF_LIFE_S = 60.0
_pause = time.sleep


@dataclass
class Counts:
    """What became of the rows of one file; `repeated` rows stood in it more than once."""

    rows: int = 0
    written: int = 0
    quarantined: int = 0
    repeated: int = 0
    offline_objects: int = 0
    online: dict[str, int] = field(default_factory=dict)
    older: int = 0
    expired: int = 0

    def check(self, name: str, offline_rows: int | None) -> None:
        """Hold that no row was lost on the way."""
        if self.rows != self.written + self.quarantined + self.repeated:
            raise RuntimeError(
                f"{name}: {self.rows} rows were read, and {self.written} written, {self.quarantined} quarantined and "
                f"{self.repeated} there already do not add up to them"
            )
        if offline_rows is not None and offline_rows != self.written:
            raise RuntimeError(
                f"{name}: {self.written} rows were to be written, {offline_rows} are in the offline store"
            )
        for environment, written in self.online.items():
            if written + self.older + self.expired != self.written:
                raise RuntimeError(
                    f"{name}: of {self.written} rows {written} were written to the online store of {environment}, "
                    f"{self.older} were older than others and {self.expired} expired, which does not add up"
                )


class Stores(Protocol):
    """Where the rows of one file go."""

    def add(self, table: Any, counts: Counts) -> None:
        """Write rows."""
        ...

    def close(self, counts: Counts) -> int | None:
        """Write what is left; return how many rows the offline store got, where they were counted."""
        ...


@dataclass(frozen=True)
class DirectStores:
    """History in files of ours, and the newest record of each id online in every environment.

    The newest of the whole file: nothing is written online before all of it has been read.
    """

    group: Group
    name: str
    offline: OfflineFile | None
    online: dict[str, OnlineWriter]
    newest: NewestRows
    # Ends this run where another one has taken the file up.
    hold: Callable[[], object]

    def add(self, table: Any, counts: Counts) -> None:
        """Write rows."""
        del counts
        if self.offline:
            self.offline.add(table)
        if self.online:
            self.newest.add(table)

    def close(self, counts: Counts) -> int | None:
        """Write what is left."""
        if self.offline:
            self.offline.flush()
            counts.offline_objects = self.offline.objects
        if self.online and counts.written:
            self._write_online(counts)
        return self.offline.written if self.offline else None

    def _write_online(self, counts: Counts) -> None:
        newest, at_ms = self.newest.close(), now_ms()
        counts.older = counts.written - newest
        for environment, writer in self.online.items():
            counts.expired = 0
            counts.online[environment] = writer.write(self._writes(environment, newest, at_ms, counts))

    def _writes(self, environment: str, newest: int, at_ms: int, counts: Counts) -> Iterator[Write]:
        told = 0
        for table in self.newest.tables():
            self.hold()
            alive = table.filter(_is_alive(table, self.group, at_ms))
            counts.expired += table.num_rows - alive.num_rows
            yield from _writes(alive, self.group, (ONLINE,))
            if (told + table.num_rows) // _PROGRESS_RECORDS > told // _PROGRESS_RECORDS:
                of = f"{self.group.name}: {self.name}{environment and f', {environment}'}"
                logger.info("%s: %d of %d records online", of, told + table.num_rows, newest)
            told += table.num_rows


@dataclass
class RecordStores:
    """Every row through PutRecord, because only SageMaker may commit to its Iceberg table; others only online.

    A run that comes to a file on which another one is at work leaves it to that one. Where nothing has moved for a
    while, the other run has ended, and this one goes on: should the other be alive after all, it finds the progress
    changed before its next rows and stops.
    """

    group: Group
    name: str
    progress: Progress
    home: OnlineWriter
    others: DirectStores
    _before: int = 0
    _done: int = 0

    def __post_init__(self) -> None:
        self._before = self.progress.rows
        if self.progress.is_begun:
            _pause(_SIGN_OF_LIFE_S)
            if self.progress.moved():
                raise self._busy()
        self._write_down(self._before)

    def add(self, table: Any, counts: Counts) -> None:
        """Write rows, and write down how far that is."""
        self.others.add(table, counts)
        for start in range(0, table.num_rows, _STEP_ROWS):
            part = table.slice(start, _STEP_ROWS)
            self._done += part.num_rows
            if self._done > self._before:
                self._put(part)
                self._write_down(self._done)

    def close(self, counts: Counts) -> int | None:
        """Write what other environments are told."""
        self.others.close(counts)
        return self._done

    def _write_down(self, rows: int) -> None:
        if not self.progress.write(rows):
            raise self._busy()

    def _busy(self) -> LeftToAnotherError:
        return LeftToAnotherError(f"{self.name}: another run is at work on the file and goes on with it")

    def _put(self, table: Any) -> None:
        if not self.group.online:
            self.home.write(_writes(table, self.group, (OFFLINE,)))
            return
        alive = _is_alive(table, self.group, now_ms())
        self.home.write(_writes(table.filter(alive), self.group, (ONLINE, OFFLINE)))
        self.home.write(_writes(table.filter(~alive), self.group, (OFFLINE,)))


@dataclass
class GroupIngestion:
    """What one run has to do with one group."""

    group: Group
    ledger: Ledger
    offline: OfflineStore | None
    # By environment; the first one is where the offline store is.
    online: dict[str, OnlineWriter]
    home: OnlineWriter
    code: str
    folder: Path
    last_ms: int = 0

    def take(self, file: SourceFile) -> Counts:
        """Ingest one file that is not in the ledger yet."""
        self.last_ms = max(now_ms(), self.last_ms + 1)
        begun = self.ledger.begin(file.content, file.name, self.last_ms, self.code)
        if begun.end is not None:
            return self._finish(begun)
        if begun.resumed:
            begun = self._go_on(begun)
        try:
            return self._ingest(file, begun)
        except LeftToAnotherError:
            # The run that has the file now may have looked for what is to be cleared away before this was written.
            if self.ledger.is_anothers(begun):
                self._clear(begun.mark)
            raise

    def _ingest(self, file: SourceFile, begun: Begun) -> Counts:
        counts = Counts()
        check, profile, stores = RowCheck(self.group, self.folder), RowProfile(self.group), self._stores(begun)
        rejected = self.folder / "quarantine.csv"
        with rejected.open("w", encoding="utf-8", newline="", errors="replace") as lines:
            writer = csv.writer(lines, lineterminator="\n")
            writer.writerow(("row", "reason", "content"))
            for batch in file.batches():
                checked = check.take(batch)
                _count(counts, batch.rows, checked)
                writer.writerows(_line(each) for each in checked.quarantined)
                profile.add(checked.table)
                if checked.table.num_rows:
                    self.ledger.hold(begun)
                    stores.add(checked.table, counts)
                _tell(self.group, file, counts, batch.rows)
        counts.check(file.name, stores.close(counts))
        self.ledger.hold(begun)
        if counts.quarantined:
            with rejected.open("rb") as body:
                self.ledger.objects.put(f"quarantine/{file.content}.csv", body)
        self._clear(*(mark_of(begun.content, code) for code in begun.before))
        ended = {"file": file.name, "time_ms": begun.time_ms, "ended_ms": now_ms(), "profile": profile.document()}
        self.ledger.end(begun, asdict(counts) | ended)
        return counts

    def _finish(self, begun: Begun) -> Counts:
        """Do what is left of a file whose rows another run has written."""
        told = begun.end or {}
        if not self.ledger.finish(begun):
            return Counts()
        return Counts(**{each.name: told[each.name] for each in fields(Counts)})

    def _go_on(self, begun: Begun) -> Begun:
        logger.info("%s: %s was begun before and goes on", self.group.name, begun.name)
        if begun.code != self.code:
            begun = self.ledger.take_over(begun, self.code)
        if begun.before:
            # Other code may put other rows into other files: those of the first attempt would stay beside them.
            cleared = self._clear(*(mark_of(begun.content, code) for code in begun.before))
            logger.info("%s: the code has changed since, %d files of then are removed", self.group.name, cleared)
        return begun

    def _clear(self, *marks: str) -> int:
        return sum(self.offline.clear(mark) for mark in marks) if self.offline else 0

    def _stores(self, begun: Begun) -> Stores:
        newest, hold = NewestRows(self.folder, self.group.record_id), partial(self.ledger.hold, begun)
        if self.group.offline != "iceberg":
            offline = OfflineFile(self.offline, begun.mark, begun.time_ms) if self.offline else None
            return DirectStores(self.group, begun.name, offline, self.online, newest, hold)
        others = {name: writer for name, writer in self.online.items() if writer is not self.home}
        direct = DirectStores(self.group, begun.name, None, others, newest, hold)
        progress = self.ledger.progress(begun.content)
        return RecordStores(self.group, begun.name, progress, self.home, direct)


def now_ms() -> int:
    """Return the time."""
    return time.time_ns() // 1_000_000


def _count(counts: Counts, rows: int, checked: ingest_rows.Checked) -> None:
    counts.rows += rows
    counts.written += checked.table.num_rows
    counts.quarantined += len(checked.quarantined)
    counts.repeated += checked.repeated


def _line(each: Quarantined) -> tuple[int, str, str]:
    return each.number, each.reason, each.row


def _tell(group: Group, file: SourceFile, counts: Counts, rows: int) -> None:
    if counts.rows // _PROGRESS_ROWS > (counts.rows - rows) // _PROGRESS_ROWS:
        logger.info("%s: %s: %d rows read, %d quarantined", group.name, file.name, counts.rows, counts.quarantined)


def _is_alive(table: Any, group: Group, at_ms: int) -> Any:
    """Tell which records the online store would not take away at once."""
    lifetime_ms = 1000 * group.time_to_live_s if group.time_to_live_s is not None else None
    moments = table.column(MOMENT).to_numpy()
    return moments + lifetime_ms > at_ms if lifetime_ms is not None else moments == moments  # noqa: PLR0124 - all


def _writes(table: Any, group: Group, stores: tuple[str, ...]) -> Iterator[Write]:
    names = group.names
    deleted = table.column(DELETED).to_pylist() if DELETED in table.column_names else [False] * table.num_rows
    for record, gone in zip(ingest_rows.records(table, names), deleted, strict=True):
        told = dict(record)
        yield Write(record, stores, (told[group.record_id], told[group.event_time]) if gone else None)
