"""Why: each kind of action takes so many artifacts and a configuration of its own; a pipeline with another is refused.

https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference.html
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .executions import Declaration
from .refusals import action_declaration, lacking

_UPDATING = ("CREATE_UPDATE", "REPLACE_ON_FAILURE", "CHANGE_SET_REPLACE")
_MODES = ("CREATE_UPDATE", "DELETE_ONLY")
_OTHER_MODES = ("REPLACE_ON_FAILURE", "CHANGE_SET_REPLACE", "CHANGE_SET_EXECUTE")
_MOST_OVERRIDES = 1024
MOST_CUSTOM_DATA = 1000


@dataclass(frozen=True)
class ActionType:
    """How many artifacts an action takes and leaves, and what it is configured with."""

    inputs: tuple[int, int]
    outputs: tuple[int, int]
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()


_BUILD = ActionType(
    (1, 5), (0, 5), ("ProjectName",), ("PrimarySource", "BatchEnabled", "CombineArtifacts", "EnvironmentVariables")
)
TYPES: Mapping[tuple[str, str], ActionType] = {
    ("Source", "S3"): ActionType(
        (0, 0), (1, 1), ("S3Bucket", "S3ObjectKey"), ("PollForSourceChanges", "AllowOverrideForS3ObjectKey")
    ),
    ("Source", "CodeCommit"): ActionType(
        (0, 0), (1, 1), ("RepositoryName", "BranchName"), ("PollForSourceChanges", "OutputArtifactFormat")
    ),
    ("Source", "CodeStarSourceConnection"): ActionType(
        (0, 0),
        (1, 1),
        ("ConnectionArn", "FullRepositoryId", "BranchName"),
        ("OutputArtifactFormat", "DetectChanges"),
    ),
    ("Build", "CodeBuild"): _BUILD,
    ("Test", "CodeBuild"): _BUILD,
    ("Deploy", "CloudFormation"): ActionType(
        (0, 10),
        (0, 1),
        ("ActionMode", "StackName"),
        (
            *("Capabilities", "ChangeSetName", "RoleArn", "TemplatePath", "OutputFileName", "ParameterOverrides"),
            "TemplateConfiguration",
        ),
    ),
    ("Approval", "Manual"): ActionType((0, 0), (0, 0), (), ("NotificationArn", "CustomData", "ExternalEntityLink")),
}
# What AWS has and the sandbox has not is refused by its name, and what is nowhere as AWS does it.
_ABSENT = {
    *(("Source", name) for name in ("ECR", "GitHub")),
    *(("Build", name) for name in ("ECRBuildAndPublish",)),
    *(("Deploy", name) for name in ("S3", "CodeDeploy", "CodeDeployToECS", "ECS", "ElasticBeanstalk", "EKS", "EC2")),
    *(("Deploy", name) for name in ("ServiceCatalog", "AppConfig", "CloudFormationStackSet", "OpsWorks")),
    *(("Deploy", name) for name in ("CloudFormationStackInstances", "AlexaSkillsKit", "Lambda")),
    *(("Test", name) for name in ("DeviceFarm",)),
    *(("Invoke", name) for name in ("Lambda", "StepFunctions", "InspectorScan", "CodePipeline")),
    ("Compute", "Commands"),
}


def check_action(action: Declaration, region: str) -> None:
    """Refuse an action whose type, artifacts or configuration are not right."""
    name, kind = action["name"], action["actionTypeId"]
    where = (kind["category"], kind["provider"])
    if kind["owner"] != "AWS" or kind["version"] != "1" or where not in TYPES:
        if where in _ABSENT or kind["owner"] != "AWS":
            have = ", ".join(f"{category} {provider}" for category, provider in TYPES)
            raise lacking(f"actions of {kind['category']} {kind['provider']} ({kind['owner']})", f"It has {have}.")
        told = ", ".join(
            f"{part.capitalize()}: '{kind[part]}'" for part in ("category", "provider", "owner", "version")
        )
        shown = region.upper().replace("-", "_")
        raise action_declaration(f"ActionType ({told}) in action '{name}' is not available in region '{shown}'")
    if action.get("region", region) != region:
        raise lacking(f"actions in other regions ('{name}' is for {action['region']}, the pipeline is in {region})")
    for member in ("commands", "outputVariables", "environmentVariables"):
        if action.get(member):
            raise action_declaration(f"Action {name} cannot have {member}: it is no compute action")
    found = TYPES[where]
    _check_count(name, "input", len(action.get("inputArtifacts") or ()), found.inputs)
    _check_count(name, "output", len(action.get("outputArtifacts") or ()), found.outputs)
    configuration = action.get("configuration") or {}
    _check_keys(name, configuration, found)
    if "timeoutInMinutes" in action and where != ("Approval", "Manual"):
        raise action_declaration(f"Action {name} cannot have timeoutInMinutes: only manual approvals can")
    _CHECKS.get(kind["provider"], _nothing_more)(name, configuration, action)


def is_true(value: str | None, default: str) -> bool:
    """Return what a configuration's truth value says."""
    return (default if value is None else value).lower() == "true"


def _check_count(name: str, kind: str, count: int, limits: tuple[int, int]) -> None:
    if count < limits[0]:
        problem = f"which is less than the minimum count ({limits[0]})"
    elif count > limits[1]:
        problem = f"which is more than the maximum count ({limits[1]})"
    else:
        return
    raise action_declaration(f"Action {name} declares {count} {kind} artifacts {problem}")


def _check_keys(name: str, configuration: Mapping[str, str], found: ActionType) -> None:
    for key in found.required:
        if key not in configuration:
            raise action_declaration(
                f"Action configuration for action '{name}' is missing required configuration '{key}'"
            )
    for key in configuration:
        if key not in found.required + found.optional:
            raise action_declaration(f"Action configuration for action '{name}' contains unknown configuration '{key}'")


def _boolean(name: str, configuration: Mapping[str, str], *keys: str) -> None:
    for key in keys:
        if configuration.get(key, "true").lower() not in {"true", "false"}:
            raise action_declaration(f"Action configuration '{key}' of action '{name}' must be true or false")


def _code(name: str, configuration: Mapping[str, str], action: Declaration) -> None:
    del action
    _boolean(name, configuration, "PollForSourceChanges", "DetectChanges")
    if (form := configuration.get("OutputArtifactFormat", "CODE_ZIP")) != "CODE_ZIP":
        if form != "CODEBUILD_CLONE_REF":
            raise action_declaration(f"OutputArtifactFormat of action '{name}' must be CODE_ZIP or CODEBUILD_CLONE_REF")
        raise lacking(f"the OutputArtifactFormat {form} (action '{name}')", "It has CODE_ZIP.")


def _object(name: str, configuration: Mapping[str, str], action: Declaration) -> None:
    del action
    _boolean(name, configuration, "PollForSourceChanges", "AllowOverrideForS3ObjectKey")


def _build(name: str, configuration: Mapping[str, str], action: Declaration) -> None:
    inputs = [each["name"] for each in action.get("inputArtifacts") or ()]
    primary = configuration.get("PrimarySource")
    if len(inputs) > 1 and not primary:
        raise action_declaration(
            f"Action configuration for action '{name}' is missing required configuration 'PrimarySource': the action"
            f" has {len(inputs)} input artifacts"
        )
    if primary and primary not in inputs:
        raise action_declaration(
            f"PrimarySource '{primary}' of action '{name}' is none of its input artifacts {inputs}"
        )
    for key in ("BatchEnabled", "CombineArtifacts"):
        if is_true(configuration.get(key), "false"):
            raise lacking(f"{key} of CodeBuild actions (action '{name}')")


def _stack(name: str, configuration: Mapping[str, str], action: Declaration) -> None:
    mode = configuration["ActionMode"]
    if mode in _OTHER_MODES:
        raise lacking(f"the ActionMode {mode} (action '{name}')", f"It has {' and '.join(_MODES)}.")
    if mode not in _MODES:
        raise action_declaration(f"ActionMode '{mode}' of action '{name}' must be one of {(*_MODES, *_OTHER_MODES)}")
    required = ("RoleArn", "TemplatePath") if mode in _UPDATING else ("RoleArn",)
    for key in required:
        if key not in configuration:
            raise action_declaration(
                f"Action configuration for action '{name}' is missing required configuration '{key}'"
            )
    inputs = {each["name"] for each in action.get("inputArtifacts") or ()}
    for key in ("TemplatePath", "TemplateConfiguration"):
        if (given := configuration.get(key)) is not None:
            artifact, separator, path = given.partition("::")
            if not separator or not path or artifact not in inputs:
                raise action_declaration(
                    f"{key} '{given}' of action '{name}' must be ArtifactName::FileName, with one of the action's input"
                    f" artifacts {sorted(inputs)}"
                )
    _check_overrides(name, configuration.get("ParameterOverrides"))
    if bool(action.get("outputArtifacts")) != ("OutputFileName" in configuration):
        raise action_declaration(f"Action '{name}' needs both an output artifact and OutputFileName, or neither")


def _check_overrides(name: str, text: str | None) -> None:
    if text is None:
        return
    if len(text.encode()) > _MOST_OVERRIDES:
        raise action_declaration(f"ParameterOverrides of action '{name}' is longer than {_MOST_OVERRIDES} bytes")
    if "Fn::GetArtifactAtt" in text or "Fn::GetParam" in text:
        raise lacking(f"functions in ParameterOverrides (action '{name}')")
    try:
        found: Any = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise action_declaration(f"ParameterOverrides of action '{name}' must be a JSON object of texts")


def _approval(name: str, configuration: Mapping[str, str], action: Declaration) -> None:
    del action
    topic = configuration.get("NotificationArn", "arn:aws:sns:")
    if not topic.startswith("arn:aws:sns:"):
        raise action_declaration(f"NotificationArn '{topic}' of action '{name}' is not the ARN of a topic")
    if len(configuration.get("CustomData", "")) > MOST_CUSTOM_DATA:
        raise action_declaration(f"CustomData of action '{name}' is longer than {MOST_CUSTOM_DATA} characters")


def _nothing_more(name: str, configuration: Mapping[str, str], action: Declaration) -> None:
    del name, configuration, action


_CHECKS = {
    "S3": _object,
    "CodeCommit": _code,
    "CodeStarSourceConnection": _code,
    "CodeBuild": _build,
    "CloudFormation": _stack,
    "Manual": _approval,
}
