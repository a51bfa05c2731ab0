"""Collects what the demo's page shows: everything is read where a person would look it up."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sagewright.cli.features.listing import told_time
from sagewright.cli.releasing import Released
from sagewright.cli.report import content
from sagewright.cli.target import Sandbox
from sagewright.cli.training import Trained
from sagewright.project import Project, names
from sagewright.runtime.functions import evidence
from sagewright.runtime.functions.drift_report import STATISTICS
from sagewright.runtime.functions.objects import Location, read_csv, read_json
from sagewright.runtime.functions.watching import BUILTIN, Run

from .answers import Answers
from .looked_up import LookedUp
from .watch import Watched


@dataclass(frozen=True)
class Outcome:
    """What the demo's steps have come to."""

    trained: Trained
    released: Released
    answers: Answers
    watched: Watched | None = None
    looked_up: LookedUp | None = None


def collect(
    project: Project, target: Sandbox, outcome: Outcome, durations: Sequence[tuple[str, float]]
) -> content.Report:
    """Read what is not known yet, and put all of it together."""
    return content.Report(
        project=project.name,
        environment=project.serving[0].name,
        made=datetime.now(UTC),
        where="a sandbox on this machine",
        description=project.description,
        version=_version(project, target, outcome.trained),
        pipeline=_pipeline(project, target, outcome.trained),
        evaluation=_evaluation(project, target, outcome.trained),
        serving=_serving(outcome.released, outcome.answers),
        monitoring=_monitoring(project, target, outcome.trained, outcome.watched) if outcome.watched else None,
        store=_store(project, outcome.looked_up) if outcome.looked_up else None,
        durations=durations,
    )


def _version(project: Project, target: Sandbox, trained: Trained) -> content.Version:
    manifest = evidence.baseline(target.client("s3", project.first), trained.version)["manifest"]
    rows = f"{manifest['train_rows']:,} rows to train, {manifest['test_rows']:,} held out"
    facts = [
        ("Data", f"{', '.join(manifest['files'])}: {rows}"),
        ("Data version", str(manifest["data_version"])),
        ("Git commit", trained.version.metadata["GitCommit"]),
        ("Code bundle", trained.version.metadata["CodeBundle"]),
        ("Image", trained.version.image),
        ("Execution", trained.execution.arn),
        ("ARN", trained.version.arn),
    ]
    return content.Version(trained.version.number, "Approved", facts)


def _pipeline(project: Project, target: Sandbox, trained: Trained) -> content.Pipeline:
    name = names.training_pipeline(project.name)
    described = target.client("sagemaker", project.first).describe_pipeline(PipelineName=name)
    runs = [content.StepRun(step.name, step.status, step.seconds, step.cached) for step in trained.execution.steps]
    return content.Pipeline(name, json.loads(described["PipelineDefinition"]), runs)


def _evaluation(project: Project, target: Sandbox, trained: Trained) -> content.Evaluation:
    folder = Location.parse(trained.version.metadata["EvaluationUri"])
    _, predictions = read_csv(target.client("s3", project.first), folder / "predictions.csv")
    return content.Evaluation(trained.evaluation, predictions, trained.version.metric, trained.threshold)


def _serving(released: Released, answers: Answers) -> content.Serving:
    refusal = answers.refusal
    facts = [
        ("Endpoint config", released.endpoint_config),
        ("One row", f"{answers.median_ms:.1f} ms (median of {len(answers.latencies_ms)})"),
        ("As at the evaluation", f"{answers.with_evaluation:.1%} of {len(answers.predictions)} rows"),
        ("A wrong row", f"{refusal['code']} {refusal['status']}: {refusal['message']}"),
    ]
    known = answers.known
    said = [
        content.Answer(record, str(prediction.value), truth, prediction.probability)
        for record, prediction, truth in zip(known.records, answers.predictions, known.truths, strict=True)
    ]
    return content.Serving(released.endpoint, facts, said)


def _store(project: Project, asked: LookedUp) -> content.Store:
    data = project.first.data
    groups = [
        content.StoredGroup(
            f"{each.name} v{each.declared.version}",
            each.declared.description,
            len(each.features),
            each.ingested.rows,
            each.ingested.quarantined,
            told_time(each.ingested.newest_event_time),
        )
        for each in asked.groups
        if each.ingested is not None
    ]
    joins = [f"{each.group} on {each.on or project.features[each.group].record_id}" for each in data.join or ()]
    facts = [
        ("Joined", f"as known at {data.event_time}: {', '.join(joins)}"),
        ("Asked by id alone", f"{len(asked.predictions)} rows by {' and '.join(asked.keys)}"),
        ("As with all features", "all of them"),
        ("One id", f"{asked.median_ms:.1f} ms (median of {len(asked.latencies_ms)})"),
    ]
    said = [
        content.Answer(" ".join(row[name] for name in asked.keys), str(each.value), truth, each.probability)
        for row, each, truth in zip(asked.known.rows, asked.predictions, asked.known.truths, strict=True)
    ]
    return content.Store(groups, facts, said)


def _monitoring(project: Project, target: Sandbox, trained: Trained, watched: Watched) -> content.Monitoring:
    place = project.serving[0]
    baseline = Location.parse(trained.version.metadata["BaselineUri"]) / STATISTICS
    facts: list[tuple[str, str]] = [
        ("Schedule", place.monitoring.schedule),
        ("Alarms", ", ".join(dict.fromkeys(change.alarm for change in watched.transitions))),
        ("Dashboard", names.dashboard(project.name, place.name)),
    ]
    return content.Monitoring(
        engine=watched.engine,
        baseline=read_json(target.client("s3", project.first), baseline),
        runs=[_run(run, watched.engine) for run in reversed(watched.runs)],
        alarms=[
            content.AlarmChange(each.time, each.alarm, each.before, each.after, each.reason)
            for each in watched.transitions
        ],
        messages=[content.Message(each.time, each.to, each.subject, each.text) for each in watched.notices],
        facts=facts,
        until=watched.until,
        marks=watched.marks,
    )


def _run(run: Run, engine: str) -> content.MonitoringRun:
    begin, end = run.window
    # Our own job repeats there what its files say.
    said = "" if engine == BUILTIN else run.said
    uri, note = str(run.files or ""), run.failure or said or ""
    return content.MonitoringRun(begin, end, run.finished, run.status, run.report, uri, note)


def summary(target: Sandbox, outcome: Outcome, durations: Sequence[tuple[str, float]]) -> dict[str, Any]:
    """Write the same for programs, as far as they can use it."""
    trained, released, answers = outcome.trained, outcome.released, outcome.answers
    shown = list(zip(answers.known.records, answers.predictions, answers.known.truths, strict=True))
    return {
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "steps": [{"name": name, "seconds": seconds} for name, seconds in durations],
        "training_steps": [
            {"name": step.name, "seconds": step.seconds, "status": step.status} for step in trained.execution.steps
        ],
        "version": trained.version.number,
        "metric": trained.version.metric,
        "metrics": trained.metrics,
        "endpoint": {
            "name": released.endpoint,
            "config": released.endpoint_config,
            "url": f"{target.running.endpoint}/endpoints/{released.endpoint}/invocations",
        },
        "requests": {
            "sent": answers.requests,
            "rows": len(answers.latencies_ms) + len(answers.predictions),
            "refused": 1,
            "median_ms_one_row": round(answers.median_ms, 1),
        },
        "refusal": answers.refusal,
        "agreement": {"with_truth": answers.with_truth, "with_evaluation": answers.with_evaluation},
        "predictions": [
            {"record": record, "prediction": prediction.value, "probability": prediction.probability, "truth": truth}
            for record, prediction, truth in shown[: len(answers.latencies_ms)]
        ],
        **({"monitoring": _watched(outcome.watched)} if outcome.watched else {}),
        **({"features": _looked_up(outcome.looked_up)} if outcome.looked_up else {}),
    }


def _looked_up(asked: LookedUp) -> dict[str, Any]:
    return {
        "groups": [
            {
                "name": each.name,
                "version": each.declared.version,
                "rows": each.ingested.rows,
                "quarantined": each.ingested.quarantined,
                "newest_event_time": each.ingested.newest_event_time,
            }
            for each in asked.groups
            if each.ingested is not None
        ],
        "keys": [*asked.keys],
        "by_id": [
            {
                "id": {name: row[name] for name in asked.keys},
                "prediction": each.value,
                "probability": each.probability,
                "truth": truth,
            }
            for row, each, truth in zip(asked.known.rows, asked.predictions, asked.known.truths, strict=True)
        ],
        "median_ms_one_id": round(asked.median_ms, 1),
    }


def _watched(watched: Watched) -> dict[str, Any]:
    return {
        "engine": watched.engine,
        "shifted": {"columns": watched.shift.columns, "how": str(watched.shift)},
        "runs": [
            {
                "window": [moment.isoformat() for moment in run.window],
                "status": run.status,
                "rows": run.report.rows if run.report is not None else None,
                "drifted": list(run.drifted),
                "files": str(run.files),
            }
            for run in reversed(watched.runs)
        ],
        "fired": [{"alarm": each.alarm, "time": each.time.isoformat()} for each in watched.fired],
        "messages": [
            {"time": each.time.isoformat(), "to": each.to, "subject": each.subject, "text": each.text}
            for each in watched.notices
        ],
    }
