"""Why: properties, conditions and outputs are written in one small language, evaluated the same way everywhere."""

import base64
import ipaddress
import re
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from ..protocol import ApiError

_SUBSTITUTION = re.compile(r"\$\{(!?)([^}]*)\}")
_PAIR = 2


class _NoValue:
    """What Ref AWS::NoValue stands for: the property is not there at all."""


NO_VALUE = _NoValue()

# What a resource will give once it is made stands like this in a plan, and makes unknown what is computed from it.
UNKNOWN = "{{changeSet:KNOWN_AFTER_APPLY}}"

# Contains and EachMember… are for rules alone; a rule's functions and a resource's never meet in one place.
FUNCTIONS = {"Ref", "Condition"} | {
    f"Fn::{name}"
    for name in (
        *("GetAtt", "Join", "Sub", "Split", "Select", "If", "Equals", "And", "Or", "Not", "FindInMap", "ImportValue"),
        *("GetAZs", "Base64", "Cidr", "Contains", "EachMemberIn", "EachMemberEquals"),
    )
}


class Values(Protocol):
    """What functions read from the stack that is being planned or provisioned."""

    def reference(self, name: str) -> Any:
        """Return what Ref gives for a parameter, pseudo parameter or resource."""
        ...

    def attribute(self, logical_id: str, name: str) -> Any:
        """Return what Fn::GetAtt gives."""
        ...

    def imported(self, export: str) -> str:
        """Return the value of another stack's export."""
        ...

    def zones(self, region: str) -> list[str]:
        """Return a region's availability zones."""
        ...

    def dynamic(self, text: str) -> str:
        """Return the text with its dynamic references resolved."""
        ...


class Evaluator:
    """Evaluates values of one template; conditions are evaluated once."""

    def __init__(self, template: Mapping[str, Any], scope: Values) -> None:
        self._mappings: Mapping[str, Any] = template.get("Mappings", {})
        self._definitions: Mapping[str, Any] = template.get("Conditions", {})
        self._scope = scope
        self._conditions: dict[str, bool] = {}
        self._functions: dict[str, Callable[[Any], Any]] = {
            "Ref": self._ref,
            "Condition": self.condition,
            "Fn::GetAtt": self._get_att,
            "Fn::Join": self._join,
            "Fn::Sub": self._sub,
            "Fn::Split": self._split,
            "Fn::Select": self._select,
            "Fn::If": self._if,
            "Fn::Equals": self._equals,
            "Fn::And": lambda items: all(self.truth(item) for item in self._arguments("Fn::And", items, 2, 10)),
            "Fn::Or": lambda items: any(self.truth(item) for item in self._arguments("Fn::Or", items, 2, 10)),
            "Fn::Not": lambda items: not self.truth(self._arguments("Fn::Not", items, 1, 1)[0]),
            "Fn::FindInMap": self._find_in_map,
            "Fn::ImportValue": lambda name: self._scope.imported(self._text("Fn::ImportValue", self.value(name))),
            "Fn::GetAZs": lambda region: self._scope.zones(self.value(region) or self._ref("AWS::Region")),
            "Fn::Base64": lambda text: base64.b64encode(self._text("Fn::Base64", self.value(text)).encode()).decode(),
            "Fn::Cidr": self._cidr,
            "Fn::Contains": self._contains,
            "Fn::EachMemberIn": self._each_member_in,
            "Fn::EachMemberEquals": self._each_member_equals,
        }

    def value(self, value: Any) -> Any:
        """Return the value with every function in it evaluated and every AWS::NoValue taken out."""
        if isinstance(value, str):
            return self._scope.dynamic(value) if "{{resolve:" in value else value
        if isinstance(value, list):
            return [item for item in map(self.value, value) if item is not NO_VALUE]
        if not isinstance(value, dict):
            return value
        name = function_name(value)
        if name:
            return self._functions[name](value[name])
        evaluated = {key: self.value(item) for key, item in value.items()}
        return {key: item for key, item in evaluated.items() if item is not NO_VALUE}

    def condition(self, name: str) -> bool:
        """Return whether a named condition holds."""
        if name not in self._conditions:
            if name not in self._definitions:
                raise _error(
                    f"Template format error: Unresolved condition dependency {name} "
                    "in the Conditions block of the template"
                )
            self._conditions[name] = self.truth(self._definitions[name])
        return self._conditions[name]

    def check_conditions(self) -> None:
        """Evaluate every condition, also one that nothing asks for: CloudFormation does before it makes anything."""
        for name in self._definitions:
            self.condition(name)

    def truth(self, value: Any) -> bool:
        """Return what a condition function evaluates to."""
        result = self.value(value)
        if isinstance(result, bool) or result in ("true", "false"):
            return result in (True, "true")
        raise _error("Template format error: Every Conditions member must be a boolean function.")

    def _ref(self, name: Any) -> Any:
        return NO_VALUE if name == "AWS::NoValue" else self._scope.reference(self._text("Ref", name))

    def _get_att(self, target: Any) -> Any:
        parts = target.split(".", 1) if isinstance(target, str) else target
        if not isinstance(parts, list) or len(parts) < _PAIR:
            raise _error(
                "Template error: every Fn::GetAtt object requires two non-empty parameters, "
                "the resource name and the resource attribute"
            )
        return self._scope.attribute(parts[0], ".".join(str(self.value(part)) for part in parts[1:]))

    def _join(self, arguments: Any) -> str:
        delimiter, items = self._arguments("Fn::Join", arguments, 2, 2)
        values = self.value(items)
        if values == UNKNOWN:
            return UNKNOWN
        if not isinstance(values, list):
            raise _error(
                "Template error: every Fn::Join object requires two parameters, (1) a string delimiter and "
                "(2) a list of strings to be joined or a function that returns a list of strings (such as Fn::GetAZs)"
            )
        return str(delimiter).join(self._text("Fn::Join", item) for item in values)

    def _sub(self, arguments: Any) -> str:
        is_pair = isinstance(arguments, list) and len(arguments) == _PAIR
        text, variables = arguments if is_pair else (arguments, dict[str, Any]())
        if not isinstance(text, str) or not isinstance(variables, dict):
            raise _error("Template error: One or more Fn::Sub intrinsic functions don't specify expected arguments.")

        def replaced(match: re.Match[str]) -> str:
            literal, name = match[1], match[2].strip()
            if literal:
                return f"${{{match[2]}}}"
            if name in variables:
                return self._text("Fn::Sub", self.value(variables[name]))
            return self._text("Fn::Sub", self._get_att(name) if "." in name else self._ref(name))

        return _SUBSTITUTION.sub(replaced, text)

    def _split(self, arguments: Any) -> Any:
        delimiter, text = self._arguments("Fn::Split", arguments, 2, 2)
        whole = self._text("Fn::Split", self.value(text))
        return UNKNOWN if UNKNOWN in whole else whole.split(delimiter)

    def _select(self, arguments: Any) -> Any:
        index, items = self._arguments("Fn::Select", arguments, 2, 2)
        position, values = int(self.value(index)), self.value(items)
        if values == UNKNOWN:
            return UNKNOWN
        if not isinstance(values, list) or not 0 <= position < len(values):
            raise _error(f"Template error: Fn::Select cannot select nonexistent value at index {position}")
        return values[position]

    def _if(self, arguments: Any) -> Any:
        name, when_true, when_false = self._arguments("Fn::If", arguments, 3, 3)
        return self.value(when_true if self.condition(name) else when_false)

    def _equals(self, arguments: Any) -> bool:
        left, right = map(self.value, self._arguments("Fn::Equals", arguments, 2, 2))
        return comparable(left) == comparable(right)

    def _find_in_map(self, arguments: Any) -> Any:
        name, first, second = (self.value(item) for item in self._arguments("Fn::FindInMap", arguments, 3, 4)[:3])
        try:
            return self._mappings[name][first][second]
        except (KeyError, TypeError):
            raise _error(f"Template error: Unable to get mapping for {name}::{first}::{second}") from None

    def _cidr(self, arguments: Any) -> list[str]:
        block, count, bits = map(self.value, [*self._arguments("Fn::Cidr", arguments, 2, 3), 8][:3])
        if UNKNOWN in block:
            return [UNKNOWN] * int(count)
        network = ipaddress.ip_network(block)
        subnets = network.subnets(new_prefix=network.max_prefixlen - int(bits))
        return [str(subnet) for subnet, _ in zip(subnets, range(int(count)), strict=False)]

    def _contains(self, arguments: Any) -> bool:
        members, value = map(self.value, self._arguments("Fn::Contains", arguments, 2, 2))
        return comparable(value) in [comparable(member) for member in members]

    def _each_member_in(self, arguments: Any) -> bool:
        values, members = map(self.value, self._arguments("Fn::EachMemberIn", arguments, 2, 2))
        return all(value in members for value in values)

    def _each_member_equals(self, arguments: Any) -> bool:
        values, expected = map(self.value, self._arguments("Fn::EachMemberEquals", arguments, 2, 2))
        return all(comparable(value) == comparable(expected) for value in values)

    def _arguments(self, function: str, arguments: Any, least: int, most: int) -> list[Any]:
        if not isinstance(arguments, list) or not least <= len(arguments) <= most:
            wanted = str(least) if least == most else f"{least} to {most}"
            raise _error(f"Template error: {function} requires a list argument with {wanted} elements")
        return arguments

    def _text(self, function: str, value: Any) -> str:
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, (str, int, float)):
            return str(value)
        raise _error(f"Template error: every value of {function} must be a string, not {value!r}")


def function_name(value: Mapping[str, Any]) -> str | None:
    """Return the function that an object calls: its only key."""
    if len(value) != 1:
        return None
    (name,) = value
    if name == "Condition" and not isinstance(value[name], str):
        return None  # an object of the resource's own, such as a policy statement's part
    if name in FUNCTIONS:
        return name
    if isinstance(name, str) and name.startswith("Fn::"):
        raise _error(f"Template error: the function {name} is not supported")
    return None


def comparable(value: Any) -> Any:
    """Return a value as text where it is a scalar: a template's 1 and "1" are the same."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, (int, float)) else value


def _error(message: str) -> ApiError:
    return ApiError("ValidationError", message)
