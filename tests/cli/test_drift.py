"""What a person and a program are told of the watch over an endpoint."""

import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from sagewright.cli import drift
from sagewright.cli.drift import Watched
from sagewright.cli.errors import CommandError
from sagewright.cli.terminal import Terminal
from sagewright.project import Project, load
from sagewright.runtime.functions.drift_report import Report
from sagewright.runtime.functions.live import Live
from sagewright.runtime.functions.objects import Location
from sagewright.runtime.functions.watching import Alarm, Run, Schedule

STAND_IN = "A stand-in ran, not AWS's own container."
REPORT = Report(
    statistics=None,
    violations={
        "violations": [
            {"feature_name": "age", "constraint_check_type": "baseline_drift_check", "description": "0.43 exceeds 0.1"}
        ]
    },
    drift={"rows": 1812, "columns": [{"name": "age", "distance": 0.43, "threshold": 0.1}]},
)


def at(hour: int, minute: int = 0) -> datetime:
    return datetime(2030, 1, 1, hour, minute, tzinfo=UTC)


def run(hour: int, **told: Any) -> Run:
    files = Location("data", f"monitoring/leavers-dev/{hour}")
    given: dict[str, Any] = {
        "finished": at(hour, 12),
        "failure": None,
        "files": files,
        "said": STAND_IN,
        "report": REPORT,
    } | told
    return Run(f"run-{hour}", given.pop("status", "Succeeded"), at(hour, 10), (at(hour - 1), at(hour)), **given)


@pytest.fixture
def watched(project: Path) -> Watched:
    failed = run(11, status="Failed", failure="no such baseline", files=None, report=None, said=None)
    return Watched(
        load(project).serving[0],
        "leavers-dev",
        Live("arn:aws:sagemaker:eu-west-1:111111111111:model-package/leavers/3", "config"),
        Schedule("cron(10 * * * ? *)", "ENABLED"),
        at(13, 10),
        [run(12), failed],
        [Alarm("leavers-dev/drift", "ALARM", at(12, 13), "2 out of the last 3 datapoints were greater")],
    )


def page(watched: Watched) -> str:
    console = Console(file=io.StringIO(), width=200)
    for part in drift._page(watched):
        console.print(part)
    made: Any = console.file
    return made.getvalue()


def test_a_person_sees_runs_columns_alarms_and_where_to_look(watched: Watched) -> None:
    told = page(watched)
    assert "leavers-dev (version 3) is compared every hour with what it was trained on, by builtin." in told
    assert "Next run: 2030-01-01 13:10 UTC." in told
    assert "2030-01-01 11:00 UTC to 12:00  Succeeded  1,812  age" in told
    assert "Failed            no such baseline" in told
    assert "age     0.4300    0.1000     0.43 exceeds 0.1" in told
    assert "ALARM leavers-dev/drift since 2030-01-01 12:13 UTC 2 out of the last 3" in told
    assert "s3://data/monitoring/leavers-dev/12" in told
    assert STAND_IN in told


def test_rows_of_which_the_capture_holds_ids_alone_are_told(watched: Watched) -> None:
    report = Report(None, None, {"rows": 1812, "by_id": 1200, "columns": []})
    assert "1,812 (1,200 by ids)" in page(Watched(**vars(watched) | {"runs": [run(12, report=report)]}))


def test_a_schedule_that_is_switched_off_is_told(watched: Watched) -> None:
    off = Watched(**vars(watched) | {"schedule": Schedule("cron(10 * * * ? *)", "DISABLED"), "next_run": None})
    assert "Next run: the schedule is DISABLED: no run is started." in page(off)


def test_a_monitor_that_has_not_run_yet_says_so(watched: Watched) -> None:
    assert "It has not run yet." in page(Watched(**vars(watched) | {"runs": []}))


def test_a_program_gets_the_same(watched: Watched, capsys: pytest.CaptureFixture[str]) -> None:
    Terminal(as_json=True).result(drift._as_json(watched))
    told = json.loads(capsys.readouterr().out)
    assert (told["endpoint"], told["version"], told["engine"]) == ("leavers-dev", 3, "builtin")
    assert told["alarms"][0]["state"] == "ALARM"
    newest, failed = told["runs"]
    assert (newest["rows"], newest["drifted"], newest["said"]) == (1812, ["age"], STAND_IN)
    assert newest["columns"] == [
        {
            "name": "age",
            "distance": 0.43,
            "threshold": 0.1,
            "checks": ["baseline_drift_check"],
            "descriptions": ["0.43 exceeds 0.1"],
        }
    ]
    assert (failed["rows"], failed["drifted"], failed["failure"]) == (None, [], "no such baseline")


def test_an_environment_that_is_not_watched_is_refused_with_the_way_to_watch_it(project: Path) -> None:
    file = project / "project.yaml"
    file.write_text(f"{file.read_text()}\nmonitoring: {{engine: none}}\n")
    loaded: Project = load(project)
    nowhere: Any = None
    with pytest.raises(CommandError, match=r"monitoring\.engine is none there\. Write builtin or model_monitor"):
        drift.look(loaded, nowhere, loaded.serving[0], 1)
