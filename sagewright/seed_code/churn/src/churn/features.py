"""From raw columns to model features, the same in training and in the endpoint.

Row by row: nothing here may depend on the other rows it is called with, because the endpoint may call it with one.
What must be learnt from many rows (scales, categories, values to fill gaps with) belongs to `fit`.
"""

import pandas as pd

MONTHS_OF_CONTRACT = {"Month-to-month": 1, "One year": 12, "Two year": 24}


def features(raw: pd.DataFrame) -> pd.DataFrame:
    # What the customer has signed for, from the first month to the last. A contract that is not listed has no known
    # length: the value is missing then, and the model takes missing values as they are.
    return raw.assign(committed_charges=raw["monthly_charges"] * raw["contract"].map(MONTHS_OF_CONTRACT))
