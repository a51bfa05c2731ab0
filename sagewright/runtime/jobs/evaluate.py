"""The Evaluate job: what the model artifact, as it would be served, says about rows that nothing was fitted on."""

import argparse
import csv
import json
import logging
import math
import tempfile
from pathlib import Path
from typing import Any

import joblib
import pandas as pd

from sagewright.runtime.jobs import champion, metrics, model_archive
from sagewright.runtime.jobs.champion import Challenge
from sagewright.runtime.jobs.feature_files import read_features
from sagewright.runtime.jobs.metrics import Judged
from sagewright.runtime.serving import schema, user_code
from sagewright.runtime.serving.errors import UserError
from sagewright.runtime.serving.handlers import MODEL_FILE
from sagewright.runtime.serving.predictions import Predictions, predict
from sagewright.runtime.serving.schema import Schema

logger = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the job is told."""
    parser.add_argument("--model", type=Path, required=True, help="folder with model.tar.gz")
    parser.add_argument("--test", type=Path, required=True, help="folder with the test rows' features")
    parser.add_argument("--output", type=Path, required=True, help="folder for evaluation.json and predictions.csv")
    parser.add_argument("--champion", type=Path, help="folder with the live version's model.tar.gz, or without")
    parser.add_argument("--champion-version", help="number of the live version, or none")
    parser.add_argument("--held-out", type=Path, help="folder with the test rows as a caller sends them")
    parser.add_argument("--metric", help="what the models are compared by")
    parser.add_argument("--direction", choices=("maximize", "minimize"), help="how a better model's metric differs")


def run(arguments: argparse.Namespace) -> None:
    """Predict the test rows and write down how good that is."""
    estimator, recorded = load(arguments.model / model_archive.FILE)
    X, y = read_features(arguments.test, recorded)
    predictions = user_code.call(lambda: predict(estimator, recorded, X), "predict() of the model")
    evaluation = report(recorded, y, predictions)
    evaluation["custom"] = custom(arguments.package, estimator, X, y)
    if arguments.champion is not None:
        evaluation["champion"] = champion.compare(_challenge(arguments), recorded, y, evaluation)
        logger.info("champion: %s", evaluation["champion"]["reason"])
    arguments.output.mkdir(parents=True, exist_ok=True)
    text = json.dumps(evaluation, indent=2, ensure_ascii=False, allow_nan=False)
    (arguments.output / "evaluation.json").write_text(text + "\n", encoding="utf-8")
    _write_predictions(arguments.output / "predictions.csv", recorded, y, predictions)
    for name, metric in evaluation[f"{recorded.problem}_metrics"].items():
        if "value" in metric:
            logger.info("%s: %.4f", name, metric["value"])
    if recorded.classes and predictions.probabilities is None:
        logger.info("log_loss is left out: the model has no predict_proba()")


def load(archive: Path) -> tuple[Any, Schema]:
    """Return the estimator and the schema of a model artifact."""
    with tempfile.TemporaryDirectory(prefix="model-") as folder:
        model_archive.unpack(archive, Path(folder))
        return joblib.load(Path(folder) / MODEL_FILE), Schema.load(Path(folder) / schema.FILE)


def _challenge(arguments: argparse.Namespace) -> Challenge:
    return Challenge(
        version=arguments.champion_version,
        champion=arguments.champion / model_archive.FILE,
        challenger=arguments.model / model_archive.FILE,
        held_out=arguments.held_out,
        metric=arguments.metric,
        greater_is_better=arguments.direction == "maximize",
    )


def report(recorded: Schema, y: pd.Series, predictions: Predictions) -> dict[str, Any]:
    """Return the evaluation in the form of Model Monitor's model quality report, and what is known beside it."""
    judged = Judged.of(y.tolist(), predictions, recorded)
    evaluation: dict[str, Any] = {
        f"{recorded.problem}_metrics": metrics.report(judged, recorded.problem),
        "problem": recorded.problem,
        "label": recorded.label,
        "rows": len(y),
    }
    if recorded.classes:
        evaluation["classes"] = [*recorded.classes]
        evaluation["positive_label"] = recorded.positive_label
        evaluation["classification_report"] = metrics.classification_report(judged)
    return evaluation


def custom(package: str, estimator: Any, X: pd.DataFrame, y: pd.Series) -> dict[str, float]:
    """Return the numbers of the data scientist's own evaluate(), if there is one."""
    evaluate = user_code.find(package, "evaluate")
    if evaluate is None:
        return {}
    numbers = user_code.call(evaluate, "evaluate()", estimator, X.copy(), y.copy())
    if not isinstance(numbers, dict):
        raise UserError(f"evaluate() returned {type(numbers).__qualname__}: it must return a dict of names and numbers")
    for name, number in numbers.items():
        if not isinstance(name, str) or not _is_finite(number):
            raise UserError(
                f"evaluate() returned {number!r} for {name!r}: it must return a finite number for each name"
            )
    return {name: float(number) for name, number in numbers.items()}


def _is_finite(number: Any) -> bool:
    try:
        return math.isfinite(number)
    except TypeError:
        return False


def _write_predictions(path: Path, recorded: Schema, y: pd.Series, predictions: Predictions) -> None:
    scores = [""] * len(y) if predictions.scores is None else predictions.scores.tolist()
    with path.open("w", encoding="utf-8", newline="") as lines:
        writer = csv.writer(lines, lineterminator="\n")
        writer.writerow([recorded.record_name, "truth", "prediction", "score"])
        writer.writerows(zip(y.index, y, predictions.predicted, scores, strict=True))
