"""Why: what a query means in Athena has to be said to the engine that runs it here, function by function.

The translator knows the grammars of both; where it does not know a meaning (a difference in whole days, the newest
value where it is missing, a text that is no timestamp), the rules are here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from .failures import QueryError, lacking, semantic
from .functions import check as check_functions
from .grammar import Statement
from .type_families import INTEGERS, family_of, type_of
from .type_families import check as check_types

CATALOG = "awsdatacatalog"
_TEMPORARY = "TIMESTAMPTZ"
_DIFFERENCES = frozenset({"MILLISECOND", "SECOND", "MINUTE", "HOUR", "DAY", "WEEK", "MONTH", "QUARTER", "YEAR"})
_CAST_MACROS = {"TIMESTAMP": "timestamp", "TIMESTAMPTZ": "timestamptz", "DATE": "date", "DOUBLE": "double"}
_CAST_MACROS |= {"FLOAT": "real", "BIGINT": "bigint", "INT": "int", "SMALLINT": "smallint", "TINYINT": "tinyint"}
_CAST_MACROS |= {"BOOLEAN": "boolean"}

Columns = Mapping[str, str]


@dataclass(frozen=True)
class Table:
    """A table of the catalog that a query reads."""

    database: str
    name: str


@dataclass(frozen=True)
class Reading:
    """A parsed query, before anything is known of its tables."""

    statement: Statement
    tree: Any
    tables: dict[Table, tuple[int, int]]
    named: list[str]
    """The names of the columns that it gives; empty ones where it gives none."""


def parse(statement: Statement, database: str) -> Reading:
    """Return what a query reads; refuse functions and types that Athena or the sandbox does not have."""
    import sqlglot  # noqa: PLC0415 - half a second that only queries need
    from sqlglot.errors import SqlglotError  # noqa: PLC0415 - likewise
    from sqlglot.optimizer.scope import traverse_scope  # noqa: PLC0415 - likewise

    check_functions(statement)
    try:
        tree: Any = sqlglot.parse_one(statement.query, read="athena")
        scopes = traverse_scope(tree)
    except SqlglotError as error:
        raise lacking(f"this query: {error}") from None
    tables: dict[Table, tuple[int, int]] = {}
    for scope in scopes:
        for node in scope.tables:
            if node.db or node.name.lower() not in scope.cte_sources:
                table = _table(node, database, statement)
                node.set("db", sqlglot.exp.to_identifier(table.database))
                node.set("catalog", None)
                tables.setdefault(table, statement.position(node.name))
    named = [_own_name(each) for each in tree.selects]
    return Reading(statement, tree, tables, named)


def translated(reading: Reading, columns: Mapping[Table, Columns], views: Mapping[Table, str], now_s: float) -> str:
    """Return the query for the engine, over views; refuse what Athena would not find or not compare."""
    from sqlglot import exp  # noqa: PLC0415 - likewise
    from sqlglot.errors import SqlglotError  # noqa: PLC0415 - likewise
    from sqlglot.optimizer.annotate_types import annotate_types  # noqa: PLC0415 - likewise
    from sqlglot.optimizer.qualify import qualify  # noqa: PLC0415 - likewise
    from sqlglot.optimizer.scope import traverse_scope  # noqa: PLC0415 - likewise

    schema: dict[str, Any] = {}
    for table, types in columns.items():
        schema.setdefault(table.database, {})[table.name] = dict(types) or {"": "varchar"}
    position = _Positions(reading.statement)
    _check_depth(reading.tree)
    try:
        tree: Any = qualify(
            reading.tree, schema=schema, dialect="athena", expand_alias_refs=False, validate_qualify_columns=True
        )
        _check_having(tree, position)
        if any(scope.is_correlated_subquery for scope in traverse_scope(tree)):
            raise lacking("correlated subqueries, of which AWS plans some and refuses others; a JOIN does the same")
        tree = tree.transform(_Meaning(now_s, position), copy=False)
        tree = annotate_types(tree, schema=schema, dialect="athena")
    except SqlglotError as error:
        raise _unresolved(str(error), reading.statement) from None
    check_types(tree, position)
    tree = _Typed(position).apply(tree)
    for node in tree.find_all(exp.Table):
        if node.db:
            node.set("this", exp.to_identifier(views[Table(node.db, node.name)], quoted=True))
            node.set("db", None)
    return str(tree.sql("duckdb"))


class _Positions:
    """Finds where in the text an expression stands, by the first name in it."""

    def __init__(self, statement: Statement) -> None:
        self._statement = statement

    def __call__(self, node: Any) -> tuple[int, int]:
        from sqlglot import exp  # noqa: PLC0415 - likewise

        for name in node.find_all(exp.Identifier):
            if "line" in name.meta:
                return self._statement.position(name.name)
        return 1, 1


class _Meaning:
    """Puts in the engine's words what the translator takes for something else; types are known afterwards."""

    def __init__(self, now_s: float, position: _Positions) -> None:
        now = datetime.fromtimestamp(int(now_s * 1000) / 1000, UTC)
        self._now = now.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
        self._position = position

    def __call__(self, node: Any) -> Any:
        """Return what stands for a node; mostly itself."""
        of_kind = self._kinds.get(type(node).__name__)
        return of_kind(node) if of_kind else node

    @property
    def _kinds(self) -> dict[str, Callable[[Any], Any]]:
        return {
            "CurrentTimestamp": lambda _: _ours(_literal(f"{self._now}+00"), _TEMPORARY, in_utc=True),
            "Localtimestamp": lambda _: _ours(_literal(self._now), "TIMESTAMP"),
            "CurrentDate": lambda _: _ours(_literal(self._now[:10]), "DATE"),
            "FromISO8601Timestamp": lambda node: _ours(_call("athena_from_iso8601_timestamp", node.this), _TEMPORARY),
            "FromISO8601Date": lambda node: _ours(_call("athena_from_iso8601_date", node.this), "DATE"),
            "UnixToTime": lambda node: _ours(_call("athena_from_unixtime", node.this), _TEMPORARY, in_utc=True),
            # The engine's own takes the newest of the values that are there.
            "ArgMax": lambda node: _call("ARG_MAX_NULL", node.this, node.expression),
            "ArgMin": lambda node: _call("ARG_MIN_NULL", node.this, node.expression),
            "AtTimeZone": lambda node: self._at_zone(node.this, node.args["zone"]),
            "DateDiff": self._difference,
            "Anonymous": self._anonymous,
        }

    def _anonymous(self, node: Any) -> Any:
        from sqlglot import exp  # noqa: PLC0415 - likewise

        name, given = node.name.lower(), node.expressions
        if name in {"at_timezone", "with_timezone"}:
            return self._at_zone(given[0], given[1])
        if name == "millisecond":
            return _ours(exp.Mod(this=_call("MILLISECOND", given[0]), expression=exp.Literal.number(1000)), "BIGINT")
        renamed = {"is_finite": "ISFINITE", "is_infinite": "ISINF", "every": "BOOL_AND"}
        if name in renamed:
            node.set("this", renamed[name])
            return node
        if name in {"nan", "infinity"}:
            return _ours(_literal(name), "DOUBLE")
        return node

    def _difference(self, node: Any) -> Any:
        unit = node.text("unit").upper() or str(node.args.get("unit") or "").strip("'").upper()
        if unit not in _DIFFERENCES:
            line, column = self._position(node)
            raise semantic("INVALID_FUNCTION_ARGUMENT", (line, column), f"'{unit.lower()}' is not a valid DATE field")
        # Athena counts whole units that have passed, not the borders between.
        return _ours(_call("DATE_SUB", _literal(unit.lower()), node.expression, node.this), "BIGINT")

    @staticmethod
    def _at_zone(value: Any, zone: Any) -> Any:
        if zone.name.upper() != "UTC":
            raise lacking(f"the time zone {zone.name}: it keeps timestamps in UTC alone")
        return _ours(value, _TEMPORARY, in_utc=True)


class _Typed:
    """Puts in the engine's words what depends on types."""

    def __init__(self, position: _Positions) -> None:
        self._position = position

    def apply(self, tree: Any) -> Any:
        """Return the tree with its casts and divisions as Athena means them."""
        # From the leaves on, as each looks at the types of what is below it.
        for node in reversed(list(tree.walk())):
            replaced = self._of(node)
            if replaced is not node:
                if node.parent is None:
                    return replaced
                node.replace(replaced)
        return tree

    def _of(self, node: Any) -> Any:
        from sqlglot import exp  # noqa: PLC0415 - likewise

        if isinstance(node, exp.Cast):  # TRY_CAST is one, too
            return node if node.meta.get("ours") else self._cast(node)
        if isinstance(node, exp.Date):
            return self._cast(_with_type(exp.cast(node.this, "DATE"), "DATE"))
        if isinstance(node, (exp.TimestampTrunc, exp.Extract, exp.TimeToStr, *_parts())):
            moment = node.expression if isinstance(node, exp.Extract) else node.this
            self._require_utc(moment, type(node).__name__)
        if isinstance(node, exp.Div) and not node.meta.get("ours"):
            return _divided(node)
        if isinstance(node, (exp.Add, exp.Sub, exp.DateAdd)) and type_of(node.this) == "DATE":
            return node if node.meta.get("ours") else _still_a_date(node)
        return node

    def _cast(self, node: Any) -> Any:
        from sqlglot import exp  # noqa: PLC0415 - likewise

        target, source = type_of(node) or node.to.this.name, type_of(node.this)
        kind, is_try = family_of(node.this), isinstance(node, exp.TryCast)
        if target in {"TIMESTAMP", "DATE", "VARCHAR", "TEXT", "CHAR"} and source == _TEMPORARY:
            self._require_utc(node.this, f"CAST AS {target}")
        if target in {"VARCHAR", "TEXT", "CHAR"}:
            return self._to_text(node, source, kind)
        if kind in {"", "text"} and target in _CAST_MACROS:
            name = _CAST_MACROS[target]
            text = node.this if kind == "text" else exp.cast(node.this, "VARCHAR")
            return _with_type(_call(f"athena_{'try' if is_try else 'to'}_{name}", text), target)
        if target in INTEGERS and source in {"DOUBLE", "FLOAT"}:
            node.set("this", _call("athena_rounded", node.this))
        if target in {"TIMESTAMP", _TEMPORARY}:
            return _with_type(exp.cast(node.this, target), target)  # to milliseconds, which all moments have
        return node

    def _to_text(self, node: Any, source: str, kind: str) -> Any:
        from sqlglot import exp  # noqa: PLC0415 - likewise

        if node.to.expressions:
            raise lacking("texts of a limited length: substr(…, 1, n) cuts them")
        if source in {"TIMESTAMP", _TEMPORARY}:
            zone = " UTC" if source == _TEMPORARY else ""
            form = exp.Literal.string(f"%Y-%m-%d %H:%M:%S.%g{zone}")
            return _with_type(_call("STRFTIME", node.this, form), "VARCHAR")
        if source in {"DOUBLE", "FLOAT"} or not kind:
            raise lacking(f"CAST of {source.lower() or 'an expression of unknown type'} AS VARCHAR")
        return node

    def _require_utc(self, node: Any, what: str) -> None:
        """Refuse to look at the clock of a moment whose zone is not known: Athena keeps the zone that it came with."""
        inner = node.unnest()
        if type_of(inner) == _TEMPORARY and not inner.meta.get("in_utc"):
            raise lacking(
                f"the zone that a timestamp with time zone came with, which {what} depends on: write AT TIME ZONE 'UTC'"
                " behind it"
            )


def _literal(text: str) -> Any:
    from sqlglot import exp  # noqa: PLC0415 - likewise

    return exp.Literal.string(text)


def _call(name: str, *arguments: Any) -> Any:
    """Return a call by its very name: the translator knows some of them as something else."""
    from sqlglot import exp  # noqa: PLC0415 - likewise

    return exp.Anonymous(this=name, expressions=list(arguments))


def _ours(value: Any, kind: str, *, in_utc: bool = False) -> Any:
    from sqlglot import exp  # noqa: PLC0415 - likewise

    made = exp.cast(value, kind)
    if made is value:  # it is one of ours already
        made = exp.Cast(this=value, to=exp.DataType.build(kind))
    made.meta["ours"] = True
    if in_utc:
        made.meta["in_utc"] = True
    return made


def _with_type(node: Any, kind: str) -> Any:
    from sqlglot import exp  # noqa: PLC0415 - likewise

    node.type = exp.DataType.build(kind)
    node.meta["ours"] = True
    return node


def _divided(node: Any) -> Any:
    from sqlglot import exp  # noqa: PLC0415 - likewise

    types = {type_of(node.this), type_of(node.expression)}
    if types <= INTEGERS:
        quotient = exp.IntDiv(this=exp.paren(node.this), expression=exp.paren(node.expression))
        return _with_type(exp.paren(quotient), str(type_of(node) or "BIGINT"))
    if "DECIMAL" in types and not types & {"DOUBLE", "FLOAT"}:
        raise lacking("the division of decimals: cast one of them AS DOUBLE")
    if not all(types):
        raise lacking("the division of what it does not know the type of: cast it AS DOUBLE or AS BIGINT")
    node.set("typed", False)
    node.meta["ours"] = True
    return node


def _still_a_date(node: Any) -> Any:
    from sqlglot import exp  # noqa: PLC0415 - likewise

    if isinstance(node, exp.Sub) and family_of(node.expression) == "time":
        raise lacking("the difference of two dates: date_diff('day', …) tells it")
    node.meta["ours"] = True
    return _with_type(exp.cast(node.copy(), "DATE"), "DATE")


def _parts() -> tuple[Any, ...]:
    from sqlglot import exp  # noqa: PLC0415 - likewise

    return (exp.Year, exp.Quarter, exp.Month, exp.WeekOfYear, exp.Day, exp.DayOfYear, exp.Hour, exp.Minute, exp.Second)


def _table(node: Any, database: str, statement: Statement) -> Table:
    where = statement.position(node.name)
    if node.catalog and node.catalog.lower() != CATALOG:
        raise semantic("CATALOG_NOT_FOUND", where, f"Catalog '{node.catalog.lower()}' does not exist")
    found = node.db or database
    if not found:
        raise semantic("MISSING_SCHEMA_NAME", where, "Schema must be specified when session schema is not set")
    return Table(found.lower(), node.name.lower())


def _own_name(selected: Any) -> str:
    from sqlglot import exp  # noqa: PLC0415 - likewise

    if isinstance(selected, exp.Alias):
        return str(selected.alias)
    return str(selected.name) if isinstance(selected, exp.Column) else ""


def _check_having(tree: Any, position: _Positions) -> None:
    """Refuse names of the result in HAVING, which only other engines know there."""
    from sqlglot import exp  # noqa: PLC0415 - likewise

    for having in tree.find_all(exp.Having):
        for column in having.find_all(exp.Column):
            if not column.table:
                raise semantic("COLUMN_NOT_FOUND", position(column), _NO_COLUMN.format(column.name))


def _check_depth(tree: Any) -> None:
    from sqlglot import exp  # noqa: PLC0415 - likewise

    if tree.find(exp.Lateral, exp.Unnest, exp.Pivot, exp.TableSample):
        raise lacking("LATERAL, UNNEST, PIVOT and TABLESAMPLE")


_NO_COLUMN = "Column '{}' cannot be resolved or requester is not authorized to access requested resources"


def _unresolved(message: str, statement: Statement) -> QueryError:
    quoted = message.split("'")
    name = quoted[1].strip('"') if len(quoted) > 1 else ""
    name = name.rpartition(".")[2].strip('"')
    if "could not be resolved" in message:
        return semantic("COLUMN_NOT_FOUND", statement.position(name), _NO_COLUMN.format(name))
    if "mbiguous" in message:
        return semantic("AMBIGUOUS_NAME", statement.position(name), f"Column '{name}' is ambiguous")
    return semantic("SYNTAX_ERROR", statement.position(name), message)
