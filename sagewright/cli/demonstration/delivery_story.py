"""The steps of `sagewright demo --delivery`, in their order, with the time that each takes."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from ruamel.yaml import YAML
from typing_extensions import override

from sagewright.cli import seeds
from sagewright.project import Project, load

from .commits import Commits
from .delivery import Delivery, Outcome
from .story import OWNER, SEED, Demonstration

# Three accounts of the sandbox; the last environment moves its traffic step by step.
_REGION = "eu-west-1"
_CANARY = {"instances": {"min": 2}, "rollout": {"strategy": "canary", "percent": 50, "bake_minutes": 10}}
_ENVIRONMENTS = {
    "dev": {"account": "111111111111", "region": _REGION},
    "staging": {"account": "222222222222", "region": _REGION},
    "prod": {"account": "333333333333", "region": _REGION, "serving": _CANARY},
}


@dataclass
class DeliveryDemonstration(Demonstration):
    """From a push to every endpoint and back: good versions, and four ways in which one does not get there."""

    STEPS: ClassVar[tuple[str, ...]] = (
        *("new", "sandbox up", "bootstrap", "deploy", "push", "train", "release", "release again"),
        *("worse", "broken", "failing", "reject", "report"),
    )

    @property
    @override
    def page(self) -> Path:
        """What it ends with."""
        return self.out / "report.json"

    @override
    def _loop(self) -> dict[str, Any]:
        with self._step("new"):
            project = self._planted()
            commits = Commits.begun(project)
        delivery = Delivery(self.options, project, self._deployed(project), commits)
        outcomes = self._delivered(delivery)
        with self._step("report"):
            return self._told(delivery, outcomes)

    @override
    def _planted(self) -> Project:
        """Make the project as `sagewright new` does, with a repository and three environments."""
        self._prepare()
        seeds.plant(SEED, self.folder, SEED)
        yaml, file = YAML(), self.folder / "project.yaml"
        declared = yaml.load(file)
        declared |= {
            "owner": OWNER,
            "environments": _ENVIRONMENTS,
            "repository": {"provider": "codecommit", "name": SEED},
            "monitoring": {"engine": self.engine},
        }
        yaml.dump(declared, file)
        return load(self.folder)

    def _delivered(self, delivery: Delivery) -> list[Outcome]:
        commits = delivery.commits
        with self._step("push"):
            delivery.connect()
            execution = delivery.pushed(commits.head())
        with self._step("train"):
            first = delivery.trained(execution)
        with self._step("release"):
            outcomes = [delivery.released(first)]
        with self._step("release again"):
            second = delivery.trained_again()
            outcomes.append(delivery.released(second))
        with self._step("worse"):
            outcomes.append(delivery.refused(delivery.pushed(commits.weak())))
        with self._step("broken"):
            outcomes.append(delivery.broken_in_staging(delivery.trained(delivery.pushed(commits.rounding()))))
        with self._step("failing"):
            failing = delivery.trained(delivery.pushed(commits.guarded()))
            outcomes.append(delivery.taken_back_by_its_canary(failing))
        with self._step("reject"):
            outcomes.append(delivery.taken_back_by_a_rejection(second, back=first))
        return outcomes

    def _told(self, delivery: Delivery, outcomes: Sequence[Outcome]) -> dict[str, Any]:
        return {
            "steps": [{"name": name, "seconds": seconds} for name, seconds in self.durations.items()],
            "versions": [each.document for each in outcomes],
            "messages": [{"subject": each.subject, "text": each.text} for each in delivery.messages()],
            "audit": delivery.entries(),
        }
