"""From the joined columns to model features, the same in training and in the endpoint.

Row by row: nothing here may depend on the other rows it is called with, because the endpoint may call it with one.
"""

import pandas as pd

# What only names a record says nothing of a flight that is new.
NAMES = ["flight", "scheduled_at", "tailnum", "route"]


def features(raw: pd.DataFrame) -> pd.DataFrame:
    # Fog comes when the air is about as cold as its dew point.
    spread = raw["temperature"] - raw["dew_point"]
    return raw.drop(columns=NAMES, errors="ignore").assign(dew_point_spread=spread)
