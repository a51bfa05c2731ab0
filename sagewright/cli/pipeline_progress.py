"""Follows one execution of a pipeline of CodePipeline: its actions as they end, and its own end in words."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sagewright.project import Project
from sagewright.runtime.functions import code_pipelines, gates
from sagewright.runtime.functions.client import Client
from sagewright.runtime.functions.code_pipelines import RUNNING

from . import on_the_way
from .errors import CommandError
from .options import Options
from .target import Target
from .terminal import FAILED, OK, Checklist

_ENDED = {"Succeeded": OK, "Failed": FAILED, "Abandoned": FAILED}


@dataclass(frozen=True)
class Ended:
    """How an execution has ended, and what its actions told."""

    status: str
    actions: Sequence[Mapping[str, Any]]

    def told(self, variable: str) -> str | None:
        """Read what an action has exported under a name; None where none did."""
        for each in self.actions:
            value = each.get("output", {}).get("outputVariables", {}).get(variable)
            if value is not None:
                return str(value)
        return None


def follow(options: Options, project: Project, target: Target, pipeline: str, identity: str) -> Ended:
    """Show the actions until the execution has ended; raises with the reason where it has failed."""
    ended = watch(options, project, target, pipeline, identity)
    if ended.status == "Failed":
        raise CommandError(why(project, target, pipeline, identity))
    return ended


def watch(  # noqa: PLR0913 - what is watched, and how far
    options: Options,
    project: Project,
    target: Target,
    pipeline: str,
    identity: str,
    *,
    to_gate: bool = False,
    shown: set[str] | None = None,
) -> Ended:
    """Show the actions until the execution has ended, in whatever way; or, if asked for, until it asks somebody.

    Give a set to have only those shown that are not in it, and those that are shown put into it.
    """
    codepipeline = target.client("codepipeline", project.first)
    shown = set() if shown is None else shown
    with options.terminal.checklist() as checklist:
        while True:
            status = _status(codepipeline, pipeline, identity)
            actions = code_pipelines.actions(codepipeline, pipeline, identity)
            _show(checklist, actions, shown)
            if status not in RUNNING or (to_gate and _asks(codepipeline, pipeline, identity)):
                return Ended(status, actions)
            time.sleep(target.poll_s)


def _asks(codepipeline: Client, pipeline: str, identity: str) -> bool:
    return any(gate.execution == identity for gate in gates.waiting(codepipeline, pipeline))


def _status(codepipeline: Client, pipeline: str, identity: str) -> str:
    execution = code_pipelines.execution(codepipeline, pipeline, identity)
    if execution is None:
        raise CommandError(f"Pipeline {pipeline} does not know its execution {identity} any more.")
    return execution.status


def _show(checklist: Checklist, actions: Sequence[Mapping[str, Any]], shown: set[str]) -> None:
    for each in reversed(actions):
        name = f"{each['stageName']}: {each['actionName']}"
        if each["status"] in _ENDED and each["actionExecutionId"] not in shown:
            shown.add(each["actionExecutionId"])
            took = (each["lastUpdateTime"] - each["startTime"]).total_seconds()
            checklist.finished(name, seconds=took, mark=_ENDED[each["status"]])
        elif each["status"] == "InProgress":
            checklist.running(name)


def why(project: Project, target: Target, pipeline: str, identity: str) -> str:
    """Say where an execution failed, and why."""
    failed = code_pipelines.failure(target.client("codepipeline", project.first), pipeline, identity)
    if failed is None:
        return f"{pipeline} failed, and CodePipeline names no action that did: {identity}."
    reason = on_the_way.reason(project, target, failed).rstrip(".")
    return f"{pipeline} failed at {failed.stage} ({failed.action}): {reason}. Its execution is {identity}."
