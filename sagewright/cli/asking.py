"""Asks an endpoint, as any client would: rows out, predictions back, and the container's own words where it refuses."""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from sagewright.project import Environment, Project, names
from sagewright.runtime.functions.client import Client

from . import log_tail
from .errors import CommandError
from .target import Target

SERVER_ERROR = 500
CSV, JSON = "text/csv", "application/json"


@dataclass(frozen=True)
class Request:
    """What is sent: a body and how it is written."""

    body: bytes
    content_type: str

    @classmethod
    def of_texts(cls, rows: Sequence[dict[str, str]]) -> "Request":
        """Write rows of texts as CSV with a header: the endpoint knows which columns are numbers."""
        written = io.StringIO(newline="")
        writer = csv.DictWriter(written, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        return cls(written.getvalue().encode(), CSV)

    @classmethod
    def of_objects(cls, rows: Sequence[str]) -> "Request":
        """Take rows given as JSON objects on the command line."""
        instances: list[Any] = []
        for row in rows:
            try:
                instance = json.loads(row)
            except ValueError as error:
                raise CommandError(
                    f"--row {row} is not JSON ({error}): give an object such as '{{\"age\": 42}}'."
                ) from error
            if not isinstance(instance, dict):
                raise CommandError(
                    f"--row {row} is not an object: give column names and values, such as '{{\"age\": 42}}'."
                )
            instances.append(instance)
        return cls(json.dumps({"instances": instances}).encode(), JSON)


@dataclass(frozen=True)
class Prediction:
    """What came back for one row: a label with the probabilities of all, or a value."""

    value: Any
    probabilities: dict[str, float]

    @property
    def probability(self) -> float | None:
        """How sure the model is of its label; None for a value, or a model without probabilities."""
        return self.probabilities.get(str(self.value))


@dataclass(frozen=True)
class Endpoint:
    """What is asked, and where it writes down why it could not answer."""

    name: str
    runtime: Client
    logs: Client

    @classmethod
    def of(cls, project: Project, target: Target, environment: Environment) -> "Endpoint":
        """Take the endpoint of an environment."""
        return cls(
            names.endpoint(project.name, environment.name),
            target.client("sagemaker-runtime", environment),
            target.client("logs", environment),
        )


def ask(endpoint: Endpoint, request: Request) -> list[Prediction]:
    """Send one request; a refusal of the container becomes an error with its message."""
    sent = datetime.now(UTC)
    try:
        response = endpoint.runtime.invoke_endpoint(
            EndpointName=endpoint.name, Body=request.body, ContentType=request.content_type, Accept=JSON
        )
    except ClientError as error:
        raise _explained(error, endpoint, sent) from error
    answers = json.loads(response["Body"].read())["predictions"]
    return [
        Prediction(each["label"] if "label" in each else each["value"], each.get("probabilities") or {})
        for each in answers
    ]


def _explained(error: ClientError, endpoint: Endpoint, sent: datetime) -> Exception:
    code, message = error.response["Error"]["Code"], error.response["Error"]["Message"]
    if code == "ModelError":
        status = int(str(error.response.get("OriginalStatusCode", 0)))
        said = f"Endpoint {endpoint.name} answered {status}: {container_message(error)}"
        return CommandError(said if status < SERVER_ERROR else f"{said.rstrip('.')}.{_log(error, endpoint.logs, sent)}")
    if code in {"ValidationError", "ValidationException"} and "not found" in message.lower():
        return CommandError(f"{message.rstrip('.')}. Nothing is released there yet: `sagewright release` does it.")
    return error


def _log(error: ClientError, logs: Client, sent: datetime) -> str:
    """Read the log that the error names: a stream of it, or the group alone."""
    _, _, place = str(error.response.get("LogStreamArn", "")).partition(":log-group:")
    group, _, stream = place.partition(":log-stream:")
    return log_tail.of_request(logs, group, stream or None, sent) if group else ""


def container_message(error: ClientError) -> str:
    """Read the container's own message out of a ModelError; a web server's page says no more than its status."""
    original = str(error.response.get("OriginalMessage") or error.response["Error"]["Message"])
    try:
        return json.loads(original)["error"]
    except (ValueError, KeyError, TypeError):
        return "the container failed" if original.lstrip().startswith("<") else original
