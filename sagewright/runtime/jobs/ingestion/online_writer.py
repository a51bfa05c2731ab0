"""Many records written at once, with pauses that grow where the store is throttled, and seen to be there.

A pause has a random part, so that writers that were refused together do not come back together.

The online store replaces a record only by one with a later event time, while of equal ones the history counts the one
that came last. So a correction, or a feature that was added, would be learnt from and never served: what is there under
the same event time with other values is taken out, and written anew.
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_feature_store_PutRecord.html
"""

import random
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from sagewright.runtime.serving import event_times, online_store
from sagewright.runtime.serving.errors import UserError

WRITERS = 16
ATTEMPTS = 12
_RECORDS = 50
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.05, 20.0
# A session that was assumed from another one lives for an hour at most.
_RENEW_S = 45 * 60.0

Record = list[tuple[str, str]]


@dataclass(frozen=True)
class Write:
    """One record and what is to be done with it: put, or taken away as of its event time."""

    record: Record
    stores: tuple[str, ...]
    deleted: tuple[str, str] | None = None


class Clients:
    """The client of one environment's store; a role's session is renewed before it ends."""

    def __init__(self, make: Callable[[], Any], renew_s: float = _RENEW_S) -> None:
        self._make, self._renew_s = make, renew_s
        self._lock = threading.Lock()
        self._client: Any = None
        self._until = 0.0

    def get(self) -> Any:
        """Return a client that can be used now."""
        with self._lock:
            if self._client is None or time.monotonic() >= self._until:
                self._client, self._until = self._make(), time.monotonic() + self._renew_s
            return self._client


@dataclass
class OnlineWriter:
    """Writes records of one feature group, whose first two values are id and event time.

    `repeated` counts the calls that had to be made again, `corrected` the records that had to be taken out before.
    """

    clients: Clients
    feature_group: str
    pause: Callable[[float], object] = time.sleep
    repeated: int = 0
    corrected: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def write(self, writes: Iterable[Write]) -> int:
        """Write them in any order and return how many they were; the first that cannot be written ends it."""
        source, done = iter(writes), 0
        with ThreadPoolExecutor(WRITERS, thread_name_prefix="online") as writers:
            under_way: set[Future[int]] = set()
            while True:
                while len(under_way) < 2 * WRITERS and (part := [*islice(source, _RECORDS)]):
                    under_way.add(writers.submit(self._and_seen, part))
                if not under_way:
                    return done
                ended, under_way = wait(under_way, return_when=FIRST_COMPLETED)
                try:
                    done += sum(each.result() for each in ended)
                except BaseException:
                    for each in under_way:
                        each.cancel()
                    raise

    def write_in_order(self, writes: Iterable[Write]) -> int:
        """Write one after the other."""
        return self._several([*writes])

    def _several(self, writes: list[Write]) -> int:
        for each in writes:
            self._again(each, self._call)
        return len(writes)

    def _and_seen(self, writes: list[Write]) -> int:
        self._several(writes)
        put = {each.record[0][1]: each for each in writes if each.deleted is None}
        for record_id, kept in self._kept([*put]).items():
            if _is_other(kept, put[record_id].record):
                self._again(put[record_id], self._take_out)
                self._again(put[record_id], self._call)
                with self._lock:
                    self.corrected += 1
        return len(writes)

    def _kept(self, ids: list[str]) -> dict[str, online_store.Record]:
        """Return what the store has of the ids, at most 100 of them."""
        found: dict[str, online_store.Record] = {}
        reason = ""
        for attempt in range(1, ATTEMPTS + 1):
            if not ids:
                return found
            if attempt > 1:
                self._wait(attempt - 1)
            asked = [{"FeatureGroupName": self.feature_group, "RecordIdentifiersValueAsString": ids}]
            client = self.clients.get()
            try:
                answer = client.batch_get_record(Identifiers=asked)
                wanted = [online_store.Wanted(self.feature_group, ids, ())]
                records, left, reason = online_store.read(answer, wanted)
            except online_store.StoreError as error:
                raise UserError(str(error)) from error
            except client.exceptions.ClientError as error:
                said = error.response["Error"]
                reason = f"{said['Code']}: {said['Message']}"
                if not online_store.passes(error.response):
                    break
            else:
                found |= {record_id: values for (_, record_id), values in records.items()}
                ids = [one for each in left for one in each.ids]
        if ids:
            raise UserError(f"feature group {self.feature_group} did not show its records: {reason}")
        return found

    def _again(self, each: Write, call: Callable[[Any, Write], object]) -> None:
        for attempt in range(1, ATTEMPTS + 1):
            client = self.clients.get()
            try:
                call(client, each)
            except client.exceptions.ClientError as error:
                if not online_store.passes(error.response) or attempt == ATTEMPTS:
                    raise self._refused(each, error) from error
            else:
                return
            self._wait(attempt)

    def _wait(self, attempt: int) -> None:
        with self._lock:
            self.repeated += 1
        longest = min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2**attempt)
        self.pause(random.uniform(0, longest))  # noqa: S311 - so that writers do not come back together

    def _take_out(self, client: Any, each: Write) -> None:
        """Remove a record as if it had never been, which takes a later time than its own."""
        (_, record_id), (_, moment) = each.record[:2]
        client.delete_record(
            FeatureGroupName=self.feature_group,
            RecordIdentifierValueAsString=record_id,
            EventTime=_later(moment),
            TargetStores=[*each.stores],
            DeletionMode="HardDelete",
        )

    def _call(self, client: Any, each: Write) -> None:
        if each.deleted is None:
            client.put_record(
                FeatureGroupName=self.feature_group,
                Record=[{"FeatureName": name, "ValueAsString": text} for name, text in each.record],
                TargetStores=[*each.stores],
            )
            return
        record_id, event_time = each.deleted
        client.delete_record(
            FeatureGroupName=self.feature_group,
            RecordIdentifierValueAsString=record_id,
            EventTime=event_time,
            TargetStores=[*each.stores],
        )

    def _refused(self, each: Write, error: Any) -> UserError:
        said = error.response["Error"]
        shown = ", ".join(f"{name} {text[:60]!r}" for name, text in each.record[:2])
        return UserError(
            f"feature group {self.feature_group} did not take the record with {shown}: "
            f"{said['Code']}: {said['Message']}"
        )


def _is_other(kept: online_store.Record, record: Record) -> bool:
    """Tell whether the store kept a record of the same event time that says something else."""
    moment, wanted = record[1][0], dict(record)
    if event_times.milliseconds(kept[moment]) != event_times.milliseconds(wanted[moment]):
        return False
    return kept.keys() != wanted.keys() or any(not _is_same(kept[name], wanted[name]) for name in wanted)


def _is_same(kept: str, wanted: str) -> bool:
    try:
        return kept == wanted or float(kept) == float(wanted)
    except ValueError:
        return False


def _later(moment: str) -> str:
    after_ms = event_times.milliseconds(moment) + 1
    return event_times.text(after_ms) if "T" in moment else f"{after_ms / 1000:.3f}"
