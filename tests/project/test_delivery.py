"""How a project is delivered: by which repository, approved by whom; what would be ignored is refused."""

from collections.abc import Callable

import pytest

from sagewright.project import Project

Read = Callable[[str], Project]
Faults = Callable[[str], list[str]]

CONNECTION = "arn:aws:codeconnections:eu-west-1:111111111111:connection/00000000-0000-0000-0000-000000000000"
PROJECT = """\
name: churn
environments:
  dev: {region: eu-west-1}
  prod: {region: eu-west-1}
data: {source: data/customers.csv, problem: binary_classification, label: churned}
training: {code: src/churn}
evaluation: {minimum: 0.55}
"""
CODECOMMIT = PROJECT + "repository: {provider: codecommit, name: churn}\n"
IN_ACCOUNTS = CODECOMMIT.replace("{region", "{account: '111111111111', region")
ON_GITHUB = IN_ACCOUNTS.replace("codecommit, name: churn", "github, name: example/churn")
JENKINS = "provider: jenkins, issuer: 'https://jenkins.example.com/oidc'"


def hosted(provider: str, name: str, connection: str = CONNECTION) -> str:
    return f"{PROJECT}repository: {{provider: {provider}, name: '{name}', connection_arn: '{connection}'}}\n"


def test_a_project_without_a_repository_is_not_delivered(read: Read) -> None:
    assert read(PROJECT).repository is None


def test_people_approve_unless_it_is_spelled_out(read: Read) -> None:
    project = read(CODECOMMIT)

    assert (project.approval.registry, project.approval.prod) == ("manual", "manual")
    assert (project.delivery.provider, project.delivery.approval_hours) == ("codepipeline", 168)
    assert project.repository is not None
    assert project.repository.branch == "main"
    assert project.prod.name == "prod"


@pytest.mark.parametrize(
    ("provider", "name"),
    [
        ("github", "example/churn"),
        ("gitlab", "example/models/churn"),
        ("bitbucket", "example/churn"),
        ("azure_devops", "example/our models/churn"),
    ],
)
def test_a_repository_elsewhere_is_read_over_its_connection(read: Read, provider: str, name: str) -> None:
    repository = read(hosted(provider, name)).repository

    assert repository is not None
    assert repository.connected


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (
            hosted("github", "churn"),
            "repository.name: 'churn' is no repository's name at github; write owner/repository",
        ),
        (CODECOMMIT.replace("name: churn}", "name: churn.git}"), "without .git"),
        (hosted("github", "a/b", "arn:aws:iam::111111111111:role/x"), "names no connection"),
        (PROJECT + "repository: {provider: github, name: a/b}\n", "repository.connection_arn: is required"),
        (
            CODECOMMIT.replace("name: churn}", f"name: churn, connection_arn: '{CONNECTION}'}}"),
            "repository.connection_arn: would be ignored, because codecommit needs no connection",
        ),
        (
            CODECOMMIT.replace("name: churn}", "name: churn, branch: a..b}"),
            "repository.branch: 'a..b' cannot name a branch",
        ),
        (IN_ACCOUNTS + "delivery: {provider: github_actions}\n", "'codecommit' has no github_actions"),
        (IN_ACCOUNTS + "delivery: {provider: jenkins}\n", "delivery.issuer: is required"),
        (
            CODECOMMIT + f"delivery: {{{JENKINS}}}\n",
            "environments.dev.account: is required with jenkins: what is written for it names roles of that account",
        ),
        (
            ON_GITHUB + "delivery: {provider: github_actions, subject: other@1/churn@2}\n",
            "delivery.subject: 'other@1/churn@2' is not example/churn with its numbers; write one such as example@1234",
        ),
        (
            IN_ACCOUNTS + f"delivery: {{{JENKINS}, subject: team}}\n",
            "delivery.subject: 'team' is no folder's address",
        ),
        (
            IN_ACCOUNTS.replace("name: churn}", "name: churn, branch: 'a#b'}") + f"delivery: {{{JENKINS}}}\n",
            "repository.branch: 'a#b' has no certain address in jenkins",
        ),
        (CODECOMMIT + "delivery: {subject: a@1/b@2}\n", "delivery.subject: would be ignored, because AWS itself"),
        (CODECOMMIT + "delivery: {identity_provider: import}\n", "delivery.identity_provider: would be ignored"),
        (
            CODECOMMIT + "delivery: {issuer: 'https://jenkins.example.com/oidc'}\n",
            "delivery.issuer: would be ignored, because codepipeline",
        ),
        (CODECOMMIT + "delivery: {approval_hours: 1441}\n", "approval_hours: 1441 is more than allowed (at most 1440)"),
        (CODECOMMIT + "delivery: {verify: {percentile: 0}}\n", "delivery.verify.percentile: 0 is less than allowed"),
        (CODECOMMIT + "delivery: {sample: data/none.csv}\n", "delivery.sample: 'data/none.csv' does not exist"),
        (CODECOMMIT + "delivery: {sample: ../rows.csv}\n", "delivery.sample: '../rows.csv' is not a path inside"),
        (CODECOMMIT + "approval: {registry: automatic}\n", "approval.registry: 'automatic' needs evaluation.champion"),
        (PROJECT + "approval: {prod: automatic}\n", "approval: would be ignored, because there is no `repository`"),
        (PROJECT + "delivery: {review_days: 30}\n", "delivery: would be ignored, because there is no `repository`"),
    ],
)
def test_what_cannot_be_delivered_is_told(faults: Faults, text: str, fault: str) -> None:
    (told,) = faults(text)

    assert fault in told


def test_a_comparison_may_approve_by_itself(read: Read) -> None:
    text = CODECOMMIT.replace("{minimum: 0.55}", "{minimum: 0.55, champion: {}}") + "approval: {registry: automatic}\n"

    assert read(text).approval.registry == "automatic"


def test_no_environment_has_a_repository_of_its_own(faults: Faults) -> None:
    (told,) = faults(PROJECT.replace("prod: {", "prod: {repository: {provider: codecommit, name: churn}, "))

    assert "environments.prod.repository: is not a key that exists here" in told


def test_a_repository_leaves_a_shorter_name_than_none(read: Read, faults: Faults) -> None:
    long = "c" * 31
    renamed = [
        text.replace("name: churn\n", f"name: {long}\n").replace("  prod", "  p") for text in (PROJECT, CODECOMMIT)
    ]

    assert read(renamed[0].replace("dev", "d")).name == long
    (told,) = {each.partition(": ")[2] for each in faults(renamed[1].replace("dev", "d"))}
    assert "make the project's name 1 characters shorter" in told
