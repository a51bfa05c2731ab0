"""Whether what is deployed is what the project says now: else a training would run old code, and look like new."""

import json
from typing import Any

from sagewright.pipelines import Bindings, training
from sagewright.project import Project, names
from sagewright.runtime.functions.objects import Location
from sagewright.stacks import code_archive

from .errors import CommandError
from .target import Target

COMPARED = ("Parameters", "Steps")


def require_current(project: Project, target: Target) -> None:
    """Refuse to go on where a deployment would change what the training runs."""
    described = target.client("sagemaker", project.first).describe_pipeline(
        PipelineName=names.training_pipeline(project.name)
    )
    deployed: dict[str, Any] = json.loads(described["PipelineDefinition"])
    if not _is_current(project, target.account_of(project.first), deployed):
        raise CommandError(
            "The code or project.yaml has changed since the last deployment: run `sagewright deploy` first."
        )


def _is_current(project: Project, account: str, deployed: dict[str, Any]) -> bool:
    try:
        bindings = _bindings(project, account, deployed)
    except (KeyError, IndexError):
        return False  # another release of Sagewright has deployed it, whose definitions are made differently
    defined: dict[str, Any] = json.loads(json.dumps(training.definition(project, bindings)))
    return all(defined[part] == deployed[part] for part in COMPARED)


def _bindings(project: Project, account: str, deployed: dict[str, Any]) -> Bindings:
    """Bind a definition to what the deployed one is bound to, but to the code as it is now."""
    requests = {step["Name"]: step.get("Arguments", {}) for step in deployed["Steps"]}
    preprocess = requests["Preprocess"]
    inputs = {each["InputName"]: each["S3Input"]["S3Uri"] for each in preprocess["ProcessingInputs"]}
    package = project.root / project.first.training.code
    bundle = code_archive.object_name(code_archive.archive(code_archive.contents(package)))
    return Bindings(
        data_bucket=names.data_bucket(project.name, project.first.name, account, project.first.region),
        key_arn=preprocess["ProcessingOutputConfig"]["KmsKeyId"],
        bundle_uri=f"s3://{Location.parse(inputs['code']).bucket}/{bundle}",
        bundle_name=bundle,
        preprocess_role_arn=preprocess["RoleArn"],
        training_role_arn=requests["Train"]["RoleArn"],
        evaluate_role_arn=requests["Evaluate"]["RoleArn"],
    )
