"""A number of our own beside the standard metrics: what warning the passengers of one departure in ten would reach."""

from typing import Any

import pandas as pd

SHARE_WARNED = 0.1


def evaluate(model: Any, X: pd.DataFrame, y: pd.Series) -> dict[str, float]:
    risk = pd.Series(model.predict_proba(X)[:, list(model.classes_).index("Yes")], index=y.index)
    warned = y[risk.nlargest(max(1, round(len(y) * SHARE_WARNED))).index] == "Yes"
    return {"late_among_warned": float(warned.mean()), "late_reached": float(warned.sum() / (y == "Yes").sum())}
