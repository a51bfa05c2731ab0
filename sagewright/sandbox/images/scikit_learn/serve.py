"""Why: an endpoint of the managed scikit-learn image is the user's four functions behind /ping and /invocations.

Started as a program in a container: it imports SAGEMAKER_PROGRAM from SAGEMAKER_SUBMIT_DIRECTORY, loads the model once
and answers on the socket that it was given. Contents, defaults and error codes are those of the image's model server.
"""

import importlib
import io
import json
import logging
import os
import socket
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from flask import Flask, Request, Response, request
from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

JSON = "application/json"
CSV = "text/csv"
NPY = "application/x-npy"
# The image hands contents of exactly these types over as text, all others as bytes.
TEXT = {JSON, CSV}


class UnsupportedFormatError(Exception):
    """The image's own conversion does not know the content type."""


class _Handler(WSGIRequestHandler):
    """Sends headers and body of an answer without the 40 ms that Nagle's algorithm puts between them."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True


def main() -> None:
    """Load the user's functions and the model, then serve for good."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # no line for each request: the log is the user's
    ml = Path(os.environ["SAGEMAKER_BASE_DIR"])
    app = application(import_program(), str(ml / "model"))
    listener = socket.socket(fileno=int(os.environ["SANDBOX_LISTENER"]))
    host, port = listener.getsockname()[:2]
    ThreadedWSGIServer(host, port, app, handler=_Handler, fd=listener.fileno()).serve_forever()


def import_program() -> ModuleType:
    """Import the user's module, with its folder in front of everything else."""
    folder = os.environ.get("SAGEMAKER_SUBMIT_DIRECTORY", "")
    program = os.environ.get("SAGEMAKER_PROGRAM", "")
    if not folder or not program:
        raise SystemExit("Set SAGEMAKER_PROGRAM and SAGEMAKER_SUBMIT_DIRECTORY in the model's environment.")
    sys.path[0] = folder  # in place of this file's own folder, which is not the user's
    return importlib.import_module(Path(program).stem)


def application(module: ModuleType, model_dir: str) -> Flask:
    """Return the WSGI application around the user's module; the model is loaded here."""
    if not hasattr(module, "model_fn"):
        raise NotImplementedError(f"Please provide a model_fn implementation in {module.__name__}.")
    model = module.model_fn(model_dir)
    transform: Callable[..., Any] = getattr(module, "transform_fn", None) or _transform(module)
    app = Flask(module.__name__)

    @app.get("/ping")
    def ping() -> Response:
        return Response(status=200, mimetype=JSON)

    @app.post("/invocations")
    def invocations() -> Any:
        answer = transform(model, *_content(request))  # what it raises, Flask logs and answers with 500
        return Response(answer[0], mimetype=answer[1]) if isinstance(answer, tuple) else answer

    return app


def _content(given: Request) -> tuple[str | bytes, str, str]:
    content_type = given.headers.get("ContentType") or given.headers.get("Content-Type") or JSON
    accept = given.headers.get("Accept")
    if not accept or accept == "*/*":
        accept = os.environ.get("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT", JSON)
    return given.get_data(as_text=content_type in TEXT), content_type, accept


def _transform(module: ModuleType) -> Callable[..., Any]:
    input_fn = getattr(module, "input_fn", decode)
    predict_fn = getattr(module, "predict_fn", predict)
    output_fn = getattr(module, "output_fn", encode)

    def transform(model: Any, content: str | bytes, content_type: str, accept: str) -> Any:
        try:
            data = input_fn(content, content_type)
        except UnsupportedFormatError as error:
            return _error(error, 415)
        prediction = predict_fn(data, model)
        try:
            return output_fn(prediction, accept)
        except UnsupportedFormatError as error:
            return _error(error, 406)

    return transform


def decode(content: str | bytes, content_type: str) -> Any:
    """Do what the image does without an input_fn: numbers as a float32 array."""
    if content_type == CSV:
        return np.genfromtxt(io.StringIO(str(content)), dtype=np.float32, delimiter=",")
    if content_type == JSON:
        return np.array(json.loads(content), dtype=np.float32)
    if content_type == NPY and isinstance(content, bytes):
        return np.load(io.BytesIO(content), allow_pickle=False)
    raise UnsupportedFormatError(f"Content type {content_type} is not supported by this framework.")


def predict(data: Any, model: Any) -> Any:
    """Do what the image does without a predict_fn."""
    return model.predict(data)


def encode(prediction: Any, accept: str) -> Response:
    """Do what the image does without an output_fn."""
    array = np.asarray(prediction)
    if accept == JSON:
        return Response(json.dumps(array.tolist()), mimetype=accept)
    buffer = io.BytesIO()
    if accept == CSV:
        np.savetxt(buffer, array, delimiter=",", fmt="%s")
    elif accept == NPY:
        np.save(buffer, array)
    else:
        raise UnsupportedFormatError(f"Content type {accept} is not supported by this framework.")
    return Response(buffer.getvalue(), mimetype=accept)


def _error(error: UnsupportedFormatError, status: int) -> Response:
    body = {"error": type(error).__name__, "error-message": str(error), "stack-trace": traceback.format_exc()}
    return Response(json.dumps(body), status=status, mimetype=JSON)


if __name__ == "__main__":
    main()
