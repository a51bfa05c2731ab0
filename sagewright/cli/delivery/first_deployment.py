"""Deploys the first environment after a push, from the assembly that was tested, and publishes what releases go by."""

from dataclasses import dataclass
from pathlib import Path

from rich.markup import escape

from sagewright.cli import changes, protection, stack_states
from sagewright.cli.assembly import Assembly
from sagewright.cli.cdk import Cdk
from sagewright.cli.errors import CommandError
from sagewright.cli.features import safe_change
from sagewright.cli.options import Options
from sagewright.project import Project, names
from sagewright.runtime.functions.objects import Location

from . import published_project
from .build_target import BuildTarget


@dataclass(frozen=True)
class Deployed:
    """What a build has deployed, and where it was published."""

    stacks: list[str]
    published: str


def deploy(options: Options, project: Project, target: BuildTarget, folder: Path, commit: str | None) -> Deployed:
    """Deploy and publish; refused before anything is touched where data would be lost."""
    if not (folder / "manifest.json").is_file():
        raise CommandError(f"{folder} is no assembly: it is what `sagewright delivery synth` writes in the test step.")
    read = Assembly.read(project, folder)
    # What delivers is deployed by a person: a pipeline that changes itself would break off in the middle of itself.
    own = names.delivery_stack(project.name)
    stacks = [each.name for each in read.stacks if each.environment == project.first and each.name != own]
    for name in stacks:
        stack_states.settle(options, target, project.first, name)
    for told in _refuse_losses(project, target, read):
        options.terminal.note(f"[yellow]![/] {escape(told)}")
    cdk = Cdk(project.root, target.environ(project.first.region), options.terminal)
    cdk.deploy_assembly(folder.resolve(), *stacks, "--exclusively")
    bucket = names.data_bucket(project.name, project.first.name, target.account_of(project.first), project.first.region)
    place = Location(bucket, names.PUBLISHED)
    content = published_project.archive(project.root, folder)
    published_project.publish(target.client("s3", project.first), place, content, commit)
    return Deployed(stacks, str(place))


def _refuse_losses(project: Project, target: BuildTarget, read: Assembly) -> list[str]:
    """Ask CloudFormation what would become of what holds data; nobody is there to agree to less protection.

    Returns what is said of feature groups that leave the stack and stay.
    """
    planned = [changes.plan(target, each) for each in read.data_stacks(project) if each.environment == project.first]
    protection.refuse_losses(planned, project)
    for each in planned:
        if each.unknown:
            raise CommandError(
                f"CloudFormation cannot say what would become of stack {each.stack.name}, which holds data: "
                f"{each.unknown.rstrip('.')}. Nothing was deployed."
            )
        if told := protection.lifted(each):
            raise CommandError(
                f"{told} A push does not do that: deploy it by hand with `sagewright deploy --target aws`, which asks."
            )
    return [told for each in planned if (told := safe_change.left_behind(each, project))]
