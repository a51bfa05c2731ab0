"""From the published tables to the files of `data/`: what was known of each departure, and since when.

Nothing may be known too early, or the model would learn from the future. Each row here carries the moment from which
on it was known; `data.join` of the project takes only rows that are older than the departure.
"""

from pathlib import Path
from zlib import crc32

import pandas as pd

NEW_YORK = "America/New_York"
# Airports that are missing in the table of airports; all are in one time zone.
ZONE_OF_THE_REST = "America/Puerto_Rico"
LATE_MINUTES = 15
# One departure in so many is a labelled row, so that the demo is quick. The groups hold all of them.
SAMPLED = 10
WEEK = 7


def write(raw: dict[str, pd.DataFrame], folder: Path) -> dict[str, int]:
    """Write the files; returns how many rows each has."""
    made = {
        "departures.csv": departures(raw["flights"]),
        "timetable.parquet": timetable(raw["flights"]),
        "aircraft.parquet": aircraft(raw["planes"]),
        "weather.parquet": weather(raw["weather"]),
        "routes.parquet": routes(raw["flights"], raw["airports"]),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in made.items():
        if name.endswith(".csv"):
            table.to_csv(folder / name, index=False, lineterminator="\n")
        else:
            table.to_parquet(folder / name, index=False)
    return {name: len(table) for name, table in made.items()}


def departures(flights: pd.DataFrame) -> pd.DataFrame:
    """The labelled rows. A flight that was cancelled or diverted has no arrival: nobody can say whether it was late."""
    arrived = flights[flights["arr_delay"].notna()]
    flight = flight_ids(arrived)
    labelled = pd.DataFrame(
        {
            "departure": _days(arrived) + " " + flight,
            "flight": flight,
            "scheduled_at": _iso(scheduled(arrived)),
            "late": (arrived["arr_delay"] > LATE_MINUTES).map({True: "Yes", False: "No"}),
        }
    )
    # By the id and not by chance: the same departures, however often this runs.
    sampled = [crc32(name.encode()) % SAMPLED == 0 for name in labelled["departure"]]
    return labelled[sampled].sort_values(["scheduled_at", "departure"])


def timetable(flights: pd.DataFrame) -> pd.DataFrame:
    """What was planned for every day, and nothing of what came of it."""
    planned = ["carrier", "flight", "tailnum", "origin", "dest", "sched_dep_time", "sched_arr_time", "distance"]
    return flights[planned].assign(day=_days(flights))


def aircraft(planes: pd.DataFrame) -> pd.DataFrame:
    """The registry, which has no dates: it is taken as known since the year began."""
    columns = planes[["tailnum", "manufacturer", "engine", "seats"]]
    return columns.assign(built=planes["year"].astype("Int64"), since="2013-01-01T00:00:00Z")


def weather(observations: pd.DataFrame) -> pd.DataFrame:
    measured = ["temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure", "visib"]
    return observations[["origin", "time_hour", *measured]]


def routes(flights: pd.DataFrame, airports: pd.DataFrame) -> pd.DataFrame:
    """How late each route's arrivals were, known at each midnight of New York.

    A flight counts from the first midnight after it has arrived: one that is still in the air then, or that leaves a
    day late, does not count yet.
    """
    landed = flights.assign(route=flights["origin"] + "-" + flights["dest"], landed=arrivals(flights, airports))
    landed = landed[landed["landed"].notna()]
    landed["midnight"] = landed["landed"].dt.tz_convert(NEW_YORK).dt.tz_localize(None).dt.ceil("D")
    landed["late"] = landed["arr_delay"] > LATE_MINUTES
    day = landed.groupby(["route", "midnight"]).agg(
        arrivals=("late", "size"), late=("late", "sum"), delay=("arr_delay", "sum")
    )
    # One row for each route and midnight: a day without arrivals counts as none in the week. The last midnight is the
    # one before the last departures, since what is known later is known to none of them.
    last = scheduled(flights).max().tz_convert(NEW_YORK).tz_localize(None).floor("D")
    midnights = pd.date_range(landed["midnight"].min(), last, name="midnight")
    day = day.reindex(pd.MultiIndex.from_product([sorted(landed["route"].unique()), midnights], names=day.index.names))
    day = day.fillna(0.0)
    week = day.groupby(level="route").rolling(WEEK, min_periods=1).sum().droplevel(0)
    made = _shares(day, "day").join(_shares(week, "week")).reset_index()
    made = made[made["arrivals_week"] > 0]
    known_at = _iso(made.pop("midnight").dt.tz_localize(NEW_YORK).dt.tz_convert("UTC"))
    return made.assign(known_at=known_at)


def arrivals(flights: pd.DataFrame, airports: pd.DataFrame) -> pd.Series:
    """When each flight did arrive: departure and arrival are planned by two clocks, in the zones of two airports."""
    departure = scheduled(flights)
    zones = flights["dest"].map(airports.set_index("faa")["tzone"]).fillna(ZONE_OF_THE_REST)
    there = pd.concat([_minute_of_day(times.dt.tz_convert(zone)) for zone, times in departure.groupby(zones)])
    # No flight takes a day, so the arrival is the first time that the clock there says so.
    planned = (_minutes(flights["sched_arr_time"]) - there.reindex(flights.index)) % (24 * 60)
    return departure + pd.to_timedelta(planned + flights["arr_delay"], unit="min")


def scheduled(flights: pd.DataFrame) -> pd.Series:
    """When each departure was planned."""
    return pd.to_datetime(flights["time_hour"], utc=True) + pd.to_timedelta(flights["minute"], unit="min")


def flight_ids(flights: pd.DataFrame) -> pd.Series:
    """Name the flight that recurs from day to day, such as `UA1545 EWR-IAH`."""
    return flights["carrier"] + flights["flight"].astype(str) + " " + flights["origin"] + "-" + flights["dest"]


def _shares(sums: pd.DataFrame, period: str) -> pd.DataFrame:
    # No arrivals have neither a share nor a mean: both are missing.
    return pd.DataFrame(
        {
            f"arrivals_{period}": sums["arrivals"].astype("int64"),
            f"late_{period}": sums["late"] / sums["arrivals"],
            f"delay_{period}": sums["delay"] / sums["arrivals"],
        }
    )


def _days(flights: pd.DataFrame) -> pd.Series:
    return pd.to_datetime(flights[["year", "month", "day"]]).dt.strftime("%Y-%m-%d")


def _minutes(clock: pd.Series) -> pd.Series:
    """Read 2359 as 23 hours and 59 minutes."""
    return clock // 100 * 60 + clock % 100


def _minute_of_day(times: pd.Series) -> pd.Series:
    return times.dt.hour * 60 + times.dt.minute


def _iso(times: pd.Series) -> pd.Series:
    return times.dt.strftime("%Y-%m-%dT%H:%M:%SZ")
