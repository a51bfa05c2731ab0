"""What a push starts: tried, deployed to the first environment, and trained."""

from aws_cdk import aws_codepipeline as codepipeline
from constructs import Construct

from sagewright.project import Project, names
from sagewright.project.repository import Repository
from sagewright.stacks.delivery.actions import build, stage
from sagewright.stacks.delivery.artifact_store import ArtifactStore
from sagewright.stacks.delivery.builds import Builds
from sagewright.stacks.delivery.buildspec import ASSEMBLY, SOURCE, TOOLS
from sagewright.stacks.delivery.environment_stage import EXECUTION
from sagewright.stacks.delivery.pipeline import SUPERSEDED, Pipeline
from sagewright.stacks.delivery.pushes import CodeCommitPushes, connected_source, triggers
from sagewright.stacks.place import Place
from sagewright.stacks.tool_bundle import ToolBundle


class BuildPipeline(Construct):
    """Source, Test, Deploy, Train: the assembly that was tried is the one that is deployed, and made only once.

    The newest push overtakes those that still wait for a stage. Nobody waits for the training in it.
    """

    def __init__(  # noqa: PLR0913 (whose pushes, and what they run through)
        self,
        scope: Construct,
        construct_id: str,
        *,
        project: Project,
        repository: Repository,
        place: Place,
        store: ArtifactStore,
        tools: ToolBundle,
        builds: Builds,
    ) -> None:
        super().__init__(scope, construct_id)
        pipeline = Pipeline(
            self,
            "Build",
            place=place,
            name=names.build_pipeline(project.name),
            role_name=names.delivery_role(project.name, "build-pipeline"),
            store=store,
        )
        pipeline.runs(builds.test, builds.deploy, builds.train)
        if repository.connected:
            pushed = connected_source(pipeline.role, repository)
        else:
            pushes = CodeCommitPushes(self, "Pushes", place=place, repository=repository, pipeline_arn=pipeline.arn)
            pushed = pushes.source(pipeline.role)
        told = {"COMMIT": "#{SourceVariables.CommitId}", "EXECUTION": EXECUTION}
        pipeline.create(
            [
                stage("Source", [pushed, pipeline.tools(tools)]),
                stage("Test", [build("Test", builds.test.name, takes=[SOURCE, TOOLS], leaves=[ASSEMBLY])]),
                stage("Deploy", [build("Deploy", builds.deploy.name, takes=[SOURCE, TOOLS, ASSEMBLY], variables=told)]),
                stage("Train", [build("Train", builds.train.name, takes=[SOURCE, TOOLS], variables=told)]),
            ],
            mode=SUPERSEDED,
            keeps=[SOURCE, TOOLS],
            triggers=self._triggers(repository),
        )

    def _triggers(self, repository: Repository) -> list[codepipeline.CfnPipeline.PipelineTriggerDeclarationProperty]:
        return triggers(repository) if repository.connected else []
