"""Lays what an environment overrides over what the project says, and fills in what follows from the problem."""

from typing import Any

from sagewright.project.document import KeyPath
from sagewright.project.metrics import METRICS_OF, SPLITS_OF

Values = dict[str, Any]

_OTHER_BOUND = {"minimum": "maximum", "maximum": "minimum"}
# The key that chooses among these others: what is written for one choice means nothing for another.
_CHOICES: dict[KeyPath, tuple[str, set[str]]] = {
    ("network",): ("mode", {"cidr", "vpc_id", "subnets", "security_groups"}),
    ("serving", "rollout"): ("strategy", {"percent"}),
}


def overlay(base: Any, over: Any) -> Any:
    """Merge mappings key by key; any other value of the override replaces the base's."""
    if not isinstance(base, dict) or not isinstance(over, dict):
        return over
    return base | {key: overlay(base[key], value) if key in base else value for key, value in over.items()}


def override(base: Values, over: Values) -> Values:
    """Merge an environment's sections over the project's.

    A metric of the other direction takes the other bound, so a bound of the override drops an inherited other one.
    Likewise another network mode or rollout strategy drops the inherited keys that went with the one before.
    """
    for path, (choice, keys) in _CHOICES.items():
        chosen, inherited = _at(over, path), _at(base, path)
        if choice in chosen and chosen[choice] != inherited.get(choice):
            base = _with(base, path, {key: value for key, value in inherited.items() if key not in keys})
    merged = overlay(base, over)
    bounds = over.get("evaluation")
    if isinstance(bounds, dict) and isinstance(merged["evaluation"], dict):
        replaced = {other for bound, other in _OTHER_BOUND.items() if bound in bounds and other not in bounds}
        merged["evaluation"] = {key: value for key, value in merged["evaluation"].items() if key not in replaced}
    return merged


def _at(sections: Values, path: KeyPath) -> Values:
    """Give the mapping at a path; an empty one where there is none."""
    value: Any = sections
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def _with(sections: Values, path: KeyPath, mapping: Values) -> Values:
    """Put a mapping in the place of the one at a path; where there was none, nothing changes."""
    key, rest = path[0], path[1:]
    below = sections.get(key)
    if not isinstance(below, dict):
        return sections
    return sections | {key: _with(below, rest, mapping) if rest else mapping}


def fill(sections: Values) -> Values:
    """Add the defaults that follow from the problem: how to split, and which metric decides."""
    data, evaluation = sections.get("data"), sections.get("evaluation")
    problem = data.get("problem") if isinstance(data, dict) else None
    if not isinstance(problem, str) or problem not in METRICS_OF:
        return sections
    filled = dict(sections)
    if isinstance(data, dict) and isinstance(split := data.get("split", {}), dict):
        filled["data"] = data | {"split": {"by": SPLITS_OF[problem][0]} | split}
    if isinstance(evaluation, dict):
        filled["evaluation"] = {"metric": METRICS_OF[problem][0]} | evaluation
    return filled
