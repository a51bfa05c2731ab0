"""Refuses a deployment that would lose data, before it starts: what is stateful is neither replaced nor taken away."""

from collections.abc import Collection, Iterable

from sagewright.project import Environment, Project

from . import adoption, changes
from .assembly import Assembly
from .changes import FEATURE_GROUP, Change, StackChanges
from .errors import CommandError
from .features import safe_change
from .target import Target

LOG_GROUP = "AWS::Logs::LogGroup"
REGISTRY = "AWS::SageMaker::ModelPackageGroup"
# What such a resource holds cannot be made again from the project: its replacement is a new and empty one.
STATEFUL = {
    "AWS::KMS::Key": "whatever is encrypted with it can be read with this very key only",
    "AWS::S3::Bucket": "data, executions and releases are in it",
    REGISTRY: "every registered version and who approved it is in it",
    LOG_GROUP: "what the endpoint has written is in it",
    adoption.REPOSITORY: "every commit of the project is in it",
    FEATURE_GROUP: "every record of its features is in it",
    adoption.CATALOG: "the tables of the feature groups are in it",
}
# What may leave its stack: it stays where it is, is whole without one, and can be taken back.
_FREE = (LOG_GROUP, FEATURE_GROUP, adoption.CATALOG)
_WORDS = {
    "replace": "would be replaced by a new and empty one",
    "may replace": "might be replaced by a new and empty one",
    "remove": "would be deleted",
    "let go": "would be left to itself, outside of every stack",
}


def require_kept(project: Project, target: Target, assembly: Assembly, *, adopts: bool) -> list[StackChanges]:
    """Plan the stacks that hold data and refuse to go on where one of them would lose some.

    Also where what an earlier stack has left would stand in the way, unless it is adopted. Returns what was planned.
    """
    stacks = assembly.data_stacks(project)
    planned = [changes.plan(target, stack) for stack in stacks]
    refuse_losses(planned, project)
    for each in planned:
        if each.unknown:
            raise CommandError(
                f"CloudFormation cannot say what would become of stack {each.stack.name}, which holds data: "
                f"{each.unknown.rstrip('.')}. Nothing was deployed."
            )
    if adopts:
        return planned
    left = [found for each in planned for found in adoption.in_the_way(project, target, each)]
    if left:
        what = ", ".join(f"{each.kind} {each.physical_id}" for each in left)
        raise CommandError(
            f"An earlier deployment has left {what}, with everything in it, and a new stack cannot make it once more. "
            "Take it over with `sagewright deploy --adopt`. Nothing was deployed."
        )
    return planned


def refuse_known_losses(
    project: Project, target: Target, assembly: Assembly, environments: Collection[Environment]
) -> None:
    """Refuse what would lose data in these environments, as the caller alone: the CDK may not be trusted there yet."""
    stacks = [each for each in assembly.data_stacks(project) if each.environment in environments]
    planned = [changes.plan(target, each, target.client("cloudformation", each.environment)) for each in stacks]
    refuse_losses(planned, project)


def refuse_losses(planned: Iterable[StackChanges], project: Project) -> None:
    """Refuse what the changes would do to stateful resources, and what feature groups cannot become."""
    planned = list(planned)
    refusals = [refusal for each in planned for refusal in safe_change.refused(each, project)]
    if refusals:
        raise CommandError(
            f"Refused, because feature groups would be lost or cannot change so. {safe_change.told(refusals, project)} "
            "Nothing was deployed, and there is no option to do it all the same. `sagewright diff` shows everything "
            "that would change."
        )
    losses = [change for each in planned for change in each.changes if is_loss(change)]
    if losses:
        told = " ".join(f"{_told(change)}." for change in losses)
        registries = [each for each in losses if each.kind == REGISTRY and each.stack.environment != project.first]
        if registries:
            was = registries[0].stack.environment.name
            told += (
                f" The first environment of project.yaml was {was}, which holds the registry, and is "
                f"{project.first.name} now: put {was} first again."
            )
        raise CommandError(
            f"Refused, because data would be lost. {told} Nothing was deployed, and there is no option to do it all "
            "the same. `sagewright diff` shows everything that would change; docs/upgrades.md says how to move data."
        )


def is_loss(change: Change) -> bool:
    """Tell whether a change loses data; what may leave its stack and is only let go of loses none."""
    if change.kind not in STATEFUL or change.action not in _WORDS:
        return False
    return not (change.kind in _FREE and change.action == "let go")


def refused_changes(planned: StackChanges, project: Project) -> set[str]:
    """Name the resources, by their logical ids, for whose sake the whole deployment is refused."""
    groups = {each.feature_group for each in safe_change.refused(planned, project)}
    return {
        change.logical_id
        for change in planned.changes
        if is_loss(change) or (change.kind == FEATURE_GROUP and change.physical_id.rpartition("/")[2] in groups)
    }


def is_lifted(change: Change) -> bool:
    """Tell whether a resource that holds data stays, but no longer outlives its stack."""
    if change.kind not in STATEFUL or change.action != "modify" or "DeletionPolicy" not in change.attributes:
        return False
    return change.stack.resources[change.logical_id].get("DeletionPolicy", "Delete") == "Delete"


def lifted(planned: StackChanges) -> str:
    """Say what a deletion of the stack would take with it from now on; nothing where its protection stays."""
    found = [f"{each.kind} {each.physical_id}" for each in planned.changes if is_lifted(each)]
    if not found:
        return ""
    return (
        f"{planned.stack.name}: its protection is lifted (removal: destroy). Nothing is deleted now, but whoever "
        f"deletes the stack from then on deletes with it {', '.join(found)}; of buckets those that are empty, and "
        "without the key what is left in the other ones cannot be read any more."
    )


def _told(change: Change) -> str:
    if change.kind == FEATURE_GROUP and change.action == "remove":
        return (
            f"{change.stack.name}: {change.kind} {change.physical_id} ({change.logical_id}) would be deleted, because "
            "the environment is one that goes with everything (removal: destroy); deploy once with `removal: retain`, "
            "then what is no longer declared stays"
        )
    because = f" because of {', '.join(change.properties)}" if change.properties else ""
    return (
        f"{change.stack.name}: {change.kind} {change.physical_id} ({change.logical_id}) {_WORDS[change.action]}"
        f"{because}; {STATEFUL[change.kind]}"
    )
