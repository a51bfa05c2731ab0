"""An ingestion that ends anywhere and runs again leaves the stores as if it had run once."""

import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sagewright.runtime.jobs.ingestion import offline_store, source_batches
from tests.runtime.jobs.ingestion.ingest_world import BUCKET, STORE, Crash, World, group, world

__all__ = ["world"]

Make = Callable[..., World]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make batches and files so small that a few rows are several of each."""
    monkeypatch.setattr(source_batches, "MOST_ROWS", 4)
    monkeypatch.setattr(offline_store, "_MOST_ROWS", 7)


def history(seed: int, rows: int = 20) -> str:
    """Rows of few ids, out of order, some of them bad, some of them twice."""
    chance = random.Random(seed)  # noqa: S311 - rows of a test
    lines = ["id,at,wind,gusts"]
    for _ in range(rows):
        hour, wind = chance.randrange(6), chance.choice(["1.5", "2", "", "strong"])
        lines.append(f"{chance.choice('abc')},2013-01-0{seed}T0{hour}:{chance.randrange(60):02}:00Z,{wind},{hour}")
    return "\n".join([*lines, lines[1]]) + "\n"


def prepared(make: Make, **more: Any) -> World:
    there = make(g=group(**more))
    for seed in (1, 2):
        there.put(f"{seed}.csv", history(seed))
    return there


def crash_at(number: int) -> Callable[[int, str], None]:
    """End the process at a call; nothing that other threads do comes through after it."""

    def fault(calls: int, _: str) -> None:
        if calls >= number:
            raise Crash

    return fault


def without_times(state: dict[str, Any]) -> dict[str, Any]:
    """What runs at different times have in common: files hold the time at which their source was first taken up."""
    counts = [{**each, "time_ms": None} for each in state["counts"]]
    return {**state, "offline": len(state["offline"]), "counts": counts}


def rows(there: World) -> list[tuple[Any, ...]]:
    names = ("id", "at", "wind", "gusts", "hour", "is_deleted")
    return [tuple(row[name] for name in names) for row in there.offline()]


def points(calls: int) -> Iterator[int]:
    """Yield every call of the first rows and some of the others."""
    yield from range(1, 24)
    yield from range(24, calls + 1, 11)


@pytest.mark.usefixtures("small")
def test_killed_at_any_call_and_run_again_is_as_if_run_once(world: Make) -> None:
    once = prepared(world)
    assert once.run()[0] == 0
    assert once.calls > 60
    for number in points(once.calls):
        killed_and_run_again(world, once, number)


@pytest.mark.soak
@pytest.mark.usefixtures("small")
def test_killed_at_every_call_and_run_again_is_as_if_run_once(world: Make) -> None:
    once = prepared(world)
    assert once.run()[0] == 0
    for number in range(1, once.calls + 1):
        killed_and_run_again(world, once, number)


def killed_and_run_again(make: Make, once: World, number: int) -> None:
    there = prepared(make)
    there.faults = crash_at(number)
    with pytest.raises(Crash):
        there.run()
    there.faults = None
    assert there.run()[0] == 0
    assert without_times(there.state()) == without_times(once.state()), f"killed at call {number}"
    assert rows(there) == rows(once)


@pytest.mark.usefixtures("small")
def test_killed_again_and_again_it_still_ends_as_if_run_once(world: Make) -> None:
    there = prepared(world)
    chance = random.Random(7)  # noqa: S311 - calls of a test
    for _ in range(6):
        there.faults = crash_at(there.calls + chance.randrange(1, 40))
        try:
            there.run()
        except Crash:
            continue
    there.faults = None
    assert there.run()[0] == 0
    once = prepared(world)
    assert once.run()[0] == 0
    assert without_times(there.state()) == without_times(once.state())
    assert rows(there) == rows(once)


@pytest.mark.usefixtures("small")
def test_a_second_attempt_keeps_the_time_of_the_first(world: Make) -> None:
    there = prepared(world)
    there.faults = crash_at(12)
    with pytest.raises(Crash):
        there.run()
    (begun,) = there.ledger(".begin.json")
    there.faults = None
    there.run()
    first = [end["time_ms"] for end in there.ledger(".end.json") if end["file"] == begun["file"]]
    assert first == [begun["time_ms"]]
    assert len({row["write_time"] for row in there.offline()}) == 2


@pytest.mark.usefixtures("small")
def test_code_that_changed_in_between_leaves_nothing_of_the_first_attempt(world: Make) -> None:
    there = prepared(world)
    there.faults = crash_at(25)
    with pytest.raises(Crash):
        there.run()
    assert [key for key in there.objects if key.startswith(STORE)]
    there.faults = None
    # Other code, and so another bundle: it finds the half-written file and removes what the first one wrote of it.
    there.document["changed"] = True
    stray = next(key for key in there.objects if key.startswith(STORE))
    moved = stray.replace("year=2013", "year=1999")
    there.objects[moved], there.uploaded[moved] = there.objects[stray], 0

    assert there.run()[0] == 0

    assert moved not in there.objects
    once = prepared(world)
    assert once.run()[0] == 0
    assert rows(there) == rows(once)


def test_two_jobs_at_once_write_the_same(world: Make) -> None:
    there = prepared(world)
    inner: list[int] = []

    def another(calls: int, name: str) -> None:
        if calls == 9 and name.startswith("before") and not inner:
            inner.append(calls)
            inner.append(there.run()[0])

    there.faults = another
    assert there.run()[0] == 0
    assert inner[1] == 0
    there.faults = None
    once = prepared(world)
    assert once.run()[0] == 0
    assert rows(there) == rows(once)
    assert without_times(there.state()) == without_times(once.state())


@pytest.mark.usefixtures("small")
def test_an_iceberg_table_gets_no_row_twice_that_was_written_down(world: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sagewright.runtime.jobs.ingestion.ingest_group._STEP_ROWS", 1)
    once = prepared(world, offline="iceberg")
    assert once.run()[0] == 0
    for number in range(1, once.calls + 1, 13):
        there = prepared(world, offline="iceberg")
        there.faults = crash_at(number)
        with pytest.raises(Crash):
            there.run()
        there.faults = None
        assert there.run()[0] == 0
        # Between the answer of the store and the line about it, one step can be lost, and is written again.
        assert {*there.appended} == {*once.appended}
        assert len(there.appended) - len(once.appended) in (0, 1)
        assert there.online == once.online


def test_a_file_that_is_replaced_while_it_is_read_is_not_taken_for_ingested(
    world: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = prepared(world)
    s3 = there.client("s3")
    plain = type(s3).download_file

    def replaced(self: Any, bucket: str, key: str, path: str, **more: Any) -> None:
        plain(self, bucket, key, path, **more)
        there.objects[key] += b"c,2013-01-09T00:00:00Z,1,1\n"

    monkeypatch.setattr(type(s3), "download_file", replaced)
    code, message = there.run()
    assert code == 1
    assert message == f"s3://{BUCKET}/sources/g/1.csv was replaced while it was read: run the ingestion again"
    assert there.ledger(".begin.json") == []
