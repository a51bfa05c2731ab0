"""Why: CodePipeline's permissions are about a pipeline, a stage or an action, and who writes one lends it roles.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_codepipeline.html
"""

from collections.abc import Iterator
from typing import Any

from ..asked import Asked
from ..demand import Demand
from . import named
from .arns import ANY, Resources, Table

_SERVICE, _STACKS = "codepipeline.amazonaws.com", "cloudformation.amazonaws.com"
_PIPELINE = ("GetPipeline", "DeletePipeline", "GetPipelineState", "StartPipelineExecution")
_NAMED_OTHERWISE = (
    *("GetPipelineExecution", "ListPipelineExecutions", "ListActionExecutions", "ListRuleExecutions"),
    "StopPipelineExecution",
)
_STAGE = (
    *("EnableStageTransition", "DisableStageTransition", "RetryStageExecution", "RollbackStage"),
    "OverrideStageCondition",
)
_RESOURCES: dict[str, Resources] = {
    **dict.fromkeys(("CreatePipeline", "UpdatePipeline"), "{pipeline.name}"),
    **dict.fromkeys(_PIPELINE, "{name}"),
    **dict.fromkeys(_NAMED_OTHERWISE, "{pipelineName}"),
    **dict.fromkeys(_STAGE, "{pipelineName}/{stageName}"),
    "PutApprovalResult": "{pipelineName}/{stageName}/{actionName}",
    **dict.fromkeys(("TagResource", "UntagResource", "ListTagsForResource"), "{resourceArn}"),
    "ListPipelines": ANY,
}

CODEPIPELINE = Table("codepipeline", _RESOURCES, context=named.tags)


def passing(asked: Asked) -> Iterator[Demand]:
    """Yield the permission to pass each role and connection that a pipeline is given, of other accounts, too."""
    if asked.operation not in {"CreatePipeline", "UpdatePipeline"}:
        return
    declaration: Any = asked.params.get("pipeline") or {}
    passed: set[tuple[str, str]] = {(str(declaration.get("roleArn", "")), _SERVICE)}
    connections: set[str] = set()
    for stage in declaration.get("stages") or ():
        for action in stage.get("actions") or ():
            configuration = action.get("configuration") or {}
            passed.add((str(action.get("roleArn") or ""), _SERVICE))
            passed.add((str(configuration.get("RoleArn", "")), _STACKS))
            connections.add(str(configuration.get("ConnectionArn", "")))
    account = asked.caller.account
    for role, service in sorted(each for each in passed if each[0]):
        yield Demand("iam:PassRole", role, {"iam:PassedToService": service}, account)
    for arn in sorted(each for each in connections if each.count(":") == 5):  # noqa: PLR2004 - an ARN's six parts
        prefix = arn.split(":")[2]
        yield Demand(f"{prefix}:PassConnection", arn, {f"{prefix}:PassedToService": _SERVICE})
