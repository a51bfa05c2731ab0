"""Which rows are held out: decided before anything is computed from them, and the same way for the same table."""

import numpy as np
import pandas as pd

from sagewright.runtime.serving.errors import UserError

SEED = 20260730


def held_out(y: pd.Series, by: str, test_fraction: float) -> np.ndarray:
    """Return a mask of the rows to test on; at least one row, and one of each class if stratified, is on each side."""
    generator = np.random.default_rng(SEED)
    groups = [np.arange(len(y))] if by == "random" else _groups(y)
    mask = np.zeros(len(y), dtype=bool)
    for group in groups:
        if len(group) == 1:
            raise UserError(f"the raw data has {len(y)} row with a label: training and testing need at least one each")
        rows = round(len(group) * test_fraction)
        mask[generator.permutation(group)[: min(max(rows, 1), len(group) - 1)]] = True
    return mask


def newest(times: np.ndarray, test_fraction: float) -> np.ndarray:
    """Return a mask of the newest rows; those of one time are on one side, whichever comes nearer to the share asked.

    A model that was tested on rows of a time that it was fitted on would look better than it will be.
    """
    moments, counts = np.unique(times, return_counts=True)
    if len(moments) == 1:
        raise UserError(
            "data.event_time is the same in every row with a label: with data.split.by time, the newest rows are the "
            "test rows, and older ones are needed to train on"
        )
    wanted = min(max(round(len(times) * test_fraction), 1), len(times) - 1)
    # How many rows there are from each time on; from the first one on there are all.
    from_there_on = np.cumsum(counts[::-1])[::-1][1:]
    first = moments[1:][np.argmin(np.abs(from_there_on - wanted))]
    return times >= first


def check_classes(y: pd.Series, mask: np.ndarray) -> None:
    """Refuse a split that leaves a class without a row on one side, which a random one can do to a rare class."""
    for side, labels in (("test", y[mask]), ("training", y[~mask])):
        absent = sorted({*y.unique().tolist()} - {*labels.unique().tolist()})
        if absent:
            raise UserError(f"class {absent[0]!r} has no row in the {side} split: set data.split.by to stratified")


def _groups(y: pd.Series) -> list[np.ndarray]:
    codes, classes = pd.factorize(y, sort=True)
    return [np.flatnonzero(codes == code) for code in range(len(classes))]
