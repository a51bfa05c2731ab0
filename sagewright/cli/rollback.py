"""`sagewright rollback`: an environment goes back to a version that was verified there."""

import uuid
from typing import Annotated

import typer

from sagewright.project import Environment, Project, names
from sagewright.runtime.functions import live as serving
from sagewright.runtime.functions import model_versions
from sagewright.runtime.functions import rollback as going_back
from sagewright.runtime.functions.refusal import Refused
from sagewright.runtime.functions.rollback import Wish

from . import elsewhere, gate, pipeline_progress, way_back
from .errors import CommandError
from .options import Options, command
from .release import EnvironmentArgument, serving_environment
from .target import Target

# What CodePipeline substitutes into the text of actions, and where a quotation mark would end it.
_PLAIN = str.maketrans({'"': "'", "\\": "/"})


def register(group: typer.Typer) -> None:
    """Add the command."""
    examples = (
        "sagewright rollback prod --reason 'half of the answers are No since noon'",
        "sagewright rollback prod --to 3 --reason 'version 4 is too slow'",
        "sagewright rollback prod --reason 'as discussed' --no-wait",
    )
    command(group, "rollback", examples=examples)(rollback)


def rollback(
    options: Options,
    environment: EnvironmentArgument = None,
    *,
    to: Annotated[
        int | None,
        typer.Option(
            help="The version to go to; the last one that was verified there before, if left out.", show_default=False
        ),
    ] = None,
    reason: Annotated[str, typer.Option(help="Why; kept in the record.", show_default=False)],
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Follow it until the end.")] = True,
) -> None:
    """Take an environment back to a version that was verified there, on all instances at once.

    It goes through a pipeline of its own, without staging or gate, and stops a promotion that is in the environment.
    The version that serves now stays approved: reject it, and it goes from wherever it serves, by itself.
    """
    project = options.project()
    place = serving_environment(project, environment)
    if project.repository is None:
        raise CommandError(
            f"{project.name} has no pipeline for rollbacks: its project file names no repository. "
            f"`sagewright release {place.name} VERSION` releases an earlier version."
        )
    if not reason.strip():
        raise CommandError("--reason is empty: say in a few words why, for the record.")
    if not gate.has_gates(project):
        raise CommandError(
            elsewhere.rollback_by_hand(project, _wish(project, options.target(project), place, to, reason))
        )
    looking = options.target(project)
    told = _needless(project, looking, place, _wish(project, looking, place, to, reason))
    if told is not None:
        value = {"environment": place.name, "to": to, "execution": None, "status": None, "summary": told}
        options.terminal.result(value, told)
        return
    goal = f"version {to}" if to is not None else "the last version that was verified there before"
    target = options.acting_on(project, f"{place.name} of {project.name} will go back to {goal}, all at once.")
    wish = _wish(project, target, place, to, reason)
    codepipeline, pipeline = target.client("codepipeline", project.first), names.rollback_pipeline(project.name)
    identity = going_back.start(codepipeline, pipeline, wish, because=f"of a person, {uuid.uuid4()}")
    started = {"environment": place.name, "leaving": wish.leaving, "to": to, "execution": identity}
    if not wait:
        options.terminal.result(started, f"Started {identity}", f"Follow it: sagewright releases {place.name}")
        return
    with options.terminal.if_interrupted(
        f"The rollback goes on: {identity}", f"Follow it: sagewright releases {place.name}"
    ):
        ended = pipeline_progress.follow(options, project, target, pipeline, identity)
    told = ended.told("Summary") or f"The rollback ended as {ended.status.lower()}."
    live = _recorded(project, target, place)
    now = live.number if live is not None else None
    options.terminal.result(
        started | {"status": ended.status, "summary": told, "version": now},
        told,
        f"Now {live or 'nothing'} serves in {place.name}.",
    )


def _needless(project: Project, target: Target, place: Environment, wish: Wish) -> str | None:
    """Refuse what the rollback would refuse, and say so where it would do nothing; None where it has to decide."""
    if wish.version is not None:
        group = names.model_package_group(project.name)
        model_versions.find(target.client("sagemaker", project.first), group, wish.version)
    codepipeline, promotions = target.client("codepipeline", project.first), names.promotion_pipeline(project.name)
    stops = going_back.inside_of(codepipeline, promotions, place.name) is not None
    if wish.version is None and stops:
        return None
    try:
        choice = way_back.foreseen(project, target, place, wish)
    except Refused as refused:
        nothing = f"Nothing serves in {place.name}. " if _recorded(project, target, place) is None else ""
        raise CommandError(f"{nothing}{refused}") from refused
    does_nothing = choice is not None and choice.version is None and not choice.deletes
    return choice.told if choice is not None and does_nothing and not stops else None


def _wish(project: Project, target: Target, place: Environment, to: int | None, reason: str) -> Wish:
    """Say what is wanted, and by whom."""
    who = target.client("sts", project.first).get_caller_identity()["Arn"]
    live = serving.read(target.reading_client("sagemaker", place), names.endpoint(project.name, place.name))
    number = live.number if live is not None else None
    if number is None and to is None:
        there = f"{live} serves" if live is not None else "nothing serves"
        raise CommandError(
            f"In {place.name} {there}, so there is no release to take back. "
            f"`sagewright approve VERSION` brings one there; --to names one that was verified in {place.name} before."
        )
    return Wish(place.name, who, " ".join(reason.split()).translate(_PLAIN), leaving=number, version=to)


def _recorded(project: Project, target: Target, place: Environment) -> serving.Live | None:
    return serving.read(target.reading_client("sagemaker", place), names.endpoint(project.name, place.name))
