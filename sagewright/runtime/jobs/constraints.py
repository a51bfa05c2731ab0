"""What a table must satisfy, suggested from a baseline, in the form of Model Monitor's constraints.json.

https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-byoc-constraints.html
The file may be changed by hand before a release: the monitor, whichever engine runs it, goes by what it says.

Model Monitor compares bare shares with these thresholds, however few rows a window has. So they leave what a sample of
a hundred rows of the same population may differ by; the builtin monitor allows for smaller samples besides.
"""

import math
import re
from typing import Any

from sagewright.runtime.jobs.profiles import Numbers, Profile, TableProfile, Texts

FILE = "constraints.json"

Document = dict[str, Any]

# Distances above it are drift; Model Monitor's own default.
COMPARISON_THRESHOLD = 0.1
# The share of values that must have the baseline's type, or be among its texts.
MATCH_THRESHOLD = 0.97

_SAMPLE_ROWS = 100
_DEVIATIONS = 4.0
_ALWAYS_THERE = 0.99
_LEAST_SLACK = 0.03

# A list of texts is kept where it is short, and where the baseline is large enough for a new text to be a surprise:
# the share of texts not yet seen is about that of the texts seen once (Good, 1953).
_MOST_DOMAIN = 200
# Model Monitor takes such texts, which may be codes written in digits, for numbers.
_LIKE_A_NUMBER = re.compile(r"[-+]? ?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_MOST_UNSEEN = 0.01


def suggest(table: TableProfile, event_time: str | None = None) -> Document:
    """Return constraints that samples of the same population satisfy.

    The times of rows move on whatever happens, so their distribution is compared with nothing.
    """
    return {
        "version": 0.0,
        "features": [_feature(column, moves_on=name == event_time) for name, column in table.columns.items()],
        "monitoring_config": {
            "evaluate_constraints": "Enabled",
            # The metrics are published from the files, in one way for both engines.
            "emit_metrics": "Disabled",
            "datatype_check_threshold": MATCH_THRESHOLD,
            "domain_content_threshold": MATCH_THRESHOLD,
            "distribution_constraints": {
                "perform_comparison": "Enabled",
                "comparison_threshold": COMPARISON_THRESHOLD,
                "comparison_method": "Robust",
                "categorical_comparison_threshold": COMPARISON_THRESHOLD,
                "categorical_drift_method": "LInfinity",
            },
        },
    }


def _feature(column: Profile, *, moves_on: bool) -> Document:
    kind = "String" if column.present else "Unknown"
    feature: Document = {"name": column.name, "inferred_type": kind, "completeness": _completeness(column)}
    if isinstance(column, Numbers):
        feature["inferred_type"] = column.inferred_type
        if column.present:
            feature["num_constraints"] = {"is_non_negative": column.least >= 0}
    else:
        domain = _domain(column)
        if domain and not moves_on:
            feature["string_constraints"] = {"domains": domain}
        if any(map(_LIKE_A_NUMBER.fullmatch, column.values.counts)):
            feature["monitoringConfigOverrides"] = {"datatype_check_threshold": 0.0}
    if moves_on:
        feature.setdefault("monitoringConfigOverrides", {})["distribution_constraints"] = {
            "perform_comparison": "Disabled"
        }
    return feature


def _completeness(column: Profile) -> float:
    """Return the share of rows that must have a value."""
    rows = column.present + column.missing
    if not rows:
        return 0.0
    share = column.present / rows
    if share == 1:
        return _ALWAYS_THERE
    slack = max(_LEAST_SLACK, _DEVIATIONS * math.sqrt(share * (1 - share) / _SAMPLE_ROWS))
    return round(max(0.0, share - slack), 4)


def _domain(column: Texts) -> list[str]:
    """Return the texts that a column may hold, or none where the baseline cannot tell."""
    counts = column.values.counts
    once = sum(number == 1 for number in counts.values())
    known = column.values.is_exact and len(counts) <= _MOST_DOMAIN
    return sorted(counts) if known and once + 1 <= _MOST_UNSEEN * column.present else []
