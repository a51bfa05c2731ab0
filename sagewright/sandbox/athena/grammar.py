"""Why: Athena's SQL is Trino's, and an engine or a translator that knows more must not make a query work here.

Read beside the translator: what is accepted here is in Trino's grammar; what the sandbox lacks is refused by name.
"""

from dataclasses import dataclass, field

from typing_extensions import override

from .expressions import Expressions
from .reading import Call, NamedType

# Clauses of other engines that Trino would read as the alias of what is before them, to fail later or, worse, not.
_FOREIGN = frozenset(
    {
        *("ANTI", "ASOF", "CLUSTER", "DISTRIBUTE", "EXCLUDE", "GLOBAL", "LATERAL", "MINUS", "PIVOT", "POSITIONAL"),
        *("QUALIFY", "REPLACE", "SAMPLE", "SEMI", "SORT", "UNPIVOT"),
    }
)
_JOINS = ("CROSS", "JOIN", "INNER", "LEFT", "RIGHT", "FULL", "NATURAL")


@dataclass(frozen=True)
class Unload:
    """Where an UNLOAD writes, and how."""

    location: str
    properties: dict[str, str]


@dataclass(frozen=True)
class Statement:
    """What was read: the query alone, the functions that it calls, the types that it names."""

    query: str
    calls: list[Call]
    types: list[NamedType]
    unload: Unload | None = None
    offsets: dict[str, tuple[int, int]] = field(default_factory=dict)

    def position(self, name: str) -> tuple[int, int]:
        """Return the line and column at which a name stands first."""
        return self.offsets.get(name.lower(), (1, 1))


def read(text: str) -> Statement:
    """Return the one statement of a text; refuse what Athena refuses, and by name what the sandbox lacks."""
    grammar = _Queries(text)
    unload = grammar.statement()
    query = text if unload is None else grammar.inner
    places: dict[str, tuple[int, int]] = {}
    for token in grammar.tokens:
        if token.kind in {"word", "quoted"}:
            places.setdefault(token.name, (token.line, token.column))
    return Statement(query.strip().rstrip(";"), grammar.calls, grammar.types, unload, places)


class _Queries(Expressions):
    """Statements, queries and relations."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._text = text
        self.inner = ""

    def statement(self) -> Unload | None:
        """Read the whole text."""
        if self.sees("UNLOAD"):
            unload = self._unload()
        elif self.starts_query():
            unload = None
            self.query()
        elif self.token.kind == "word" and self.token.word not in {"FROM", "WHERE"}:
            raise self._other()
        else:
            raise self.mismatch("'SELECT'", "'UNLOAD'", "'VALUES'", "'WITH'")
        self.take(";")
        if self.token.kind != "end":
            if self.tokens[self.at - 1].text == ";":
                raise self.mismatch("<EOF>: only one statement is allowed")
            raise self.mismatch("<EOF>")
        return unload

    @override
    def query(self) -> None:
        """Read a query with what stands before it and after it."""
        if self.take("WITH"):
            self._common_tables()
        self._terms()
        if self.take("ORDER", "BY"):
            self.sort_items()
        if self.take("OFFSET"):
            self.want_kind("number", "<integer>")
            self.take_one_of("ROW", "ROWS")
        if self.take("LIMIT"):
            if not self.take("ALL"):
                self.want_kind("number", "<integer>")
        elif self.sees("FETCH"):
            raise self.lacking("FETCH FIRST; LIMIT does the same")

    def _common_tables(self) -> None:
        if self.take("RECURSIVE"):
            raise self.lacking("recursive queries")
        while True:
            self.name()
            if self.sees("("):
                self.names()
            self.want("AS", "(")
            self.query()
            self.want(")")
            if not self.take(","):
                return

    def _terms(self) -> None:
        self._term()
        while self.take_one_of("UNION", "INTERSECT", "EXCEPT"):
            self.take_one_of("ALL", "DISTINCT")
            self._term()

    def _term(self) -> None:
        if self.take("("):
            self.query()
            self.want(")")
        elif self.take("VALUES"):
            self._values()
        elif self.take("TABLE"):
            self._table_name()
        else:
            self._select()

    def _values(self) -> None:
        while True:
            if self.sees("(") and not self.starts_query():
                self.want("(")
                self.expressions()
                self.want(")")
            else:
                self.expression()
            if not self.take(","):
                return

    def _select(self) -> None:
        self.want("SELECT")
        if self.take("DISTINCT") and self.sees("ON"):
            raise self.mismatch("<expression>")
        self.take("ALL")
        self._items()
        if self.take("FROM"):
            self._relation()
            while self.take(","):
                self._relation()
        if self.take("WHERE"):
            self.expression()
        if self.take("GROUP", "BY"):
            self._grouping()
        if self.take("HAVING"):
            self.expression()
        if self.sees("WINDOW") and self.ahead(2).word == "AS":
            self.at += 1
            while True:
                self.name()
                self.want("AS")
                self.window_specification()
                if not self.take(","):
                    break

    def _items(self) -> None:
        while True:
            if self.take("*"):
                if self.sees_one_of("AS", "(") or self.sees_name:
                    raise self.mismatch("','", "'FROM'")
            elif self.token.kind in {"word", "quoted"} and self.ahead(1).text == "." and self.ahead(2).text == "*":
                self.name()
                self.at += 2
                if self.sees_one_of("AS", "(") or self.sees_name:
                    raise self.mismatch("','", "'FROM'")
            else:
                self.expression()
                self._alias()
            if not self.take(","):
                return

    def _alias(self) -> None:
        if self.take("AS"):
            self.name()
        elif self.sees_name:
            self._own_word()
            self.name()

    def _own_word(self) -> None:
        """Refuse an alias that is another engine's clause."""
        if self.token.word in _FOREIGN:
            raise self.mismatch("','", "'WHERE'", "<EOF>")

    def _grouping(self) -> None:
        self.take_one_of("ALL", "DISTINCT")
        while True:
            if self.sees("GROUPING", "SETS") or self.sees_one_of("ROLLUP", "CUBE"):
                raise self.lacking("GROUPING SETS, ROLLUP and CUBE")
            self.expression()
            if not self.take(","):
                return

    def _relation(self) -> None:
        self._sampled()
        while self.sees_one_of(*_JOINS):
            if self.take("CROSS"):
                self.want("JOIN")
                self._sampled()
                continue
            natural = self.take("NATURAL")
            if natural:
                raise self.lacking("NATURAL JOIN")
            if not self.take("INNER") and self.take_one_of("LEFT", "RIGHT", "FULL"):
                self.take("OUTER")
            self.want("JOIN")
            self._sampled()
            if self.take("ON"):
                self.expression()
            else:
                self.want("USING")
                self.names()

    def _sampled(self) -> None:
        self._primary_relation()
        if self.sees("TABLESAMPLE"):
            raise self.lacking("TABLESAMPLE")
        if self.sees("MATCH_RECOGNIZE"):
            raise self.lacking("MATCH_RECOGNIZE")
        if self.take("AS"):
            self.name()
        elif self.sees_name and self.token.word not in {"WINDOW", "OFFSET", "LIMIT", "FETCH"}:
            self._own_word()
            self.name()
        else:
            return
        if self.sees("("):
            self.names()

    def _primary_relation(self) -> None:
        if self.sees_one_of("UNNEST", "JSON_TABLE"):
            raise self.lacking(self.token.word)
        if self.sees("LATERAL") and self.ahead(1).text == "(":
            raise self.lacking("LATERAL")
        if self.sees("TABLE") and self.ahead(1).text == "(":
            raise self.lacking("table functions")
        if self.sees("("):
            query = self.starts_query()
            self.want("(")
            if query:
                self.query()
            else:
                self._relation()
            self.want(")")
            return
        self._table_name()
        if self.sees("("):
            raise self.mismatch("'AS'", "<identifier>")
        if self.sees("FOR"):
            raise self.lacking("time travel (FOR TIMESTAMP AS OF)")

    def _table_name(self) -> None:
        self.name()
        while self.take("."):
            self.name()

    def _unload(self) -> Unload:
        self.want("UNLOAD")
        self.want("(")
        first = self.at
        self.query()
        last = self.at
        self.want(")")
        self.inner = self._between(first, last)
        self.want("TO")
        location = _text(self.want_kind("string", "<string>").text)
        properties: dict[str, str] = {}
        if self.take("WITH"):
            self.want("(")
            while True:
                name = self.name().name
                self.want("=")
                if self.sees("ARRAY"):
                    raise self.lacking(f"{name} of UNLOAD")
                properties[name] = self._value()
                if not self.take(","):
                    break
            self.want(")")
        return Unload(location, properties)

    def _value(self) -> str:
        if self.token.kind == "number":
            return self.want_kind("number", "<integer>").text
        return _text(self.want_kind("string", "<string>").text)

    def _between(self, first: int, last: int) -> str:
        """Return the text from one token to before another; a query's errors count its lines, so these stay."""
        lines = self._text.split("\n")
        starts = [0]
        for line in lines:
            starts.append(starts[-1] + len(line) + 1)
        begin, end = self.tokens[first], self.tokens[last]
        return self._text[starts[begin.line - 1] + begin.column - 1 : starts[end.line - 1] + end.column - 1]

    def _other(self) -> Exception:
        word = self.token.word
        known = (
            *("ALTER", "ANALYZE", "CALL", "CREATE", "DEALLOCATE", "DELETE", "DESC", "DESCRIBE", "DROP", "EXECUTE"),
            *("EXPLAIN", "INSERT", "MERGE", "MSCK", "OPTIMIZE", "PREPARE", "SHOW", "UPDATE", "VACUUM"),
        )
        if word in known:
            return self.lacking(f"{word}: it has SELECT and UNLOAD")
        return self.mismatch("'SELECT'", "'UNLOAD'", "'VALUES'", "'WITH'")


def _text(literal: str) -> str:
    return literal[1:-1].replace("''", "'")
