"""Why: repositories are made, found and removed by name, in their own account and region."""

import re
import shutil
import threading
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..clock import Clock
from ..cloudwatch.metrics import Place
from ..git.repository import BareRepository
from ..protocol import ApiError, Caller
from .repository import Changes, Repository

_NAME = re.compile(r"[\w.-]{1,100}", re.ASCII)
_MAX_TAGS = 50
_AWS = "aws:"


class Repositories:
    """The repositories of every account and region, each with a folder of its own."""

    def __init__(self, clock: Clock, folder: Path, endpoint: str) -> None:
        self._clock = clock
        self._folder = folder
        self._endpoint = endpoint
        self._lock = threading.Lock()
        self._kept: dict[tuple[Place, str], Repository] = {}
        self.changes = Changes(clock)
        self.operations = {
            "CreateRepository": self._create,
            "GetRepository": self._get,
            "ListRepositories": self._list,
            "DeleteRepository": self._delete,
            "UpdateRepositoryName": self._rename,
            "UpdateRepositoryDescription": self._describe,
            "UpdateDefaultBranch": self._choose_default,
            "TagResource": self._tag,
            "UntagResource": self._untag,
            "ListTagsForResource": self._tags,
        }

    def named(self, name: str, caller: Caller) -> Repository:
        """Return the caller's repository of this name; an absent one is refused."""
        return self.at(Place(caller.account, caller.region), name)

    def at(self, place: Place, name: str) -> Repository:
        """Return the repository of a place; an absent one is refused."""
        with self._lock:
            found = self._kept.get((place, name))
        if found is None:
            raise ApiError("RepositoryDoesNotExistException", f"{name} does not exist")
        return found

    def of_account(self, account: str, name: str) -> list[Repository]:
        """Return the account's repositories of this name, in whichever regions."""
        with self._lock:
            return [each for (place, own), each in self._kept.items() if (place.account, own) == (account, name)]

    def tags_of(self, arn: str) -> Mapping[str, str]:
        """Return the tags of the repository at an ARN; of one that is not there it has none."""
        found = self._find(arn)
        return dict(found.tags) if found is not None else {}

    def metadata(self, repository: Repository) -> dict[str, Any]:
        """Return what AWS tells of a repository; it is cloned over HTTP from this machine, and not over SSH."""
        told = {
            "accountId": repository.place.account,
            "repositoryId": repository.id,
            "repositoryName": repository.name,
            "repositoryDescription": repository.description,
            "defaultBranch": repository.default_branch,
            "creationDate": datetime.fromtimestamp(repository.created_s, UTC),
            "lastModifiedDate": datetime.fromtimestamp(repository.changed_s, UTC),
            "cloneUrlHttp": f"{self._endpoint}/v1/repos/{repository.name}",
            "cloneUrlSsh": f"ssh://git-codecommit.{repository.place.region}.amazonaws.com/v1/repos/{repository.name}",
            "Arn": repository.arn,
        }
        return {name: value for name, value in told.items() if value}

    def _create(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        if "kmsKeyId" in params:
            problem = "The sandbox's CodeCommit does not have kmsKeyId: its repositories are as under AWS's own key."
            raise ApiError("UnsupportedOperation", problem, 501)
        name, place = _checked_name(params["repositoryName"]), Place(caller.account, caller.region)
        tags = _checked_tags({}, params.get("tags") or {})
        with self._lock:
            if (place, name) in self._kept:
                raise ApiError("RepositoryNameExistsException", f"Repository named {name} already exists")
            made_id, now_s = str(uuid.uuid4()), self._clock.now()
            git = BareRepository.create(self._folder / f"{made_id}.git")
            repository = Repository(place, name, git, made_id, now_s, now_s, params.get("repositoryDescription", ""))
            repository.tags.update(tags)
            self._kept[place, name] = repository
        return {"repositoryMetadata": self.metadata(repository)}

    def _get(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return {"repositoryMetadata": self.metadata(self.named(params["repositoryName"], caller))}

    def _list(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        place = Place(caller.account, caller.region)
        with self._lock:
            found = [each for (where, _), each in self._kept.items() if where == place]
        by_date = params.get("sortBy") == "lastModifiedDate"
        found.sort(
            key=lambda each: (each.changed_s if by_date else 0.0, each.name),
            reverse=params.get("order") == "descending",
        )
        return {"repositories": [{"repositoryName": each.name, "repositoryId": each.id} for each in found]}

    def _delete(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        with self._lock:
            gone = self._kept.pop((Place(caller.account, caller.region), params["repositoryName"]), None)
        if gone is None:
            return {}
        with gone.lock:  # whoever is changing it still finds it
            shutil.rmtree(gone.git.folder)
        return {"repositoryId": gone.id}

    def _rename(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        repository, new = self.named(params["oldName"], caller), _checked_name(params["newName"])
        with self._lock:
            if (repository.place, new) in self._kept:
                raise ApiError("RepositoryNameExistsException", f"Repository named {new} already exists")
            self._kept[repository.place, new] = self._kept.pop((repository.place, repository.name))
            repository.name = new
            repository.changed_s = self._clock.now()
        return {}

    def _describe(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        repository = self.named(params["repositoryName"], caller)
        repository.description = params.get("repositoryDescription", "")
        repository.changed_s = self._clock.now()
        return {}

    def _choose_default(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        repository = self.named(params["repositoryName"], caller)
        with repository.lock:
            repository.branch(params["defaultBranchName"])
            repository.default_branch = params["defaultBranchName"]
            repository.git.point_head(repository.default_branch)
            repository.changed_s = self._clock.now()
        return {}

    def _tag(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        repository = self._of_arn(params["resourceArn"], caller)
        repository.tags = _checked_tags(repository.tags, params["tags"])
        return {}

    def _untag(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        repository = self._of_arn(params["resourceArn"], caller)
        repository.tags = {key: value for key, value in repository.tags.items() if key not in params["tagKeys"]}
        return {}

    def _tags(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return {"tags": dict(self._of_arn(params["resourceArn"], caller).tags)}

    def _of_arn(self, arn: str, caller: Caller) -> Repository:
        found = self._find(arn)
        if found is None or found.place != Place(caller.account, caller.region):
            raise ApiError("RepositoryDoesNotExistException", f"{arn.rpartition(':')[2]} does not exist")
        return found

    def _find(self, arn: str) -> Repository | None:
        with self._lock:
            return next((each for each in self._kept.values() if each.arn == arn), None)


def _checked_name(name: str) -> str:
    if not _NAME.fullmatch(name) or name.endswith(".git"):
        raise ApiError("InvalidRepositoryNameException", f"The repository name {name} is not valid.")
    return name


def _checked_tags(present: Mapping[str, str], added: Mapping[str, str]) -> dict[str, str]:
    if any(key.lower().startswith(_AWS) for key in added):
        raise ApiError("InvalidSystemTagUsageException", "The tag key prefix aws: is reserved for AWS.")
    merged = {**present, **added}
    if len(merged) > _MAX_TAGS:
        raise ApiError("TooManyTagsException", f"A repository has at most {_MAX_TAGS} tags, not {len(merged)}.")
    return merged
