"""Features of several dtypes, the storage of which must not change them."""

from pathlib import Path

import numpy as np
import pandas as pd

COLOURS = (Path(__file__).parent / "colours.txt").read_text().split()


def features(raw: pd.DataFrame) -> pd.DataFrame:
    found = pd.to_datetime(raw["found"])
    colour = raw["colour"].str.extract(f"({'|'.join(COLOURS)})", expand=False)
    return pd.DataFrame(
        {
            "size": raw["size"].astype("float32"),
            "wet": raw["wet"],
            "leaves": raw["leaves"].astype("Int64"),
            "colour": pd.Categorical(colour, categories=COLOURS),
            "month": found.dt.month,
            "found": found,
            "shade": raw["shade"].where(raw["shade"] != "null", None),
            "code": raw["code"],
            "leafless": np.where(raw["leaves"].isna(), "unknown", "counted"),
        },
        index=raw.index,
    )
