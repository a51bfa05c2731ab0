"""Why: most types are one API call to create, one to change and one to delete, so they are declared, not programmed."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from ..resource import Context, HandlerError, Properties
from ..schema import schema_for
from .api_call import already_exists, call, discard, parameters_of, refusal
from .tags import Tagging, create_parameter, tags_of, takes_tags

Attributes = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class ApiResource:
    """A type whose properties are the parameters of its API.

    Every property must be a parameter of the creating operation, under its own name or a renamed one, or be listed in
    `apart`, which a subclass sees to; any other is refused by name, because it would be ignored.
    """

    type_name: str
    service: str
    create_operation: str
    delete_operation: str
    update_operation: str = ""
    """Left out: nothing but tags, and what a subclass sees to, can change in place."""
    name: str = ""
    """The property that names the resource; left out, the name is generated. Empty: the API gives an identifier."""
    name_limit: int = 64
    lower_name: bool = False
    identifier: str = ""
    """The parameter by which the API addresses the resource; empty: the name's."""
    reference: str = ""
    """The member of the creating operation's answer that is the physical id; empty: the name."""
    renames: Mapping[str, str] = field(default_factory=dict)
    apart: frozenset[str] = frozenset()
    exists: Callable[[Any, str, Properties], bool] | None = None
    """Asked before an operation that would change a resource that is there already instead of refusing."""
    tagging: Tagging | None = None
    tag_by_arn: str = ""
    """The resource's ARN, where tags are addressed by it; empty: by the physical id."""
    values: Mapping[str, str] = field(default_factory=dict)
    """Attributes for Fn::GetAtt that follow from {region}, {account}, {ref} and {name}."""
    _one_at_a_time: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def create(self, context: Context, properties: Properties) -> str:
        """Create the resource, with everything that belongs to it or not at all."""
        named = self.named(context, properties)
        self.check(context, named)
        with self._one_at_a_time:
            self._refuse_existing(context, named)
            answer = call(self.client(context), self.create_operation, **self._create_parameters(context, named))
        physical_id = self.physical_id(context, answer, named)
        try:
            self.complete(context, physical_id, {}, named)
            if not takes_tags(self.client(context), self.create_operation):
                self.retag(context, physical_id, named)
        except (ClientError, HandlerError):
            self.delete(context, physical_id, named)
            raise
        return physical_id

    def attributes(self, context: Context, physical_id: str, properties: Properties) -> Attributes:
        """Return the attributes that follow from the identifier, and the properties themselves."""
        values = {key: self._text(text, context, physical_id) for key, text in self.values.items()}
        return readable(context, self.type_name, {**properties, **values})

    def update(self, context: Context, physical_id: str, old: Properties, new: Properties) -> None:
        """Change the resource; its tags follow the stack's even where no property changed."""
        self.check(context, new)
        if self.update_operation and self._own(old) != self._own(new):
            client, where = self.client(context), self.where(context, physical_id, new)
            parameters, _ = parameters_of(client, self.update_operation, self._own(new), self.renames)
            call(client, self.update_operation, **{**self.defaults(old, new), **parameters, **where})
        self.change(context, physical_id, old, new)
        self.complete(context, physical_id, old, new)
        self.retag(context, physical_id, new)

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        """Delete the resource."""
        discard(self.client(context), self.delete_operation, **self.where(context, physical_id, properties))

    def check(self, context: Context, properties: Properties) -> None:
        """Refuse what AWS refuses and the sandbox's stand-in for the service does not."""

    def change(self, context: Context, physical_id: str, old: Properties, new: Properties) -> None:
        """Bring about what the creating operation did at creation, and an operation of its own does to change it."""

    def complete(self, context: Context, physical_id: str, old: Properties, new: Properties) -> None:
        """Bring about what has operations of its own at creation (when `old` is empty) and in changes."""

    def defaults(self, old: Properties, new: Properties) -> dict[str, Any]:
        """Return parameters of a change for properties that the template no longer has."""
        del old, new
        return {}

    def client(self, context: Context) -> Any:
        """Return the client of the type's service."""
        return context.client(self.service)

    def named(self, context: Context, properties: Properties) -> Properties:
        """Return the properties with a name, generated where the template has none."""
        if not self.name or self.name in properties:
            return properties
        return {**properties, self.name: context.generated_name(self.name_limit, lower=self.lower_name)}

    def physical_id(self, context: Context, answer: Mapping[str, Any], properties: Properties) -> str:
        """Return what Ref gives."""
        del context
        value: Any = answer if self.reference else properties[self.name]
        for part in self.reference.split(".") if self.reference else ():
            value = value[part]
        return str(value)

    def where(self, context: Context, physical_id: str, properties: Properties) -> dict[str, Any]:
        """Return the parameters by which an operation finds the resource."""
        del context, properties
        return {self.identifier or self.name: physical_id}

    def retag(self, context: Context, physical_id: str, properties: Properties) -> None:
        """Bring the tags up to date."""
        if self.tagging is not None:
            arn = self._text(self.tag_by_arn, context, physical_id) if self.tag_by_arn else physical_id
            self.tagging.replace(self.client(context), arn, self._tags(self.tagging, context, properties))

    def _refuse_existing(self, context: Context, properties: Properties) -> None:
        if self.exists is not None and self.exists(self.client(context), properties.get(self.name, ""), properties):
            raise already_exists(self.type_name, properties[self.name])

    def _create_parameters(self, context: Context, properties: Properties) -> dict[str, Any]:
        client = self.client(context)
        parameters, unknown = parameters_of(client, self.create_operation, self._own(properties), self.renames)
        if unknown:
            names = ", ".join(sorted(unknown))
            raise refusal("UnsupportedOperation", f"The sandbox does not have {names} of {self.type_name}.", "Create")
        if self.tagging is not None and takes_tags(client, self.create_operation):
            tags = self._tags(self.tagging, context, properties)
            parameters |= create_parameter(client, self.create_operation, tags)
        return parameters

    def _own(self, properties: Properties) -> Properties:
        """Return the properties that are parameters of the creating and the changing operation."""
        return {key: value for key, value in without_tags(properties).items() if key not in self.apart}

    def _tags(self, tagging: Tagging, context: Context, properties: Properties) -> dict[str, str]:
        return tags_of(context, self.type_name, properties, system=tagging.system)

    def _text(self, text: str, context: Context, physical_id: str) -> str:
        name = physical_id.rpartition("/")[2]
        return text.format(region=context.region, account=context.account, ref=physical_id, name=name)


def readable(context: Context, type_name: str, values: Attributes) -> Attributes:
    """Return of the values what the type's schema lets Fn::GetAtt read."""
    schema = schema_for(type_name, context.region)
    return {key: value for key, value in values.items() if schema is None or schema.has_attribute(key)}


def without_tags(properties: Properties) -> Properties:
    """Return the properties but tags, which have operations of their own."""
    return {key: value for key, value in properties.items() if key != "Tags"}


def changed(old: Properties, new: Properties, key: str) -> bool:
    """Whether a property differs; at creation, whether it is given."""
    return old.get(key) != new.get(key)
