"""Why: a target gets the event as it is, a part of it, or a text of its own with parts of it.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html
"""

import json
import re
from collections.abc import Mapping
from typing import Any

_STEP = re.compile(r"\.([\w-]+)|\['([^']+)'\]|\[(\d+)\]")
_PLACEHOLDER = re.compile(r"<([\w.-]+)>")
_NOTHING = object()


def shaped(target: Mapping[str, Any], event: dict[str, Any], rule_arn: str) -> str:
    """Return the text that a target gets; a path that leads nowhere gives null."""
    if "Input" in target:
        return str(target["Input"])
    if "InputPath" in target:
        return json.dumps(value_at(target["InputPath"], event))
    if "InputTransformer" not in target:
        return json.dumps(event)
    transformer = target["InputTransformer"]
    values = {name: _at(path, event) for name, path in (transformer.get("InputPathsMap") or {}).items()}
    values |= {
        "aws.events.rule-arn": rule_arn,
        "aws.events.rule-name": rule_arn.rpartition("/")[2],
        "aws.events.event.ingestion-time": event["time"],
        "aws.events.event": {name: value for name, value in event.items() if name != "detail"},
        "aws.events.event.json": event,
    }
    return _filled(str(transformer["InputTemplate"]), values)


def value_at(path: str, event: Any) -> Any:
    """Return the value at a path like `$.detail.name`, or None where there is none."""
    found = _at(path, event)
    return None if found is _NOTHING else found


def _at(path: str, event: Any) -> Any:
    rest = path.removeprefix("$")
    while rest:
        step = _STEP.match(rest)
        if step is None:
            return _NOTHING
        key = step[1] or step[2]
        try:
            event = event[key] if key is not None else event[int(step[3])]
        except (KeyError, IndexError, TypeError):
            return _NOTHING
        rest = rest[step.end() :]
    return event


def _filled(template: str, values: Mapping[str, Any]) -> str:
    """Fill a template in: within a JSON string a value is written as text, anywhere else as JSON."""

    def fill(match: re.Match[str]) -> str:
        if match[1] not in values:
            return match[0]
        value = values[match[1]]
        quoted = template.count('"', 0, match.start()) - template.count('\\"', 0, match.start())
        inside = quoted % 2 == 1
        if value is _NOTHING:
            return "" if inside else "null"
        text = value if isinstance(value, str) else json.dumps(value)
        if inside:
            return json.dumps(text)[1:-1]
        return json.dumps(value)

    return _PLACEHOLDER.sub(fill, template)
