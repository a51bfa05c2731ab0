"""What `prepare` writes: nothing is known before it happened."""

from pathlib import Path

import pandas as pd
import pytest

from prepare import tables

Raw = dict[str, pd.DataFrame]


def test_a_route_knows_just_the_flights_that_had_landed(raw: Raw) -> None:
    flights = raw["flights"].assign(landed=tables.arrivals(raw["flights"], raw["airports"]))
    made = tables.routes(raw["flights"], raw["airports"])
    for row in made.sample(40, random_state=0).to_dict("records"):
        known = pd.Timestamp(row["known_at"])
        of_route = flights[(flights["origin"] + "-" + flights["dest"] == row["route"]) & (flights["landed"] <= known)]
        # Days are those of New York, of which one has 25 hours.
        begins = {days: (known.tz_convert(tables.NEW_YORK) - pd.DateOffset(days=days)) for days in (1, 7)}
        day, week = (of_route[of_route["landed"] > begins[days]] for days in (1, 7))
        assert (row["arrivals_day"], row["arrivals_week"]) == (len(day), len(week))
        late = (week["arr_delay"] > 15).mean()
        assert row["late_week"] == pytest.approx(late)
        assert row["delay_week"] == pytest.approx(week["arr_delay"].mean())


def test_what_happens_later_changes_nothing_that_was_known(raw: Raw) -> None:
    moment = pd.Timestamp("2013-10-20T04:00:00Z")
    flights = raw["flights"]
    later = tables.arrivals(flights, raw["airports"]) > moment
    otherwise = flights.assign(arr_delay=flights["arr_delay"].where(~later, flights["arr_delay"] + 500))
    before, after = (tables.routes(each, raw["airports"]) for each in (flights, otherwise))
    known, known_otherwise = (
        rows[pd.to_datetime(rows["known_at"]) <= moment].reset_index(drop=True) for rows in (before, after)
    )
    pd.testing.assert_frame_equal(known, known_otherwise)
    assert len(known) > 30
    assert not before.equals(after)


def test_arrivals_are_told_by_the_clocks_of_both_airports(raw: Raw) -> None:
    flights = raw["flights"].assign(arr_delay=0.0)
    landed = tables.arrivals(flights, raw["airports"]).dt.strftime("%m-%d %H:%M")
    first_day = dict(zip(tables.flight_ids(flights), landed, strict=False))
    # The last day of the made-up table is in winter: New York is five hours behind UTC, Honolulu ten, Puerto Rico four.
    assert first_day["UA1545 EWR-IAH"] == "11-18 14:30"
    assert first_day["UA2 EWR-IAH"] == "11-19 09:01"
    assert first_day["B63 JFK-SJU"] == "11-19 07:48"
    assert first_day["HA51 JFK-HNL"] == "11-19 01:30"


def test_a_cancelled_flight_is_planned_but_has_no_label(raw: Raw, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "SAMPLED", 1)
    cancelled = raw["flights"]["arr_delay"].isna().sum()
    assert cancelled > 0
    assert len(tables.departures(raw["flights"])) == len(raw["flights"]) - cancelled
    assert len(tables.timetable(raw["flights"])) == len(raw["flights"])


def test_the_timetable_says_nothing_of_what_came_of_a_flight(raw: Raw) -> None:
    changed = raw["flights"].assign(arr_delay=0.0, air_time=0)
    pd.testing.assert_frame_equal(tables.timetable(raw["flights"]), tables.timetable(changed))


def test_one_departure_in_ten_is_labelled_and_always_the_same(raw: Raw) -> None:
    once = tables.departures(raw["flights"])
    again = tables.departures(raw["flights"].sample(frac=1, random_state=0))
    pd.testing.assert_frame_equal(once.reset_index(drop=True), again.reset_index(drop=True))
    assert 0.05 < len(once) / len(raw["flights"]) < 0.15
    assert once["departure"].is_unique


def test_the_files_hold_what_was_made(raw: Raw, tmp_path: Path) -> None:
    written = tables.write(raw, tmp_path)
    assert sorted(written) == sorted(path.name for path in tmp_path.iterdir())
    assert len(pd.read_csv(tmp_path / "departures.csv")) == written["departures.csv"]
    assert len(pd.read_parquet(tmp_path / "timetable.parquet")) == written["timetable.parquet"] == len(raw["flights"])
