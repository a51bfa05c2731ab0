"""What a synthesis has written: the stacks of a project as CloudFormation will get them, and where each goes."""

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from sagewright.project import Environment, Project, names

from . import state
from .cdk import Cdk
from .freshness import Sources
from .options import Options
from .target import Target

Document = dict[str, Any]


@dataclass(frozen=True)
class PlannedStack:
    """One stack of the assembly."""

    name: str
    environment: Environment
    file: Path
    tags: Mapping[str, str]
    template_url: str
    """Where the CDK puts the template, for one that is too long for a request."""

    @cached_property
    def template(self) -> Document:
        """Its template, as it was written."""
        return json.loads(self.file.read_text(encoding="utf-8"))

    @property
    def resources(self) -> dict[str, Document]:
        """Its resources by logical id."""
        return self.template["Resources"]


@dataclass(frozen=True)
class Assembly:
    """The stacks that a deployment deploys, in its order, and those that a release deploys."""

    folder: Path
    stacks: tuple[PlannedStack, ...]
    releases: tuple[PlannedStack, ...]

    @classmethod
    def read(cls, project: Project, folder: Path) -> "Assembly":
        """Read a synthesized assembly of the project."""
        owners = _owners(project)
        manifest = _manifest(folder)
        nested = [
            folder / each["properties"]["directoryName"]
            for each in manifest.values()
            if each["type"] == "cdk:cloud-assembly"
        ]
        releases = [stack for inner in nested for stack in _stacks(inner, _manifest(inner), owners)]
        return cls(folder, tuple(_stacks(folder, manifest, owners)), tuple(releases))

    def data_stacks(self, project: Project) -> list[PlannedStack]:
        """List the stacks that hold what must stay."""
        wanted = {names.data_stack(project.name, each.name) for each in project.environments}
        return [stack for stack in self.stacks if stack.name in wanted]


def synthesize(options: Options, project: Project, target: Target) -> Assembly:
    """Have the templates, with the real CDK CLI, and read them."""
    began = time.monotonic()
    folder = write(options, project, target.environ(project.first.region))
    options.terminal.done("synthesis", time.monotonic() - began)
    return Assembly.read(project, folder)


def write(options: Options, project: Project, variables: Mapping[str, str]) -> Path:
    """Make sure that the assembly is what a synthesis would write now; returns its folder."""
    folder = state.folder_of(project.root) / "cdk.out"
    sources = Sources.of(project)
    if not sources.are_in(folder):
        sources.forget()
        Cdk(project.root, variables, options.terminal).synthesize()
        sources.remember(folder)
    return folder


def _owners(project: Project) -> dict[str, Environment]:
    """Tell by a stack's name whose it is: of two environments of one account only the name tells them apart."""
    of_environments = (
        *(names.data_stack, names.access_stack, names.network_stack),
        *(names.serving_stack, names.monitoring_stack),
    )
    owned = {name(project.name, each.name): each for each in project.environments for name in of_environments}
    of_project = (names.training_stack(project.name), names.delivery_stack(project.name))
    return {**owned, **dict.fromkeys(of_project, project.first)}


def _manifest(folder: Path) -> dict[str, Document]:
    return json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["artifacts"]


def _stacks(
    folder: Path, artifacts: Mapping[str, Document], owners: Mapping[str, Environment]
) -> Iterator[PlannedStack]:
    stacks = {key: each for key, each in artifacts.items() if each["type"] == "aws:cloudformation:stack"}
    for key in _ordered(stacks):
        properties = stacks[key]["properties"]
        name = properties.get("stackName", key)
        yield PlannedStack(
            name,
            owners[name],
            folder / properties["templateFile"],
            properties.get("tags", {}),
            properties.get("stackTemplateAssetObjectUrl", ""),
        )


def _ordered(stacks: Mapping[str, Document]) -> list[str]:
    """Put each stack after those that it depends on, as the CDK deploys them."""
    done: list[str] = []
    while len(done) < len(stacks):
        done += [
            key
            for key, each in stacks.items()
            if key not in done and {needed for needed in each.get("dependencies", []) if needed in stacks} <= {*done}
        ]
    return done
