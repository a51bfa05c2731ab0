"""Why: template, parameter values and tags are one wish, which a change set shows and an operation fulfils."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from .parameters import Parameter
from .template import Template


@dataclass(frozen=True)
class Deployment:
    """What a stack shall be."""

    template: Template
    parameters: Mapping[str, Parameter]
    tags: Mapping[str, str]
    capabilities: tuple[str, ...] = ()
    role_arn: str | None = None
    description: str | None = None
    notification_arns: tuple[str, ...] = ()
    # Physical ids of what is there already and is taken over, by logical id.
    imports: Mapping[str, str] = field(default_factory=dict)
