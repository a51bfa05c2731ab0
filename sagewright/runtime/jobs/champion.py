"""The champion: what the version that is live says about the rows that judge a new one, and which of the two is better.

It answers through its own artifact, in a process of its own: its package and its runtime have the names of those that
are loaded here, and may be others. What it cannot answer is told and not held against the new model, because a table
that has changed must not keep the old model live for ever.
"""

import csv
import hashlib
import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sagewright.runtime.jobs import champion_answers, metrics, model_archive
from sagewright.runtime.jobs.metrics import Judged
from sagewright.runtime.serving.errors import UserError
from sagewright.runtime.serving.predictions import Predictions
from sagewright.runtime.serving.schema import Schema

# What a run is told where no version is live.
NOBODY = "none"
ROWS, TRUTH = "rows.csv", "truth.csv"
# Two shares of 200 rows that differ by one row differ by 0.005, and by a little less or more in binary.
_DECIMALS = 12


@dataclass(frozen=True)
class Challenge:
    """Who is compared with whom: the version that is live, the archives of both, the rows, and by which metric."""

    version: str
    champion: Path
    challenger: Path
    held_out: Path
    metric: str
    greater_is_better: bool

    @property
    def name(self) -> str:
        """The champion, for a sentence."""
        return f"version {self.version}, which is live,"


class NotComparedError(Exception):
    """Why there is no comparison; its text is a sentence without a full stop."""


def compare(challenge: Challenge, recorded: Schema, y: pd.Series, evaluation: dict[str, Any]) -> dict[str, Any]:
    """Return the group `champion` of the evaluation: y is the truth of the rows, by record id and in their order.

    `advantage` is in the metric's unit and positive where the new model is better; 0 where nothing was compared, for
    which `value` is None and `reason` says why.
    """
    _check_rows(challenge.held_out, recorded, y)
    number = None if challenge.version == NOBODY else int(challenge.version)
    try:
        own = _number(evaluation[f"{recorded.problem}_metrics"], challenge.metric, "the new model")
        value = _value(challenge, recorded, y)
    except NotComparedError as why:
        return {"version": number, "value": None, "advantage": 0.0, "compared": 0, "reason": str(why)}
    advantage = round(own - value if challenge.greater_is_better else value - own, _DECIMALS) + 0.0
    reason = f"{challenge.name} has {challenge.metric} {value:.6g} on the same rows"
    return {"version": number, "value": value, "advantage": advantage, "compared": 1, "reason": reason}


def _check_rows(folder: Path, recorded: Schema, y: pd.Series) -> None:
    """Hold the rows as callers send them to the features of the same rows: both lists are of the same records."""
    with (folder / TRUTH).open(encoding="utf-8", newline="") as lines:
        header, *records = csv.reader(lines)
    if header != [recorded.record_name, recorded.label] or [record for record, _ in records] != [*map(str, y.index)]:
        raise ValueError(f"{TRUTH} of the held-out rows does not list the {len(y)} records of the test features")


def _value(challenge: Challenge, recorded: Schema, y: pd.Series) -> float:
    """Return the champion's metric, by the code that measures the challenger."""
    if challenge.version == NOBODY:
        raise NotComparedError("there is nothing to compare with: no version is live")
    if not challenge.champion.exists():
        raise NotComparedError(f"there is nothing to compare with: {challenge.name} is not in the registry any more")
    if _hash(challenge.champion) == _hash(challenge.challenger):
        raise NotComparedError(f"there is nothing to compare with: the model is that of {challenge.name[:-1]}")
    answers = _ask(challenge)
    for part in ("problem", "label", "classes", "positive_label"):
        own = getattr(recorded, part)
        was, now = answers[part], [*own] if isinstance(own, tuple) else own
        if was != now:
            what = part.replace("_", " ")
            raise _silent(challenge, f"it knows the {what} {_shown(was)}, and the data has {_shown(now)}")
    judged = Judged.of(y.tolist(), _predictions(challenge, answers, len(y)), recorded)
    return _number(metrics.report(judged, recorded.problem), challenge.metric, challenge.name)


def _hash(archive: Path) -> bytes:
    with archive.open("rb") as content:
        return hashlib.file_digest(content, "sha256").digest()


def _ask(challenge: Challenge) -> dict[str, Any]:
    """Have the champion answer the rows. Raises NotComparedError where it refuses them or breaks down."""
    with tempfile.TemporaryDirectory(prefix="champion-") as name:
        folder = Path(name)
        try:
            model_archive.unpack(challenge.champion, folder / "model")
        except UserError as fault:
            raise _silent(challenge, str(fault)) from fault
        written = folder / "answers.json"
        # -I: neither the folder of the program nor the variables of this process name modules to it.
        program = [sys.executable, "-I", champion_answers.__file__]
        done = subprocess.run(  # noqa: S603 - a program of ours, in the interpreter of this one
            [*program, str(folder / "model"), str(challenge.held_out / ROWS), str(written)],
            env={**os.environ, "SAGEMAKER_SUBMIT_DIRECTORY": str(folder / "model" / "code")},
            cwd=folder,
            check=False,
        )
        if done.returncode != 0 or not written.exists():
            raise _silent(challenge, f"its process ended with code {done.returncode}; the log says more")
        answers: dict[str, Any] = json.loads(written.read_text(encoding="utf-8"))
    if "refusal" in answers:
        raise _silent(challenge, answers["refusal"])
    return answers


def _predictions(challenge: Challenge, answers: dict[str, Any], rows: int) -> Predictions:
    predicted = answers["predicted"]
    arrays = [None if answers[name] is None else np.asarray(answers[name]) for name in ("probabilities", "scores")]
    for each in (predicted, *arrays):
        if each is not None and len(each) != rows:
            raise _silent(challenge, f"it gave {len(each)} answers to {rows} rows")
    if any(each is not None and not np.isfinite(each).all() for each in arrays):
        raise _silent(challenge, "not all of its scores are finite numbers")
    return Predictions(predicted, *arrays)


def _number(measured: dict[str, Any], metric: str, of: str) -> float:
    value = measured.get(metric, {}).get("value")
    if value is None or not math.isfinite(value):
        raise NotComparedError(f"there is nothing to compare with: {of} has no {metric} on these rows")
    return float(value)


def _silent(challenge: Challenge, why: str) -> NotComparedError:
    return NotComparedError(f"{challenge.name} cannot answer these rows: {why}")


def _shown(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, Sequence) and not isinstance(value, str) else str(value)
