"""Every build of delivery, and what each may do: exactly what its commands ask of AWS."""

from collections.abc import Mapping

from aws_cdk import aws_kms as kms
from constructs import Construct

from sagewright.project import Environment, Project, names
from sagewright.stacks.delivery import buildspec
from sagewright.stacks.delivery.artifact_store import RELEASE, ArtifactStore
from sagewright.stacks.delivery.build_project import BuildProject, Step
from sagewright.stacks.delivery.buildspec import ASSEMBLY, PROJECT, SOURCE, TOOLS
from sagewright.stacks.delivery.step_rights import StepRights
from sagewright.stacks.place import Place


class Builds(Construct):
    """What runs the steps. No two of them share a role: what tries a stranger's code can deploy nothing."""

    def __init__(  # noqa: PLR0913 (what the steps work with)
        self,
        scope: Construct,
        construct_id: str,
        *,
        project: Project,
        places: Mapping[str, Place],
        store: ArtifactStore,
        key: kms.IKey,
    ) -> None:
        super().__init__(scope, construct_id)
        self._project, self._store = project, store
        self._place = places[project.first.name]
        self._rights = StepRights(project, places, key)
        self.test = self._test()
        self.deploy = self._deploy()
        self.train = self._train()
        self.resolve = self._resolve()
        self.rollback = self._rollback()
        self.releases = {each.name: self._release(each) for each in project.serving}

    def _test(self) -> BuildProject:
        made = self._make(
            "Test", "test", "Tries what was pushed", buildspec.test(hands_on=True), minutes=60, size="MEDIUM"
        )
        made.hand_on(names.build_pipeline(self._project.name), takes=[SOURCE, TOOLS], leaves=[ASSEMBLY])
        made.report()
        return made

    def _deploy(self) -> BuildProject:
        made = self._make("Deploy", "deploy", f"Deploys {self._place.environment}", buildspec.deploy(), minutes=60)
        made.hand_on(names.build_pipeline(self._project.name), takes=[SOURCE, TOOLS, ASSEMBLY])
        self._rights.deploy(made.role)
        return made

    def _train(self) -> BuildProject:
        made = self._make(
            "Train", "train", f"Starts the training of {self._project.name}", buildspec.train(), minutes=15
        )
        made.hand_on(names.build_pipeline(self._project.name), takes=[SOURCE, TOOLS])
        self._rights.train(made.role)
        return made

    def _resolve(self) -> BuildProject:
        made = self._make(
            "Resolve",
            "resolve",
            "Decides what an approved version needs",
            buildspec.resolve(self._project),
            minutes=15,
            variables=self._published(),
        )
        made.hand_on(names.promotion_pipeline(self._project.name), takes=[TOOLS], leaves=[RELEASE, PROJECT])
        self._rights.resolve(made.role)
        return made

    def _rollback(self) -> BuildProject:
        made = self._make(
            "Rollback",
            "rollback",
            "Decides how to go back",
            buildspec.rollback(),
            minutes=60,
            variables=self._published(),
        )
        made.hand_on(names.rollback_pipeline(self._project.name), takes=[TOOLS], leaves=[RELEASE, PROJECT])
        self._rights.go_back(made.role)
        self._rights.stop_promotions(made.role)
        return made

    def _release(self, environment: Environment) -> BuildProject:
        project = self._project.name
        does = f"Copies versions to {environment.name}, and verifies them there"
        step = Step(
            names.release_project(project, environment.name),
            names.releasing_role(project, environment.name),
            does,
            buildspec.release(),
            60,
        )
        made = BuildProject(
            self, f"Release{environment.name.capitalize()}", step=step, place=self._place, store=self._store
        )
        # Both pipelines hand the build the same things, each in its own folder.
        pipelines = (names.promotion_pipeline(project), names.rollback_pipeline(project))
        made.hand_on(*pipelines, takes=[TOOLS, PROJECT])
        self._rights.release(made.role, environment)
        return made

    def _make(  # noqa: PLR0913 (what a step is)
        self,
        construct_id: str,
        step: str,
        does: str,
        spec: str,
        *,
        minutes: int,
        size: str = "SMALL",
        variables: Mapping[str, str] | None = None,
    ) -> BuildProject:
        project = self._project.name
        made = Step(names.build_project(project, step), names.delivery_role(project, step), does, spec, minutes, size)
        return BuildProject(self, construct_id, step=made, place=self._place, store=self._store, variables=variables)

    def _published(self) -> dict[str, str]:
        return {"SAGEWRIGHT_PUBLISHED": self._rights.published}
