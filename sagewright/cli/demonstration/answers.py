"""What the endpoint says: to rows it has never seen, and to a row that is wrong."""

import time
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from sagewright.cli.asking import Endpoint, Prediction, Request, ask, container_message
from sagewright.cli.errors import CommandError
from sagewright.cli.target import Target
from sagewright.project import Project
from sagewright.runtime.functions import evidence
from sagewright.runtime.functions.evidence import HeldOut
from sagewright.runtime.functions.model_versions import Version

SINGLE_REQUESTS = 20
BATCH_ROWS = 500


@dataclass(frozen=True)
class Answers:
    """Predictions of held-out rows with the time that each single one took, and how a wrong row was refused."""

    known: HeldOut
    predictions: list[Prediction]
    requests: int
    refusal: dict[str, Any]
    latencies_ms: list[float]
    with_truth: float
    with_evaluation: float

    @property
    def median_ms(self) -> float:
        """The time that half of the single rows took at most."""
        return sorted(self.latencies_ms)[len(self.latencies_ms) // 2]


def collect(project: Project, target: Target, version: Version) -> Answers:
    """Send held-out rows: one at a time, many at once, and one that is wrong."""
    s3 = target.client("s3", project.first)
    known = evidence.held_out(s3, version, BATCH_ROWS)
    endpoint = Endpoint.of(project, target, project.serving[0])
    latencies: list[float] = []
    for row in known.rows[:SINGLE_REQUESTS]:
        began = time.monotonic()
        ask(endpoint, Request.of_texts([row]))
        latencies.append((time.monotonic() - began) * 1000)
    predictions = ask(endpoint, Request.of_texts(known.rows))
    recorded = evidence.recorded_predictions(s3, version)
    said = [str(prediction.value) for prediction in predictions]
    return Answers(
        known=known,
        predictions=predictions,
        requests=len(latencies) + 2,
        refusal=_refused(endpoint, known),
        latencies_ms=latencies,
        with_truth=_share(said, known.truths),
        with_evaluation=_share(said, [recorded[record] for record in known.records]),
    )


def _refused(endpoint: Endpoint, known: HeldOut) -> dict[str, Any]:
    """Send a word where the model wants a number, and keep what the client sees."""
    number = next(name for name, text in known.rows[0].items() if _is_number(text))
    try:
        endpoint.runtime.invoke_endpoint(
            EndpointName=endpoint.name,
            ContentType="text/csv",
            Body=Request.of_texts([known.rows[0] | {number: "many"}]).body,
        )
    except ClientError as error:
        return {
            "code": error.response["Error"]["Code"],
            "status": error.response["ResponseMetadata"]["HTTPStatusCode"],
            "container_status": error.response.get("OriginalStatusCode"),
            "message": container_message(error),
        }
    raise CommandError(
        f"Endpoint {endpoint.name} took the word 'many' for the number {number}: it should have refused the row."
    )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _share(left: list[str], right: list[str]) -> float:
    """Share of positions at which both say the same."""
    return round(sum(one == other for one, other in zip(left, right, strict=True)) / len(left), 4)
