"""Lets `git push sandbox` be the push: the sandbox's repository becomes a remote of the project's own.

The sandbox's repository is this folder's and nobody else's, and is made anew with every sandbox: with a history of its
own, which begins with the project's files. So what is pushed replaces what is there; the remote is configured that way.
"""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from sagewright.project import Project
from sagewright.project.repository import Repository

from . import sandbox_person
from .errors import CommandError
from .target import Sandbox

REMOTE = "sandbox"


@dataclass(frozen=True)
class Remote:
    """Where a push goes: `command` is what to type, None where there is nothing that could be pushed."""

    url: str
    command: str | None
    told: str


def beginning(branch: str) -> str:
    """Give the command that puts a folder under Git, on the branch that is built, whatever Git's own default is."""
    return f"git init -b {branch} && git add . && git commit -m 'Begin'"


def settle(project: Project, target: Sandbox) -> Remote | None:
    """Make the sandbox's repository the remote `sandbox`; None where there is no repository, or it is unknown."""
    if project.repository is None:
        return None
    url = _url(project, project.repository, target)
    return _settle(project.root, project.repository.branch, url) if url is not None else None


def _url(project: Project, repository: Repository, target: Sandbox) -> str | None:
    """Say where the repository is: at CodeCommit with keys of the account, over a connection with none."""
    if repository.provider == "codecommit":
        variables = target.variables(project.first.region, target.account)
        keys = f"{variables['AWS_ACCESS_KEY_ID']}:{variables['AWS_SECRET_ACCESS_KEY']}"
        endpoint = urlsplit(target.running.endpoint)
        return f"{endpoint.scheme}://{keys}@{endpoint.netloc}/v1/repos/{repository.name}"
    for each in sandbox_person.connections(target.running):
        if each.arn == repository.connection_arn:
            return each.url_of(repository.name)
    return None


def _settle(root: Path, branch: str, url: str) -> Remote:
    git = shutil.which("git")
    if git is None:
        return Remote(url, None, "Git is not installed here: nothing can be pushed from this machine.")
    top = _ask(git, root, "rev-parse", "--show-toplevel")
    begin = f"`{beginning(branch)}`; then `sagewright deploy` adds the remote '{REMOTE}'"
    if top is None:
        return Remote(url, None, f"{root} is not under Git, so nothing was changed there. To push from it: {begin}.")
    if Path(top).resolve() != root.resolve():
        return Remote(
            url,
            None,
            f"{root} is a part of the Git repository {top}, so nothing was changed there: delivery builds repositories "
            f"with project.yaml at their top. To push from it, give it a repository of its own: {begin}.",
        )
    own = _ask(git, root, "symbolic-ref", "--short", "HEAD") or branch
    what = own if own == branch else f"+{own}:{branch}"
    there = _ask(git, root, "remote", "get-url", REMOTE)
    if there is not None and not _is_of_a_sandbox(there):
        command = f"git push {url} +{own}:{branch}"
        return Remote(url, command, f"The remote '{REMOTE}' is yours ({there}) and stays as it is. To push: {command}")
    _write(git, root, branch, url, is_new=there is None)
    command = f"git push {REMOTE} {what}"
    first = "" if _ask(git, root, "rev-parse", "--verify", "HEAD") else "commit the project's files; then "
    return Remote(url, command, f"To build, deploy and train by a push: {first}{command}")


def _is_of_a_sandbox(url: str) -> bool:
    """Tell whether an address is one of this machine's: an earlier sandbox had another port."""
    split = urlsplit(url)
    return split.hostname == "localhost" and split.path.startswith(("/v1/repos/", "/connections/"))


def _write(git: str, root: Path, branch: str, url: str, *, is_new: bool) -> None:
    reference = f"refs/heads/{branch}"
    for arguments in (
        ("remote", "add" if is_new else "set-url", REMOTE, url),
        ("config", f"remote.{REMOTE}.push", f"+{reference}:{reference}"),
        # No proxy stands between two processes of one machine, whatever HTTP_PROXY says.
        ("config", f"remote.{REMOTE}.proxy", ""),
    ):
        done = _run(git, root, *arguments)
        if done.returncode != 0:
            raise CommandError(f"`git {' '.join(arguments)}` failed in {root}: {done.stderr.strip()}")


def _ask(git: str, root: Path, *arguments: str) -> str | None:
    """Ask Git something; None where it has no answer."""
    done = _run(git, root, *arguments)
    return done.stdout.strip() if done.returncode == 0 else None


def _run(git: str, root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([git, "-C", str(root), *arguments], capture_output=True, text=True, check=False)  # noqa: S603 - arguments of ours
