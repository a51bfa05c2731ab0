"""Why: CodePipeline has one door; behind it, each unit answers for what it knows, and what none knows is refused."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..clients import Clients
from ..clock import Clock
from ..cloudwatch.metrics import Place
from ..codebuild import CodeBuild
from ..codecommit import CodeCommit
from ..codeconnections import CodeConnections, RemotePush
from ..events import Bus
from ..git.repository import HEADS
from ..protocol import Caller
from . import history, state
from .actions import Provider
from .actions.approval import Approval
from .actions.cloudformation import CloudFormation
from .actions.codebuild import CodeBuild as Builds
from .actions.source_code import CodeCommitSource, ConnectionSource, date
from .actions.source_s3 import S3Source
from .approvals import Approvals
from .control import Control
from .engine import Engine
from .events import Announcer
from .executions import Trigger
from .filters import Push
from .pipeline import Pipeline
from .pipelines import Pipelines
from .polling import Polling
from .refusals import lacking
from .runner import Runner
from .starting import Starting

Operation = Callable[[dict[str, Any], Caller], dict[str, Any]]


class CodePipeline:
    """The sandbox's service "codepipeline"."""

    service_name = "codepipeline"

    def __init__(  # noqa: PLR0913, PLR0917 - what pipelines act on
        self,
        clients: Clients,
        clock: Clock,
        bus: Bus,
        data: Path,
        codecommit: CodeCommit,
        connections: CodeConnections,
        codebuild: CodeBuild,
    ) -> None:
        folder = data / "codepipeline"
        folder.mkdir(parents=True, exist_ok=True)
        providers = _providers(clock, codecommit, connections, codebuild)
        engine = Engine(clock, Announcer(clock, bus), Runner(clients, clock, providers, folder))
        self._engine = engine
        self._provider = connections.provider
        self._starting = Starting(clients, clock, engine)
        self._pipelines = Pipelines(clients, clock, engine, self._starting.by_itself)
        self._control = Control(clients, clock, engine)
        self._approvals = Approvals(clients, clock, engine, self._pipelines.all)
        self._polling = Polling(self._pipelines.all, self._starting)
        self.agendas = (self._approvals, self._polling)
        codecommit.listen(self._polling.moved)
        self._provider.on_push.append(self._pushed)
        bus.reach("codepipeline", self._ruled)
        clients.authorizer.tags.provide(self.service_name, self._pipelines.tags_of)
        self.operations = {**self._of_pipelines(), **self._of_executions()}

    def call(self, operation: str, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Answer one request of a client."""
        if operation not in self.operations:
            raise lacking(f"the operation {operation}")
        with self._engine.lock:
            answer = self.operations[operation](params, caller)
            if operation in {"CreatePipeline", "UpdatePipeline"}:
                self._polling.look()
            return answer

    def _of_pipelines(self) -> dict[str, Operation]:
        pipelines = self._pipelines
        return {
            "CreatePipeline": pipelines.create,
            "UpdatePipeline": pipelines.update,
            "DeletePipeline": pipelines.delete,
            "GetPipeline": pipelines.get,
            "ListPipelines": pipelines.list,
            "TagResource": pipelines.tag,
            "UntagResource": pipelines.untag,
            "ListTagsForResource": pipelines.tags,
        }

    def _of_executions(self) -> dict[str, Operation]:
        control = self._control
        return {
            "GetPipelineState": self._on("name", lambda pipeline, *_: state.state(pipeline)),
            "GetPipelineExecution": self._read(history.execution),
            "ListPipelineExecutions": self._read(history.executions),
            "ListActionExecutions": self._read(history.actions),
            "ListRuleExecutions": self._read(history.rules),
            "StartPipelineExecution": self._on("name", self._starting.start),
            "StopPipelineExecution": self._read(control.stop),
            "RetryStageExecution": self._read(control.retry),
            "OverrideStageCondition": self._read(control.override),
            "RollbackStage": self._on("pipelineName", control.roll_back),
            "EnableStageTransition": self._on("pipelineName", control.enable),
            "DisableStageTransition": self._on("pipelineName", control.disable),
            "PutApprovalResult": self._on("pipelineName", self._approvals.put),
        }

    def _on(self, member: str, do: Callable[[Pipeline, dict[str, Any], Caller], dict[str, Any]]) -> Operation:
        return lambda params, caller: do(self._pipelines.of(caller, params[member]), params, caller)

    def _read(self, do: Callable[[Pipeline, dict[str, Any]], dict[str, Any]]) -> Operation:
        return self._on("pipelineName", lambda pipeline, params, _: do(pipeline, params))

    def _ruled(self, arn: str, rule_arn: str) -> None:
        """Start the pipeline that a rule's target is."""
        _, _, _, region, account, name = arn.split(":", 5)
        self._starting.by_itself(self._pipelines.at(Place(account, region), name), Trigger("CloudWatchEvent", rule_arn))

    def _pushed(self, push: RemotePush) -> None:
        """Start the pipelines that wait for a branch at a provider."""
        if not push.after or not push.reference.startswith(HEADS):
            return
        commit = self._provider.repository(push.connection, push.repository).commit(push.after)
        if commit is None:
            return
        branch = push.reference.removeprefix(HEADS)
        told = {
            "author-display-name": commit.author.name,
            "full-repository-name": push.repository,
            "provider-type": push.connection.provider,
            "author-email": commit.author.email,
            "commit-message": commit.message.rstrip("\n"),
            "branch-name": branch,
            "author-date": date(commit.author),
            "commit-id": commit.id,
            "connection-arn": push.connection.arn,
        }
        pushed = Push(push.connection.arn, push.repository, branch, commit.id, push.files, told)
        for pipeline in list(self._pipelines.all()):
            self._starting.pushed(pipeline, pushed)


def _providers(
    clock: Clock, codecommit: CodeCommit, connections: CodeConnections, codebuild: CodeBuild
) -> dict[str, Provider]:
    return {
        "S3 Source": S3Source(),
        "CodeCommit Source": CodeCommitSource(codecommit.source),
        "CodeStarSourceConnection Source": ConnectionSource(connections.source),
        "CodeBuild": Builds(codebuild.builds),
        "CloudFormation": CloudFormation(),
        "Manual": Approval(clock),
    }
