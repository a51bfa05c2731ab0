"""The Preprocess job: raw data in, train and test features out, with the schema and the rows held out of training.

The split comes first and features() sees each side on its own, so nothing of the test rows can leak into training.
"""

import argparse
import csv
import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sagewright.runtime.jobs import baseline, labels, raw_data, row_times, splitting
from sagewright.runtime.jobs.datasets.joined_rows import Joined
from sagewright.runtime.jobs.feature_files import write_features
from sagewright.runtime.jobs.raw_data import RawData
from sagewright.runtime.serving import schema, user_code
from sagewright.runtime.serving.errors import UserError
from sagewright.runtime.serving.schema import Feature, Schema

logger = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the job is told."""
    parser.add_argument("--raw", type=Path, required=True, help="folder of the raw data")
    parser.add_argument("--output", type=Path, required=True, help="folder for train, test, baseline and held_out")
    parser.add_argument("--problem", choices=(labels.BINARY, labels.MULTICLASS, labels.REGRESSION), required=True)
    parser.add_argument("--label", required=True, help="column to predict")
    parser.add_argument("--positive-label", help="class that the score of a binary problem is of; default: the greater")
    parser.add_argument("--record-id", help="column that identifies a row; default: the row number, from 1")
    parser.add_argument("--event-time", help="column with the time of each row; the split by time needs it")
    parser.add_argument("--dataset", type=Path, help="folder with how the rows were joined; default: they were not")
    parser.add_argument("--split-by", choices=("stratified", "random", "time"), required=True)
    parser.add_argument("--test-fraction", type=float, required=True)


def run(arguments: argparse.Namespace) -> None:
    """Split the raw data, compute the features of each side, record the schema."""
    raw, joined = _rows(arguments)
    label = raw.column(arguments.label, "data.label")
    y = labels.read(label, raw.rows[label.name], arguments.problem)
    times = _times(raw, arguments, label.name)
    places = y.index
    y.index = _record_ids(raw, arguments.record_id, label.name).loc[places]
    classes = labels.classes(y, arguments.problem)
    if times is None:
        mask = splitting.held_out(y, arguments.split_by, arguments.test_fraction)
    else:
        mask = splitting.newest(times[places], arguments.test_fraction)
    if classes:
        splitting.check_classes(y, mask)

    features = user_code.find(arguments.package, "features")
    columns = tuple(column for column in raw.columns if column.name not in (label.name, arguments.record_id))
    if not columns:
        raise UserError("the raw data has no column beside the label and the record id: there is nothing to learn from")
    labelled = raw.rows[raw.rows[label.name].notna()][[column.name for column in columns]]
    requests = {"train": labelled[~mask].reset_index(drop=True), "test": labelled[mask].reset_index(drop=True)}
    X = {side: user_code.apply_features(features, rows) for side, rows in requests.items()}
    recorded = Schema(
        package=arguments.package,
        problem=arguments.problem,
        label=label.name,
        record_id=arguments.record_id,
        columns=columns,
        features=tuple(Feature(name, str(X["train"][name].dtype)) for name in X["train"].columns),
        classes=classes,
        positive_label=labels.positive(classes, arguments.problem, arguments.positive_label),
        event_time=arguments.event_time,
        lookups=joined.lookups if joined else (),
    )
    recorded.check_features(X["test"], "the test rows")

    sides = {"train": y[~mask], "test": y[mask]}
    for side, truth in sides.items():
        write_features(_folder(arguments.output, side), X[side], truth, recorded)
    _write_held_out(_folder(arguments.output, "held_out"), recorded, requests["test"], sides["test"])
    manifest = _manifest(raw, len(y), {side: len(truth) for side, truth in sides.items()})
    if joined:
        manifest["dataset"] = joined.manifest
    folder = _folder(arguments.output, "baseline")
    recorded.write(folder / schema.FILE, manifest)
    baseline.write(folder, requests["train"], recorded, arguments.bundle)
    logger.info("%(rows)d rows, of which %(rows_without_label)d are dropped because they have no label", manifest)
    logger.info("%(train_rows)d rows to train on, %(test_rows)d to test on", manifest)


def _rows(arguments: argparse.Namespace) -> tuple[RawData, Joined | None]:
    raw = raw_data.read(arguments.raw)
    if arguments.dataset is None:
        return raw, None
    joined = Joined.load(arguments.dataset)
    joined.check(raw)
    return joined.typed(raw), joined


def _times(raw: RawData, arguments: argparse.Namespace, label: str) -> np.ndarray | None:
    """Return the time of each row where the split goes by it. A column of times is looked at in any case."""
    if arguments.event_time is None:
        if arguments.split_by == "time":
            raise UserError("data.split.by is time, but data.event_time names no column: name the one with the times")
        return None
    if arguments.event_time == label:
        raise UserError(f"data.event_time and data.label are both {label}: no time is known before what is predicted")
    raw.column(arguments.event_time, "data.event_time")
    return row_times.read(raw, arguments.event_time).milliseconds if arguments.split_by == "time" else None


def _record_ids(raw: RawData, name: str | None, label: str) -> pd.Series:
    """Return each row's identity, which outputs carry so that a prediction can be traced back to its row."""
    if name is None:
        return pd.Series(range(1, len(raw.rows) + 1), name=schema.ROW_NUMBER)
    if name == label:
        raise UserError(
            f"data.record_id and data.label are both {name}: what identifies a row cannot be what is predicted"
        )
    raw.column(name, "data.record_id")
    ids = raw.rows[name]
    if ids.isna().any():
        raise UserError(f"data.record_id {name} is empty in {ids.isna().sum()} rows: every row needs its own")
    if not ids.is_unique:
        repeated = ids[ids.duplicated()]
        raise UserError(
            f"data.record_id {name} has {repeated.tolist()[0]!r} in more than one row: every row needs its own"
        )
    return ids


def _folder(output: Path, name: str) -> Path:
    folder = output / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _manifest(raw: RawData, labelled: int, rows: dict[str, int]) -> dict[str, Any]:
    return {
        **raw.manifest,
        "rows_without_label": raw.manifest["rows"] - labelled,
        "train_rows": rows["train"],
        "test_rows": rows["test"],
        # Given by whoever started the pipeline: the same version means the same listing of the input.
        "data_version": os.environ.get("DATA_VERSION"),
    }


def _write_held_out(folder: Path, recorded: Schema, requests: pd.DataFrame, truth: pd.Series) -> None:
    """Write the test rows as a caller would send them, and beside them what should come back."""
    texts = [column.texts(requests[column.name]) for column in recorded.columns]
    _write_csv(folder / "rows.csv", [column.name for column in recorded.columns], zip(*texts, strict=True))
    _write_csv(folder / "truth.csv", [recorded.record_name, recorded.label], zip(truth.index, truth, strict=True))


def _write_csv(path: Path, header: Sequence[str], rows: Any) -> None:
    with path.open("w", encoding="utf-8", newline="") as lines:
        writer = csv.writer(lines, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
