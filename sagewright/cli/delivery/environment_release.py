"""What a release does in one environment beside what CloudFormation does: copy before it, and prove behind it.

Both hold the environment's turn, so that a release by hand cannot come in between. A turn of the same execution is that
of a build that was killed and is run again; a rollback takes the turn of any promotion.
"""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from sagewright.cli import stack_states
from sagewright.cli.errors import EXPECTED, CommandError, explain
from sagewright.cli.options import Options
from sagewright.project import Environment, Project, names
from sagewright.runtime.functions import (
    endpoint_update,
    live,
    model_versions,
    promotion,
    release,
    release_turn,
    sweep,
    verification,
    verified,
    watching,
)
from sagewright.runtime.functions.client import Client
from sagewright.runtime.functions.objects import Location, read_json
from sagewright.runtime.functions.release_turn import Holder, Turn
from sagewright.runtime.functions.verification import Demand
from sagewright.runtime.functions.verified import Verified

from .build_target import BuildTarget
from .configurations import tags_of
from .resolution import releases


@dataclass(frozen=True)
class EnvironmentRelease:
    """One version's release to one environment, by one execution of a pipeline."""

    options: Options
    project: Project
    target: BuildTarget
    environment: Environment
    arn: str
    execution: str
    is_rollback: bool = False

    @property
    def number(self) -> int:
        """The version's number."""
        return int(self.arn.rpartition("/")[2])

    @property
    def _releases(self) -> Location:
        return releases(self.project, self.target, self.environment)

    @property
    def _folder(self) -> Location:
        return self._releases / str(self.number)

    @property
    def _endpoint(self) -> str:
        return names.endpoint(self.project.name, self.environment.name)

    @property
    def _stack(self) -> str:
        return names.serving_stack(self.project.name, self.environment.name)

    def _client(self, service: str) -> Client:
        return self.target.release_client(service, self.environment)

    def copy(self) -> str:
        """Make both stacks ready for CloudFormation, and copy the version to where it will serve."""
        with self._turn() as turn:
            before = stack_states.ready(self.options, self.target, self.environment, self._stack)
            if self.environment.monitoring.engine != "none":
                stack = names.monitoring_stack(self.project.name, self.environment.name)
                stack_states.ready(self.options, self.target, self.environment, stack)
            # Asked again, as who copies it: hours may have passed since the execution began.
            version = promotion.require_approved(model_versions.existing(self._client("sagemaker"), self.arn), self.arn)
            s3 = self._client("s3")
            release.copy(s3, version, self._folder)
            verification.copy_rows(s3, version, self._folder)
            self._remember(stack_states.outputs(before).get("EndpointConfigName"))
            turn.confirm()
        return f"Version {self.number} is in {self._folder}"

    def _remember(self, config: str | None) -> None:
        """Write down which config the stack had before: where it is the same afterwards, CloudFormation did nothing."""
        note = self._folder / verified.BEGUN
        body = json.dumps({"config": config, "execution": self.execution}).encode()
        self._client("s3").put_object(Bucket=note.bucket, Key=note.key, Body=body, ContentType="application/json")

    def verify(self, approver: str) -> Verified:
        """Prove that the endpoint runs the version and answers as it was judged; then write that down and clear up."""
        with self._turn() as turn:
            try:
                proof = self._prove(approver)
                turn.confirm()
                if self.is_rollback:
                    self._take_back()
                verified.write(self._client("s3"), self._releases, proof)
                self._write_down()
            except EXPECTED as error:
                raise CommandError(self._failed(explain(error))) from error
            self._sweep()
            self._begin_watch()
        return proof

    def _prove(self, approver: str) -> Verified:
        config = self._config()
        self._run(config)
        known = verification.expected(self._client("s3"), self._folder, self.project.delivery.verify.rows)
        if known is None:
            if not self.is_rollback:
                raise CommandError(f"No held-out rows lie in {self._folder}: run `sagewright delivery copy` first.")
            self.options.terminal.note(
                f"No rows of version {self.number} were kept here: only that the endpoint runs it was verified."
            )
            return Verified.now(self.arn, config, self.execution, approver=approver)
        asked = self.project.delivery.verify
        demand = Demand(asked.rows, asked.percentile, asked.latency_ms)
        with self.options.terminal.task("Ask the endpoint") as details:
            measured = verification.check(self._client("sagemaker-runtime"), self._endpoint, known, demand)
            details.append(str(measured))
        return Verified.now(self.arn, config, self.execution, approver=approver, measured=vars(measured))

    def _config(self) -> str:
        """Read from the stack which config the version was given."""
        described = stack_states.settle(self.options, self.target, self.environment, self._stack)
        if described is None:
            raise CommandError(f"Stack {self._stack} is not there: nothing was deployed that could be verified.")
        deployed = stack_states.parameters(described).get("ModelPackageArn", "")
        if deployed != self.arn:
            raise CommandError(
                f"Stack {self._stack} deploys version {deployed.rpartition('/')[2]} and not {self.number}: the "
                "deployment was taken back, or another release or rollback came in between."
            )
        return stack_states.outputs(described)["EndpointConfigName"]

    def _run(self, config: str) -> None:
        """Make sure that the endpoint runs the config; apply it where CloudFormation thought that it does already."""
        poll_s = self.target.poll_s
        act = endpoint_update.apply if self.is_rollback or config == self._before() else endpoint_update.verify
        with self.options.terminal.task("Verify the endpoint") as details:
            act(self._client("sagemaker"), self._endpoint, config, poll_s=poll_s)
            details.append(f"{self._endpoint} is in service on {config}")

    def _before(self) -> str | None:
        try:
            return read_json(self._client("s3"), self._folder / verified.BEGUN)["config"]
        except ClientError as error:
            if error.response["Error"]["Code"] in {"NoSuchKey", "404"}:
                return None
            raise

    def _take_back(self) -> None:
        """Note which version goes: the first environment's copy of the record names it until the new one is proved."""
        copy = names.release_copy(self.project.name, self.project.first.name, self.environment.name)
        leaving = live.recorded(self.target.client("ssm", self.project.first), copy)
        if leaving is not None and leaving.number not in {None, self.number}:
            verified.take_back(self._client("s3"), self._releases, leaving.number or 0, self.execution)

    def _write_down(self) -> None:
        """Let the environment's record and its copy in the first one say what really serves."""
        now = live.read(self._client("sagemaker"), self._endpoint)
        if now is None:
            return
        parameter = names.release_parameter(self.project.name, self.environment.name)
        live.correct(self._client("ssm"), parameter, now, str(self._releases / str(now.number) / "baseline"))
        copy = names.release_copy(self.project.name, self.project.first.name, self.environment.name)
        live.copy_record(self._client("ssm"), parameter, self.target.client("ssm", self.project.first), copy)

    def _sweep(self) -> None:
        """Delete what nobody will go back to; what cannot be deleted does not make the release a failure."""
        tags = tags_of(self.project, self.environment)
        swept = sweep.sweep(self._client("sagemaker"), self._endpoint, tags=tags)
        for name, reason in swept.failures.items():
            self.options.terminal.note(f"{name} was not deleted, the next release tries again: {reason}")

    def _begin_watch(self) -> None:
        """Keep the alarm at a monitor that does not run from firing before its first run can be."""
        if self.environment.monitoring.engine == "none":
            return
        project, environment = self.project.name, self.environment.name
        cloudformation = self.target.stacks_client(self.environment)
        if stack_states.describe(cloudformation, names.monitoring_stack(project, environment)) is None:
            watching.begin(self._client("cloudwatch"), names.metric_namespace(project, environment), self._endpoint)

    def _failed(self, why: str) -> str:
        """Say what was not proved, why, and what serves all the same."""
        message = f"Version {self.number} was not verified in {self.environment.name}: {why}"
        try:
            now = live.read(self._client("sagemaker"), self._endpoint)
            described = live.describe(self._client("sagemaker"), self._endpoint) or {}
        except EXPECTED as error:
            return f"{message} What serves there now could not be found out: {explain(error)}"
        reason = described.get("FailureReason", "").rstrip(".")
        if reason and reason not in message:
            message += f" SageMaker says of endpoint {self._endpoint}: {reason}."
        serves = f"Now {now} serves there" if now is not None else "Now nothing serves there"
        if self.is_rollback:
            return f"{message} {serves}. Somebody has to look at it now."
        return f"{message} {serves}; it is taken back to what was verified there before, if it is not that already."

    @contextmanager
    def _turn(self) -> Iterator[Turn]:
        who = f"{'rollback' if self.is_rollback else 'promotion'} {self.execution}"
        holder = Holder.now(self.number, who, self.execution, os.getpid())
        with release_turn.taken(self._client("s3"), self._releases, holder, is_gone=self._gives_way()) as turn:
            yield turn

    def _gives_way(self) -> Callable[[Holder], bool]:
        """Tell whose turn is over: that of an earlier attempt, and for a rollback that of every promotion."""

        def gives_way(holder: Holder) -> bool:
            return holder.host == self.execution or (self.is_rollback and holder.who.startswith("promotion "))

        return gives_way


def as_json(release_: EnvironmentRelease, proof: Verified) -> dict[str, Any]:
    """Write a proof for programs."""
    return {"environment": release_.environment.name, "rollback": release_.is_rollback, **vars(proof)}
