"""Takes one approved version to where it serves: copy, deploy, verify. It says what serves now, however it ends."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime

from sagewright.project import Environment, Project, names
from sagewright.runtime.functions import model_versions, release
from sagewright.runtime.functions.model_versions import APPROVED, Version
from sagewright.runtime.functions.objects import Location
from sagewright.runtime.functions.release import Live

from . import log_tail, state
from .cdk import Cdk
from .errors import EXPECTED, CommandError, explain
from .options import Options
from .target import Target


@dataclass(frozen=True)
class Released:
    """What is live now, and where."""

    environment: str
    endpoint: str
    endpoint_config: str
    version: int


def choose(project: Project, target: Target, number: int | None) -> Version:
    """Find the version to release: the one asked for, else the newest approved one."""
    sagemaker, group = target.client("sagemaker", project.first), names.model_package_group(project.name)
    if number is not None:
        version = model_versions.find(sagemaker, group, number)
        release.require_approved(version)
        return version
    newest = model_versions.newest(sagemaker, group, APPROVED)
    if newest is None:
        raise CommandError(
            "No version is approved. See them with `sagewright models`, then `sagewright approve VERSION`."
        )
    return newest


def live(project: Project, target: Target, environment: Environment) -> Live | None:
    """Read what the environment serves."""
    ssm = target.reading_client("ssm", environment)
    return release.live(ssm, names.release_parameter(project.name, environment.name))


def carry_out(
    options: Options, project: Project, target: Target, environment: Environment, version: Version
) -> Released:
    """Release the version; on failure say what serves now."""
    endpoint, began = names.endpoint(project.name, environment.name), datetime.now(UTC)
    try:
        config = _release(options, project, target, environment, version)
    except EXPECTED as error:
        now = live(project, target, environment)
        serves = (
            f"version {now.number} serves in {environment.name}" if now else f"nothing serves in {environment.name} yet"
        )
        why = explain(error)
        log = _log(target, environment, endpoint, began) if _is_about_the_endpoint(why, endpoint) else ""
        raise CommandError(
            f"Version {version.number} was not released to {environment.name}: {why} Now {serves}.{log}"
        ) from error
    return Released(environment.name, endpoint, config, version.number)


def _log(target: Target, environment: Environment, endpoint: str, began: datetime) -> str:
    return log_tail.of_new_instances(
        target.reading_client("logs", environment), f"/aws/sagemaker/Endpoints/{endpoint}", began
    )


def _is_about_the_endpoint(why: str, endpoint: str) -> bool:
    """Tell a container that does not come up from a template, a right or a file that is wrong."""
    return "AWS::SageMaker::Endpoint " in why or f"Endpoint {endpoint} " in why


def _release(options: Options, project: Project, target: Target, environment: Environment, version: Version) -> str:
    bucket = names.data_bucket(project.name, environment.name, target.account_of(environment), environment.region)
    folder = Location(bucket, f"{names.RELEASES}/{version.number}")
    with options.terminal.task(f"Copy version {version.number} to {environment.name}") as details:
        artifacts = release.copy(target.release_client("s3", environment), version, folder)
        details.append(str(folder))
    outputs = _deploy(options, project, target, environment, artifacts.parameters)
    with options.terminal.task("Verify the endpoint") as details:
        endpoint, config = outputs["EndpointName"], outputs["EndpointConfigName"]
        release.verify(target.release_client("sagemaker", environment), endpoint, config)
        details.append(f"{endpoint} is in service on {config}")
    release.copy_record(
        target.reading_client("ssm", environment),
        names.release_parameter(project.name, environment.name),
        target.client("ssm", project.first),
        names.release_copy(project.name, project.first.name, environment.name),
    )
    return config


def _deploy(
    options: Options, project: Project, target: Target, environment: Environment, parameters: dict[str, str]
) -> dict[str, str]:
    """Deploy the environment's serving stack with the version's parameters; returns its outputs."""
    stack = names.serving_stack(project.name, environment.name)
    file = state.folder_of(project.root) / f"outputs-{environment.name}.json"
    file.unlink(missing_ok=True)
    arguments = [f"release/{stack}", "--exclusively", "--outputs-file", str(file)]
    for name, value in parameters.items():
        arguments += ["--parameters", f"{name}={value}"]
    Cdk(project.root, target.environ(environment.region), options.terminal).deploy(*arguments, name="release")
    outputs: dict[str, dict[str, str]] = json.loads(file.read_text())
    return outputs[stack]
