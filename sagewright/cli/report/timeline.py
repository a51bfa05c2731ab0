"""When it happened: runs of the monitor, states of the alarms, and messages, on one axis of time."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import plotly.graph_objects as go

from .axes import figure
from .chart import BAD, GOOD, NOW, PLAIN, THEN, Chart, Table, plain, shortened
from .content import AlarmChange, Monitoring, MonitoringRun
from .drift import FAILED
from .times import day_and_time, window

RUNS, MESSAGES = "Runs", "Messages"
LANE_HEIGHT, AROUND_LANES = 52, 110
# Told apart by width and dash, too.
STATES = {"OK": (GOOD, 5, "solid"), "ALARM": (BAD, 16, "solid"), "INSUFFICIENT_DATA": (PLAIN, 3, "dot")}
SILENT, FOUND, LIKE, BROKEN = "no traffic", "drift found", "like the baseline", "did not complete"
MARKERS = {SILENT: ("circle-open", PLAIN), FOUND: ("diamond", NOW), LIKE: ("circle", GOOD), BROKEN: ("x", BAD)}


def timeline(monitoring: Monitoring) -> Chart | None:
    """Draw everything that has a moment; None where nothing has happened."""
    happened = _happened(monitoring)
    if not happened:
        return None
    alarms = list(dict.fromkeys(change.alarm for change in monitoring.alarms))
    lanes = [RUNS, *alarms, MESSAGES]
    end = max([moment for moment, *_ in happened] + ([monitoring.until] if monitoring.until else []))
    begin = happened[0][0]
    room = (end - begin) * 0.02 + timedelta(minutes=1)
    made = figure(
        *_run_traces(monitoring.runs, lanes.index(RUNS)),
        *_alarm_traces(monitoring.alarms, lanes, end),
        *_message_traces(monitoring, lanes.index(MESSAGES)),
        across="UTC",
        up="",
        # Of its own, because what is written beside a mark would widen it.
        xaxis={"type": "date", "range": [_utc(begin - room), _utc(end + room)], "tickangle": 0},
        yaxis={
            "tickvals": [*range(len(lanes))],
            "ticktext": [plain(shortened(lane.rpartition("/")[2], 18)) for lane in lanes],
            "range": [len(lanes) - 0.4, -1.1 if monitoring.marks else -0.6],
            "showgrid": False,
        },
    )
    # By number, because texts would lie on each other.
    for place, (moment, _) in enumerate(monitoring.marks, start=1):
        made.add_vline(x=_utc(moment), line={"color": PLAIN, "dash": "dot", "width": 1.5})
        made.add_annotation(x=_utc(moment), y=-1.05, text=str(place), showarrow=False, xanchor="left", yanchor="top")
    fired = [change for change in monitoring.alarms if change.after == "ALARM"]
    told = f"{_count(len(monitoring.runs), 'run')}, {_count(len(fired), 'alarm')} raised, "
    told += f"{_count(len(monitoring.messages), 'message')} sent."
    if monitoring.marks:
        listed = (f"{place} {text}" for place, (_, text) in enumerate(monitoring.marks, start=1))
        told += f" Dotted lines: {'; '.join(listed)}."
    rows = [(day_and_time(moment), what, detail) for moment, what, detail in happened]
    height = AROUND_LANES + LANE_HEIGHT * len(lanes)
    table = Table(("Time (UTC)", "What", "Detail"), rows)
    return Chart("What happened when", told, made, table, wide=True, height=height)


def _happened(monitoring: Monitoring) -> list[tuple[datetime, str, str]]:
    """List everything in the order of time."""
    listed = [(moment, "Note", text) for moment, text in monitoring.marks]
    listed += [
        (_ended(run), "Run", f"{window(run.window_start, run.window_end)}: {_outcome(run)}") for run in monitoring.runs
    ]
    listed += [(each.time, f"{each.alarm}: {each.before} → {each.after}", each.reason) for each in monitoring.alarms]
    listed += [(each.time, "Message", f"to {each.to}: {each.subject}") for each in monitoring.messages]
    return sorted(listed, key=lambda each: each[0])


def _ended(run: MonitoringRun) -> datetime:
    return run.finished or run.window_end


def _outcome(run: MonitoringRun) -> str:
    if run.status in FAILED or run.report is None:
        return BROKEN
    if run.report.drifted:
        return FOUND
    return LIKE if run.report.rows else SILENT


def _run_traces(runs: Sequence[MonitoringRun], lane: int) -> list[Any]:
    traces = []
    for outcome, (symbol, color) in MARKERS.items():
        chosen = [run for run in runs if _outcome(run) == outcome]
        if chosen:
            texts = [plain(f"{window(run.window_start, run.window_end)}: {_found(run)}") for run in chosen]
            marker = {"symbol": symbol, "color": color, "size": 13, "line": {"width": 2, "color": color}}
            traces.append(_marks(f"Run: {outcome}", [_ended(run) for run in chosen], lane, texts, marker))
    return traces


def _found(run: MonitoringRun) -> str:
    drifted = run.report.drifted if run.report is not None else ()
    return ", ".join(drifted) or _outcome(run)


def _alarm_traces(changes: Sequence[AlarmChange], lanes: Sequence[str], end: datetime) -> list[Any]:
    """Draw a line for as long as an alarm was in a state, one trace for each state."""
    places: dict[str, tuple[list[str | None], list[int | None]]] = {}
    for alarm in dict.fromkeys(change.alarm for change in changes):
        own = sorted((change for change in changes if change.alarm == alarm), key=lambda change: change.time)
        for change, until in zip(own, [*(each.time for each in own[1:]), end], strict=True):
            x, y = places.setdefault(change.after, ([], []))
            x += [_utc(change.time), _utc(until), None]
            y += [lanes.index(alarm), lanes.index(alarm), None]
    traces = []
    for state, (x, y) in places.items():
        color, width, dash = STATES[state]
        line = {"color": color, "width": width, "dash": dash}
        traces.append(go.Scatter(x=x, y=y, mode="lines", name=f"Alarm: {state}", line=line, connectgaps=False))
    return traces


def _message_traces(monitoring: Monitoring, lane: int) -> list[Any]:
    if not monitoring.messages:
        return []
    texts = [plain(f"to {each.to}: {each.subject}") for each in monitoring.messages]
    marker = {"symbol": "star", "color": THEN, "size": 15}
    return [_marks("Message", [each.time for each in monitoring.messages], lane, texts, marker)]


def _marks(name: str, times: Sequence[datetime], lane: int, texts: Sequence[str], marker: dict[str, Any]) -> Any:
    x, y = [_utc(time) for time in times], [lane] * len(times)
    return go.Scatter(
        x=x,
        y=y,
        mode="markers",
        name=name,
        marker=marker,
        text=[*texts],
        hovertemplate="%{x}<br>%{text}<extra></extra>",
    )


def _utc(moment: datetime) -> str:
    """Write a moment as Plotly draws it: without an offset, which it would take for the reader's own zone."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
