"""A number of our own beside the standard metrics: what a campaign that can call one customer in ten would reach."""

from typing import Any

import pandas as pd

SHARE_CALLED = 0.1


def evaluate(model: Any, X: pd.DataFrame, y: pd.Series) -> dict[str, float]:
    leaving = pd.Series(model.predict_proba(X)[:, list(model.classes_).index("Yes")], index=y.index)
    called = leaving.nlargest(max(1, round(len(y) * SHARE_CALLED))).index
    return {
        "leavers_among_called": float((y[called] == "Yes").mean()),
        "leavers_reached": float((y[called] == "Yes").sum() / (y == "Yes").sum()),
    }
