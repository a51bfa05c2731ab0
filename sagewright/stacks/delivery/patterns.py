"""What the delivery function is told of: event patterns, as pure data that can be held against AWS's own examples.

Each names what is ours as exactly as its event allows, and this account's events only: a bus may be open to others.
What has happened is not believed because an event says so: the function asks again, so a pattern lets too much through
rather than too little. https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html
"""

from collections.abc import Iterator, Mapping
from typing import Any

from sagewright.project import Project, names
from sagewright.stacks.place import Place

Pattern = Mapping[str, Any]

# EventBridge's limit for one pattern: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html
CHARACTERS = 2048
_CHANGED = "UpdatedModelPackageFields"
# An execution that is on its way says nothing that its beginning and its end do not.
_TRAINING = ["Executing", "Failed", "Stopped", "Succeeded"]
# In the middle of an operation nothing is settled: REVIEW_IN_PROGRESS, UPDATE_COMPLETE_CLEANUP_IN_PROGRESS.
_SETTLED = [{"suffix": "_COMPLETE"}, {"suffix": "_FAILED"}]
_BUILT = ["FAILED", "FAULT", "STOPPED", "SUCCEEDED", "TIMED_OUT"]


def patterns(project: Project, first: Place) -> dict[str, Pattern]:
    """Return the pattern of each rule by what the rule is about; the last part of the rule's name."""
    pipelines = [names.build_pipeline, names.promotion_pipeline, names.rollback_pipeline]
    ours = [each(project.name) for each in pipelines]
    found = {"registry": _registry(first), "training": _training(first)}
    if not project.delivery.elsewhere:
        found |= {
            "pipelines": _pipelines(first, ours),
            "stages": _stages(first, ours[1:]),
            "actions": _actions(first, ours),
        }
    found |= {f"stacks-{name}": _stacks(first, stacks) for name, stacks in heard_stacks(project, first)}
    repository = project.repository
    if repository is not None and repository.provider == "codecommit" and not project.delivery.elsewhere:
        found["reviews"] = _pull_requests(first, repository.name, repository.branch)
        found["tested"] = _tested(first, names.build_project(project.name, "pull-request"))
    return found


def _of(first: Place, source: str, *kinds: str, **more: Any) -> Pattern:
    return {"source": [f"aws.{source}"], "account": [first.account], "detail-type": list(kinds), **more}


def _registry(first: Place) -> Pattern:
    """Match what was decided about a version; one that still waits is found by the hourly round."""
    detail = {
        "ModelPackageGroupName": [names.model_package_group(first.project)],
        "ModelApprovalStatus": ["Approved", "Rejected"],
        # A version that was approved stays so while its stage or its metadata changes: that decides nothing anew. One
        # that is approved once more keeps its status, so that only the words of the decision have changed.
        "$or": [{_CHANGED: ["ModelApprovalStatus", "ApprovalDescription"]}, {_CHANGED: [{"exists": False}]}],
    }
    return _of(first, "sagemaker", "SageMaker Model Package State Change", detail=detail)


def _training(first: Place) -> Pattern:
    pipeline = first.arn("sagemaker", f"pipeline/{names.training_pipeline(first.project)}")
    detail = {"pipelineArn": [pipeline], "currentPipelineExecutionStatus": _TRAINING}
    return _of(first, "sagemaker", "SageMaker Model Building Pipeline Execution Status Change", detail=detail)


def _pipelines(first: Place, ours: list[str]) -> Pattern:
    """Match beginning and end of every execution, whatever the end is called."""
    return _of(first, "codepipeline", "CodePipeline Pipeline Execution State Change", detail={"pipeline": ours})


def _stages(first: Place, ours: list[str]) -> Pattern:
    """Match stages that have ended: a stage is an environment that has a version now, or one that may be half-way."""
    detail = {"pipeline": ours, "state": ["CANCELED", "FAILED", "STOPPED", "SUCCEEDED"]}
    return _of(first, "codepipeline", "CodePipeline Stage Execution State Change", detail=detail)


def _actions(first: Place, ours: list[str]) -> Pattern:
    """Match approvals, from the question to the answer."""
    detail = {"pipeline": ours, "type": {"category": ["Approval"]}}
    return _of(first, "codepipeline", "CodePipeline Action Execution State Change", detail=detail)


def _stacks(first: Place, stacks: list[str]) -> Pattern:
    """Match stacks by the name in their ids, behind which stands what CloudFormation thinks of."""
    ids = [{"prefix": first.arn("cloudformation", f"stack/{each}/")} for each in stacks]
    detail = {"stack-id": ids, "status-details": {"status": _SETTLED}}
    return _of(first, "cloudformation", "CloudFormation Stack Status Change", detail=detail)


def heard_stacks(project: Project, first: Place) -> Iterator[tuple[str, list[str]]]:
    """List the project's stacks whose events come to the first environment's bus: those of its account and region.

    One rule for each environment, so that no project has so many stacks that a pattern becomes too long. What happens
    to stacks elsewhere, the promotion's own actions tell.
    """
    whole = [names.training_stack, names.delivery_stack]
    yield "project", [each(project.name) for each in whole]
    of_environment = [
        *(names.data_stack, names.access_stack, names.network_stack),
        *(names.serving_stack, names.monitoring_stack),
    ]
    for environment in project.environments:
        place = Place.of(project, environment)
        if (place.account, place.region) == (first.account, first.region):
            yield environment.name, [each(project.name, environment.name) for each in of_environment]


def _pull_requests(first: Place, repository: str, branch: str) -> Pattern:
    detail = {
        "event": ["pullRequestCreated", "pullRequestSourceBranchUpdated"],
        "pullRequestStatus": ["Open"],
        "destinationReference": [f"refs/heads/{branch}"],
    }
    resources = [first.arn("codecommit", repository)]
    return _of(first, "codecommit", "CodeCommit Pull Request State Change", resources=resources, detail=detail)


def _tested(first: Place, build: str) -> Pattern:
    detail = {"project-name": [build], "build-status": _BUILT}
    return _of(first, "codebuild", "CodeBuild Build State Change", detail=detail)
