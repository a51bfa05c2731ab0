"""The sandbox's own pages, asked as any program of this machine would: unsigned."""

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import pytest
from moto.core.request import Request
from werkzeug.test import Client

from sagewright.sandbox.clock import Clock
from sagewright.sandbox.person import Person


@pytest.fixture
def clock() -> Iterator[Clock]:
    clock = Clock()
    yield clock
    clock.close()


@pytest.fixture
def client(clock: Clock) -> Client:
    person = Person(clock, {"inbox": lambda: {"messages": []}})

    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        return person.answer(Request(environ))(environ, start_response)

    return Client(application)


def move(client: Client, wanted: Any) -> tuple[int, dict[str, Any]]:
    answer = client.post("/_sandbox/clock", data=wanted if isinstance(wanted, str) else json.dumps(wanted))
    return answer.status_code, json.loads(answer.data)


def read(client: Client) -> dict[str, Any]:
    return json.loads(client.get("/_sandbox/clock").data)


def test_the_clock_shows_its_time_beside_the_real_one(client: Client) -> None:
    shown = read(client)
    assert shown["ahead_seconds"] == 0
    assert shown["now"][:16] == shown["real"][:16]
    assert (shown["moving_to"], shown["waiting_for"]) == (None, [])


def test_the_clock_is_moved_by_seconds_or_to_a_moment(client: Client, clock: Clock) -> None:
    assert move(client, {"forward_seconds": 3600})[0] == 202
    assert clock.arrived(20)
    shown = read(client)
    assert shown["ahead_seconds"] == pytest.approx(3600, abs=1)
    tomorrow = datetime.fromtimestamp(clock.now(), timezone(timedelta(hours=2))) + timedelta(days=1)
    assert move(client, {"to": tomorrow.isoformat()})[0] == 202
    assert clock.arrived(20)
    assert tomorrow.timestamp() <= clock.now() < tomorrow.timestamp() + 1


def test_a_second_move_is_refused_while_one_is_under_way(client: Client, clock: Clock) -> None:
    with clock.work("a job"):
        status, shown = move(client, {"forward_seconds": 60})
        assert (status, shown["waiting_for"]) == (202, ["a job"])
        status, refused = move(client, {"forward_seconds": 60})
        assert status == 409
        assert "being moved" in refused["message"]
    assert clock.arrived(20)


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"forward_seconds": -60}, "only goes forward"),
        ({"to": "2001-01-01T00:00:00Z"}, "only goes forward"),
        ({"to": "2099-01-01T00:00:00Z"}, "at most a year"),
        ({"to": "2030-01-01T00:00:00"}, "does not say in which time zone"),
        ({"to": "tomorrow"}, "'tomorrow' is no time in ISO 8601"),
        ({"forward_seconds": "60"}, "says no time"),
        ({"forward_seconds": True}, "says no time"),
        ({"forward_seconds": 60, "to": "2030-01-01T00:00:00Z"}, "says no time"),
        ([], "says no time"),
        ("+2h", "the body is no JSON"),
    ],
)
def test_a_move_that_cannot_be_is_refused_with_what_is_allowed(client: Client, wanted: Any, message: str) -> None:
    status, refused = move(client, wanted)
    assert status == 400
    assert message in refused["message"]
    assert read(client)["ahead_seconds"] == 0


def test_other_pages_show_their_documents(client: Client) -> None:
    assert json.loads(client.get("/_sandbox/inbox").data) == {"messages": []}
    assert client.post("/_sandbox/inbox").status_code == 405
    missing = client.get("/_sandbox/outbox")
    assert missing.status_code == 404
    assert "/_sandbox/clock, /_sandbox/inbox" in json.loads(missing.data)["message"]


@pytest.mark.parametrize("headers", [{"Origin": "https://example.com"}, {"Host": "example.com"}])
def test_web_pages_are_kept_out(client: Client, headers: dict[str, str]) -> None:
    assert client.post("/_sandbox/clock", data='{"forward_seconds": 60}', headers=headers).status_code == 403


def test_the_sandbox_answers_them_beside_aws(sandbox: Any) -> None:
    address = urlsplit(sandbox.endpoint)
    connection = HTTPConnection(address.hostname, address.port)
    connection.request("GET", "/_sandbox/clock")
    answer = connection.getresponse()
    assert json.load(answer)["moving_to"] is None
    connection.close()
