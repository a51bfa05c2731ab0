import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sagewright.app import build, empty
from sagewright.project import load
from tests.made_once import made_once

ACCOUNTS = {"dev": "111111111111", "staging": "222222222222", "prod": "333333333333"}
REGION = "eu-west-1"
# The stacks that only a release deploys.
RELEASED = ("-serving", "-monitoring")

PROJECT = """\
name: churn
description: Which customers leave
owner: ml-team@example.com
tags: {cost-center: "1234"}
environments:
"""
SECTIONS = """\
data: {source: data/customers.csv, problem: binary_classification, label: churned}
training: {code: src/churn}
evaluation: {minimum: 0.55}
"""
ONE = f"  dev: {{region: {REGION}}}\n"
THREE = "".join(f'  {name}: {{account: "{account}", region: {REGION}}}\n' for name, account in ACCOUNTS.items())
THREE_IN_ONE_ACCOUNT = "".join(f"  {name}: {{region: {REGION}}}\n" for name in ACCOUNTS)


def write_project(folder: Path, environments: str, sections: str = SECTIONS) -> Path:
    """A complete small project; returns its folder."""
    (folder / "data").mkdir(parents=True, exist_ok=True)
    (folder / "data" / "customers.csv").write_text("tenure,churned\n1,Yes\n2,No\n")
    package = folder / "src" / "churn"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "model.py").write_text("def fit(X, y, hyperparameters):\n    return None\n")
    (folder / "project.yaml").write_text(PROJECT + environments + sections)
    return folder


@dataclass(frozen=True)
class Template:
    """A template whose intrinsic functions read as the text that they become, so that ARNs compare as a whole."""

    name: str
    body: dict[str, Any]
    account: str

    def resources(self, kind: str) -> dict[str, dict[str, Any]]:
        """Resources of a type by logical id, with their intrinsic functions resolved."""
        found = {key: each for key, each in self.body["Resources"].items() if each["Type"] == kind}
        return {key: self.resolve(each) for key, each in found.items()}

    def only(self, kind: str) -> dict[str, Any]:
        """The one resource of its type."""
        (found,) = self.resources(kind).values()
        return found

    def at(self, path: str) -> dict[str, Any]:
        """The resource that the construct of that path made."""
        found = [each for each in self.body["Resources"].values() if each["Metadata"]["aws:cdk:path"].endswith(path)]
        assert len(found) == 1, path
        return self.resolve(found[0])

    def statements(self, role: str) -> dict[str, dict[str, Any]]:
        """What a role may do, by the statements' ids; actions and resources are lists, whatever their number."""
        policy = self.at(f"{role}/Role/DefaultPolicy/Resource")["Properties"]["PolicyDocument"]
        return {each["Sid"]: _listed(each) for each in policy["Statement"]}

    def resolve(self, value: Any) -> Any:  # noqa: PLR0911 (one for each function of the template language)
        """Replace intrinsic functions by text; a reference reads `<logical id>` or `<logical id.attribute>`."""
        if isinstance(value, list):
            return [self.resolve(each) for each in value]
        if not isinstance(value, dict):
            return value
        match list(value.items()):
            case [("Ref", "AWS::AccountId")]:
                return self.account
            case [("Ref", name)]:
                return f"<{name}>"
            case [("Fn::GetAtt", [name, attribute])]:
                return f"<{name}.{attribute}>"
            case [("Fn::ImportValue", export)]:
                return f"<import {export}>"
            case [("Fn::Select", [position, {"Fn::Split": [glue, text]}])]:
                return f"<{position} of {self.resolve(text)} at {glue}>"
            case [("Fn::Sub", str(text))]:
                return text.replace("${AWS::AccountId}", self.account)
            case [("Fn::Join", [glue, parts])]:
                return glue.join(self.resolve(part) for part in parts)
            case _:
                return {key: self.resolve(each) for key, each in value.items()}


def _listed(statement: dict[str, Any]) -> dict[str, Any]:
    lists = {
        key: each if isinstance(each, list) else [each]
        for key, each in statement.items()
        if key in {"Action", "Resource"}
    }
    return statement | lists


@dataclass(frozen=True)
class Assembly:
    """What a synthesis has written."""

    folder: Path
    accounts: Mapping[str, str]

    def __getitem__(self, stack: str) -> Template:
        environment = stack.split("-")[1]
        account = self.accounts.get(environment, self.accounts["dev"])
        released = stack.endswith(RELEASED)
        (file,) = self.folder.rglob(f"*{stack.replace('-', '') if released else stack}*.template.json")
        return Template(stack, json.loads(file.read_text()), account)

    def __iter__(self) -> Iterator[Template]:
        return (self[stack] for stack in self.stacks)

    @property
    def stacks(self) -> list[str]:
        """The stacks by name, those of releases too."""
        return sorted(self.artifact_names(self.folder) + self.artifact_names(self.folder / "assembly-release"))

    @staticmethod
    def artifact_names(folder: Path) -> list[str]:
        """The stacks that one manifest deploys."""
        artifacts = json.loads((folder / "manifest.json").read_text())["artifacts"].items()
        stacks = [(name, each) for name, each in artifacts if each["type"] == "aws:cloudformation:stack"]
        return [each["properties"].get("stackName", name) for name, each in stacks]

    def artifact(self, stack: str) -> dict[str, Any]:
        """What the manifest says of a stack."""
        return json.loads((self.folder / "manifest.json").read_text())["artifacts"][stack]


def synthesize(folder: Path, accounts: Mapping[str, str]) -> Assembly:
    """Synthesize a project in this process, which has paid for its imports already."""
    app = empty(folder / "cdk.out")
    build(app, load(folder))
    return Assembly(Path(app.synth().directory), accounts)


@pytest.fixture(scope="session")
def once(shared: Path) -> Callable[..., Assembly]:
    """Synthesize a project once in a test run, whichever of its processes asks first."""

    def run(environments: str, accounts: Mapping[str, str], sections: str = SECTIONS) -> Assembly:
        folder = shared / "assemblies" / hashlib.sha256(f"{environments}{sections}".encode()).hexdigest()
        made_once(folder, lambda: synthesize(write_project(folder / "churn", environments, sections), accounts))
        return Assembly(folder / "churn" / "cdk.out", accounts)

    return run


@pytest.fixture(scope="session")
def one(once: Callable[..., Assembly]) -> Assembly:
    """One environment that does everything, in the account of the credentials in use."""
    return once(ONE, {"dev": "999999999999"})


@pytest.fixture(scope="session")
def three(once: Callable[..., Assembly]) -> Assembly:
    """Three environments, each in an account of its own."""
    return once(THREE, ACCOUNTS)


@pytest.fixture(scope="session")
def three_in_one_account(once: Callable[..., Assembly]) -> Assembly:
    """Three environments without accounts: all in that of the credentials in use."""
    return once(THREE_IN_ONE_ACCOUNT, dict.fromkeys(ACCOUNTS, "999999999999"))


@pytest.fixture(scope="session")
def every(one: Assembly, three: Assembly, three_in_one_account: Assembly) -> list[Template]:
    """Every template of all of them."""
    return [*one, *three, *three_in_one_account]


@pytest.fixture
def project(tmp_path: Path) -> Callable[..., Path]:
    """Write a project of given environments and sections into a folder of the test's own."""

    def write(environments: str = ONE, sections: str = SECTIONS) -> Path:
        return write_project(tmp_path / "churn", environments, sections)

    return write


@pytest.fixture
def synthesized() -> Callable[[Path], Assembly]:
    """Synthesize a project of one environment."""

    def run(folder: Path) -> Assembly:
        return synthesize(folder, {"dev": "999999999999"})

    return run


@pytest.fixture(scope="session")
def three_environments_of() -> Callable[[Path], Path]:
    """Write a project of three environments, each in an account of its own, into a folder."""

    def write(folder: Path) -> Path:
        return write_project(folder, THREE)

    return write


@pytest.fixture(scope="session")
def network_project() -> Callable[..., Path]:
    """Write a project whose environments are in a network."""

    def write(folder: Path, network: Mapping[str, Any], *, several: bool = False) -> Path:
        sections = f"{SECTIONS}network: {json.dumps(network)}\n"
        return write_project(folder, THREE if several else ONE, sections)

    return write


@pytest.fixture(scope="session")
def of_accounts() -> Callable[..., Assembly]:
    """Synthesize a project whose environments are in given accounts; None for those of three environments."""

    def run(folder: Path, accounts: Mapping[str, str] | None) -> Assembly:
        return synthesize(folder, accounts or ACCOUNTS)

    return run


@pytest.fixture(scope="session")
def synthesized_of() -> Callable[..., Assembly]:
    """Write a project of given environments and sections into a folder, and synthesize it."""

    def run(folder: Path, environments: str, sections: str, accounts: Mapping[str, str]) -> Assembly:
        return synthesize(write_project(folder, environments, sections), accounts)

    return run


@pytest.fixture(scope="session")
def delivered(once: Callable[..., Assembly]) -> Callable[..., Assembly]:
    """Synthesize a project of given environments with more sections, once however often it is asked for."""
    judged = SECTIONS.splitlines(keepends=True)[-1]

    def run(environments: str, more: str, evaluation: str = judged) -> Assembly:
        named = [name for name in ACCOUNTS if name in environments]
        accounts = {name: ACCOUNTS[name] if ACCOUNTS[name] in environments else "999999999999" for name in named}
        return once(environments, accounts, SECTIONS.replace(judged, evaluation) + more)

    return run
