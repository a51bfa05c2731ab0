"""The sandbox's clock and inbox from the command line."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sagewright.cli import sandbox_clock
from sagewright.cli.errors import CommandError
from sagewright.cli.sandbox_person import Message
from sagewright.cli.sandbox_process import RunningSandbox
from tests.cli.conftest import Run

NOW = datetime(2030, 1, 31, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("+2h", NOW + timedelta(hours=2)),
        ("+1d12h", NOW + timedelta(days=1, hours=12)),
        ("+90m", NOW + timedelta(minutes=90)),
        ("169h", NOW + timedelta(hours=169)),
        ("+30s", NOW + timedelta(seconds=30)),
        ("2030-02-01", datetime(2030, 2, 1, tzinfo=UTC)),
        ("2030-02-01T08:30", datetime(2030, 2, 1, 8, 30, tzinfo=UTC)),
        ("2030-02-01T08:30+02:00", datetime(2030, 2, 1, 6, 30, tzinfo=UTC)),
    ],
)
def test_a_moment_is_a_duration_from_now_or_a_time(text: str, expected: datetime) -> None:
    assert sandbox_clock.moment(text, NOW) == expected


@pytest.mark.parametrize("text", ["2", "+2", "+h", "tomorrow", "+-2h", ""])
def test_what_is_neither_is_refused_with_what_is_allowed(text: str) -> None:
    with pytest.raises(CommandError, match="is neither a duration nor a time: write \\+2h"):
        sandbox_clock.moment(text, NOW)


def test_time_passes_as_far_as_it_was_asked_to(run: Run, home: tuple[Path, RunningSandbox]) -> None:
    folder, _ = home
    before = json.loads(run("sandbox", "clock", "--project", folder, "--json").stdout)
    after = json.loads(run("sandbox", "clock", "+2h", "--project", folder, "--json").stdout)
    passed = datetime.fromisoformat(after["now"]) - datetime.fromisoformat(before["now"])
    assert timedelta(hours=2) <= passed < timedelta(hours=2, minutes=1)
    assert after["moving_to"] is None
    assert "ahead of this machine's clock" in run("sandbox", "clock", "--project", folder).stdout


def test_time_does_not_go_back(run: Run, home: tuple[Path, RunningSandbox]) -> None:
    done = run("sandbox", "clock", "2020-01-01", "--project", home[0])
    assert done.exit_code == 1
    assert "refused POST /_sandbox/clock" in done.stderr


def test_an_inbox_without_a_message_says_so(run: Run, home: tuple[Path, RunningSandbox]) -> None:
    assert "The inbox is empty." in run("sandbox", "inbox", "--project", home[0]).stdout


def test_without_a_sandbox_there_is_no_clock(run: Run, project: Path) -> None:
    for words in (["clock"], ["inbox"]):
        done = run("sandbox", *words, "--project", project)
        assert done.exit_code == 1
        assert "No sandbox is up here" in done.stderr


def test_a_message_that_asks_for_a_confirmation_is_told_by_its_link() -> None:
    link = "http://localhost:4566/?Action=ConfirmSubscription&TopicArn=arn:aws:sns:x&Token=abc"
    asking = Message("1", NOW, "a@example.com", "AWS Notification - Subscription Confirmation", f"Visit\n{link}\nto")
    assert asking.confirmation == link
    assert Message("2", NOW, "a@example.com", "Drift", "nothing to confirm").confirmation is None
