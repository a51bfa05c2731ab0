"""What the page says of the monitor's runs."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from sagewright.cli.report.chart import NOTHING
from sagewright.cli.report.content import Monitoring, MonitoringRun
from sagewright.cli.report.drift import drift
from sagewright.cli.report.timeline import timeline


def native(run: MonitoringRun) -> MonitoringRun:
    """The same run by Model Monitor, which measures a distance only to say that it is too large."""
    return replace(run, report=replace(run.report, drift=None)) if run.report else run


def test_the_drifted_columns_are_told_with_distance_change_and_since_when(monitoring: Monitoring) -> None:
    found = drift(monitoring)
    assert found.verdict == "2 columns drifted: colour, weight"
    assert found.findings is not None
    weight, colour = found.findings.rows
    assert weight == ("weight", "0.421", "0.100", weight[3], "2026-11-20 09:00", "baseline_drift_check")
    assert weight[3].startswith("mean 64.")
    assert (colour[0], colour[4]) == ("colour", "2026-11-20 09:00")
    assert [each.name for each in found.comparisons if each.drifted] == ["weight", "colour"]
    assert all(each.chart for each in found.comparisons)


def test_a_run_in_between_that_found_nothing_begins_anew(monitoring: Monitoring) -> None:
    again = replace(monitoring.runs[4], window_start=monitoring.runs[4].window_start + timedelta(hours=2))
    again = replace(again, window_end=again.window_start + timedelta(hours=1))
    calm = replace(monitoring.runs[1], window_start=monitoring.runs[4].window_end)
    calm = replace(calm, window_end=calm.window_start + timedelta(hours=1))
    found = drift(replace(monitoring, runs=[*monitoring.runs, calm, again]))
    assert found.findings is not None
    assert found.findings.rows[0][4] == "2026-11-20 12:00"


def test_when_the_last_run_is_calm_the_page_says_which_run_it_speaks_of(monitoring: Monitoring) -> None:
    later = timedelta(hours=9)
    calm = replace(monitoring.runs[1], window_start=monitoring.runs[1].window_start + later)
    calm = replace(calm, window_end=calm.window_start + timedelta(hours=1))
    found = drift(replace(monitoring, runs=[*monitoring.runs, calm]))
    assert found.verdict.endswith("(in the run for 2026-11-20 10:00 to 11:00)")


def test_no_traffic_is_not_drift(monitoring: Monitoring) -> None:
    found = drift(replace(monitoring, runs=monitoring.runs[:1]))
    assert (found.verdict, found.drifted, found.findings) == ("No run has seen a row yet", False, None)
    assert found.runs.rows[0][2:4] == ("0", "no traffic")
    assert found.comparisons == []


def test_a_run_that_failed_says_why_and_finds_nothing(monitoring: Monitoring) -> None:
    found = drift(replace(monitoring, runs=monitoring.runs[2:3]))
    assert found.runs.rows[0][1:4] == ("Failed", NOTHING, "the job's role may not read the capture")
    assert found.notes == []


def test_a_monitor_that_has_not_run_has_an_empty_page(monitoring: Monitoring) -> None:
    empty = replace(monitoring, runs=[], alarms=[], messages=[], marks=[])
    assert drift(empty).verdict == "No run yet"
    assert timeline(empty) is None


def test_model_monitor_is_read_by_its_violations_and_its_stand_in_is_named(monitoring: Monitoring) -> None:
    runs = [replace(native(run), note="A stand-in ran.") for run in monitoring.runs]
    found = drift(replace(monitoring, engine="model_monitor", runs=runs))
    assert found.who == "Amazon SageMaker Model Monitor"
    assert found.notes == ["A stand-in ran."]
    assert found.findings is not None
    assert [row[:3] for row in found.findings.rows] == [("colour", "0.420", "0.100"), ("weight", "0.420", "0.100")]
    assert len(found.comparisons) == 6


def test_a_column_that_a_side_does_not_have_says_so(monitoring: Monitoring) -> None:
    baseline = {**monitoring.baseline, "features": monitoring.baseline["features"][1:]}
    found = {each.name: each for each in drift(replace(monitoring, baseline=baseline)).comparisons}
    assert (found["weight"].chart, found["weight"].told) == (None, "not in the baseline")


def test_the_timeline_lists_everything_in_the_order_of_time(monitoring: Monitoring) -> None:
    made = timeline(monitoring)
    assert made is not None
    assert made.told.startswith("5 runs, 1 alarm raised, 1 message sent. Dotted lines: 1 weight scaled")
    times = [row[0] for row in made.table.rows]
    assert times == sorted(times)
    assert [row[1] for row in made.table.rows[-2:]] == ["leavers-prod/drift: OK → ALARM", "Message"]


def test_an_alarm_is_drawn_from_each_change_to_the_next_and_the_last_until_now(monitoring: Monitoring) -> None:
    made = timeline(monitoring)
    assert made is not None
    traces: Any = made.figure.data
    lines = {trace.name: trace for trace in traces}
    assert [*lines["Alarm: ALARM"].x] == ["2026-11-20 11:13:00", "2026-11-20 11:30:00", None]
    assert [*lines["Alarm: OK"].x] == [
        *("2026-11-20 06:00:00", "2026-11-20 11:13:00", None),
        *("2026-11-20 06:00:00", "2026-11-20 11:30:00", None),
    ]
