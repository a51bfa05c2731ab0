"""When a schedule fires follows AWS's cron, rate and at, in the wall clock's time of a zone."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from sagewright.sandbox.protocol import ApiError
from sagewright.sandbox.scheduler.expressions import Expression


def times(text: str, after: str, count: int = 3, zone: str = "UTC", began: str = "2026-01-01T00:00:00") -> list[str]:
    expression, place = Expression(text, zone), ZoneInfo(zone)
    moment: float | None = datetime.fromisoformat(after).replace(tzinfo=UTC).timestamp()
    began_s = datetime.fromisoformat(began).replace(tzinfo=UTC).timestamp()
    found: list[str] = []
    while moment is not None and len(found) < count:
        moment = expression.after(moment, began_s)
        if moment is not None:
            found.append(f"{datetime.fromtimestamp(moment, place):%Y-%m-%dT%H:%M %a}")
    return found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("cron(10 * * * ? *)", ["2026-03-01T00:10 Sun", "2026-03-01T01:10 Sun", "2026-03-01T02:10 Sun"]),
        ("cron(20 0 * * ? *)", ["2026-03-01T00:20 Sun", "2026-03-02T00:20 Mon", "2026-03-03T00:20 Tue"]),
        ("cron(0/30 9 ? * MON-FRI *)", ["2026-03-02T09:00 Mon", "2026-03-02T09:30 Mon", "2026-03-03T09:00 Tue"]),
        ("cron(0 9 ? * 1 *)", ["2026-03-01T09:00 Sun", "2026-03-08T09:00 Sun", "2026-03-15T09:00 Sun"]),
        ("cron(0 9 ? * 2-3 *)", ["2026-03-02T09:00 Mon", "2026-03-03T09:00 Tue", "2026-03-09T09:00 Mon"]),
        ("cron(0 9 ? * 3#2 *)", ["2026-03-10T09:00 Tue", "2026-04-14T09:00 Tue", "2026-05-12T09:00 Tue"]),
        ("cron(0 9 ? * 6L *)", ["2026-03-27T09:00 Fri", "2026-04-24T09:00 Fri", "2026-05-29T09:00 Fri"]),
        ("cron(0 9 ? * L *)", ["2026-03-07T09:00 Sat", "2026-03-14T09:00 Sat", "2026-03-21T09:00 Sat"]),
        ("cron(0 9 L * ? *)", ["2026-03-31T09:00 Tue", "2026-04-30T09:00 Thu", "2026-05-31T09:00 Sun"]),
        ("cron(0 9 1 JAN ? 2027-2028)", ["2027-01-01T09:00 Fri", "2028-01-01T09:00 Sat"]),
        ("cron(0 9 1 1 ? 2025)", []),
        ("rate(90 minutes)", ["2026-03-01T01:30 Sun", "2026-03-01T03:00 Sun", "2026-03-01T04:30 Sun"]),
        ("rate(1 day)", ["2026-03-02T00:00 Mon", "2026-03-03T00:00 Tue", "2026-03-04T00:00 Wed"]),
        ("at(2026-03-05T10:00:00)", ["2026-03-05T10:00 Thu"]),
        ("at(2026-02-05T10:00:00)", []),
    ],
)
def test_an_expression_fires_at_these_times(text: str, found: list[str]) -> None:
    assert times(text, "2026-03-01T00:00:00") == found


def test_a_rate_begins_with_the_schedule() -> None:
    text = "rate(1 hour)"
    assert times(text, "2026-01-01T00:00:00", began="2026-01-01T00:00:10")[0] == "2026-01-01T00:00 Thu"
    assert times(text, "2026-01-01T00:00:30", began="2026-01-01T00:00:10")[0] == "2026-01-01T01:00 Thu"


def test_an_hour_that_summer_time_leaves_out_does_not_come_and_one_that_it_repeats_comes_once() -> None:
    berlin = {"zone": "Europe/Berlin"}
    spring = times("cron(30 2 * * ? *)", "2026-03-28T00:00:00", **berlin)
    assert spring == ["2026-03-28T02:30 Sat", "2026-03-30T02:30 Mon", "2026-03-31T02:30 Tue"]
    autumn = times("cron(30 2 * * ? *)", "2026-10-24T22:00:00", **berlin)
    assert autumn == ["2026-10-25T02:30 Sun", "2026-10-26T02:30 Mon", "2026-10-27T02:30 Tue"]


@pytest.mark.parametrize(
    "text",
    [
        *("", "every hour", "rate(0 minutes)", "rate(1 week)", "cron(* * * * *)", "cron(10 * * * * *)"),
        *("cron(10 * ? * ? *)", "cron(60 * * * ? *)", "cron(0 9 ? * 0 *)", "cron(0 9 ? * 8 *)", "cron(0 9 * * ? 1900)"),
        *("at(2026-02-30T00:00:00)", "at(2026-02-03)"),
    ],
)
def test_what_is_no_schedule_expression_is_refused(text: str) -> None:
    with pytest.raises(ApiError, match="ValidationException: Invalid Schedule Expression"):
        Expression(text, "UTC")


def test_a_cron_with_a_nearest_weekday_is_refused_by_name() -> None:
    with pytest.raises(ApiError, match=r"UnsupportedOperation: .*does not have W"):
        Expression("cron(0 9 3W * ? *)", "UTC")
