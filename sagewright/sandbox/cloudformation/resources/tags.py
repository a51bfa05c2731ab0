"""Why: a resource carries its own tags, its stack's and CloudFormation's, and each service tags in a way of its own."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.model import ListShape, StructureShape

from ..resource import Context, Properties
from ..schema import schema_for
from .api_call import call, operation_model, refusal

_SYSTEM = "aws:"
# How a service calls a tag that it does not take, where that is not ValidationException.
_RESERVED_KEY_CODES = {
    "CloudWatch": "InvalidParameterValue",
    "ECR": "InvalidTagParameterException",
    "IAM": "InvalidInput",
    "KMS": "TagException",
    "Lambda": "InvalidParameterValueException",
    "Logs": "InvalidParameterException",
    "S3": "InvalidTag",
    "SNS": "InvalidParameter",
    "SQS": "InvalidParameterValue",
    "SecretsManager": "InvalidParameterException",
}


@dataclass(frozen=True)
class Tagging:
    """A service's operations on tags; how it spells them is read from its model."""

    resource: str  # the parameter that names the resource
    add: str = "tag_resource"  # empty where the stand-in for the service takes tags at creation alone
    remove: str = "untag_resource"
    read: str = "list_tags_for_resource"
    fixed: Mapping[str, str] | None = None  # a parameter that is always the same
    system: bool = True  # whether the sandbox's stand-in for the service takes CloudFormation's own tags

    def replace(self, client: Any, identifier: str, wanted: Mapping[str, str]) -> None:
        """Make the resource's tags exactly these; the service's own tags stay."""
        if not self.add:
            return
        where = {self.resource: identifier, **(self.fixed or {})}
        present = decoded(_listed(call(client, self.read, **where)))
        gone = [key for key in present if key not in wanted and not key.startswith(_SYSTEM)]
        changed = {key: value for key, value in wanted.items() if present.get(key) != value}
        if gone:
            call(client, self.remove, **where, **{_keys_parameter(client, self.remove, set(where)): gone})
        if changed:
            call(client, self.add, **where, **create_parameter(client, self.add, changed))


def tags_of(context: Context, type_name: str, properties: Properties, *, system: bool = True) -> dict[str, str]:
    """Return a resource's tags: the stack's, its own over them, and CloudFormation's where the type carries these."""
    tags = {**context.tags, **own_tags(type_name, properties)}
    schema = schema_for(type_name, context.region)
    if system and schema and schema.has_system_tags:
        tags |= {
            "aws:cloudformation:stack-name": context.stack_name,
            "aws:cloudformation:stack-id": context.stack_id,
            "aws:cloudformation:logical-id": context.logical_id,
        }
    return tags


def own_tags(type_name: str, properties: Properties) -> dict[str, str]:
    """Return the tags that the template gives a resource; the keys that AWS keeps for itself are refused."""
    tags = decoded(properties.get("Tags") or [])
    if any(key.lower().startswith(_SYSTEM) for key in tags):
        code = _RESERVED_KEY_CODES.get(type_name.split("::")[1], "ValidationException")
        raise refusal(code, "aws: prefixed tag key names are not allowed for external use.", "TagResource")
    return tags


def decoded(tags: Any) -> dict[str, str]:
    """Return tags in any of the services' spellings as a plain map."""
    if isinstance(tags, dict):
        return {key: str(value) for key, value in tags.items()}
    return {_either(tag, "Key"): _either(tag, "Value") for tag in tags}


def takes_tags(client: Any, operation: str) -> bool:
    """Whether a creating operation takes tags."""
    return _tags_parameter(client, operation) is not None


def create_parameter(client: Any, operation: str, tags: Mapping[str, str]) -> dict[str, Any]:
    """Return the tags as a creating operation takes them; nothing where there are none."""
    name = _tags_parameter(client, operation)
    return {name: _encoded(_members(client, operation)[name], tags)} if tags and name else {}


def _encoded(shape: Any, tags: Mapping[str, str]) -> Any:
    if not isinstance(shape, ListShape):
        return dict(tags)
    member = shape.member
    names = list(member.members) if isinstance(member, StructureShape) else ["Key", "Value"]
    key, value = (
        next(n for n in names if n.endswith(("Key", "key"))),
        next(n for n in names if n.endswith(("Value", "value"))),
    )
    return [{key: name, value: text} for name, text in tags.items()]


def _tags_parameter(client: Any, operation: str) -> str | None:
    return next((name for name in _members(client, operation) if name.lower() in {"tags", "tagstoadd"}), None)


def _keys_parameter(client: Any, operation: str, known: set[str]) -> str:
    return next(name for name in _members(client, operation) if name not in known and name.lower().startswith("tag"))


def _members(client: Any, operation: str) -> dict[str, Any]:
    shape = operation_model(client, operation).input_shape
    return dict(shape.members) if isinstance(shape, StructureShape) else {}


def _listed(answer: dict[str, Any]) -> Any:
    names = {"tags", "taglist", "tagset"}
    return next((value for key, value in answer.items() if key.lower() in names), None) or ()


def _either(tag: Mapping[str, str], part: str) -> str:
    return next(str(value) for key, value in tag.items() if key.lower().endswith(part.lower()))
