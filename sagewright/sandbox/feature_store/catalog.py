"""Why: whoever queries an offline store finds it by its table, which is made with the group and grows with it."""

from collections.abc import Iterable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from ..clients import ActingClients
from .definition import ICEBERG
from .group import Described, Group

DATABASE = "sagemaker_featurestore"
CATALOG = "AwsDataCatalog"

_TYPES = {"Integral": "bigint", "Fractional": "double", "String": "string"}
_OWN = (("write_time", "timestamp"), ("api_invocation_time", "timestamp"), ("is_deleted", "boolean"))
_KEPT = ("Name", "TableType", "Parameters", "StorageDescriptor", "PartitionKeys")
_PARQUET = "org.apache.hadoop.hive.ql.io.parquet"

Column = dict[str, str]


def default_names(name: str, created_s: int) -> dict[str, str]:
    """Return the DataCatalogConfig that a group gets which was given none."""
    table = f"{name.replace('-', '_')}_{created_s}".lower()
    return {"TableName": table, "Catalog": CATALOG, "Database": DATABASE}


def columns_of(features: Iterable[Mapping[str, str]]) -> list[Column]:
    """Return the columns of a table: those of the features, and SageMaker's own after them.

    The table has no partitions: the folders below its location are read as they are.
    """
    own = [{"Name": name, "Type": kind} for name, kind in _OWN]
    # The catalog keeps names in small letters.
    return [{"Name": each["FeatureName"].lower(), "Type": _TYPES[each["FeatureType"]]} for each in features] + own


def create_table(creator: ActingClients, group: Group, described: Described, metadata: str) -> None:
    """Make the table in the name of whoever makes the group; a ClientError says why it cannot be made.

    That one of this name may not be there already, nor a database of one's own be missing, is documented nowhere.
    """
    names = described["OfflineStoreConfig"]["DataCatalogConfig"]
    glue = creator.get("glue", group.owner.account, group.owner.region)
    if names["Database"] == DATABASE:
        _ensure_database(glue, group.owner.account)
    table: dict[str, Any] = {
        "Name": names["TableName"].lower(),
        "TableType": "EXTERNAL_TABLE",
        "Parameters": _parameters(described, metadata),
        "StorageDescriptor": _storage(described, group.root),
        "PartitionKeys": list[Column](),
    }
    glue.create_table(CatalogId=group.owner.account, DatabaseName=names["Database"].lower(), TableInput=table)


def update_table(
    acting: ActingClients, group: Group, described: Described, parameters: Mapping[str, str] | None = None
) -> None:
    """Bring a table to the group's features, and change parameters of it, as the group's role."""
    glue, where, found = _table(acting, group, described)
    table = {key: found[key] for key in _KEPT if key in found}
    table["StorageDescriptor"] = {**found["StorageDescriptor"], "Columns": columns_of(described["FeatureDefinitions"])}
    table["Parameters"] = {**found.get("Parameters", {}), **(parameters or {})}
    glue.update_table(**where, TableInput=table)


def metadata_location(acting: ActingClients, group: Group, described: Described) -> str:
    """Return where an Iceberg table's newest metadata lies."""
    _, _, found = _table(acting, group, described)
    return str(found["Parameters"]["metadata_location"])


def has_table(described: Described) -> bool:
    """Tell whether the group has a table that is SageMaker's to make and to change."""
    offline = described.get("OfflineStoreConfig")
    return bool(offline) and not offline.get("DisableGlueTableCreation")


def repeated_column(features: Iterable[Mapping[str, str]]) -> str:
    """Return a feature's name that differs from another's in capitals alone, which the catalog cannot tell apart."""
    seen: set[str] = set()
    for each in features:
        name = each["FeatureName"].lower()
        if name in seen:
            return each["FeatureName"]
        seen.add(name)
    return ""


def _table(acting: ActingClients, group: Group, described: Described) -> tuple[Any, dict[str, str], dict[str, Any]]:
    """Return a client of the catalog, where the group's table is in it, and the table."""
    names = described["OfflineStoreConfig"]["DataCatalogConfig"]
    glue = acting.get("glue", group.owner.account, group.owner.region)
    where = {"CatalogId": group.owner.account, "DatabaseName": names["Database"].lower()}
    return glue, where, glue.get_table(**where, Name=names["TableName"].lower())["Table"]


def _parameters(described: Described, metadata: str) -> dict[str, str]:
    if described["OfflineStoreConfig"].get("TableFormat") == ICEBERG:
        return {"EXTERNAL": "TRUE", "table_type": "ICEBERG", "metadata_location": metadata}
    return {"EXTERNAL": "TRUE", "classification": "parquet", "parquet.compression": "SNAPPY"}


def _storage(described: Described, root: str) -> dict[str, Any]:
    columns = columns_of(described["FeatureDefinitions"])
    if described["OfflineStoreConfig"].get("TableFormat") == ICEBERG:
        return {"Columns": columns, "Location": root}
    return {
        "Columns": columns,
        "Location": f"{root}/data",
        "InputFormat": f"{_PARQUET}.MapredParquetInputFormat",
        "OutputFormat": f"{_PARQUET}.MapredParquetOutputFormat",
        "SerdeInfo": {"SerializationLibrary": f"{_PARQUET}.serde.ParquetHiveSerDe"},
    }


def _ensure_database(glue: Any, account: str) -> None:
    try:
        glue.get_database(CatalogId=account, Name=DATABASE)
    except ClientError as error:
        if error.response["Error"]["Code"] != "EntityNotFoundException":
            raise
        glue.create_database(CatalogId=account, DatabaseInput={"Name": DATABASE})
