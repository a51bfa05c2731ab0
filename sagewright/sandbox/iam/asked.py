"""Why: permissions are asked for operations on things, and a request says neither before it is read."""

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from botocore.exceptions import UnknownServiceError
from moto.core.model import OperationModel
from moto.core.parse import PROTOCOL_PARSERS
from moto.core.request import Request
from moto.core.routing import ServiceOperationRouter, get_service_router
from werkzeug.datastructures import Headers
from werkzeug.exceptions import HTTPException

from ..protocol import ApiError, Caller, as_parsed

_SERVICES = {
    "monitoring": "cloudwatch",
    "tagging": "resourcegroupstaggingapi",
    "servicequotas": "service-quotas",
}
# The only operations of S3 whose body says what they are about; other bodies are objects and may be long.
_READ_BODIES = {
    *("DeleteObjects", "PutBucketPolicy", "PutBucketReplication", "PutBucketEncryption", "PutBucketAcl"),
    *("PutObjectTagging", "PutBucketTagging"),
}


@dataclass(frozen=True)
class Asked:
    """One request: an operation of a service, by botocore's names, and its parameters."""

    service: str
    operation: str
    params: Mapping[str, Any]
    caller: Caller
    headers: Headers = field(default_factory=Headers)
    body: bytes = b""

    def text(self, name: str) -> str:
        """Return a parameter that is a text, or nothing."""
        value = self.params.get(name)
        return value if isinstance(value, str) else ""


def read(request: Request, signing_name: str, caller: Caller) -> Asked:
    """Return what a request to a service of moto's asks for; its body can still be read afterwards."""
    service = _SERVICES.get(signing_name, signing_name)
    headers = request.headers
    if service == "s3":
        return _of_s3(request, caller)
    body = _body(request)
    router = _router(service)
    if router is None:
        return Asked(service, _guessed(request), {}, caller, headers, body)
    try:
        operation, path = router.match(request)
    except (HTTPException, NotImplementedError):
        return Asked(service, _guessed(request), {}, caller, headers, body)
    return Asked(service, str(operation.name), _params(operation, request, body, path), caller, headers, body)


def _of_s3(request: Request, caller: Caller) -> Asked:
    router = get_service_router("s3")
    try:
        operation, path = router.match(request)
    except (HTTPException, NotImplementedError):
        return Asked("s3", _guessed(request), {}, caller, request.headers)
    name = str(operation.name)
    body = _body(request) if name in _READ_BODIES else b""
    return Asked("s3", name, {**request.args.to_dict(), **path}, caller, request.headers, body)


def _body(request: Request) -> bytes:
    """Return the body and leave another copy for whoever answers the request."""
    body = request.get_data(cache=True)
    request.environ["wsgi.input"] = io.BytesIO(body)
    request.environ["CONTENT_LENGTH"] = str(len(body))
    return body


def _params(operation: OperationModel, request: Request, body: bytes, path: Mapping[str, Any]) -> dict[str, Any]:
    kind = (request.content_type or "").partition(";")[0]
    if kind == "application/x-www-form-urlencoded" or "Action" in request.args:
        protocol = "ec2" if operation.service_model.protocol == "ec2" else "query"
        return PROTOCOL_PARSERS[protocol](operation).parse(as_parsed(request, body))
    members: dict[str, Any] = {}
    shape = operation.input_shape
    whole = shape is not None and "payload" in shape.serialization  # the body is one member: an event for a function
    if body and not whole and operation.service_model.protocol != "rest-xml":
        try:
            document = json.loads(body)
        except ValueError as error:
            raise ApiError("SerializationException", f"The request body is no valid JSON: {error}") from None
        members = document if isinstance(document, dict) else {}
    return {**request.args.to_dict(), **members, **path}


def _guessed(request: Request) -> str:
    """Return an operation's name by what the request says; the service may not know it."""
    target = request.headers.get("X-Amz-Target", "").rpartition(".")[2]
    return target or request.values.get("Action", "") or f"{request.method} {request.path}"


@cache
def _router(service: str) -> ServiceOperationRouter | None:
    try:
        return get_service_router(service)
    except UnknownServiceError:
        return None
