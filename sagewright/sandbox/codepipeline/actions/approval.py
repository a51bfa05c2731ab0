"""Why: a gate stays shut until a person has decided or its time is over; until then whoever is asked has been told.

https://docs.aws.amazon.com/codepipeline/latest/userguide/approvals-json-format.html
"""

import json
import uuid
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from ...clock import Clock
from ..catalogue import MOST_CUSTOM_DATA
from ..failures import ActionError, refused
from .action import Done, Job

DEFAULT_MINUTES = 7 * 24 * 60
_MINUTE_S = 60
_SUBJECT_LENGTH = 100


class Approval:
    """Opens a gate's question; the answer comes by PutApprovalResult, or by the clock."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def perform(self, job: Job) -> Done | None:
        """Ask, and tell the topic."""
        run = job.run
        if len(job.configuration.get("CustomData", "")) > MOST_CUSTOM_DATA:
            problem = f"CustomData is longer than {MOST_CUSTOM_DATA} characters once its variables are resolved"
            raise ActionError("ConfigurationError", problem)
        minutes = run.declaration.get("timeoutInMinutes") or DEFAULT_MINUTES
        token, deadline_s = str(uuid.uuid4()), self._clock.now() + minutes * _MINUTE_S
        if topic := job.configuration.get("NotificationArn"):
            request = _message(job, token, deadline_s)
            sns = job.acting.get("sns", "", topic.split(":")[3])
            try:
                sns.publish(TopicArn=topic, **request)
            except ClientError as error:
                raise refused(error, f"notify the topic {topic}") from error
        run.deadline_s = deadline_s
        run.external_url = job.configuration.get("ExternalEntityLink", "")
        run.token = token  # from here on it can be answered
        return None


def _message(job: Job, token: str, deadline_s: float) -> dict[str, Any]:
    """Return what SNS publishes: JSON for programs, a letter for people."""
    region, stage, action = job.place.region, job.run.stage, job.run.name
    console = f"https://console.aws.amazon.com/codesuite/codepipeline/pipelines/{job.pipeline}/view?region={region}"
    review = f"{console}#/{stage}/{action}/approve/{token}"
    link, custom = job.configuration.get("ExternalEntityLink"), job.configuration.get("CustomData")
    expires = datetime.fromtimestamp(deadline_s, UTC).strftime("%Y-%m-%dT%H:%MZ")
    document = {
        "region": region,
        "consoleLink": console,
        "approval": {
            "pipelineName": job.pipeline,
            "stageName": stage,
            "actionName": action,
            "token": token,
            "expires": expires,
            "externalEntityLink": link,
            "approvalReviewLink": review,
            "customData": custom,
        },
    }
    lines = [
        "Hello,",
        "The following approval action is waiting for your response:",
        f"Pipeline: {job.pipeline}\nStage: {stage}\nAction: {action}\nRegion: {region}",
        f"Approve or reject: {review}",
        *([f"Additional information: {custom}"] if custom else []),
        *([f"Content to review: {link}"] if link else []),
        f"This request expires on {expires}.",
    ]
    texts = {"default": json.dumps(document), "email": "\n\n".join(lines)}
    subject = f"APPROVAL NEEDED: AWS CodePipeline {job.pipeline} for action {action}"
    return {"Message": json.dumps(texts), "MessageStructure": "json", "Subject": subject[:_SUBJECT_LENGTH]}
