"""Every rule of delivery against AWS's own example of its event: what is ours is heard, what is anybody else's is not.

EventBridge's TestEventPattern cannot be asked without AWS. Each pattern is read twice instead, by the sandbox's matcher
and by one written apart from it, and held to the rules by which EventBridge compiles patterns.
"""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sagewright.sandbox.events.pattern_rules import pattern_problem
from sagewright.sandbox.events.patterns import matches
from sagewright.stacks.delivery.patterns import CHARACTERS

from .event_reading import reads

EVENTS = Path(__file__).parent / "events"
REGION = "eu-west-1"
FIRST, OTHER = "111111111111", "222222222222"
PIPELINE = f"arn:aws:sagemaker:{REGION}:{FIRST}:pipeline/churn-training"
STACK = f"arn:aws:cloudformation:{REGION}:{FIRST}:stack/"
REPOSITORY = f"arn:aws:codecommit:{REGION}:{FIRST}:churn"
ABSENT = "(absent)"
SECTIONS = """\
data: {source: data/customers.csv, problem: binary_classification, label: churned}
training: {code: src/churn}
evaluation: {minimum: 0.55}
repository: {provider: codecommit, name: churn}
"""

# By rule: the example, what makes it ours, other ways to be heard, and ways not to be.
Change = dict[str, Any]
CASES: dict[str, tuple[str, Change, list[Change], list[Change]]] = {
    "registry": (
        "model-package",
        {"detail.ModelPackageGroupName": "churn", "detail.UpdatedModelPackageFields": ["ModelApprovalStatus"]},
        [
            {"detail.ModelApprovalStatus": "Approved"},
            {"detail.UpdatedModelPackageFields": ["ApprovalDescription", "ModelApprovalStatus"]},
            {"detail.UpdatedModelPackageFields": ["ApprovalDescription"]},
            {"detail.UpdatedModelPackageFields": ABSENT},
            # The documentation's example says its source twice, the second time as a list.
            {"source": ["aws.sagemaker"]},
        ],
        [
            {"detail.ModelApprovalStatus": "PendingManualApproval"},
            {"detail.ModelPackageGroupName": "churn-weekly"},
            {"detail.UpdatedModelPackageFields": ["ModelLifeCycle"]},
            {"detail.UpdatedModelPackageFields": ["CustomerMetadataProperties"]},
            {"detail-type": "SageMaker Model State Change"},
        ],
    ),
    "training": (
        "pipeline-execution",
        {"detail.pipelineArn": PIPELINE},
        [{"detail.currentPipelineExecutionStatus": status} for status in ("Executing", "Failed", "Stopped")],
        [
            {"detail.currentPipelineExecutionStatus": "Stopping"},
            {"detail.pipelineArn": f"arn:aws:sagemaker:{REGION}:{FIRST}:pipeline/churn-dev-monitoring"},
            {"detail.pipelineArn": f"arn:aws:sagemaker:{REGION}:{OTHER}:pipeline/churn-training"},
            {"detail-type": "SageMaker Model Building Pipeline Execution Step Status Change"},
            {"detail-type": "SageMaker Pipeline Execution Status Change"},
        ],
    ),
    "pipelines": (
        "codepipeline-pipeline",
        {"detail.pipeline": "churn-promotion"},
        [
            *({"detail.pipeline": name} for name in ("churn-build", "churn-rollback")),
            *(
                {"detail.state": state}
                for state in ("CANCELED", "FAILED", "RESUMED", "STOPPED", "STOPPING", "SUCCEEDED", "SUPERSEDED")
            ),
        ],
        [{"detail.pipeline": "churn-weekly-promotion"}, {"detail-type": "CodePipeline Stage Execution State Change"}],
    ),
    "stages": (
        "codepipeline-stage",
        {"detail.pipeline": "churn-promotion"},
        [
            {"detail.pipeline": "churn-rollback"},
            *({"detail.state": state} for state in ("CANCELED", "FAILED", "SUCCEEDED")),
        ],
        [
            *({"detail.state": state} for state in ("RESUMED", "STARTED", "STOPPING")),
            # A failed build is told once, by its pipeline.
            {"detail.pipeline": "churn-build"},
            {"detail-type": "CodePipeline Action Execution State Change"},
        ],
    ),
    "actions": (
        "codepipeline-action",
        {"detail.pipeline": "churn-promotion", "detail.type.category": "Approval", "detail.type.provider": "Manual"},
        [{"detail.state": state} for state in ("ABANDONED", "CANCELED", "STARTED", "SUCCEEDED")],
        [
            {"detail.type.category": "Deploy"},
            {"detail.type.category": "Build"},
            {"detail.pipeline": "churn-weekly-promotion"},
            {"detail-type": "CodePipeline Stage Execution State Change"},
        ],
    ),
    "stacks-project": (
        "stack",
        {"detail.stack-id": f"{STACK}churn-training/64740140-e748-11e7-ab7b-500c28604ce6"},
        [
            {"detail.stack-id": f"{STACK}churn-delivery/64740140-e748-11e7-ab7b-500c28604ce6"},
            {"detail.status-details.status": "UPDATE_ROLLBACK_COMPLETE"},
            {"detail.status-details.status": "DELETE_FAILED"},
        ],
        [
            {"detail.stack-id": f"{STACK}churn-training-weekly/64740140-e748-11e7-ab7b-500c28604ce6"},
            {"detail.stack-id": f"{STACK}churn-dev-data/64740140-e748-11e7-ab7b-500c28604ce6"},
            {"detail.status-details.status": "UPDATE_IN_PROGRESS"},
            {"detail.status-details.status": "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"},
            {"detail.status-details.status": "REVIEW_IN_PROGRESS"},
            {"detail-type": "CloudFormation Resource Status Change"},
        ],
    ),
    "stacks-dev": (
        "stack",
        {"detail.stack-id": f"{STACK}churn-dev-data/64740140-e748-11e7-ab7b-500c28604ce6"},
        [
            {"detail.stack-id": f"{STACK}churn-dev-{what}/64740140-e748-11e7-ab7b-500c28604ce6"}
            for what in ("access", "monitoring", "network", "serving")
        ],
        [
            {"detail.stack-id": f"{STACK}churn-dev-training/64740140-e748-11e7-ab7b-500c28604ce6"},
            {"detail.stack-id": f"{STACK.replace(FIRST, OTHER)}churn-dev-data/64740140-e748-11e7-ab7b-500c28604ce6"},
            {"detail.status-details.status": "CREATE_IN_PROGRESS"},
        ],
    ),
    "reviews": (
        "pull-request",
        {"resources": [REPOSITORY]},
        [{"detail.event": "pullRequestSourceBranchUpdated"}],
        [
            {"detail.event": "pullRequestStatusChanged"},
            {"detail.event": "pullRequestMergeStatusUpdated"},
            {"detail.pullRequestStatus": "Closed"},
            {"detail.destinationReference": "refs/heads/another"},
            {"resources": [f"{REPOSITORY}-weekly"]},
            {"detail-type": "CodeCommit Comment on Pull Request"},
        ],
    ),
    "tested": (
        "build",
        {"detail.project-name": "churn-pull-request"},
        [{"detail.build-status": status} for status in ("FAILED", "FAULT", "STOPPED", "TIMED_OUT")],
        [
            {"detail.build-status": "IN_PROGRESS"},
            {"detail.project-name": "churn-test"},
            {"detail-type": "CodeBuild Build Phase Change"},
        ],
    ),
    "pushed": (
        "reference",
        {
            "resources": [REPOSITORY],
            "detail.repositoryName": "churn",
            "detail.referenceName": "main",
            "detail.referenceFullName": "refs/heads/main",
        },
        [{"detail.event": "referenceCreated"}],
        [
            {"detail.event": "referenceDeleted"},
            {"detail.referenceName": "another", "detail.referenceFullName": "refs/heads/another"},
            {"resources": [f"{REPOSITORY}-weekly"], "detail.repositoryName": "churn-weekly"},
            {"detail-type": "CodeCommit Comment on Commit"},
        ],
    ),
}
AS_IT_IS: Change = {}
HEARD = [(rule, change) for rule, (_, _, ways, _) in CASES.items() for change in (AS_IT_IS, *ways)]
UNHEARD = [(rule, change) for rule, (_, _, _, ways) in CASES.items() for change in (*ways, {"account": OTHER})]


@pytest.fixture(scope="module")
def delivery(tmp_path_factory: pytest.TempPathFactory, synthesized_of: Callable[..., Any]) -> Any:
    accounts = {"dev": FIRST, "prod": OTHER}
    environments = "".join(f'  {name}: {{account: "{each}", region: {REGION}}}\n' for name, each in accounts.items())
    assembly = synthesized_of(tmp_path_factory.mktemp("rules") / "churn", environments, SECTIONS, accounts)
    return assembly["churn-delivery"]


@pytest.fixture(scope="module")
def rules(delivery: Any) -> dict[str, dict[str, Any]]:
    """Every rule with a pattern by the last part of its name."""
    found = [each["Properties"] for each in delivery.resources("AWS::Events::Rule").values()]
    prefix = "churn-delivery-"
    return {each["Name"].removeprefix(prefix).removeprefix("churn-"): each for each in found if "EventPattern" in each}


def test_every_rule_with_a_pattern_is_held_against_an_example(rules: dict[str, dict[str, Any]]) -> None:
    assert sorted(rules) == sorted(CASES)


@pytest.mark.parametrize("rule", CASES)
def test_eventbridge_takes_the_pattern(rules: dict[str, dict[str, Any]], rule: str) -> None:
    written = json.dumps(rules[rule]["EventPattern"])

    assert pattern_problem(written) is None
    assert len(written) <= CHARACTERS


@pytest.mark.parametrize("rule", CASES)
def test_the_example_as_it_is_documented_is_anothers_and_not_heard(rules: dict[str, dict[str, Any]], rule: str) -> None:
    assert not heard(rules[rule], example(rule))


@pytest.mark.parametrize(("rule", "change"), HEARD, ids=str)
def test_what_is_ours_is_heard(rules: dict[str, dict[str, Any]], rule: str, change: Change) -> None:
    assert heard(rules[rule], example(rule, CASES[rule][1] | change))


@pytest.mark.parametrize(("rule", "change"), UNHEARD, ids=str)
def test_what_is_not_ours_or_says_nothing_yet_is_not_heard(
    rules: dict[str, dict[str, Any]], rule: str, change: Change
) -> None:
    assert not heard(rules[rule], example(rule, CASES[rule][1] | change))


def test_an_event_is_heard_once(rules: dict[str, dict[str, Any]]) -> None:
    for rule, (_, ours, _, _) in CASES.items():
        assert [other for other in rules if heard(rules[other], example(rule, ours))] == [rule]


def example(rule: str, changes: Change | None = None) -> dict[str, Any]:
    """The documented example, with some of its values changed; each is named by its path."""
    event = copy.deepcopy(json.loads((EVENTS / f"{CASES[rule][0]}.json").read_text())["event"])
    for path, value in (changes or {}).items():
        *parents, last = path.split(".")
        node = event
        for parent in parents:
            node = node[parent]
        assert last in node, f"the documented event has no {path}"
        if value == ABSENT:
            del node[last]
        else:
            node[last] = value
    return event


def heard(rule: dict[str, Any], event: dict[str, Any]) -> bool:
    """What both readings say; where they differ, one of them is wrong."""
    ours, apart = matches(rule["EventPattern"], event), reads(rule["EventPattern"], event)
    assert ours is apart, (rule["Name"], event)
    return ours
