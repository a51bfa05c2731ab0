"""The function that hears of versions, builds and releases: it starts what follows, writes down, and tells."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3_assets as assets
from constructs import Construct

import sagewright
from sagewright.project import Project, names
from sagewright.stacks import called_function, code_archive, permissions
from sagewright.stacks.delivery import event_rights
from sagewright.stacks.delivery.notices import Notices
from sagewright.stacks.delivery.undelivered import Undelivered
from sagewright.stacks.place import Place

_PROGRAMS = Path(sagewright.__file__).parent / "runtime" / "functions"
# The package's own name, and not ours: of the tool nothing but this one folder is there.
_PACKAGE = "functions"
_HANDLER = f"{_PACKAGE}.delivery_events.handler"
_TIMEOUT_S, _MEMORY_MB = 120, 256
# Lambda's own defaults, said here because the alarm on what is lost relies on them.
_RETRIES, _LONGEST_S = 2, 6 * 3600
_NO_SECRETS = "The variables are names, which whoever may read the template knows: no secret is in them."
_SKIPPED = {
    "CKV_AWS_45": _NO_SECRETS,
    "CKV_AWS_115": "Concurrency that is reserved is taken from the whole account's; an event may wait for its turn.",
    "CKV_AWS_116": "What fails after all attempts goes to a destination, the newer form of that queue.",
    "CKV_AWS_117": "It talks to CodePipeline, SageMaker and SNS, to which there is no way out of a network of ours.",
    "CKV_AWS_173": _NO_SECRETS,
}


@dataclass(frozen=True)
class Keys:
    """The keys of what the function writes: log and messages, and the entries in the data bucket."""

    delivery: kms.IKey
    data: kms.IKey


class DeliveryFunction(Construct):
    """Runs runtime/functions/delivery_events.py, as a role of its own with a name that other accounts can trust."""

    def __init__(  # noqa: PLR0913 (what the function is made of, and what it may reach)
        self,
        scope: Construct,
        construct_id: str,
        *,
        project: Project,
        places: Mapping[str, Place],
        keys: Keys,
        notices: Notices,
        undelivered: Undelivered,
    ) -> None:
        super().__init__(scope, construct_id)
        place = self._place = places[project.first.name]
        name = names.delivery_function(project.name)
        self.role = iam.Role(
            self,
            "Role",
            role_name=names.delivery_role(project.name, "events"),
            description=f"Runs the function {name}",
            assumed_by=permissions.lambda_service(),
        )
        code = _code(self)
        self.function = lambda_.CfnFunction(
            self,
            "Function",
            function_name=name,
            description=f"Hears of versions, builds and releases of {project.name}",
            code=lambda_.CfnFunction.CodeProperty(s3_bucket=code.s3_bucket_name, s3_key=code.s3_object_key),
            handler=_HANDLER,
            runtime=called_function.RUNTIME,
            role=self.role.role_arn,
            timeout=_TIMEOUT_S,
            memory_size=_MEMORY_MB,
            environment=lambda_.CfnFunction.EnvironmentProperty(variables=self._variables(project, places, notices)),
        )
        skipped = [{"id": check, "comment": reason} for check, reason in _SKIPPED.items()]
        self.function.add_metadata("checkov", {"skip": skipped})
        called_function.keep_log(
            self,
            function=self.function,
            role=self.role,
            place=place,
            name=name,
            key=keys.delivery,
            kept_days=project.first.security.log_retention_days,
        )
        notices.grant_publish(self.role)
        event_rights.grant(self.role, project, places, keys.data)
        self._give_up_to(undelivered)
        self.function.node.add_dependency(self.role.node.find_child("DefaultPolicy"))

    def admit(self, construct_id: str, rule_arn: str) -> None:
        """Let a rule call the function."""
        called_function.admit(
            self,
            construct_id,
            function=self.function,
            place=self._place,
            service=called_function.EVENTS,
            source_arn=rule_arn,
        )

    def _variables(self, project: Project, places: Mapping[str, Place], notices: Notices) -> dict[str, str]:
        serving = {each.name: {"account": places[each.name].account, "region": each.region} for each in project.serving}
        variables = {
            "PROJECT": project.name,
            "FIRST": project.first.name,
            "ENVIRONMENTS": Stack.of(self).to_json_string(serving),
            "BUILD": names.build_pipeline(project.name),
            "PROMOTION": names.promotion_pipeline(project.name),
            "ROLLBACK": names.rollback_pipeline(project.name),
            "GROUP": names.model_package_group(project.name),
            "BUCKET": self._place.data_bucket,
            "TOPIC_ARN": notices.topic.topic_arn,
            "APPROVAL_HOURS": str(project.delivery.approval_hours),
        }
        repository = project.repository
        if project.delivery.elsewhere:
            variables["DELIVERED_BY"] = project.delivery.provider
        elif repository is not None and repository.provider == "codecommit":
            variables["REPOSITORY"] = repository.name
            variables["PULL_REQUEST"] = names.build_project(project.name, "pull-request")
        return variables

    def _give_up_to(self, undelivered: Undelivered) -> None:
        """Have Lambda keep what has failed after all attempts: it does so as the function's role."""
        queue = undelivered.queue.queue_arn
        permissions.allow(self.role, "GiveUp", ["sqs:SendMessage"], [queue])
        lambda_.CfnEventInvokeConfig(
            self,
            "Attempts",
            function_name=self.function.ref,
            qualifier="$LATEST",
            maximum_retry_attempts=_RETRIES,
            maximum_event_age_in_seconds=_LONGEST_S,
            destination_config=lambda_.CfnEventInvokeConfig.DestinationConfigProperty(
                on_failure=lambda_.CfnEventInvokeConfig.OnFailureProperty(destination=queue)
            ),
        ).node.add_dependency(self.role.node.find_child("DefaultPolicy"))


def _code(scope: Construct) -> assets.Asset:
    """Upload the functions under a name that is their content's hash, the same wherever it is made."""
    content = code_archive.archive({f"{_PACKAGE}/{path.name}": path for path in _PROGRAMS.glob("*.py")})
    with TemporaryDirectory() as folder:
        path = Path(folder) / "functions.zip"
        path.write_bytes(content)
        return assets.Asset(scope, "Code", path=str(path), asset_hash=code_archive.content_hash(content))
