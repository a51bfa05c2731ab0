"""Whether a push can get to AWS, and from there on: the repository, the way to it, and room for builds."""

import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from sagewright.cli import git_remote
from sagewright.cli.errors import NOT_THERE
from sagewright.project import Environment, names
from sagewright.project.repository import Repository, RepositoryProvider
from sagewright.runtime.functions.client import Client

from .finding import Finding, Subject

CONNECTION, REPOSITORY, GIT, BUILDS = "connection", "repository", "push", "builds"
# https://docs.aws.amazon.com/dtconsole/latest/userguide/connections.html
_PROVIDERS: dict[RepositoryProvider, tuple[str, ...]] = {
    "github": ("GitHub", "GitHubEnterpriseServer"),
    "gitlab": ("GitLab", "GitLabSelfManaged"),
    "bitbucket": ("Bitbucket",),
    "azure_devops": ("AzureDevOps",),
}
_AVAILABLE, _PENDING = "AVAILABLE", "PENDING"
_ABSENT = NOT_THERE | {"RepositoryDoesNotExistException"}
_OURS = "sagewright:project"
# How CodeBuild calls what the builds run on, and what a new account may have none of.
# https://docs.aws.amazon.com/codebuild/latest/userguide/limits.html
_ROOM = (
    "Concurrently running builds for Linux/Small environment",
    "Concurrently running builds for Linux/Medium environment",
)
_NO_QUOTAS = {"NoSuchResourceException", "UnsupportedOperation", "UnsupportedService"}


def connection(subject: Subject, first: Environment) -> Iterator[Finding]:
    """Look whether AWS may read the repository: a connection is of no use before a person has agreed to it."""
    repository = subject.project.repository
    if repository is None or repository.connection_arn is None:
        return
    arn = repository.connection_arn
    _, _, service, region, account, _ = arn.split(":", 5)
    page = f"https://{region}.console.aws.amazon.com/codesuite/settings/connections?region={region}"
    own = subject.target.account_of(first)
    if account != own:
        told = f"{arn} belongs to account {account}, and the pipelines of {first.name} are in {own}"
        mend = f"make a connection in account {own} ({page}), and write its ARN to repository.connection_arn"
        yield Finding(CONNECTION, "failure", told, first.name, "CodePipeline: the connection is not found", mend)
        return
    client = subject.target.lookup_client(service, first.model_copy(update={"region": region}))
    try:
        found = client.get_connection(ConnectionArn=arn)["Connection"]
    except ClientError as error:
        if error.response["Error"]["Code"] not in _ABSENT:
            raise
        mend = f"open {page}, choose Create connection, and write its ARN to repository.connection_arn"
        later = error.response["Error"]["Message"]
        yield Finding(CONNECTION, "failure", f"there is no {arn}", first.name, later, mend)
        return
    yield _judged(repository, found, first, page)


def _judged(repository: Repository, found: dict[str, Any], first: Environment, page: str) -> Finding:
    name, provider, status = found["ConnectionName"], found.get("ProviderType", ""), found["ConnectionStatus"]
    wanted = _PROVIDERS.get(repository.provider, ())
    if provider not in wanted:
        told = f"connection {name} leads to {provider}, and repository.provider is {repository.provider}"
        mend = f"write the ARN of a connection to {' or '.join(wanted)}; {page} lists yours"
        return Finding(CONNECTION, "failure", told, first.name, "CodePipeline: the repository is not found", mend)
    if status == _AVAILABLE:
        return Finding(CONNECTION, "ok", f"{name} to {provider} is {_AVAILABLE}", first.name)
    later = f"CodePipeline: Unable to use Connection: {found['ConnectionArn']}. The connection is not available."
    if status == _PENDING:
        told = f"{name} is {status}: nobody has agreed to it at {provider} yet"
        how = f"and agree to it at {provider} as somebody who may install applications for {repository.name}"
    else:
        told = f"{name} is {status}: {provider} does not let AWS in any more"
        how = f"and agree to it anew at {provider}; if that does not help, make another one"
    mend = f"open {page}, choose {name}, press Update pending connection, {how}"
    return Finding(CONNECTION, "failure", told, first.name, later, mend)


def repository(subject: Subject, first: Environment) -> Iterator[Finding]:
    """Look for the repository at CodeCommit: ours, not there yet, or somebody else's of the same name."""
    declared = subject.project.repository
    if declared is None or declared.provider != "codecommit":
        return
    codecommit = subject.target.lookup_client("codecommit", first)
    try:
        found = codecommit.get_repository(repositoryName=declared.name)["repositoryMetadata"]
    except ClientError as error:
        if error.response["Error"]["Code"] not in _ABSENT:
            raise
        told = f"{declared.name} is not there yet: the first deployment makes it, with the project's files in it"
        yield Finding(REPOSITORY, "ok", told, first.name)
        return
    tags = codecommit.list_tags_for_resource(resourceArn=found["Arn"]).get("tags", {})
    if tags.get(_OURS) != subject.project.name:
        told = f"CodeCommit has a repository {declared.name} already, which is not of {subject.project.name}"
        later = f"RepositoryNameExistsException: Repository named {declared.name} already exists"
        yield Finding(REPOSITORY, "failure", told, first.name, later, "choose another repository.name in project.yaml")
        return
    branch = _branch(codecommit, declared)
    if branch is None:
        told = f"{declared.name} has no branch {declared.branch}, so that nothing is built"
        yield Finding(REPOSITORY, "warning", told, first.name, mend=f"git push <remote> HEAD:{declared.branch}")
    else:
        yield Finding(
            REPOSITORY, "ok", f"{declared.name} at CodeCommit, {declared.branch} is at {branch[:12]}", first.name
        )


def _branch(codecommit: Client, declared: Repository) -> str | None:
    try:
        return codecommit.get_branch(repositoryName=declared.name, branchName=declared.branch)["branch"]["commitId"]
    except ClientError as error:
        if error.response["Error"]["Code"] == "BranchDoesNotExistException":
            return None
        raise


def git(subject: Subject, first: Environment) -> Iterator[Finding]:
    """Look whether this folder can be pushed: Git, a repository, and a way to sign in to CodeCommit."""
    declared = subject.project.repository
    if declared is None:
        return
    program = shutil.which("git")
    if program is None:
        told = "Git is not on the PATH: nothing can be pushed"
        yield Finding(GIT, "failure", told, first.name, "git: command not found", "install Git")
        return
    if _said(program, subject, "rev-parse", "--is-inside-work-tree") != "true":
        told = f"{subject.project.root} is not under Git: there is nothing to push"
        mend = git_remote.beginning(declared.branch)
        mend = " && ".join([mend, *_to_theirs(declared)]) if _is_theirs(subject, declared) else mend
        yield Finding(GIT, "warning", told, first.name, mend=mend)
        return
    if _is_theirs(subject, declared) and not _said(program, subject, "remote"):
        told = f"{subject.project.root} has no remote: nothing can be pushed to {declared.name} at {declared.provider}"
        yield Finding(GIT, "warning", told, first.name, mend=" && ".join(_to_theirs(declared)))
        return
    hosted = declared.provider == "codecommit" and not subject.target.is_sandbox
    helpers = (_said(program, subject, "config", "--get-regexp", r"^credential\..*helper$") or "").lower()
    if hosted and "codecommit" not in helpers and shutil.which("git-remote-codecommit") is None:
        address = f"https://git-codecommit.{first.region}.amazonaws.com"
        mend = (
            f"git config --global credential.{address}.helper '!aws codecommit credential-helper $@' && "
            f"git config --global credential.{address}.UseHttpPath true"
        )
        told = "Git does not know how to sign in to CodeCommit"
        yield Finding(GIT, "warning", told, first.name, "fatal: Authentication failed", mend)
        return
    yield Finding(GIT, "ok", f"Git can push {subject.project.root}", first.name)


def _is_theirs(subject: Subject, declared: Repository) -> bool:
    """Tell whether a person makes the repository, and so the remote: only for our own do we know the address."""
    if subject.project.delivery.elsewhere:
        return True
    return declared.provider != "codecommit" and not subject.target.is_sandbox


def _to_theirs(declared: Repository) -> tuple[str, ...]:
    address = f"<address of {declared.name} at {declared.provider}>"
    return f"git remote add origin '{address}'", f"git push -u origin HEAD:{declared.branch}"


def _said(program: str, subject: Subject, *call: str) -> str | None:
    done = subprocess.run(  # noqa: S603 - the user's own Git, which reads its configuration
        [program, "-C", str(subject.project.root), *call], capture_output=True, text=True, check=False
    )
    return done.stdout.strip() if done.returncode == 0 else None


def builds(subject: Subject, first: Environment) -> Iterator[Finding]:
    """Look whether the account may run builds at all: a new one often may not, and is told so by the first push."""
    project = subject.project
    if project.repository is None or project.delivery.provider != "codepipeline":
        return
    client = subject.target.lookup_client("service-quotas", first)
    try:
        quotas = _quotas(client)
    except ClientError as error:
        if not subject.target.is_sandbox or error.response["Error"]["Code"] not in _NO_QUOTAS:
            raise
        yield Finding(BUILDS, "ok", f"{names.build_pipeline(project.name)} builds on this machine", first.name)
        return
    for quota in _ROOM:
        if quota not in quotas:
            told = f"Service Quotas says nothing of '{quota}' in {first.region}"
            yield Finding(BUILDS, "warning", told, first.name)
            continue
        value, code = quotas[quota]
        if value >= 1:
            yield Finding(BUILDS, "ok", f"{quota}: {value:.0f}, at least 1 needed", first.name)
            continue
        later = "AccountLimitExceededException: Cannot have more than 0 builds in queue for the account"
        asked = f"--service-code codebuild --quota-code {code} --desired-value 1 --region {first.region}"
        mend = f"aws service-quotas request-service-quota-increase {asked}"
        yield Finding(BUILDS, "failure", f"{quota}: {value:.0f}, at least 1 needed", first.name, later, mend)


def _quotas(client: Client) -> dict[str, tuple[float, str]]:
    found: dict[str, tuple[float, str]] = {}
    for operation in ("list_aws_default_service_quotas", "list_service_quotas"):
        for page in client.get_paginator(operation).paginate(ServiceCode="codebuild"):
            found |= {each["QuotaName"]: (each["Value"], each["QuotaCode"]) for each in page["Quotas"]}
    return found
