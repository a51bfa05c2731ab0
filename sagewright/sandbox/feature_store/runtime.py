"""Why: thousands of records are written one by one, so their requests are read without the detours that others take."""

import json
import re
import uuid
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from botocore.model import OperationModel, ServiceModel, StructureShape
from moto.core.request import Request
from moto.core.utils import get_service_model
from werkzeug.wrappers import Response

from ..constraints import summary, type_problem, violations
from ..protocol import Admit, ApiError, Caller, error_response
from .records import Records
from .values import invalid

SERVICE = "sagemaker-featurestore-runtime"

_PATH = re.compile(r"/FeatureGroup/(?P<group>(?:arn:[^/]+/)?[^/]+)(?P<rest>/\w+)?|/Batch(?:Get|Write)Record")
_OPERATIONS = {
    ("PUT", ""): "PutRecord",
    ("GET", ""): "GetRecord",
    ("DELETE", ""): "DeleteRecord",
    ("POST", "/Record"): "UpdateRecord",
    ("POST", "/ListRecords"): "ListRecords",
}
_JSON = "application/json"

Operation = Callable[[Mapping[str, Any], Caller], dict[str, Any]]


class Runtime:
    """The requests of "sagemaker-featurestore-runtime", which is signed as SageMaker and told by its paths."""

    def __init__(self, records: Records) -> None:
        self.operations: dict[str, Operation] = {
            "PutRecord": records.put_record,
            "GetRecord": records.get_record,
            "BatchGetRecord": records.batch_get_record,
            "DeleteRecord": records.delete_record,
        }

    def is_meant(self, path: str) -> bool:
        """Tell whether a path is one of the runtime's."""
        return _PATH.fullmatch(path) is not None

    def respond(self, request: Request, caller: Caller, admit: Admit) -> Response:
        """Check and answer one request; `admit` refuses who may not make it."""
        request_id = str(uuid.uuid4())
        try:
            operation = _operation(request)
            if operation not in self.operations:
                raise ApiError("UnsupportedOperation", f"The sandbox does not have {SERVICE}:{operation}.", 501)
            params = _params(_model().operation_model(operation), request)
            admit(operation, params)
            body = json.dumps(self.operations[operation](params, caller))
        except ApiError as error:
            return error_response("rest-json", error, request_id)
        return Response(body, headers={"Content-Type": _JSON, "x-amzn-RequestId": request_id})


def _operation(request: Request) -> str:
    found = _PATH.fullmatch(request.path)
    if found is None or found["group"] is None:
        name, method = request.path.removeprefix("/"), "POST"
        if found is not None and request.method == method:
            return name
    elif operation := _OPERATIONS.get((request.method, found["rest"] or "")):
        return operation
    raise ApiError("UnknownOperationException", f"{request.method} {request.path} is no operation of {SERVICE}.", 404)


def _params(model: OperationModel, request: Request) -> dict[str, Any]:
    """Return the parameters of a request, as the operation's model has them."""
    shape = model.input_shape
    assert isinstance(shape, StructureShape)  # noqa: S101 - every operation of the runtime has one
    params: dict[str, Any] = {}
    in_body = []
    for name, member in shape.members.items():
        location, told = member.serialization.get("location"), member.serialization.get("name", name)
        if location == "uri":
            found = _PATH.fullmatch(request.path)
            params[name] = found[1] if found else ""
        elif location != "querystring":
            in_body.append(name)
        elif told in request.args:
            several = member.type_name == "list"
            params[name] = request.args.getlist(told) if several else request.args[told]
    if in_body:
        document = _document(request)
        params |= {name: document[name] for name in in_body if document.get(name) is not None}
    if problem := type_problem(shape, params):
        raise ApiError("SerializationException", problem)
    if found := list(violations(shape, params)):
        raise invalid(summary(found))
    return params


def _document(request: Request) -> dict[str, Any]:
    try:
        document = json.loads(request.get_data() or b"{}")
    except ValueError as error:
        raise ApiError("SerializationException", f"The request body is no valid JSON: {error}") from None
    if not isinstance(document, dict):
        raise ApiError("SerializationException", "The request body is no JSON object.")
    return document


@cache
def _model() -> ServiceModel:
    return get_service_model(SERVICE)
