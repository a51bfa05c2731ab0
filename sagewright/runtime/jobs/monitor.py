"""The Monitor job: an hour or a day of captured requests beside the baseline of the version that answered them."""

import argparse
import json
import logging
from pathlib import Path
from typing import Any

from sagewright.runtime.jobs import constraints, drift, statistics
from sagewright.runtime.jobs.capture_objects import CaptureObjects, Period
from sagewright.runtime.jobs.captured_rows import CapturedRows
from sagewright.runtime.jobs.statistics import write_json
from sagewright.runtime.serving import schema
from sagewright.runtime.serving.by_id import IdRows
from sagewright.runtime.serving.errors import UserError
from sagewright.runtime.serving.schema import Schema

logger = logging.getLogger(__name__)

HOURS = (1, 24)

_MOST_CHARACTERS = 1024


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the job is told."""
    parser.add_argument("--capture", required=True, help="place of the variant's captured records in S3")
    parser.add_argument("--region", required=True, help="region of that place")
    parser.add_argument("--window-end", required=True, help="time in ISO 8601; the window ends at its last whole hour")
    parser.add_argument("--window-hours", type=int, choices=HOURS, required=True)
    parser.add_argument("--baseline", type=Path, required=True, help="folder of the version's baseline")
    parser.add_argument("--output", type=Path, required=True, help="folder for the statistics and what they violate")


def run(arguments: argparse.Namespace) -> None:
    """Count the window's rows, compare them with the baseline, and write down both."""
    period = Period.ending(arguments.window_end, arguments.window_hours)
    recorded = Schema.load(_file(arguments.baseline, schema.FILE))
    ids = IdRows.of(recorded) if recorded.lookups else None
    captured = CapturedRows(recorded.columns, ids, recorded.event_time)
    for record in CaptureObjects(arguments.capture, arguments.region).records(period):
        captured.add(record)
    window = captured.window()
    wanted = json.loads(_file(arguments.baseline, constraints.FILE).read_text(encoding="utf-8"))
    before = statistics.read(json.loads(_file(arguments.baseline, statistics.FILE).read_text(encoding="utf-8")))
    findings = drift.find(before, wanted, window)

    arguments.output.mkdir(parents=True, exist_ok=True)
    violations = [violation.document() for finding in findings for violation in finding.violations]
    counts = {"rows": window.table.rows, "records": captured.records, "unreadable": captured.unreadable}
    if ids is not None:
        counts["by_id"] = captured.by_id
    for name, content in (
        (statistics.FILE, statistics.document(window.table)),
        (constraints.FILE, wanted),
        (drift.VIOLATIONS_FILE, {"violations": violations}),
        (drift.FILE, _report(period, counts, findings)),
    ):
        write_json(arguments.output / name, content)
    for violation in violations:
        logger.info("%(feature_name)s: %(constraint_check_type)s: %(description)s", violation)
    summary = _summary(period, counts, findings)
    logger.info(summary)
    # Not only a failure has a message: SageMaker shows this one as the job's ExitMessage.
    arguments.reason.parent.mkdir(parents=True, exist_ok=True)
    arguments.reason.write_text(summary[:_MOST_CHARACTERS], encoding="utf-8")


def _report(period: Period, counts: dict[str, int], findings: list[drift.Finding]) -> dict[str, Any]:
    return {
        "engine": "builtin",
        "window": period.document(),
        **counts,
        "columns": [finding.document() for finding in findings],
    }


def _summary(period: Period, counts: dict[str, int], findings: list[drift.Finding]) -> str:
    drifted = [finding.column for finding in findings if finding.violations]
    said = f"{len(drifted)} columns are not as in the baseline: {', '.join(drifted)}" if drifted else "no violation"
    by_id = f" ({counts['by_id']} of them by ids)" if counts.get("by_id") else ""
    numbers = f"{counts['rows']} rows{by_id} in {counts['records']} records, {counts['unreadable']} unreadable"
    return f"{period.start:%Y-%m-%d %H:%M} to {period.end:%Y-%m-%d %H:%M} UTC: {numbers}: {said}"


def _file(folder: Path, name: str) -> Path:
    if not (folder / name).is_file():
        raise UserError(f"the baseline has no {name}: train a version anew and release it, older ones have none")
    return folder / name
