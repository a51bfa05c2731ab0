"""Whether what is deployed is what the project says now: else a training would run old code, and look like new."""

import json
from collections.abc import Callable, Sequence
from typing import Any

from sagewright.pipelines import Bindings, IngestionBindings, ingestion, training
from sagewright.project import Project, names
from sagewright.runtime.functions.objects import Location
from sagewright.stacks import code_archive, network_ids

from .errors import CommandError
from .target import Target

Network = tuple[Sequence[str], Sequence[str]]

Define = Callable[[Project, str, dict[str, Any], Network], dict[str, Any]]

COMPARED = ("Parameters", "Steps")


def require_current(project: Project, target: Target) -> None:
    """Refuse to go on where a deployment would change what the training runs."""
    _require(project, target, names.training_pipeline(project.name), _training)


def require_current_ingestion(project: Project, target: Target) -> None:
    """Refuse to go on where a deployment would change what the ingestion runs."""
    _require(project, target, names.ingestion_pipeline(project.name), _ingestion)


def _require(project: Project, target: Target, pipeline: str, define: Define) -> None:
    described = target.client("sagemaker", project.first).describe_pipeline(PipelineName=pipeline)
    deployed: dict[str, Any] = json.loads(described["PipelineDefinition"])
    try:
        network = _network(project, target)
        defined = json.loads(json.dumps(define(project, target.account_of(project.first), deployed, network)))
        current = all(defined[part] == deployed[part] for part in COMPARED)
    except (KeyError, IndexError):
        current = False  # another release of Sagewright has deployed it, whose definitions are made differently
    if not current:
        raise CommandError(
            "The code or project.yaml has changed since the last deployment: run `sagewright deploy` first."
        )


def _network(project: Project, target: Target) -> Network:
    """Return subnets and security groups of the jobs; raises KeyError where the network is not deployed."""
    network = project.first.network
    if network.mode != "create":
        return network.subnets, network.security_groups
    stack = names.network_stack(project.name, project.first.name)
    pages = target.client("cloudformation", project.first).get_paginator("describe_stacks").paginate()
    stacks = {each["StackName"]: each.get("Outputs", []) for page in pages for each in page["Stacks"]}
    outputs = {each["OutputKey"]: each["OutputValue"] for each in stacks[stack]}
    return [outputs[key] for key in network_ids.SUBNETS], [outputs[network_ids.JOBS]]


def _training(project: Project, account: str, deployed: dict[str, Any], network: Network) -> dict[str, Any]:
    return training.definition(project, _bindings(project, account, deployed, network))


def _ingestion(project: Project, account: str, deployed: dict[str, Any], network: Network) -> dict[str, Any]:
    """Define the ingestion with what the deployed one is bound to, but with the code as it is now."""
    request = next(step["Arguments"] for step in deployed["Steps"] if step["Name"] == ingestion.INGEST)
    inputs = {each["InputName"]: each["S3Input"]["S3Uri"] for each in request["ProcessingInputs"]}
    bundle = code_archive.object_name(code_archive.of_project(project))
    online = any(each.online for each in project.own_features.values())
    elsewhere = [each.name for each in project.environments[1:]] if online else []
    roles = _roles_elsewhere(request["AppSpecification"]["ContainerArguments"])
    bindings = IngestionBindings(
        data_bucket=names.data_bucket(project.name, project.first.name, account, project.first.region),
        key_arn=request["ProcessingOutputConfig"]["KmsKeyId"],
        bundle_uri=f"s3://{Location.parse(inputs['code']).bucket}/{bundle}",
        bundle_name=bundle,
        ingestion_role_arn=request["RoleArn"],
        online_writer_arns={name: roles[name] for name in elsewhere},
        subnets=network[0],
        security_groups=network[1],
    )
    return ingestion.definition(project, bindings)


def _roles_elsewhere(arguments: Sequence[Any]) -> dict[str, str]:
    """Read the roles that write the other environments' online stores out of a job's arguments, by environment."""
    if "--online-targets" not in arguments:
        return {}
    pairs = arguments[arguments.index("--online-targets") + 1 :]
    return dict(each.split("=", 1) for each in pairs if isinstance(each, str) and "=" in each)


def _bindings(project: Project, account: str, deployed: dict[str, Any], network: Network) -> Bindings:
    """Bind a definition to what the deployed one is bound to, but to the code as it is now."""
    requests = {step["Name"]: step.get("Arguments", {}) for step in deployed["Steps"]}
    preprocess = requests["Preprocess"]
    inputs = {each["InputName"]: each["S3Input"]["S3Uri"] for each in preprocess["ProcessingInputs"]}
    bundle = code_archive.object_name(code_archive.of_project(project))
    return Bindings(
        data_bucket=names.data_bucket(project.name, project.first.name, account, project.first.region),
        key_arn=preprocess["ProcessingOutputConfig"]["KmsKeyId"],
        bundle_uri=f"s3://{Location.parse(inputs['code']).bucket}/{bundle}",
        bundle_name=bundle,
        preprocess_role_arn=preprocess["RoleArn"],
        training_role_arn=requests["Train"]["RoleArn"],
        evaluate_role_arn=requests["Evaluate"]["RoleArn"],
        # Where none was deployed, the definition differs by the step itself.
        dataset_role_arn=requests.get("Dataset", {}).get("RoleArn", "none"),
        subnets=network[0],
        security_groups=network[1],
    )
