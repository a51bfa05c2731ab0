"""Why: most permissions follow from a table: the operation's name is the action, a parameter names the resource."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from ..asked import Asked
from ..demand import Context, Demand

ANY = "*"
_READING = ("Describe", "Get", "List")
_NAME = re.compile(r"\{(\w+(?:\.\w+)*)\}")

Resources = str | tuple[str, ...] | Callable[[Asked], list[str]]


@dataclass(frozen=True)
class Table:
    """The permissions of a service: what its operations act on, and which operations have actions of another name.

    A resource is what follows `arn:aws:<prefix>:<region>:<account>:`, with parameters in braces; a parameter that is an
    ARN is the resource itself, a list stands for several.
    """

    prefix: str
    resources: Mapping[str, Resources]
    actions: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)
    free: frozenset[str] = frozenset()  # operations that need no permission
    context: Callable[[Asked, str], Context] | None = None

    def demands(self, asked: Asked) -> Iterator[Demand]:
        """Yield what the operation needs."""
        if asked.operation in self.free:
            return
        named = self.actions.get(asked.operation, asked.operation)
        known = asked.operation in self.resources
        note = "" if known else " (the sandbox knows no narrower resource for this operation than *)"
        # What only reads is about everything where it names nothing.
        about_all = self.resources.get(asked.operation) == ANY or asked.operation.startswith(_READING)
        for name in (named,) if isinstance(named, str) else named:
            for resource in self._resources(asked):
                context = self.context(asked, resource) if self.context else {}
                anywhere = resource == ANY and not (known and about_all)
                yield Demand(f"{self.prefix}:{name}", resource, context, note=note, anywhere=anywhere)

    def _resources(self, asked: Asked) -> list[str]:
        resources = self.resources.get(asked.operation, ANY)
        if callable(resources):
            return resources(asked)
        templates = (resources,) if isinstance(resources, str) else resources
        return [arn for template in templates for arn in expanded(self.prefix, template, asked)]


def expanded(prefix: str, template: str, asked: Asked) -> list[str]:
    """Return the ARNs that a template stands for; without its parameter it is about every resource."""
    if template == ANY:
        return [ANY]
    names = _NAME.findall(template)
    values = [_several(_value(asked.params, name)) for name in names]
    if not all(values):
        return [ANY]
    found = []
    for chosen in product(*values):
        given = dict(zip(names, chosen, strict=True))
        arn = next((value for value in reversed(chosen) if value.startswith("arn:")), None)
        text = _NAME.sub(lambda match, given=given: given[match[1]], template)
        found.append(arn or own_arn(prefix, asked, text))
    return found


def own_arn(prefix: str, asked: Asked, resource: str) -> str:
    """Return the ARN of a resource of the caller's account and region."""
    return f"arn:aws:{prefix}:{asked.caller.region}:{asked.caller.account}:{resource}"


def tag_keys(tags: Any) -> dict[str, Any]:
    """Return the condition keys for tags in a request, in whichever form the service takes them."""
    pairs: dict[str, str] = {}
    if isinstance(tags, Mapping):
        pairs = {str(key): str(value) for key, value in tags.items()}
    elif isinstance(tags, list):
        for tag in tags:
            if isinstance(tag, Mapping):
                names = {str(name).lower().removeprefix("tag"): value for name, value in tag.items()}
                pairs[str(names.get("key", ""))] = str(names.get("value", ""))
    if not pairs:
        return {}
    return {f"aws:RequestTag/{key}": value for key, value in pairs.items()} | {"aws:TagKeys": list(pairs)}


def _value(params: Any, path: str) -> Any:
    for name in path.split("."):
        params = params.get(name) if isinstance(params, Mapping) else None
    return params


def _several(value: Any) -> list[str]:
    if value is None or value == "":
        return []
    return [str(each) for each in value] if isinstance(value, list) else [str(value)]
