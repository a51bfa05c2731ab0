"""Proves that an endpoint does what was judged: real requests with rows that no training saw, and their answers.

The rows, their order and what is expected of each were recorded when the version was evaluated; nothing here draws
lots. The answers' times are taken after both content types have answered once, so that no start counts as slow.
"""

import csv
import io
import json
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from botocore.exceptions import ClientError, ConnectionError, ReadTimeoutError  # noqa: A004 - botocore's own

from . import evidence, id_request
from .client import Client
from .evidence import HeldOut
from .model_versions import Version
from .objects import Location, read_csv, read_json
from .refusal import Refused

CSV, JSON = "text/csv", "application/json"
MOST_ROWS = 1000
"""How many rows are kept with a version where it serves: as many as a verification may ask for."""
HELD_OUT = "held_out"
_RELATIVE = 1e-9
# Below this a probability or a value is nought: a relative difference of two such numbers says nothing.
_ABSOLUTE = 1e-12
_SHOWN = 3
_UNKNOWN_COLUMN = "sagewright_verifies_that_this_is_refused"
_NUMERIC = {"integer", "number"}


@dataclass(frozen=True)
class Demand:
    """What the project file asks of a release: `percentile` of the answers' times is at most `latency_ms`."""

    rows: int
    percentile: float
    latency_ms: int


@dataclass(frozen=True)
class Measured:
    """What was found: times in milliseconds, of one request with one row."""

    rows: int
    percentile: float
    latency_ms: float
    median_ms: float
    slowest_ms: float

    def __str__(self) -> str:
        return (
            f"{self.rows} rows answered as at the evaluation; {percentile_name(self.percentile)} {self.latency_ms:.0f} "
            f"ms, median {self.median_ms:.0f} ms, slowest {self.slowest_ms:.0f} ms"
        )


@dataclass(frozen=True)
class Expected:
    """Rows, and what the evaluation said of each: the prediction, and the score where there is one."""

    held_out: HeldOut
    types: dict[str, str]
    predictions: list[str]
    scores: list[str]
    positive_label: str | None
    is_regression: bool
    # A row by its ids alone, for a model that looks features up.
    by_id: dict[str, Any] | None = None


def copy_rows(s3: Client, version: Version, folder: Location) -> None:
    """Keep some of the version's held-out rows where it serves, so that it can be proved there later, too."""
    source = Location.parse(version.metadata["HeldOutUri"])
    for name in ("rows.csv", "truth.csv"):
        header, rows = read_csv(s3, source / name)
        written = io.StringIO(newline="")
        csv.writer(written, lineterminator="\n").writerows([header, *rows[:MOST_ROWS]])
        target = folder / HELD_OUT / name
        s3.put_object(Bucket=target.bucket, Key=target.key, Body=written.getvalue().encode(), ContentType=CSV)


def expected(s3: Client, folder: Location, count: int) -> Expected | None:
    """Read what a version's copy holds; None of one from before rows were kept."""
    try:
        held_out = evidence.held_out_in(s3, folder / HELD_OUT, count)
    except ClientError as error:
        if error.response["Error"]["Code"] in {"NoSuchKey", "404"}:
            return None
        raise
    _, rows = read_csv(s3, folder / "evaluation" / "predictions.csv")
    recorded = {record: (prediction, score) for record, _truth, prediction, score in rows}
    absent = [record for record in held_out.records if record not in recorded]
    if absent:
        raise Refused(
            f"The evaluation in {folder} has no prediction for record {absent[0]}: the version's record is not "
            "complete. Train a new version."
        )
    report = read_json(s3, folder / "evaluation" / "evaluation.json")
    schema = read_json(s3, folder / "baseline" / "schema.json")
    positive = report.get("positive_label")
    return Expected(
        held_out,
        {column["name"]: column["type"] for column in schema["columns"]},
        [recorded[record][0] for record in held_out.records],
        [recorded[record][1] for record in held_out.records],
        None if positive is None else str(positive),
        is_regression="classes" not in report,
        by_id=id_request.row(schema, held_out),
    )


def check(runtime: Client, endpoint: str, known: Expected, demand: Demand) -> Measured:
    """Send all rows in both content types, a wrong one, one by its ids, then each alone; refused in words of why."""
    asking = _Asking(runtime, endpoint)
    rows = known.held_out.rows
    for content_type in (CSV, JSON):
        answers = asking.ask(_body(rows, known.types, content_type), content_type)
        _compare(endpoint, known, answers, range(len(rows)), content_type)
    asking.require_refusal()
    if known.by_id is not None:
        id_request.require_answer(runtime, endpoint, known.by_id)
    return _timed(asking, known, demand)


def _timed(asking: "_Asking", known: Expected, demand: Demand) -> Measured:
    """Send each row in a request of its own, one type after the other, until it is clear how slow they are."""
    rows, times = known.held_out.rows, list[float]()
    place = _place(demand.percentile, len(rows))
    may_be_slow = len(rows) - place - 1
    for number, row in enumerate(rows):
        content_type = (CSV, JSON)[number % 2]
        body = _body([row], known.types, content_type)
        began = time.perf_counter()
        answers = asking.ask(body, content_type)
        times.append((time.perf_counter() - began) * 1000)
        _compare(asking.endpoint, known, answers, range(number, number + 1), content_type)
        slow = [each for each in times if each > demand.latency_ms]
        if len(slow) > may_be_slow:
            raise Refused(_too_slow(asking.endpoint, times, slow, len(rows), demand))
    ordered = sorted(times)
    median = ordered[_place(50, len(ordered))]
    return Measured(len(rows), demand.percentile, ordered[place], median, ordered[-1])


def _too_slow(endpoint: str, times: Sequence[float], slow: Sequence[float], rows: int, demand: Demand) -> str:
    ordered = sorted(times)
    return (
        f"Endpoint {endpoint} is too slow: of {rows} requests with one row each, {len(slow)} of the first {len(times)} "
        f"took longer than {demand.latency_ms} ms, so {percentile_name(demand.percentile)} is above what "
        f"delivery.verify.latency_ms allows (median {ordered[_place(50, len(ordered))]:.0f} ms, slowest "
        f"{ordered[-1]:.0f} ms). Make the model or features() faster, take a larger serving.instances.type, or allow "
        "more in project.yaml."
    )


def percentile_name(percentile: float) -> str:
    """Name a percentile for people: p99."""
    return f"p{percentile:g}"


def _place(percentile: float, count: int) -> int:
    """Find where in `count` ordered values a percentile stands, by the nearest rank: a value that was measured."""
    return max(math.ceil(percentile / 100 * count), 1) - 1


def _body(rows: Sequence[dict[str, str]], types: dict[str, str], content_type: str) -> bytes:
    if content_type == JSON:
        instances = [{name: _typed(text, types.get(name, "")) for name, text in row.items()} for row in rows]
        return json.dumps({"instances": instances}).encode()
    written = io.StringIO(newline="")
    writer = csv.DictWriter(written, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return written.getvalue().encode()


def _typed(text: str, kind: str) -> Any:
    """Write a value as a client with JSON has it: a number as a number, and no value as null."""
    if text == "":
        return None
    if kind == "boolean" and text.lower() in {"true", "false"}:
        return text.lower() == "true"
    if kind in _NUMERIC:
        try:
            number = float(text)
        except ValueError:
            return text  # one of the words for no value, which the endpoint knows
        if not math.isfinite(number):
            return text
        return int(text) if kind == "integer" and text.lstrip("+-").isdigit() else number
    return text


@dataclass(frozen=True)
class _Asking:
    """Requests to one endpoint, whose errors become sentences."""

    runtime: Client
    endpoint: str

    def ask(self, body: bytes, content_type: str) -> list[dict[str, Any]]:
        """Send rows; returns the answer to each."""
        try:
            response = self.runtime.invoke_endpoint(
                EndpointName=self.endpoint, Body=body, ContentType=content_type, Accept=JSON
            )
            text = response["Body"].read()
        except ClientError as error:
            raise Refused(self._refusal(error, content_type)) from error
        except (ConnectionError, ReadTimeoutError) as error:
            raise Refused(
                f"Endpoint {self.endpoint} did not answer a request of type {content_type}: {error}"
            ) from error
        try:
            return json.loads(text)["predictions"]
        except (ValueError, KeyError, TypeError) as error:
            raise Refused(
                f"Endpoint {self.endpoint} answers a request of type {content_type} with something that is no JSON "
                f'object with "predictions": {_short(text)}'
            ) from error

    def _refusal(self, error: ClientError, content_type: str) -> str:
        status, said = _of_container(error)
        if status is None:
            code, message = error.response["Error"]["Code"], error.response["Error"]["Message"]
            return f"Endpoint {self.endpoint} could not be asked: {message} ({code})."
        if status < HTTPStatus.INTERNAL_SERVER_ERROR:
            return (
                f"Endpoint {self.endpoint} refuses content type {content_type} (status {status}): {_short(said)} "
                "Clients may send CSV and JSON, and these are rows that the evaluation could read."
            )
        return (
            f"Endpoint {self.endpoint} fails at a request of type {content_type} (status {status}): {_short(said)} "
            f"What its container wrote is in /aws/sagemaker/Endpoints/{self.endpoint}."
        )

    def require_refusal(self) -> None:
        """Make sure that a row with a column that does not exist is refused as the client's fault."""
        body = json.dumps({"instances": [{_UNKNOWN_COLUMN: 1}]}).encode()
        try:
            self.runtime.invoke_endpoint(EndpointName=self.endpoint, Body=body, ContentType=JSON, Accept=JSON)
        except ClientError as error:
            status, said = _of_container(error)
            if status == HTTPStatus.BAD_REQUEST:
                return
            raise Refused(
                f"Endpoint {self.endpoint} was sent a row with an unknown column and should have refused it with "
                f"status 400, but ended with {status or error.response['Error']['Code']}: "
                f"{_short(said or error.response['Error']['Message'])}"
            ) from error
        raise Refused(
            f"Endpoint {self.endpoint} was sent a row with an unknown column and answered it as if it were right: its "
            "clients would not notice that they send something else than the model was trained on."
        )


def _of_container(error: ClientError) -> tuple[int | None, str]:
    """Read which status the container answered with, and what it said."""
    response: Any = error.response
    return response.get("OriginalStatusCode"), str(response.get("OriginalMessage", ""))


def _compare(
    endpoint: str, known: Expected, answers: Sequence[dict[str, Any]], places: range, content_type: str
) -> None:
    """Hold answers to what was recorded for the rows at these places."""
    if len(answers) != len(places):
        raise Refused(f"Endpoint {endpoint} gave {len(answers)} predictions for {len(places)} rows ({content_type}).")
    wrong = [
        told
        for answer, place in zip(answers, places, strict=True)
        if (told := _difference(known, answer, place)) is not None
    ]
    if wrong:
        shown = "; ".join(wrong[:_SHOWN])
        raise Refused(
            f"Endpoint {endpoint} predicts something else than the evaluation recorded for {len(wrong)} of "
            f"{len(places)} held-out rows ({content_type}): {shown}. It does not run the model that was judged, or its "
            "features() and predict() give other results on the endpoint's machine, or for rows in other company."
        )


def _difference(known: Expected, answer: dict[str, Any], place: int) -> str | None:
    record, prediction, score = known.held_out.records[place], known.predictions[place], known.scores[place]
    if known.is_regression:
        value = answer.get("value")
        if value is None or not _equal(float(value), float(prediction)):
            return f"record {record}: {value} instead of {prediction}"
        return None
    label = answer.get("label")
    if str(label) != prediction:
        return f"record {record}: {label} instead of {prediction}"
    probabilities = answer.get("probabilities")
    if score and known.positive_label is not None and probabilities:
        probability = probabilities[known.positive_label]
        if not _equal(float(probability), float(score)):
            return f"record {record}: probability {probability} instead of {score}"
    return None


def _equal(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=_RELATIVE, abs_tol=_ABSOLUTE)


def _short(text: str | bytes, length: int = 300) -> str:
    shown = " ".join((text.decode("utf-8", "replace") if isinstance(text, bytes) else text).split())
    return f"{shown[:length]}…" if len(shown) > length else shown or "nothing was said."
