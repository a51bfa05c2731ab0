"""Why: a template whose form is wrong is refused by the place of the fault, before any reference in it is followed."""

import re
from typing import Any

from ..protocol import ApiError

DELETION_POLICIES = {"Delete", "Retain", "RetainExceptOnCreate"}
REPLACE_POLICIES = {"Delete", "Retain"}

_SECTIONS = {
    *("AWSTemplateFormatVersion", "Description", "Metadata", "Parameters", "Rules", "Mappings", "Conditions"),
    *("Transform", "Resources", "Outputs", "Hooks"),
}
_RESOURCE_MEMBERS = {
    *("Type", "Properties", "DependsOn", "Condition", "Metadata", "DeletionPolicy", "UpdateReplacePolicy"),
    *("UpdatePolicy", "CreationPolicy", "Description", "Version"),
}
_LIMITS = {"Resources": 500, "Parameters": 200, "Mappings": 200, "Outputs": 200}
_DESCRIPTION_BYTES = 1024
_NAME = re.compile("[A-Za-z0-9]+")


def check_structure(document: dict[str, Any]) -> None:
    """Refuse sections, names, limits and members that CloudFormation does not know."""
    _refuse_nulls(document, "")
    if unknown := sorted(set(map(str, document)) - _SECTIONS):
        raise _error(f"Invalid template property or properties [{', '.join(unknown)}]")
    version = document.get("AWSTemplateFormatVersion", "2010-09-09")
    if version != "2010-09-09":
        raise _error("Template format error: unsupported value for AWSTemplateFormatVersion.")
    if document.get("Transform"):
        raise _error(f"The sandbox does not run macros: Transform {document['Transform']} works in AWS only.")
    _check_description(document.get("Description", ""))
    _check_sections(document)
    for logical_id, resource in document["Resources"].items():
        _check_resource(logical_id, resource)


def _check_description(description: Any) -> None:
    if not isinstance(description, str):
        raise _error("Template format error: every Description member must be a string.")
    if len(description.encode()) > _DESCRIPTION_BYTES:
        raise _error(f"Template format error: 'Description' length is greater than {_DESCRIPTION_BYTES}.")


def _check_sections(document: dict[str, Any]) -> None:
    for section in ("Parameters", "Mappings", "Conditions", "Resources", "Outputs", "Rules"):
        members = document.get(section)
        if members is not None and not isinstance(members, dict):
            raise _error(f"Template format error: {section} must be an object.")
        if section in _LIMITS and members and len(members) > _LIMITS[section]:
            raise _error(
                f"Template format error: Number of {section.lower()}, {len(members)}, "
                f"is greater than maximum allowed, {_LIMITS[section]}"
            )
    if not document.get("Resources"):
        raise _error("Template format error: At least one Resources member must be defined.")
    for section, named in (("Parameters", "Parameter name {}"), ("Outputs", "Outputs name '{}'")):
        for name in document.get(section, ()):
            if not _NAME.fullmatch(str(name)):
                raise _error(f"Template format error: {named.format(name)} is non alphanumeric.")


def _check_resource(logical_id: str, resource: Any) -> None:
    if not _NAME.fullmatch(str(logical_id)):
        raise _error(f"Template format error: Resource name {logical_id} is non alphanumeric.")
    if not isinstance(resource, dict) or not isinstance(resource.get("Type"), str):
        raise _error(
            f"Template format error: [/Resources/{logical_id}] Every Resources object must contain a Type member."
        )
    if unknown := sorted(set(resource) - _RESOURCE_MEMBERS):
        raise _error(f"Invalid template resource property '{unknown[0]}'")
    if not isinstance(resource.get("Properties", {}), dict):
        raise _error(f"Template format error: [/Resources/{logical_id}/Properties] must be an object.")
    for member, allowed in (("DeletionPolicy", DELETION_POLICIES), ("UpdateReplacePolicy", REPLACE_POLICIES)):
        policy = resource.get(member, "Delete")
        if not isinstance(policy, str):
            raise _error(f"Template format error: Every {member} member must be a string.")
        if policy == "Snapshot":
            raise _error(f"Template error: resource type {resource['Type']} does not support deletion policy Snapshot")
        if policy not in allowed:
            raise _error(f"Template format error: Unrecognized {member} {policy} for resource {logical_id}")


def _refuse_nulls(value: Any, at: str) -> None:
    if value is None:
        raise _error(f"Template format error: [{at}] 'null' values are not allowed in templates")
    if isinstance(value, list):
        for index, item in enumerate(value):
            _refuse_nulls(item, f"{at}/{index}")
    elif isinstance(value, dict):
        for key, item in value.items():
            _refuse_nulls(item, f"{at}/{key}")


def _error(message: str) -> ApiError:
    return ApiError("ValidationError", message)
