"""Why: programs read branches and files, and make commits, without a clone."""

import posixpath
from collections.abc import Mapping
from typing import Any

from ..clients import Clients
from ..clock import Clock
from ..git.repository import EXECUTABLE, HEADS, NORMAL, SYMLINK, Draft, Entry, Person, is_branch_name
from ..protocol import ApiError, Caller
from .repositories import Repositories
from .repository import Repository

_MODES = {"NORMAL": NORMAL, "EXECUTABLE": EXECUTABLE, "SYMLINK": SYMLINK}
_NAMES = {mode: name for name, mode in _MODES.items()}
_LARGEST_FILE, _LARGEST_CHANGE = 6 << 20, 7 << 20
_MAX_PATH = 4096


class Commits:
    """Branches, commits and files of repositories."""

    def __init__(self, clients: Clients, clock: Clock, repositories: Repositories) -> None:
        self._clients = clients
        self._clock = clock
        self._repositories = repositories
        self.operations = {
            "GetBranch": self._get_branch,
            "ListBranches": self._list_branches,
            "CreateBranch": self._create_branch,
            "DeleteBranch": self._delete_branch,
            "GetCommit": self._get_commit,
            "GetFile": self._get_file,
            "CreateCommit": self._create_commit,
            "PutFile": self._put_file,
        }

    def _get_branch(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        repository, name = self._repositories.named(params["repositoryName"], caller), params["branchName"]
        return {"branch": {"branchName": name, "commitId": repository.branch(name)}}

    def _list_branches(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        references = self._repositories.named(params["repositoryName"], caller).git.references()
        return {"branches": [name.removeprefix(HEADS) for name in references if name.startswith(HEADS)]}

    def _create_branch(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        repository, name = self._repositories.named(params["repositoryName"], caller), _branch(params["branchName"])
        with self._changing(repository, caller):
            if HEADS + name in repository.git.references():
                raise ApiError("BranchNameExistsException", f"The branch {name} already exists.")
            commit = repository.git.commit(params["commitId"])
            if commit is None or commit.id != params["commitId"]:
                raise ApiError("CommitDoesNotExistException", f"The commit {params['commitId']} does not exist.")
            repository.git.move(HEADS + name, commit.id)
        return {}

    def _delete_branch(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        repository, name = self._repositories.named(params["repositoryName"], caller), params["branchName"]
        with self._changing(repository, caller):
            commit = repository.git.references().get(HEADS + name)
            if commit is None:
                return {}
            if name == repository.default_branch:
                problem = f"The branch {name} is the default branch of {repository.name} and cannot be deleted."
                raise ApiError("DefaultBranchCannotBeDeletedException", problem)
            repository.git.move(HEADS + name, None)
        return {"deletedBranch": {"branchName": name, "commitId": commit}}

    def _get_commit(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        repository = self._repositories.named(params["repositoryName"], caller)
        commit = repository.git.commit(params["commitId"])
        if commit is None or commit.id != params["commitId"]:
            raise ApiError("CommitIdDoesNotExistException", f"The commit {params['commitId']} does not exist.")
        told = {
            "commitId": commit.id,
            "treeId": commit.tree,
            "parents": list(commit.parents),
            "message": commit.message,
            "author": vars(commit.author),
            "committer": vars(commit.committer),
            "additionalData": "",
        }
        return {"commit": told}

    def _get_file(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        repository = self._repositories.named(params["repositoryName"], caller)
        commit = repository.git.commit(params.get("commitSpecifier") or repository.default_branch or "HEAD")
        if commit is None:
            named = params.get("commitSpecifier", "HEAD")
            raise ApiError("CommitDoesNotExistException", f"{named} names no commit of {repository.name}.")
        path = _path(params["filePath"])
        found = [entry for entry in repository.git.entries(commit.id, path) if entry.path == path]
        if not found:
            raise ApiError("FileDoesNotExistException", f"{path} does not exist in {commit.id}.")
        content = repository.git.content(found[0].blob)
        if len(content) > _LARGEST_FILE:
            raise ApiError("FileTooLargeException", f"{path} has {len(content)} bytes; up to 6 MB are returned.")
        return {
            "commitId": commit.id,
            "blobId": found[0].blob,
            "filePath": path,
            "fileMode": _NAMES[found[0].mode],
            "fileSize": len(content),
            "fileContent": content,
        }

    def _put_file(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        if not params["fileContent"]:
            raise ApiError("FileContentRequiredException", "The file cannot be added because it is empty.")
        path = _path(params["filePath"])
        files = {path: (_MODES[params.get("fileMode", "NORMAL")], params["fileContent"])}
        _check_sizes(files)
        message = params.get("commitMessage") or f"Added {path}"
        author = self._author(caller, params.get("name"), params.get("email"))
        same = ("SameFileContentException", f"{path} has this content already.")
        commit, entries = self._commit(params, caller, Draft((), author, message, files), same)
        return {"commitId": commit, "blobId": entries[path].blob, "treeId": self._tree(params, caller, commit)}

    def _create_commit(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        if params.get("setFileModes") or any("sourceFile" in each for each in params.get("putFiles") or []):
            problem = "The sandbox's CreateCommit does not have setFileModes and sourceFile."
            raise ApiError("UnsupportedOperation", problem, 501)
        files = _files(params.get("putFiles") or [])
        deleted = [_path(each["filePath"]) for each in params.get("deleteFiles") or []]
        if not files and not deleted:
            problem = "The commit cannot be created because no files have been specified as added, updated or deleted."
            raise ApiError("FileEntryRequiredException", problem)
        if both := sorted({*deleted} & {*files}):
            raise ApiError("SamePathRequestException", f"{both[0]} is to be put and to be deleted.")
        author = self._author(caller, params.get("authorName"), params.get("email"))
        message = params.get("commitMessage") or f"Commit by {author.name}"
        nothing = (
            "NoChangeException",
            "The commit cannot be created because no changes will be made to the repository.",
        )
        before = self._entries(params, caller)
        draft = Draft((), author, message, files, deleted)
        commit, after = self._commit(params, caller, draft, nothing)
        changed = [path for path in files if path in before and before[path] != after[path]]
        return {
            "commitId": commit,
            "treeId": self._tree(params, caller, commit),
            "filesAdded": [_told(after[path]) for path in files if path not in before],
            "filesUpdated": [_told(after[path]) for path in changed],
            "filesDeleted": [_told(before[path]) for path in deleted],
        }

    def _commit(
        self, params: dict[str, Any], caller: Caller, draft: Draft, same: tuple[str, str]
    ) -> tuple[str, dict[str, Entry]]:
        """Put a commit on top of a branch, and return its id and its files; one without changes is refused."""
        repository, name = self._repositories.named(params["repositoryName"], caller), _branch(params["branchName"])
        with self._changing(repository, caller):
            parent = _parent(repository, name, params.get("parentCommitId"))
            before = {entry.path: entry for entry in repository.git.entries(parent)} if parent else {}
            _check_paths(before, draft)
            parents = (parent,) if parent else ()
            made = repository.git.write(Draft(parents, draft.author, draft.message, draft.files, draft.deleted))
            after = {entry.path: entry for entry in repository.git.entries(made)}
            if after == before:
                raise ApiError(*same)
            repository.git.move(HEADS + name, made)
        return made, after

    def _entries(self, params: dict[str, Any], caller: Caller) -> dict[str, Entry]:
        repository = self._repositories.named(params["repositoryName"], caller)
        tip = repository.git.references().get(HEADS + params["branchName"])
        return {entry.path: entry for entry in repository.git.entries(tip)} if tip else {}

    def _tree(self, params: dict[str, Any], caller: Caller, commit: str) -> str:
        made = self._repositories.named(params["repositoryName"], caller).git.commit(commit)
        return made.tree if made is not None else ""

    def _changing(self, repository: Repository, caller: Caller) -> Any:
        who = self._clients.authorizer.principal_of(caller.access_key)
        return self._repositories.changes.of(repository, who.arn)

    def _author(self, caller: Caller, name: str | None, email: str | None) -> Person:
        own = self._clients.authorizer.principal_of(caller.access_key).arn.rpartition("/")[2]
        date = f"{int(self._clock.now())} +0000"
        if any(character in f"{name}{email}" for character in "<>\n"):
            raise ApiError("InvalidEmailException", "A name or an e-mail address has none of <, > and line breaks.")
        return Person(name or own, email or "", date)


def _parent(repository: Repository, branch: str, given: str | None) -> str:
    """Return the commit that a new one follows, or nothing in a repository that is still empty."""
    references = repository.git.references()
    tip = references.get(HEADS + branch, "")
    if not tip and references:
        raise ApiError("BranchDoesNotExistException", f"{branch} does not exist in the repository {repository.name}.")
    if tip and not given:
        problem = f"The branch {branch} has commits: parentCommitId has to be the last one's id."
        raise ApiError("ParentCommitIdRequiredException", problem)
    if given and given != tip:
        problem = f"The parent commit {given} is not the last one of {branch}, which is {tip or 'without commits'}."
        raise ApiError("ParentCommitIdOutdatedException", problem)
    return tip


def _files(entries: list[dict[str, Any]]) -> dict[str, tuple[str, bytes]]:
    files: dict[str, tuple[str, bytes]] = {}
    for entry in entries:
        path = _path(entry["filePath"])
        if path in files:
            raise ApiError("PutFileEntryConflictException", f"{path} is to be put more than once.")
        if not entry.get("fileContent"):
            problem = f"The commit cannot be created because no content has been specified for {path}."
            raise ApiError("SourceFileOrContentRequiredException", problem)
        files[path] = (_MODES[entry.get("fileMode", "NORMAL")], entry["fileContent"])
    _check_sizes(files)
    return files


def _check_sizes(files: Mapping[str, tuple[str, bytes]]) -> None:
    sizes = {path: len(content) for path, (_, content) in files.items()}
    if max(sizes.values(), default=0) > _LARGEST_FILE or sum(sizes.values()) > _LARGEST_CHANGE:
        problem = (
            "The file cannot be added because it is too large. The maximum file size is 6 MB, and the combined file"
            f" content change size is 7 MB; these are {sum(sizes.values())} bytes. Consider using a Git client."
        )
        raise ApiError("FileContentSizeLimitExceededException", problem)


def _check_paths(present: Mapping[str, Entry], draft: Draft) -> None:
    """Refuse to delete what is not there, and a file where a folder is or the other way round."""
    for path in draft.deleted:
        if path not in present:
            raise ApiError("FileDoesNotExistException", f"{path} does not exist.")
    folders = {parent for path in present for parent in _parents(path)}
    for path in draft.files:
        if path in folders:
            raise ApiError("FileNameConflictsWithDirectoryNameException", f"{path} is a folder.")
        if taken := [parent for parent in _parents(path) if parent in present]:
            raise ApiError("DirectoryNameConflictsWithFileNameException", f"{taken[0]} is a file.")


def _parents(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:end]) for end in range(1, len(parts))]


def _path(given: str) -> str:
    path = given.removeprefix("/")
    parts = path.split("/")
    broken = any(part in {"", ".", ".."} or part.lower() == ".git" for part in parts)
    if broken or len(path) > _MAX_PATH or posixpath.normpath(path) != path or "\0" in path:
        raise ApiError("InvalidPathException", f"The path {given} is not valid.")
    return path


def _branch(name: str) -> str:
    if not is_branch_name(name):
        raise ApiError("InvalidBranchNameException", f"The branch name {name} is not valid.")
    return name


def _told(entry: Entry) -> dict[str, str]:
    return {"absolutePath": entry.path, "blobId": entry.blob, "fileMode": _NAMES[entry.mode]}
