"""Why: a condition step decides which branch runs; what may be compared, and how, is AWS's."""

from collections.abc import Callable, Iterator
from operator import ge, gt, le, lt
from typing import Any

from .expressions import is_compound, is_expression, json_array, json_object, malformed

ORDERINGS: dict[str, Callable[[Any, Any], bool]] = {
    "GreaterThan": gt,
    "GreaterThanOrEqualTo": ge,
    "LessThan": lt,
    "LessThanOrEqualTo": le,
}
# Each type's members; AND is what the list of a step's Conditions means, so that there is no type for it.
MEMBERS = {
    "Equals": ("LeftValue", "RightValue"),
    **dict.fromkeys(ORDERINGS, ("LeftValue", "RightValue")),
    "In": ("QueryValue", "Values"),
    "Not": ("Condition",),
    "Or": ("Conditions",),
}


def check_conditions(conditions: Any) -> None:
    """Refuse a list of conditions with an unknown type or other members than its type has."""
    if not json_array(conditions):
        raise malformed("Conditions is empty: a condition step has at least one condition.")
    for condition in conditions:
        _check(condition)


def _check(condition: Any) -> None:
    kind = condition.get("Type") if isinstance(condition, dict) else None
    if kind not in MEMBERS:
        raise malformed(f"Value '{kind}' for 'ConditionType' failed to satisfy enum value set: [{', '.join(MEMBERS)}]")
    json_object(condition, f"{kind} condition", ("Type", *MEMBERS[kind]))
    for member in MEMBERS[kind]:
        if member not in condition:
            raise malformed(f"The condition {kind} has no {member}: its members are {', '.join(MEMBERS[kind])}.")
    if kind == "Not":
        _check(condition["Condition"])
    elif kind == "Or":
        check_conditions(condition["Conditions"])
    else:
        for value in _values(condition):
            if is_compound(value) and not is_expression(value):
                raise malformed(f"The condition {kind} compares single values; received {value!r}.")


def _values(condition: dict[str, Any]) -> Iterator[Any]:
    if condition["Type"] != "In":
        yield from (condition["LeftValue"], condition["RightValue"])
    else:
        yield from (condition["QueryValue"], *json_array(condition["Values"]))


def holds(condition: dict[str, Any]) -> bool:
    """Evaluate a condition whose values are resolved; a TypeError says that two values cannot be compared."""
    kind = condition["Type"]
    if kind == "Not":
        return not holds(condition["Condition"])
    if kind == "Or":
        return any(holds(each) for each in condition["Conditions"])
    if kind == "In":
        return any(_equal(condition["QueryValue"], value) for value in condition["Values"])
    left, right = condition["LeftValue"], condition["RightValue"]
    if kind == "Equals":
        return _equal(left, right)
    if not (_is_number(left) and _is_number(right)) and not (isinstance(left, str) and isinstance(right, str)):
        raise TypeError(f"{kind} compares two numbers or two strings; received {left!r} and {right!r}")
    return ORDERINGS[kind](left, right)


def _equal(left: Any, right: Any) -> bool:
    # To Python True equals 1.
    return isinstance(left, bool) == isinstance(right, bool) and left == right


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
