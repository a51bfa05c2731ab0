"""Who says yes: to a version in the registry, and to its going into the last environment."""

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from sagewright.project.finding import Finding
from sagewright.project.section import Section

Gate = Literal["manual", "automatic"]


class Approval(Section):
    """The two decisions between a trained model and the endpoint that matters most."""

    registry: Gate = Field(
        "manual",
        description="Who approves a registered version. `manual`: a person, in the registry. `automatic`: the "
        "evaluation, which then has to compare it with what is live (`evaluation.champion`).",
    )
    prod: Gate = Field(
        "manual",
        description="Whether promotion waits for a person before the last environment. `automatic` does not: what was "
        "verified in the environment before, or just approved, goes on by itself.",
    )


def check(approval: Approval, *, compares: bool) -> Iterator[Finding]:
    """Refuse an approval by nobody: a threshold alone says nothing about what is live."""
    if approval.registry == "automatic" and not compares:
        message = (
            "'automatic' needs evaluation.champion: without it no version is compared with the one that is live; "
            "write manual, or `champion: {tolerance: 0.005}` in evaluation"
        )
        yield Finding(("approval", "registry"), message)
