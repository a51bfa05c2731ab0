"""Records are read in as few calls as AWS allows, again where they have to be, and never for longer than allowed."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from sagewright.runtime.serving.online_store import OnlineStore, StoreError, Wanted
from tests.runtime.serving.record_server import RecordServer

REGION = "eu-west-1"
LONG_S = 20.0


@pytest.fixture
def reader(store: RecordServer) -> Iterator[OnlineStore]:
    del store  # it is there, and the variables name it
    reader = OnlineStore.connect(REGION, LONG_S)
    yield reader
    reader.close()


def read(reader: OnlineStore, *wanted: Wanted) -> dict[tuple[str, str], Any]:
    return dict(reader.records(wanted, time.monotonic() + reader.time_limit_s))


def asked(call: dict[str, Any]) -> int:
    return sum(len(each["RecordIdentifiersValueAsString"]) for each in call["Identifiers"])


def test_all_groups_are_read_in_one_call_and_what_is_not_there_is_left_out(
    store: RecordServer, reader: OnlineStore
) -> None:
    store.put("a-v1", "1", x="1.5", at="2026-01-01T00:00:00Z", unasked="7")
    store.put("b-v1", "k", y="text")
    found = read(reader, Wanted("a-v1", ["1", "2"], ["x", "at"]), Wanted("b-v1", ["k", "k"], ["y"]))
    assert found == {("a-v1", "1"): {"x": "1.5", "at": "2026-01-01T00:00:00Z"}, ("b-v1", "k"): {"y": "text"}}
    assert [asked(call) for call in store.calls] == [3]


def test_no_call_asks_for_more_than_a_hundred_records(store: RecordServer, reader: OnlineStore) -> None:
    for number in range(250):
        store.put("a-v1", str(number), x=str(number))
    found = read(reader, Wanted("a-v1", [str(number) for number in range(250)], ["x"]), Wanted("b-v1", ["k"], ["y"]))
    assert len(found) == 250
    assert sorted(asked(call) for call in store.calls) == [51, 100, 100]


def test_what_the_store_did_not_get_to_is_asked_for_again(store: RecordServer, reader: OnlineStore) -> None:
    for number in range(8):
        store.put("a-v1", str(number), x=str(number))
    store.unprocessed = 3
    assert len(read(reader, Wanted("a-v1", [str(number) for number in range(8)], ["x"]))) == 8
    assert [asked(call) for call in store.calls] == [8, 4, 2, 1]


@pytest.mark.parametrize(("status", "code"), [(400, "ThrottlingException"), (503, "ServiceUnavailable"), (500, "Odd")])
def test_a_fault_that_passes_is_asked_past(store: RecordServer, reader: OnlineStore, status: int, code: str) -> None:
    store.put("a-v1", "1", x="1")
    faults = [(status, code), (status, code)]
    store.fault = lambda _: faults.pop() if faults else None
    assert read(reader, Wanted("a-v1", ["1"], ["x"])) == {("a-v1", "1"): {"x": "1"}}
    assert len(store.calls) == 3


def test_a_record_that_failed_alone_is_asked_for_again_alone(store: RecordServer, reader: OnlineStore) -> None:
    store.put("a-v1", "1", x="1")
    store.errors = [error("InternalFailure")]
    assert read(reader, Wanted("a-v1", ["1", "2"], ["x"])) == {("a-v1", "1"): {"x": "1"}}
    assert [asked(call) for call in store.calls] == [2, 1]


def error(code: str) -> dict[str, str]:
    told = {"ErrorCode": code, "ErrorMessage": "as the test wants it"}
    return {"FeatureGroupName": "a-v1", "RecordIdentifierValueAsString": "2", **told}


def test_a_fault_that_does_not_pass_is_told_at_once(store: RecordServer, reader: OnlineStore) -> None:
    store.fault = lambda _: (403, "AccessForbidden")
    with pytest.raises(StoreError, match="feature group a-v1 was not read: AccessForbidden: as the test wants it"):
        read(reader, Wanted("a-v1", ["1"], ["x"]))
    store.fault, store.errors = None, [error("ValidationError")]
    with pytest.raises(StoreError, match="feature group a-v1 was not read: ValidationError"):
        read(reader, Wanted("a-v1", ["1"], ["x"]))
    assert len(store.calls) == 2


def test_a_store_that_throttles_on_is_given_up_at_the_time_limit(store: RecordServer) -> None:
    store.fault = lambda _: (400, "ThrottlingException")
    reader = OnlineStore.connect(REGION, 0.3)
    began = time.monotonic()
    with pytest.raises(StoreError, match="a-v1 was not read within 300 ms: ThrottlingException"):
        read(reader, Wanted("a-v1", ["1"], ["x"]))
    assert time.monotonic() - began < 5
    reader.close()


def test_a_store_that_does_not_answer_is_given_up_at_the_time_limit(store: RecordServer) -> None:
    reader = OnlineStore.connect(REGION, 0.2)
    store.gate.clear()
    began = time.monotonic()
    with pytest.raises(StoreError, match="a-v1 was not read within 200 ms"):
        read(reader, Wanted("a-v1", ["1"], ["x"]))
    assert time.monotonic() - began < 5
    store.gate.set()
    reader.close()


def test_a_store_that_is_not_there_is_told_by_what_the_client_says(
    store: RecordServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    del store
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    reader = OnlineStore.connect(REGION, 0.2)
    with pytest.raises(
        StoreError, match=r"a-v1 was not read within 200 ms: (EndpointConnectionError|it takes too long)"
    ):
        read(reader, Wanted("a-v1", ["1"], ["x"]))
    reader.close()
