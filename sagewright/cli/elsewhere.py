"""What another system starts: AWS cannot call it, so it comes and looks, and whoever cannot wait starts it there."""

import shlex
from collections.abc import Iterator
from datetime import UTC, datetime

from sagewright.project import Project, names
from sagewright.runtime.functions import promotion as promotions
from sagewright.runtime.functions import rollback as rollbacks
from sagewright.runtime.functions import waiting_list
from sagewright.runtime.functions.code_pipelines import NONE
from sagewright.runtime.functions.rollback import Wish
from sagewright.runtime.functions.waiting_list import Waiting

from . import sandbox_person
from .on_the_way import OnTheWay
from .target import Target

_SYSTEMS = {"github_actions": "GitHub Actions", "jenkins": "Jenkins"}
# As the schedules of the written files say.
_LOOKS = {"github_actions": "within half an hour", "jenkins": "within a quarter of an hour"}
_WAITS = "Waiting"
# The beginning of what a waiting thing is called; see waiting_list.put().
_MOMENT = "%Y%m%dT%H%M%SZ"


def system(project: Project) -> str | None:
    """Name the system that runs the steps; None where AWS does, or nothing is delivered."""
    return _SYSTEMS.get(project.delivery.provider) if project.repository is not None else None


def promotion(project: Project, arn: str) -> str | None:
    """Say when the promotion of a version that was just approved starts, and how it starts at once."""
    named = system(project)
    if named is None:
        return None
    version = f"{promotions.VERSION.lower()}={arn}"
    by_hand = (
        f", or start the workflow `{waiting_list.PROMOTION}` with {version}"
        if project.delivery.provider == "github_actions"
        else ""
    )
    when = _LOOKS[project.delivery.provider]
    return f" {named} starts its promotion {when}. At once: {_look_now(project, waiting_list.PROMOTION)}{by_hand}."


def rollback(project: Project) -> str | None:
    """Say when the rollback of what was just rejected starts, and how it starts at once."""
    named = system(project)
    if named is None:
        return None
    now = _look_now(project, waiting_list.ROLLBACK)
    return f"is started by {named} {_LOOKS[project.delivery.provider]} (at once: {now})"


def rollback_by_hand(project: Project, wish: Wish) -> str:
    """Say what is started there, and with which inputs, for an environment to go back as a person wants it."""
    named = system(project)
    given = {
        name.lower(): value
        for name, value in wish.variables.items()
        if name in {rollbacks.ENVIRONMENT, rollbacks.VERSION, rollbacks.LEAVING, rollbacks.REASON} and value != NONE
    }
    if project.delivery.provider == "github_actions":
        inputs = " ".join(f"-f {name}={shlex.quote(value)}" for name, value in given.items())
        start = f"Start the workflow `rollback` there: `gh workflow run rollback.yml --ref {_branch(project)} {inputs}`"
    else:
        inputs = ", ".join(f"{name.upper()}={value}" for name, value in given.items())
        start = f"Build the job `{project.name}-rollback` with the parameters {inputs}"
    return f"{project.name} is delivered by {named}, which runs its rollbacks, too: nothing was started. {start}."


def waiting(project: Project, target: Target) -> Iterator[OnTheWay]:
    """List what waits for another system to begin it, the longest waiting first; nothing where AWS runs the steps."""
    named = system(project)
    if named is None:
        return
    first = project.first
    bucket = names.data_bucket(project.name, first.name, target.account_of(first), first.region)
    for each in waiting_list.waiting(target.client("s3", first), bucket, sandbox_person.now(target)):
        what, version = _what(each)
        since = datetime.strptime(each.identity.partition("-")[0], _MOMENT).replace(tzinfo=UTC)
        begins = f"{named}, {_LOOKS[project.delivery.provider]} (at once: {_look_now(project, each.what)})"
        yield OnTheWay(each.what, each.identity, what, version, _WAITS, None, None, since, begins)


def _look_now(project: Project, what: str) -> str:
    if project.delivery.provider == "github_actions":
        return f"`gh workflow run registry.yml --ref {_branch(project)}`"
    left = "VERSION" if what == waiting_list.PROMOTION else "ENVIRONMENT"
    return f"build the job `{project.name}-{what}` with {left} left at none"


def _what(each: Waiting) -> tuple[str, int | None]:
    version = each.variables.get(promotions.VERSION, "").rpartition("/")[2]
    if each.what == waiting_list.PROMOTION:
        return f"version {version}", int(version)
    leaving = each.variables.get(rollbacks.LEAVING, "")
    place = each.variables.get(rollbacks.ENVIRONMENT, "")
    return (f"{place} from version {leaving}", int(leaving)) if leaving.isdigit() else (place, None)


def _branch(project: Project) -> str:
    return project.repository.branch if project.repository is not None else ""
