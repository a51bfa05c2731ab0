"""The statistics of a table in the form of Model Monitor's statistics.json, and how they are read again.

https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-byoc-statistics.html
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

from sagewright.runtime.jobs.profiles import Numbers, Profile, TableProfile, Texts
from sagewright.runtime.jobs.quantile_sketch import C, K, QuantileSketch
from sagewright.runtime.jobs.value_counts import ValueCounts

FILE = "statistics.json"

Document = dict[str, Any]

BUCKETS = 10
# Texts that a file lists. What is not listed is rarer than each of them, so a share read from it is too low by at most
# a thousandth.
MOST_TEXTS = 1000


def document(table: TableProfile) -> Document:
    """Return the statistics of a table."""
    return {
        "version": 0.0,
        "dataset": {"item_count": table.rows},
        "features": [_feature(column) for column in table.columns.values()],
    }


def read(statistics: Document) -> TableProfile:
    """Return what a file says of a table, whoever wrote it."""
    return TableProfile(
        (_profile(feature) for feature in statistics["features"]), rows=int(statistics["dataset"]["item_count"])
    )


def write_json(path: Path, content: Document) -> None:
    """Write one of the monitor's files."""
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
    # A lone surrogate, which a request in JSON can carry, has no UTF-8: it is written as `?`.
    path.write_text(text + "\n", encoding="utf-8", errors="replace")


def _feature(column: Profile) -> Document:
    common = {"num_present": column.present, "num_missing": column.missing}
    if isinstance(column, Texts):
        buckets = [{"value": text, "count": count} for text, count in column.values.most_common(MOST_TEXTS)]
        statistics: Document = {
            "common": common,
            "distinct_count": float(column.values.distinct),
            "distribution": {"categorical": {"buckets": buckets}},
        }
        return {"name": column.name, "inferred_type": "String", "string_statistics": statistics}
    statistics = {"common": common}
    if column.present:
        statistics |= {
            "mean": column.mean,
            "sum": column.total,
            "std_dev": column.std_dev,
            "min": column.least,
            "max": column.most,
            "distribution": {"kll": _kll(column)},
        }
    return {"name": column.name, "inferred_type": column.inferred_type, "numerical_statistics": statistics}


def _kll(column: Numbers) -> Document:
    sketch = column.sketch.stored()
    return {
        "buckets": _buckets(sketch, column.least, column.most),
        "sketch": {"parameters": {"c": C, "k": float(K)}, "data": sketch.levels()},
    }


def _buckets(sketch: QuantileSketch, least: float, most: float) -> list[Document]:
    """Return the rows in ten parts of the range, equally wide, each without its upper bound but the last."""
    parts = np.linspace(0, 1, BUCKETS + 1)
    # Weighted, because the difference of two floats may be none; and rounded back into order.
    bounds = np.maximum.accumulate(np.clip(least * (1 - parts) + most * parts, least, most))
    ends = sketch.ranks(np.append(np.nextafter(bounds[1:-1], -np.inf), most))
    counts = np.diff(ends, prepend=0)
    return [
        {"lower_bound": lower, "upper_bound": upper, "count": float(count)}
        for lower, upper, count in zip(bounds[:-1].tolist(), bounds[1:].tolist(), counts.tolist(), strict=True)
    ]


def _profile(feature: Document) -> Profile:
    name = feature["name"]
    if feature["inferred_type"] not in ("Integral", "Fractional"):
        return _texts(name, feature.get("string_statistics", {}))
    statistics = feature["numerical_statistics"]
    common = statistics["common"]
    numbers = Numbers(
        name, feature["inferred_type"], present=int(common["num_present"]), missing=int(common["num_missing"])
    )
    if numbers.present:
        numbers.mean, numbers.std_dev = statistics["mean"], statistics["std_dev"]
        numbers.least, numbers.most = statistics["min"], statistics["max"]
        numbers.sketch = QuantileSketch.of_levels(statistics["distribution"]["kll"]["sketch"]["data"])
    return numbers


def _texts(name: str, statistics: Document) -> Texts:
    common = statistics.get("common", {"num_present": 0, "num_missing": 0})
    listed = statistics.get("distribution", {}).get("categorical", {}).get("buckets", [])
    counts = {bucket["value"]: int(bucket["count"]) for bucket in listed}
    return Texts(name, missing=int(common["num_missing"]), values=ValueCounts.of(counts, int(common["num_present"])))
