"""The record is read from any moment on, and a project without delivery is told that it has none."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import Result

from sagewright.cli import audit
from sagewright.cli.errors import CommandError

Run = Callable[..., Result]
NOW = datetime(2030, 1, 31, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("7d", NOW - timedelta(days=7)),
        ("12h", NOW - timedelta(hours=12)),
        ("90m", NOW - timedelta(minutes=90)),
        ("2030-01-02", datetime(2030, 1, 2, tzinfo=UTC)),
        ("2030-01-02T03:04+02:00", datetime(2030, 1, 2, 1, 4, tzinfo=UTC)),
    ],
)
def test_a_moment_is_a_duration_ago_or_a_day(text: str, expected: datetime) -> None:
    assert audit.moment(text, NOW) == expected


def test_a_moment_that_is_neither_is_refused_with_what_it_may_be() -> None:
    with pytest.raises(CommandError, match="--since lately: give a duration such as 7d or 12h, or a day"):
        audit.moment("lately", NOW)


@pytest.mark.parametrize(
    ("who", "shown"),
    [
        ("arn:aws:iam::111111111111:user/anna", "anna"),
        ("arn:aws:sts::111111111111:assumed-role/approvers/anna", "approvers/anna"),
        ("promotion 1234", "promotion 1234"),
    ],
)
def test_people_are_shown_by_the_name_they_go_by(who: str, shown: str) -> None:
    assert audit.person(who) == shown


def test_a_kind_that_there_is_not_is_refused_with_those_that_there_are(run: Run, project: Path) -> None:
    done = run("--project", project, "audit", "--kind", "gossip")
    assert done.exit_code == 1
    assert "--kind gossip: there is no such kind of entry. Kinds: training, approval" in " ".join(done.stderr.split())


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("audit",), "no delivery writes a record"),
        (("approve", "--gate", "dev"), "has no repository, so no promotion waits at a gate"),
        (("rollback", "dev", "--reason", "why not"), "has no pipeline for rollbacks"),
    ],
)
def test_what_only_delivery_has_is_refused_without_a_repository(
    run: Run, project: Path, arguments: tuple[str, ...], told: str
) -> None:
    done = run("--project", project, *arguments)
    assert done.exit_code == 1
    assert told in " ".join(done.stderr.split())


def test_a_rollback_says_why(run: Run, project: Path) -> None:
    with (project / "project.yaml").open("a") as file:
        file.write("\nrepository: {provider: codecommit, name: leavers}\n")
    assert run("--project", project, "rollback", "dev").exit_code == 2
    done = run("--project", project, "rollback", "dev", "--reason", " ")
    assert "--reason is empty" in done.stderr
