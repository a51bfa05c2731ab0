"""From files to rows of the groups, row by row."""

import pandas as pd
import pytest

from flights import groups
from prepare import tables

Raw = dict[str, pd.DataFrame]


def test_a_flight_has_one_row_a_day_known_at_midnight_in_new_york(raw: Raw) -> None:
    rows = groups.timetable(tables.timetable(raw["flights"]))
    flight = rows[rows["flight"] == "UA1545 EWR-IAH"].set_index("published_at")
    assert flight.index.is_unique
    # Summer time ended on 3 November.
    assert {"2013-11-02T04:00:00Z", "2013-11-03T04:00:00Z", "2013-11-04T05:00:00Z"} <= set(flight.index)
    monday = flight.loc["2013-11-04T05:00:00Z"].to_dict()
    assert [monday[name] for name in ("origin", "dest", "route", "weekday")] == ["EWR", "IAH", "EWR-IAH", 0]
    assert (monday["departure_hour"], monday["arrival_hour"]) == (5.5, 8.5)


def test_every_departure_finds_the_row_of_its_own_day(joined: pd.DataFrame) -> None:
    hour = pd.to_datetime(joined["scheduled_at"]).dt.tz_convert(tables.NEW_YORK)
    assert (joined["departure_hour"] == hour.dt.hour + hour.dt.minute / 60).all()
    assert (joined["weekday"] == hour.dt.dayofweek).all()


def test_units_are_those_of_the_world(raw: Raw) -> None:
    row = groups.observations(tables.weather(raw["weather"])).iloc[0]
    assert (row["temperature"], row["dew_point"]) == (pytest.approx(10), pytest.approx(5))
    assert row["wind_speed"] == row["gust"] == pytest.approx(16.09344)


def test_a_wind_that_cannot_be_is_missing(raw: Raw) -> None:
    wrong = tables.weather(raw["weather"]).head(1).assign(wind_speed=1048.36)
    row = groups.observations(wrong).iloc[0]
    assert pd.isna(row["wind_speed"])
    assert pd.isna(row["gust"])


@pytest.mark.parametrize("name", ["timetable", "observations"])
def test_a_row_is_the_same_alone_and_in_the_file(raw: Raw, name: str) -> None:
    file = {"timetable": tables.timetable(raw["flights"]), "observations": tables.weather(raw["weather"])}[name]
    function = getattr(groups, name)
    file = file.head(30)
    alone = pd.concat([function(file.iloc[[row]]) for row in range(len(file))])
    pd.testing.assert_frame_equal(alone, function(file))
