"""`sagewright models | show | approve | reject`: the registered versions and what is decided about them."""

from itertools import islice
from typing import Annotated, Any

import typer
from rich.table import Table

from sagewright.project import Project, names
from sagewright.runtime.functions import evidence, model_versions
from sagewright.runtime.functions import live as serving
from sagewright.runtime.functions.model_versions import APPROVED, PENDING, REJECTED, Version

from . import elsewhere, retirement, way_back
from . import gate as gates
from .errors import CommandError
from .options import Options, command, command_of_group
from .pages import joined_with, standing, version_page
from .target import Target
from .terminal import table
from .training import number

SHOWN = 20

VersionArgument = Annotated[int | None, typer.Argument(help="Number of the version.", show_default=False)]
NoteOption = Annotated[str | None, typer.Option(help="Why; kept with the decision.", show_default=False)]
GateOption = Annotated[
    str | None,
    typer.Option(
        metavar="ENV", help="Decide about what waits at the gate of this environment instead.", show_default=False
    ),
]


def register(group: typer.Typer) -> None:
    """Add the commands."""
    listing = typer.Typer()
    group.add_typer(listing, name="models")
    examples = (
        "sagewright models",
        "sagewright models --all",
        "sagewright models --json",
        "sagewright models retire 3 --note 'replaced by version 5'",
    )
    command_of_group(listing, examples=examples)(models)
    retirement.register(listing)
    command(group, "show", examples=("sagewright show 3", "sagewright show 3 --json"))(show)
    command(
        group,
        "approve",
        examples=(
            "sagewright approve 3 --note 'better recall, same precision'",
            "sagewright approve",
            "sagewright approve --gate prod --note 'discussed on Monday'",
        ),
    )(approve)
    command(
        group,
        "reject",
        examples=(
            "sagewright reject 3 --note 'trained on last month'",
            "sagewright reject --gate prod --note 'not now'",
        ),
    )(reject)


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
    entries = [_summary(version, evidence.evaluation(s3, version), live) for version in found]
    options.terminal.result(entries, _list(entries))


def _list(entries: list[dict[str, Any]]) -> Table | str:
    if not entries:
        return "No version is registered yet: train one with `sagewright train`."
    rows = [
        (
            entry["version"],
            ", ".join(filter(None, [entry["status"], entry["stage"]])),
            _judged(entry),
            f"{entry['created']:%Y-%m-%d %H:%M}",
            ", ".join(entry["live_in"]),
            "; ".join(filter(None, [entry["note"], entry["stage_note"]])),
        )
        for entry in entries
    ]
    return table("Version", "Status", "Metric", "Created", "Live in", "Note", rows=rows)


def _judged(entry: dict[str, Any]) -> str:
    """Say what the gate judged by, and how the version stands against the one that was live."""
    told, champion = f"{entry['metric']} {number(entry['value'])}", entry["champion"]
    return f"{told}, {standing(champion)}" if champion is not None and champion["compared"] else told


def _versions(project: Project, target: Target) -> Any:
    return model_versions.versions(target.client("sagemaker", project.first), names.model_package_group(project.name))


def _summary(version: Version, evaluation: dict[str, Any], live: dict[str, int | None]) -> dict[str, Any]:
    return {
        "version": version.number,
        "status": version.status,
        "metric": version.metric,
        "value": evidence.metrics_of(evaluation)[version.metric],
        "champion": evaluation.get("champion"),
        "created": version.created,
        "live_in": [name for name, live_number in live.items() if live_number == version.number],
        "note": version.note,
        "stage": version.stage,
        "stage_note": version.stage_note,
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
    value = _summary(found, collected.evaluation, live) | {
        "metrics": collected.metrics,
        "threshold": collected.threshold,
        "evaluation": collected.evaluation,
        "baseline": collected.baseline,
        "joined_with": joined_with(collected.baseline["manifest"]),
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


def approve(
    options: Options, version: VersionArgument = None, note: NoteOption = None, gate: GateOption = None
) -> None:
    """Approve a version, so that it can be released; the newest that waits for a decision if left out.

    With a repository in the project file, the promotion of the version starts by itself; `--gate ENV` lets the one on
    to an environment that waits before it.
    """
    _decide(options, version, APPROVED, note, gate)


def reject(options: Options, version: VersionArgument = None, note: NoteOption = None, gate: GateOption = None) -> None:
    """Reject a version: it cannot be released; the newest that waits for a decision if left out.

    With a repository in the project file, environments that serve the version go back to the one before; `--gate ENV`
    only ends the promotion that waits there, and leaves the version approved.
    """
    _decide(options, version, REJECTED, note, gate)


def _decide(options: Options, number: int | None, status: str, note: str | None, at_gate: str | None) -> None:
    if at_gate is not None:
        gates.decide(options, at_gate, number, status, note)
        return
    project = options.project()
    verb = "approve" if status == APPROVED else "reject"
    said = f"version {number}" if number is not None else "the newest version that waits for a decision"
    target = options.acting_on(project, f"This will {verb} {said} of {project.name}.")
    version = find(project, target, number) if number is not None else _newest_pending(options, project, target, verb)
    again = once_more(project, target, version, status)
    sagemaker = target.client("sagemaker", project.first)
    changed = model_versions.decide(sagemaker, version, status, note, anew=again == "")
    told = f"Version {version.number} is {status}."
    if not changed:
        told = f"Version {version.number} was {status} already: nothing changed."
    elif version.status == REJECTED and status == APPROVED:
        told = f"Version {version.number} had been rejected{_because(version)}; now it is Approved."
    elif again is not None:
        told = f"Version {version.number} was Approved already; now it is approved once more."
    told += again or _what_follows(project, target, version, status, changed=changed)
    options.terminal.result(
        {"version": version.number, "status": status, "before": version.status, "changed": changed, "note": note}, told
    )


def once_more(project: Project, target: Target, version: Version, status: str) -> str | None:
    """Say why approving a version once more begins nothing, empty where it does; None where this is no such thing."""
    if project.repository is None or not status == version.status == APPROVED:
        return None
    if gates.is_going_on(project, target, version.arn):
        at_gate = gates.hint(project, gates.waiting(project, target), version.number)
        return at_gate or " Its promotion goes on, so no other one starts. Follow it: sagewright releases"
    last = project.prod.name
    if live_numbers(project, target)[last] == version.number:
        return (
            f" It serves in {last} already, and was verified there: nothing new is released. (Settings that a push has "
            "changed since are brought there by an approval with another --note.)"
        )
    return ""


def _what_follows(project: Project, target: Target, version: Version, status: str, *, changed: bool) -> str:
    """Say what comes of a decision by itself, and what is left to do."""
    delivered = project.repository is not None
    if status == APPROVED:
        if not delivered:
            return f" Release it: sagewright release {project.serving[0].name} {version.number}"
        at_gate = gates.hint(project, gates.waiting(project, target), version.number)
        starts = elsewhere.promotion(project, version.arn) or " Its promotion starts by itself."
        return at_gate or (f"{starts} Follow it: sagewright releases" if changed else "")
    if version.status != APPROVED:
        return ""
    ends = " Its promotion ends." if gates.is_on_its_way(project, target, version.arn) else ""
    live = live_numbers(project, target)
    places = [each for each in project.serving if live[each.name] == version.number]
    if not places:
        return ends
    if not delivered:
        return f" It still serves in {', '.join(each.name for each in places)} until another one is released."
    starts = elsewhere.rollback(project) or "starts by itself"
    return f"{ends}{way_back.after_rejection(project, target, version, places, starts)}"


def decide(project: Project, target: Target, version: Version, status: str, note: str | None) -> bool:
    """Write the decision into the registry; False where it says so already."""
    return model_versions.decide(target.client("sagemaker", project.first), version, status, note)


def _because(version: Version) -> str:
    return f" ({version.note})" if version.note else ""


def _newest_pending(options: Options, project: Project, target: Target, verb: str) -> Version:
    sagemaker, group = target.client("sagemaker", project.first), names.model_package_group(project.name)
    version = model_versions.newest(sagemaker, group, PENDING)
    if version is None:
        at_gate = gates.hint(project, gates.waiting(project, target))
        raise CommandError(
            f"No version waits for a decision.{at_gate and f'{at_gate}.'} See them with `sagewright models`, then "
            f"{verb} one by number."
        )
    metrics = evidence.metrics_of(evidence.evaluation(target.client("s3", project.first), version))
    told = f"{version.metric} {number(metrics[version.metric])}"
    options.terminal.confirm(
        f"The newest version that waits is {version.number} ({told}). {verb.capitalize()} it?", assume_yes=options.yes
    )
    return version
