"""Why: a build's source comes from where its project says, with the project's own role, at one version of it."""

import os
import subprocess
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from botocore.exceptions import ClientError

from ..clients import ActingClients
from ..cloudwatch.metrics import Place
from .archives import unpack
from .failures import PhaseError, refused
from .origins import CONNECTED, Origins
from .places import S3Place, read_location
from .shelf import Record

_CHUNK = 1024 * 1024
_GIT = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, "GIT_TERMINAL_PROMPT": "0"}


@dataclass(frozen=True)
class Fetched:
    """Which version of a source is there, where the source tells versions apart, and its address."""

    resolved: str = ""
    url: str = ""


class Sources:
    """Brings the sources of one build."""

    def __init__(self, acting: ActingClients, place: Place, origins: Origins) -> None:
        self._acting = acting
        self._place = place
        self._origins = origins

    def fetch(self, source: Record, version: str, folder: Path, given: S3Place | None) -> Fetched:
        """Bring one source into a folder; `given` is the place of a source that a pipeline hands over."""
        folder.mkdir(parents=True, exist_ok=True)
        named = source.get("sourceIdentifier")
        which = f"for {f'secondary source {named}' if named else 'primary source'} and source version"
        if source["type"] == "NO_SOURCE":
            return Fetched()
        if source["type"] == "CODECOMMIT" or source["type"] in CONNECTED:
            return self._clone(source, version, folder, which)
        place = given or read_location(source["location"])
        if given is None:
            place = S3Place(place.bucket, place.key, version)
        self._download(place, folder, f"{which} {place.version or place.arn}")
        return Fetched(url="" if given else f"s3://{place.bucket}/{place.key}")

    def _download(self, place: S3Place, folder: Path, which: str) -> None:
        client = self._acting.get("s3", self._place.account, self._place.region)
        try:
            if place.key.endswith("/"):
                for page in client.get_paginator("list_objects_v2").paginate(Bucket=place.bucket, Prefix=place.key):
                    for each in page.get("Contents", ()):
                        if not each["Key"].endswith("/"):
                            target = folder / each["Key"].removeprefix(place.key)
                            self._save(client, S3Place(place.bucket, each["Key"]), target)
                return
            archive = folder.parent / f"{folder.name}.zip"
            self._save(client, place, archive)
        except ClientError as error:
            raise PhaseError("CLIENT_ERROR", f"{refused(error)} {which}") from error
        unpack(archive, folder, which)
        archive.unlink()

    @staticmethod
    def _save(client: object, place: S3Place, target: Path) -> None:
        version = {"VersionId": place.version} if place.version else {}
        target.parent.mkdir(parents=True, exist_ok=True)
        get = getattr(client, "get_object")  # noqa: B009 - botocore makes its methods when a client is made
        with closing(get(Bucket=place.bucket, Key=place.key, **version)["Body"]) as body, target.open("wb") as file:
            file.writelines(body.iter_chunks(_CHUNK))

    def _clone(self, source: Record, version: str, folder: Path, which: str) -> Fetched:
        bare = self._origins.bare(source, self._acting, self._place, f"{which} {version}")
        resolved = _resolved(bare, self._origins.version(source, version))
        if not resolved:
            raise PhaseError("CLIENT_ERROR", f"reference not found {which} {version}")
        if source.get("gitSubmodulesConfig", {}).get("fetchSubmodules"):
            raise PhaseError("CLIENT_ERROR", f"the sandbox's CodeBuild fetches no Git submodules {which} {version}")
        depth = [f"--depth={source['gitCloneDepth']}"] if source.get("gitCloneDepth") else []
        _git(folder, "init", "--quiet")
        _git(folder, "remote", "add", "origin", source["location"])
        whole = [] if depth else ["+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*"]
        _git(folder, "fetch", "--quiet", *depth, bare.resolve().as_uri(), resolved, *whole)
        _git(folder, "checkout", "--quiet", "--detach", resolved)
        return Fetched(resolved, source["location"])


def _resolved(bare: Path, version: str) -> str:
    """Return the commit that a branch, a tag, a reference or an id means; nothing where it means none."""
    wanted = (f"refs/heads/{version}", f"refs/tags/{version}", version) if version else ("HEAD",)
    for each in wanted:
        # https://git-scm.com/docs/git-rev-parse: options could hide in a name without the separator
        found = _git(bare, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{each}^{{commit}}", check=False)
        if found:
            return found.split()[-1]
    return ""


def _git(folder: Path, *arguments: str, check: bool = True) -> str:
    # The archive of a commit that is no branch's end can be asked for by its id, too.
    options = ("-c", "uploadpack.allowAnySHA1InWant=true", "-c", "advice.detachedHead=false")
    done = subprocess.run(  # noqa: S603 - a program of the machine, with arguments of its own place each
        ["git", *options, "-C", str(folder), *arguments],  # noqa: S607 - whichever git the user has
        env={"PATH": os.environ.get("PATH", ""), "HOME": os.devnull, **_GIT},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if check and done.returncode:
        raise PhaseError("CLIENT_ERROR", f"git {arguments[0]}: {done.stderr.strip()}")
    return done.stdout.strip() if done.returncode == 0 else ""
