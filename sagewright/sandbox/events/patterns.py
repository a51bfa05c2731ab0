"""Why: moto's matching stops at a list of objects, into which EventBridge looks.

All that a pattern says below a list has to hold of one and the same element.
https://github.com/aws/event-ruler#arrays
"""

from collections.abc import Mapping
from typing import Any

from moto.events.models import UNDEFINED, EventPattern

_OR = "$or"


def matches(pattern: Mapping[str, Any], event: Any) -> bool:
    """Tell whether an event is as a rule's pattern asks."""
    if isinstance(event, list):
        return any(matches(pattern, each) for each in event)
    held = event if isinstance(event, Mapping) else {}
    return all(_holds(key, wanted, held) for key, wanted in pattern.items())


def _holds(key: str, wanted: Any, held: Mapping[str, Any]) -> bool:
    if key == _OR:
        return any(matches(each, held) for each in wanted)
    if isinstance(wanted, Mapping):
        return matches(wanted, held.get(key))
    # moto knows every kind of filter.
    return EventPattern(None, {})._does_item_match_filters(held.get(key, UNDEFINED), wanted)  # noqa: SLF001 - see above
