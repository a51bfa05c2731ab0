"""`sagewright drift`: whether what an endpoint is asked still looks like what its model was trained on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.markup import escape

from sagewright.project import Environment, Project, names
from sagewright.runtime.functions import watching
from sagewright.runtime.functions.drift_report import Finding
from sagewright.runtime.functions.live import Live
from sagewright.runtime.functions.watching import Alarm, Monitor, Run, Schedule

from . import releasing, sandbox_person
from .errors import CommandError
from .options import Options, command
from .release import EnvironmentArgument, serving_environment
from .target import Target
from .terminal import table
from .training import number

SHOWN = 8
NONE = "none"
_STATES = {"OK": "[green]OK[/]", "ALARM": "[bold red]ALARM[/]"}


@dataclass(frozen=True)
class Watched:
    """Everything about the watch over one endpoint, as it is now."""

    environment: Environment
    endpoint: str
    live: Live
    schedule: Schedule
    next_run: datetime | None
    runs: list[Run]
    alarms: list[Alarm]


def register(group: typer.Typer) -> None:
    """Add the command."""

    @command(
        group,
        "drift",
        examples=("sagewright drift", "sagewright drift prod", "sagewright drift prod --runs 24 --json"),
    )
    def drift(
        options: Options,
        environment: EnvironmentArgument = None,
        *,
        runs: Annotated[int, typer.Option(min=1, max=100, help="How many of the last runs to show.")] = SHOWN,
    ) -> None:
        """Show what the monitor of an endpoint found: its last runs, the columns that drifted, the alarms.

        A run compares the requests of an hour, or of a day, with the rows that the model was trained on. An alarm is
        raised when two of three runs find drift, or when the runs themselves do not happen.
        """
        project = options.project()
        place = serving_environment(project, environment)
        watched = look(project, options.target(project), place, runs)
        options.terminal.result(_as_json(watched), *_page(watched))


def monitor(project: Project, environment: Environment) -> Monitor:
    """Name the monitor of an environment."""
    return Monitor(
        engine=environment.monitoring.engine,
        pipeline=names.monitoring_pipeline(project.name, environment.name),
        schedule=names.monitoring_schedule(project.name, environment.name),
        window_hours=environment.monitoring.window_hours,
    )


def alarm_names(project: Project, environment: Environment) -> list[str]:
    """Name the alarms: the one of drift first."""
    return [names.drift_alarm(project.name, environment.name), names.silence_alarm(project.name, environment.name)]


def look(project: Project, target: Target, environment: Environment, count: int) -> Watched:
    """Read what watches the environment's endpoint, and what its last `count` runs found."""
    if environment.monitoring.engine == NONE:
        raise CommandError(
            f"Nothing is compared in {environment.name}, because monitoring.engine is none there. Write builtin or "
            "model_monitor, then release again."
        )
    live = releasing.live(project, target, environment)
    again = f"`sagewright release {environment.name}` does it."
    if live is None:
        raise CommandError(f"Nothing is released to {environment.name} yet: {again}")
    watcher, sagemaker = monitor(project, environment), target.reading_client("sagemaker", environment)
    schedule = watcher.scheduled(sagemaker, target.reading_client("scheduler", environment))
    if schedule is None:
        raise CommandError(f"{live} serves in {environment.name}, but no release has put a monitor there yet: {again}")
    return Watched(
        environment,
        names.endpoint(project.name, environment.name),
        live,
        schedule,
        schedule.next_run(sandbox_person.now(target)),
        watcher.runs(sagemaker, target.reading_client("s3", environment), count),
        watching.alarms(target.reading_client("cloudwatch", environment), alarm_names(project, environment)),
    )


def _as_json(watched: Watched) -> dict[str, Any]:
    return {
        "environment": watched.environment.name,
        "endpoint": watched.endpoint,
        "version": watched.live.number,
        "engine": watched.environment.monitoring.engine,
        "schedule": {"expression": watched.schedule.expression, "state": watched.schedule.state},
        "next_run": watched.next_run,
        "alarms": [
            {"name": each.name, "state": each.state, "since": each.since, "reason": each.reason}
            for each in watched.alarms
        ],
        "runs": [_run_as_json(each) for each in watched.runs],
    }


def _run_as_json(run: Run) -> dict[str, Any]:
    report = run.report
    return {
        "name": run.name,
        "status": run.status,
        "window": {"start": run.window[0], "end": run.window[1]},
        "rows": report.rows if report is not None else None,
        "rows_by_id": report.by_id if report is not None else None,
        "drifted": list(run.drifted),
        "columns": [
            {
                "name": each.column,
                "distance": each.distance,
                "threshold": each.threshold,
                "checks": list(each.checks),
                "descriptions": list(each.descriptions),
            }
            for each in (report.findings if report is not None else ())
        ],
        "failure": run.failure,
        "files": str(run.files) if run.files is not None else None,
        "said": run.said,
    }


def _page(watched: Watched) -> list[Any]:
    every = {"hourly": "every hour", "daily": "every day"}[watched.environment.monitoring.schedule]
    engine = watched.environment.monitoring.engine
    head = f"[bold]{watched.endpoint}[/] ({watched.live}) is compared {every} with what it was trained on, by {engine}."
    page = [head, _next(watched), "", *_runs(watched.runs)]
    last = next((each for each in watched.runs if each.report is not None), None)
    drifted = [each for each in last.report.findings if each.drifted] if last is not None and last.report else []
    if drifted:
        page += ["", _columns(drifted)]
    page += ["", *(_alarm(each) for each in watched.alarms)]
    if last is not None:
        page += ["", f"Files of the last run: {last.files}"]
        page += [escape(last.said)] if last.said else []
    return page


def _next(watched: Watched) -> str:
    if watched.next_run is not None:
        return f"Next run: {_shown(watched.next_run)}."
    schedule = watched.schedule
    told = f"goes by {schedule.expression}" if schedule.is_on else f"is {schedule.state}: no run is started"
    return f"Next run: the schedule {told}."


def _runs(runs: Sequence[Run]) -> list[Any]:
    if not runs:
        return ["It has not run yet."]
    rows = [(f"{_shown(run.window[0])} to {run.window[1]:%H:%M}", run.status, _rows(run), _found(run)) for run in runs]
    return [table("Requests of", "Status", "Rows", "Drifted", rows=rows)]


def _rows(run: Run) -> str:
    rows = run.report.rows if run.report is not None else None
    by_id = f" ({run.report.by_id:,} by ids)" if run.report is not None and run.report.by_id else ""
    return "" if rows is None else f"{rows:,}{by_id}"


def _found(run: Run) -> str:
    if run.failure:
        return run.failure
    return ", ".join(run.drifted) or ("nothing" if run.report is not None else "")


def _columns(findings: Sequence[Finding]) -> Any:
    rows = [
        (
            each.column,
            number(each.distance) if each.distance is not None else "",
            number(each.threshold) if each.threshold is not None else "",
            "; ".join(each.descriptions),
        )
        for each in findings
    ]
    return table("Column", "Distance", "Threshold", "What the last run says", rows=rows)


def _alarm(alarm: Alarm) -> str:
    told = _STATES.get(alarm.state, alarm.state)
    return f"{told} [bold]{alarm.name}[/] since {_shown(alarm.since)} [dim]{escape(alarm.reason)}[/]"


def _shown(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
