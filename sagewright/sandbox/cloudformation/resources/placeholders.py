"""Why: some types are in templates for CloudFormation's or the CDK's own sake and have nothing behind them."""

from ..resource import Context, Properties
from .api_resource import Attributes


class Placeholder:
    """A resource that is nothing but its id."""

    def create(self, context: Context, properties: Properties) -> str:
        """Give it an id."""
        del properties
        return context.generated_name(128)

    def attributes(self, context: Context, physical_id: str, properties: Properties) -> Attributes:
        """Return the id."""
        del context, properties
        return {"Id": physical_id}

    def update(self, context: Context, physical_id: str, old: Properties, new: Properties) -> None:
        """Do nothing: there is nothing to change."""

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        """Do nothing: there is nothing to remove."""


TYPES = {
    "AWS::CDK::Metadata": Placeholder(),
    "AWS::CloudFormation::WaitConditionHandle": Placeholder(),
}
