"""Projects that are delivered, as their templates have them, and their pipelines as a person sees them in AWS."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

CONNECTION = "arn:aws:codeconnections:eu-west-1:111111111111:connection/00000000-0000-0000-0000-000000000000"
TWO = """\
  dev: {account: "111111111111", region: eu-west-1}
  prod: {account: "333333333333", region: eu-west-1}
"""
CODECOMMIT = "repository: {provider: codecommit, name: churn}\n"
HOSTED = {
    "github": "example/churn",
    "gitlab": "example/models/churn",
    "bitbucket": "example/churn",
    "azure_devops": "example/models/churn",
}


def connected(provider: str) -> str:
    """Write the section of a repository that is somewhere else."""
    return f"repository: {{provider: {provider}, name: {HOSTED[provider]}, connection_arn: '{CONNECTION}'}}\n"


@dataclass(frozen=True)
class Walk:
    """A pipeline's declaration, with its functions resolved."""

    properties: dict[str, Any]

    @classmethod
    def of(cls, template: Any, name: str) -> "Walk":
        """The pipeline of that name."""
        found = [each["Properties"] for each in template.resources("AWS::CodePipeline::Pipeline").values()]
        (pipeline,) = [each for each in found if each["Name"] == name]
        return cls(pipeline)

    @property
    def outline(self) -> dict[str, list[str]]:
        """The actions of each stage in the order in which they run; no two run at once."""
        outline = {}
        for stage in self.properties["Stages"]:
            actions = sorted(stage["Actions"], key=lambda action: action.get("RunOrder", 1))
            outline[stage["Name"]] = [action["Name"] for action in actions]
        return outline

    def entry(self, stage: str) -> tuple[str, dict[str, str]] | None:
        """What happens unless variables have values, and which."""
        conditions = self.stage(stage).get("BeforeEntry", {}).get("Conditions", [])
        if not conditions:
            return None
        (condition,) = conditions
        rules = [rule["Configuration"] for rule in condition["Rules"]]
        assert {rule["Operator"] for rule in rules} == {"EQ"}
        return condition["Result"], {rule["Variable"]: rule["Value"] for rule in rules}

    def stage(self, name: str) -> dict[str, Any]:
        """One stage."""
        (found,) = [stage for stage in self.properties["Stages"] if stage["Name"] == name]
        return found

    def action(self, stage: str, name: str) -> dict[str, Any]:
        """One action."""
        (found,) = [action for action in self.stage(stage)["Actions"] if action["Name"] == name]
        return found

    def variables(self, stage: str, name: str) -> dict[str, str]:
        """What a build is told."""
        given = json.loads(self.action(stage, name)["Configuration"]["EnvironmentVariables"])
        return {each["name"]: each["value"] for each in given}

    def actions(self) -> Iterator[dict[str, Any]]:
        """All of them."""
        for stage in self.properties["Stages"]:
            yield from stage["Actions"]
