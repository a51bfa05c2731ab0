"""Why: the conditions of a statement are compiled when the policy is read; judging them is then a few comparisons.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
"""

import base64
import binascii
import ipaddress
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from .matching import Context, Test, arn_like, equals, equals_ignoring_case, like

_Compile = Callable[[str, bool], Test]  # (text of the policy, whether it may hold variables) -> test
_OPERATOR = re.compile(r"(?:(ForAllValues|ForAnyValue):)?([A-Za-z]+?)(IfExists)?", re.IGNORECASE)


class ConditionError(Exception):
    """A Condition element that is none, worded as IAM words it."""


@dataclass(frozen=True)
class Condition:
    """One operator applied to one key.

    `doubt` answers where AWS's documentation leaves the answer open (a key with several values, and no set operator):
    the answer that is worse for the caller, true in a Deny statement and false in an Allow statement.
    """

    key: str
    tests: tuple[Test, ...]
    negated: bool
    quantifier: str  # "", "forallvalues" or "foranyvalue"
    if_exists: bool
    doubt: bool

    def holds(self, context: Context) -> bool:
        """Return whether a request meets the condition."""
        found = context.get(self.key)
        if self.quantifier:
            values = (found,) if isinstance(found, str) else tuple(found or ())
            if not any(values):  # no key, no values, or nothing but empty ones: a null data set
                return self._holds_without_values()
            held = (self._matches(value, context) for value in values)
            return all(held) if self.quantifier == "forallvalues" else any(held)
        if found is None:
            return self.if_exists or self.negated
        if not isinstance(found, str):
            return self.doubt
        return self._matches(found, context)

    def _holds_without_values(self) -> bool:
        if self.quantifier == "forallvalues":
            return True
        return self.if_exists and self.doubt

    def _matches(self, value: str, context: Context) -> bool:
        return any(test(value, context) for test in self.tests) is not self.negated


@dataclass(frozen=True)
class Presence:
    """The `Null` operator: whether a key is absent. A key without any value counts as absent."""

    key: str
    wanted: frozenset[bool]  # true: the key must be absent

    def holds(self, context: Context) -> bool:
        """Return whether a request meets the condition."""
        found = context.get(self.key)
        return (found is None or (not isinstance(found, str) and not found)) in self.wanted


def read(element: Any, *, variables: bool, denies: bool) -> tuple[Condition | Presence, ...]:
    """Read a Condition element; `denies` is whether it belongs to a Deny statement."""
    if not isinstance(element, Mapping):
        raise ConditionError("Syntax errors in policy.")
    conditions: list[Condition | Presence] = []
    for name, block in element.items():
        if not isinstance(block, Mapping):
            raise ConditionError("Syntax errors in policy.")
        for key, values in block.items():
            texts = [_text(value) for value in (values if isinstance(values, list) else [values])]
            conditions.append(_condition(name, key.lower(), texts, variables=variables, denies=denies))
    return tuple(conditions)


def _condition(name: str, key: str, texts: list[str], *, variables: bool, denies: bool) -> Condition | Presence:
    parts = _OPERATOR.fullmatch(name)
    if parts is None:
        raise ConditionError(f"Invalid Condition type : {name}.")
    quantifier, base, if_exists = parts.groups()
    if base.lower() == "null" and not if_exists:
        return Presence(key, frozenset(text.lower() == "true" for text in texts if text.lower() in {"true", "false"}))
    if base.lower() not in _OPERATORS:
        raise ConditionError(f"Invalid Condition type : {name}.")
    compile_value, negated = _OPERATORS[base.lower()]
    return Condition(
        key=key,
        tests=tuple(compile_value(text, variables) for text in texts),
        negated=negated,
        quantifier=(quantifier or "").lower(),
        if_exists=bool(if_exists),
        doubt=denies,
    )


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise ConditionError("Syntax errors in policy.")


def _equals(text: str, variables: bool) -> Test:  # noqa: FBT001 the operators' table calls all of them alike
    return equals(text, variables=variables)


def _equals_ignoring_case(text: str, variables: bool) -> Test:  # noqa: FBT001 likewise
    return equals_ignoring_case(text, variables=variables)


def _like(text: str, variables: bool) -> Test:  # noqa: FBT001 likewise
    return like(text, variables=variables)


def _arn(text: str, variables: bool) -> Test:  # noqa: FBT001 likewise
    return arn_like(text, variables=variables)


def _compare(parse: Callable[[str], Any], accept: Callable[[Any, Any], bool]) -> _Compile:
    """Return an operator on parsed values; what cannot be parsed matches nothing."""

    def compile_value(text: str, _variables: bool) -> Test:  # noqa: FBT001 likewise
        bound = parse(text)

        def test(value: str, _context: Context) -> bool:
            given = parse(value)
            return bound is not None and given is not None and accept(given, bound)

        return test

    return compile_value


def _boolean(text: str) -> bool | None:
    return {"true": True, "false": False}.get(text.lower())


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _date(text: str) -> datetime | None:
    """Read seconds since 1970 or one of the W3C's forms of ISO 8601; without an offset it is UTC."""
    try:
        if re.fullmatch(r"\d+(?:\.\d+)?", text):
            return datetime.fromtimestamp(float(text), UTC)
        parsed = datetime.fromisoformat(f"{text}-01" if re.fullmatch(r"\d{4}-\d{2}", text) else text)
    except (ValueError, OverflowError):
        return None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def _bytes(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def _within(address: Any, network: Any) -> bool:
    return address.version == network.version and address.subnet_of(network)


_ADDRESS = _compare(_network, _within)
_NUMERIC = {
    "equals": operator.eq,
    "lessthan": operator.lt,
    "lessthanequals": operator.le,
    "greaterthan": operator.gt,
    "greaterthanequals": operator.ge,
}
_OPERATORS: Mapping[str, tuple[_Compile, bool]] = {  # name in lower case -> (how a value is compared, negated)
    "stringequals": (_equals, False),
    "stringnotequals": (_equals, True),
    "stringequalsignorecase": (_equals_ignoring_case, False),
    "stringnotequalsignorecase": (_equals_ignoring_case, True),
    "stringlike": (_like, False),
    "stringnotlike": (_like, True),
    "arnequals": (_arn, False),
    "arnlike": (_arn, False),
    "arnnotequals": (_arn, True),
    "arnnotlike": (_arn, True),
    "bool": (_compare(_boolean, operator.eq), False),
    "binaryequals": (_compare(_bytes, operator.eq), False),
    "ipaddress": (_ADDRESS, False),
    "notipaddress": (_ADDRESS, True),
    **{f"numeric{name}": (_compare(_number, accept), False) for name, accept in _NUMERIC.items()},
    "numericnotequals": (_compare(_number, operator.eq), True),
    **{f"date{name}": (_compare(_date, accept), False) for name, accept in _NUMERIC.items()},
    "datenotequals": (_compare(_date, operator.eq), True),
}
