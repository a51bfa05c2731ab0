import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sagewright.runtime.functions import log_lines


@pytest.fixture
def group(client: Callable[[str], Any]) -> str:
    name = f"/aws/sagemaker/TrainingJobs-{uuid.uuid4().hex}"
    client("logs").create_log_group(logGroupName=name)
    return name


def write(client: Callable[[str], Any], group: str, stream: str, *lines: str, at: datetime) -> None:
    client("logs").create_log_stream(logGroupName=group, logStreamName=stream)
    begin = int(at.timestamp() * 1000)
    events = [{"timestamp": begin + number, "message": f"{line}\n"} for number, line in enumerate(lines)]
    client("logs").put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)


def test_the_last_lines_of_the_jobs_own_log_are_read(client: Callable[[str], Any], group: str) -> None:
    for job in ("job", "job-2"):
        lines = [f"{job} line {number}" for number in range(20)]
        write(client, group, f"{job}/algo-1-1234", *lines, at=datetime.now(UTC))
    found = log_lines.last_lines(client("logs"), group, stream="job/", count=3)
    assert found == ["job line 17", "job line 18", "job line 19"]


def test_lines_of_several_instances_are_told_in_the_order_in_which_they_were_written(
    client: Callable[[str], Any], group: str
) -> None:
    now = datetime.now(UTC)
    write(client, group, "AllTraffic/i-1", "last", at=now)
    write(client, group, "AllTraffic/i-2", "first", at=now - timedelta(seconds=5))
    assert log_lines.last_lines(client("logs"), group) == ["first", "last"]


def test_what_is_older_than_asked_for_is_left_out(client: Callable[[str], Any], group: str) -> None:
    now = datetime.now(UTC)
    write(client, group, "AllTraffic/i-1", "old", at=now - timedelta(minutes=1))
    assert log_lines.last_lines(client("logs"), group, written_since=now) == []
    assert log_lines.last_lines(client("logs"), group, written_since=now - timedelta(hours=1)) == ["old"]
    assert log_lines.last_lines(client("logs"), group, created_since=now + timedelta(hours=1)) == []
    assert log_lines.last_lines(client("logs"), group, created_since=now - timedelta(hours=1)) == ["old"]


def test_a_container_that_never_wrote_has_no_lines(client: Callable[[str], Any]) -> None:
    assert log_lines.last_lines(client("logs"), "/aws/sagemaker/Endpoints/none") == []
