"""How the values of a column were spread at training and are now, read from two files in Model Monitor's form."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go

from sagewright.cli.training import number

from .axes import figure
from .chart import NOTHING, NOW, THEN, Chart, Table, plain, shortened

BINS = 24
MOST_WHOLE_NUMBERS = 40  # that get a bar each
OUTER = 0.005  # of either spread, at either end, that belongs to the outermost bars
MOST_CATEGORIES = 10
LONGEST_LABEL = 22
READABLE, LARGE = 10, 10_000  # between them a mean reads best with one decimal
NOTABLE = 0.01  # a change of the share of missing values that is worth a word
ROW_HEIGHT, AROUND_ROWS = 44, 96

Feature = Mapping[str, Any]


@dataclass(frozen=True)
class Spread:
    """Where a numeric column's values lie: at `places` in order, with that share of them at or below."""

    # Arrays; their type and the one that NumPy's stubs ask for do not match.
    places: Any
    below: Any
    exact: bool  # values themselves; or else edges of buckets, between which nothing is known

    @classmethod
    def of(cls, feature: Feature) -> "Spread | None":
        """Read the sketch, whose level i stands for 2^i values each; without one, the buckets. None without values."""
        kll = feature["numerical_statistics"].get("distribution", {}).get("kll", {})
        levels = [np.asarray(level, dtype=float) for level in kll.get("sketch", {}).get("data", [])]
        if sum(map(len, levels)):
            values = np.concatenate(levels)
            weights = np.concatenate([np.full(len(level), 2.0**i) for i, level in enumerate(levels)])
            order = np.argsort(values, kind="stable")
            return cls(values[order], np.cumsum(weights[order]) / weights.sum(), exact=True)
        buckets = kll.get("buckets", [])
        total = sum(bucket["count"] for bucket in buckets)
        if not total:
            return None
        places = [buckets[0]["lower_bound"], *(bucket["upper_bound"] for bucket in buckets)]
        below = np.cumsum([0, *(bucket["count"] for bucket in buckets)]) / total
        return cls(np.asarray(places, dtype=float), below, exact=False)

    def share_below(self, edges: np.ndarray) -> np.ndarray:
        """Return the share of values at or below each edge."""
        if self.exact:
            return np.concatenate([[0.0], self.below])[np.searchsorted(self.places, edges, side="right")]
        return np.interp(edges, self.places, self.below, left=0.0, right=1.0)

    def quantile(self, share: float) -> float:
        """Return the value that this share lies at or below."""
        return float(self.places[min(int(np.searchsorted(self.below, share)), len(self.places) - 1)])


def is_numeric(feature: Feature) -> bool:
    """Tell a column of numbers from one of categories."""
    return "numerical_statistics" in feature


def changed(then: Feature, now: Feature) -> str:
    """Say in a few words what is different about a column."""
    told = []
    if is_numeric(then) and is_numeric(now):
        means = [feature["numerical_statistics"].get("mean") for feature in (then, now)]
        told.append(" → ".join(["mean " + _number(means[0]), _number(means[1])]))
    elif not is_numeric(then) and not is_numeric(now):
        before, after = _shares(then), _shares(now)
        # Of two that moved as far, the commoner one at training: two categories always mirror each other.
        moved = max(
            {**before, **after},
            key=lambda name: (round(abs(after.get(name, 0) - before.get(name, 0)), 9), before.get(name, 0)),
            default=None,
        )
        if moved is not None:
            told.append(f"“{moved}” {before.get(moved, 0):.1%} → {after.get(moved, 0):.1%}")
    else:
        told.append(f"{then['inferred_type']} → {now['inferred_type']}")
    absent = [_missing(feature) for feature in (then, now)]
    if abs(absent[1] - absent[0]) >= NOTABLE:
        told.append(f"missing {absent[0]:.1%} → {absent[1]:.1%}")
    return ", ".join(told)


def chart(then: Feature, now: Feature, told: str) -> Chart | None:
    """Draw both distributions over one another; None where a side has no values, or their types differ."""
    if is_numeric(then) != is_numeric(now):
        return None
    return _numeric(then, now, told) if is_numeric(then) else _categorical(then, now, told)


def _numeric(then: Feature, now: Feature, told: str) -> Chart | None:
    spreads = Spread.of(then), Spread.of(now)
    if spreads[0] is None or spreads[1] is None:
        return None
    edges = _edges(spreads[0], spreads[1], whole=then["inferred_type"] == now["inferred_type"] == "Integral")
    inner = edges.copy()
    inner[0], inner[-1] = -np.inf, np.inf
    shares = [np.diff(spread.share_below(inner)) for spread in (spreads[0], spreads[1])]
    traces = [
        go.Scatter(
            x=np.repeat(edges, 2)[1:-1].tolist(),
            y=np.repeat(share, 2).tolist(),
            mode="lines",
            name=name,
            line={"color": color, "width": width},
            fill="tozeroy" if color == THEN else "none",
        )
        for share, name, color, width in (
            (shares[0], "At training", THEN, 1.5),
            (shares[1], "In the window", NOW, 2.5),
        )
    ]
    made = figure(*traces, across=plain(then["name"]), up="Share of rows", yaxis={"rangemode": "tozero"})
    rows = [
        (f"{number(float(low))} to {number(float(high))}", f"{before:.1%}", f"{after:.1%}")
        for low, high, before, after in zip(edges, edges[1:], shares[0], shares[1], strict=False)
    ]
    return _made(then, told, made, Table(("Values", "At training", "In the window"), rows))


def _edges(then: Spread, now: Spread, *, whole: bool) -> np.ndarray:
    low = min(then.quantile(OUTER), now.quantile(OUTER))
    high = max(then.quantile(1 - OUTER), now.quantile(1 - OUTER))
    if whole and high - low < MOST_WHOLE_NUMBERS:
        return np.arange(np.floor(low) - 0.5, np.ceil(high) + 1)
    if high <= low:
        room = max(abs(low), 1.0) / 2
        low, high = low - room, high + room
    # Not by their difference, which may be more than any number.
    at = np.arange(BINS + 1) / BINS
    return low * (1 - at) + high * at


def _categorical(then: Feature, now: Feature, told: str) -> Chart | None:
    before, after = _shares(then), _shares(now)
    if not before or not after:
        return None
    names = sorted({**before, **after}, key=lambda name: -max(before.get(name, 0), after.get(name, 0)))
    shown = sorted(names[:MOST_CATEGORIES], key=lambda name: -before.get(name, 0))
    rows: list[tuple[str, float, float]] = [(name, before.get(name, 0.0), after.get(name, 0.0)) for name in shown]
    if len(names) > len(shown):
        rest = [max(1 - sum(side.get(name, 0.0) for name in shown), 0.0) for side in (before, after)]
        rows.append((f"{len(names) - len(shown):,} others", rest[0], rest[1]))
    # By place, because two long names may be cut to the same text.
    places = [*range(len(rows))]
    made = figure(
        *(
            go.Bar(
                x=[row[side] for row in rows],
                y=places,
                orientation="h",
                name=name,
                marker={"color": color, "pattern": {"shape": pattern}},
            )
            for side, name, color, pattern in ((1, "At training", THEN, ""), (2, "In the window", NOW, "/"))
        ),
        across="Share of rows",
        up="",
        bargap=0.25,
        xaxis={"rangemode": "tozero"},
        yaxis={
            "tickvals": places,
            "ticktext": [plain(shortened(row[0], LONGEST_LABEL)) for row in rows],
            "autorange": "reversed",
        },
    )
    table = Table(
        (str(then["name"]), "At training", "In the window"), [(n, f"{b:.1%}", f"{a:.1%}") for n, b, a in rows]
    )
    return _made(then, told, made, table, height=AROUND_ROWS + ROW_HEIGHT * len(rows))


def _made(feature: Feature, told: str, made: go.Figure, table: Table, height: int = 260) -> Chart:
    return Chart(str(feature["name"]), told, made, table, height=height)


def _shares(feature: Feature) -> dict[str, float]:
    texts = feature.get("string_statistics", {})
    buckets: Sequence[Mapping[str, Any]] = texts.get("distribution", {}).get("categorical", {}).get("buckets", [])
    present = _common(feature)["num_present"]
    return {str(bucket["value"]): bucket["count"] / present for bucket in buckets} if present else {}


def _missing(feature: Feature) -> float:
    common = _common(feature)
    return common["num_missing"] / max(common["num_present"] + common["num_missing"], 1)


def _common(feature: Feature) -> Mapping[str, float]:
    """Return how many values there are; a column of an unknown type has neither kind of statistics."""
    kind = "numerical_statistics" if is_numeric(feature) else "string_statistics"
    return feature.get(kind, {}).get("common", {"num_present": 0, "num_missing": 0})


def _number(value: object) -> str:
    if not isinstance(value, float | int):
        return NOTHING
    return f"{value:.1f}" if READABLE <= abs(value) < LARGE else number(value)
