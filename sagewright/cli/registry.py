"""`sagewright models | show | approve | reject`: the registered versions and what is decided about them."""

from itertools import islice
from typing import Annotated, Any

import typer
from rich.table import Table

from sagewright.project import Project, names
from sagewright.runtime.functions import evidence, model_versions
from sagewright.runtime.functions import live as serving
from sagewright.runtime.functions.model_versions import APPROVED, PENDING, REJECTED, Version

from .errors import CommandError
from .options import Options, command
from .pages import version_page
from .target import Target
from .terminal import table
from .training import number

SHOWN = 20

VersionArgument = Annotated[int | None, typer.Argument(help="Number of the version.", show_default=False)]
NoteOption = Annotated[str | None, typer.Option(help="Why; kept with the version.", show_default=False)]


def register(group: typer.Typer) -> None:
    """Add the commands."""
    command(group, "models", examples=("sagewright models", "sagewright models --all", "sagewright models --json"))(
        models
    )
    command(group, "show", examples=("sagewright show 3", "sagewright show 3 --json"))(show)
    command(
        group,
        "approve",
        examples=("sagewright approve 3 --note 'better recall, same precision'", "sagewright approve"),
    )(approve)
    command(group, "reject", examples=("sagewright reject 3 --note 'trained on last month'",))(reject)


def models(
    options: Options,
    *,
    all_versions: Annotated[bool, typer.Option("--all", help=f"More than the newest {SHOWN}.")] = False,
) -> None:
    """List the registered versions: status, the metric that decided, and where each is live."""
    project = options.project()
    target = options.target(project)
    found = list(islice(_versions(project, target), None if all_versions else SHOWN))
    live = live_numbers(project, target)
    s3 = target.client("s3", project.first)
    entries = [_summary(version, evidence.metrics_of(evidence.evaluation(s3, version)), live) for version in found]
    options.terminal.result(entries, _list(entries))


def _list(entries: list[dict[str, Any]]) -> Table | str:
    if not entries:
        return "No version is registered yet: train one with `sagewright train`."
    rows = [
        (
            entry["version"],
            entry["status"],
            f"{entry['metric']} {number(entry['value'])}",
            f"{entry['created']:%Y-%m-%d %H:%M}",
            ", ".join(entry["live_in"]),
            entry["note"] or "",
        )
        for entry in entries
    ]
    return table("Version", "Status", "Metric", "Created", "Live in", "Note", rows=rows)


def _versions(project: Project, target: Target) -> Any:
    return model_versions.versions(target.client("sagemaker", project.first), names.model_package_group(project.name))


def _summary(version: Version, metrics: dict[str, float], live: dict[str, int | None]) -> dict[str, Any]:
    return {
        "version": version.number,
        "status": version.status,
        "metric": version.metric,
        "value": metrics[version.metric],
        "created": version.created,
        "live_in": [name for name, live_number in live.items() if live_number == version.number],
        "note": version.note,
        "arn": version.arn,
    }


def live_numbers(project: Project, target: Target) -> dict[str, int | None]:
    """Say which version each serving environment runs, as releases wrote it down; None before its first release."""
    ssm = target.client("ssm", project.first)
    found: dict[str, int | None] = {}
    for environment in project.serving:
        record = serving.recorded(ssm, names.release_copy(project.name, project.first.name, environment.name))
        found[environment.name] = record.number if record else None
    return found


def show(options: Options, version: VersionArgument = None) -> None:
    """Show all an approver needs: metrics, data, hyperparameters, commit, execution; of the newest if left out."""
    project = options.project()
    target = options.target(project)
    found = find(project, target, version) if version is not None else next(_versions(project, target), None)
    if found is None:
        raise CommandError("No version is registered yet: train one with `sagewright train`.")
    sagemaker, s3 = target.client("sagemaker", project.first), target.client("s3", project.first)
    collected = evidence.collect(sagemaker, s3, found)
    live = live_numbers(project, target)
    value = _summary(found, collected.metrics, live) | {
        "metrics": collected.metrics,
        "threshold": collected.threshold,
        "evaluation": collected.evaluation,
        "baseline": collected.baseline,
        "hyperparameters": collected.hyperparameters,
        "image": found.image,
        "model_data": found.model_data,
        "record": found.metadata,
    }
    options.terminal.result(value, version_page(found, collected, live))


def find(project: Project, target: Target, number: int) -> Version:
    """Find a version by its number."""
    return model_versions.find(
        target.client("sagemaker", project.first), names.model_package_group(project.name), number
    )


def approve(options: Options, version: VersionArgument = None, note: NoteOption = None) -> None:
    """Approve a version, so that it can be released; the newest that waits for a decision if left out."""
    _decide(options, version, APPROVED, note)


def reject(options: Options, version: VersionArgument = None, note: NoteOption = None) -> None:
    """Reject a version: it cannot be released; the newest that waits for a decision if left out."""
    _decide(options, version, REJECTED, note)


def _decide(options: Options, number: int | None, status: str, note: str | None) -> None:
    project = options.project()
    verb = "approve" if status == APPROVED else "reject"
    said = f"version {number}" if number is not None else "the newest version that waits for a decision"
    target = options.acting_on(project, f"This will {verb} {said} of {project.name}.")
    version = find(project, target, number) if number is not None else _newest_pending(options, project, target, verb)
    changed = decide(project, target, version, status, note)
    told = f"Version {version.number} is {status}."
    if not changed:
        told = f"Version {version.number} was {status} already: nothing changed."
    elif version.status == REJECTED and status == APPROVED:
        told = f"Version {version.number} had been rejected{_because(version)}; now it is Approved."
    elif version.status == APPROVED and status == REJECTED:
        where = [name for name, live in live_numbers(project, target).items() if live == version.number]
        told += f" It still serves in {', '.join(where)} until another one is released." if where else ""
    if status == APPROVED:
        told += f" Release it: sagewright release {project.serving[0].name} {version.number}"
    options.terminal.result(
        {"version": version.number, "status": status, "before": version.status, "changed": changed, "note": note}, told
    )


def decide(project: Project, target: Target, version: Version, status: str, note: str | None) -> bool:
    """Write the decision into the registry; False where it says so already."""
    return model_versions.decide(target.client("sagemaker", project.first), version, status, note)


def _because(version: Version) -> str:
    return f" ({version.note})" if version.note else ""


def _newest_pending(options: Options, project: Project, target: Target, verb: str) -> Version:
    sagemaker, group = target.client("sagemaker", project.first), names.model_package_group(project.name)
    version = model_versions.newest(sagemaker, group, PENDING)
    if version is None:
        raise CommandError(
            f"No version waits for a decision. See them with `sagewright models`, then {verb} one by number."
        )
    metrics = evidence.metrics_of(evidence.evaluation(target.client("s3", project.first), version))
    told = f"{version.metric} {number(metrics[version.metric])}"
    options.terminal.confirm(
        f"The newest version that waits is {version.number} ({told}). {verb.capitalize()} it?", assume_yes=options.yes
    )
    return version
