"""Why: EventBridge compiles a pattern when its rule is put, and what it cannot compile never becomes a rule.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
https://github.com/aws/event-ruler
"""

import ipaddress
import json
import re
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

_OR = "$or"
_LEAST_BRANCHES = 2
_LARGEST = 5e9
_IGNORING_CASE = "equals-ignore-case"
_ONE_KEY = "Only one key allowed in match expression"
_TOO_MANY = "Too many elements in numeric expression"
_UPPER_BOUNDS = ("<", "<=")
_NUMERIC_OPERATORS = ("=", ">=", ">", *_UPPER_BOUNDS)

Problems = Iterator[str]


def pattern_problem(text: str) -> str | None:
    """Return the first thing that is wrong with an event pattern, which is all that EventBridge tells."""
    try:
        document = json.loads(text, parse_constant=_refuse_constant)
    except ValueError as error:
        return str(error)
    return next(_object(document), None) if isinstance(document, dict) else "Filter is not an object"


def _refuse_constant(name: str) -> NoReturn:
    """Refuse what Python reads although it is no JSON."""
    raise ValueError(f"Non-standard token '{name}'")


def _object(node: dict[str, Any]) -> Problems:
    if not node:
        yield "Empty objects are not allowed"
    for key, value in node.items():
        if key == _OR:
            yield from _branches(value)
        elif isinstance(value, dict):
            yield from _object(value)
        elif isinstance(value, list):
            yield from _values(value)
        else:
            yield f'"{key}" must be an object or an array'


def _branches(value: Any) -> Problems:
    if not isinstance(value, list):
        yield f"It must be an Array followed with {_OR}."
        return
    for branch in value:
        if not isinstance(branch, dict):
            yield f"Only JSON object is allowed in array of {_OR} relationship."
            return
        for key in branch:
            if key in _OPERANDS:
                yield f"{key} is Ruler reserved fieldName which cannot be used inside {_OR}."
        yield from _object(branch)
    if len(value) < _LEAST_BRANCHES:
        yield f"There must have at least {_LEAST_BRANCHES} Objects in {_OR} relationship."


def _values(values: list[Any]) -> Problems:
    if not values:
        yield "Empty arrays are not allowed"
    for value in values:
        if isinstance(value, dict):
            yield from _matcher(value)
        elif isinstance(value, list):
            yield "Match value must be String, number, true, false, or null"


def _matcher(matcher: dict[str, Any]) -> Problems:
    if not matcher:
        yield "Match expression name not found"
        return
    name, operand = next(iter(matcher.items()))
    if name not in _OPERANDS:
        yield f"Unrecognized match type {name}"
        return
    yield from _OPERANDS[name](operand)
    if len(matcher) > 1:
        yield _ONE_KEY


def _text(name: str) -> Callable[[Any], Problems]:
    def problems(operand: Any) -> Problems:
        if not isinstance(operand, str):
            yield f"{name} match pattern must be a string"

    return problems


def _end(name: str) -> Callable[[Any], Problems]:
    """Return the check of a prefix or a suffix, which alone may leave the case aside."""

    def problems(operand: Any) -> Problems:
        if isinstance(operand, dict) and len(operand) > 1:
            yield _ONE_KEY
        elif isinstance(operand, dict):
            yield from _text(name)(operand.get(_IGNORING_CASE))
        else:
            yield from _text(name)(operand)

    return problems


def _exists(operand: Any) -> Problems:
    if not isinstance(operand, bool):
        yield "exists match pattern must be either true or false."


def _wildcard(operand: Any) -> Problems:
    yield from _text("wildcard")(operand)
    plain = re.sub(r"\\[\\*]", "__", operand) if isinstance(operand, str) else ""
    if "\\" in plain:
        yield f"Invalid escape character at pos {plain.index(chr(92))}"
    if "**" in plain:
        yield f"Consecutive wildcard characters at pos {plain.index('**')}"


def _cidr(operand: Any) -> Problems:
    yield from _text("prefix")(operand)
    if not isinstance(operand, str):
        return
    if operand.count("/") != 1:
        yield "Malformed CIDR, one '/' required"
    elif not operand.rpartition("/")[2].isdecimal():
        yield "Malformed CIDR, mask bits must be an integer"
    else:
        try:
            ipaddress.ip_network(operand, strict=False)
        except ValueError as error:
            yield f"Malformed CIDR: {error}"


def _numeric(operand: Any) -> Problems:
    """Check one comparison, or the two of a range, whose lower bound comes first."""
    if not isinstance(operand, list):
        yield "Value of numeric must be an array."
        return
    operator, *rest = operand or ["]"]
    if not operand or not isinstance(operator, str):
        yield f"Invalid member in numeric match: {operator}"
    elif operator not in _NUMERIC_OPERATORS:
        yield f"Unrecognized numeric range operator: {operator}"
    elif not rest or not _is_number(rest[0]):
        yield f"Value of {'equals' if operator == '=' else operator} must be numeric"
    elif len(rest) == 1:
        yield from _size(rest[0])
    elif not operator.startswith(">"):
        yield _TOO_MANY
    else:
        yield from _size(rest[0])
        yield from _upper_bound(rest[0], *rest[1:])


def _upper_bound(bottom: float, operator: Any, *rest: Any) -> Problems:
    if not isinstance(operator, str):
        yield f"Bad value in numeric range: {operator}"
    elif operator not in _UPPER_BOUNDS:
        yield f"Bad numeric range operator: {operator}"
    elif not rest or not _is_number(rest[0]):
        yield f"Value of {operator} must be numeric"
    elif len(rest) > 1:
        yield "Too many terms in numeric range expression"
    else:
        yield from _size(rest[0])
        if bottom >= rest[0]:
            yield "Bottom must be less than top"


def _size(number: float) -> Problems:
    if abs(number) > _LARGEST:
        yield f"Value must be between {-_LARGEST} and {_LARGEST}, inclusive"


def _anything_but(operand: Any) -> Problems:
    if isinstance(operand, dict):
        yield from _nothing_like(operand)
    elif isinstance(operand, list):
        if any(not isinstance(each, str) and not _is_number(each) for each in operand):
            yield "Inside anything but list, start|null|boolean is not supported."
        elif len({isinstance(each, str) for each in operand}) != 1:
            yield "Inside anything but list, either all values are number or string, mixed type is not supported"
    elif not isinstance(operand, str) and not _is_number(operand):
        yield "Value of anything-but must be an array or single string/number value."


def _nothing_like(operand: dict[str, Any]) -> Problems:
    if not operand:
        yield "Anything-But expression name not found"
        return
    name, value = next(iter(operand.items()))
    if name not in {"prefix", "suffix", "wildcard", _IGNORING_CASE}:
        yield f"Unsupported anything-but pattern: {name}"
        return
    texts = value if isinstance(value, list) else [value]
    if not texts:
        yield "Empty arrays are not allowed"
    for each in texts:
        yield from _wildcard(each) if name == "wildcard" else _text(name)(each)
        if each == "" and name in {"prefix", "suffix"}:
            yield "Null prefix/suffix not allowed"
    if len(operand) > 1:
        yield _ONE_KEY


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


_OPERANDS: dict[str, Callable[[Any], Problems]] = {
    "prefix": _end("prefix"),
    "suffix": _end("suffix"),
    _IGNORING_CASE: _text(_IGNORING_CASE),
    "wildcard": _wildcard,
    "anything-but": _anything_but,
    "numeric": _numeric,
    "exists": _exists,
    "cidr": _cidr,
}
