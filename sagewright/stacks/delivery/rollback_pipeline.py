"""What takes a release back."""

from collections.abc import Mapping

from constructs import Construct

from sagewright.project import Project, names
from sagewright.stacks.delivery import environment_stage
from sagewright.stacks.delivery.actions import build, stage, yes
from sagewright.stacks.delivery.artifact_store import RELEASE, ArtifactStore
from sagewright.stacks.delivery.builds import Builds
from sagewright.stacks.delivery.buildspec import PROJECT, TOOLS
from sagewright.stacks.delivery.pipeline import QUEUED, Pipeline
from sagewright.stacks.place import Place
from sagewright.stacks.tool_bundle import ToolBundle

_VARIABLES = {
    "Environment": "Where a release is taken back",
    "Version": "The number of the version that shall serve again; none is the last one that was verified there",
    "Leaving": "The number of the version that shall serve no longer",
    "Promotion": "The promotion that failed, by its execution",
    "Who": "Who wants it",
    "Reason": "Why, in their words",
}


class RollbackPipeline(Construct):
    """A pipeline of its own, without staging or gate: it is for when something is wrong.

    It has a stage for each environment, of which one is entered. What it releases was verified there before, and all
    instances get it at once.
    """

    def __init__(  # noqa: PLR0913 (what is taken back, and where)
        self,
        scope: Construct,
        construct_id: str,
        *,
        project: Project,
        places: Mapping[str, Place],
        store: ArtifactStore,
        tools: ToolBundle,
        builds: Builds,
    ) -> None:
        super().__init__(scope, construct_id)
        pipeline = Pipeline(
            self,
            "Rollback",
            place=places[project.first.name],
            name=names.rollback_pipeline(project.name),
            role_name=names.delivery_role(project.name, "rollback-pipeline"),
            store=store,
        )
        pipeline.runs(builds.rollback, *builds.releases.values())
        pipeline.deploys(*(places[each.name] for each in project.serving))
        # Somebody's own words stay with the pipeline, which tells them to who asks.
        told = {"ENVIRONMENT": "#{variables.Environment}", "EXECUTION": environment_stage.EXECUTION}
        resolved = build(
            "Resolve",
            builds.rollback.name,
            takes=[TOOLS],
            leaves=[RELEASE, PROJECT],
            variables=told,
            tells=True,
        )
        stages = [
            stage(
                each.name,
                environment_stage.release(
                    each,
                    places[each.name],
                    builds.releases[each.name].name,
                    version="#{Resolve.Version}",
                    copies=False,
                ),
                only_if={**yes("Resolve.Proceed"), "variables.Environment": each.name},
            )
            for each in project.serving
        ]
        pipeline.create(
            [stage("Source", [pipeline.tools(tools)]), stage("Resolve", [resolved]), *stages],
            mode=QUEUED,
            keeps=[TOOLS],
            reads=[RELEASE],
            variables=_VARIABLES,
        )
