"""Refuses a deployment that would lose data, before it starts: what is stateful is neither replaced nor taken away."""

from collections.abc import Iterable

from sagewright.project import Project

from . import adoption, changes
from .assembly import Assembly
from .changes import Change, StackChanges
from .errors import CommandError
from .target import Target

LOG_GROUP = "AWS::Logs::LogGroup"
# What such a resource holds cannot be made again from the project: its replacement is a new and empty one.
STATEFUL = {
    "AWS::KMS::Key": "whatever is encrypted with it can be read with this very key only",
    "AWS::S3::Bucket": "data, executions and releases are in it",
    "AWS::SageMaker::ModelPackageGroup": "every registered version and who approved it is in it",
    LOG_GROUP: "what the endpoint has written is in it",
}
_WORDS = {
    "replace": "would be replaced by a new and empty one",
    "may replace": "might be replaced by a new and empty one",
    "remove": "would be deleted",
    "let go": "would be left to itself, outside of every stack",
}


def require_kept(project: Project, target: Target, assembly: Assembly, *, adopts: bool) -> None:
    """Plan the stacks that hold data and refuse to go on where one of them would lose some.

    Also where what an earlier stack has left would stand in the way, unless it is adopted.
    """
    stacks = assembly.data_stacks(project)
    planned = [changes.plan(target, stack) for stack in stacks]
    refuse_losses(planned)
    for each in planned:
        if each.unknown:
            raise CommandError(
                f"CloudFormation cannot say what would become of stack {each.stack.name}, which holds data: "
                f"{each.unknown.rstrip('.')}. Nothing was deployed."
            )
    if adopts:
        return
    left = [found for each in planned for found in adoption.in_the_way(project, target, each)]
    if left:
        what = ", ".join(f"{each.kind} {each.physical_id}" for each in left)
        raise CommandError(
            f"An earlier deployment has left {what}, with everything in it, and a new stack cannot make it once more. "
            "Take it over with `sagewright deploy --adopt`. Nothing was deployed."
        )


def refuse_losses(planned: Iterable[StackChanges]) -> None:
    """Refuse what the changes would do to stateful resources."""
    losses = [change for each in planned for change in each.changes if is_loss(change)]
    if losses:
        told = " ".join(f"{_told(change)}." for change in losses)
        raise CommandError(
            f"Refused, because data would be lost. {told} Nothing was deployed, and there is no option to do it all "
            "the same. `sagewright diff` shows everything that would change; docs/upgrades.md says how to move data."
        )


def is_loss(change: Change) -> bool:
    """Tell whether a change loses data; a log group that is only let go of stays where it is and is still written."""
    if change.kind not in STATEFUL or change.action not in _WORDS:
        return False
    return not (change.kind == LOG_GROUP and change.action == "let go")


def _told(change: Change) -> str:
    because = f" because of {', '.join(change.properties)}" if change.properties else ""
    return (
        f"{change.stack.name}: {change.kind} {change.physical_id} ({change.logical_id}) {_WORDS[change.action]}"
        f"{because}; {STATEFUL[change.kind]}"
    )
