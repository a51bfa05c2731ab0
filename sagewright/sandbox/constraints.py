"""Why: AWS refuses a malformed request before it looks at it, and words every violation the same way."""

from collections.abc import Iterator
from functools import cache
from typing import Any

import regex
from botocore.model import Shape

# Coral's Java patterns name the supplementary planes by surrogate pairs, which no Python pattern can hold.
_SURROGATE_PAIRS = r"\uD800\uDC00-\uDBFF\uDFFF"
_SUPPLEMENTARY_PLANES = r"\U00010000-\U0010FFFF"

_NUMBERS = {"integer", "long", "float", "double"}
_SIZED = {"string", "blob", "list", "map"}
_JSON_TOKENS = {bool: "TRUE_VALUE", int: "NUMBER_VALUE", float: "NUMBER_VALUE", str: "STRING_VALUE"}
_EXPECTED = {
    "string": (str, "a String"),
    "integer": (int, "an Integer"),
    "long": (int, "a Long"),
    "float": ((int, float), "a Float"),
    "double": ((int, float), "a Double"),
    "boolean": (bool, "a Boolean"),
    "blob": (str, "a Blob"),
    "timestamp": ((int, float, str), "a Timestamp"),
}
_NO_NUMBERS = {"NaN", "Infinity", "-Infinity"}
"""How JSON holds what it has no number for."""
_CONTAINERS = {"structure": dict, "map": dict, "list": list}


def type_problem(shape: Shape, value: Any) -> str | None:
    """Return AWS's message for the first JSON value whose type is not the model's, or None."""
    if value is None or getattr(shape, "is_document_type", False):
        return None
    if shape.type_name in _CONTAINERS:
        if not isinstance(value, _CONTAINERS[shape.type_name]):
            return _unexpected(value, "a structure or map" if _CONTAINERS[shape.type_name] is dict else "a list")
        problems = (type_problem(inner, member) for _, inner, member in _parts(shape, value))
        return next((problem for problem in problems if problem), None)
    if shape.type_name in {"float", "double"} and isinstance(value, str) and value in _NO_NUMBERS:
        return None
    kinds, name = _EXPECTED.get(shape.type_name, (object, "a value"))
    # bool is an int to Python, and a value of its own to AWS.
    if isinstance(value, kinds) and not (isinstance(value, bool) and shape.type_name != "boolean"):
        return None
    return _unexpected(value, name)


def violations(shape: Shape, value: Any, path: str = "") -> Iterator[str]:
    """Yield every violated constraint of the model, in AWS's wording."""
    if shape.type_name == "structure" and isinstance(value, dict):
        for name in getattr(shape, "required_members", []):
            if value.get(name) is None:
                yield f"Value null at '{_joined(path, name)}' failed to satisfy constraint: Member must not be null"
    elif problem := _constraint(shape, value):
        yield f"Value '{shown(value)}' at '{path}' failed to satisfy constraint: Member must {problem}"
    elements = _scalar_elements(shape, value)
    if elements is not None:
        yield from (f"Value '{shown(value)}' at '{path}' failed to satisfy constraint: {text}" for text in elements)
        return
    for step, inner, member in _parts(shape, value):
        if member is not None:
            yield from violations(inner, member, _joined(path, step))


def summary(found: list[str]) -> str:
    """Return the message of one refusal that names all violations."""
    noun = "validation error" if len(found) == 1 else "validation errors"
    return f"{len(found)} {noun} detected: {'; '.join(found)}"


def shown(value: Any) -> str:
    """Return a value as Java prints it, which is how AWS quotes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return f"[{', '.join(shown(item) for item in value)}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}={shown(item)}" for key, item in value.items()) + "}"
    return str(value)


def _parts(shape: Shape, value: Any) -> Iterator[tuple[str, Shape, Any]]:
    """Yield (path step, shape, value) of what a structure, list or map holds."""
    if shape.type_name == "structure" and isinstance(value, dict):
        for name, member in getattr(shape, "members", {}).items():
            if name in value:
                yield name, member, value[name]
    elif shape.type_name == "list" and isinstance(value, list):
        for number, item in enumerate(value, 1):
            yield f"{number}.member", shape.member, item  # pyrefly: ignore[missing-attribute]: a list shape has it
    elif shape.type_name == "map" and isinstance(value, dict):
        for key, item in value.items():
            yield f"{key}.member", shape.value, item  # pyrefly: ignore[missing-attribute]: a map shape has it


def _scalar_elements(shape: Shape, value: Any) -> list[str] | None:
    """Return what AWS says about a collection of scalars as a whole, or None where elements have paths of their own."""
    if shape.type_name == "list" and isinstance(value, list):
        inner: Shape = shape.member  # pyrefly: ignore[missing-attribute]: a list shape has it
        if inner.type_name in _CONTAINERS:
            return None
        return ["Member must satisfy constraint: " + all_of(inner) for item in value if _constraint(inner, item)][:1]
    if shape.type_name == "map" and isinstance(value, dict):
        key: Shape = shape.key  # pyrefly: ignore[missing-attribute]: a map shape has it
        inner = shape.value  # pyrefly: ignore[missing-attribute]: likewise
        found = ["Map keys must satisfy constraint: " + all_of(key) for name in value if _constraint(key, name)][:1]
        if inner.type_name in _CONTAINERS:
            return found or None
        wrong = [
            "Map value must satisfy constraint: " + all_of(inner) for item in value.values() if _constraint(inner, item)
        ]
        return found + wrong[:1]
    return None


def all_of(shape: Shape) -> str:
    """Return the whole list of a scalar's constraints, as AWS quotes it for elements of collections."""
    limits = shape.metadata
    noun = "value" if shape.type_name in _NUMBERS else "length"
    texts = []
    if "max" in limits:
        texts.append(f"Member must have {noun} less than or equal to {limits['max']}")
    if "min" in limits:
        texts.append(f"Member must have {noun} greater than or equal to {limits['min']}")
    if "pattern" in limits:
        texts.append(f"Member must satisfy regular expression pattern: {limits['pattern']}")
    if "enum" in limits:
        texts.append(f"Member must satisfy enum value set: [{', '.join(limits['enum'])}]")
    return f"[{', '.join(texts)}]"


def _constraint(shape: Shape, value: Any) -> str | None:
    limits, kind = shape.metadata, shape.type_name
    if kind in _NUMBERS:
        size, noun = value, "value"
    elif kind in _SIZED:
        size, noun = len(value), "length"
    else:
        return None
    if "max" in limits and size > limits["max"]:
        return f"have {noun} less than or equal to {limits['max']}"
    if "min" in limits and size < limits["min"]:
        return f"have {noun} greater than or equal to {limits['min']}"
    if limits.get("enum") and value not in limits["enum"]:
        return f"satisfy enum value set: [{', '.join(limits['enum'])}]"
    if kind == "string" and "pattern" in limits and not _pattern(limits["pattern"]).fullmatch(value):
        return f"satisfy regular expression pattern: {limits['pattern']}"
    return None


@cache
def _pattern(java: str) -> regex.Pattern[str]:
    # Java lets a quantifier follow an anchor; it changes nothing there.
    translated = regex.sub(r"\$\{[0-9,]+\}$", "$", java.replace(_SURROGATE_PAIRS, _SUPPLEMENTARY_PLANES))
    return regex.compile(translated.replace(r"\z", r"\Z"))


def _joined(path: str, step: str) -> str:
    lower = step[:1].lower() + step[1:]
    return f"{path}.{lower}" if path else lower


def _unexpected(value: Any, expected: str) -> str:
    if isinstance(value, list):
        return "Start of list found where not expected"
    if isinstance(value, dict):
        return "Start of structure or map found where not expected."
    token = "FALSE_VALUE" if value is False else _JSON_TOKENS[type(value)]
    return f"{token} can not be converted to {expected}"
