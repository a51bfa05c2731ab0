"""Why: a template may write any scalar as a string or a string as a number; the APIs behind it may not."""

from collections.abc import Callable
from typing import Any

import regex

Node = dict[str, Any]

_INTEGER = regex.compile(r"[+-]?\d+")
_NUMBER = regex.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def coerced(root: Node, node: Node, value: Any) -> Any:
    """Return the value with every scalar in the type that its schema node wants, where CloudFormation converts it."""
    node = resolved(root, node)
    if isinstance(value, dict):
        result: Any = {key: _member(root, node, key, child) for key, child in value.items()}
    elif isinstance(value, list):
        items = node.get("items")
        result = [coerced(root, items, item) for item in value] if isinstance(items, dict) else value
    else:
        result = scalar(types_of(node), value)
    for branch in _branches(node):
        result = coerced(root, branch, result)
    return result


def resolved(root: Node, node: Node) -> Node:
    """Follow `$ref` to the definition it names."""
    while "$ref" in node:
        target: Any = root
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part.replace("~1", "/").replace("~0", "~")]
        node = target
    return node


def types_of(node: Node) -> tuple[str, ...]:
    """Return the node's types; none means any."""
    types = node.get("type", ())
    return (types,) if isinstance(types, str) else tuple(types)


def scalar(types: tuple[str, ...], value: Any) -> Any:
    """Return a scalar as the first of the types that it can be read as; as it is where it has one already."""
    if not types or any(_IS[name](value) for name in types if name in _IS):
        return value
    for name in types:
        if name in _READ and (read := _READ[name](value)) is not None:
            return read
    return value


def is_integer(value: Any) -> bool:
    """Whether the value is a whole number; Python counts booleans among these, JSON does not."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(value: Any) -> bool:
    """Whether the value is a number of JSON."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _member(root: Node, node: Node, key: str, value: Any) -> Any:
    if key in node.get("properties", {}):
        return coerced(root, node["properties"][key], value)
    for pattern, child in node.get("patternProperties", {}).items():
        if regex.search(pattern, key):
            return coerced(root, child, value)
    additional = node.get("additionalProperties")
    return coerced(root, additional, value) if isinstance(additional, dict) else value


def _branches(node: Node) -> list[Node]:
    """Return the alternatives that may give a type to what the node itself leaves open."""
    return [
        branch
        for keyword in ("allOf", "anyOf", "oneOf")
        for branch in node.get(keyword, ())
        if {"properties", "items", "$ref", "type"} & branch.keys()
    ]


def _string(value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if is_number(value) else None


def _integer(value: Any) -> int | None:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return int(value) if isinstance(value, str) and _INTEGER.fullmatch(value) else None


def _number(value: Any) -> float | None:
    if not isinstance(value, str) or not _NUMBER.fullmatch(value):
        return None
    return int(value) if _INTEGER.fullmatch(value) else float(value)


def _boolean(value: Any) -> bool | None:
    return {"true": True, "false": False}.get(value.lower()) if isinstance(value, str) else None


_IS: dict[str, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str),
    "integer": is_integer,
    "number": is_number,
    "boolean": lambda value: isinstance(value, bool),
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "null": lambda value: value is None,
}

_READ: dict[str, Callable[[Any], Any]] = {
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "string": _string,
}


def has_type(types: tuple[str, ...], value: Any) -> bool:
    """Whether the value is of one of the types; none means any."""
    return not types or any(_IS[name](value) for name in types)
