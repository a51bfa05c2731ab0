"""Why: a stack can ask for a connection, by either of two names; only a person can complete it."""

from typing_extensions import override

from ..resource import Context, Properties
from .api_call import call
from .api_resource import ApiResource, Attributes
from .tags import Tagging


class Connection(ApiResource):
    """A connection; Ref is its ARN."""

    @override
    def attributes(self, context: Context, physical_id: str, properties: Properties) -> Attributes:
        """Return what the service says of the connection, whose status changes without the stack."""
        told = call(self.client(context), "get_connection", ConnectionArn=physical_id)["Connection"]
        return {name: told[name] for name in ("ConnectionArn", "ConnectionStatus", "OwnerAccountId")}


def _connection(type_name: str, service: str) -> Connection:
    return Connection(
        type_name=type_name,
        service=service,
        create_operation="create_connection",
        delete_operation="delete_connection",
        name="ConnectionName",
        identifier="ConnectionArn",
        reference="ConnectionArn",
        tagging=Tagging("ResourceArn", system=False),
    )


TYPES = {
    type_name: _connection(type_name, service)
    for type_name, service in (
        ("AWS::CodeConnections::Connection", "codeconnections"),
        ("AWS::CodeStarConnections::Connection", "codestar-connections"),
    )
}
