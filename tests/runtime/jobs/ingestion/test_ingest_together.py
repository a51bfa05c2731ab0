"""Two ingestions at once: every file is there as one of them has written it, and the other says that it left it."""

import threading
from collections.abc import Callable
from typing import Any

import pytest

from sagewright.runtime.jobs.ingestion import ingest_group
from tests.runtime.jobs.ingestion.ingest_world import World, refusal, world
from tests.runtime.jobs.ingestion.test_ingest_crash import prepared, rows, small

__all__ = ["small", "world"]

Make = Callable[..., World]
LEFT = "1 left to another run that is at work on them"


def deployed_at(there: World, number: int, name: str = "") -> list[tuple[int, str]]:
    """Deploy other code before a call of that name and let it run to its end; returns what it says then."""
    said: list[tuple[int, str]] = []
    calls: list[str] = []

    def fault(_: int, called: str) -> None:
        if not called.startswith(f"before {name}"):
            return
        calls.append(called)
        if len(calls) >= number and not said:
            said.append((-1, ""))
            there.document["changed"] = True
            said[0] = there.run()

    there.faults = fault
    return said


@pytest.mark.usefixtures("small")
def test_code_that_is_deployed_while_a_run_is_at_work_leaves_every_row_once(world: Make) -> None:
    once = prepared(world)
    assert once.run()[0] == 0
    left = 0
    for number in range(1, once.calls // 2, 4):
        there = prepared(world)
        inner = deployed_at(there, number)
        code, message = there.run()
        assert (inner[0][0], code) == (0, 0), message
        assert rows(there) == rows(once), f"deployed at call {number}"
        ends, begins = there.ledger(".end.json"), there.ledger(".begin.json")
        assert sorted((each["end"] for each in begins), key=str) == sorted(ends, key=str)
        there.faults = None
        assert there.run()[1].startswith("g: 0 new files, 2 known")
        left += LEFT in message
    assert left


@pytest.mark.usefixtures("small")
def test_a_run_whose_file_other_code_has_taken_up_says_so_and_takes_its_own_rows_away(
    world: Make, caplog: pytest.LogCaptureFixture
) -> None:
    there = prepared(world)
    # The first object of the history is about to be written, after the one that says that the file is begun: it comes
    # when the other code has cleared away all that it found.
    inner = deployed_at(there, 2, "put_object")
    code, message = there.run()
    assert (code, inner[0][0]) == (0, 0)
    assert LEFT in message
    assert "another run, with other code, has taken the file up since, and its result stands" in caplog.text
    once = prepared(world)
    assert once.run()[0] == 0
    assert rows(there) == rows(once)


@pytest.mark.usefixtures("small")
def test_what_was_left_to_a_run_that_never_ended_is_ingested_by_the_next_one(world: Make) -> None:
    there = prepared(world)
    state = {"objects": 0, "inside": 0}

    def fault(_: int, name: str) -> None:
        state["objects"] += name == "before put_object"
        if state["objects"] == 2 and not state["inside"]:
            state["inside"] = 1
            there.document["changed"] = True
            assert there.run()[0] == 1
            state["inside"] = 2
        elif state["inside"] == 1 and name == "before put_record":
            raise refusal("AccessDenied", 403)

    there.faults = fault
    code, message = there.run()
    assert code == 0
    assert LEFT in message
    assert len(there.ledger(".end.json")) == 1
    there.faults = None
    assert there.run()[1].startswith("g: 1 new files, 1 known;")
    once = prepared(world)
    assert once.run()[0] == 0
    assert rows(there) == rows(once)


def iceberg(make: Make, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(ingest_group, "_STEP_ROWS", 1)
    there = prepared(make, offline="iceberg")
    del there.objects["sources/g/2.csv"]
    return there


@pytest.mark.usefixtures("small")
def test_a_file_on_which_another_run_is_at_work_is_left_to_it(world: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    once = iceberg(world, monkeypatch)
    assert once.run()[0] == 0
    there = iceberg(world, monkeypatch)
    at_work, go_on = threading.Event(), threading.Event()
    said: list[tuple[int, str]] = []

    def fault(_: int, name: str) -> None:
        if name == "before put_record" and not at_work.is_set():
            at_work.set()
            assert go_on.wait(30)

    there.faults = fault
    first = threading.Thread(target=lambda: said.append(there.run()))
    first.start()
    assert at_work.wait(30)

    def pause(_: float) -> None:
        go_on.set()
        first.join(30)

    monkeypatch.setattr(ingest_group, "_pause", pause)
    code, message = there.run()

    assert (code, said[0][0]) == (0, 0)
    assert LEFT in message
    assert sorted(there.appended) == sorted(once.appended)


@pytest.mark.usefixtures("small")
def test_a_run_that_another_one_took_for_dead_stops_before_its_next_rows(
    world: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    once = iceberg(world, monkeypatch)
    assert once.run()[0] == 0
    for number in range(8, once.calls, 9):
        there = iceberg(world, monkeypatch)
        inner: list[tuple[int, str]] = []

        def fault(calls: int, name: str, here: Any = (there, inner, number)) -> None:
            there, inner, number = here
            if calls >= number and name == "before put_record" and not inner:
                inner.append((-1, ""))
                inner[0] = there.run()

        there.faults = fault
        code, message = there.run()
        if not inner:
            continue
        assert (inner[0][0], code) == (0, 0), message
        assert LEFT in message
        # The one step that was under way is there from both.
        assert {*there.appended} == {*once.appended}
        assert len(there.appended) - len(once.appended) in (0, 1)
        assert len(there.ledger(".end.json")) == 1
