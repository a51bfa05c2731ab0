"""What waits for a person in a promotion: the gate before the last environment, and changes of what lies below one."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from . import code_pipelines
from .client import Client

APPROVED, REJECTED = "Approved", "Rejected"
CHANGES = "-changes"
"""How the stage is named, after its environment, that changes what a release rests on."""
# https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_ApprovalResult.html
_SUMMARY_LENGTH = 512


@dataclass(frozen=True)
class Gate:
    """One approval that is asked for at this moment; its token is what an answer is given with."""

    pipeline: str
    execution: str
    stage: str
    action: str
    since: datetime
    token: str
    identity: str

    def environment(self, last: str) -> str:
        """Say to which environment it leads: the gate itself stands before the last one."""
        return self.stage.removesuffix(CHANGES) if self.stage.endswith(CHANGES) else last


def waiting(codepipeline: Client, pipeline: str) -> Iterator[Gate]:
    """Find the approvals that are asked for: of the actions in progress those with a token to answer with."""
    for name, stage in code_pipelines.stages(codepipeline, pipeline).items():
        last = code_pipelines.last_in(stage)
        for action in stage.get("actionStates", []):
            latest = action.get("latestExecution", {})
            if last is None or latest.get("status") != "InProgress" or "token" not in latest:
                continue
            yield Gate(
                pipeline,
                last[0],
                name,
                action["actionName"],
                latest["lastStatusChange"],
                latest["token"],
                latest.get("actionExecutionId", latest["token"]),
            )


def answer(codepipeline: Client, gate: Gate, status: str, words: str) -> None:
    """Say yes or no; CodePipeline keeps who did, and these words."""
    said = " ".join(words.split())[:_SUMMARY_LENGTH]
    codepipeline.put_approval_result(
        pipelineName=gate.pipeline,
        stageName=gate.stage,
        actionName=gate.action,
        result={"summary": said, "status": status},
        token=gate.token,
    )
