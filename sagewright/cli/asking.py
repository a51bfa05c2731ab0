"""Asks an endpoint, as any client would: rows out, predictions back, and the container's own words where it refuses."""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from sagewright.runtime.functions.client import Client

from .errors import CommandError

CSV, JSON = "text/csv", "application/json"
TYPES = {".csv": CSV, ".json": JSON}


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

    @classmethod
    def of_file(cls, file: Path) -> "Request":
        """Send a file as it is."""
        content_type = TYPES.get(file.suffix.lower())
        if content_type is None:
            raise CommandError(f"{file} is neither CSV nor JSON: its name has to end in .csv or .json.")
        if not file.is_file():
            raise CommandError(f"{file} is not there (or is no file).")
        return cls(file.read_bytes(), content_type)


@dataclass(frozen=True)
class Prediction:
    """What came back for one row: a label with the probabilities of all, or a value."""

    value: Any
    probabilities: dict[str, float]

    @property
    def probability(self) -> float | None:
        """How sure the model is of its label; None for a value, or a model without probabilities."""
        return self.probabilities.get(str(self.value))


def ask(runtime: Client, endpoint: str, request: Request) -> list[Prediction]:
    """Send one request; a refusal of the container becomes an error with its message."""
    try:
        response = runtime.invoke_endpoint(
            EndpointName=endpoint, Body=request.body, ContentType=request.content_type, Accept=JSON
        )
    except ClientError as error:
        raise _explained(error, endpoint) from error
    answers = json.loads(response["Body"].read())["predictions"]
    return [
        Prediction(each["label"] if "label" in each else each["value"], each.get("probabilities") or {})
        for each in answers
    ]


def _explained(error: ClientError, endpoint: str) -> Exception:
    code, message = error.response["Error"]["Code"], error.response["Error"]["Message"]
    if code == "ModelError":
        status = error.response.get("OriginalStatusCode")
        return CommandError(f"Endpoint {endpoint} answered {status}: {container_message(error)}")
    if code in {"ValidationError", "ValidationException"} and "not found" in message.lower():
        return CommandError(f"{message.rstrip('.')}. Nothing is released there yet: `sagewright release` does it.")
    return error


def container_message(error: ClientError) -> str:
    """Read the container's own message out of a ModelError."""
    original = str(error.response.get("OriginalMessage") or error.response["Error"]["Message"])
    try:
        return json.loads(original)["error"]
    except (ValueError, KeyError, TypeError):
        return original
