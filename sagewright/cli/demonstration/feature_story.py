"""The demo of a seed with feature groups: their history first, then a model that is trained on it and asked by ids."""

from dataclasses import dataclass
from typing import Any, ClassVar

from rich.markup import escape
from ruamel.yaml import YAML
from typing_extensions import override

from sagewright.cli import seeds
from sagewright.cli.features import ingestion
from sagewright.cli.target import Sandbox
from sagewright.project import Project, load

from . import answers, looked_up
from .looked_up import LookedUp
from .page import Outcome
from .story import OWNER, Demonstration


@dataclass
class FeatureDemonstration(Demonstration):
    """From raw tables to an endpoint that is asked by an id alone.

    Nothing is watched here: what is held out is newer than what was learnt, so another season alone would be drift.
    """

    STEPS: ClassVar[tuple[str, ...]] = (
        *("new", "prepare", "sandbox up", "bootstrap", "deploy", "data put", "ingest", "train", "approve"),
        *("release", "invoke", "invoke by id", "report"),
    )

    @override
    def _loop(self) -> dict[str, Any]:
        project = self._planted()
        target = self._deployed(project)
        with self._step("data put"):
            self._sent(project, target)
        with self._step("ingest"):
            self._ingested(project, target)
        trained = self._trained(project, target)
        released = self._released(project, target, trained)
        with self._step("invoke"):
            answered = answers.collect(project, target, trained.version)
        with self._step("invoke by id"):
            asked = looked_up.collect(project, target, trained.version)
            self._tell(asked)
        return self._reported(project, target, Outcome(trained, released, answered, looked_up=asked))

    @override
    def _planted(self) -> Project:
        """Make the project and its tables, as `sagewright new` does."""
        with self._step("new"):
            self._prepare()
            seeds.plant(self.seed, self.folder, self.seed)
            yaml, file = YAML(), self.folder / "project.yaml"
            yaml.width = 120
            declared = yaml.load(file)
            declared["owner"] = OWNER
            yaml.dump(declared, file)
        with self._step("prepare"):
            if seeds.prepares(self.folder):
                seeds.prepare(self.folder, lambda line: self.options.terminal.note(escape(line)))
            return load(self.folder)

    def _ingested(self, project: Project, target: Sandbox) -> None:
        arn = ingestion.start(project, target, {})
        ingestion.follow(self.options, project, target, arn)

    def _tell(self, asked: LookedUp) -> None:
        self.options.terminal.done(
            f"{len(asked.predictions)} rows asked by {' and '.join(asked.keys)} alone: answered as with all their "
            f"features, one in {asked.median_ms:.0f} ms"
        )
