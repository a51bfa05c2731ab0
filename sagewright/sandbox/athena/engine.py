"""Why: a query runs in an engine of its own, which reads no other files than its own and takes no more memory than so.

https://duckdb.org/docs/stable/configuration/overview
"""

import re
from pathlib import Path
from typing import Any

from .failures import CancelledError, QueryError, exhausted, internal
from .macros import MACROS

MEMORY = "512MB"
_THREADS = 2
_OWN_WORDS = re.compile(r"\b(INVALID_[A-Z_]+: .*)", re.DOTALL)
# What an error says that has a code of its own.
_PHRASES = {"Division by zero": "DIVISION_BY_ZERO", "must appear in the GROUP BY": "EXPRESSION_NOT_AGGREGATE"}
# What the engine calls a type, and Athena.
_NAMES = {"HUGEINT": "bigint", "FLOAT": "real", "TIMESTAMP WITH TIME ZONE": "timestamp with time zone"}


def connect(folder: Path) -> Any:
    """Return a connection that knows Athena's functions and may read and write in the folder alone."""
    import duckdb  # noqa: PLC0415 - only queries need the engine

    connection = duckdb.connect(
        config={
            "memory_limit": MEMORY,
            "threads": _THREADS,
            "temp_directory": str(folder / "spilled"),
            "preserve_insertion_order": "false",
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
        }
    )
    connection.execute("SET TimeZone = 'UTC'")
    for macro in MACROS:
        connection.execute(macro)
    connection.execute(f"SET allowed_directories = ['{folder}/']")
    connection.execute("SET enable_external_access = false")
    return connection


def columns_of(connection: Any, query: str) -> list[tuple[str, str]]:
    """Return name and type of each column that a query gives."""
    found = connection.execute(f"DESCRIBE {query}").fetchall()
    return [(name, athena_type(kind)) for name, kind, *_ in found]


def athena_type(kind: str) -> str:
    """Return Athena's name of a type of the engine."""
    kind = kind.strip('"')
    if kind in {"NULL", "VARCHAR"}:
        return "unknown" if kind == "NULL" else "varchar"
    return _NAMES.get(kind, kind.lower())


def failure(error: Exception) -> Exception:
    """Return what an error of the engine is in Athena."""
    import duckdb  # noqa: PLC0415 - likewise

    text = str(error)
    if isinstance(error, duckdb.InterruptException):
        return CancelledError("Query cancelled by user")
    if isinstance(error, duckdb.OutOfMemoryException):
        return exhausted(f"The sandbox gives a query {MEMORY}.")
    if match := _OWN_WORDS.search(text):
        return QueryError(match[1])
    codes: dict[str, tuple[type[Exception], ...]] = {
        "NUMERIC_VALUE_OUT_OF_RANGE": (duckdb.OutOfRangeException,),
        "INVALID_CAST_ARGUMENT": (duckdb.ConversionException, duckdb.InvalidInputException),
        "SYNTAX_ERROR": (duckdb.BinderException, duckdb.CatalogException, duckdb.ParserException),
    }
    code = next((each for phrase, each in _PHRASES.items() if phrase in text), "") or next(
        (code for code, kinds in codes.items() if isinstance(error, kinds)), ""
    )
    if code == "DIVISION_BY_ZERO":
        return QueryError("DIVISION_BY_ZERO: Division by zero")
    return QueryError(f"{code}: {_first_line(text)}") if code else internal(_first_line(text))


def _first_line(text: str) -> str:
    return text.partition("\n")[0].partition(": ")[2] or text
