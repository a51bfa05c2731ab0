"""Why: a refusal should read as CloudFormation's, which is the wording of the validator that AWS runs schemas with.

The texts follow the messages that CloudFormation shows in stack events; values that fail a pattern, a bound or a
constant are not repeated there, since they may be secret.
"""

from collections.abc import Callable, Iterator
from typing import Any

import regex

from .coercion import Node, has_type, is_integer, is_number, resolved, types_of

_TYPE_TITLES = {
    "string": "String",
    "integer": "Integer",
    "number": "Number",
    "boolean": "Boolean",
    "object": "JSONObject",
    "array": "JSONArray",
    "null": "Null",
}


def violations(root: Node, value: Any) -> list[str]:
    """Return every violation of a resource type's schema, one line each, with a pointer to its place."""
    return list(_Check(root).node(root, value, "#"))


class _Check:
    """One walk over a document; it holds the root because references start there."""

    def __init__(self, root: Node) -> None:
        self._root = root

    def node(self, node: Node, value: Any, at: str) -> Iterator[str]:
        node = resolved(self._root, node)
        types = types_of(node)
        if not has_type(types, value):
            yield from _wrong_type(types, value, at)
            return
        if "enum" in node and value not in node["enum"]:
            yield f"{at}: {value} is not a valid enum value"
        if "enumCaseInsensitive" in node and str(value).lower() not in map(str.lower, node["enumCaseInsensitive"]):
            yield f"{at}: {value} is not a valid enum value"
        if "const" in node and value != node["const"]:
            yield _scrubbed(at, "const")
        if isinstance(value, str):
            yield from _string(node, value, at)
        elif isinstance(value, list):
            yield from self._array(node, value, at)
        elif isinstance(value, dict):
            yield from self._object(node, value, at)
        elif is_number(value):
            yield from _number(node, value, at)
        yield from self._combined(node, value, at)

    def _array(self, node: Node, value: list[Any], at: str) -> Iterator[str]:
        if len(value) < node.get("minItems", 0):
            yield f"{at}: expected minimum item count: {node['minItems']}, found: {len(value)}"
        if "maxItems" in node and len(value) > node["maxItems"]:
            yield f"{at}: expected maximum item count: {node['maxItems']}, found: {len(value)}"
        if node.get("uniqueItems") and any(item in value[:index] for index, item in enumerate(value)):
            yield f"{at}: array items are not unique"
        prefix = node.get("prefixItems", ())
        for index, item in enumerate(value):
            child = prefix[index] if index < len(prefix) else node.get("items")
            if isinstance(child, dict):
                yield from self.node(child, item, f"{at}/{index}")

    def _object(self, node: Node, value: dict[str, Any], at: str) -> Iterator[str]:
        for key in node.get("required", ()):
            if key not in value:
                yield f"{at}: required key [{key}] not found"
        if len(value) < node.get("minProperties", 0):
            yield f"{at}: minimum size: [{node['minProperties']}], found: [{len(value)}]"
        if "maxProperties" in node and len(value) > node["maxProperties"]:
            yield f"{at}: maximum size: [{node['maxProperties']}], found: [{len(value)}]"
        yield from self._members(node, value, at)
        yield from _together(node, value, at)
        for key, needs in node.get("dependencies", {}).items():
            if key in value and isinstance(needs, dict):
                yield from self.node(needs, value, at)

    def _members(self, node: Node, value: dict[str, Any], at: str) -> Iterator[str]:
        properties, patterns = node.get("properties", {}), node.get("patternProperties", {})
        additional = node.get("additionalProperties", True)
        for key, child in value.items():
            place = f"{at}/{key.replace('~', '~0').replace('/', '~1')}"
            known = [properties[key]] if key in properties else []
            known += [schema for pattern, schema in patterns.items() if regex.search(pattern, key)]
            for schema in known:
                yield from self.node(schema, child, place)
            if not known and additional is False:
                yield f"{at}: extraneous key [{key}] is not permitted"
            elif not known and isinstance(additional, dict):
                yield from self.node(additional, child, place)

    def _combined(self, node: Node, value: Any, at: str) -> Iterator[str]:
        yield from self._subschemas("allOf", node.get("allOf", ()), value, at)
        yield from self._subschemas("anyOf", node.get("anyOf", ()), value, at)
        yield from self._subschemas("oneOf", node.get("oneOf", ()), value, at)
        if isinstance(value, dict):
            # Two short forms of combinations of `required` that the bundled schemas use.
            either = [{"required": [key]} for key in node.get("requiredOr", ())]
            yield from self._subschemas("anyOf", either, value, at)
            exactly_one = [{"required": [key]} for key in node.get("requiredXor", ())]
            yield from self._subschemas("oneOf", exactly_one, value, at)
        if "not" in node and not list(self.node(node["not"], value, at)):
            yield _scrubbed(at, "not")
        if "if" in node:
            branch = "else" if list(self.node(node["if"], value, at)) else "then"
            if branch in node:
                yield from self.node(node[branch], value, at)

    def _subschemas(self, keyword: str, schemas: list[Node], value: Any, at: str) -> Iterator[str]:
        if not schemas:
            return
        causes = [list(self.node(schema, value, at)) for schema in schemas]
        matching, total = sum(not cause for cause in causes), len(schemas)
        message = {
            "allOf": f"only {matching} subschema matches out of {total}" if matching < total else "",
            "anyOf": "" if matching else f"no subschema matched out of the total {total} subschemas",
            "oneOf": "" if matching == 1 else f"{matching} subschemas matched instead of one",
        }[keyword]
        if message:
            yield f"{at}: {message}"
            yield from (line for cause in causes for line in cause)


def _wrong_type(types: tuple[str, ...], value: Any, at: str) -> Iterator[str]:
    lines = [f"{at}: expected type: {_TYPE_TITLES[name]}, found: {_found(value)}" for name in types]
    if len(lines) > 1:
        yield f"{at}: no subschema matched out of the total {len(lines)} subschemas"
    yield from lines


def _found(value: Any) -> str:
    if value is None:
        return "Null"
    if is_integer(value):
        return "Integer"
    names: dict[type, str] = {str: "String", bool: "Boolean", float: "Double", dict: "JSONObject", list: "JSONArray"}
    return names[type(value)]


def _string(node: Node, value: str, at: str) -> Iterator[str]:
    if len(value) < node.get("minLength", 0):
        yield f"{at}: expected minLength: {node['minLength']}, actual: {len(value)}"
    if "maxLength" in node and len(value) > node["maxLength"]:
        yield f"{at}: expected maxLength: {node['maxLength']}, actual: {len(value)}"
    if "pattern" in node and not regex.search(node["pattern"], value):
        yield _scrubbed(at, "pattern")


def _number(node: Node, value: float, at: str) -> Iterator[str]:
    holds: dict[str, Callable[[Any], bool]] = {
        "minimum": lambda bound: value >= bound,
        "maximum": lambda bound: value <= bound,
        "exclusiveMinimum": lambda bound: value > bound,
        "exclusiveMaximum": lambda bound: value < bound,
        "multipleOf": lambda step: value % step == 0,
    }
    for keyword, test in holds.items():
        if keyword in node and not test(node[keyword]):
            yield _scrubbed(at, keyword)


def _together(node: Node, value: dict[str, Any], at: str) -> Iterator[str]:
    """Properties that need, or exclude, one another."""
    needed = {**node.get("dependencies", {}), **node.get("dependentRequired", {})}
    for key, others in needed.items():
        if key in value and isinstance(others, list):
            yield from (f"{at}: property [{other}] is required" for other in others if other not in value)
    for key, others in node.get("dependentExcluded", {}).items():
        if key in value:
            yield from (f"{at}: extraneous key [{other}] is not permitted" for other in others if other in value)


def _scrubbed(at: str, keyword: str) -> str:
    return f"{at}: failed validation constraint for keyword [{keyword}]"
