"""From files as they arrive to rows of the feature groups: units, names, and the moment since when a row is known.

Row by row, as in features.py: a file is read in parts, and what is known of one row must not depend on another.
"""

import pandas as pd

NEW_YORK = "America/New_York"
MILES_TO_KM = 1.609344
INCHES_TO_MM = 25.4
# No wind on the ground has reached it. The file has one observation that says four times as much.
FASTEST_WIND_MPH = 260


def timetable(raw: pd.DataFrame) -> pd.DataFrame:
    midnight = pd.to_datetime(raw["day"]).dt.tz_localize(NEW_YORK)
    route = raw["origin"] + "-" + raw["dest"]
    return pd.DataFrame(
        {
            "flight": raw["carrier"] + raw["flight"].astype(str) + " " + route,
            "published_at": midnight.dt.tz_convert("UTC").dt.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "carrier": raw["carrier"],
            "origin": raw["origin"],
            "dest": raw["dest"],
            "route": route,
            "tailnum": raw["tailnum"],
            "weekday": midnight.dt.dayofweek,
            "departure_hour": _hours(raw["sched_dep_time"]),
            "arrival_hour": _hours(raw["sched_arr_time"]),
            "distance": raw["distance"],
        }
    )


def observations(raw: pd.DataFrame) -> pd.DataFrame:
    wind = raw["wind_speed"].where(raw["wind_speed"] <= FASTEST_WIND_MPH)
    return pd.DataFrame(
        {
            "origin": raw["origin"],
            "observed_at": raw["time_hour"],
            "temperature": _celsius(raw["temp"]),
            "dew_point": _celsius(raw["dewp"]),
            "humidity": raw["humid"],
            "wind_direction": raw["wind_dir"],
            "wind_speed": wind * MILES_TO_KM,
            "gust": raw["wind_gust"].fillna(wind) * MILES_TO_KM,
            "precipitation": raw["precip"] * INCHES_TO_MM,
            "pressure": raw["pressure"],
            "visibility": raw["visib"] * MILES_TO_KM,
        }
    )


def _hours(clock: pd.Series) -> pd.Series:
    """Read 1730 as 17.5."""
    return clock // 100 + clock % 100 / 60


def _celsius(fahrenheit: pd.Series) -> pd.Series:
    return (fahrenheit - 32) / 1.8
