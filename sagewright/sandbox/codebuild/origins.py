"""Why: a source's code is in CodeCommit or behind a connection, and its project's role must be let in by either."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..clients import ActingClients
from ..cloudwatch.metrics import Place
from ..codeconnections.provider import Provider
from ..codeconnections.source import RemoteSource
from ..protocol import ApiError
from .failures import PhaseError
from .refusals import invalid
from .shelf import Record

# AWS's own address of a repository, or the one by which the sandbox's CodeCommit says that it is cloned.
CODECOMMIT = re.compile(
    r"https?://(?:git-codecommit\.[a-z0-9-]+\.amazonaws\.com|localhost:\d+)/v1/repos/(?P<name>[\w.-]+)"
)
CONNECTED = {
    "GITHUB": ("GitHub", re.compile(r"https://github\.com/(?P<name>[\w.-]+/[\w.-]+?)(\.git)?/?")),
    "GITLAB": ("GitLab", re.compile(r"https://gitlab\.com/(?P<name>[\w.-]+(?:/[\w.-]+)+?)(\.git)?/?")),
    "BITBUCKET": ("Bitbucket", re.compile(r"https://bitbucket\.org/(?P<name>[\w.-]+/[\w.-]+?)(\.git)?/?")),
}
"""The source types behind connections: the connection's provider, and how an address is read."""
_PULL_REQUEST = re.compile(r"pr/(?P<number>\d+)")

Repositories = Callable[[Place, str], Path | None]
"""Finds the bare Git repository of a CodeCommit repository by its name."""


@dataclass(frozen=True)
class Origins:
    """Where repositories are."""

    codecommit: Repositories
    remote: RemoteSource
    provider: Provider

    def bare(self, source: Record, acting: ActingClients, place: Place, which: str) -> Path:
        """Return the bare repository of a source, for a role that may pull it."""
        if source["type"] != "CODECOMMIT":
            try:
                return self.remote.folder(acting, source["auth"]["resource"], name_of(source))
            except ApiError as refused:
                raise PhaseError("CLIENT_ERROR", f"{refused.code}: {refused.message} {which}") from refused
        name = name_of(source)
        arn = f"arn:aws:codecommit:{place.region}:{place.account}:{name}"
        try:
            acting.require("codecommit:GitPull", arn, region=place.region, account=place.account, context={})
        except ApiError as denied:
            raise PhaseError("CLIENT_ERROR", f"authorization failed {which}: {denied.message}") from denied
        bare = self.codecommit(place, name)
        if bare is None:
            raise PhaseError("CLIENT_ERROR", f"repository not found {which}")
        return bare

    def check(self, source: Record, acting: ActingClients) -> None:
        """Refuse a connection that the project's role may not use, or that leads elsewhere."""
        arn = source["auth"]["resource"]
        try:
            provider = self.remote.opened(acting, arn).provider
        except ApiError as refused:
            if "AccessDenied" in refused.code:
                raise invalid(f"Access denied to connection {arn}: {refused.message}") from refused
            raise invalid(f"Failed to get access token from {arn}: {refused.message}") from refused
        if provider != CONNECTED[source["type"]][0]:
            raise invalid(f"Connection {arn} leads to {provider}, not to a source of the type {source['type']}")

    def version(self, source: Record, version: str) -> str:
        """Return what Git knows a version by: a pull request is the commit that it now proposes."""
        asked = _PULL_REQUEST.fullmatch(version)
        if source["type"] == "CODECOMMIT" or asked is None:
            return version
        for each in self.provider.pull_requests():
            told = (each.connection.arn, each.repository, each.number)
            if told == (source["auth"]["resource"], name_of(source), int(asked["number"])):
                return each.commit
        return version


def name_of(source: Record) -> str:
    """Return the name of the repository that a source's address means."""
    pattern = CODECOMMIT if source["type"] == "CODECOMMIT" else CONNECTED[source["type"]][1]
    match = pattern.fullmatch(source["location"])
    return match["name"] if match else ""
