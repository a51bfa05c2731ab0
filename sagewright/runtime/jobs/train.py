"""The Training job: features in, a model artifact out that an endpoint can serve with nothing beside it."""

import argparse
import json
import logging
import shutil
from pathlib import Path
from typing import Any

import joblib
import pandas as pd

import sagewright
from sagewright.runtime.jobs.feature_files import read_features
from sagewright.runtime.serving import image_install, schema, user_code
from sagewright.runtime.serving.errors import UserError
from sagewright.runtime.serving.handlers import MODEL_FILE
from sagewright.runtime.serving.predictions import predict
from sagewright.runtime.serving.schema import Schema

logger = logging.getLogger(__name__)

# What the endpoint runs, below the folder of the sagewright package.
SERVED_CODE = ("__init__.py", "runtime/__init__.py", "runtime/serving")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the job is told."""
    parser.add_argument("--train", type=Path, required=True, help="folder with the training rows' features")
    parser.add_argument("--baseline", type=Path, required=True, help="folder with the schema")
    parser.add_argument("--model", type=Path, required=True, help="folder that becomes the model artifact")
    parser.add_argument("--hyperparameters", type=Path, required=True, help="JSON file, each value JSON of its own")


def run(arguments: argparse.Namespace) -> None:
    """Fit the model, see that it predicts this label, and write the artifact."""
    recorded = Schema.load(arguments.baseline / schema.FILE)
    X, y = read_features(arguments.train, recorded)
    hyperparameters = read_hyperparameters(arguments.hyperparameters)
    logger.info("fit: %d rows, %d features, hyperparameters %s", len(X), len(X.columns), json.dumps(hyperparameters))
    estimator = fit(arguments.package, X, y, hyperparameters)
    user_code.call(lambda: predict(estimator, recorded, X.head()), "predict() of the model")
    arguments.model.mkdir(parents=True, exist_ok=True)
    save(estimator, arguments.model / MODEL_FILE)
    shutil.copyfile(arguments.baseline / schema.FILE, arguments.model / schema.FILE)
    write_code(arguments.model / "code", arguments.package)
    logger.info("model: %s, %d bytes", type(estimator).__name__, (arguments.model / MODEL_FILE).stat().st_size)


def read_hyperparameters(path: Path) -> dict[str, Any]:
    """Return the hyperparameters. SageMaker carries only text, so the definition wrote each value as JSON."""
    texts: dict[str, str] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return {name: _value(text) for name, text in texts.items()}


def fit(package: str, X: pd.DataFrame, y: pd.Series, hyperparameters: dict[str, Any]) -> Any:
    """Return the estimator that the package fits. Raises UserError unless it can predict."""
    estimator = user_code.call(user_code.require(package, "fit"), "fit()", X.copy(), y.copy(), hyperparameters)
    if not callable(getattr(estimator, "predict", None)):
        kind = "None" if estimator is None else type(estimator).__qualname__
        raise UserError(f"fit() returned {kind}: it must return a fitted estimator, an object that has predict()")
    return estimator


def save(estimator: Any, path: Path) -> None:
    """Pickle the estimator. Raises UserError where it holds something that cannot be pickled."""
    try:
        joblib.dump(estimator, path)
    except Exception as fault:
        raise UserError(
            f"the model that fit() returned cannot be pickled: {fault}; it may hold no lambda, no function defined "
            "inside another one, no open file: define what it needs at the top level of a module"
        ) from fault


def write_code(folder: Path, package: str) -> None:
    """Write the program that the image imports, and beside it the runtime and the data scientist's package."""
    library = Path(sagewright.__path__[0])
    for part in SERVED_CODE:
        _copy(library / part, folder / library.name / part)
    _copy(Path(user_code.root(package)), folder / package)
    serving = Path(image_install.__file__).parent
    for program in ("inference.py", "image_install.py"):
        _copy(serving / program, folder / program)
    (folder / "pyproject.toml").write_text(image_install.PROJECT_FILE, encoding="utf-8")


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
    else:
        shutil.copyfile(source, target)


def _value(text: str) -> Any:
    """Return the value; one that is no JSON was typed by hand when the training was started, and is text."""
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text
