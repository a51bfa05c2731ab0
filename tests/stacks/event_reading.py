"""A second reading of event patterns, written from EventBridge's documentation and apart from the sandbox's.

It knows what our patterns use and refuses everything else, so that nothing is taken for a match by not being read.
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
"""

from collections.abc import Iterator, Mapping
from typing import Any

Path = tuple[str, ...]


def reads(pattern: Mapping[str, Any], event: Mapping[str, Any]) -> bool:
    """Whether one of the ways to fulfil the pattern is fulfilled by the event's leaves."""
    leaves: dict[Path, list[Any]] = {}
    for path, value in _leaves(event):
        leaves.setdefault(path, []).append(value)
    return any(
        all(any(_holds(test, leaves.get(path, [])) for test in tests) for path, tests in way)
        for way in _ways(pattern, ())
    )


def _leaves(node: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every value with its path; in which place of a list it stands counts for nothing."""
    if isinstance(node, Mapping):
        for key, value in node.items():
            yield from _leaves(value, (*path, key))
    elif isinstance(node, list):
        for value in node:
            yield from _leaves(value, path)
    else:
        yield path, node


def _ways(pattern: Mapping[str, Any], path: Path) -> list[list[tuple[Path, list[Any]]]]:
    """The pattern as alternatives, each a list of paths with what one of their values has to be."""
    ways: list[list[tuple[Path, list[Any]]]] = [[]]
    for key, wanted in pattern.items():
        if key == "$or":
            more = [way for branch in wanted for way in _ways(branch, path)]
        elif isinstance(wanted, Mapping):
            more = _ways(wanted, (*path, key))
        else:
            more = [[((*path, key), wanted)]]
        ways = [[*way, *each] for way in ways for each in more]
    return ways


def _holds(test: Any, values: list[Any]) -> bool:
    match test:
        case {"prefix": str(start), **rest} if not rest:
            return any(isinstance(value, str) and value.startswith(start) for value in values)
        case {"suffix": str(end), **rest} if not rest:
            return any(isinstance(value, str) and value.endswith(end) for value in values)
        case {"exists": bool(wanted), **rest} if not rest:
            return bool(values) is wanted
        case str():
            return test in values
        case _:
            raise NotImplementedError(f"{test} is not read here")
