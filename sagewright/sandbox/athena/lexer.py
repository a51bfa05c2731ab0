"""Why: what Athena's SQL is made of is decided here, by Trino's lexical rules, and not by a parser of many dialects.

https://docs.aws.amazon.com/athena/latest/ug/reserved-words.html
"""

import re
from dataclasses import dataclass

from .failures import malformed

RESERVED = frozenset(
    (  # noqa: SIM905 - so many names are read as words
        "ALTER AND AS BETWEEN BY CASE CAST CONSTRAINT CREATE CROSS CUBE CURRENT_CATALOG CURRENT_DATE CURRENT_PATH"
        " CURRENT_ROLE CURRENT_SCHEMA CURRENT_TIME CURRENT_TIMESTAMP CURRENT_USER DEALLOCATE DELETE DESCRIBE DISTINCT"
        " DROP ELSE END ESCAPE EXCEPT EXECUTE EXISTS EXTRACT FALSE FIRST FOR FROM FULL GROUP GROUPING HAVING IN INNER"
        " INSERT INTERSECT INTO IS JOIN JSON_ARRAY JSON_EXISTS JSON_OBJECT JSON_QUERY JSON_TABLE JSON_VALUE LAST LEFT"
        " LIKE LISTAGG LOCALTIME LOCALTIMESTAMP NATURAL NORMALIZE NOT NULL OF ON OR ORDER OUTER PREPARE RECURSIVE"
        " RIGHT ROLLUP SELECT SKIP TABLE THEN TRIM TRUE UESCAPE UNION UNNEST USING VALUES WHEN WHERE WITH"
    ).split()
)
_TOKEN = re.compile(
    r"""
    (?P<space>\s+|--[^\r\n]*|/\*.*?\*/)
    |(?P<word>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<quoted>"(?:[^"]|"")*")
    |(?P<string>'(?:[^']|'')*')
    |(?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)
    |(?P<symbol><>|!=|<=|>=|\|\||->|=>|[=<>+\-*/%.,()\[\]?;])
    """,
    re.VERBOSE | re.DOTALL,
)
END = "<EOF>"


@dataclass(frozen=True)
class Token:
    """A word, name, text, number or sign of a query, and where it stands (line and column from 1)."""

    kind: str
    text: str
    line: int
    column: int

    @property
    def word(self) -> str:
        """Return the word in capitals; nothing for what is no word, or is quoted."""
        return self.text.upper() if self.kind == "word" else ""

    @property
    def name(self) -> str:
        """Return the name that an identifier stands for: in small letters, as the catalog has it."""
        return self.text[1:-1].replace('""', '"').lower() if self.kind == "quoted" else self.text.lower()


def tokens(text: str) -> list[Token]:
    """Return the tokens of a query, and one that says where it ends; refuse characters that no query has."""
    found: list[Token] = []
    at, line, begins = 0, 1, 0
    while at < len(text):
        column = at - begins + 1
        match = _TOKEN.match(text, at)
        if match is None:
            raise _unknown(text[at:], line, column)
        kind, text_here = str(match.lastgroup), match[0]
        if kind == "word" and found and _touches(found[-1], line, column):
            problem = 'identifiers must not start with a digit; surround the identifier with double quotes (")'
            raise malformed(line, found[-1].column, problem)
        if kind == "quoted" and text_here == '""':
            raise malformed(line, column, "Zero-length delimited identifier not allowed")
        if kind != "space":
            found.append(Token(kind, text_here, line, column))
        line += text_here.count("\n")
        if "\n" in text_here:
            begins = at + text_here.rindex("\n") + 1
        at = match.end()
    return [*found, Token("end", END, line, at - begins + 1)]


def _touches(before: Token, line: int, column: int) -> bool:
    return before.kind == "number" and (before.line, before.column + len(before.text)) == (line, column)


def _unknown(rest: str, line: int, column: int) -> Exception:
    if rest[0] == "`":
        problem = 'backquoted identifiers are not supported; use double quotes (") to quote identifiers'
    elif rest[0] == '"' or rest[0] == "'":
        problem = f"mismatched input '{rest[0]}': it is never closed"
    else:
        problem = f"mismatched input '{'::' if rest.startswith('::') else rest[0]}'"
    return malformed(line, column, problem)
