"""Why: a resource's properties are nearly its API's parameters; what differs is spelling, types and tags' company."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from botocore.exceptions import ClientError, ParamValidationError
from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape

from ..coercion import scalar
from ..resource import HandlerError

_TYPES = {
    "string": "string",
    "integer": "integer",
    "long": "integer",
    "float": "number",
    "double": "number",
    "boolean": "boolean",
}

# AWS has no one code for what is not there; these are all that the services of the sandbox use.
_ABSENT = ("NotFound", "NoSuch", "NonExistent", "DoesNotExist", "NotExist")
_ABSENT_MESSAGES = ("Could not find", "does not exist", "No scaling policy found", "No scalable target found")


def already_exists(type_name: str, identifier: str) -> HandlerError:
    """Return the refusal of a create handler whose resource is there already."""
    return HandlerError(
        f"Resource of type '{type_name}' with identifier '{identifier}' already exists.", "AlreadyExists"
    )


def refusal(code: str, message: str, operation: str, status: int = 400) -> ClientError:
    """Return what the service would answer where the sandbox's stand-in for it is kinder."""
    return ClientError(
        {"Error": {"Code": code, "Message": message}, "ResponseMetadata": _metadata(status)},
        operation,
    )


def is_absent(error: ClientError) -> bool:
    """Whether the API says that the resource is not there."""
    details = error.response.get("Error", {})
    code = details.get("Code", "")
    if code == "404" or any(part in code for part in _ABSENT):
        return True
    return code == "ValidationException" and any(part in details.get("Message", "") for part in _ABSENT_MESSAGES)


def call(client: Any, operation: str, **parameters: Any) -> dict[str, Any]:
    """Call an operation; what the client itself finds wrong is a refusal like the service's own."""
    try:
        return getattr(client, operation)(**parameters)
    except ParamValidationError as error:
        raise refusal("ValidationException", str(error), operation) from error


def found(client: Any, operation: str, **parameters: Any) -> dict[str, Any] | None:
    """Return the answer of an operation that describes a resource, or None where it is absent."""
    try:
        return call(client, operation, **parameters)
    except ClientError as error:
        if is_absent(error):
            return None
        raise


def discard(client: Any, operation: str, **parameters: Any) -> None:
    """Call an operation that removes something; absent already is a success."""
    found(client, operation, **parameters)


def operation_model(client: Any, operation: str) -> OperationModel:
    """Return the model of an operation given by its method's name."""
    return client.meta.service_model.operation_model(client.meta.method_to_api_mapping[operation])


def parameters_of(
    client: Any, operation: str, properties: Mapping[str, Any], renames: Mapping[str, str] | None = None
) -> tuple[dict[str, Any], set[str]]:
    """Return the parameters that an operation takes from the properties, and the names of those it does not know."""
    shape = operation_model(client, operation).input_shape
    members = shape.members if isinstance(shape, StructureShape) else {}
    parameters: dict[str, Any] = {}
    unknown: set[str] = set()
    for key, value in properties.items():
        member = _member_name(members, (renames or {}).get(key, key))
        if member is None:
            unknown.add(key)
        else:
            parameters[member] = as_shape(members[member], value)
    return parameters, unknown


def as_shape(shape: Shape, value: Any) -> Any:
    """Return a property's value as the API's shape: its spelling of keys, its types; a document as JSON text."""
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        return {
            (name := _member_name(shape.members, key) or key): (
                as_shape(shape.members[name], child) if name in shape.members else child
            )
            for key, child in value.items()
        }
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [as_shape(shape.member, item) for item in value]
    if isinstance(shape, MapShape) and isinstance(value, dict):
        return {key: as_shape(shape.value, child) for key, child in value.items()}
    if shape.type_name == "string" and isinstance(value, (dict, list)):
        return json.dumps(value)
    if shape.type_name in _TYPES:
        return scalar((_TYPES[shape.type_name],), value)
    return value


def text_attributes(properties: Mapping[str, Any], names: Iterable[str]) -> dict[str, str]:
    """Return properties for the APIs whose resources are maps from attribute to text."""
    return {name: as_text(properties[name]) for name in names if name in properties}


def as_text(value: Any) -> str:
    """Return a value as the text that AWS keeps of it."""
    return json.dumps(value) if isinstance(value, (dict, list)) else str(scalar(("string",), value))


def _member_name(members: Mapping[str, Shape], key: str) -> str | None:
    """Return the API's spelling of a property: the same, or with a small first letter."""
    if key in members:
        return key
    camel = key[:1].lower() + key[1:]
    return camel if camel in members else None


def _metadata(status: int) -> Any:
    headers: dict[str, str] = {}
    return {"HTTPStatusCode": status, "RequestId": "", "HostId": "", "HTTPHeaders": headers, "RetryAttempts": 0}
