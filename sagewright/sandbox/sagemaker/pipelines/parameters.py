"""Why: a pipeline's parameters come as strings and are used as what they are declared to be."""

import re
from dataclasses import dataclass
from typing import Any

from ...protocol import ApiError
from .expressions import json_array, json_object, malformed

NAME = re.compile(r"[A-Za-z0-9\-_]{1,256}")
TYPES: dict[str, type | tuple[type, ...]] = {"String": str, "Integer": int, "Float": (int, float), "Boolean": bool}
WRITTEN = {
    "Integer": re.compile(r"[+-]?\d+"),
    "Float": re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?"),
    "Boolean": re.compile("true|false", re.IGNORECASE),
}
MAX_PARAMETERS = 200

Value = str | int | float | bool


@dataclass(frozen=True)
class Parameter:
    """One declared parameter; without a default, an execution has to give its value."""

    name: str
    type: str
    default: Value | None = None
    allowed: tuple[str, ...] = ()


def parse_parameters(declared: Any) -> dict[str, Parameter]:
    """Read the Parameters of a definition."""
    if len(json_array(declared)) > MAX_PARAMETERS:
        raise malformed(f"A pipeline has at most {MAX_PARAMETERS} parameters; this one has {len(declared)}.")
    parameters: dict[str, Parameter] = {}
    for each in declared:
        parameter = _parameter(each)
        if parameter.name in parameters:
            raise malformed(f"Parameter names must be unique: '{parameter.name}' is declared more than once.")
        parameters[parameter.name] = parameter
    return parameters


def _parameter(declared: Any) -> Parameter:
    json_object(declared, "Parameter", ("Name", "Type", "DefaultValue", "EnumValues", "Description"))
    name, kind = declared.get("Name"), declared.get("Type")
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise malformed(f"Value '{name}' for 'ParameterName' must match {NAME.pattern}")
    if kind not in TYPES:
        raise malformed(f"Value '{kind}' for 'ParameterType' failed to satisfy enum value set: [{', '.join(TYPES)}]")
    default, allowed = declared.get("DefaultValue"), tuple(declared.get("EnumValues", ()))
    # bool is an int to Python, and a type of its own here.
    if default is not None and (
        not isinstance(default, TYPES[kind]) or isinstance(default, bool) != (kind == "Boolean")
    ):
        raise malformed(f"DefaultValue {default!r} of parameter '{name}' is not of its type {kind}.")
    if default is not None and allowed and default not in allowed:
        raise malformed(f"DefaultValue {default!r} of parameter '{name}' is not one of its EnumValues.")
    return Parameter(name, kind, default, allowed)


def bind(parameters: dict[str, Parameter], given: list[dict[str, str]]) -> dict[str, Value]:
    """Return every parameter's value for one execution: what was given, else its default."""
    values: dict[str, Value] = {}
    for each in given:
        name = each["Name"]
        if name not in parameters:
            known = ", ".join(parameters) or "none"
            raise _refused(f"The pipeline has no parameter '{name}'. Its parameters are: {known}.")
        if name in values:
            raise _refused(f"Parameter '{name}' was given more than once.")
        values[name] = _value(parameters[name], each["Value"])
    missing = [name for name, parameter in parameters.items() if name not in values and parameter.default is None]
    if missing:
        raise _refused(f"Parameters without a default value need one: give {', '.join(missing)}.")
    defaults = {name: parameter.default for name, parameter in parameters.items() if parameter.default is not None}
    return defaults | values


def written(value: Any) -> str:
    """Return a value as text, in a Join or in a listing: JSON's words for booleans."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _value(parameter: Parameter, text: str) -> Value:
    if parameter.type == "String":
        if not text:
            raise _refused('[string "" is too short (length: 0, required minimum: 1)]')
        if parameter.allowed and text not in parameter.allowed:
            choices = ", ".join(parameter.allowed)
            raise _refused(f"Value '{text}' of parameter '{parameter.name}' is not one of its values: {choices}.")
        return text
    if not WRITTEN[parameter.type].fullmatch(text):
        raise _refused(f"Value '{text}' of parameter '{parameter.name}' is not of its type {parameter.type}.")
    if parameter.type == "Boolean":
        return text.lower() == "true"
    return int(text) if parameter.type == "Integer" else float(text)


def _refused(message: str) -> ApiError:
    return ApiError("ValidationException", message)
