"""Why: moto takes any JSON as a dashboard, where CloudWatch refuses one that its page could not draw.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from moto.cloudwatch.models import cloudwatch_backends

from ..protocol import ApiError
from .metrics import Place

_REFUSED = "InvalidParameterInput"
_LONGEST_NAME = 255
_MOST_WIDGETS = 500
_COLUMNS = 24
_GRID: dict[str, tuple[int, int | None]] = {
    "x": (0, _COLUMNS - 1),
    "y": (0, None),
    "width": (1, _COLUMNS),
    "height": (1, 1000),
}
_DEFAULT_WIDTH = 6
_REQUIRED: dict[str, dict[str, type]] = {
    "metric": {},
    "text": {"markdown": str},
    "log": {"region": str, "query": str},
    "alarm": {"alarms": list},
    "explorer": {"metrics": list},
    "custom": {"endpoint": str},
}
"""What each type's properties must have; a metric widget's depend on each other."""
_NAMES = {str: "string", list: "array", dict: "object"}
_NO_SOURCE = "The metric widget should have specified a region and a data source or an alarm annotation"

Problems = Iterator[tuple[str, str]]
"""Where in the body something is wrong, and what."""


def put_dashboard(params: dict[str, Any], place: Place) -> dict[str, Any]:
    """Check a dashboard, and let moto hold it."""
    name, text = params["DashboardName"], params["DashboardBody"]
    if not re.fullmatch(r"[A-Za-z0-9_-]+", name):
        problem = (
            f"The value {name} for field DashboardName contains invalid characters."
            " It can only contain alphanumerics, dash (-) and underscore (_)."
        )
        raise ApiError(_REFUSED, problem)
    if len(name) > _LONGEST_NAME:
        problem = f"The value {name} for field DashboardName must be at most {_LONGEST_NAME} characters long."
        raise ApiError(_REFUSED, problem)
    try:
        body = json.loads(text)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise ApiError(_REFUSED, "The field DashboardBody must be a valid JSON object")
    if found := list(body_problems(body)):
        _refuse(found)
    cloudwatch_backends[place.account][place.region].put_dashboard(name, text)
    return {"DashboardValidationMessages": []}


def body_problems(body: dict[str, Any]) -> Problems:
    """Tell all that is wrong with a dashboard's body, in the words of CloudWatch's schema."""
    widgets = body.get("widgets")
    if "widgets" not in body:
        yield "", _missing("widgets")
    elif not isinstance(widgets, list):
        yield "/widgets", "Should be array"
    else:
        if len(widgets) > _MOST_WIDGETS:
            yield "/widgets", f"Should NOT have more than {_MOST_WIDGETS} items"
        for number, widget in enumerate(widgets):
            yield from _widget(f"/widgets/{number}", widget)


def _refuse(found: list[tuple[str, str]]) -> None:
    listed = json.dumps([{"dataPath": path, "message": message} for path, message in found], indent=2)
    raise ApiError(
        _REFUSED,
        f"The dashboard body is invalid, there are {len(found)} validation errors:\n{listed}",
        members={"dashboardValidationMessages": [{"DataPath": path, "Message": message} for path, message in found]},
    )


def _widget(path: str, widget: Any) -> Problems:
    if not isinstance(widget, dict):
        yield path, "Should be object"
        return
    yield from _placed(path, widget)
    kind, properties = widget.get("type"), widget.get("properties")
    if "type" not in widget:
        yield path, _missing("type")
    elif not isinstance(kind, str) or kind not in _REQUIRED:
        yield f"{path}/type", "Should be equal to one of the allowed values"
    elif "properties" not in widget:
        yield path, _missing("properties")
    elif not isinstance(properties, dict):
        yield f"{path}/properties", "Should be object"
    else:
        yield from _properties(f"{path}/properties", kind, properties)


def _placed(path: str, widget: dict[str, Any]) -> Problems:
    """Check a widget's place, also that it ends within the grid, of which CloudWatch's documentation says nothing."""
    sound = True
    for member, (least, most) in _GRID.items():
        if member not in widget:
            continue
        for message in _whole(widget[member], least, most):
            sound = False
            yield f"{path}/{member}", message
    room = _COLUMNS - widget["x"] if sound and "x" in widget else _COLUMNS
    if sound and widget.get("width", _DEFAULT_WIDTH) > room:
        yield f"{path}/width", f"Should be <= {room}"


def _whole(value: Any, least: int, most: int | None) -> Iterator[str]:
    if not isinstance(value, int) or isinstance(value, bool):
        yield "Should be integer"
    elif value < least:
        yield f"Should be >= {least}"
    elif most is not None and value > most:
        yield f"Should be <= {most}"


def _properties(path: str, kind: str, properties: dict[str, Any]) -> Problems:
    for member, expected in _REQUIRED[kind].items():
        if member not in properties:
            yield path, _missing(member)
        elif not isinstance(properties[member], expected):
            yield f"{path}/{member}", f"Should be {_NAMES[expected]}"
        elif expected is list and not properties[member]:
            yield f"{path}/{member}", "Should NOT have less than 1 items"
    if kind == "metric":
        yield from _graph(path, properties)


def _graph(path: str, properties: dict[str, Any]) -> Problems:
    sources = [member for member in ("metrics", "annotations") if member in properties]
    if not sources:
        yield path, _missing("metrics")
    if not sources or "region" not in properties:
        yield path, _NO_SOURCE
    if not sources:
        yield path, _missing("annotations")
    for member, expected in {"region": str, "metrics": list, "annotations": dict}.items():
        if member in properties and not isinstance(properties[member], expected):
            yield f"{path}/{member}", f"Should be {_NAMES[expected]}"
    metrics = properties.get("metrics")
    for number, metric in enumerate(metrics if isinstance(metrics, list) else ()):
        yield from _metric(f"{path}/metrics/{number}", metric)


def _metric(path: str, metric: Any) -> Problems:
    """Check a metric: its names in a row, and how to draw it at the end."""
    if not isinstance(metric, list):
        yield path, "Should be array"
        return
    if not metric:
        yield path, "Should NOT have less than 1 items"
    names = metric[:-1] if metric and isinstance(metric[-1], dict) else metric
    for number, name in enumerate(names):
        if not isinstance(name, str):
            yield f"{path}/{number}", 'Invalid metric field type, only "String" type is allowed'


def _missing(member: str) -> str:
    return f"Should have required property '{member}'"
