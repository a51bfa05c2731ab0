"""Why: what a monitoring schedule finds must come from the captured requests by Model Monitor's documented rules.

Started as a program in a container: it reads what the documented environment names and writes statistics.json,
constraints.json and constraint_violations.json; its argument is the file for the job's exit message.
https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-byoc-containers.html
"""

import importlib.util
import inspect
import json
import logging
import os
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from .checks import AnalysisError, violations
from .columns import Column

Document = dict[str, Any]
Handler = Callable[[SimpleNamespace], Any]

STAND_IN = "(A stand-in of the sandbox ran, not AWS's container.)"
_SCALARS = (str, int, float, bool, type(None))


def main() -> None:
    """Analyze one window, and exit with 255 where that is impossible, as the container does."""
    message = Path(sys.argv[1])
    message.parent.mkdir(parents=True, exist_ok=True)
    message.write_text(STAND_IN)
    code = 0
    try:
        found = len(_analyze())
        said = "Completed: Job completed successfully with no violations."
        if found:
            said = f"CompletedWithViolations: Job completed successfully with {found} violations."
    except AnalysisError as error:
        said, code = f"Error: {error}", 255
    message.write_text(f"{said} {STAND_IN}")
    print(said, STAND_IN)  # noqa: T201 - the container's log is its standard output
    sys.exit(code)


def _analyze() -> list[Document]:
    environment = os.environ
    constraints = json.loads(Path(environment["baseline_constraints"]).read_text())
    statistics = json.loads(Path(environment["baseline_statistics"]).read_text())
    window = tuple(_time(environment[name]) for name in ("start_time", "end_time"))
    rows, columns = 0, defaultdict[str, Column](Column)
    for row in _rows(Path(environment["dataset_source"]), window, _handler(environment["record_preprocessor_script"])):
        rows += 1
        for name, value in row.items():
            columns[name].add(value)
    for column in columns.values():
        column.missing += rows - column.seen
    found = violations(columns, rows, statistics, constraints)
    output = Path(environment["output_path"])
    output.mkdir(parents=True, exist_ok=True)
    files = {
        "statistics.json": {
            "version": 0.0,
            "dataset": {"item_count": rows},
            "features": [column.statistics(name) for name, column in columns.items()],
        },
        "constraints.json": {
            "version": 0.0,
            "features": [column.constraints(name) for name, column in columns.items()],
            "monitoring_config": constraints["monitoring_config"],
        },
        "constraint_violations.json": {"violations": found},
    }
    for name, content in files.items():
        (output / name).write_text(json.dumps(content, indent=2, ensure_ascii=False), encoding="utf-8")
    return found


def _rows(source: Path, window: tuple[datetime, ...], handler: Handler) -> Iterator[Document]:
    """Yield the flat rows of the records of the window; the files may hold more than that."""
    begin, end = window
    for path in sorted(source.rglob("*.jsonl")):
        for line in path.read_bytes().splitlines():  # a text's lines end at more than that
            record = json.loads(line)
            if begin <= _time(record["eventMetadata"]["inferenceTime"]) < end:
                yield from _flattened(handler, record)


def _flattened(handler: Handler, record: Document) -> Iterator[Document]:
    captured = record["captureData"]
    given = SimpleNamespace(
        endpoint_input=_part(captured.get("endpointInput")),
        endpoint_output=_part(captured.get("endpointOutput")),
        event_metadata=record["eventMetadata"],
        event_version=record["eventVersion"],
    )
    try:
        answer = handler(given)
    except Exception as error:
        raise AnalysisError(
            f"Exception while invoking preprocessing script: {type(error).__name__}: {error}"
        ) from error
    for row in answer if isinstance(answer, list) else [answer]:
        if not isinstance(row, dict) or not all(isinstance(value, _SCALARS) for value in row.values()):
            raise AnalysisError(f"The preprocessing script has to return flat dictionaries, but returned {row!r:.200}")
        yield row


def _part(part: Document | None) -> SimpleNamespace | None:
    """Return one direction as a preprocessing script may rely on it: its data and how that is encoded."""
    return SimpleNamespace(data=part["data"], encoding=part["encoding"]) if part else None


def _handler(script: str) -> Handler:
    """Return the script's preprocess_handler, which may take a logger besides."""
    specification = importlib.util.spec_from_file_location("record_preprocessor", script)
    if specification is None or specification.loader is None:
        raise AnalysisError(f"{Path(script).name} is no Python file.")
    module = importlib.util.module_from_spec(specification)
    try:
        specification.loader.exec_module(module)
        handler: Callable[..., Any] = module.preprocess_handler
    except Exception as error:
        raise AnalysisError(f"The preprocessing script cannot be loaded: {type(error).__name__}: {error}") from error
    if len(inspect.signature(handler).parameters) == 1:
        return handler
    return lambda record: handler(record, logging.getLogger("record_preprocessor"))


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


if __name__ == "__main__":
    main()
