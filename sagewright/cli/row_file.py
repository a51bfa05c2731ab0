"""Rows of a file for the endpoint: without the columns it is never given, and in parts that it can take."""

import csv
import io
import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .asking import CSV, JSON, Endpoint, Prediction, Request, ask
from .errors import CommandError

# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html: the body's length.
MOST_BYTES = 6_291_456
# The answer has a limit too, and may be longer than a short row.
MOST_ROWS = 10_000
# Around the rows of a JSON body, and between them.
ENVELOPE, BETWEEN = len('{"instances": []}'), len(", ")


@dataclass(frozen=True)
class ById:
    """What a file may hold in the place of features that the endpoint looks up: the columns that it looks up by."""

    keys: Collection[str] = ()
    looked_up: Collection[str] = ()

    def unseen(self, unseen: Sequence[str], columns: Collection[str]) -> list[str]:
        """Return what the endpoint is not to be sent: of a file with none of the features, no key."""
        is_by_id = bool(self.looked_up) and not any(name in self.looked_up for name in columns)
        return [name for name in unseen if not (is_by_id and name in self.keys)]


@dataclass(frozen=True)
class Rows:
    """The rows as texts that can be put behind one another, and the columns that were left out.

    `has_header` is None where only the endpoint can tell, which knows the columns.
    """

    content_type: str
    texts: list[str]
    has_header: bool | None
    dropped: list[str]


def read(file: Path, unseen: Sequence[str], by_id: ById | None = None) -> Rows:
    """Read a CSV or JSON file; the columns that the model has never seen are dropped."""
    readers = {".csv": _csv_rows, ".json": _json_rows}
    reader = readers.get(file.suffix.lower())
    if reader is None:
        raise CommandError(f"{file} is neither CSV nor JSON: its name has to end in .csv or .json.")
    if not file.is_file():
        raise CommandError(f"{file} is not there (or is no file).")
    try:
        rows = reader(file.read_text(encoding="utf-8-sig"), unseen, by_id or ById())
    except (ValueError, csv.Error) as error:
        raise CommandError(f"{file} cannot be read: {error}.") from error
    if len(rows.texts) == (1 if rows.has_header else 0):
        raise CommandError(f"{file} holds no row.")
    return rows


def _csv_rows(text: str, unseen: Sequence[str], by_id: ById) -> Rows:
    lines = io.StringIO(text, newline="").readlines()
    records = csv.reader(lines, strict=True)
    header: list[str] = next(records, [])
    dropped = [name for name in by_id.unseen(unseen, header) if name in header]
    if not dropped:
        return Rows(CSV, list(_records(lines)), has_header=None, dropped=[])
    kept = [position for position, name in enumerate(header) if name not in dropped]
    rows = [record for record in records if record]
    short = next((number for number, row in enumerate(rows, start=1) if len(row) != len(header)), None)
    if short is not None:
        raise ValueError(f"row {short} has {len(rows[short - 1])} values, its header {len(header)}")
    texts = [_written([row[position] for position in kept]) for row in (header, *rows)]
    return Rows(CSV, texts, has_header=True, dropped=dropped)


def _records(lines: list[str]) -> Iterator[str]:
    """Cut a file where its records end, which is not at every line: a quoted text may hold several."""
    reader, begin = csv.reader(lines, strict=True), 0
    for _ in reader:
        text = "".join(lines[begin : reader.line_num])
        yield text if text.endswith("\n") else text + "\n"
        begin = reader.line_num


def _written(values: list[str]) -> str:
    written = io.StringIO(newline="")
    csv.writer(written, lineterminator="\n").writerow(values)
    return written.getvalue()


def _json_rows(text: str, unseen: Sequence[str], by_id: ById) -> Rows:
    body: Any = json.loads(text)
    if isinstance(body, dict) and list(body) == ["instances"]:
        body = body["instances"]
    rows: list[Any] = body if isinstance(body, list) else [body]
    columns = {name for row in rows if isinstance(row, dict) for name in row}
    dropped = [name for name in by_id.unseen(unseen, columns) if name in columns]
    kept = [
        {name: value for name, value in row.items() if name not in dropped} if isinstance(row, dict) else row
        for row in rows
    ]
    return Rows(JSON, [json.dumps(row) for row in kept], has_header=False, dropped=dropped)


def ask_all(endpoint: Endpoint, rows: Rows) -> list[Prediction]:
    """Ask in as many requests as the limits make necessary; the predictions are in the order of the rows."""
    header, texts = ("", rows.texts) if not rows.has_header else (rows.texts[0], rows.texts[1:])
    predictions: list[Prediction] = []
    sent = 0
    while sent < len(texts):
        part = texts[sent : sent + _fitting(texts[sent : sent + MOST_ROWS], len(header.encode()))]
        try:
            answers = ask(endpoint, _request(rows.content_type, header, part))
        except CommandError as error:
            if len(part) == len(texts):
                raise
            raise CommandError(f"In the part of the file after row {len(predictions):,}: {error}") from error
        if sent == 0 and rows.has_header is None and len(answers) == sum(1 for text in part if text.strip()) - 1:
            header = texts[0]  # the endpoint took the first record for one, so every other part needs it too
        predictions += answers
        sent += len(part)
    return predictions


def _fitting(texts: Sequence[str], header: int) -> int:
    """Count how many of the rows one request can carry; a row that is too long alone is refused by the endpoint."""
    size = header + ENVELOPE
    for count, text in enumerate(texts):
        size += len(text.encode()) + BETWEEN
        if size > MOST_BYTES:
            return max(count, 1)
    return len(texts)


def _request(content_type: str, header: str, texts: Sequence[str]) -> Request:
    if content_type == CSV:
        return Request((header + "".join(texts)).encode(), CSV)
    return Request(f'{{"instances": [{", ".join(texts)}]}}'.encode(), JSON)
