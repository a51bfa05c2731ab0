"""A push that could not get to an endpoint is told before it is made, with what to click or to run."""

import subprocess
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sagewright.cli.assembly import Assembly
from sagewright.cli.diagnosis import delivery
from sagewright.cli.diagnosis.finding import Finding, Subject
from sagewright.cli.sandbox_process import RunningSandbox
from sagewright.cli.target import Sandbox
from sagewright.project import load

ACCOUNT, REGION = "111111111111", "eu-west-1"
PROJECT = """\
name: {name}
environments:
  dev: {{account: "{account}", region: {region}}}
data: {{source: data/customers.csv, problem: binary_classification, label: churned}}
training: {{code: src/churn}}
evaluation: {{minimum: 0.55}}
"""

Patient = Callable[..., Subject]


@pytest.fixture
def patient(home: tuple[Path, RunningSandbox]) -> Patient:
    """Write a project with a repository; none of these checks looks at its stacks."""
    folder, running = home

    def write(repository: str = "") -> Subject:
        name = f"p{uuid.uuid4().hex[:8]}"
        root = folder / name
        (root / "src" / "churn").mkdir(parents=True)
        (root / "src" / "churn" / "__init__.py").write_text("def fit(X, y, hyperparameters):\n    return None\n")
        (root / "data").mkdir()
        (root / "data" / "customers.csv").write_text("tenure,churned\n1,Yes\n")
        declared = repository or f"repository: {{provider: codecommit, name: {name}}}\n"
        values = {"name": name, "account": ACCOUNT, "region": REGION}
        (root / "project.yaml").write_text(PROJECT.format(**values) + declared)
        project = load(root)
        return Subject(project, Sandbox(running, project), project.environments, Assembly(root, (), ()))

    return write


@dataclass(frozen=True)
class Answers:
    """Stands for an AWS that the sandbox cannot be: one in which an account may build nothing, or is asked in vain."""

    answers: Mapping[str, Any]
    account: str = ACCOUNT
    is_sandbox: bool = False
    asked: list[tuple[str, str]] = field(default_factory=list)

    def lookup_client(self, service: str, environment: Any) -> Any:
        self.asked.append((service, environment.region))
        return self.answers[service]

    def account_of(self, environment: Any) -> str:
        return environment.account or self.account


@dataclass(frozen=True)
class Quotas:
    """Service Quotas with these values, all of them changed from nothing."""

    values: Mapping[str, float]

    def get_paginator(self, operation: str) -> Any:
        given = self.values if operation == "list_service_quotas" else dict.fromkeys(self.values, 0.0)
        page = {"Quotas": [{"QuotaName": name, "Value": value, "QuotaCode": "L-1"} for name, value in given.items()]}
        return Pages([page])


@dataclass(frozen=True)
class Pages:
    pages: list[dict[str, Any]]

    def paginate(self, **_parameters: Any) -> Iterator[dict[str, Any]]:
        return iter(self.pages)


def connected(provider: str = "github", name: str = "example/churn", arn: str = "") -> str:
    return f'repository: {{provider: {provider}, name: {name}, connection_arn: "{arn}"}}\n'


def made(subject: Subject, provider: str = "GitHub") -> str:
    """A connection that was made and that nobody has agreed to yet."""
    assert isinstance(subject.target, Sandbox)
    client = subject.target.client_in("codeconnections", ACCOUNT, REGION)
    return client.create_connection(ProviderType=provider, ConnectionName=f"c-{uuid.uuid4().hex[:8]}")["ConnectionArn"]


def the(findings: Iterator[Finding]) -> Finding:
    (found,) = findings
    return found


def first(subject: Subject) -> Any:
    return subject.project.first


def test_a_connection_that_nobody_has_agreed_to_fails_and_says_what_to_click(patient: Patient) -> None:
    subject = patient(connected(arn=made(patient())))

    found = the(delivery.connection(subject, first(subject)))

    assert found.result == "failure"
    assert "is PENDING: nobody has agreed to it at GitHub yet" in found.told
    assert f"https://{REGION}.console.aws.amazon.com/codesuite/settings/connections" in found.mend
    assert "press Update pending connection" in found.mend
    assert "example/churn" in found.mend


def test_a_connection_that_is_not_there_fails(patient: Patient) -> None:
    arn = f"arn:aws:codeconnections:{REGION}:{ACCOUNT}:connection/00000000-0000-0000-0000-000000000000"
    subject = patient(connected(arn=arn))

    found = the(delivery.connection(subject, first(subject)))

    assert (found.result, found.told) == ("failure", f"there is no {arn}")
    assert "choose Create connection" in found.mend


def test_a_connection_to_another_provider_fails(patient: Patient) -> None:
    subject = patient(connected("gitlab", arn=made(patient())))

    found = the(delivery.connection(subject, first(subject)))

    assert found.result == "failure"
    assert "leads to GitHub, and repository.provider is gitlab" in found.told


def test_a_connection_of_another_account_fails(patient: Patient) -> None:
    arn = f"arn:aws:codeconnections:{REGION}:222222222222:connection/00000000-0000-0000-0000-000000000000"
    subject = patient(connected(arn=arn))

    found = the(delivery.connection(subject, first(subject)))

    assert found.result == "failure"
    assert "belongs to account 222222222222" in found.told


@pytest.mark.parametrize(("status", "result"), [("AVAILABLE", "ok"), ("ERROR", "failure")])
def test_a_connection_is_asked_for_in_its_own_region(patient: Patient, status: str, result: str) -> None:
    arn = f"arn:aws:codestar-connections:us-east-1:{ACCOUNT}:connection/00000000-0000-0000-0000-000000000000"
    subject = patient(connected(arn=arn))
    answer = {"ConnectionName": "c", "ConnectionArn": arn, "ProviderType": "GitHub", "ConnectionStatus": status}
    aws = Answers({"codestar-connections": Connection(answer)})

    found = the(delivery.connection(in_aws(subject, aws), first(subject)))

    assert found.result == result
    assert aws.asked == [("codestar-connections", "us-east-1")]


@dataclass(frozen=True)
class Connection:
    answer: dict[str, str]

    def get_connection(self, ConnectionArn: str) -> dict[str, Any]:  # noqa: N803 (as the API has it)
        assert ConnectionArn == self.answer["ConnectionArn"]
        return {"Connection": self.answer}


def in_aws(subject: Subject, aws: Any) -> Subject:
    return Subject(subject.project, aws, subject.environments, subject.assembly)


def codecommit(subject: Subject) -> Any:
    assert isinstance(subject.target, Sandbox)
    return subject.target.client_in("codecommit", ACCOUNT, REGION)


def test_a_repository_that_is_not_there_yet_is_made_by_the_deployment(patient: Patient) -> None:
    subject = patient()

    found = the(delivery.repository(subject, first(subject)))

    assert found.result == "ok"
    assert "the first deployment makes it" in found.told


def test_a_repository_of_somebody_else_stands_in_the_way(patient: Patient) -> None:
    subject = patient()
    codecommit(subject).create_repository(repositoryName=subject.project.name)

    found = the(delivery.repository(subject, first(subject)))

    assert found.result == "failure"
    assert found.later.startswith("RepositoryNameExistsException")
    assert "repository.name" in found.mend


def test_a_repository_without_the_branch_builds_nothing(patient: Patient) -> None:
    subject = patient()
    name = subject.project.name
    codecommit(subject).create_repository(repositoryName=name, tags={"sagewright:project": name})

    found = the(delivery.repository(subject, first(subject)))

    assert found.result == "warning"
    assert "has no branch main" in found.told


def test_our_own_repository_tells_where_its_branch_is(patient: Patient) -> None:
    subject = patient()
    name, client = subject.project.name, codecommit(subject)
    client.create_repository(repositoryName=name, tags={"sagewright:project": name})
    put = {"filePath": "project.yaml", "fileContent": b"name: churn"}
    commit = client.create_commit(repositoryName=name, branchName="main", putFiles=[put])["commitId"]

    found = the(delivery.repository(subject, first(subject)))

    assert found.result == "ok"
    assert commit[:12] in found.told


def test_a_folder_that_is_not_under_git_is_told(patient: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    subject = patient()
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(subject.project.root.parent))

    found = the(delivery.git(subject, first(subject)))

    assert found.result == "warning"
    assert "is not under Git" in found.told
    assert found.mend == "git init -b main && git add . && git commit -m 'Begin'"


def test_git_is_begun_with_the_branch_that_is_built(patient: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    subject = patient("repository: {provider: codecommit, name: churn, branch: release/next}\n")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(subject.project.root.parent))

    assert the(delivery.git(subject, first(subject))).mend.startswith("git init -b release/next && git add .")


def test_where_another_system_builds_the_remote_is_the_repositorys_own(
    patient: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    declared = "repository: {provider: github, name: example/churn}\ndelivery: {provider: github_actions}\n"
    subject = patient(declared)
    root = subject.project.root
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(root.parent))
    push = "git remote add origin '<address of example/churn at github>' && git push -u origin HEAD:main"

    found = the(delivery.git(subject, first(subject)))
    assert found.mend == f"git init -b main && git add . && git commit -m 'Begin' && {push}"

    subprocess.run(["git", "-C", str(root), "init", "--quiet"], check=True)
    found = the(delivery.git(subject, first(subject)))
    assert (found.result, found.mend) == ("warning", push)
    assert "has no remote: nothing can be pushed to example/churn at github" in found.told

    subprocess.run(["git", "-C", str(root), "remote", "add", "origin", "https://example.com/churn.git"], check=True)
    assert the(delivery.git(subject, first(subject))).result == "ok"


def test_without_git_nothing_can_be_pushed(patient: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    subject = patient()
    monkeypatch.setenv("PATH", "")

    assert the(delivery.git(subject, first(subject))).result == "failure"


def test_git_that_cannot_sign_in_to_codecommit_is_told_how(patient: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    subject = patient()
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", "/dev/null")
    root = subject.project.root
    subprocess.run(["git", "-C", str(root), "init", "--quiet"], check=True)

    assert the(delivery.git(subject, first(subject))).result == "ok"
    found = the(delivery.git(in_aws(subject, Answers({})), first(subject)))

    assert found.result == "warning"
    assert f"credential.https://git-codecommit.{REGION}.amazonaws.com.helper" in found.mend
    helper = "credential.https://git-codecommit.eu-west-1.amazonaws.com.helper"
    subprocess.run(["git", "-C", str(root), "config", helper, "!aws codecommit credential-helper $@"], check=True)
    assert the(delivery.git(in_aws(subject, Answers({})), first(subject))).result == "ok"


def test_an_account_that_may_run_no_builds_fails_with_what_to_ask_for(patient: Patient) -> None:
    subject = patient()
    small, medium = (f"Concurrently running builds for Linux/{size} environment" for size in ("Small", "Medium"))
    aws = Answers({"service-quotas": Quotas({small: 0.0, medium: 1.0})})

    failed, passed = delivery.builds(in_aws(subject, aws), first(subject))

    assert (failed.result, passed.result) == ("failure", "ok")
    assert failed.later.startswith("AccountLimitExceededException")
    assert "--service-code codebuild --quota-code L-1 --desired-value 1" in failed.mend


def test_where_service_quotas_cannot_be_asked_the_answer_is_not_made_up(patient: Patient) -> None:
    subject = patient()

    class Denied:
        def get_paginator(self, operation: str) -> Any:
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, operation)

    with pytest.raises(ClientError):
        list(delivery.builds(in_aws(subject, Answers({"service-quotas": Denied()})), first(subject)))


def test_a_project_without_a_repository_is_asked_nothing_of_it(patient: Patient) -> None:
    subject = patient("description: by hand\n")

    for check in (delivery.connection, delivery.repository, delivery.git, delivery.builds):
        assert list(check(subject, first(subject))) == []
