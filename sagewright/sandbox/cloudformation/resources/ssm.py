"""Why: parameters are how stacks, releases and people tell one another what is deployed."""

import re
from typing import Any

from typing_extensions import override

from ..resource import Context, Properties
from .api_call import refusal
from .api_resource import ApiResource, Attributes, readable
from .tags import Tagging

_STANDARD_LENGTH = 4096
_TOO_LONG = (
    f"Standard tier parameters support a maximum parameter value of {_STANDARD_LENGTH} characters. "
    "To create a larger parameter value, upgrade the parameter to use the advanced-parameter tier. For more "
    "information, see https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html"
)


class Parameter(ApiResource):
    """A parameter; one operation creates it, and overwrites it only when told to."""

    @override
    def check(self, context: Context, properties: Properties) -> None:
        """Hold the value against the pattern that the template itself gives, and the room that its tier has."""
        pattern = properties.get("AllowedPattern")
        if pattern and not re.search(pattern, properties["Value"]):
            message = f"Parameter value, cannot be validated against allowedPattern: {pattern}"
            raise refusal("ParameterPatternMismatchException", message, "PutParameter")
        if properties.get("Tier", "Standard") == "Standard" and len(properties["Value"]) > _STANDARD_LENGTH:
            raise refusal("ValidationException", _TOO_LONG, "PutParameter")

    @override
    def attributes(self, context: Context, physical_id: str, properties: Properties) -> Attributes:
        """Return the parameter's ARN, whose last part begins with a slash whether or not the name does."""
        arn = f"arn:aws:ssm:{context.region}:{context.account}:parameter/{physical_id.removeprefix('/')}"
        return readable(context, self.type_name, {**properties, "Name": physical_id, "Arn": arn})

    @override
    def defaults(self, old: Properties, new: Properties) -> dict[str, Any]:
        """Overwrite; a description that is gone from the template is emptied."""
        emptied = {"Description": ""} if "Description" in old and "Description" not in new else {}
        return {"Overwrite": True, **emptied}


TYPES = {
    "AWS::SSM::Parameter": Parameter(
        type_name="AWS::SSM::Parameter",
        service="ssm",
        create_operation="put_parameter",
        update_operation="put_parameter",
        delete_operation="delete_parameter",
        name="Name",
        name_limit=1011,
        tagging=Tagging(
            "ResourceId",
            add="add_tags_to_resource",
            remove="remove_tags_from_resource",
            fixed={"ResourceType": "Parameter"},
        ),
    ),
}
