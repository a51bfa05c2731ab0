"""Why: what happens at a provider starts a project's builds, as far as its webhook's filters ask for it.

https://docs.aws.amazon.com/codebuild/latest/userguide/webhooks.html
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from ..as_service import complain
from ..cloudwatch.metrics import Place
from ..codeconnections import CodeConnections, RemotePullRequest, RemotePush
from ..protocol import ApiError, Caller
from .builds import Builds
from .origins import CONNECTED, name_of
from .projects import Projects
from .refusals import absent, invalid, lacking, taken
from .shelf import Record

_EVENTS = {
    *("PUSH", "PULL_REQUEST_CREATED", "PULL_REQUEST_UPDATED", "PULL_REQUEST_REOPENED"),
    *("PULL_REQUEST_MERGED", "PULL_REQUEST_CLOSED"),
}
_OF_REQUEST = {"OPEN": "PULL_REQUEST_CREATED", "UPDATED": "PULL_REQUEST_UPDATED", "CLOSED": "PULL_REQUEST_CLOSED"}
_FILTERS = ("EVENT", "BASE_REF", "HEAD_REF", "FILE_PATH")
_HEADS = "refs/heads/"


@dataclass(frozen=True)
class _Happening:
    """What a provider tells, as filters see it."""

    event: str
    head: str
    base: str
    files: Sequence[str]
    version: str
    trigger: str

    def variables(self) -> dict[str, str]:
        given = {
            "CODEBUILD_WEBHOOK_EVENT": self.event,
            "CODEBUILD_WEBHOOK_HEAD_REF": self.head,
            "CODEBUILD_WEBHOOK_BASE_REF": self.base,
            "CODEBUILD_WEBHOOK_TRIGGER": self.trigger,
        }
        return {name: value for name, value in given.items() if value}


class Webhooks:
    """The webhooks of projects whose source is behind a connection."""

    def __init__(self, projects: Projects, builds: Builds, connections: CodeConnections) -> None:
        self._projects = projects
        self._builds = builds
        connections.provider.on_push.append(self._pushed)
        connections.provider.on_pull_request.append(self._proposed)

    def create_webhook(self, params: Record, caller: Caller) -> Record:
        """Let a project's builds start by themselves."""
        project = self._projects.named(params["projectName"], caller)
        if project["source"]["type"] not in CONNECTED:
            raise invalid(f"Webhooks are not supported for the source type {project['source']['type']}")
        if project.get("webhook"):
            raise taken(f"Webhook already exists for project {project['name']}")
        return {"webhook": self._put(project, params, caller)}

    def update_webhook(self, params: Record, caller: Caller) -> Record:
        """Change what starts builds."""
        project = self._with_webhook(params, caller)
        return {"webhook": self._put(project, {**project["webhook"], **params}, caller)}

    def delete_webhook(self, params: Record, caller: Caller) -> Record:
        """Let a project's builds be started by hand alone."""
        project = self._with_webhook(params, caller)
        self._projects.hook(project["name"], caller, None)
        return {}

    def _with_webhook(self, params: Record, caller: Caller) -> Record:
        project = self._projects.named(params["projectName"], caller)
        if not project.get("webhook"):
            raise absent(f"Project {project['name']} has no webhook")
        return project

    def _put(self, project: Record, params: Record, caller: Caller) -> Record:
        _check(params)
        webhook = {
            "url": f"{project['source']['location'].removesuffix('.git')}/hooks",
            "filterGroups": params.get("filterGroups", []),
            "buildType": "BUILD",
            "status": "ACTIVE",
            "lastModifiedSecret": datetime.now(UTC),
        }
        if "pullRequestBuildPolicy" in params:
            webhook["pullRequestBuildPolicy"] = params["pullRequestBuildPolicy"]
        self._projects.hook(project["name"], caller, webhook)
        return webhook

    def _pushed(self, push: RemotePush) -> None:
        if push.after is None or not push.reference.startswith(_HEADS):
            return
        trigger = f"branch/{push.reference.removeprefix(_HEADS)}"
        happening = _Happening("PUSH", push.reference, "", push.files, push.after, trigger)
        self._start(push.connection.arn, push.repository, happening)

    def _proposed(self, request: RemotePullRequest) -> None:
        number, event = f"pr/{request.number}", _OF_REQUEST[request.event]
        references = (_HEADS + request.source, _HEADS + request.destination)
        happening = _Happening(event, *references, request.files, number, number)
        self._start(request.connection.arn, request.repository, happening)

    def _start(self, connection: str, repository: str, happening: _Happening) -> None:
        for place, project in self._projects.hooked():
            source = project["source"]
            if (source["auth"]["resource"], name_of(source)) != (connection, repository):
                continue
            if any(_passes(group, happening) for group in project["webhook"]["filterGroups"] or [[]]):
                self._begin(place, project, happening)

    def _begin(self, place: Place, project: Record, happening: _Happening) -> None:
        initiator = f"{CONNECTED[project['source']['type']][0]}-Hookshot"
        try:
            self._builds.start_by_webhook(project, place, happening.version, happening.variables(), initiator)
        except ApiError as refused:
            complain(f"The webhook of project {project['name']} started no build: {refused}")


def _check(params: Mapping[str, object]) -> None:
    for member in ("branchFilter", "manualCreation", "scopeConfiguration"):
        if params.get(member):
            raise lacking(f"{member} of webhooks")
    if params.get("buildType", "BUILD") != "BUILD":
        raise lacking(f"webhooks of the build type {params['buildType']}")
    policy = params.get("pullRequestBuildPolicy")
    if isinstance(policy, dict) and policy["requiresCommentApproval"] == "ALL_PULL_REQUESTS":
        raise lacking("pull requests that wait for a comment", "Those of its providers come from no other repository.")
    groups = params.get("filterGroups", [])
    for group in groups if isinstance(groups, list) else []:
        _check_group(group)


def _check_group(group: Sequence[Mapping[str, str]]) -> None:
    kinds = [each["type"] for each in group]
    if kinds.count("EVENT") != 1:
        raise invalid("Invalid filter group: it must have exactly one filter of the type EVENT")
    for each in group:
        if each["type"] not in _FILTERS:
            raise lacking(f"webhook filters of the type {each['type']}", f"It has {', '.join(_FILTERS)}.")
        if each["type"] == "EVENT":
            for event in each["pattern"].split(","):
                if event.strip() not in _EVENTS:
                    raise invalid(f"Invalid webhook filter: {event.strip()} is no event")
            continue
        try:
            re.compile(each["pattern"])
        except re.error as error:
            raise invalid(f"Invalid webhook filter pattern {each['pattern']}: {error}") from None


def _passes(group: Sequence[Mapping[str, object]], happening: _Happening) -> bool:
    return all(_matches(each, happening) is not bool(each.get("excludeMatchedPattern")) for each in group)


def _matches(each: Mapping[str, object], happening: _Happening) -> bool:
    pattern = str(each["pattern"])
    if each["type"] == "EVENT":
        return happening.event in {event.strip() for event in pattern.split(",")}
    texts = {"BASE_REF": [happening.base], "HEAD_REF": [happening.head], "FILE_PATH": list(happening.files)}
    return any(re.search(pattern, text) for text in texts[str(each["type"])])
