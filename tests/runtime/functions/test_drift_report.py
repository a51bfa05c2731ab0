"""What is read of a run's files, whichever engine has written them."""

import json
from collections.abc import Callable
from typing import Any

from sagewright.runtime.functions.drift_report import Report
from sagewright.runtime.functions.objects import Location

STATISTICS: dict[str, Any] = {"version": 0.0, "dataset": {"item_count": 812}, "features": []}
# https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-interpreting-violations.html
VIOLATIONS = {
    "violations": [
        {
            "feature_name": "height",
            "constraint_check_type": "baseline_drift_check",
            "description": "Baseline drift distance: 0.4316744661630217 exceeds threshold: 0.1",
        },
        {"feature_name": "height", "constraint_check_type": "completeness_check", "description": "Too many are empty."},
        {"feature_name": "Extra columns", "constraint_check_type": "extra_column_check", "description": "1 column"},
        {"feature_name": "colour", "constraint_check_type": "categorical_values_check", "description": "One is new."},
    ]
}
DRIFT: dict[str, Any] = {
    "engine": "builtin",
    "window": {"start": "2030-01-01T09:00:00+00:00", "end": "2030-01-01T10:00:00+00:00"},
    "rows": 800,
    "records": 12,
    "unreadable": 1,
    "columns": [
        {"name": "age", "kind": "numerical", "distance": 0.02, "threshold": 0.1, "drifted": False, "checks": []},
        {"name": "height", "kind": "numerical", "distance": 0.43, "threshold": 0.1, "drifted": True, "checks": ["x"]},
    ],
}


def written(client: Callable[[str], Any], bucket: str, **documents: Any) -> Location:
    for name, document in documents.items():
        client("s3").put_object(Bucket=bucket, Key=f"run/{name}.json", Body=json.dumps(document).encode())
    return Location(bucket, "run")


def test_a_run_of_our_own_engine_tells_every_column_it_measured_and_the_checks_that_failed(
    client: Callable[[str], Any], bucket: str
) -> None:
    folder = written(client, bucket, statistics=STATISTICS, constraint_violations=VIOLATIONS, drift=DRIFT)
    report = Report.read(client("s3"), folder)
    assert report.rows == 800
    assert [(each.column, each.distance, each.threshold, each.drifted) for each in report.findings] == [
        ("age", 0.02, 0.1, False),
        ("height", 0.43, 0.1, True),
        ("Extra columns", None, None, True),
        ("colour", None, None, True),
    ]
    assert report.findings[1].checks == ("baseline_drift_check", "completeness_check")
    assert report.drifted == ("Extra columns", "colour", "height")


def test_a_run_of_model_monitor_tells_the_distance_that_stands_in_its_violations(
    client: Callable[[str], Any], bucket: str
) -> None:
    folder = written(client, bucket, statistics=STATISTICS, constraint_violations=VIOLATIONS)
    report = Report.read(client("s3"), folder)
    assert report.rows == 812
    assert [(each.column, each.distance, each.threshold) for each in report.findings] == [
        ("height", 0.4316744661630217, 0.1),
        ("Extra columns", None, None),
        ("colour", None, None),
    ]


def test_a_run_of_model_monitor_that_found_nothing_writes_no_violations(
    client: Callable[[str], Any], bucket: str
) -> None:
    report = Report.read(client("s3"), written(client, bucket, statistics=STATISTICS))
    assert (report.rows, report.findings, report.drifted) == (812, (), ())
