"""Checks one complete set of sections: the project's own, or an environment's merged ones."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from sagewright.project import checks, monitoring, network, rollout, source
from sagewright.project.document import KeyPath
from sagewright.project.finding import Finding
from sagewright.project.merge import Values, fill
from sagewright.project.messages import path_of, required, sentence
from sagewright.project.model import Data, Evaluation, Sections, Serving, Training
from sagewright.project.monitoring import Monitoring
from sagewright.project.network import Network
from sagewright.project.section import Section
from sagewright.project.security import Security

SomeSection = TypeVar("SomeSection", bound=Section)


def parse(model: type[SomeSection], values: Any, prefix: KeyPath = ()) -> tuple[SomeSection | None, list[Finding]]:
    """Read values as a model; every fault is found at once."""
    try:
        return model.model_validate(values), []
    except ValidationError as error:
        return None, [
            Finding((*prefix, *path_of(detail)), sentence(model, detail)) for detail in error.errors(include_url=False)
        ]


class Checked:
    """The sections that are right by themselves, and everything that is wrong with the whole."""

    def __init__(self, values: Values, root: Path) -> None:
        self.findings: list[Finding] = []
        self._values = fill(values)
        self.data = self._section(Data, "data")
        self.training = self._section(Training, "training")
        self.evaluation = self._section(Evaluation, "evaluation")
        self.serving = self._section(Serving, "serving")
        self.monitoring = self._section(Monitoring, "monitoring")
        self.network = self._section(Network, "network")
        self.security = self._section(Security, "security")
        self.findings.extend(self._between())
        self.findings.extend(self._around(root))

    def sections(self) -> dict[str, Section | None]:
        """Give the sections by their names."""
        return {name: getattr(self, name) for name in Sections.model_fields}

    def _section(self, model: type[SomeSection], name: str) -> SomeSection | None:
        if name not in self._values and Sections.model_fields[name].is_required():
            self.findings.append(Finding((name,), required(Sections, (name,))))
            return None
        section, findings = parse(model, self._values.get(name, {}), (name,))
        self.findings.extend(findings)
        return section

    def _between(self) -> Iterator[Finding]:
        if self.data is not None:
            yield from checks.data(self.data)
        if self.evaluation is not None:
            yield from checks.evaluation(self.evaluation)
        if self.data is not None and self.evaluation is not None:
            yield from checks.metric(self.data, self.evaluation)
        if self.serving is not None:
            yield from rollout.check(self.serving.rollout, self.serving.instances.min)
        if self.serving is not None and self.data is not None:
            yield from checks.lookup(self.serving, self.data)
        if self.serving is not None and self.monitoring is not None:
            yield from monitoring.check(self.monitoring, self.serving.capture_percent)
        if self.network is not None:
            yield from network.check(self.network)

    def _around(self, root: Path) -> Iterator[Finding]:
        if self.training is not None:
            yield from source.code(root, self.training)
        if self.data is not None:
            yield from source.table(root, self.data)
