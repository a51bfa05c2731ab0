"""The command line of the jobs, and how a failure reaches the person who reads it.

SageMaker shows the text of one file as the job's failure reason; the log keeps the traceback.
"""

import argparse
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

from sagewright.runtime.jobs import evaluate, monitor, preprocess, train
from sagewright.runtime.jobs.datasets import dataset
from sagewright.runtime.jobs.ingestion import ingest
from sagewright.runtime.serving.errors import UserError

# Both FailureReason and ExitMessage hold this many characters.
MOST_CHARACTERS = 1024


def run(arguments: Sequence[str], bundle: Path) -> int:
    """Run one program of the bundle and return its exit code."""
    parsed = _parser().parse_args(arguments, argparse.Namespace(bundle=bundle))
    program: Callable[[argparse.Namespace], None] = parsed.run
    try:
        program(parsed)
    except Exception as fault:  # noqa: BLE001 - whatever it is, it is this job's failure reason
        _print_traceback(fault)
        _report(_reason(parsed.program, fault), parsed.reason)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bundle", allow_abbrev=False)
    programs = parser.add_subparsers(dest="program", required=True)
    for name, module, option in (
        ("dataset", dataset, "--message"),
        ("ingest", ingest, "--message"),
        ("preprocess", preprocess, "--message"),
        ("train", train, "--failure"),
        ("evaluate", evaluate, "--message"),
        ("monitor", monitor, "--message"),
    ):
        program = programs.add_parser(name, allow_abbrev=False)
        if module is not ingest:  # each of its groups says which package transforms it
            program.add_argument("--package", required=True, help="import name of the data scientist's package")
        module.add_arguments(program)
        program.add_argument(option, dest="reason", type=Path, required=True, help="file for the failure reason")
        program.set_defaults(run=module.run)
    return parser


def _print_traceback(fault: Exception) -> None:
    """Print where it happened: for a fault in the data scientist's code that is there, not on our way to it."""
    cause = fault.__cause__ if isinstance(fault, UserError) else None
    traceback.print_exception(cause or fault)


def _reason(program: str, fault: Exception) -> str:
    text = str(fault) if isinstance(fault, UserError) else f"{program}: {type(fault).__name__}: {fault}"
    return " ".join(text.split())[:MOST_CHARACTERS]


def _report(reason: str, path: Path) -> None:
    """Write the reason where SageMaker looks for it, and as the last line of the log."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(reason, encoding="utf-8")
    sys.stdout.flush()
    sys.stderr.write(f"{reason}\n")
