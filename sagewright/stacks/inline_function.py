"""A function whose code stands in the template: one file, so that a release needs no asset."""

from collections.abc import Mapping
from pathlib import Path

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

import sagewright
from sagewright.stacks import permissions
from sagewright.stacks.called_function import RUNTIME, admit, keep_log
from sagewright.stacks.place import Place

_PROGRAMS = Path(sagewright.__file__).parent / "runtime" / "functions"
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
            runtime=RUNTIME,
            role=self.role.role_arn,
            timeout=_TIMEOUT_S,
            memory_size=_MEMORY_MB,
        )
        skipped = [{"id": check, "comment": reason} for check, reason in _SKIPPED.items()]
        self.function.add_metadata("checkov", {"skip": skipped})
        keep_log(self, function=self.function, role=self.role, place=place, name=name, key=key, kept_days=log_days)
        self.function.node.add_dependency(self.role.node.find_child("DefaultPolicy"))

    def _code(self, program: str, settings: Mapping[str, str]) -> str:
        """Put the settings behind the program: what is text in JSON is the same text in Python."""
        text = (_PROGRAMS / f"{program}.py").read_text(encoding="utf-8")
        return f"{text}\n\nSETTINGS.update({Stack.of(self).to_json_string(dict(settings))})\n"

    def admit(self, construct_id: str, service: str, source_arn: str) -> None:
        """Let a service of this account call the function for one thing of its own."""
        admit(self, construct_id, function=self.function, place=self._place, service=service, source_arn=source_arn)
