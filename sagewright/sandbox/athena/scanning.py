"""Why: the engine reads files; what they hold has to be what the catalog says, or the query fails as in Athena."""

from collections.abc import Iterable
from typing import Any

from .catalog import LAZY, PARQUET, Described
from .failures import QueryError
from .objects import StoredObject
from .partitions import Values, literal

# Which types of a Parquet file can be read as a type of the catalog.
_WHOLE = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT")
_READABLE = {
    "varchar": ("VARCHAR",),
    "bigint": _WHOLE,
    "integer": _WHOLE[:3],
    "smallint": _WHOLE[:3],
    "tinyint": _WHOLE[:3],
    "double": ("DOUBLE", "FLOAT"),
    "real": ("FLOAT",),
    "boolean": ("BOOLEAN",),
    "date": ("DATE",),
    "timestamp": (
        *("TIMESTAMP", "TIMESTAMP_MS", "TIMESTAMP_NS", "TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ"),
        *("TIMESTAMPTZ_NS", "TIMESTAMP_S"),
    ),
}
Found = tuple[StoredObject, Values]


def view(connection: Any, name: str, described: Described, found: list[Found], used: set[str]) -> None:
    """Make a view over the objects of a table, with its columns and the keys of its partitions that are used."""
    columns = {**described.columns, **described.keys}
    if not found:
        empty = ", ".join(f"CAST(NULL AS {_engine(kind)}) AS {quoted(each)}" for each, kind in columns.items())
        connection.execute(f"CREATE VIEW {quoted(name)} AS SELECT {empty} WHERE false")
        return
    keys = [key for key in described.keys if key in used]
    if keys:
        _partition_table(connection, name, found, keys)
    if described.serde == PARQUET:
        parts = list(_parquet(connection, described, [each for each, _ in found]))
    else:
        parts = [_text(described, [str(each.file) for each, _ in found])]
    selected = [f"f.{quoted(each)}" for each in described.columns]
    for key, kind in described.keys.items():
        value = f"p.{quoted(key)}" if key in keys else "NULL"
        selected.append(f"CAST({value} AS {_engine(kind)}) AS {quoted(key)}")
    joined = f" JOIN {quoted(name + '_partitions')} p ON f.filename = p.filename" if keys else ""
    body = " UNION ALL ".join(f"({part})" for part in parts)
    made = f"SELECT {', '.join(selected)} FROM ({body}) f{joined}"  # noqa: S608 - names are quoted
    connection.execute(f"CREATE VIEW {quoted(name)} AS {made}")


def quoted(name: str) -> str:
    """Return a name as the engine takes it."""
    return '"' + name.replace('"', '""') + '"'


def _partition_table(connection: Any, name: str, found: Iterable[Found], keys: list[str]) -> None:
    made = ", ".join(f"{quoted(key)} VARCHAR" for key in keys)
    connection.execute(f"CREATE TABLE {quoted(name + '_partitions')} (filename VARCHAR, {made})")
    marks = ", ".join("?" for _ in range(len(keys) + 1))
    rows = [[str(each.file), *(values[key] for key in keys)] for each, values in found]
    connection.executemany(f"INSERT INTO {quoted(name + '_partitions')} VALUES ({marks})", rows)  # noqa: S608 - quoted


def _parquet(connection: Any, described: Described, objects: list[StoredObject]) -> Iterable[str]:
    """Yield a SELECT for the files of each layout."""
    layouts: dict[tuple[tuple[str, str], ...], list[str]] = {}
    by_file = {str(each.file): each for each in objects}
    for file, held in _layouts(connection, by_file).items():
        layouts.setdefault(held, []).append(file)
    for held, files in layouts.items():
        names = {name.lower(): (name, kind) for name, kind in held}
        selected = [_column(described, column, names, by_file[files[0]].uri) for column in described.columns]
        listed = ", ".join(literal(file) for file in files)
        read = f"read_parquet([{listed}], filename = true, hive_partitioning = false)"
        yield f"SELECT {', '.join([*selected, 'filename'])} FROM {read}"  # noqa: S608 - names are quoted


def _layouts(connection: Any, files: dict[str, StoredObject]) -> dict[str, tuple[tuple[str, str], ...]]:
    from duckdb import Error  # noqa: PLC0415 - only queries need the engine

    held: dict[str, list[tuple[str, str]]] = {file: [] for file in files}
    asked = (
        "SELECT file_name, name, duckdb_type FROM parquet_schema(?) WHERE column_id > 0 ORDER BY file_name, column_id"
    )
    try:
        for file, name, kind in connection.execute(asked, [list(files)]).fetchall():
            held[file].append((name, kind))
    except Error as error:
        uri = next((each.uri for file, each in files.items() if file in str(error)), "")
        raise QueryError(f"HIVE_BAD_DATA: Not valid Parquet file: {uri}: {error}") from None
    return {file: tuple(columns) for file, columns in held.items()}


def _column(described: Described, column: str, held: dict[str, tuple[str, str]], uri: str) -> str:
    """Return one column of a file; what the file does not have is NULL, what does not fit fails the query."""
    wanted = described.columns[column]
    if column not in held:
        return f"CAST(NULL AS {_engine(wanted)}) AS {quoted(column)}"
    name, kind = held[column]
    bare = wanted.partition("(")[0]
    readable = _READABLE.get("varchar" if bare == "char" else bare, ("DECIMAL",))
    if kind.partition("(")[0] not in readable:
        raise QueryError(
            f"HIVE_BAD_DATA: Field {column}'s type {kind} in parquet file {uri} is incompatible with type"
            f" {wanted} defined in table schema"
        )
    if bare == "timestamp":  # in UTC, and of milliseconds but in Iceberg
        moment = f"CAST({quoted(name)} AS TIMESTAMP)"
        if described.metadata:
            return f"{moment} AS {quoted(column)}"
        return f"date_trunc('millisecond', {moment} + INTERVAL 500 MICROSECOND) AS {quoted(column)}"
    return f"CAST({quoted(name)} AS {_engine(wanted)}) AS {quoted(column)}"


def _text(described: Described, files: list[str]) -> str:
    """Return a SELECT over text files: with quotes and texts alone, or without quotes and typed."""
    settings, lazy = described.settings, described.serde == LAZY
    delimiter = settings.get("field.delim" if lazy else "separatorchar", "\x01" if lazy else ",")
    quote = "" if lazy else settings.get("quotechar", '"')
    escape = settings.get("escape.delim", "") if lazy else settings.get("escapechar", "\\")
    names = ", ".join(f"{literal(each)}: 'VARCHAR'" for each in described.columns)
    listed = ", ".join(literal(file) for file in files)
    skipped = int(settings.get("skip.header.line.count", "0"))
    selected = []
    for column, kind in described.columns.items():
        value = f"NULLIF({quoted(column)}, '\\N')" if lazy else f"COALESCE({quoted(column)}, '')"
        if kind != "varchar":  # what is no number is nothing to the one, and the end to the other
            value = f"TRY_CAST({value} AS {_engine(kind)})" if lazy else f"CAST({value} AS {_engine(kind)})"
        selected.append(f"{value} AS {quoted(column)}")
    options = f"delim = {literal(delimiter)}, quote = {literal(quote)}, escape = {literal(escape if quote else '')}"
    read = (
        f"read_csv([{listed}], header = false, skip = {skipped}, columns = {{{names}}}, {options}, filename = true,"
        f" null_padding = true, auto_detect = false, nullstr = {literal(chr(0))})"
    )
    return f"SELECT {', '.join([*selected, 'filename'])} FROM {read}"  # noqa: S608 - names are quoted


def _engine(kind: str) -> str:
    return "VARCHAR" if kind.startswith(("varchar", "char")) else kind.upper()
