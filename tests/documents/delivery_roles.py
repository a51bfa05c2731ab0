"""Which role of delivery may do what, and why: one table, read from the template that is deployed.

What is allowed stands in the template; why stands here, by the statement's name. A statement without a reason, and a
reason without a statement, fail the tests: so nothing is allowed that nobody has explained.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from shutil import copytree
from tempfile import TemporaryDirectory
from typing import Any

from sagewright.app import build, empty
from sagewright.project import load

PAGE = Path(__file__).parents[2] / "docs" / "delivery-roles.md"
_SEED = Path(__file__).parents[2] / "sagewright" / "seed_code" / "churn"
_PROJECT = """\
environments:
  dev: {account: "111111111111", region: eu-west-1}
  prod: {account: "222222222222", region: eu-west-1}
repository: {provider: codecommit, name: churn}
"""
_INTRODUCTION = """\
# The roles of delivery

What every role of the stack `<project>-delivery` may do, and why: here for a project `churn` with its first environment
in account 111111111111, which serves in `prod` in 222222222222. What is not here it cannot do; the sandbox
refuses it as AWS would. `artifacts` is the bucket of the pipelines' artifacts. The release role of each environment,
`<project>-<env>-release`, is in its `access` stack; `<project>-delivery-<env>-releasing` takes it on.

A pipeline's role can be taken by CodePipeline only for this account, a build's role only for that one build, and by
nobody else.

"""
_STORE = "churn-artifacts-111111111111-eu-west-1"

WHY = {
    "AnswerRequests": "says at a pull request what came out of its tests",
    "CompareTrainings": "compares a training with the last one, so that nothing is trained twice",
    "Deploy": "deploys the first environment as the CDK's own roles, which nobody else of delivery takes on there",
    "DeployStacks": "deploys stacks as the CDK's own role of each environment, which CloudFormation's action names",
    "DescribeVersion": "reads the version as it is now: it may have been rejected or deleted meanwhile",
    "EncryptNotices": "SNS encrypts on behalf of who publishes",
    "GiveUp": "Lambda keeps what could not be handled, as the function",
    "KeepCopy": "repeats in the first environment what is live in this one",
    "ListBaseline": "finds out whether a version has a baseline to be watched by",
    "ListData": "the list of the data is what a training's data version is made of",
    "Look": "looks at an environment as the CDK's own role that reads",
    "LookAtArtifacts": "CodePipeline and CodeBuild ask these of the bucket that they leave artifacts in",
    "LookAtReleases": "sees what runs there and what was verified there",
    "LookAtTools": "CodePipeline asks these of the bucket of a source",
    "Publish": "tells the project's owner",
    "ReadArtifacts": "takes what earlier stages left",
    "ReadBuildLogs": "says what a failed build wrote last",
    "ReadBuilds": "finds the log of a failed build",
    "ReadEvaluation": "shows the approver what the version reached",
    "ReadPipelines": "asks for the state of an execution anew: events come late, twice and out of order",
    "ReadPublished": "takes the project and the templates as they were deployed and tested last",
    "ReadReleases": "knows which version is live, and since when",
    "ReadRepository": "reads what was pushed",
    "ReadStacks": "says which settings of a stack changed",
    "ReadThreshold": "shows the approver what the version had to reach",
    "ReadTools": "takes this very tool, of the version that the pipelines were deployed with",
    "ReadTrainings": "says why a training failed",
    "ReadVersions": "asks for the state of a version anew, and finds those that wait for a decision",
    "ReadWish": "reads who wants the rollback and why, in their own words",
    "Release": "copies and verifies as the environment's own role for releases",
    "Report": "makes CodeBuild's reports of tests and coverage",
    "RunBuilds": "starts the builds of its stages, and asks for their end",
    "EncryptNobody": "what is in the data bucket is encrypted with the environment's key",
    "ReadLive": "says with which version the new one is compared",
    "SayNobody": "leaves an object in a champion's place where nothing is live: an input of a job has to be something",
    "SendData": "sends the project's table up where it has changed, and takes the one before it away",
    "Settle": "clears a stack up that an earlier release could not finish, as the CDK's own role",
    "SettleStacks": "waits for stacks in progress, and deletes those of a first release that failed",
    "StartBuild": "starts the build pipeline at a push",
    "StartPipelines": "promotes what was approved, and takes back what was rejected or has failed",
    "StartTraining": "compares with the deployed definition, and starts the training",
    "StopPromotions": "a version that was rejected on its way goes no further",
    "TakeBack": "forgets that somebody was told where telling them failed",
    "TestRequests": "has a pull request tested",
    "UseArtifactKey": "artifacts are encrypted with the key of delivery",
    "UseKey": "what is in the data bucket is encrypted with the environment's key",
    "WriteArtifacts": "leaves what later stages take",
    "WriteDown": "adds to the audit trail, which nobody can change, and notes who was told of what",
    "WriteLog": "writes its log",
    "WriteLogs": "writes its log",
    "WriteMetrics": "says how long each version has been live",
    "Publish project": "puts the project where releases find it",
}


@dataclass(frozen=True)
class Allowed:
    """One statement of one role."""

    role: str
    sid: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]

    @property
    def why(self) -> str:
        """The reason; two roles publish different things under one name."""
        if self.sid == "Publish" and self.actions == ("s3:PutObject",):
            return WHY["Publish project"]
        return WHY[self.sid]


def page() -> str:
    """Return the page of the documents."""
    return f"{_INTRODUCTION}{table()}\n"


def table() -> str:
    """Return the table of the documents."""
    rows = ["| role | may | of | because it |", "| --- | --- | --- | --- |"]
    for each in allowed():
        actions = ", ".join(f"`{action}`" for action in each.actions)
        resources = ", ".join(f"`{_short(resource)}`" for resource in each.resources)
        rows.append(f"| `{each.role}` | {actions} | {resources} | {each.why} |")
    return "\n".join(rows)


def allowed() -> list[Allowed]:
    """Read every statement of every role of the delivery stack, in the order of the template."""
    template = _template()
    names = {
        key: each["Properties"].get("RoleName", key)
        for key, each in template["Resources"].items()
        if each["Type"] == "AWS::IAM::Role"
    }
    return [
        Allowed(names[role], each["Sid"], _texts(each["Action"], template), _texts(each["Resource"], template))
        for role, each in _statements(template)
    ]


def _statements(template: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for each in template["Resources"].values():
        if each["Type"] == "AWS::IAM::Policy":
            for role in each["Properties"]["Roles"]:
                for statement in each["Properties"]["PolicyDocument"]["Statement"]:
                    yield role["Ref"], statement


def _texts(value: Any, template: dict[str, Any]) -> tuple[str, ...]:
    listed = value if isinstance(value, list) else [value]
    return tuple(each if isinstance(each, str) else _named(each, template) for each in listed)


def _named(reference: dict[str, Any], template: dict[str, Any]) -> str:
    """Say what a reference stands for: the key of another stack, or a resource of this one by its own name."""
    if "Fn::ImportValue" in reference:
        return "the key of delivery" if "Artifacts" in reference["Fn::ImportValue"] else "the key of the environment"
    key = reference["Ref"] if "Ref" in reference else reference["Fn::GetAtt"][0]
    properties = template["Resources"][key]["Properties"]
    return next(value for name, value in properties.items() if name.endswith("Name"))


def _short(resource: str) -> str:
    """Leave out what every ARN repeats, and what changes with every version of the tool."""
    without = re.sub(r"^arn:aws:([a-z0-9-]+):(eu-west-1)?:(\d{12})?:", r"\1 ", resource).replace(_STORE, "artifacts")
    return re.sub(r"[0-9a-f]{64}\.zip", "<tools>.zip", without)


@cache
def _template() -> dict[str, Any]:
    with TemporaryDirectory() as folder:
        project = Path(folder) / "churn"
        copytree(_SEED, project)
        file = project / "project.yaml"
        text = re.sub(r"environments:\n(?:  .*\n)+", _PROJECT, file.read_text())
        file.write_text(text.replace("evaluation:\n", "evaluation:\n  champion: {}\n"))
        app = empty(Path(folder) / "cdk.out")
        build(app, load(project))
        app.synth()
        return json.loads((Path(folder) / "cdk.out" / "churn-delivery.template.json").read_text())
