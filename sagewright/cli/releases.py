"""`sagewright releases`: what is live where, since when and by whose word; and what is on its way there."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.markup import escape

from sagewright.project import Environment, Project, names
from sagewright.runtime.functions import live as serving
from sagewright.runtime.functions import live_age, model_versions
from sagewright.runtime.functions.live import Live
from sagewright.runtime.functions.model_versions import Version

from . import elsewhere, on_the_way
from .audit import entries, person
from .on_the_way import OnTheWay
from .options import Options, command
from .release import serving_environment
from .target import Target
from .terminal import table

# The stage of a promotion that stands before the last environment.
_GATE = "Approve"


@dataclass(frozen=True)
class Decision:
    """Who decided, when, and in which words; of an answer that was not written down nothing is known."""

    who: str
    when: str
    words: str

    def __str__(self) -> str:
        return f"{person(self.who)}{f': {self.words}' if self.words else ''}"


@dataclass(frozen=True)
class Released:
    """What one environment serves."""

    environment: str
    live: Live | None
    since: datetime | None
    replaced: int | None
    registry: Decision | None
    gate: Decision | None

    @property
    def document(self) -> dict[str, Any]:
        """Write it for programs."""
        return {
            "environment": self.environment,
            "version": self.live.number if self.live is not None else None,
            "endpoint_config": self.live.endpoint_config if self.live is not None else None,
            "since": self.since,
            "replaced": self.replaced,
            "approved": vars(self.registry) if self.registry is not None else None,
            "gate": vars(self.gate) if self.gate is not None else None,
        }


def register(group: typer.Typer) -> None:
    """Add the command."""
    examples = ("sagewright releases", "sagewright releases prod", "sagewright releases --json")
    command(group, "releases", examples=examples)(releases)


def releases(
    options: Options,
    environment: Annotated[
        str | None,
        typer.Argument(metavar="ENV", help="Only this environment; all of them if left out.", show_default=False),
    ] = None,
) -> None:
    """Show what is live: the version, since when, who approved it, what it replaced; and what is on its way.

    With a repository in the project file: every push, promotion and rollback under way with the stage that it is in,
    whom it waits for since when, and how the last one of each has ended. Where GitHub Actions or Jenkins runs them,
    what waits for it to begin.
    """
    project = options.project()
    places = [serving_environment(project, environment)] if environment is not None else list(project.serving)
    target = options.target(project)
    told = [live_in(project, target, each) for each in places]
    moving = [*on_the_way.of(project, target), *elsewhere.waiting(project, target)]
    value = {"live": [each.document for each in told], "on_the_way": [_document(each) for each in moving]}
    system = elsewhere.system(project)
    under_way = [f"\nWhat is under way is shown by {system}; here is what waits for it."] if system is not None else []
    options.terminal.result(value, _live_table(told), *under_way, *_moving_table(moving))


def live_in(project: Project, target: Target, environment: Environment) -> Released:
    """Say what an environment serves: the record of its releases, in words of the audit where it has any."""
    first = project.first
    copy = names.release_copy(project.name, first.name, environment.name)
    ssm = target.client("ssm", first)
    live = serving.recorded(ssm, copy)
    if live is None or live.model_package_arn is None:
        return Released(environment.name, live, None, None, None, None)
    found = live_age.live_since(ssm, copy)
    before = live_age.before(ssm, copy)
    version = model_versions.existing(target.client("sagemaker", first), live.model_package_arn)
    written = [*_entries(project, target, version)] if version is not None and project.repository is not None else []
    gates = [each for each in written if each["kind"] == "gate" and _let_through(each)]
    return Released(
        environment.name,
        live,
        found[1] if found is not None else None,
        int(before.rpartition("/")[2]) if before is not None else None,
        _decision([each for each in written if each["kind"] == "approval"]) or _of_registry(version),
        _decision(gates) if environment == project.prod else None,
    )


def _entries(project: Project, target: Target, version: Version) -> Iterator[dict[str, Any]]:
    """Read what was written down about a version since it was registered."""
    for entry in entries(project, target, version.created):
        if entry["sources"].get("version") == version.arn:
            yield entry


def _let_through(entry: Mapping[str, Any]) -> bool:
    return entry["sources"].get("stage") == _GATE and entry["sources"].get("answer") == "SUCCEEDED"


def _decision(written: Sequence[Mapping[str, Any]]) -> Decision | None:
    """Take the last one that was written down."""
    return Decision(written[-1]["who"], written[-1]["when"], written[-1]["words"]) if written else None


def _of_registry(version: Version | None) -> Decision | None:
    """Take what the registry says itself, which is about its last change."""
    if version is None or version.changed is None:
        return None
    return Decision(version.changed_by or "", version.changed.isoformat(), version.note or "")


def _document(each: OnTheWay) -> dict[str, Any]:
    return {
        "pipeline": each.kind,
        "execution": each.execution,
        "what": each.what,
        "version": each.version,
        "status": each.status,
        "stage": each.stage,
        "action": each.action,
        "since": each.since,
        "waits_for": each.waits_for,
        "why": each.why,
        "log": each.log,
    }


def _live_table(told: list[Released]) -> Any:
    rows = [
        (
            each.environment,
            each.live.number if each.live is not None else "nothing yet",
            f"{each.since:%Y-%m-%d %H:%M}" if each.since is not None else "",
            each.replaced if each.replaced is not None else "",
            each.registry or "",
            each.gate or "",
        )
        for each in told
    ]
    return table("Environment", "Version", "Since", "Replaced", "Approved by", "Gate", rows=rows)


def _moving_table(moving: list[OnTheWay]) -> list[Any]:
    if not moving:
        return []
    rows = [(each.kind, each.what, f"{each.since:%Y-%m-%d %H:%M}", escape(each.told)) for each in moving]
    logs = [f"The whole log of {each.kind} {each.what}: {escape(each.log)}" for each in moving if each.log is not None]
    return ["", table("Pipeline", "Of", "Since", "Where", rows=rows), *logs]
