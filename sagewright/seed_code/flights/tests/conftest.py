"""A made-up airport in the form of the published tables: 40 days around the end of summer time, and a joined table."""

import numpy as np
import pandas as pd
import pytest

from flights import groups
from prepare import tables

DAYS = pd.date_range("2013-10-10", periods=40)
# Flight, tail number, origin, destination, departure and arrival by the clocks there, minutes in the air.
PLANNED = [
    ("UA", 1545, "N1", "EWR", "IAH", 530, 830, 200),
    ("UA", 2, "N2", "EWR", "IAH", 2359, 301, 200),
    ("B6", 3, "N3", "JFK", "SJU", 2300, 348, 200),
    ("HA", 51, "N4", "JFK", "HNL", 1000, 1530, 620),
    *(("DL", 100 + hour, f"D{hour}", "LGA", "ATL", hour * 100 + 15, hour * 100 + 245, 110) for hour in range(6, 20)),
]
AIRPORTS = pd.DataFrame(
    {"faa": ["IAH", "HNL", "ATL"], "tzone": ["America/Chicago", "Pacific/Honolulu", "America/New_York"]}
)


@pytest.fixture(scope="session")
def raw() -> dict[str, pd.DataFrame]:
    return made_up()


def made_up() -> dict[str, pd.DataFrame]:
    """Make what `source.read` gives: flights are late in fog, and one in thirty is cancelled."""
    random = np.random.default_rng(0)
    names = ["carrier", "flight", "tailnum", "origin", "dest", "sched_dep_time", "sched_arr_time", "air_time"]
    flights = pd.DataFrame(
        [(day.year, day.month, day.day, *planned) for day in DAYS for planned in PLANNED],
        columns=["year", "month", "day", *names],
    ).assign(distance=1000)
    flights["minute"] = flights["sched_dep_time"] % 100
    local = pd.to_datetime(flights[["year", "month", "day"]]) + pd.to_timedelta(flights["sched_dep_time"] // 100, "h")
    utc = local.dt.tz_localize(tables.NEW_YORK, ambiguous=True, nonexistent="shift_forward").dt.tz_convert("UTC")
    flights["time_hour"] = utc.dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    # As in the published tables, the weather ends a day before the flights.
    hours = pd.date_range(utc.min(), utc.max() - pd.Timedelta(days=1), freq="h")
    weather = pd.MultiIndex.from_product([["EWR", "JFK", "LGA"], hours]).to_frame(index=False, name=["origin", "hour"])
    fog = random.random(len(weather)) < 0.3
    weather["time_hour"] = weather["hour"].dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    weather["visib"] = np.where(fog, 0.5, 10.0)
    measured = {"temp": 50.0, "dewp": 41.0, "humid": 70.0, "wind_dir": 180.0, "wind_speed": 10.0, "pressure": 1010.0}
    weather = weather.assign(**measured, wind_gust=np.nan, precip=0.0)
    foggy = weather.set_index(["origin", "time_hour"])["visib"].reindex(
        pd.MultiIndex.from_frame(flights[["origin", "time_hour"]])
    )
    delay = random.normal(-5, 10, len(flights)) + np.where(foggy.to_numpy() < 1, 40, 0)
    flights["arr_delay"] = np.where(random.random(len(flights)) < 1 / 30, np.nan, delay.round())
    planes = pd.DataFrame({"tailnum": ["N1", "N2", "N3"], "year": [2001.0, np.nan, 1999.0]})
    planes = planes.assign(manufacturer="BOEING", engine="Turbo-fan", seats=149)
    return {"flights": flights, "airports": AIRPORTS, "planes": planes, "weather": weather}


@pytest.fixture(scope="session")
def joined(raw: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """All labelled rows, each with the newest row of each group that was known at its time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, "SAMPLED", 1)
        rows = tables.departures(raw["flights"])
    rows = rows.assign(at=pd.to_datetime(rows["scheduled_at"])).sort_values("at")
    for group, key, since in (
        (groups.timetable(tables.timetable(raw["flights"])), "flight", "published_at"),
        (tables.aircraft(raw["planes"]).astype({"built": float}), "tailnum", "since"),
        (groups.observations(tables.weather(raw["weather"])), "origin", "observed_at"),
        (tables.routes(raw["flights"], raw["airports"]), "route", "known_at"),
    ):
        known = group.assign(known=pd.to_datetime(group.pop(since))).sort_values("known")
        rows = pd.merge_asof(rows, known, left_on="at", right_on="known", by=key).drop(columns="known")
    return rows.drop(columns="at")
