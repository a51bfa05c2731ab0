"""Why: a service of ours should see operations and checked parameters, and nothing of HTTP, JSON or XML."""

import gzip
import io
import json
import uuid
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Protocol
from xml.sax.saxutils import escape

from botocore.model import StructureShape
from botocore.utils import parse_timestamp
from moto.core.model import OperationModel
from moto.core.parse import PROTOCOL_PARSERS, RequestDict
from moto.core.request import Request, determine_request_protocol
from moto.core.routing import get_service_router
from moto.core.serialize import SerializationContext, get_serializer_class
from moto.core.utils import get_service_model
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from .constraints import summary, type_problem, violations


@dataclass(frozen=True)
class Caller:
    """Who calls, and where: what AWS reads from a request's signature."""

    account: str
    region: str
    access_key: str


class ApiError(Exception):
    """A refusal, serialised as the service's own error."""

    def __init__(
        self, code: str, message: str, status: int = 400, members: Mapping[str, Any] = MappingProxyType({})
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.members = members
        self.code = code
        self.message = message
        self.status = status


Admit = Callable[[str, dict[str, Any]], None]


class Service(Protocol):
    """What the gateway needs of a service of ours."""

    @property
    def service_name(self) -> str:
        """Botocore's name of the service."""
        ...

    def call(self, operation: str, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Answer one request; the parameters are valid by botocore's model, the answer holds the response's members."""
        ...


class PartOfService(Service, Protocol):
    """What the gateway needs of a service of which only some operations are ours."""

    @property
    def operations(self) -> Mapping[str, object]:
        """The operations that it answers, by name."""
        ...


def respond(service: Service, request: Request, caller: Caller, admit: Admit | None = None) -> Response:
    """Parse, check, call and serialise one request of a service of ours; `admit` refuses who may not make it."""
    request_id = str(uuid.uuid4())
    try:
        operation, path = _operation(service.service_name, request)
        params = _params(operation, request, path)
        _check(operation, params)
        if admit:
            admit(str(operation.name), params)
        result = service.call(str(operation.name), params, caller)
    except ApiError as error:
        return error_response(_protocol(service.service_name, request), error, request_id)
    serializer = get_serializer_class(service.service_name, _protocol(service.service_name, request))(
        operation_model=operation, context=SerializationContext(request_id)
    )
    answer = serializer.serialize(result)
    status = result.get(_status_member(operation) or "", answer["status_code"])
    response = Response(answer["body"], status=status, headers=dict(answer["headers"]))
    response.headers["x-amzn-RequestId"] = request_id
    return response


def error_response(protocol: str, error: ApiError, request_id: str | None = None) -> Response:
    """Return an error as the service's protocol has it, so that any client can read its code and message."""
    request_id = request_id or str(uuid.uuid4())
    headers = {"x-amzn-RequestId": request_id}
    if protocol in {"json", "rest-json"}:
        headers |= {"x-amzn-ErrorType": error.code, "Content-Type": "application/x-amz-json-1.1"}
        body = json.dumps({**error.members, "__type": error.code, "message": error.message, "Message": error.message})
        return Response(body, status=error.status, headers=headers)
    kind = "Receiver" if error.status >= 500 else "Sender"  # noqa: PLR2004 - the HTTP classes are no magic
    inner = f"<Code>{escape(error.code)}</Code><Message>{escape(error.message)}</Message>"
    if protocol == "rest-xml":  # S3's errors have no envelope
        body = f"<Error>{inner}<RequestId>{request_id}</RequestId></Error>"
    elif protocol == "ec2":
        body = f"<Response><Errors><Error>{inner}</Error></Errors><RequestID>{request_id}</RequestID></Response>"
    else:
        error_element = f"<Error><Type>{kind}</Type>{inner}</Error>"
        body = f"<ErrorResponse>{error_element}<RequestId>{request_id}</RequestId></ErrorResponse>"
    return Response(
        f'<?xml version="1.0" encoding="UTF-8"?>\n{body}',
        status=error.status,
        headers=headers | {"Content-Type": "text/xml"},
    )


def unpacked(request: Request, code: str) -> Request:
    """Return a request whose body came compressed by gzip as it was before that; `code` refuses a broken one."""
    environ = request.environ
    if environ.get("HTTP_CONTENT_ENCODING", "").strip().lower() != "gzip":
        return request
    try:
        body = gzip.decompress(request.get_data())
    except (OSError, EOFError, zlib.error) as error:
        raise ApiError(code, f"The request body is not what its Content-Encoding, gzip, says: {error}") from None
    del environ["HTTP_CONTENT_ENCODING"]  # nobody after this is to unpack it once more
    environ["wsgi.input"] = io.BytesIO(body)
    environ["CONTENT_LENGTH"] = str(len(body))
    return Request(environ)


def _protocol(service_name: str, request: Request) -> str:
    """Return the service's protocol; of a service that has several, the one of the request."""
    model = get_service_model(service_name)
    declared = str(model.protocol)
    return declared if declared in PROTOCOL_PARSERS else determine_request_protocol(model, request.content_type)


def _operation(service_name: str, request: Request) -> tuple[OperationModel, Mapping[str, Any]]:
    """Return the operation that is meant, and the parameters that the path holds."""
    try:
        operation, path = get_service_router(service_name).match(request)
    except (NotFound, NotImplementedError):
        # The second is a body type that the service's protocol does not have.
        if _protocol(service_name, request) == "query":
            model = get_service_model(service_name)
            action = request.values.get("Action", "")
            message = f"Could not find operation {action} for version {model.api_version}"
            raise ApiError("InvalidAction", message) from None
        target = request.headers.get("X-Amz-Target", "")
        raise ApiError("UnknownOperationException", f"The operation {target!r} is not one of {service_name}.") from None
    return operation, path


def _params(operation: OperationModel, request: Request, path: Mapping[str, Any]) -> dict[str, Any]:
    protocol = _protocol(str(operation.service_model.service_name), request)
    body = request.get_data()
    if protocol == "json":
        _check_types(operation, body)
    parser = PROTOCOL_PARSERS[protocol](operation, timestamp_parser=_timestamp)
    try:
        return parser.parse(as_parsed(request, body, path))
    except ValueError as error:
        code = "MalformedInput" if protocol == "query" else "SerializationException"
        raise ApiError(code, str(error)) from None


def _status_member(operation: OperationModel) -> str | None:
    """Return the member of an answer that is its HTTP status, where there is one."""
    members = operation.output_shape.members if isinstance(operation.output_shape, StructureShape) else {}
    return next((name for name, shape in members.items() if shape.serialization.get("location") == "statusCode"), None)


def as_parsed(request: Request, body: bytes, path: Mapping[str, Any] = MappingProxyType({})) -> RequestDict:
    """Return a request in the form that moto's parsers read."""
    return {
        "method": request.method,
        "values": request.values,
        "headers": request.headers,
        "body": body,
        "url_path": request.path,
        "url_params": dict(path),
    }


def _check_types(operation: OperationModel, body: bytes) -> None:
    try:
        document = json.loads(body or b"{}")
    except ValueError as error:
        raise ApiError("SerializationException", f"The request body is no valid JSON: {error}") from None
    if operation.input_shape is not None and (problem := type_problem(operation.input_shape, document)):
        raise ApiError("SerializationException", problem)


def _check(operation: OperationModel, params: dict[str, Any]) -> None:
    if operation.input_shape is None:
        return
    found = list(violations(operation.input_shape, params))
    if found:
        model = operation.service_model
        is_query = model.protocol == "query" or "awsQueryCompatible" in model.metadata
        raise ApiError("ValidationError" if is_query else "ValidationException", summary(found))


def _timestamp(value: float | str) -> datetime:
    # The function reads numbers too, whatever its stub says.
    return parse_timestamp(value)  # pyrefly: ignore[bad-argument-type]
