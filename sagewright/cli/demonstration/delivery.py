"""One run of `sagewright demo --delivery`: from a push to every endpoint, and back, in three accounts."""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

from botocore.exceptions import ClientError

from sagewright.cli import (
    audit,
    git_remote,
    on_the_way,
    pipeline_progress,
    registry,
    releasing,
    sandbox_person,
    training,
)
from sagewright.cli.asking import Endpoint
from sagewright.cli.errors import CommandError
from sagewright.cli.options import Options
from sagewright.cli.pipeline_progress import Ended
from sagewright.cli.target import Sandbox
from sagewright.project import Project, names
from sagewright.runtime.functions import code_pipelines, evidence, gates, promotion, rollback
from sagewright.runtime.functions.client import Client
from sagewright.runtime.functions.model_versions import APPROVED, REJECTED, Version
from sagewright.runtime.functions.training_start import Overrides

from .commits import Commits
from .traffic import Traffic

_LONGEST_S = 300

Found = TypeVar("Found")


@dataclass(frozen=True)
class Outcome:
    """What became of one version, in a sentence; `live` is what each environment serves afterwards."""

    what: str
    version: int | None
    end: str
    live: Mapping[str, int | None]
    answered: int = 0
    failed: int = 0

    @property
    def document(self) -> dict[str, Any]:
        """Write it for programs."""
        return dict(vars(self))


@dataclass(frozen=True)
class Delivery:
    """A project whose delivery is deployed, and what is done with it here."""

    options: Options
    project: Project
    target: Sandbox
    commits: Commits
    _shown: set[str] = field(default_factory=set)

    @cached_property
    def codepipeline(self) -> Client:
        """CodePipeline of the account that delivers."""
        return self.target.client("codepipeline", self.project.first)

    def connect(self) -> None:
        """Let a push go to the sandbox, and let the owner have messages."""
        git_remote.settle(self.project, self.target)
        for message in sandbox_person.inbox(self.target.running):
            if message.confirmation is not None:
                sandbox_person.confirm(self.target.running, message)

    def pushed(self, commit: str) -> str:
        """Push, and follow the build to its end; returns the training that it started."""
        pipeline = names.build_pipeline(self.project.name)
        before = self._trainings()
        self.commits.push()
        identity = self._wait(lambda: self._of_commit(pipeline, commit), f"no build of commit {commit} began")
        self._give_way(pipeline, identity)
        pipeline_progress.follow(self.options, self.project, self.target, pipeline, identity)
        return self._wait(
            lambda: next((each for each in self._trainings() if each not in before), None),
            f"the build of commit {commit} started no training",
        )

    def trained(self, execution: str) -> Version:
        """Follow a training; returns the version that it registered."""
        return training.watch(self.options, self.project, self.target, execution).version

    def trained_again(self) -> Version:
        """Train once more what is deployed: another version, whose steps come from the cache."""
        return self.trained(training.start(self.project, self.target, Overrides()))

    def refused(self, execution: str) -> Outcome:
        """Follow a training whose model must not be registered."""
        ended = training.follow(self.options, self.project, self.target, execution)
        if ended.status == "Succeeded":
            raise CommandError("The weak model was registered, although the evaluation should have refused it.")
        return self._outcome("a weak model", None, training.failure(self.project, self.target, ended))

    def released(self, version: Version) -> Outcome:
        """Approve a version, let it through the gate, and see it serve everywhere."""
        identity = self._to_gate(version)
        self._let_through(identity, "looks right in staging")
        if self._watch(identity).status != "Succeeded":
            raise CommandError(pipeline_progress.why(self.project, self.target, self._promotions, identity))
        self._require({each.name: version.number for each in self.project.serving})
        return self._outcome("a good model", version.number, "serves everywhere")

    def broken_in_staging(self, version: Version) -> Outcome:
        """Approve a version that answers otherwise than it was judged by."""
        before = self._live()
        identity = self._approve(version)
        self._watch(identity)
        why = pipeline_progress.why(self.project, self.target, self._promotions, identity)
        self._rolled_back(self.project.serving[0].name, version.number)
        self._require(before)
        return self._outcome("answers that differ online", version.number, why)

    def taken_back_by_its_canary(self, version: Version) -> Outcome:
        """Let a version into the last environment under requests, of which it fails at some."""
        before, place = self._live(), self.project.prod
        identity = self._to_gate(version)
        endpoint = Endpoint.of(self.project, self.target, place)
        usual, new = self._rows(version)
        with Traffic(endpoint, usual) as known, Traffic(endpoint, new) as unknown:
            self._let_through(identity, "let us see")
            self._watch(identity)
            why = pipeline_progress.why(self.project, self.target, self._promotions, identity)
            self._rolled_back(place.name, version.number)
        if known.failures or not unknown.failures:
            raise CommandError(
                f"Of the usual rows {len(known.failures)} failed, of the new ones {len(unknown.failures)}: none of the "
                f"first and some of the others should have. {(known.failures or [''])[0]}"
            )
        self._require({place.name: before[place.name]})
        told = self._outcome("rows that no table had", version.number, why)
        return Outcome(told.what, told.version, told.end, told.live, known.answered, len(known.failures))

    def taken_back_by_a_rejection(self, version: Version, back: Version) -> Outcome:
        """Reject what serves: what was verified there before serves again."""
        registry.decide(self.project, self.target, version, REJECTED, "the numbers were a coincidence")
        self.options.terminal.done(f"Version {version.number} is Rejected")
        for each in [each for each, number in self._live().items() if number == version.number]:
            summary = self._rolled_back(each, version.number)
            self.options.terminal.done(summary)
        self._require({self.project.prod.name: back.number})
        return self._outcome("the live version is rejected", version.number, f"version {back.number} serves again")

    def entries(self) -> list[dict[str, Any]]:
        """Read the record of all this."""
        return list(audit.entries(self.project, self.target, None))

    def messages(self) -> list[sandbox_person.Message]:
        """Read what the owner was told."""
        return [each for each in sandbox_person.inbox(self.target.running) if each.confirmation is None]

    @property
    def _promotions(self) -> str:
        return names.promotion_pipeline(self.project.name)

    def _approve(self, version: Version) -> str:
        registry.decide(self.project, self.target, version, APPROVED, "approved by the demo")
        self.options.terminal.done(f"Version {version.number} is Approved: its promotion starts by itself")
        return self._wait(
            lambda: next(
                (
                    each.id
                    for each in code_pipelines.running(self.codepipeline, self._promotions)
                    if each.variable(promotion.VERSION) == version.arn
                ),
                None,
            ),
            f"no promotion of version {version.number} began",
        )

    def _watch(self, identity: str, *, to_gate: bool = False) -> Ended:
        """Follow a promotion; what was shown before its gate is not shown again behind it."""
        return pipeline_progress.watch(
            self.options,
            self.project,
            self.target,
            self._promotions,
            identity,
            to_gate=to_gate,
            shown=self._shown,
        )

    def _to_gate(self, version: Version) -> str:
        identity = self._approve(version)
        ended = self._watch(identity, to_gate=True)
        if ended.status not in code_pipelines.RUNNING:
            raise CommandError(pipeline_progress.why(self.project, self.target, self._promotions, identity))
        return identity

    def _let_through(self, identity: str, words: str) -> None:
        gate = next(each for each in gates.waiting(self.codepipeline, self._promotions) if each.execution == identity)
        asked = on_the_way.question(self.codepipeline, gate)
        self.options.terminal.note(f"At the gate: {asked}")
        gates.answer(self.codepipeline, gate, gates.APPROVED, words)

    def _rolled_back(self, environment: str, leaving: int) -> str:
        """Follow the rollback of an environment; returns what it has decided."""
        pipeline = names.rollback_pipeline(self.project.name)

        def found() -> str | None:
            summaries = self.codepipeline.list_pipeline_executions(pipelineName=pipeline)["pipelineExecutionSummaries"]
            for each in summaries:
                one = code_pipelines.execution(self.codepipeline, pipeline, each["pipelineExecutionId"])
                wanted = (environment, str(leaving))
                if one and (one.variable(rollback.ENVIRONMENT), one.variable(rollback.LEAVING)) == wanted:
                    return one.id
            return None

        identity = self._wait(found, f"no rollback of {environment} began")
        ended = pipeline_progress.follow(self.options, self.project, self.target, pipeline, identity)
        return ended.told("Summary") or ended.status

    def _rows(self, version: Version) -> tuple[dict[str, str], dict[str, str]]:
        """Take a row that the model has never seen, and make one of it that no table ever had."""
        s3 = self.target.client("s3", self.project.first)
        (row,) = evidence.held_out(s3, version, 1).rows
        columns = evidence.baseline(s3, version)["columns"]
        numbers = [each["name"] for each in columns if each["type"] in {"number", "integer"} and each["name"] in row]
        return row, row | {numbers[0]: "-1"}

    def _live(self) -> dict[str, int | None]:
        found = {each.name: releasing.live(self.project, self.target, each) for each in self.project.serving}
        return {name: live.number if live is not None else None for name, live in found.items()}

    def _require(self, expected: Mapping[str, int | None]) -> None:
        found = self._live()
        wrong = [name for name, number in expected.items() if found[name] != number]
        if wrong:
            raise CommandError(f"In {wrong[0]} version {found[wrong[0]]} serves, and {expected[wrong[0]]} should.")

    def _outcome(self, what: str, version: int | None, end: str) -> Outcome:
        live = self._live()
        self.options.terminal.done(", ".join(f"{name} serves {number or 'nothing'}" for name, number in live.items()))
        return Outcome(what, version, end, live)

    def _of_commit(self, pipeline: str, commit: str) -> str | None:
        summaries = self.codepipeline.list_pipeline_executions(pipelineName=pipeline)["pipelineExecutionSummaries"]
        found = (each for each in summaries if commit in {one["revisionId"] for one in each.get("sourceRevisions", [])})
        return next((each["pipelineExecutionId"] for each in found), None)

    def _give_way(self, pipeline: str, identity: str) -> None:
        """End what is built of an earlier commit: nobody waits for it any more."""
        codebuild = self.target.client("codebuild", self.project.first)
        for other in code_pipelines.running(self.codepipeline, pipeline):
            if other.id == identity:
                continue
            code_pipelines.stop(self.codepipeline, pipeline, other.id, "A later commit is what is wanted.")
            for each in code_pipelines.actions(self.codepipeline, pipeline, other.id):
                build = each.get("output", {}).get("executionResult", {}).get("externalExecutionId")
                if each["stageName"] != "Source" and build:
                    with suppress(ClientError):  # it has ended by itself
                        codebuild.stop_build(id=build)

    def _trainings(self) -> list[str]:
        pages = self.target.client("sagemaker", self.project.first).list_pipeline_executions(
            PipelineName=names.training_pipeline(self.project.name)
        )
        return [each["PipelineExecutionArn"] for each in pages["PipelineExecutionSummaries"]]

    def _wait(self, reached: Callable[[], Found | None], absent: str) -> Found:
        deadline = time.monotonic() + _LONGEST_S
        while (found := reached()) is None:
            if time.monotonic() > deadline:
                raise CommandError(f"In {_LONGEST_S} s {absent}. See `sagewright releases`.")
            time.sleep(self.target.poll_s)
        return found
