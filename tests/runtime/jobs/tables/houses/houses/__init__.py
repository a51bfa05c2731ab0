"""Functions of a regression, all in the package itself."""

from typing import Any

import pandas as pd
from sklearn.ensemble import HistGradientBoostingRegressor


def features(raw: pd.DataFrame) -> pd.DataFrame:
    return raw.assign(street=raw["street"].notna(), lift=raw["lift"].astype(int))


def fit(rows: pd.DataFrame, y: pd.Series, hyperparameters: dict[str, Any]) -> Any:
    model: Any = HistGradientBoostingRegressor(random_state=0, **hyperparameters)
    return model.fit(rows, y)


def evaluate(model: Any, rows: pd.DataFrame, y: pd.Series) -> dict[str, float]:
    return {"worst": float((y - model.predict(rows)).abs().max())}
