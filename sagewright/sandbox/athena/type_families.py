"""Why: Athena compares nothing with what is of another type, while the engine here would make it fit.

https://docs.aws.amazon.com/athena/latest/ug/data-types.html
"""

from collections.abc import Callable, Iterator
from typing import Any

from .failures import QueryError, semantic

Position = Callable[[Any], tuple[int, int]]

_FAMILIES = {
    "text": {"VARCHAR", "CHAR", "TEXT", "NVARCHAR", "NCHAR"},
    "number": {"TINYINT", "SMALLINT", "INT", "BIGINT", "FLOAT", "DOUBLE", "DECIMAL", "BIGDECIMAL", "INT128"},
    "boolean": {"BOOLEAN"},
    "time": {"DATE", "TIMESTAMP", "TIMESTAMPTZ"},
    "interval": {"INTERVAL"},
}
INTEGERS = frozenset({"TINYINT", "SMALLINT", "INT", "BIGINT"})
_FAMILY_OF = {name: family for family, names in _FAMILIES.items() for name in names}
# What Trino calls a type, and sqlglot does not.
_NAMES = {"INT": "integer", "TEXT": "varchar", "FLOAT": "real", "TIMESTAMPTZ": "timestamp(3) with time zone"}
_NAMES |= {"TIMESTAMP": "timestamp(3)"}


def type_of(node: Any) -> str:
    """Return sqlglot's name of the type of an expression; nothing where it is not known."""
    found = getattr(node, "type", None)
    name = found.this.name if found is not None and hasattr(found.this, "name") else ""
    return "" if name in {"UNKNOWN", "NULL"} else str(name)


def family_of(node: Any) -> str:
    """Return the family of types that can be compared with one another; nothing where it is not known."""
    return _FAMILY_OF.get(type_of(node), "")


def check(tree: Any, position: Position) -> None:
    """Refuse what Athena refuses to compare, to add or to take for a condition."""
    for node in tree.walk():
        if next(_failures(node, (1, 1)), None):  # where that is, is looked for only then
            raise next(_failures(node, position(node)))


def _failures(node: Any, where: tuple[int, int]) -> Iterator[QueryError]:
    rule = _RULES.get(type(node).__name__)
    if rule is not None:
        yield from rule(node, where)
    elif type(node).__name__ in _ONLY_TEXT and family_of(node.this) not in {"", "text"}:
        yield _parameters(node, where, [node.this])


def _compared(node: Any, where: tuple[int, int]) -> Iterator[QueryError]:
    if not _fit(node.this, node.expression):
        yield _operator(node, where, _SIGNS[type(node).__name__])


def _between(node: Any, where: tuple[int, int]) -> Iterator[QueryError]:
    low, high = node.args["low"], node.args["high"]
    if not (_fit(node.this, low) and _fit(node.this, high)):
        named = f"{_shown(node.this)} is BETWEEN {_shown(low)} and {_shown(high)}"
        yield semantic("TYPE_MISMATCH", where, f"Cannot check if {named}")


def _in(node: Any, where: tuple[int, int]) -> Iterator[QueryError]:
    others = [*node.expressions, *_selected(node.args.get("query"))]
    yield from _common([node.this, *others], where, "IN value and list items must be the same type")


def _operands(node: Any, where: tuple[int, int]) -> Iterator[QueryError]:
    parts = [node.this, *node.expressions, *([node.expression] if "expression" in node.args else [])]
    yield from _common(parts, where, f"All {type(node).__name__.upper()} operands must be the same type")


def _case(node: Any, where: tuple[int, int]) -> Iterator[QueryError]:
    results = [each.args["true"] for each in node.args["ifs"]] + [node.args.get("default")]
    yield from _common(results, where, "All CASE results must be the same type")
    if node.this is None:
        yield from _conditions([each.this for each in node.args["ifs"]], where)


def _if(node: Any, where: tuple[int, int]) -> Iterator[QueryError]:
    if type(node.parent).__name__ != "Case":
        yield from _common([node.args["true"], node.args.get("false")], where, "All IF results must be the same type")
        yield from _conditions([node.this], where)


def _added(node: Any, where: tuple[int, int]) -> Iterator[QueryError]:
    families = (family_of(node.this), family_of(node.expression))
    allowed = {("number", "number"), ("time", "interval"), ("interval", "time"), ("interval", "interval")}
    if type(node).__name__ == "Sub":
        allowed |= {("time", "time")}
    if all(families) and families not in allowed:
        yield _operator(node, where, _SIGNS[type(node).__name__])


def _multiplied(node: Any, where: tuple[int, int]) -> Iterator[QueryError]:
    families = {family_of(node.this), family_of(node.expression)} - {""}
    if families - {"number"} and families != {"number", "interval"}:
        yield _operator(node, where, _SIGNS[type(node).__name__])


def _joined_texts(node: Any, where: tuple[int, int]) -> Iterator[QueryError]:
    if {family_of(node.this), family_of(node.expression)} - {"", "text"}:
        yield _operator(node, where, _SIGNS[type(node).__name__])


def _concatenated(node: Any, where: tuple[int, int]) -> Iterator[QueryError]:
    if {family_of(each) for each in node.expressions} - {"", "text"}:
        yield _parameters(node, where, node.expressions)


def _summed(node: Any, where: tuple[int, int]) -> Iterator[QueryError]:
    if family_of(node.this) not in {"", "number", "interval"}:
        yield _parameters(node, where, [node.this])


def _condition(node: Any, where: tuple[int, int]) -> Iterator[QueryError]:
    yield from _conditions([node.this], where)


def _both_conditions(node: Any, where: tuple[int, int]) -> Iterator[QueryError]:
    yield from _conditions([node.this, node.expression], where)


def _join_condition(node: Any, where: tuple[int, int]) -> Iterator[QueryError]:
    yield from _conditions([node.args.get("on")], where)


def _parameters(node: Any, where: tuple[int, int], given: list[Any]) -> QueryError:
    shown = ", ".join(_shown(each) for each in given)
    problem = f"Unexpected parameters ({shown}) for function {type(node).__name__.lower()}."
    return semantic("FUNCTION_NOT_FOUND", where, problem)


_ONLY_TEXT = {
    *("Lower", "Upper", "Trim", "Replace", "Reverse", "SplitPart", "StartsWith", "StrPosition", "Substring"),
    *("RegexpLike", "Pad", "Length", "StrToTime"),
}
_SIGNS = {"EQ": "=", "NEQ": "<>", "GT": ">", "GTE": ">=", "LT": "<", "LTE": "<=", "Add": "+", "Sub": "-"}
_SIGNS |= {"Mul": "*", "Div": "/", "Mod": "%", "DPipe": "||", "Like": "LIKE"}
_SIGNS |= dict.fromkeys(("NullSafeEQ", "NullSafeNEQ"), "IS DISTINCT FROM")


def _fit(one: Any, other: Any) -> bool:
    families = (family_of(one), family_of(other))
    return not all(families) or families[0] == families[1]


def _operator(node: Any, where: tuple[int, int], sign: str) -> QueryError:
    problem = f"Cannot apply operator: {_shown(node.this)} {sign} {_shown(node.expression)}"
    return semantic("TYPE_MISMATCH", where, problem)


def _common(parts: list[Any], where: tuple[int, int], rule: str) -> Iterator[QueryError]:
    known = [each for each in parts if each is not None and family_of(each)]
    if len({family_of(each) for each in known}) > 1:
        shown = ", ".join(dict.fromkeys(_shown(each) for each in known))
        yield semantic("TYPE_MISMATCH", where, f"{rule} or coercible to a common type. Found: [{shown}]")


def _conditions(nodes: list[Any], where: tuple[int, int]) -> Iterator[QueryError]:
    for node in nodes:
        if node is not None and family_of(node) not in {"", "boolean"}:
            problem = f"A condition must evaluate to a boolean (actual: {_shown(node)})"
            yield semantic("TYPE_MISMATCH", where, problem)


def _union(node: Any, where: tuple[int, int]) -> Iterator[QueryError]:
    left, right = node.left.selects, node.right.selects
    if len(left) != len(right):
        problem = f"{type(node).__name__} query has different number of fields: {len(left)}, {len(right)}"
        yield semantic("TYPE_MISMATCH", where, problem)
    for number, (one, other) in enumerate(zip(left, right, strict=False), 1):
        if not _fit(one, other):
            problem = f"column {number} in {type(node).__name__} query has incompatible types: "
            yield semantic("TYPE_MISMATCH", where, f"{problem}{_shown(one)}, {_shown(other)}")


def _selected(query: Any) -> list[Any]:
    return list(query.unnest().selects) if query is not None else []


def _shown(node: Any) -> str:
    name = type_of(node)
    return _NAMES.get(name, name.lower()) or "unknown"


Rule = Callable[[Any, tuple[int, int]], Iterator[QueryError]]
_RULES: dict[str, Rule] = {
    **dict.fromkeys(("EQ", "NEQ", "GT", "GTE", "LT", "LTE", "NullSafeEQ", "NullSafeNEQ"), _compared),
    **dict.fromkeys(("Coalesce", "Greatest", "Least", "Nullif"), _operands),
    **dict.fromkeys(("Not", "Where", "Having"), _condition),
    **dict.fromkeys(("And", "Or"), _both_conditions),
    **dict.fromkeys(("Add", "Sub"), _added),
    **dict.fromkeys(("Mul", "Div", "Mod"), _multiplied),
    **dict.fromkeys(("DPipe", "Like"), _joined_texts),
    **dict.fromkeys(("Sum", "Avg"), _summed),
    **dict.fromkeys(("Union", "Intersect", "Except"), _union),
    "Between": _between,
    "Case": _case,
    "Concat": _concatenated,
    "If": _if,
    "In": _in,
    "Join": _join_condition,
}
