"""A function whose code stands in the template: one file, so that a release needs no asset."""

from collections.abc import Mapping
from pathlib import Path
from typing import cast

from aws_cdk import CfnResource, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

import sagewright
from sagewright.project import names
from sagewright.stacks import permissions
from sagewright.stacks.place import Place

_PROGRAMS = Path(sagewright.__file__).parent / "runtime" / "functions"
EVENTS = "events.amazonaws.com"
_RUNTIME = "python3.14"
_TIMEOUT_S, _MEMORY_MB = 60, 256
# Lambda names the file of inline code `index`.
# https://docs.aws.amazon.com/lambda/latest/dg/python-handler.html
_HANDLER = "index.handler"
_SKIPPED = {
    "CKV_AWS_115": "Concurrency that is reserved is taken from the whole account's; this runs once in an hour.",
    "CKV_AWS_116": "What could not be handled shows as a run that is missing, which has an alarm of its own.",
    "CKV_AWS_117": "It talks to CloudWatch and SNS, to which there is no way out of a network of ours.",
}


class InlineFunction(Construct):
    """Runs a program of runtime/functions as a role of its own, which may write its log and what is granted to it."""

    def __init__(  # noqa: PLR0913 (what a function is made of)
        self,
        scope: Construct,
        construct_id: str,
        *,
        place: Place,
        name: str,
        program: str,
        settings: Mapping[str, str],
        key: kms.IKey,
        log_days: int | None,
    ) -> None:
        """Fill the program's SETTINGS in; leave `log_days` out to let Lambda make the log, and keep it."""
        super().__init__(scope, construct_id)
        self._place = place
        self.role = iam.Role(
            self, "Role", description=f"Runs the function {name}", assumed_by=permissions.lambda_service()
        )
        self.function = lambda_.CfnFunction(
            self,
            "Function",
            function_name=name,
            code=lambda_.CfnFunction.CodeProperty(zip_file=self._code(program, settings)),
            handler=_HANDLER,
            runtime=_RUNTIME,
            role=self.role.role_arn,
            timeout=_TIMEOUT_S,
            memory_size=_MEMORY_MB,
        )
        skipped = [{"id": check, "comment": reason} for check, reason in _SKIPPED.items()]
        self.function.add_metadata("checkov", {"skip": skipped})
        self._log(name, key, log_days)
        self.function.node.add_dependency(self.role.node.find_child("DefaultPolicy"))

    def _code(self, program: str, settings: Mapping[str, str]) -> str:
        """Put the settings behind the program: what is text in JSON is the same text in Python."""
        text = (_PROGRAMS / f"{program}.py").read_text(encoding="utf-8")
        return f"{text}\n\nSETTINGS.update({Stack.of(self).to_json_string(dict(settings))})\n"

    def admit(self, construct_id: str, service: str, source_arn: str) -> None:
        """Let a service of this account call the function for one thing of its own, whose ARN names the account.

        EventBridge says no account beside it: a permission that asks for one never lets it in, without a word.
        https://github.com/awsdocs/aws-cloudformation-user-guide/pull/481
        """
        lambda_.CfnPermission(
            self,
            construct_id,
            action="lambda:InvokeFunction",
            function_name=self.function.attr_arn,
            principal=service,
            source_account=None if service == EVENTS else self._place.account,
            source_arn=source_arn,
        )

    def _log(self, name: str, key: kms.IKey, kept_days: int | None) -> None:
        group = names.function_log(name)
        arn = self._place.arn("logs", f"log-group:{group}")
        make = ["logs:CreateLogGroup"] if kept_days is None else []
        permissions.allow(
            self.role,
            "WriteLogs",
            [*make, "logs:CreateLogStream", "logs:PutLogEvents"],
            [arn, f"{arn}:*"],
            because="Lambda names a log stream after an instance that does not exist yet; the log group is exact.",
        )
        if kept_days is not None:
            kept = logs.CfnLogGroup(
                self, "Log", log_group_name=group, retention_in_days=kept_days, kms_key_id=key.key_arn
            )
            self.function.node.add_dependency(cast("CfnResource", kept))
