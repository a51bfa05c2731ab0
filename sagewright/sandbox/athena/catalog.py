"""Why: what a table is stands in the Glue catalog, which is asked in the name of whoever runs the query."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from .failures import QueryError, denied, lacking, semantic
from .translation import CATALOG, Table

PARQUET = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
LAZY = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"
OPEN_CSV = "org.apache.hadoop.hive.serde2.OpenCSVSerde"
_TEXT = "org.apache.hadoop.mapred.TextInputFormat"
_INPUTS = {PARQUET: "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat", LAZY: _TEXT, OPEN_CSV: _TEXT}
_TYPES = {
    **{name: name for name in ("boolean", "tinyint", "smallint", "bigint", "double", "date", "timestamp")},
    "int": "integer",
    "integer": "integer",
    "float": "real",
    "string": "varchar",
}
_SIZED = re.compile(r"(varchar|char)\(\d+\)|decimal(\(\d+(,\s*\d+)?\))?")


@dataclass(frozen=True)
class Described:
    """A table as the catalog has it."""

    table: Table
    location: str
    serde: str
    columns: dict[str, str]
    """What is in the files, in the catalog's order, with Trino's types."""
    keys: dict[str, str]
    """What is in the partitions."""
    metadata: str = ""
    """Where an Iceberg table's metadata is; empty for a table of Hive's kind."""
    settings: dict[str, str] = field(default_factory=dict)
    """Parameters of the table and of its serializer, by their names in small letters."""

    @property
    def projected(self) -> bool:
        """Whether its partitions follow from its settings, and none is registered."""
        return self.settings.get("projection.enabled", "false").lower() == "true"


class Catalog:
    """The Glue catalog of an account, as a caller sees it."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def describe(self, table: Table, where: tuple[int, int]) -> Described:
        """Return a table; fail as a query does that names one which is not there."""
        if not self._found("get_database", Name=table.database):
            raise semantic("SCHEMA_NOT_FOUND", where, f"Schema '{table.database}' does not exist")
        found = self._found("get_table", DatabaseName=table.database, Name=table.name)
        if not found:
            named = f"{CATALOG}.{table.database}.{table.name}"
            raise semantic("TABLE_NOT_FOUND", where, f"Table '{named}' does not exist")
        return _described(table, found["Table"])

    def look_at_default(self) -> None:
        """Ask for the database that every catalog may have, as Athena does before it looks at any other.

        https://docs.aws.amazon.com/athena/latest/ug/fine-grained-access-to-glue-resources.html
        """
        self._found("get_database", Name="default")

    def partitions(self, described: Described) -> list[tuple[str, dict[str, str]]]:
        """Return location and values of each registered partition."""
        listed: list[tuple[str, dict[str, str]]] = []
        more: dict[str, str] = {}
        while True:
            place = {"DatabaseName": described.table.database, "TableName": described.table.name}
            answer = self._asked("get_partitions", **place, **more)
            for each in answer.get("Partitions", ()):
                location = (each.get("StorageDescriptor") or {}).get("Location", "")
                listed.append((location, dict(zip(described.keys, each["Values"], strict=False))))
            if not answer.get("NextToken"):
                return listed
            more = {"NextToken": answer["NextToken"]}

    def _found(self, operation: str, **named: str) -> dict[str, Any] | None:
        try:
            return self._asked(operation, **named)
        except ClientError:
            return None

    def _asked(self, operation: str, **named: str) -> dict[str, Any]:
        """Ask Glue; a refusal for want of permission fails the query with its words."""
        try:
            return getattr(self._client, operation)(**named)
        except ClientError as error:
            details = error.response.get("Error", {})
            if details.get("Code") == "EntityNotFoundException":
                raise
            message = f"{details.get('Message', error)} (Service: AWSGlue; Error Code: {details.get('Code', '')})"
            raise denied("Insufficient permissions to execute the query", message) from None


def _described(table: Table, found: Mapping[str, Any]) -> Described:
    settings = _settings(found.get("Parameters"))
    if found.get("TableType") == "VIRTUAL_VIEW":
        raise lacking(f"views ({table.database}.{table.name})")
    stored: Mapping[str, Any] = found.get("StorageDescriptor") or {}
    serde = stored.get("SerdeInfo") or {}
    iceberg = settings.get("table_type", "").upper() == "ICEBERG"
    library = PARQUET if iceberg else serde.get("SerializationLibrary", "")
    if library not in {PARQUET, LAZY, OPEN_CSV}:
        raise lacking(f"the serializer {library or '(none)'} of {table.database}.{table.name}")
    given = stored.get("InputFormat", "")
    if not iceberg and given != _INPUTS[library]:
        raise QueryError(f"HIVE_UNSUPPORTED_FORMAT: Unable to create input format {given or 'null'}")
    # Athena's engine reads some tables without a type and fails at others: the stricter of the two.
    if not found.get("TableType"):
        raise QueryError(f"GENERIC_USER_ERROR: NullPointerException: Name is null (TableType of {table.name})")
    if not stored.get("Location", "").startswith("s3://"):
        raise QueryError(f"HIVE_METASTORE_ERROR: Table is missing storage location: {table.name}")
    return Described(
        table,
        stored["Location"],
        library,
        _typed(stored.get("Columns") or (), table),
        _typed(found.get("PartitionKeys") or (), table),
        settings.get("metadata_location", "") if iceberg else "",
        settings | _settings(serde.get("Parameters")),
    )


def _settings(parameters: Mapping[str, Any] | None) -> dict[str, str]:
    return {name.lower(): str(value) for name, value in (parameters or {}).items()}


def _typed(columns: Any, table: Table) -> dict[str, str]:
    typed: dict[str, str] = {}
    for column in columns:
        name, kind = column["Name"].lower(), column.get("Type", "string").lower().strip()
        if kind not in _TYPES and not _SIZED.fullmatch(kind):
            raise lacking(f"the type {kind} of {table.database}.{table.name}.{name}")
        if name in typed:
            problem = f"Hive metadata for table {table.name} is invalid: column {name} is there twice"
            raise QueryError(f"HIVE_INVALID_METADATA: {problem}")
        typed[name] = _TYPES.get(kind, kind)
    return typed
