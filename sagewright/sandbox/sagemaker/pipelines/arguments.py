"""Why: a step's arguments are a request to come; what is already certain of it is checked when the pipeline is made."""

from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

from ...constraints import all_of, type_problem, violations
from ..jobs.training import MAX_RUNTIME_S, TOO_LONG
from .expressions import Path, Reference, is_expression, malformed
from .kinds import Kind


def check_arguments(kind: Kind, arguments: dict[str, Any]) -> None:
    """Refuse arguments that the operation's request does not have, or whose literal values it would reject."""
    for member in kind.supplied:
        if member in arguments:
            raise malformed(f"Unknown Argument member '{member}'.")
    _check(kind.request, arguments, left_out=kind.supplied)
    runtime = arguments.get("StoppingCondition", {}).get("MaxRuntimeInSeconds")
    if kind.create == "CreateTrainingJob" and isinstance(runtime, int) and runtime > MAX_RUNTIME_S:
        raise malformed(f"Model Validation failed: Value '{runtime}' of {TOO_LONG}")


def check_property(shape: StructureShape, reference: Reference) -> None:
    """Refuse a property path that the step's Describe response does not have."""
    if not reference.path:
        raise malformed(f"Invalid property reference '{reference.text}': it names no property.")
    current: Shape = shape
    for key in reference.path:
        member = _member(current, key)
        if member is None:
            raise malformed(
                f"Invalid property reference '{reference.text}': {current.name} has no property '{key}'."
                f"{_choices(current)}"
            )
        current = member
    if isinstance(current, StructureShape | ListShape | MapShape):
        raise malformed(f"Invalid property reference '{reference.text}': {current.name} is not a single value.")


def check_item(kind: Kind, arguments: dict[str, Any], reference: Reference) -> None:
    """Refuse a path to an item, such as an output, that the step's own arguments do not declare."""
    if reference.path[0] not in kind.request.members:
        return  # the job's own, and known when it has run
    shape: Shape = kind.response
    value: Any = arguments
    for key in reference.path:
        if isinstance(shape, ListShape):
            name = item_name(shape)
            items = value if isinstance(value, list) else []
            known = [item.get(name) for item in items if isinstance(item, dict)]
            if isinstance(key, str) and key not in known and not any(is_expression(each) for each in known):
                raise malformed(
                    f"Invalid property reference '{reference.text}': step '{reference.name}' has no {name} '{key}'."
                )
            return
        member = _member(shape, key)
        if member is None or not (value is None or isinstance(value, dict)):
            return
        shape, value = member, (value or {}).get(key)


def item_name(items: ListShape) -> str | None:
    """Return the member by whose value a list's items are referred to, such as OutputName of processing outputs."""
    members = items.member.members if isinstance(items.member, StructureShape) else {}
    return next((member for member in members if member.endswith("Name")), None)


def property_value(shape: Shape, value: Any, path: Path) -> Any:
    """Follow a property path through a Describe response; a KeyError names what is absent."""
    for key in path:
        if isinstance(shape, ListShape):
            if isinstance(key, int):
                if key >= len(value):
                    raise KeyError(key)
                value = value[key]
            else:
                name = item_name(shape)
                value = next((item for item in value if item.get(name) == key), None)
        else:
            value = value.get(key)
        member = _member(shape, key)
        if value is None or member is None:
            raise KeyError(key)
        shape = member
    return value


def _member(shape: Shape, key: str | int) -> Shape | None:
    if isinstance(shape, StructureShape):
        return shape.members.get(str(key))
    if isinstance(shape, ListShape):
        return shape.member if isinstance(key, int) or item_name(shape) else None
    return shape.value if isinstance(shape, MapShape) else None


def _choices(shape: Shape) -> str:
    return f" It has {', '.join(shape.members)}." if isinstance(shape, StructureShape) else ""


def _check(shape: Shape, value: Any, left_out: tuple[str, ...] = ()) -> None:
    if isinstance(shape, StructureShape):
        _check_structure(shape, value, left_out)
    elif isinstance(shape, ListShape):
        if not isinstance(value, list):
            raise malformed("Expecting start of Json Array.")
        _check_size(shape, value)
        for item in value:
            _check(shape.member, item)
    elif isinstance(shape, MapShape):
        if not isinstance(value, dict) or is_expression(value):
            raise malformed("Expecting start of Json Object.")
        _check_size(shape, value)
        for key, item in value.items():
            _check_scalar(shape.key, key)
            _check(shape.value, item)
    elif not is_expression(value):
        _check_scalar(shape, value)


def _check_structure(shape: StructureShape, value: Any, left_out: tuple[str, ...]) -> None:
    if not isinstance(value, dict) or is_expression(value):
        raise malformed("Expecting start of Json Object.")
    for member in value:
        if member not in shape.members:
            raise malformed(f"Unknown Argument member '{member}'.")
    for member in shape.required_members:
        if member not in value and member not in left_out:
            raise malformed(
                f"Model Validation failed: Value null for '{member}' failed to satisfy: Member must not be null"
            )
    for member, item in value.items():
        _check(shape.members[member], item)


def _check_scalar(shape: Shape, value: Any) -> None:
    if problem := type_problem(shape, value):
        raise malformed(f"Model Validation failed: '{shape.name}': {problem}")
    enum = shape.metadata.get("enum")
    if enum and value not in enum:
        raise malformed(
            f"Model Validation failed: Value '{value}' for '{shape.name}' failed to satisfy enum value set:"
            f" [{', '.join(enum)}]"
        )
    if any(violations(shape, value)):
        raise malformed(
            f"Model Validation failed: Value '{value}' for '{shape.name}' failed to satisfy: {all_of(shape)}"
        )


def _check_size(shape: Shape, value: Any) -> None:
    low, high = shape.metadata.get("min", 0), shape.metadata.get("max", len(value))
    if not low <= len(value) <= high:
        raise malformed(
            f"Model Validation failed: '{shape.name}' has {len(value)} members, but must have {low} to {high}."
        )
