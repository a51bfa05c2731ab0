"""Why: a project is the definition of builds; it is checked when it is written, and not first when one is to run."""

from datetime import UTC, datetime
from typing import Any

from ..clients import ActingClients, Clients
from ..clock import Clock
from ..cloudwatch.metrics import Place
from ..protocol import ApiError, Caller
from ..sagemaker.listing import page
from .definition import check
from .origins import CONNECTED, Origins
from .refusals import absent, invalid, lacking, taken
from .shelf import Record, Shelf
from .tags import check_tags

PRINCIPAL = "codebuild.amazonaws.com"
_PAGE = 100
_NO_LIMIT = -1
_DEFAULTS: Record = {
    "cache": {"type": "NO_CACHE"},
    "timeoutInMinutes": 60,
    "queuedTimeoutInMinutes": 480,
    "secondarySources": [],
    "secondarySourceVersions": [],
    "secondaryArtifacts": [],
    "logsConfig": {
        "cloudWatchLogs": {"status": "ENABLED"},
        "s3Logs": {"status": "DISABLED", "encryptionDisabled": False},
    },
    "projectVisibility": "PRIVATE",
    "badge": {"badgeEnabled": False},
    "tags": [],
}
_ENVIRONMENT: Record = {
    "environmentVariables": [],
    "privilegedMode": False,
    "imagePullCredentialsType": "CODEBUILD",
}


class Projects:
    """Build projects, and the number of the last build of each."""

    def __init__(self, clients: Clients, clock: Clock, origins: Origins) -> None:
        self._origins = origins
        self._clients = clients
        self._clock = clock
        self._shelf = Shelf()

    def create_project(self, params: Record, caller: Caller) -> Record:
        """Create a project."""
        place, now = Place(caller.account, caller.region), self._now()
        default_key = f"arn:aws:kms:{place.region}:{place.account}:alias/aws/s3"
        project = {**_DEFAULTS, "encryptionKey": default_key, **_written(params)}
        self._check(project, caller)
        project |= {"arn": arn_of(place, params["name"]), "created": now, "lastModified": now}
        if not self._shelf.add(place, params["name"], project):
            raise taken(f"Project already exists: {project['arn']}")
        return {"project": _shown(project)}

    def update_project(self, params: Record, caller: Caller) -> Record:
        """Change those members of a project that the request has."""
        project = self.named(params["name"], caller)
        changed = {**project, **_written(params)}
        self._check(changed, caller)
        place = Place(caller.account, caller.region)
        self._shelf.change(place, params["name"], **{**changed, "lastModified": self._now()})
        return {"project": _shown(self.named(params["name"], caller))}

    def delete_project(self, params: Record, caller: Caller) -> Record:
        """Delete a project; its builds stay."""
        self._shelf.drop(Place(caller.account, caller.region), params["name"])
        return {}

    def batch_get_projects(self, params: Record, caller: Caller) -> Record:
        """Return projects by name or ARN."""
        found = {name: self._find(name, caller) for name in params["names"]}
        projects = [_shown(project) for project in found.values() if project]
        return {"projects": projects, "projectsNotFound": [name for name, project in found.items() if not project]}

    def list_projects(self, params: Record, caller: Caller) -> Record:
        """Return the names of all projects."""
        kept = self._shelf.all(Place(caller.account, caller.region))
        member = {"CREATED_TIME": "created", "LAST_MODIFIED_TIME": "lastModified"}.get(params.get("sortBy", ""), "name")
        kept.sort(key=lambda each: each[member], reverse=params.get("sortOrder") == "DESCENDING")
        answer = page("projects", [each["name"] for each in kept], {"NextToken": params.get("nextToken")}, _PAGE)
        return {("nextToken" if name == "NextToken" else name): value for name, value in answer.items()}

    def named(self, name_or_arn: str, caller: Caller) -> Record:
        """Return a project of the caller's; an absent one is refused."""
        project = self._find(name_or_arn, caller)
        if project is None:
            raise absent(f"Project cannot be found: {name_or_arn}")
        return project

    def tags_of(self, arn: str) -> dict[str, str]:
        """Return the tags of the project at an ARN; of one that is not there it has none."""
        _, _, _, region, account, resource = arn.split(":", 5)
        project = self._shelf.find(Place(account, region), resource.removeprefix("project/"))
        return {tag["key"]: tag["value"] for tag in project["tags"]} if project else {}

    def hook(self, name: str, caller: Caller, webhook: Record | None) -> None:
        """Give a project a webhook, or take it away."""
        self._shelf.change(Place(caller.account, caller.region), name, webhook=webhook)

    def hooked(self) -> list[tuple[Place, Record]]:
        """Return every project that has a webhook, wherever it is."""
        return [(place, project) for place, project in self._shelf.everything() if project.get("webhook")]

    def require_role(self, role: str, project: str, caller: Caller) -> ActingClients:
        """Take a service role, or refuse one that CodeBuild may not take for the project.

        https://docs.aws.amazon.com/codebuild/latest/userguide/troubleshooting.html
        """
        parts = role.split(":")
        if len(parts) < 6 or parts[2] != "iam":  # noqa: PLR2004 - an ARN's six parts
            raise invalid(f"Invalid service role: {role} is no ARN of a role")
        if parts[4] != caller.account:
            raise invalid("Invalid service role: Service role account ID does not match caller's account")
        source = arn_of(Place(caller.account, caller.region), project)
        try:
            return self._clients.as_role(role, service=PRINCIPAL, region=caller.region, source_arn=source)
        except ApiError as refused:
            problem = f"CodeBuild is not authorized to perform: sts:AssumeRole on {role}"
            raise invalid(problem) from refused

    def _check(self, project: Record, caller: Caller) -> None:
        check(project)
        check_tags(project["tags"])
        limit = project.get("concurrentBuildLimit", 1)
        if limit < 1 and limit != _NO_LIMIT:  # by which an update takes a limit away
            raise invalid("Invalid concurrentBuildLimit: it must be at least 1")
        if project["projectVisibility"] != "PRIVATE":
            raise lacking("public builds")
        acting = self.require_role(project["serviceRole"], project["name"], caller)
        for source in (project["source"], *project["secondarySources"]):
            if source["type"] in CONNECTED:
                self._origins.check(source, acting)

    def _find(self, name_or_arn: str, caller: Caller) -> Record | None:
        place, name = Place(caller.account, caller.region), name_or_arn
        if name_or_arn.startswith("arn:"):
            name = name_or_arn.rpartition("/")[2]
            if name_or_arn != arn_of(place, name):
                return None
        return self._shelf.find(place, name)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock.now(), UTC)


def arn_of(place: Place, name: str) -> str:
    """Return the ARN of a project."""
    return f"arn:aws:codebuild:{place.region}:{place.account}:project/{name}"


def _shown(project: Record) -> Record:
    """Return a project as the API shows it: without members that say that there is none."""
    none = (("concurrentBuildLimit", _NO_LIMIT), ("webhook", None))
    return {name: value for name, value in project.items() if (name, value) not in none}


def _written(params: Record) -> dict[str, Any]:
    """Return the members of a request as a project keeps them."""
    project = dict(params)
    if "environment" in project:
        variables = [{"type": "PLAINTEXT", **each} for each in project["environment"].get("environmentVariables", ())]
        project["environment"] = {**_ENVIRONMENT, **project["environment"], "environmentVariables": variables}
    if "logsConfig" in project:
        project["logsConfig"] = {**_DEFAULTS["logsConfig"], **project["logsConfig"]}
    return project
