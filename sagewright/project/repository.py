"""Where the project's files are kept under Git, and how AWS gets at them."""

import re
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from sagewright.project.delivery import Delivery
from sagewright.project.finding import Finding
from sagewright.project.section import Section

RepositoryProvider = Literal["codecommit", "github", "gitlab", "bitbucket", "azure_devops"]

# https://docs.aws.amazon.com/codecommit/latest/APIReference/API_CreateRepository.html
_CODECOMMIT_NAME = re.compile(r"(?!.*\.git$)[A-Za-z0-9_.-]{1,100}")
_PART = r"[A-Za-z0-9_.-]+"
# What stands for a repository at each provider, and how it is written.
# https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-CodestarConnectionSource.html
_FULL_NAMES: dict[RepositoryProvider, tuple[re.Pattern[str], str]] = {
    "codecommit": (_CODECOMMIT_NAME, "1 to 100 letters, digits, dots, hyphens and underscores, without .git"),
    "github": (re.compile(f"{_PART}/{_PART}"), "owner/repository"),
    "gitlab": (re.compile(f"{_PART}(/{_PART})+"), "group/repository"),
    "bitbucket": (re.compile(f"{_PART}/{_PART}"), "workspace/repository"),
    "azure_devops": (re.compile(rf"{_PART}/[\w. -]+/[\w. -]+"), "organization/project/repository"),
}
_CONNECTION = (
    r"arn:aws[a-z-]*:(codeconnections|codestar-connections):[a-z0-9-]+:\d{12}:connection/[0-9a-f]{8}(-[0-9a-f]{4}){3}"
    r"-[0-9a-f]{12}"
)
# https://git-scm.com/docs/git-check-ref-format; CodePipeline takes no spaces either.
_BRANCH = re.compile(r"(?![/.-])(?!.*(\.\.|//|@\{|\.lock(/|$)|/\.))[A-Za-z0-9._/@#+=-]{1,255}(?<![/.])")
_CONNECTION_KEY = ("repository", "connection_arn")


def _connection(value: str) -> str:
    if re.fullmatch(_CONNECTION, value) is None:
        raise ValueError(
            f"'{value}' names no connection; copy its ARN from the console's Connections page, such as "
            "arn:aws:codeconnections:eu-west-1:111111111111:connection/00000000-0000-0000-0000-000000000000"
        )
    return value


def _branch(value: str) -> str:
    if _BRANCH.fullmatch(value) is None:
        raise ValueError(f"'{value}' cannot name a branch; write one such as main or release/next")
    return value


class Repository(Section):
    """The Git repository of the project, to which people push."""

    provider: RepositoryProvider = Field(
        description="Who keeps the repository. One at `codecommit` is made by the first deployment, with the project's "
        "files in it, and never touched again; the others are there already, and AWS reads them over a connection. "
        "Pull requests are tested at all of them but `azure_devops`, where AWS hears of pushes only.",
    )
    name: str = Field(
        description="The repository: its name at `codecommit`; `owner/repository` at `github` and `bitbucket`, "
        "`group/repository` at `gitlab`, `organization/project/repository` at `azure_devops`.",
        examples=["churn", "example/churn"],
        json_schema_extra={"minLength": 1},
    )
    branch: Annotated[str, AfterValidator(_branch)] = Field(
        "main", description="The branch whose pushes are built and deployed."
    )
    connection_arn: Annotated[str, AfterValidator(_connection)] | None = Field(
        None,
        description="The connection of AWS CodeConnections over which AWS reads the repository: required unless it is "
        "at `codecommit`, or `delivery.provider` runs elsewhere. A person makes it, and agrees to it at the provider.",
        examples=["arn:aws:codeconnections:eu-west-1:111111111111:connection/00000000-0000-0000-0000-000000000000"],
        json_schema_extra={"anyOf": [{"type": "string", "pattern": f"^{_CONNECTION}$"}, {"type": "null"}]},
    )

    @property
    def connected(self) -> bool:
        """Whether AWS reads it over a connection."""
        return self.connection_arn is not None


def check(repository: Repository, delivery: Delivery) -> Iterator[Finding]:
    """Hold the repository's name to its provider's form, and the connection to where one is used."""
    pattern, form = _FULL_NAMES[repository.provider]
    if pattern.fullmatch(repository.name) is None:
        message = f"'{repository.name}' is no repository's name at {repository.provider}; write {form}"
        yield Finding(("repository", "name"), message)
    elsewhere = delivery.provider != "codepipeline"
    if repository.connected and (elsewhere or repository.provider == "codecommit"):
        who = delivery.provider if elsewhere else repository.provider
        yield Finding(_CONNECTION_KEY, f"would be ignored, because {who} needs no connection; remove it")
    if not repository.connected and not elsewhere and repository.provider != "codecommit":
        message = (
            f"is required: the connection over which AWS reads a repository at {repository.provider}; make one in the "
            "console (Developer Tools, Settings, Connections), and write its ARN"
        )
        yield Finding(_CONNECTION_KEY, message)
    if delivery.provider == "jenkins" and re.fullmatch(r"[A-Za-z0-9._/-]+", repository.branch) is None:
        message = f"'{repository.branch}' has no certain address in jenkins; use letters, digits and . _ - / only"
        yield Finding(("repository", "branch"), message)
    if delivery.provider == "github_actions" and repository.provider != "github":
        message = f"'{repository.provider}' has no github_actions; write github, or delivery.provider: codepipeline"
        yield Finding(("repository", "provider"), message)
