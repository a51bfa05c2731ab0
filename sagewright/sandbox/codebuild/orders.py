"""Why: a build is what its project defines, changed by what its start asks for, and fixed from then on."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ..cloudwatch.metrics import Place
from .definition import check, check_variables
from .places import S3Place
from .refusals import invalid, lacking
from .shelf import Record

_OF_BUILD = {
    "sourceVersion": "sourceVersion",
    "timeoutInMinutesOverride": "timeoutInMinutes",
    "queuedTimeoutInMinutesOverride": "queuedTimeoutInMinutes",
    "serviceRoleOverride": "serviceRole",
    "encryptionKeyOverride": "encryptionKey",
    "cacheOverride": "cache",
    "artifactsOverride": "artifacts",
    "secondaryArtifactsOverride": "secondaryArtifacts",
    "secondarySourcesOverride": "secondarySources",
    "secondarySourcesVersionOverride": "secondarySourceVersions",
}
_OF_SOURCE = {
    "sourceTypeOverride": "type",
    "sourceLocationOverride": "location",
    "buildspecOverride": "buildspec",
    "gitCloneDepthOverride": "gitCloneDepth",
    "gitSubmodulesConfigOverride": "gitSubmodulesConfig",
    "sourceAuthOverride": "auth",
    "reportBuildStatusOverride": "reportBuildStatus",
    "buildStatusConfigOverride": "buildStatusConfig",
    "insecureSslOverride": "insecureSsl",
}
_OF_ENVIRONMENT = {
    "imageOverride": "image",
    "computeTypeOverride": "computeType",
    "environmentTypeOverride": "type",
    "imagePullCredentialsTypeOverride": "imagePullCredentialsType",
    "privilegedModeOverride": "privilegedMode",
    "certificateOverride": "certificate",
    "registryCredentialOverride": "registryCredential",
    "fleetOverride": "fleet",
    "hostKernelOverride": "hostKernel",
}
_KEPT = (
    *("source", "secondarySources", "secondarySourceVersions", "cache", "environment", "serviceRole"),
    *("timeoutInMinutes", "queuedTimeoutInMinutes", "encryptionKey", "sourceVersion"),
)


@dataclass(frozen=True)
class PipelineWork:
    """What a pipeline hands to a build: inputs and outputs in its artifact store, and variables of its own."""

    pipeline: str
    source: S3Place
    more_sources: Mapping[str, S3Place] = field(default_factory=dict)
    """By the names of the artifacts."""
    outputs: Mapping[str, S3Place] = field(default_factory=dict)
    """By the names of the artifacts; a single one is the buildspec's primary artifact."""
    key: str = ""
    """The artifact store's; left out, the project's."""
    variables: Sequence[Mapping[str, str]] = ()
    revision: str = ""
    """The version of the source that the build is told, where there is one."""


@dataclass(frozen=True)
class Order:
    """One build that was asked for."""

    place: Place
    project: Record
    build: Record
    artifacts: Record
    secondary_artifacts: Sequence[Record]
    work: PipelineWork | None
    variables: Mapping[str, str]
    """What a webhook adds to the environment."""


def ordered(  # noqa: PLR0913 - who asks for what, when
    project: Record,
    params: Record,
    place: Place,
    *,
    number: int,
    initiator: str,
    now: datetime,
    work: PipelineWork | None = None,
    variables: Mapping[str, str],
) -> Order:
    """Return a build of a project, as its start changes it; refuse what could not be built."""
    definition = _overridden(project, params)
    if work is not None:
        definition = _piped(definition, work)
    elif definition["source"]["type"] == "CODEPIPELINE":
        raise invalid("Builds of a project with the source type CODEPIPELINE are started by their pipeline alone")
    check(definition)
    identity = str(uuid.uuid4())
    build: Record = {
        **{name: definition[name] for name in _KEPT if name in definition},
        "id": f"{project['name']}:{identity}",
        "arn": f"arn:aws:codebuild:{place.region}:{place.account}:build/{project['name']}:{identity}",
        "buildNumber": number,
        "startTime": now,
        "currentPhase": "SUBMITTED",
        "buildStatus": "IN_PROGRESS",
        "projectName": project["name"],
        "phases": [],
        "artifacts": {"location": ""} if definition["artifacts"]["type"] != "NO_ARTIFACTS" else {},
        "secondaryArtifacts": [],
        "logs": _logs(definition, place, identity),
        "buildComplete": False,
        "initiator": initiator,
        "exportedEnvironmentVariables": [],
        "reportArns": [],
    }
    if work is not None and work.revision:
        build["resolvedSourceVersion"] = work.revision
    return Order(
        place, project, build, definition["artifacts"], definition.get("secondaryArtifacts", ()), work, variables
    )


def _overridden(project: Record, params: Record) -> Record:
    if params.get("debugSessionEnabled"):
        raise lacking("debug sessions")
    if params.get("autoRetryLimitOverride"):
        raise lacking("automatic retries (autoRetryLimitOverride)")
    definition = {**project, **_renamed(params, _OF_BUILD)}
    definition["source"] = {**project["source"], **_renamed(params, _OF_SOURCE)}
    environment = {**project["environment"], **_renamed(params, _OF_ENVIRONMENT)}
    definition["environment"] = _with_variables(environment, params.get("environmentVariablesOverride", ()))
    if "logsConfigOverride" in params:
        definition["logsConfig"] = {**project["logsConfig"], **params["logsConfigOverride"]}
    return definition


def _renamed(params: Record, names: Mapping[str, str]) -> dict[str, Any]:
    return {member: params[name] for name, member in names.items() if name in params}


def _with_variables(environment: Record, more: Sequence[Mapping[str, str]]) -> Record:
    check_variables(more)
    variables = {each["name"]: each for each in environment["environmentVariables"]}
    variables |= {each["name"]: {"type": "PLAINTEXT", **each} for each in more}
    return {**environment, "environmentVariables": list(variables.values())}


def _piped(definition: Record, work: PipelineWork) -> Record:
    if definition["source"]["type"] != "CODEPIPELINE":
        problem = f"Project {definition['name']} has the source type {definition['source']['type']}, not CODEPIPELINE"
        raise invalid(problem)
    return {
        **definition,
        "environment": _with_variables(definition["environment"], work.variables),
        "encryptionKey": work.key or definition["encryptionKey"],
        "secondarySources": [{"type": "CODEPIPELINE", "sourceIdentifier": name} for name in work.more_sources],
        "sourceVersion": work.source.arn,
    }


def _logs(definition: Record, place: Place, identity: str) -> Record:
    """Return where a build's log goes.

    https://docs.aws.amazon.com/codebuild/latest/APIReference/API_CloudWatchLogsConfig.html
    """
    config = definition["logsConfig"]
    watched = config["cloudWatchLogs"]
    told: Record = {"cloudWatchLogs": watched, "s3Logs": config["s3Logs"]}
    if watched["status"] != "ENABLED":
        return told
    group = watched.get("groupName") or f"/aws/codebuild/{definition['name']}"
    stream = f"{watched['streamName']}/{identity}" if watched.get("streamName") else identity
    console = f"https://console.aws.amazon.com/cloudwatch/home?region={place.region}"
    arn = f"arn:aws:logs:{place.region}:{place.account}:log-group:{group}:log-stream:{stream}"
    return {
        **told,
        "groupName": group,
        "streamName": stream,
        "deepLink": f"{console}#logEvent:group={group};stream={stream}",
        "cloudWatchLogsArn": arn,
    }
