"""Asks a model artifact what it says about rows: a program that runs in a process of its own.

The artifact brings its own runtime and its own package, as to an endpoint, so nothing of ours is imported here. What
is read of an answer are attributes of the runtime that the artifact came with: later ones keep them.
"""

import csv
import importlib
import io
import json
import sys
from pathlib import Path
from typing import Any

_PARTS = ("probabilities", "scores")
_LONGEST = 500
# The runtime's own word for what a person reads as it is.
_TOLD = "UserError"


class RefusalError(Exception):
    """Why a model cannot be asked."""


def main(model: Path, rows: Path, written: Path) -> None:
    """Write the artifact's answers, or in its own words why it gives none."""
    try:
        answers = ask(model, rows)
    except Exception as fault:  # noqa: BLE001 - whatever it is, it is why there is no answer
        kind = type(fault).__name__
        text = str(fault) if isinstance(fault, RefusalError) or kind == _TOLD else f"{kind}: {fault}"
        answers = {"refusal": " ".join(text.split())[:_LONGEST]}
    written.write_text(json.dumps(answers), encoding="utf-8")


def ask(model: Path, rows: Path) -> dict[str, Any]:
    """Load the artifact as the image does, and hand it the rows as a caller would."""
    sys.path.insert(0, str(model / "code"))
    handlers = importlib.import_module("inference")
    served = handlers.model_fn(str(model))
    schema = served.schema
    body = request(rows, [column.name for column in schema.columns])
    answer = handlers.predict_fn(handlers.input_fn(body, "text/csv"), served)
    if isinstance(answer, Exception):
        raise RefusalError(answer)
    said = answer.predictions
    return {
        "problem": schema.problem,
        "label": schema.label,
        "classes": [*schema.classes],
        "positive_label": schema.positive_label,
        "predicted": [*said.predicted],
        **{name: None if (part := getattr(said, name)) is None else part.tolist() for name in _PARTS},
    }


def request(rows: Path, wanted: list[str]) -> str:
    """Return the rows with the columns that the model knows; others came to the data after it was trained."""
    with rows.open(encoding="utf-8", newline="") as lines:
        header, *records = csv.reader(lines, strict=True)
    absent = [name for name in wanted if name not in header]
    if absent:
        raise RefusalError(f"the data has no column {', '.join(absent)} any more")
    places = [header.index(name) for name in wanted]
    body = io.StringIO()
    writer = csv.writer(body, lineterminator="\n")
    writer.writerow(wanted)
    writer.writerows([record[place] for place in places] for record in records)
    return body.getvalue()


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
