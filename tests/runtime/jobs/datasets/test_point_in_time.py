"""Every labelled row gets what was known at its time, whatever history there is: as the definition says, row by row."""

import time
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sagewright.runtime.jobs.datasets.point_in_time import Plan, unload
from sagewright.runtime.jobs.declaration import Declaration
from sagewright.runtime.serving.errors import UserError
from tests.runtime.jobs.datasets.joined_history import (
    DATABASE,
    History,
    Question,
    Record,
    Reference,
    by_query,
    document,
    iso,
)

HOUR = 3_600_000
START = 1_793_000_000_000
# Few distinct times, so that ties, edges of the look-back and rows at the very moment of a record are common.
TIMES = st.tuples(st.integers(0, 8), st.sampled_from([0, 0, 0, 1])).map(
    lambda each: START + each[0] * HOUR // 2 + each[1]
)
IDS = ["a", "7"]


DELETED = st.sampled_from([False, False, False, True])


@st.composite
def histories(draw: st.DrawFn) -> list[History]:
    """Draw a group found by a column, one found by a feature of it, and one whose ids and times are numbers."""
    place = {"place": "string", "seen": "string", "wind": "fractional", "station-id": "string", "Floor": "integral"}
    station = {"id": "string", "since": "fractional", "height": "integral"}
    floor = {"number": "integral", "t": "string", "name": "string"}
    ids, numbers = st.sampled_from(IDS), st.integers(1, 2)
    return [
        History("place", place, draw(_records(place, ids)), "where", *draw(ENDS)),
        History("station", station, draw(_records(station, ids)), "station-id", *draw(ENDS)),
        History("floor", floor, draw(_records(floor, numbers)), "Floor", *draw(ENDS)),
    ]


# Hours of a look-back, and seconds of a time to live.
ENDS = st.tuples(st.sampled_from([None, 0.5, 1.0, 2.0]), st.sampled_from([None, None, 1800, 5400]))


VALUES: dict[str, st.SearchStrategy[Any]] = {
    "string": st.sampled_from([None, *IDS]),
    "integral": st.sampled_from([None, 1, 2]),
    "fractional": st.sampled_from([None, -0.5, 2.0]),
}


def _records(types: dict[str, str], ids: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Record]]:
    _, event_time, *features = types
    values = st.fixed_dictionaries({name: VALUES[types[name]] for name in features})

    @st.composite
    def record(draw: st.DrawFn) -> Record:
        happened = draw(TIMES)
        stored = iso(happened, draw(st.sampled_from([0, 0, 5, -3])))
        # Some are told late, and some before they happen.
        arrived = happened + draw(st.sampled_from([0, HOUR, 3 * HOUR, -HOUR]))
        return Record(
            id=draw(ids),
            happened=happened,
            stored=stored if types[event_time] == "string" else happened / 1000,
            arrived=arrived,
            written=arrived + draw(st.sampled_from([0, HOUR])),
            deleted=draw(DELETED),
            values=draw(values),
        )

    @st.composite
    def records(draw: st.DrawFn) -> list[Record]:
        found = draw(st.lists(record(), max_size=6))
        if not found:
            return found
        # Written again: as it was, or as something else that is as new, but for what is drawn.
        again = [
            replace(
                before,
                written=before.written + draw(st.sampled_from([0, 0, HOUR])),
                deleted=draw(st.just(before.deleted) | DELETED),
                values=draw(st.just(before.values) | values),
            )
            for before in draw(st.lists(st.sampled_from(found), max_size=4))
        ]
        return draw(st.permutations(found + again))

    return records()


QUESTIONS = st.lists(st.tuples(TIMES, st.sampled_from([None, *IDS])), min_size=1, max_size=6).map(
    lambda rows: Question([at for at, _ in rows], {"where": [where for _, where in rows]})
)
KNOWN_BY = st.sampled_from(["event_time", "api_invocation_time"])


def compared(groups: list[History], question: Question, known_by: str) -> None:
    assert by_query(groups, question, known_by) == Reference(groups, known_by).joined(question)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
@given(histories(), QUESTIONS, KNOWN_BY)
def test_the_query_finds_what_the_definition_says(groups: list[History], question: Question, known_by: str) -> None:
    compared(groups, question, known_by)


@pytest.mark.soak
@settings(max_examples=2000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(histories(), QUESTIONS, KNOWN_BY)
def test_the_query_finds_what_the_definition_says_of_thousands_of_histories(
    groups: list[History], question: Question, known_by: str
) -> None:
    compared(groups, question, known_by)


def weather(*records: Record, look_back_hours: float | None = None, time_to_live_s: int | None = None) -> History:
    types = {"origin": "string", "observed_at": "string", "wind": "fractional"}
    return History("weather", types, records, "origin", look_back_hours, time_to_live_s)


def seen(  # noqa: PLR0913 - one argument for each thing that a record differs by
    happened: int, wind: float | None, *, arrived: int = 0, written: int = 0, deleted: bool = False, zone: int = 0
) -> Record:
    at = START + happened
    return Record("a", at, iso(at, zone), START + arrived, START + written, deleted, {"wind": wind})


def wind(history: History, *times: int, known_by: str = "event_time") -> list[float | None]:
    question = Question([START + each for each in times], {"origin": ["a"] * len(times)})
    return [row["wind"] for row in by_query([history], question, known_by)]


def test_a_record_of_the_very_moment_is_known_and_a_later_one_is_not() -> None:
    assert wind(weather(seen(0, 1.0), seen(1, 2.0)), -1, 0, 1) == [None, 1.0, 2.0]


def test_of_two_records_of_one_moment_the_one_told_last_counts() -> None:
    assert wind(weather(seen(0, 1.0, arrived=9), seen(0, 2.0, arrived=5)), 3) == [1.0]
    assert wind(weather(seen(0, 1.0, arrived=9, written=1), seen(0, 2.0, arrived=9, written=2)), 3) == [2.0]


def test_a_record_told_late_is_unknown_until_then_in_a_backtest() -> None:
    history = weather(seen(0, 1.0), seen(1, 2.0, arrived=7))
    assert wind(history, 5, 7) == [2.0, 2.0]
    assert wind(history, 5, 7, known_by="api_invocation_time") == [1.0, 2.0]


def test_an_old_record_told_late_does_not_hide_a_newer_one() -> None:
    assert wind(weather(seen(0, 1.0, arrived=9), seen(1, 2.0)), 10, known_by="api_invocation_time") == [2.0]


def test_a_deleted_record_is_missing_until_it_is_written_again() -> None:
    history = weather(seen(0, 1.0), seen(2, None, deleted=True), seen(4, 3.0))
    assert wind(history, 1, 3, 5) == [1.0, None, 3.0]


def test_a_deletion_wins_over_a_record_that_is_the_same_in_every_time() -> None:
    assert wind(weather(seen(0, 1.0), seen(0, None, deleted=True)), 1) == [None]


def test_a_record_as_old_as_the_look_back_is_missing() -> None:
    assert wind(weather(seen(0, 1.0), look_back_hours=2), 2 * HOUR - 1, 2 * HOUR) == [1.0, None]


def test_an_older_record_does_not_stand_in_for_a_deleted_one_within_the_look_back() -> None:
    assert wind(weather(seen(0, 1.0), seen(1, None, deleted=True), look_back_hours=2), 5) == [None]


LIVES = {"the record's own": 0, "the moment of the expiry": 2 * HOUR}


@pytest.mark.parametrize("marked", LIVES.values(), ids=LIVES)
@pytest.mark.parametrize("known_by", ["event_time", "api_invocation_time"])
def test_a_record_is_there_until_its_time_to_live_is_over_whatever_time_its_expiry_has(
    marked: int, known_by: str
) -> None:
    expiry = seen(marked, None, deleted=True, arrived=2 * HOUR + 9, written=2 * HOUR + 9)
    for records in ([seen(0, 1.0)], [seen(0, 1.0), expiry]):
        history = weather(*records, time_to_live_s=7200)
        assert wind(history, 0, 5, 2 * HOUR - 1, 2 * HOUR, 3 * HOUR, known_by=known_by) == [1.0, 1.0, 1.0, None, None]


def test_the_shorter_of_look_back_and_time_to_live_counts() -> None:
    assert wind(weather(seen(0, 1.0), look_back_hours=1, time_to_live_s=7200), HOUR - 1, HOUR) == [1.0, None]
    assert wind(weather(seen(0, 1.0), look_back_hours=3, time_to_live_s=7200), 2 * HOUR - 1, 2 * HOUR) == [1.0, None]


def test_a_deletion_of_a_time_of_its_own_counts_where_records_expire_too() -> None:
    history = weather(seen(0, 1.0), seen(2, None, deleted=True), seen(4, 3.0), time_to_live_s=7200)
    assert wind(history, 1, 3, 5) == [1.0, None, 3.0]


def test_a_time_to_live_that_never_ends_is_none() -> None:
    assert wind(weather(seen(0, 1.0), time_to_live_s=2147483647 * 604800), 10**6 * HOUR) == [1.0]


def test_times_of_other_zones_are_the_same_moments() -> None:
    assert wind(weather(seen(0, 1.0, zone=9), seen(1, 2.0, zone=-7)), 0, 1) == [1.0, 2.0]


def test_a_record_written_twice_doubles_no_row() -> None:
    assert wind(weather(seen(0, 1.0), seen(0, 1.0), seen(0, 1.0)), 0, 1) == [1.0, 1.0]


def test_a_row_without_a_key_has_no_value() -> None:
    question = Question([START, START], {"origin": [None, "a"]})
    assert by_query([weather(seen(0, 1.0))], question) == [{"wind": None}, {"wind": 1.0}]


def test_long_histories_are_no_product_with_the_rows() -> None:
    """A year of hours at one place for 20,000 rows would be 175 million pairs."""
    records = [seen(hour * HOUR, float(hour)) for hour in range(8760)]
    times = [(START + number * 1_500_000, number * 1_500_000 // HOUR) for number in range(20_000)]
    began = time.perf_counter()
    found = by_query([weather(*records)], Question([at for at, _ in times], {"origin": ["a"] * len(times)}))
    assert [row["wind"] for row in found] == [float(min(hour, 8759)) for _, hour in times]
    assert time.perf_counter() - began < 10


def planned(**changes: Any) -> Plan:
    told = document([weather(), History("place", {"id": "integral", "t": "string", "size": "integral"}, (), "wind")])
    told["groups"]["weather"] |= changes
    return Plan.of(Declaration.parse(told))


def test_a_key_of_another_type_than_the_ids_is_refused() -> None:
    with pytest.raises(UserError, match=r"data.join\[1\] \(place\): wind is fractional and cannot name records whose"):
        planned()


def test_a_group_without_history_is_refused() -> None:
    with pytest.raises(UserError, match=r"data.join\[0\] \(weather\): the group has no offline store"):
        planned(offline=None)


def test_a_feature_of_two_groups_is_refused() -> None:
    told = document([weather(), weather()])
    with pytest.raises(UserError, match="wind is a feature of a group before, too"):
        Plan.of(Declaration.parse(told))


def test_more_features_than_a_query_can_name_are_refused() -> None:
    types = {"id": "string", "t": "string"} | {f"a_feature_with_a_rather_long_name_{n}": "string" for n in range(2400)}
    long = [History("long", types, (), "id"), History("longer", {**types, "x": "string"}, (), "id")]
    told = document(long)
    told["join"][1]["features"] = ["x"]
    with pytest.raises(UserError, match="the query for 2401 features has"):
        Plan.of(Declaration.parse(told)).query(DATABASE, "labelled_0")


def test_a_place_with_a_quote_stays_one_text() -> None:
    assert "TO 's3://bucket/o''clock/'\n" in unload("SELECT 1", "s3://bucket/o'clock/")
