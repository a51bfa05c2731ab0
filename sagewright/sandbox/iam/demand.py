"""Why: one request may need several permissions, on several resources, each with circumstances of its own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

Context = Mapping[str, str | Sequence[str]]


@dataclass(frozen=True)
class Demand:
    """An action on a resource; `account` owns the resource where its ARN does not say so."""

    action: str
    resource: str
    context: Context = field(default_factory=dict)
    account: str | None = None
    note: str = ""  # what a refusal adds
    anywhere: bool = False  # the resource is not known: a deny on any one counts
