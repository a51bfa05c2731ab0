"""What the monitor found: each column's distance from the baseline, since when, and both of its distributions."""

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from sagewright.runtime.functions.drift_report import Finding

from . import distributions
from .axes import figure
from .chart import BAD, NOTHING, PLAIN, Chart, Table, plain, shortened
from .content import Monitoring, MonitoringRun
from .times import day_and_time, window

WHO = {"builtin": "Sagewright's own monitor", "model_monitor": "Amazon SageMaker Model Monitor"}
FAILED = {"Failed", "Stopped", "CompletedWithFailures"}
ROW_HEIGHT, AROUND_ROWS = 24, 96
LONGEST_LABEL = 22


@dataclass(frozen=True)
class Comparison:
    """One column beside its baseline: its two distributions, or why there are none."""

    name: str
    drifted: bool
    chart: Chart | None
    told: str


@dataclass(frozen=True)
class Drift:
    """Everything about drift that the page shows."""

    who: str
    verdict: str
    drifted: bool
    runs: Table
    notes: Sequence[str]
    window: str
    distances: Chart | None
    findings: Table | None
    comparisons: Sequence[Comparison]


def drift(monitoring: Monitoring) -> Drift:
    """Read the runs; the columns are shown as in the last run that found something, or else had rows."""
    runs = sorted(monitoring.runs, key=lambda run: run.window_end)
    shown = _shown(runs)
    findings = sorted(shown.report.findings, key=_order) if shown is not None and shown.report is not None else []
    comparisons = _comparisons(monitoring, shown, findings)
    drifted = [each for each in comparisons if each.drifted]
    told = {each.name: each.told for each in comparisons}
    return Drift(
        who=WHO.get(monitoring.engine, monitoring.engine),
        verdict=_verdict(runs, shown),
        drifted=bool(drifted),
        runs=_runs(runs),
        notes=[*dict.fromkeys(run.note for run in runs if run.note and run.status not in FAILED)],
        window=window(shown.window_start, shown.window_end) if shown is not None else "",
        distances=_distances(findings),
        findings=_findings([each for each in findings if each.drifted], runs, told),
        comparisons=comparisons,
    )


def _order(finding: Finding) -> tuple[bool, float, str]:
    return not finding.drifted, -(finding.distance or 0), finding.column


def _shown(runs: Sequence[MonitoringRun]) -> MonitoringRun | None:
    reported = [run for run in runs if run.report is not None and run.report.rows]
    found = [run for run in reported if run.report is not None and run.report.drifted]
    return (found or reported or [None])[-1]


def _verdict(runs: Sequence[MonitoringRun], shown: MonitoringRun | None) -> str:
    if not runs:
        return "No run yet"
    if shown is None or shown.report is None:
        return "No run has seen a row yet"
    names = shown.report.drifted
    if not names:
        return "No column has drifted"
    told = f"{len(names)} column{'' if len(names) == 1 else 's'} drifted: {', '.join(names)}"
    return told if runs[-1] is shown else f"{told} (in the run for {window(shown.window_start, shown.window_end)})"


def _runs(runs: Sequence[MonitoringRun]) -> Table:
    rows = []
    for run in runs:
        seen = NOTHING if run.report is None or run.report.rows is None else f"{run.report.rows:,}"
        found = run.note if run.status in FAILED else NOTHING
        if run.report is not None:
            found = ", ".join(run.report.drifted) or ("nothing" if run.report.rows else "no traffic")
        rows.append((window(run.window_start, run.window_end), run.status, seen, found, run.uri or NOTHING))
    return Table(("Window (UTC)", "Status", "Row count", "Drifted", "Files"), rows)


def _since(column: str, runs: Sequence[MonitoringRun]) -> str:
    """Find the first of the latest runs in a row that found the column, not counting those that saw nothing."""
    since = None
    for run in reversed(runs):
        if run.report is None or not run.report.rows:
            continue
        if column in run.report.drifted:
            since = run
        elif since is not None:
            break
    return NOTHING if since is None else day_and_time(since.window_start)


def _findings(drifted: Sequence[Finding], runs: Sequence[MonitoringRun], told: dict[str, str]) -> Table | None:
    rows = [
        (
            each.column,
            _decimals(each.distance),
            _decimals(each.threshold),
            told.get(each.column) or "; ".join(each.descriptions),
            _since(each.column, runs),
            ", ".join(each.checks),
        )
        for each in drifted
    ]
    headings = ("Column", "Distance", "Threshold", "What changed", "Since (UTC)", "Check")
    return Table(headings, rows) if rows else None


def _decimals(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.3f}"


def _distances(findings: Sequence[Finding]) -> Chart | None:
    measured = [each for each in findings if each.distance is not None]
    if not measured:
        return None
    places = [*range(len(measured))]
    made = figure(
        *(
            go.Bar(
                x=[measured[place].distance for place in chosen],
                y=chosen,
                orientation="h",
                name=name,
                marker={"color": color, "pattern": {"shape": pattern}},
            )
            for name, color, pattern, chosen in (
                ("Drifted", BAD, "/", [place for place in places if measured[place].drifted]),
                ("Like the baseline", PLAIN, "", [place for place in places if not measured[place].drifted]),
            )
            if chosen
        ),
        go.Scatter(
            x=[each.threshold for each in measured],
            y=places,
            mode="markers",
            name="Threshold",
            marker={"symbol": "line-ns-open", "size": 15, "color": BAD, "line": {"width": 2}},
        ),
        across="Distance from the baseline",
        up="",
        barmode="overlay",
        bargap=0.3,
        xaxis={"rangemode": "tozero"},
        yaxis={
            "tickvals": places,
            "ticktext": [plain(shortened(each.column, LONGEST_LABEL)) for each in measured],
            "autorange": "reversed",
        },
    )
    rows = [
        (each.column, _decimals(each.distance), _decimals(each.threshold), "yes" if each.drifted else "no")
        for each in measured
    ]
    told = (
        "The distance is the largest gap between the cumulative distributions of a numeric column, or between the "
        "shares of a category, less what chance gives for so many rows."
    )
    table = Table(("Column", "Distance", "Threshold", "Drifted"), rows)
    height = AROUND_ROWS + ROW_HEIGHT * len(rows)
    return Chart("Distance of every column", told, made, table, wide=True, height=height)


def _comparisons(monitoring: Monitoring, shown: MonitoringRun | None, findings: Sequence[Finding]) -> list[Comparison]:
    if shown is None or shown.report is None:
        return []
    now = {each["name"]: each for each in (shown.report.statistics or {}).get("features", [])}
    then = {each["name"]: each for each in monitoring.baseline.get("features", [])}
    drifted = [each.column for each in findings if each.drifted]
    order = dict.fromkeys([*drifted, *(each.column for each in findings), *then])
    made = []
    for name in order:
        if name not in then or name not in now:
            told = "not in the baseline" if name not in then else "not in this run's statistics"
            made.append(Comparison(name, name in drifted, None, told))
            continue
        told = distributions.changed(then[name], now[name])
        made.append(Comparison(name, name in drifted, distributions.chart(then[name], now[name], told), told))
    return made
