"""Why: monitors look in S3 for what an endpoint was asked and answered, in SageMaker's layout and nowhere else.

A fleet collects the requests of a minute and writes them as one file of JSON lines, as the model's role. What AWS's
documents leave open is here: only requests that were answered are captured, and the event id is the request id.
https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-data-capture-endpoint.html
"""

import base64
import json
import random
import threading
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from ...clock import Clock
from ...errands import begin
from ...protocol import ApiError
from ..artifacts import split_s3_uri
from ..instances.available import refuse_others
from ..store import Record

MINUTE_S = 60
MOST_BYTES = 5_000_000
"""A file is written earlier once it would be larger."""
EVENT_VERSION = "0"
_WHOLE = 100
_MODES = {"Input": ("Input",), "Output": ("Output",), "InputAndOutput": ("Input", "Output")}

Write = Callable[[str, bytes], None]
"""Writes an object to a URI; what goes wrong is its own affair: captured data may be lost, requests may not."""


@dataclass(frozen=True)
class Payload:
    """One direction of a request: its bytes, and what its Content-Type header said."""

    content_type: str
    body: bytes


@dataclass(frozen=True)
class Exchange:
    """A request that was answered, with the ids by which it is found again."""

    request_id: str
    asked: Payload
    answered: Payload
    custom_attributes: str = ""
    inference_id: str = ""


@dataclass
class _Hour:
    """The lines that go into the same file: those of one hour."""

    began_s: float
    lines: list[bytes] = field(default_factory=list)
    size: int = 0


class Capture:
    """What one fleet captures, by its configuration's DataCaptureConfig."""

    def __init__(self, settings: Record, folder: str, clock: Clock, write: Write) -> None:
        """Write below DestinationS3Uri, in `folder`: the endpoint's and the variant's name."""
        self._settings = settings
        self._prefix = f"{settings['DestinationS3Uri'].rstrip('/')}/{folder}"
        self._modes = {mode for option in settings["CaptureOptions"] for mode in _MODES[option["CaptureMode"]]}
        self._clock = clock
        self._write = write
        self._lock = threading.Lock()
        self._hours: dict[int, _Hour] = {}

    def record(self, exchange: Exchange) -> None:
        """Take a sample's request up; it is written within a minute of the sandbox's clock."""
        if random.random() * _WHOLE >= self._settings["InitialSamplingPercentage"]:  # noqa: S311 - a sample, no secret
            return
        now_s = self._clock.now()
        line = json.dumps(self._event(exchange, now_s), ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        with self._lock:
            hour = self._hours.setdefault(int(now_s // 3600), _Hour(now_s))
            hour.lines.append(line)
            hour.size += len(line)
            is_full = hour.size >= MOST_BYTES
        if is_full:
            self.flush()

    def due(self, after_s: float) -> float | None:
        """Return when what was taken up is to be written: at the end of its first minute."""
        with self._lock:
            first = min((hour.began_s for hour in self._hours.values()), default=None)
        if first is None:
            return None
        return (max(first, after_s) // MINUTE_S + 1) * MINUTE_S

    def flush(self) -> None:
        """Write what was taken up so far."""
        with self._lock:
            hours = list(self._hours.values())
            self._hours.clear()
        for hour in hours:
            began = datetime.fromtimestamp(hour.began_s, UTC)
            name = f"{began:%Y/%m/%d/%H/%M-%S}-{began.microsecond // 1000:03d}-{uuid.uuid4()}.jsonl"
            self._write(f"{self._prefix}/{name}", b"".join(hour.lines))

    def _event(self, exchange: Exchange, now_s: float) -> Record:
        data: Record = {}
        if "Input" in self._modes:
            data["endpointInput"] = self._payload("INPUT", exchange.asked)
        if "Output" in self._modes:
            data["endpointOutput"] = self._payload("OUTPUT", exchange.answered)
        metadata: Record = {"eventId": exchange.request_id}
        if exchange.custom_attributes:
            metadata["customAttributes"] = [exchange.custom_attributes]
        if exchange.inference_id:
            metadata["inferenceId"] = exchange.inference_id
        metadata["inferenceTime"] = f"{datetime.fromtimestamp(now_s, UTC):%Y-%m-%dT%H:%M:%SZ}"
        return {"captureData": data, "eventMetadata": metadata, "eventVersion": EVENT_VERSION}

    def _payload(self, mode: str, payload: Payload) -> Record:
        encoding, data = self._encoded(payload)
        return {"observedContentType": payload.content_type, "mode": mode, "data": data, "encoding": encoding}

    def _encoded(self, payload: Payload) -> tuple[str, str]:
        """Return encoding and text: a content type that the configuration does not name is kept in base64."""
        kind = payload.content_type.partition(";")[0].strip().lower()
        headers = self._settings.get("CaptureContentTypeHeader", {})
        for encoding, member in (("CSV", "CsvContentTypes"), ("JSON", "JsonContentTypes")):
            if kind in map(str.lower, headers.get(member, ())):
                try:
                    return encoding, payload.body.decode()
                except UnicodeDecodeError:
                    break
        return "BASE64", base64.b64encode(payload.body).decode()


class Captures:
    """All captures that are open, as the clock sees them: an agenda of writes."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._open: dict[Capture, str] = {}
        clock.add(self)

    def open(self, endpoint: str, variant: str, settings: Record, write: Write) -> Capture:
        """Begin to capture the requests of one fleet."""
        capture = Capture(settings, f"{endpoint}/{variant}", self._clock, write)
        with self._lock:
            self._open[capture] = f"capture of endpoint {endpoint}"
        return capture

    def close(self, capture: Capture) -> None:
        """Write what is left, because the fleet goes."""
        with self._lock:
            self._open.pop(capture, None)
        capture.flush()

    def due(self, after_s: float) -> float | None:
        """Return when the next file is to be written."""
        return min((due for due in (each.due(after_s) for each in self._now_open()) if due), default=None)

    def happen(self, at_s: float) -> None:
        """Write the files of the minute that has just ended."""
        for capture, what in self._now_open().items():
            moment = capture.due(at_s - MINUTE_S)
            if moment is not None and moment <= at_s:
                begin(self._clock, what, capture.flush)

    def _now_open(self) -> dict[Capture, str]:
        with self._lock:
            return dict(self._open)


def is_on(settings: Record | None) -> bool:
    """Tell whether a DataCaptureConfig captures anything; left out, EnableCapture is true."""
    return bool(settings) and settings.get("EnableCapture", True) and settings["InitialSamplingPercentage"] > 0


def described(settings: Record) -> Record:
    """Return DataCaptureConfig as DescribeEndpoint summarizes it."""
    enabled = settings.get("EnableCapture", True)
    return {
        "EnableCapture": enabled,
        "CaptureStatus": "Started" if enabled else "Stopped",
        "CurrentSamplingPercentage": settings["InitialSamplingPercentage"],
        "DestinationS3Uri": settings["DestinationS3Uri"],
        "KmsKeyId": settings.get("KmsKeyId", ""),
    }


def check(where: str, settings: dict[str, Any]) -> None:
    """Refuse a DataCaptureConfig that could not be followed."""
    known = {
        *("EnableCapture", "InitialSamplingPercentage", "DestinationS3Uri", "KmsKeyId", "CaptureOptions"),
        "CaptureContentTypeHeader",
    }
    refuse_others(where, settings, known)
    bucket, _ = split_s3_uri(settings["DestinationS3Uri"])
    if not bucket:
        raise ApiError(
            "ValidationException", f"{where}.DestinationS3Uri: {settings['DestinationS3Uri']} has no bucket."
        )
    _refuse_repeated(f"{where}.CaptureOptions", [option["CaptureMode"] for option in settings["CaptureOptions"]])
    headers = settings.get("CaptureContentTypeHeader", {})
    if settings.get("CaptureContentTypeHeader") == {}:
        raise ApiError(
            "ValidationException",
            f"{where}.CaptureContentTypeHeader is empty: give CsvContentTypes or JsonContentTypes, or leave it out.",
        )
    kinds = [*headers.get("CsvContentTypes", ()), *headers.get("JsonContentTypes", ())]
    _refuse_repeated(f"{where}.CaptureContentTypeHeader", kinds)


def _refuse_repeated(where: str, values: Iterable[str]) -> None:
    given = [value.lower() for value in values]
    repeated = sorted({value for value in given if given.count(value) > 1})
    if repeated:
        raise ApiError("ValidationException", f"{where}: {repeated[0]} is given more than once.")
