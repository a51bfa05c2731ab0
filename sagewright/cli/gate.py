"""The gates of a promotion: which of them waits, and what is answered there."""

from datetime import datetime

from sagewright.project import Project, names
from sagewright.runtime.functions import code_pipelines, gates, promotion
from sagewright.runtime.functions.client import Client
from sagewright.runtime.functions.gates import Gate

from . import on_the_way
from .errors import CommandError
from .options import Options
from .target import Target

VERBS = {gates.APPROVED: "approve", gates.REJECTED: "reject"}


def has_gates(project: Project) -> bool:
    """Whether promotions of the project have gates that can be answered here."""
    return project.repository is not None and project.delivery.provider == "codepipeline"


def waiting(project: Project, target: Target) -> list[tuple[Gate, int | None]]:
    """List the gates that wait for an answer, each with the number of the version that stands there."""
    if not has_gates(project):
        return []
    codepipeline, pipeline = _pipeline(project, target)
    return [(gate, _number(codepipeline, gate)) for gate in gates.waiting(codepipeline, pipeline)]


def is_on_its_way(project: Project, target: Target, arn: str) -> bool:
    """Tell whether a version is just being promoted."""
    if not has_gates(project):
        return False
    codepipeline, pipeline = _pipeline(project, target)
    return any(each.variable(promotion.VERSION) == arn for each in code_pipelines.running(codepipeline, pipeline))


def is_going_on(project: Project, target: Target, arn: str) -> bool:
    """Tell whether a version's promotion goes on; one that is being stopped does not."""
    if not has_gates(project):
        return False
    return promotion.under_way(*_pipeline(project, target), arn) is not None


def hint(project: Project, found: list[tuple[Gate, int | None]], version: int | None = None) -> str:
    """Say that something waits at a gate, and how it is answered; nothing where nothing does."""
    return "".join(
        f" Version {number} waits at the gate of {place} since {_moment(gate.since)}: sagewright approve --gate {place}"
        for gate, number in found
        if version in {None, number} and (place := gate.environment(project.prod.name))
    )


def decide(options: Options, environment: str, version: int | None, status: str, note: str | None) -> None:
    """Answer what waits at the gate of an environment; CodePipeline keeps who answered, and the note."""
    project, verb = options.project(), VERBS[status]
    if not has_gates(project):
        why = "has no repository" if project.repository is None else f"is delivered by {project.delivery.provider}"
        raise CommandError(
            f"{project.name} {why}, so no promotion waits at a gate here. Without --gate, `sagewright {verb}` decides "
            "about a version in the registry."
        )
    target = options.target(project)
    found = waiting(project, target)
    here = [each for each in found if each[0].environment(project.prod.name) == environment]
    if not here:
        raise CommandError(_nobody(project, environment, found))
    gate, number = here[0]
    if version not in {None, number}:
        raise CommandError(
            f"At the gate of {environment} waits version {number}, and not version {version}: nothing was decided."
        )
    asked = on_the_way.question(target.client("codepipeline", project.first), gate)
    options.terminal.note(f"{asked or f'Version {number}'}")
    what = (
        "its release goes on" if status == gates.APPROVED else "its promotion ends, and nothing more of it is released"
    )
    options.acting_on(project, f"This will {verb} version {number} at the gate of {environment}: {what}.")
    gates.answer(target.client("codepipeline", project.first), gate, status, note or f"{status} without a note")
    done = "goes on to" if status == gates.APPROVED else "does not go to"
    options.terminal.result(
        {
            "gate": environment,
            "stage": gate.stage,
            "version": number,
            "status": status,
            "execution": gate.execution,
            "waited_since": gate.since,
            "note": note,
        },
        f"Version {number} {done} {environment}. Follow it: sagewright releases {environment}",
    )


def _pipeline(project: Project, target: Target) -> tuple[Client, str]:
    return target.client("codepipeline", project.first), names.promotion_pipeline(project.name)


def _number(codepipeline: Client, gate: Gate) -> int | None:
    execution = code_pipelines.execution(codepipeline, gate.pipeline, gate.execution)
    arn = execution.variable(promotion.VERSION) if execution is not None else None
    return int(arn.rpartition("/")[2]) if arn is not None else None


def _nobody(project: Project, environment: str, found: list[tuple[Gate, int | None]]) -> str:
    known = [each.name for each in project.serving]
    if environment not in known:
        return f"'{environment}' is no environment in which {project.name} serves. It serves in: {', '.join(known)}."
    return (
        f"Nothing waits at the gate of {environment}.{hint(project, found)} See what is on its way with "
        "`sagewright releases`."
    )


def _moment(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M}"
