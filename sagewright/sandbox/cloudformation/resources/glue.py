"""Why: the catalog is where feature stores and queries find their tables."""

from typing import Any

from typing_extensions import override

from ..resource import Context, Properties
from .api_resource import ApiResource


class Database(ApiResource):
    """A database of the catalog; its name may stand in two places of the template."""

    @override
    def named(self, context: Context, properties: Properties) -> Properties:
        """Return the properties with the name, in small letters as the catalog keeps it, where the API has it."""
        given = properties.get("DatabaseName") or properties["DatabaseInput"].get("Name")
        name = (given or context.generated_name(self.name_limit)).lower()
        return {**properties, "DatabaseName": name, "DatabaseInput": {**properties["DatabaseInput"], "Name": name}}

    @override
    def update(self, context: Context, physical_id: str, old: Properties, new: Properties) -> None:
        """Update the database under the name that it has."""
        kept = {**new, "DatabaseInput": {**new["DatabaseInput"], "Name": physical_id}}
        super().update(context, physical_id, old, kept)

    @override
    def where(self, context: Context, physical_id: str, properties: Properties) -> dict[str, Any]:
        """Name the database and its catalog."""
        return {"CatalogId": properties["CatalogId"], "Name": physical_id}


TYPES = {
    "AWS::Glue::Database": Database(
        type_name="AWS::Glue::Database",
        service="glue",
        create_operation="create_database",
        update_operation="update_database",
        delete_operation="delete_database",
        name="DatabaseName",
        name_limit=255,
        apart=frozenset({"DatabaseName"}),
    ),
}
