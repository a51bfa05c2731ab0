"""Why: a build or a test is CodeBuild's, which takes its inputs from the artifact store and leaves its outputs there.

https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-CodeBuild.html
"""

import json
from typing import Any

from ...cloudwatch.metrics import Place
from ...codebuild.builds import Builds
from ...codebuild.orders import PipelineWork
from ...codebuild.places import S3Place
from ...protocol import ApiError
from ..artifacts import Artifact
from ..failures import ActionError, refused
from .action import Done, Job

_KINDS = ("PLAINTEXT", "PARAMETER_STORE", "SECRETS_MANAGER")
_DENIED = "JobFailed"


class CodeBuild:
    """Starts a build and waits for it."""

    def __init__(self, builds: Builds) -> None:
        self._builds = builds

    def perform(self, job: Job) -> Done:
        """Have the project's build run on the action's artifacts."""
        project, place = job.configuration["ProjectName"], _where(job)
        arn = f"arn:aws:codebuild:{place.region}:{place.account}:project/{project}"
        try:
            for action in ("codebuild:StartBuild", "codebuild:BatchGetBuilds"):
                job.acting.require(action, arn, region=place.region, account=place.account, context={})
            started = self._builds.start_for_pipeline(project, place, _work(job))
        except ApiError as error:
            raise refused(error, f"start a build of the project {project}", _DENIED) from error
        build = self._builds.wait(place, started["id"])
        page = f"https://console.aws.amazon.com/codebuild/home?region={place.region}#/builds/{build['id']}/view/new"
        if build["buildStatus"] != "SUCCEEDED":
            raise ActionError(_DENIED, _reason(build), build["id"], page)
        exported = {each["name"]: each["value"] for each in build.get("exportedEnvironmentVariables") or ()}
        return Done("Build succeeded", build["id"], page, exported)


def _where(job: Job) -> Place:
    """Return where the project is: in the account of the action's role."""
    role = job.run.declaration.get("roleArn") or job.execution.declaration["roleArn"]
    return Place(role.split(":")[4], job.place.region)


def _work(job: Job) -> PipelineWork:
    inputs = job.run.inputs
    primary = job.configuration.get("PrimarySource") or inputs[0].name
    source = next(each for each in inputs if each.name == primary)
    return PipelineWork(
        pipeline=job.pipeline,
        source=_place(source),
        more_sources={each.name: _place(each) for each in inputs if each is not source},
        outputs={each.name: _place(each) for each in job.run.outputs},
        key=job.store.key,
        variables=_variables(job),
        revision=_revision(job, primary),
    )


def _place(artifact: Artifact) -> S3Place:
    return S3Place(artifact.bucket, artifact.key)


def _variables(job: Job) -> list[dict[str, str]]:
    text = job.configuration.get("EnvironmentVariables") or "[]"
    try:
        given: Any = json.loads(text)
    except ValueError as error:
        message = f"EnvironmentVariables is no valid JSON once its variables are resolved: {error}"
        raise ActionError("ConfigurationError", message) from None
    if not isinstance(given, list) or not all(isinstance(each, dict) for each in given):
        raise ActionError("ConfigurationError", "EnvironmentVariables must be a JSON list of objects")
    found: list[dict[str, str]] = []
    for each in given:
        kind = each.get("type", "PLAINTEXT")
        texts = isinstance(each.get("name"), str) and isinstance(each.get("value"), str)
        if not texts or kind not in _KINDS or set(each) - {"name", "value", "type"}:
            message = f"EnvironmentVariables: {each} must have a name, a value and one of the types {_KINDS}"
            raise ActionError("ConfigurationError", message)
        found.append({"name": each["name"], "value": each["value"], "type": kind})
    return found


def _revision(job: Job, primary: str) -> str:
    """Return which version of its source the primary artifact is, where a source action left it."""
    for action in job.execution.stages[0]["actions"]:
        if any(each["name"] == primary for each in action["outputArtifacts"]):
            return str(job.execution.revisions.get(action["name"], {}).get("revisionId", ""))
    return ""


def _reason(build: dict[str, Any]) -> str:
    told = f"Build terminated with state: {build['buildStatus']}"
    for phase in build.get("phases") or ():
        for context in phase.get("contexts") or ():
            if phase.get("phaseStatus") not in {None, "SUCCEEDED"} and context.get("message"):
                code = context.get("statusCode", "")
                return f"{told}. Phase: {phase['phaseType']}, Code: {code}, Message: {context['message']}"
    return told
