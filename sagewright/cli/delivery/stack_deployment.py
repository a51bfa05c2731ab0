"""Deploys one stack of a release from the very files that CloudFormation's action of a pipeline takes.

It is done as the bootstrap's roles, waits for what goes on there already, and is done where nothing has changed: a job
that was killed is simply run again.
"""

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from sagewright.cli import stack_states
from sagewright.cli.errors import CommandError
from sagewright.cli.options import Options
from sagewright.cli.release import serving_environment
from sagewright.cli.target import CDK_QUALIFIER
from sagewright.project import Environment, Project

from .build_target import BuildTarget, build_target
from .configurations import TEMPLATES, stack_of

# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html: in a request, in bytes.
_LONGEST = 51200
_UNCHANGED = "No updates are to be performed"


def deploy(options: Options, environment: str, kind: str, release: Path) -> str:
    """Deploy a stack and wait for it; returns in a sentence what came of it."""
    project = options.project()
    place = serving_environment(project, environment)
    suffix, stack = stack_of(project, place, kind)
    files = _Files(release / TEMPLATES / f"{stack}.json", release / f"{environment}{suffix}.json")
    return _Deployment(options, project, build_target(options, project), place, stack).run(files)


@dataclass(frozen=True)
class _Files:
    """A template, and its parameters and tags."""

    template: Path
    configuration: Path

    def body(self) -> str:
        """Read the template, without the spaces that make it readable."""
        return json.dumps(self._read(self.template), separators=(",", ":"))

    def asked(self) -> dict[str, Any]:
        """Read parameters and tags as a request has them."""
        read = self._read(self.configuration)
        parameters = [{"ParameterKey": key, "ParameterValue": value} for key, value in read["Parameters"].items()]
        return {"Parameters": parameters, "Tags": [{"Key": key, "Value": value} for key, value in read["Tags"].items()]}

    def _read(self, file: Path) -> Any:
        if not file.is_file():
            raise CommandError(f"{file} is not there: the resolving step writes it. Hand on what it has left.")
        return json.loads(file.read_text(encoding="utf-8"))


@dataclass(frozen=True)
class _Deployment:
    """One stack on its way."""

    options: Options
    project: Project
    target: BuildTarget
    environment: Environment
    stack: str

    def run(self, files: _Files) -> str:
        """Create or update the stack, never replace it."""
        body = files.body()
        if len(body.encode()) > _LONGEST:
            raise CommandError(
                f"The template of {self.stack} has {len(body.encode())} bytes, more than CloudFormation takes in a "
                f"request (at most {_LONGEST}): deploy it with `sagewright deploy --target aws`."
            )
        before = stack_states.ready(self.options, self.target, self.environment, self.stack)
        cloudformation = self.target.stacks_client(self.environment)
        operation = cloudformation.create_stack if before is None else cloudformation.update_stack
        try:
            operation(
                StackName=self.stack,
                TemplateBody=body,
                Capabilities=["CAPABILITY_NAMED_IAM"],
                RoleARN=self._execution_role,
                **files.asked(),
            )
        except ClientError as error:
            if before is None or _UNCHANGED not in error.response["Error"]["Message"]:
                raise
            return f"Stack {self.stack} is what it shall be already."
        return self._wait()

    @property
    def _execution_role(self) -> str:
        """The role that CloudFormation deploys with, of the bootstrap."""
        environment, account = self.environment, self.target.account_of(self.environment)
        qualifier = environment.security.bootstrap_qualifier or CDK_QUALIFIER
        partition = self.target.partition(environment)
        return f"arn:{partition}:iam::{account}:role/cdk-{qualifier}-cfn-exec-role-{account}-{environment.region}"

    def _wait(self) -> str:
        cloudformation = self.target.stacks_client(self.environment)
        with self.options.terminal.task(f"Deploy {self.stack}") as details:
            while True:
                described = stack_states.describe(cloudformation, self.stack)
                status = described["StackStatus"] if described is not None else "DELETED"
                if not status.endswith("_IN_PROGRESS"):
                    break
                time.sleep(self.target.poll_s)
            if status not in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}:
                why = "; ".join(stack_states.failures(cloudformation, self.stack))
                raise CommandError(f"Stack {self.stack} is {status}: {why or 'no reason is given'}.")
            details.append(status)
        return f"Stack {self.stack} is {status}."
