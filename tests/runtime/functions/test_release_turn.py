import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from sagewright.runtime.functions import release_turn
from sagewright.runtime.functions.objects import Location, read_json
from sagewright.runtime.functions.refusal import Refused
from sagewright.runtime.functions.release_turn import Holder

ALICE = Holder(2, "arn:aws:iam::111111111111:user/alice", "ci-7", 4711, "2026-11-02T10:00:00+00:00")
BOB = Holder(3, "arn:aws:iam::111111111111:user/bob", "laptop", 99, "2026-11-02T10:01:00+00:00")

Clients = Callable[[str], Any]


def alive(_: Holder) -> bool:
    return False


def dead(_: Holder) -> bool:
    return True


@pytest.fixture
def folder(bucket: str) -> Location:
    return Location(bucket, "releases")


def test_a_second_release_is_refused_with_who_and_what_is_in_progress(client: Clients, folder: Location) -> None:
    with release_turn.taken(client("s3"), folder, ALICE, is_gone=alive):
        with pytest.raises(Refused) as refused, release_turn.taken(client("s3"), folder, BOB, is_gone=alive):
            pytest.fail("two at once")
        assert (
            "in progress: version 2, started 2026-11-02T10:00:00+00:00 by arn:aws:iam::111111111111:user/alice on ci-7 "
            "(process 4711). Nothing was done."
        ) in str(refused.value)
    with release_turn.taken(client("s3"), folder, BOB, is_gone=alive) as turn:
        turn.confirm()


def test_a_turn_is_given_back_when_the_release_fails_or_is_interrupted(client: Clients, folder: Location) -> None:
    for fault in (Refused("no"), KeyboardInterrupt()):
        with pytest.raises(type(fault)), release_turn.taken(client("s3"), folder, ALICE, is_gone=alive):
            raise fault
        assert read_json(client("s3"), folder / release_turn.NOTE)["holder"] is None


def test_of_many_at_once_one_gets_the_turn(client: Clients, folder: Location) -> None:
    begin, end = threading.Barrier(4, timeout=30), threading.Barrier(4, timeout=30)
    got: list[int] = []

    def release(number: int) -> None:
        s3 = client("s3")
        begin.wait()
        try:
            with release_turn.taken(s3, folder, Holder(number, "w", "h", number, "t"), is_gone=alive):
                got.append(number)
                end.wait()
        except Refused:
            end.wait()

    with release_turn.taken(client("s3"), folder, ALICE, is_gone=alive):
        pass
    with ThreadPoolExecutor(4) as several:
        for each in [several.submit(release, number) for number in range(4)]:
            each.result()
    assert len(got) == 1


def test_the_turn_of_a_process_that_died_is_taken_at_once(client: Clients, folder: Location) -> None:
    s3 = client("s3")
    with (
        release_turn.taken(s3, folder, ALICE, is_gone=alive) as lost,
        release_turn.taken(s3, folder, BOB, is_gone=dead) as turn,
    ):
        with pytest.raises(Refused, match="Another release has taken this one's turn"):
            lost.confirm()
        turn.confirm()


def test_a_holder_that_was_not_heard_of_for_long_is_taken_for_dead(
    client: Clients, folder: Location, monkeypatch: pytest.MonkeyPatch
) -> None:
    with release_turn.taken(client("s3"), folder, ALICE, is_gone=alive):
        monkeypatch.setattr(release_turn, "DEAD_AFTER_S", 0)
        with release_turn.taken(client("s3"), folder, BOB, is_gone=alive) as turn:
            turn.confirm()


def test_a_turn_is_renewed_while_the_release_lasts(
    client: Clients, folder: Location, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(release_turn, "RENEW_S", 0.01)
    note, s3 = folder / release_turn.NOTE, client("s3")
    with release_turn.taken(s3, folder, ALICE, is_gone=alive):
        first = read_json(s3, note)["id"]
        while read_json(s3, note)["id"] == first:
            pass
    assert read_json(s3, note)["holder"] is None


def test_an_answer_that_was_lost_on_its_way_does_not_cost_the_turn(client: Clients, folder: Location) -> None:
    s3 = client("s3")
    with release_turn.taken(s3, folder, ALICE, is_gone=alive) as turn:
        note = folder / release_turn.NOTE
        written = s3.get_object(Bucket=note.bucket, Key=note.key)["Body"].read()
        s3.put_object(Bucket=note.bucket, Key=note.key, Body=written + b" ")  # ours, under an ETag never heard of
        turn.confirm()
