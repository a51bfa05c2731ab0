"""Why: CloudFormation decides by a type's schema what it refuses, what a change replaces and what GetAtt may read."""

import sys
import threading
from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec, module_from_spec
from typing import Any

from .coercion import coerced
from .validation import violations

Properties = dict[str, Any]

_MISSING = object()
_LINTER = "cfnlint"
_importing = threading.Lock()
_imported: list[Any] = []


class Schema:
    """One resource type, as the provider's schema describes it."""

    def __init__(self, document: dict[str, Any], attributes: Mapping[str, str]) -> None:
        self.type_name: str = document["typeName"]
        self.document = document
        self._attributes = attributes
        self.read_only = _pointers(document, "readOnlyProperties")
        # "Conditional" means that some values of the property cannot change in place: the documentation of these
        # properties says "Replacement" or "Some interruptions", and replacing is the outcome to be prepared for.
        self.create_only = _pointers(document, "createOnlyProperties") | _pointers(
            document, "conditionalCreateOnlyProperties"
        )

    @property
    def attributes(self) -> frozenset[str]:
        """What Fn::GetAtt may ask for; a type whose attributes are free in part gives patterns for these."""
        return frozenset(self._attributes)

    @property
    def has_system_tags(self) -> bool:
        """Whether CloudFormation puts its own `aws:cloudformation:` tags on the resource."""
        return bool(self.document.get("tagging", {}).get("cloudFormationSystemTags"))

    def coerced(self, properties: Properties) -> Properties:
        """Return the properties with scalars in the schema's types: "true" for a boolean becomes True, and so on."""
        return coerced(self.document, self.document, properties)

    def problems(self, properties: Properties, logical_id: str) -> list[str]:
        """Return what CloudFormation would say against the properties: nothing, or one message for the resource."""
        found = [
            *self._read_only_keys(properties),
            *violations(self.document, self.coerced(properties)),
        ]
        if not found:
            return []
        lines = "\n".join(dict.fromkeys(found))
        return [f"Properties validation failed for resource {logical_id} with message:\n{lines}"]

    def has_attribute(self, name: str) -> bool:
        """Whether Fn::GetAtt may ask for the attribute."""
        return self._attributes.get(name) is not None

    def replaces(self, old: Properties, new: Properties) -> bool:
        """Whether the change touches a property that can only be given at creation."""
        before, after = self.coerced(old), self.coerced(new)
        return any(list(_values(before, pointer)) != list(_values(after, pointer)) for pointer in self.create_only)

    def kept_name(self, old: Properties, new: Properties) -> str | None:
        """Return the name that the template gives a resource and does not change: nothing else can have it meanwhile.

        Where the name is one part of the identifier and another part changes, the two resources do not meet.
        """
        kind = self.type_name.rpartition("::")[2]
        name = next((key for key in (f"{kind}Name", "Name") if f"/{key}" in self.create_only), "")
        identity = self.create_only & _pointers(self.document, "primaryIdentifier")
        if any(list(_values(old, pointer)) != list(_values(new, pointer)) for pointer in identity):
            return None
        return str(new[name]) if name in new and old.get(name) == new[name] else None

    def _read_only_keys(self, properties: Properties) -> Iterator[str]:
        for pointer in sorted(self.read_only - self.create_only):
            parent, _, key = pointer.rpartition("/")
            if any(value is not _MISSING for value in _values(properties, pointer)):
                yield f"#{parent}: extraneous key [{key}] is not permitted"


@lru_cache(maxsize=512)
def schema_for(type_name: str, region: str) -> Schema | None:
    """Return the type's schema, or None where the region does not have the type."""
    known = _known()
    try:
        provider = known.PROVIDER_SCHEMA_MANAGER.get_resource_schema(region, type_name)
    except (known.ResourceNotFoundError, KeyError):  # the latter for a region that does not exist
        return None
    return Schema(_as_aws_has_it(provider.schema), provider.get_atts)


def _known() -> Any:
    """Return cfn-lint's module of schemas.

    It is imported when the first stack comes, and without the linter around it, which needs a third of a second for
    imports of its own (sympy, networkx). Whoever wants the linter imports it anew and whole.
    """
    with _importing:
        if not _imported:
            _imported.append(sys.modules.get(f"{_LINTER}.schema") or _alone("schema"))
        return _imported[0]


def _alone(name: str) -> Any:
    """Import a module of the linter while its package is there, but has not run."""
    spec = find_spec(_LINTER)
    if spec is None:
        raise ModuleNotFoundError(f"No module named {_LINTER!r}", name=_LINTER)
    sys.modules[_LINTER] = module_from_spec(spec)
    try:
        return import_module(f"{_LINTER}.{name}")
    finally:
        for each in [each for each in sys.modules if each.partition(".")[0] == _LINTER]:
            del sys.modules[each]


def _as_aws_has_it(document: dict[str, Any]) -> dict[str, Any]:
    """Return the schema without what only the linter adds and AWS leaves to the service, whose reason says more."""
    if document["typeName"] != "AWS::S3::Bucket":
        return document
    properties = document["properties"]
    name = {key: value for key, value in properties["BucketName"].items() if key == "type"}
    return {**document, "properties": {**properties, "BucketName": name}}


def _pointers(document: dict[str, Any], key: str) -> set[str]:
    """Return pointers as `/Name/Nested`; a `*` stands for every item of a list."""
    return {pointer.removeprefix("/properties") for pointer in document.get(key, ())}


def _values(properties: Any, pointer: str) -> Iterator[Any]:
    """Return what stands at the pointer: one value, or one per item where it passes through a list."""
    here = [properties]
    for part in pointer.split("/")[1:]:
        here = [child for value in here for child in _children(value, part)]
    return iter(here)


def _children(value: Any, part: str) -> list[Any]:
    if part == "*":
        return list(value) if isinstance(value, list) else [_MISSING]
    if isinstance(value, list):  # some schemas leave the `*` out
        return [child for item in value for child in _children(item, part)]
    return [value.get(part, _MISSING)] if isinstance(value, dict) else [_MISSING]
