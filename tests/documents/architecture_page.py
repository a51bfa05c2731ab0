"""What a project becomes in AWS: one page with a picture and a table, drawn from the cloud assembly that is deployed.

`make docs` writes it; a test holds it fresh. What is not in the assembly cannot be in the picture.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from shutil import copytree
from tempfile import TemporaryDirectory
from typing import Any

from sagewright.app import build, empty
from sagewright.project import load

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "architecture.md"
_INTRODUCTION = Path(__file__).with_name("architecture.md")
_SEED = ROOT / "sagewright" / "seed_code" / "churn"
_ENVIRONMENTS = """\
environments:
  dev: {account: "111111111111", region: eu-west-1}
  prod: {account: "222222222222", region: eu-west-1}
"""
# What holds or may do nothing by itself: it is drawn as the arrows between the others.
_PLUMBING = re.compile(r"::(Policy|ManagedPolicy|\w*Policy|Permission|Metadata|Role|EventInvokeConfig)$")
_SHAPES = {
    "AWS::S3::Bucket": "[({})]",
    "AWS::KMS::Key": "{{{{{}}}}}",
    "AWS::SageMaker::Endpoint": "([{}])",
    "AWS::SageMaker::Pipeline": "[[{}]]",
}


@dataclass(frozen=True)
class Deployed:
    """One stack of the assembly: its template, and the stacks that are deployed before it."""

    name: str
    account: str
    by_release: bool
    template: dict[str, Any]
    after: tuple[str, ...]

    @property
    def resources(self) -> dict[str, dict[str, Any]]:
        """Every resource by its logical id."""
        return self.template["Resources"]

    @cached_property
    def shown(self) -> dict[str, str]:
        """Label by logical id of what is drawn."""
        return {
            key: " ".join(_words(each["Type"].rpartition("::")[2]))
            for key, each in self.resources.items()
            if not _PLUMBING.search(each["Type"])
        }

    def arrows(self) -> Iterator[tuple[str, str]]:
        """Which drawn resource refers to which other one, directly or through something that is not drawn."""
        for key in self.shown:
            yield from ((key, used) for used in sorted(self._reached(key, set())) if used != key)

    def _reached(self, key: str, passed: set[str]) -> set[str]:
        found: set[str] = set()
        for used in set(_references(self.resources[key].get("Properties", {}))) & self.resources.keys():
            if used in self.shown:
                found.add(used)
            elif used not in passed:
                found |= self._reached(used, passed | {used})
        return found

    @property
    def retained(self) -> int:
        """How many resources outlive the stack."""
        return sum(each.get("DeletionPolicy", "Delete").startswith("Retain") for each in self.resources.values())


def page() -> str:
    """Return the whole page."""
    stacks = _assembly()
    return "\n\n".join([_INTRODUCTION.read_text().rstrip(), _picture(stacks), "## The stacks", _table(stacks)]) + "\n"


def _assembly() -> list[Deployed]:
    with TemporaryDirectory() as folder:
        project = Path(folder) / "churn"
        copytree(_SEED, project)
        file = project / "project.yaml"
        file.write_text(re.sub(r"environments:\n(?:  .*\n)+", _ENVIRONMENTS, file.read_text()))
        app = empty(Path(folder) / "cdk.out")
        build(app, load(project))
        app.synth()
        return list(_stacks(Path(folder) / "cdk.out", by_release=False))


def _stacks(folder: Path, *, by_release: bool) -> Iterator[Deployed]:
    artifacts: dict[str, Any] = json.loads((folder / "manifest.json").read_text())["artifacts"]
    for name, each in artifacts.items():
        if each["type"] == "cdk:cloud-assembly":
            yield from _stacks(folder / each["properties"]["directoryName"], by_release=True)
        elif each["type"] == "aws:cloudformation:stack":
            template = json.loads((folder / each["properties"]["templateFile"]).read_text())
            before = [used for used in each.get("dependencies", ()) if artifacts[used]["type"] == each["type"]]
            account = each["environment"].split("/")[2]
            title = each["properties"].get("stackName", name)
            yield Deployed(title, account, by_release, template, tuple(sorted(before)))


def _picture(stacks: list[Deployed]) -> str:
    lines = ["```mermaid", "flowchart LR"]
    for stack in stacks:
        title = f"{stack.name}{' (by a release)' if stack.by_release else ''}"
        lines.append(f'  subgraph {_id(stack.name)}["{title}"]')
        for key, label in stack.shown.items():
            shape = _SHAPES.get(stack.resources[key]["Type"], "[{}]")
            lines.append(f"    {_id(stack.name, key)}{shape.format(label)}")
        if not stack.shown:
            lines.append(f"    {_id(stack.name, 'roles')}[roles]")
        lines.append("  end")
    for stack in stacks:
        lines += [f"  {_id(stack.name, one)} --> {_id(stack.name, other)}" for one, other in stack.arrows()]
        lines += [f"  {_id(stack.name)} -.-> {_id(before)}" for before in stack.after]
    return "\n".join([*lines, "```"])


def _table(stacks: list[Deployed]) -> str:
    rows = ["| stack | account | holds | outlives it |", "| --- | --- | --- | --- |"]
    for stack in stacks:
        kinds: dict[str, int] = {}
        for each in stack.resources.values():
            kinds[each["Type"]] = kinds.get(each["Type"], 0) + 1
        held = ", ".join(
            f"{count if count > 1 else ''} {kind.removeprefix('AWS::')}".strip()
            for kind, count in sorted(kinds.items())
            if kind != "AWS::CDK::Metadata"
        )
        rows.append(f"| `{stack.name}` | {stack.account} | {held} | {stack.retained or 'nothing'} |")
    return "\n".join(rows)


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if "Ref" in value:
            yield value["Ref"]
        elif "Fn::GetAtt" in value:
            yield value["Fn::GetAtt"][0]
        else:
            for each in value.values():
                yield from _references(each)
    elif isinstance(value, list):
        for each in value:
            yield from _references(each)


def _words(name: str) -> list[str]:
    return re.findall(r"[A-Z]+(?![a-z])|[A-Z][a-z]+", name)


def _id(*parts: str) -> str:
    return "_".join(re.sub(r"\W", "_", part) for part in parts)
