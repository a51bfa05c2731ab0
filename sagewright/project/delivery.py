"""How what is pushed gets to where it runs: what drives it, how long it waits, and what it holds a release to."""

import re
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from sagewright.project import fields
from sagewright.project.finding import Finding
from sagewright.project.section import Section

DeliveryProvider = Literal["codepipeline", "github_actions", "jenkins"]
IdentityProvider = Literal["create", "import"]

_ISSUER = r"https://[A-Za-z0-9.-]+(:\d+)?(/[A-Za-z0-9._~/-]*)?"
_ISSUER_KEY, _SUBJECT_KEY = ("delivery", "issuer"), ("delivery", "subject")
# https://docs.github.com/en/actions/reference/security/oidc: numbers that no other repository ever gets.
_NUMBERED = re.compile(r"(?P<owner>[\w.-]+)@\d+/(?P<name>[\w.-]+)@\d+", re.ASCII)


def _issuer(value: str) -> str:
    if re.fullmatch(_ISSUER, value) is None:
        raise ValueError(f"'{value}' is not an issuer's address; write one such as https://jenkins.example.com/oidc")
    return value


class Verify(Section):
    """What a release has to show before it counts as one: answers to real requests."""

    rows: int = Field(
        50,
        ge=1,
        le=1000,
        description="How many rows that no training saw are sent to the endpoint. Its answers must equal those that "
        "were recorded when the model was evaluated.",
    )
    percentile: float = Field(
        99,
        gt=0,
        le=100,
        allow_inf_nan=False,
        description="Which percentile of the answers' times is held to `latency_ms`.",
    )
    latency_ms: int = Field(
        1000,
        ge=1,
        le=60000,
        description="How long an answer may take at that percentile, as the build that asks measures it.",
    )


class Delivery(Section):
    """The way from a push to an endpoint."""

    provider: DeliveryProvider = Field(
        "codepipeline",
        description="What drives it: AWS CodePipeline, GitHub Actions or Jenkins. All do the same with the same "
        "commands.",
    )
    approval_hours: int = Field(
        168,
        ge=1,
        le=1440,
        description="How many hours promotion waits for a person; then it ends, and nothing more is released.",
    )
    review_days: int = Field(
        180,
        ge=1,
        le=3650,
        description="How old a version may be that serves, in days since it was released, before its owner is asked "
        "to look at it.",
    )
    verify: Verify = Field(default_factory=Verify, description="What a release has to show.")
    sample: Annotated[str, AfterValidator(fields.inside)] | None = Field(
        None,
        description="A file of the project with rows of the data, on which every push is trained once in the sandbox. "
        "Left out, they are drawn from `data.source` where that is a file of the project, and else nothing is trained.",
        examples=["data/sample.csv"],
    )
    issuer: Annotated[str, AfterValidator(_issuer)] | None = Field(
        None,
        description="Who vouches for builds of `jenkins`, by OpenID Connect: required there, and nowhere else.",
        examples=["https://jenkins.example.com/oidc"],
        json_schema_extra={"anyOf": [{"type": "string", "pattern": f"^{_ISSUER}$"}, {"type": "null"}]},
    )
    subject: str | None = Field(
        None,
        description="Who a job says it is, where that is not its default. `github_actions`: the repository with its "
        "numbers, which GitHub gives to those that were made, renamed or moved since 15 July 2026; left out, it is "
        "`repository.name`. `jenkins`: the address of the folder that holds the jobs; left out, `issuer` without "
        "`/oidc`.",
        examples=["example@123456/churn@456789", "https://jenkins.example.com/job/ml-team"],
    )
    identity_provider: IdentityProvider = Field(
        "create",
        description="Whether the first deployment makes the account's identity provider for the issuer. AWS has one "
        "for each issuer in an account: where another project or a platform team has made it, write `import`.",
    )

    @property
    def elsewhere(self) -> bool:
        """Whether another system than AWS runs the steps."""
        return self.provider != "codepipeline"


def check(delivery: Delivery, repository: str) -> Iterator[Finding]:
    """Hold what is said of tokens to the system that gives them; `repository` is its name."""
    if delivery.provider == "jenkins" and delivery.issuer is None:
        yield Finding(_ISSUER_KEY, "is required: who vouches for builds of jenkins, by OpenID Connect")
    if delivery.provider != "jenkins" and delivery.issuer is not None:
        yield Finding(_ISSUER_KEY, f"would be ignored, because {delivery.provider} has its own; remove it")
    if not delivery.elsewhere:
        said = {"subject": delivery.subject is not None, "identity_provider": delivery.identity_provider != "create"}
        for key in (key for key, is_said in said.items() if is_said):
            yield Finding(("delivery", key), "would be ignored, because AWS itself runs the steps; remove it")
    elif delivery.subject is not None:
        yield from _subject(delivery, delivery.subject, repository)


def _subject(delivery: Delivery, subject: str, repository: str) -> Iterator[Finding]:
    if delivery.provider == "jenkins":
        if re.fullmatch(_ISSUER, subject) is None:
            message = f"'{subject}' is no folder's address; write one such as https://jenkins.example.com/job/ml-team"
            yield Finding(_SUBJECT_KEY, message)
        return
    numbered = _NUMBERED.fullmatch(subject)
    if numbered is None or f"{numbered['owner']}/{numbered['name']}" != repository:
        owner, _, name = repository.partition("/")
        message = f"'{subject}' is not {repository} with its numbers; write one such as {owner}@123456/{name}@456789"
        yield Finding(_SUBJECT_KEY, message, (("repository", "name"),))
