"""The pipeline as a graph: which step takes what from which, how long each took, and which came from the cache."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .chart import shortened
from .content import Pipeline, StepRun

BOX_WIDTH, BOX_HEIGHT = 176, 56
GAP_ACROSS, GAP_DOWN = 18, 36
FIRST_ARC, NEXT_ARC = 16, 11
MARGIN = 4
ROUND, APART = 10, 6  # of arrows: their corners, and how far those that leave a box are from those that enter it
LONGEST_NAME = 19
KINDS = {"RegisterModel": "Registration", "QualityCheck": "Quality check", "ClarifyCheck": "Clarify check"}


@dataclass(frozen=True)
class Node:
    """One step in its place, with what it takes from others."""

    name: str
    kind: str
    run: StepRun | None
    needs: tuple[str, ...]
    rank: int
    column: int
    x: int
    y: int

    @property
    def shown(self) -> str:
        """The name as far as it fits into its box."""
        return shortened(self.name, LONGEST_NAME)

    @property
    def state(self) -> str:
        """How it is drawn: cached, succeeded, failed, or (not reached) absent."""
        if self.run is None:
            return "absent"
        return "cached" if self.run.cached else self.run.status.lower()

    @property
    def told(self) -> str:
        """How it went, in a few words."""
        if self.run is None:
            return "not reached"
        if self.run.cached:
            return "from the cache"
        took = "" if self.run.seconds is None else f"{self.run.seconds:.1f} s"
        return took if self.run.status == "Succeeded" else f"{self.run.status} {took}".strip()


@dataclass(frozen=True)
class Edge:
    """An arrow, as the path of an SVG; a far one goes around what lies between."""

    path: str
    far: bool


@dataclass(frozen=True)
class Graph:
    """Steps and arrows in one drawing, whose measures are in pixels."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    width: int
    height: int

    @classmethod
    def of(cls, pipeline: Pipeline) -> "Graph":
        """Place each step below all that it needs."""
        steps = {step["Name"]: step for step in _all_steps(pipeline.definition["Steps"])}
        needs = _needs(pipeline.definition["Steps"], steps)
        runs = {run.name: run for run in pipeline.runs}
        ranks = _ranks(needs)
        far = sum(ranks[name] - ranks[need] > 1 for name in needs for need in needs[name])
        left = MARGIN + (FIRST_ARC + far * NEXT_ARC if far else 0)
        nodes: dict[str, Node] = {}
        across: dict[int, int] = {}
        # Where a branch was taken, that branch goes straight down.
        for name in sorted(steps, key=lambda each: (ranks[each], each not in runs)):
            column, rank = across.get(ranks[name], 0), ranks[name]
            across[rank] = column + 1
            kind = KINDS.get(steps[name]["Type"], steps[name]["Type"])
            x, y = left + column * (BOX_WIDTH + GAP_ACROSS), MARGIN + rank * (BOX_HEIGHT + GAP_DOWN)
            nodes[name] = Node(name, kind, runs.get(name), needs[name], rank, column, x, y)
        width = left + max(across.values()) * (BOX_WIDTH + GAP_ACROSS) - GAP_ACROSS + MARGIN
        height = len(across) * (BOX_HEIGHT + GAP_DOWN) - GAP_DOWN + 2 * MARGIN
        return cls(tuple(nodes.values()), tuple(_edges(nodes)), width, height)


def _all_steps(steps: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for step in steps:
        yield step
        yield from _all_steps(_branches(step))


def _branches(step: Mapping[str, Any]) -> list[dict[str, Any]]:
    arguments = step.get("Arguments", {})
    return [*arguments.get("IfSteps", []), *arguments.get("ElseSteps", [])] if step["Type"] == "Condition" else []


def _needs(
    steps: list[dict[str, Any]], known: Mapping[str, Any], above: tuple[str, ...] = ()
) -> dict[str, tuple[str, ...]]:
    """Say which steps each one refers to; a step of a branch also needs the condition."""
    found: dict[str, tuple[str, ...]] = {}
    for step in steps:
        own = dict(step)
        branches = _branches(step)
        if branches:
            own["Arguments"] = step["Arguments"].get("Conditions", [])
        referred = [*step.get("DependsOn", []), *_references(own), *above]
        found[step["Name"]] = tuple(dict.fromkeys(each for each in referred if each in known and each != step["Name"]))
        found |= _needs(branches, known, (step["Name"],))
    return found


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        target = value.get("Get")
        if isinstance(target, str) and target.startswith("Steps."):
            yield target.split(".")[1]
        for each in value.values():
            yield from _references(each)
    elif isinstance(value, list):
        for each in value:
            yield from _references(each)


def _ranks(needs: Mapping[str, tuple[str, ...]]) -> dict[str, int]:
    """Count for each step the longest way down to it; SageMaker refuses a definition that goes in circles."""
    ranks: dict[str, int] = {}

    def rank(name: str) -> int:
        if name not in ranks:
            ranks[name] = 1 + max((rank(each) for each in needs[name]), default=-1)
        return ranks[name]

    return {name: rank(name) for name in needs}


def _edges(nodes: Mapping[str, Node]) -> Iterator[Edge]:
    """Draw arrows to the next row straight down, farther ones around at the left, the farthest outermost."""
    pairs = [(nodes[need], node) for node in nodes.values() for need in node.needs]
    around: list[tuple[Node, Node]] = []
    for source, target in sorted(pairs, key=lambda pair: pair[1].rank - pair[0].rank):
        if target.rank == source.rank + 1:
            yield Edge(_down(source, target), far=False)
        elif target.column > source.column:
            yield Edge(_aside(source, target), far=True)
        else:
            around.append((source, target))
    for place, (source, target) in enumerate(around):
        yield Edge(_around(source, target, FIRST_ARC + place * NEXT_ARC), far=True)


def _down(source: Node, target: Node) -> str:
    x, y = source.x + BOX_WIDTH // 2, source.y + BOX_HEIGHT
    end, bottom = target.x + BOX_WIDTH // 2, target.y - 2
    middle = (y + bottom) // 2
    return f"M{x} {y} C{x} {middle} {end} {middle} {end} {bottom}"


def _aside(source: Node, target: Node) -> str:
    """Leave at the right, and come from above: the rows between have nothing in the target's column."""
    x, y = source.x + BOX_WIDTH, source.y + BOX_HEIGHT // 2
    end = target.x + BOX_WIDTH * 3 // 4
    return f"M{x} {y} H{end - ROUND} Q{end} {y} {end} {y + ROUND} V{target.y - 2}"


def _around(source: Node, target: Node, out: int) -> str:
    y, bottom = source.y + BOX_HEIGHT // 2 + APART, target.y + BOX_HEIGHT // 2 - APART
    side = min(source.x, target.x) - out
    start = f"M{source.x} {y} H{side + ROUND} Q{side} {y} {side} {y + ROUND}"
    return f"{start} V{bottom - ROUND} Q{side} {bottom} {side + ROUND} {bottom} H{target.x - 2}"
