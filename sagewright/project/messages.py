"""Turns what the typed model found into sentences: what was received, what is allowed, what to do."""

from difflib import get_close_matches
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from sagewright.project.document import KeyPath

# pydantic marks the key of a mapping, as opposed to its value, with this.
_KEY_MARK = "[key]"
# Keys end alike (`maturity`, `security`), so they are near only when most of them is the same.
_ALIKE = 0.7
_FAULTS = {
    "string_type": "is not text; write text",
    "int_type": "is not a whole number; write one without quotes, such as 1",
    "int_from_float": "is not a whole number; write one such as 1",
    "float_type": "is not a number; write one without quotes, such as 0.5",
    "finite_number": "is not a finite number; write one such as 0.5",
    "greater_than": "is less than allowed (more than {gt:g})",
    "greater_than_equal": "is less than allowed (at least {ge:g})",
    "less_than": "is more than allowed (less than {lt:g})",
    "less_than_equal": "is more than allowed (at most {le:g})",
    "list_type": "is not a list; write one such as [first, second]",
    "bool_type": "is neither true nor false; write one of them without quotes",
    "model_type": "stands where keys belong; write `key: value` below it",
    "too_short": "is empty; write at least one, or leave the key out",
    "dict_type": "stands where keys belong; write `key: value` below it",
}


def shown(value: object) -> str:
    """Show a value as its author wrote it, shortened."""
    longest = 80
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    text = f"'{value}'" if isinstance(value, str) else str(value)
    return text if len(text) <= longest else f"{text[:longest]}…"


def unknown_key(key: str, allowed: list[str]) -> str:
    """Say that a key is unknown and which one may be meant."""
    near = get_close_matches(key, allowed, n=1, cutoff=_ALIKE)
    if near:
        return f"is not a key that exists here; did you mean '{near[0]}'?"
    return f"is not a key that exists here; there are: {', '.join(allowed)}"


def required(model: type[BaseModel], path: KeyPath) -> str:
    """Say that a key must be there, and what it is for."""
    text = _model_at(model, path[:-1]).model_fields[path[-1]].description or ""
    purpose = text.split(". ")[0].rstrip(".")
    return f"is required: {purpose[:1].lower()}{purpose[1:]}"


def path_of(error: ErrorDetails) -> KeyPath:
    """Name the key that an error is about."""
    return tuple(str(part) for part in error["loc"] if part != _KEY_MARK)


def sentence(model: type[BaseModel], error: ErrorDetails) -> str:
    """Say in one sentence what pydantic found wrong."""
    kind, received, context = error["type"], error["input"], error.get("ctx", {})
    path = path_of(error)
    match kind:
        case "missing":
            return required(model, path)
        case "extra_forbidden":
            return unknown_key(path[-1], list(_model_at(model, path[:-1]).model_fields))
        case "value_error":
            return str(context["error"])
        case "literal_error":
            return f"{shown(received)} {_choice(received, context['expected'])}"
        case "string_type" if isinstance(received, int | float):
            return f"{shown(received)} is not text; put it in quotes"
        case _:
            return f"{shown(received)} {_FAULTS[kind].format(**context)}"


def _choice(received: object, expected: str) -> str:
    options = [option.strip("'") for option in expected.replace(" or ", ", ").split(", ")]
    near = get_close_matches(str(received), options, n=1)
    hint = f"; did you mean '{near[0]}'?" if near else ""
    return f"is not one of {', '.join(options)}{hint}"


def _model_at(model: type[BaseModel], path: KeyPath) -> type[BaseModel]:
    """Find the model at a path of keys; within a mapping or list, a key names what is held there."""
    held: Any = model
    for key in path:
        kind = _model_in(held)
        held = kind.model_fields[key].annotation if kind is not None else _item_of(held)
    found = _model_in(held)
    if found is None:
        raise KeyError(f"there is no model at {'.'.join(path)} of {model.__name__}")
    return found


def _model_in(annotation: Any) -> type[BaseModel] | None:
    candidates = _plain(annotation)
    return next((kind for kind in candidates if isinstance(kind, type) and issubclass(kind, BaseModel)), None)


def _item_of(annotation: Any) -> Any:
    return next(get_args(each)[-1] for each in _plain(annotation) if get_origin(each) in (dict, list))


def _plain(annotation: Any) -> list[Any]:
    """Take off what only qualifies a type: what is annotated, and the choices of a union."""
    if get_origin(annotation) is Annotated:
        return _plain(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return [kind for each in get_args(annotation) for kind in _plain(each)]
    return [annotation]
