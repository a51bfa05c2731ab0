"""Why: one query goes from the catalog over S3 into the engine and back to S3, all in the name of its caller."""

import json
import shutil
import threading
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..clients import ActingClients
from ..protocol import ApiError, Caller
from . import engine, results
from .catalog import Catalog, Described
from .failures import CancelledError, QueryError, internal, lacking
from .grammar import Statement
from .objects import Objects, StoredObject
from .partitions import Values, sources
from .scanning import view
from .translation import Reading, Table, parse, translated

_BY_USER = "Query cancelled by user"
_BY_LIMIT = "Bytes scanned limit was exceeded"


@dataclass(frozen=True)
class Order:
    """What is to be run, and where its results go."""

    identity: str
    statement: Statement
    database: str
    output: str
    encryption: dict[str, str]
    cutoff: int | None
    now_s: float


@dataclass(frozen=True)
class Outcome:
    """What a query gave."""

    columns: list[tuple[str, str]]
    scanned: int
    manifest: str = ""


class Run:
    """One execution of a query."""

    def __init__(self, order: Order, acting: ActingClients, caller: Caller, folder: Path) -> None:
        self.order = order
        self._folder = folder
        self._objects = Objects(acting, caller)
        self._catalog = Catalog(acting.get("glue", caller.account, caller.region))
        self._stopped = threading.Event()
        self._connection: Any = None
        self._scanned = 0

    def stop(self) -> None:
        """End the query as soon as it can be ended."""
        self._stopped.set()
        connection = self._connection
        if connection is not None:
            connection.interrupt()

    def perform(self) -> Outcome:
        """Run the query to its end; fail in Athena's words."""
        self._folder.mkdir(parents=True, exist_ok=True)
        try:
            return self._perform()
        except (CancelledError, QueryError):
            raise
        except ApiError as lacks:  # what only the tables show that the sandbox does not have
            raise QueryError(lacks.message) from None
        except Exception as error:  # a fault of ours ends this query alone
            raise internal(f"{type(error).__name__}: {error}") from error
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _perform(self) -> Outcome:
        reading = parse(self.order.statement, self.order.database)
        self._catalog.look_at_default()
        described = {table: self._catalog.describe(table, where) for table, where in reading.tables.items()}
        unload = self.order.statement.unload
        if unload and not self._objects.is_empty(unload.location):
            raise QueryError(
                f"HIVE_PATH_ALREADY_EXISTS: Target directory for table already exists: {unload.location}. You may need"
                f" to manually clean the data at location '{unload.location}' before retrying. Athena will not delete"
                " data in your account."
            )
        views = {table: f"t{number}" for number, table in enumerate(described)}
        columns = {table: {**each.columns, **each.keys} for table, each in described.items()}
        sql = translated(reading, columns, views, self.order.now_s)
        with closing(engine.connect(self._folder)) as connection:
            self._connection = connection
            try:
                return self._in_engine(connection, reading, described, views, sql)
            finally:
                self._connection = None

    def _in_engine(
        self,
        connection: Any,
        reading: Reading,
        described: dict[Table, Described],
        views: dict[Table, str],
        sql: str,
    ) -> Outcome:
        from duckdb import Error  # noqa: PLC0415 - only queries need the engine

        try:
            for number, (table, each) in enumerate(described.items()):
                self._go_on()
                view(connection, views[table], each, self._found(each, number), _named(reading))
            self._go_on()
            types = [kind for _, kind, *_ in connection.execute(f"DESCRIBE {sql}").fetchall()]
            columns = engine.columns_of(connection, sql)
            names = [own or f"_col{number}" for number, own in enumerate(reading.named)]
            if len(names) != len(columns):  # a star stands for several
                names = [name for name, _ in columns]
            shown = [(name, kind) for name, (_, kind) in zip(names, columns, strict=True)]
            query = results.cast_for_output(sql, columns, types)
            return self._written(connection, reading, query, shown)
        except Error as error:
            self._go_on()
            raise engine.failure(error) from None

    def _written(self, connection: Any, reading: Reading, query: str, columns: list[tuple[str, str]]) -> Outcome:
        order, unload = self.order, self.order.statement.unload
        place = f"{order.output}/{order.identity}"
        if unload is None:
            file = self._folder / "result.csv"
            results.select(connection, query, columns, file)
            self._go_on()
            self._objects.put(file, f"{place}.csv", order.encryption)
            self._put_text(f"{place}.csv.metadata", json.dumps([list(each) for each in columns]))
            return Outcome(columns, self._scanned)
        named = reading.named if len(reading.named) == len(columns) else [name for name, _ in columns]
        results.check_unload(unload, columns, named)
        files, _ = results.unload(connection, query, unload, self._folder)
        self._go_on()
        written = results.bring(self._objects, files, unload, order.identity, order.encryption)
        manifest = f"{place}-manifest.csv"
        self._put_text(manifest, "".join(f"{uri}\n" for uri in written))
        self._put_text(f"{place}.metadata", json.dumps([list(each) for each in columns]))
        return Outcome(columns, self._scanned, manifest)

    def _found(self, described: Described, number: int) -> list[tuple[StoredObject, Values]]:
        """Bring the objects of a table here."""
        if described.metadata and json.loads(self._objects.read(described.metadata)).get("snapshots"):
            raise lacking("Iceberg tables with snapshots, as other programs than its feature store write them")
        folder = self._folder / f"table{number}"
        folder.mkdir()
        found: list[tuple[StoredObject, Values]] = []
        for source in sources(described, self._catalog, self.order.now_s):
            for path, size in self._objects.listed(source.location):
                values = source.values_of(path)
                if values is not None and size:
                    file = folder / f"{len(found)}"
                    found.append((StoredObject(f"{source.location.rstrip('/')}/{path}", path, size, file), values))
        self._scanned += sum(each.size for each, _ in found)
        if self.order.cutoff is not None and self._scanned > self.order.cutoff:
            raise CancelledError(_BY_LIMIT)
        self._objects.fetch([each for each, _ in found])
        return found

    def _put_text(self, uri: str, text: str) -> None:
        file = self._folder / "text"
        file.write_text(text, encoding="utf-8")
        self._objects.put(file, uri, self.order.encryption)

    def _go_on(self) -> None:
        if self._stopped.is_set():
            raise CancelledError(_BY_USER)


def _named(reading: Reading) -> set[str]:
    """Return every column that the query names, in whichever table; a star stands for all."""
    from sqlglot import exp  # noqa: PLC0415 - half a second that only queries need

    return {column.name.lower() for column in reading.tree.find_all(exp.Column)} | {"*"}
