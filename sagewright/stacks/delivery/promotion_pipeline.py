"""What an approved version goes through, from one environment to the next."""

from collections.abc import Iterator, Mapping

from constructs import Construct

from sagewright.project import Environment, Project, names
from sagewright.stacks.delivery import environment_stage
from sagewright.stacks.delivery.actions import Action, Stage, approval, build, stack, stage, yes
from sagewright.stacks.delivery.artifact_store import RELEASE, ArtifactStore
from sagewright.stacks.delivery.builds import Builds
from sagewright.stacks.delivery.buildspec import PROJECT, TOOLS
from sagewright.stacks.delivery.notices import Notices
from sagewright.stacks.delivery.pipeline import QUEUED, Pipeline
from sagewright.stacks.place import Place
from sagewright.stacks.tool_bundle import ToolBundle

_PROCEED, _VERSION = "Resolve.Proceed", "#{Resolve.Version}"
# The link says that it is one before it is known where it leads.
_SUMMARY, _EVIDENCE = "#{Resolve.Summary}", "https://#{Resolve.Evidence}"
_VARIABLES = {"Version": "The version that was approved, by its ARN in the registry"}


class PromotionPipeline(Construct):
    """Source, Resolve, and each environment in turn; the gate stands before the last one.

    Two versions that are approved one after the other never cross: each waits until the one before has ended. What
    changes but a version, in the stacks of data, network and roles, has an approval of its own, and no stage otherwise.
    """

    def __init__(  # noqa: PLR0913 (what is promoted, where to, and who is asked)
        self,
        scope: Construct,
        construct_id: str,
        *,
        project: Project,
        places: Mapping[str, Place],
        store: ArtifactStore,
        tools: ToolBundle,
        builds: Builds,
        notices: Notices,
    ) -> None:
        super().__init__(scope, construct_id)
        self._project, self._places, self._builds = project, places, builds
        self._topic = notices.topic.topic_arn
        pipeline = Pipeline(
            self,
            "Promotion",
            place=places[project.first.name],
            name=names.promotion_pipeline(project.name),
            role_name=names.delivery_role(project.name, "promotion-pipeline"),
            store=store,
        )
        pipeline.runs(builds.resolve, *builds.releases.values())
        pipeline.deploys(*(places[each.name] for each in project.serving))
        told = {"VERSION": "#{variables.Version}", "EXECUTION": environment_stage.EXECUTION}
        resolved = build(
            "Resolve",
            builds.resolve.name,
            takes=[TOOLS],
            leaves=[RELEASE, PROJECT],
            variables=told,
            tells=True,
        )
        gated = project.approval.prod == "manual"
        if gated or any(each != project.first for each in project.serving):
            notices.grant_publish(pipeline.role)
        pipeline.create(
            [stage("Source", [pipeline.tools(tools)]), stage("Resolve", [resolved]), *self._environments(gated=gated)],
            mode=QUEUED,
            keeps=[TOOLS],
            reads=[RELEASE],
            variables=_VARIABLES,
        )

    def _environments(self, *, gated: bool) -> Iterator[Stage]:
        for environment in self._project.serving:
            if gated and environment == self._project.prod:
                yield stage("Approve", [self._asked(_SUMMARY)], only_if=yes(_PROCEED))
            if environment != self._project.first:
                changes = f"Resolve.Changes_{environment.name}"
                yield stage(f"{environment.name}-changes", [*self._changes(environment)], only_if=yes(changes))
            place, release = self._places[environment.name], self._builds.releases[environment.name]
            actions = environment_stage.release(environment, place, release.name, version=_VERSION, copies=True)
            yield stage(environment.name, actions, only_if=yes(_PROCEED))

    def _changes(self, environment: Environment) -> Iterator[Action]:
        """Change what a release rests on: its data first, and who may do what last.

        The first environment's are deployed by the build, which has tried them.
        """
        place, here = self._places[environment.name], (self._project.name, environment.name)
        yield self._asked(
            f"Data, network or roles of {names.endpoint(*here)} change with this release, and stay as they become if "
            f"it is taken back. {_SUMMARY}"
        )
        yield stack("Data", names.data_stack(*here), place=place, artifact=RELEASE, order=2)
        if environment.network.mode == "create":
            network = names.network_stack(*here)
            yield stack("Network", network, place=place, artifact=RELEASE, makes_roles=True, order=3)
        access = names.access_stack(*here)
        yield stack("Access", access, place=place, artifact=RELEASE, makes_roles=True, order=4)

    def _asked(self, text: str) -> Action:
        hours = self._project.delivery.approval_hours
        return approval(topic_arn=self._topic, asks=text, link=_EVIDENCE, hours=hours)
