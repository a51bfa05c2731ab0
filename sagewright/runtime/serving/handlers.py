"""The four functions that the managed scikit-learn image calls: once to load, then three for each request.

The image answers 500 to whatever they raise, and hands no schema to input_fn. So a request is read in predict_fn,
and one that is refused travels on as a value, to leave output_fn as a response with its own status.
"""

import csv
import io
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

import flask
import joblib
import numpy as np
import pandas as pd

from sagewright.runtime.serving import requests
from sagewright.runtime.serving.lookup import Lookups
from sagewright.runtime.serving.predictions import Predictions, predict
from sagewright.runtime.serving.schema import FILE, Schema
from sagewright.runtime.serving.user_code import apply_features, find

MODEL_FILE = "model.joblib"


@dataclass(frozen=True)
class Served:
    """A loaded model version."""

    estimator: Any
    schema: Schema
    features: Callable[[pd.DataFrame], pd.DataFrame] | None
    # How rows that hold ids alone get their features; None for a model whose rows were not joined.
    lookups: Lookups | None = None

    def raw(self, request: "Request") -> pd.DataFrame:
        """Return a request's rows as the training had them, looked up where they hold ids alone."""
        ids = self.lookups.ids if self.lookups else None
        rows, by_id = requests.read_either(request.content, request.content_type, self.schema.columns, ids)
        return self.lookups.joined(rows) if self.lookups and by_id else rows


@dataclass(frozen=True)
class Request:
    """A body as it came in."""

    content: str | bytes
    content_type: str


@dataclass(frozen=True)
class Answer:
    """Predictions, with what it takes to write them down."""

    predictions: Predictions
    schema: Schema
    request_type: str


def model_fn(model_dir: str) -> Served:
    """Load what training wrote into the model artifact; the package's code comes with it."""
    folder = Path(model_dir)
    schema = Schema.load(folder / FILE)
    features, lookups = find(schema.package, "features"), Lookups.of(schema, os.environ)
    return Served(joblib.load(folder / MODEL_FILE), schema, features, lookups)


def input_fn(content: str | bytes, content_type: str) -> Request:
    """Keep the body until the model's schema is at hand."""
    return Request(content, content_type)


def predict_fn(data: Request, model: Served) -> Answer | requests.RequestError:
    """Return the predictions for a request, or why it is refused."""
    try:
        raw = model.raw(data)
    except requests.RequestError as refusal:
        return refusal
    X = apply_features(model.features, raw)
    model.schema.check_features(X, "a request")
    return Answer(predict(model.estimator, model.schema, X), model.schema, requests.media_type(data.content_type))


def output_fn(prediction: Answer | requests.RequestError, accept: str) -> tuple[str, str] | flask.Response:
    """Write the answer in the form the caller accepts; without a wish of its own that is the request's."""
    if isinstance(prediction, requests.RequestError):
        return _refusal(str(prediction), prediction.status)
    wanted = _wanted(accept, prediction.request_type)
    if wanted == requests.JSON:
        return json.dumps({"predictions": _json_rows(prediction)}, allow_nan=False, ensure_ascii=False), wanted
    if wanted == requests.CSV:
        return _csv(prediction), wanted
    supported = f"send Accept: {requests.CSV} or {requests.JSON}"
    return _refusal(f"an answer of type {accept!r} is not supported: {supported}", HTTPStatus.NOT_ACCEPTABLE)


def _refusal(reason: str, status: HTTPStatus) -> flask.Response:
    body = json.dumps({"error": reason}, ensure_ascii=False)
    return flask.Response(body, status=status, mimetype=requests.JSON)


def _wanted(accept: str | None, request_type: str) -> str | None:
    """Return the form to answer in, or None where the caller accepts none of ours.

    For a request without Accept the image passes JSON on, as if that had been asked for: the request itself tells.
    """
    if flask.has_request_context():
        accept = flask.request.headers.get("Accept")
    types = [requests.media_type(part) for part in (accept or "*/*").split(",")]
    for kind in types:
        if kind in (requests.CSV, requests.JSON):
            return kind
    return request_type if {"*/*", "", request_type.partition("/")[0] + "/*"} & {*types} else None


def _json_rows(answer: Answer) -> list[dict[str, Any]]:
    predicted, probabilities = answer.predictions.predicted, answer.predictions.probabilities
    if not answer.schema.classes:
        return [{"value": value} for value in predicted]
    if probabilities is None:
        return [{"label": value} for value in predicted]
    names = [str(label) for label in answer.schema.classes]
    return [
        {"label": value, "probabilities": dict(zip(names, row, strict=True))}
        for value, row in zip(predicted, probabilities.tolist(), strict=True)
    ]


def _csv(answer: Answer) -> str:
    """One line a row: a number, or a label and its probability (empty where the model gives none)."""
    predictions, body = answer.predictions, io.StringIO()
    writer = csv.writer(body, lineterminator="\n")
    if not answer.schema.classes:
        writer.writerows([repr(value)] for value in predictions.predicted)
    else:
        writer.writerows(zip(map(str, predictions.predicted), _chosen(answer), strict=True))
    return body.getvalue()


def _chosen(answer: Answer) -> list[str]:
    probabilities = answer.predictions.probabilities
    if probabilities is None:
        return [""] * len(answer.predictions.predicted)
    places: dict[object, int] = {label: place for place, label in enumerate(answer.schema.classes)}
    columns = [places[label] for label in answer.predictions.predicted]
    return [repr(value) for value in probabilities[np.arange(len(columns)), columns].tolist()]
