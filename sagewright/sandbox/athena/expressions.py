"""Why: an expression that Athena would refuse must not be run because another engine understands it.

The rules are those of Trino's grammar, as far as the sandbox has what they say; what it lacks is refused by name.
https://trino.io/docs/current/language.html
"""

from .lexer import RESERVED, Token
from .reading import Call, NamedType, Reader

_COMPARISONS = ("=", "<>", "!=", "<", "<=", ">", ">=")
_MOMENTS = ("CURRENT_DATE", "CURRENT_TIMESTAMP", "LOCALTIMESTAMP")
_NOT_HERE = {
    *("ARRAY", "MAP", "ROW", "JSON_ARRAY", "JSON_EXISTS", "JSON_OBJECT", "JSON_QUERY", "JSON_VALUE", "LISTAGG"),
    *("NORMALIZE", "GROUPING", "CURRENT_TIME", "LOCALTIME", "CURRENT_USER", "CURRENT_CATALOG", "CURRENT_SCHEMA"),
    *("CURRENT_PATH", "CURRENT_ROLE"),
}
_INTERVAL_FIELDS = ("YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND")
_EXTRACTED = ("YEAR", "QUARTER", "MONTH", "WEEK", "DAY", "DAY_OF_YEAR", "DOY", "HOUR", "MINUTE", "SECOND")
_FUNCTION_WORDS = ("TRIM",)  # reserved, and functions all the same


class Expressions(Reader):
    """Expressions and what is in them; queries come with a subclass."""

    def query(self) -> None:
        """Read a query."""
        raise NotImplementedError

    def expression(self) -> None:
        """Read an expression: conditions joined by AND and OR."""
        self._not()
        while self.take_one_of("AND", "OR"):
            self._not()

    def expressions(self) -> int:
        """Read expressions with commas between, and tell how many."""
        self.expression()
        count = 1
        while self.take(","):
            self.expression()
            count += 1
        return count

    def sort_items(self) -> None:
        """Read what to order by."""
        while True:
            self.expression()
            self.take_one_of("ASC", "DESC")
            if self.take("NULLS"):
                self.want_one_of("FIRST", "LAST")
            if not self.take(","):
                return

    def starts_query(self) -> bool:
        """Tell whether a query comes next."""
        ahead = 0
        while self.ahead(ahead).text == "(":
            ahead += 1
        return self.ahead(ahead).word in {"SELECT", "WITH", "VALUES", "TABLE"}

    def _not(self) -> None:
        while self.take("NOT"):
            pass
        self._predicate()

    def _predicate(self) -> None:
        self._concatenation()
        while True:
            if self.take_one_of(*_COMPARISONS):
                if self.sees_one_of("ALL", "SOME", "ANY") and self.ahead(1).text == "(":
                    raise self.lacking("quantified comparisons")
                self._concatenation()
            elif self.take("IS"):
                self.take("NOT")
                if self.take("DISTINCT"):
                    self.want("FROM")
                    self._concatenation()
                else:
                    self.want("NULL")
            elif self.sees_one_of("BETWEEN", "IN", "LIKE") or self.sees("NOT"):
                self.take("NOT")
                self._range()
            else:
                return

    def _range(self) -> None:
        if self.take("BETWEEN"):
            if self.sees_one_of("SYMMETRIC", "ASYMMETRIC"):
                raise self.mismatch("<expression>")
            self._concatenation()
            self.want("AND")
            self._concatenation()
        elif self.take("LIKE"):
            self._concatenation()
            if self.take("ESCAPE"):
                self._concatenation()
        else:
            self.want("IN")
            self.want("(")
            if self.starts_query():
                self.query()
            else:
                self.expressions()
            self.want(")")

    def _concatenation(self) -> None:
        self._sum()
        while self.take("||"):
            self._sum()

    def _sum(self) -> None:
        self._product()
        while self.take_one_of("+", "-"):
            self._product()

    def _product(self) -> None:
        self._signed()
        while self.take_one_of("*", "/", "%"):
            self._signed()

    def _signed(self) -> None:
        while self.take_one_of("+", "-"):
            pass
        self._primary()
        while self.sees("AT"):
            self.want("AT", "TIME", "ZONE")
            self.want_kind("string", "<string>")
        if self.sees("["):
            raise self.lacking("subscripts")

    def _primary(self) -> None:
        token = self.token
        word = token.word
        if word in _NOT_HERE:
            raise self.lacking(word)
        if token.kind in {"number", "string"} or word in {"NULL", "TRUE", "FALSE"}:
            self.at += 1
        elif word in {"CASE", "CAST", "TRY_CAST", "EXTRACT", "EXISTS", "INTERVAL"} and self._keyword(word):
            pass
        elif word in {"DATE", "TIMESTAMP", "TIME"} and self.ahead(1).kind == "string":
            self.at += 2
        elif word in {"DECIMAL", "CHAR", "VARCHAR", "X", "U", "JSON"} and self.ahead(1).kind == "string":
            raise self.lacking(f"literals of the type {word}")
        elif word in _MOMENTS:
            self.at += 1
            if self.take("("):
                self.want_kind("number", "<integer>")
                self.want(")")
        elif token.text == "?":
            raise self.lacking("execution parameters")
        elif token.text == "(":
            self._parenthesised()
        else:
            self._named()

    def _keyword(self, word: str) -> bool:
        """Read what begins with a word of its own; INTERVAL and TRY_CAST may be names, too."""
        if word == "INTERVAL":
            return self._interval()
        if word in {"CAST", "TRY_CAST", "EXTRACT", "EXISTS"} and self.ahead(1).text != "(":
            return False
        self.at += 1
        if word == "CASE":
            self._case()
            return True
        self.want("(")
        if word == "EXISTS":
            self.query()
        elif word == "EXTRACT":
            self.want_one_of(*_EXTRACTED)
            self.want("FROM")
            self.expression()
        else:
            self.expression()
            self.want("AS")
            self._type()
        self.want(")")
        return True

    def _interval(self) -> bool:
        sign = 1 if self.ahead(1).text in {"+", "-"} else 0
        if self.ahead(1 + sign).kind != "string":
            return False
        self.at += 2 + sign
        self.want_one_of(*_INTERVAL_FIELDS)
        if self.take("TO"):
            self.want_one_of(*_INTERVAL_FIELDS)
        return True

    def _case(self) -> None:
        if not self.sees("WHEN"):
            self.expression()
        self.want("WHEN")
        while True:
            self.expression()
            self.want("THEN")
            self.expression()
            if not self.take("WHEN"):
                break
        if self.take("ELSE"):
            self.expression()
        self.want("END")

    def _parenthesised(self) -> None:
        query = self.starts_query()
        self.want("(")
        if query:
            self.query()
        elif self.expressions() > 1:
            raise self.lacking("rows as values")
        if self.sees("->"):
            raise self.lacking("lambda expressions")
        self.want(")")
        if self.sees("->"):
            raise self.lacking("lambda expressions")

    def _named(self) -> None:
        """Read a column, perhaps with its table and schema, or a call."""
        begins = self.token
        if begins.word == "ALL":  # a name in Trino, and everything in other engines
            raise self.mismatch("<expression>")
        if begins.word in _FUNCTION_WORDS:
            self.at += 1
        else:
            self.name()
        parts = [begins]
        while self.sees(".") and self.ahead(1).kind in {"word", "quoted"}:
            self.at += 1
            parts.append(self.token)
            if self.token.word in RESERVED:
                raise self.mismatch("<identifier>")
            self.at += 1
        if self.sees("->"):
            raise self.lacking("lambda expressions")
        if self.sees("("):
            self._call(parts)
        elif begins.word in _FUNCTION_WORDS:
            raise self.mismatch("'('")

    def _call(self, parts: list[Token]) -> None:
        if len(parts) > 1:
            raise self.lacking("functions of a catalog")
        self.want("(")
        count = 0
        if self.take("*"):
            count = 1
        elif not self.sees(")"):
            self.take_one_of("DISTINCT", "ALL")
            count = self.expressions()
            if self.take("ORDER", "BY"):
                self.sort_items()
        self.want(")")
        if self.sees("WITHIN"):
            raise self.lacking("WITHIN GROUP")
        if self.take("FILTER"):
            self.want("(", "WHERE")
            self.expression()
            self.want(")")
        if self.sees_one_of("IGNORE", "RESPECT") and self.ahead(1).word == "NULLS":
            self.at += 2
            if not self.sees("OVER"):
                raise self.mismatch("'OVER'")
        over = self.take("OVER")
        if over:
            self._window()
        self.calls.append(Call(parts[0].name, count, parts[0], over))

    def _window(self) -> None:
        if not self.sees("("):
            self.name()
            return
        self.window_specification()

    def window_specification(self) -> None:
        """Read what a window is: partitions, order and frame."""
        self.want("(")
        if self.sees_name and self.token.word not in {"PARTITION", "ROWS", "RANGE", "GROUPS"}:
            self.name()
        if self.take("PARTITION", "BY"):
            self.expressions()
        if self.take("ORDER", "BY"):
            self.sort_items()
        if self.take_one_of("ROWS", "RANGE", "GROUPS"):
            if self.take("BETWEEN"):
                self._bound()
                self.want("AND")
            self._bound()
        self.want(")")

    def _bound(self) -> None:
        if self.take("UNBOUNDED"):
            self.want_one_of("PRECEDING", "FOLLOWING")
        elif not self.take("CURRENT", "ROW"):
            self.expression()
            self.want_one_of("PRECEDING", "FOLLOWING")

    def _type(self) -> None:
        begins = self.name()
        name = begins.name
        if self.take("PRECISION"):
            name += " precision"
        if self.take("("):
            if self.token.kind != "number":
                raise self.lacking(f"the type {name.upper()}")
            self.want_kind("number", "<integer>")
            if self.take(","):
                self.want_kind("number", "<integer>")
            self.want(")")
        if name in {"timestamp", "time"} and self.take_one_of("WITH", "WITHOUT"):
            self.want("TIME", "ZONE")
        self.types.append(NamedType(name, begins))
