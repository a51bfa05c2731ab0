"""Why: a cache lets a build find what an earlier one left, on this machine or in S3; without one it takes longer."""

import shutil
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from ..clients import ActingClients
from ..cloudwatch.metrics import Place
from .archives import pack, unpack
from .failures import refused
from .places import S3Place, read_location

_LOCAL = "LOCAL_CUSTOM_CACHE"


class Cache:
    """The cached folders of one build: `home` is what its paths call /root, `source` where relative ones begin."""

    def __init__(
        self,
        settings: Mapping[str, Any],
        paths: tuple[str, ...],
        *,
        home: Path,
        source: Path,
        note: Callable[[str], None],
    ) -> None:
        self._settings = settings
        self._note = note
        self._folders: dict[str, Path] = {}
        for path in paths:
            folder = path.removesuffix("/*").removesuffix("/**").rstrip("/")
            if folder.startswith(("/root/", "~/")):
                self._folders[folder] = home / folder.partition("/")[2].removeprefix("root/")
            elif folder.startswith("/") or ".." in folder.split("/") or "*" in folder:
                note(f"Skipping cache path {path}: the sandbox caches folders of the source and of /root")
            else:
                self._folders[folder] = source / folder

    def link(self, kept: Path) -> None:
        """Put the project's folders of this machine in place of the build's."""
        if self._settings["type"] != "LOCAL" or _LOCAL not in self._settings.get("modes", ()):
            return
        for name, folder in self._folders.items():
            held = kept / name.strip("~/").replace("/", "-")
            held.mkdir(parents=True, exist_ok=True)
            if folder.is_dir() and not folder.is_symlink():
                shutil.rmtree(folder)
            folder.parent.mkdir(parents=True, exist_ok=True)
            folder.symlink_to(held)
            self._note(f"Symlinked cache folder {name}")

    def restore(self, acting: ActingClients, place: Place, project: str, folder: Path) -> None:
        """Bring back what an earlier build left in S3; a cache that cannot be read is told in the log, and missed."""
        at = self._place(project)
        if at is None:
            return
        archive, brought = folder / "cache.zip", folder / "cache"
        try:
            with closing(
                acting.get("s3", place.account, place.region).get_object(Bucket=at.bucket, Key=at.key)["Body"]
            ) as body:
                archive.write_bytes(body.read())
        except ClientError as error:
            self._note(f"Unable to download cache: {refused(error)}")
            return
        unpack(archive, brought, "the cache")
        for number, target in enumerate(self._folders.values()):
            if (brought / str(number)).is_dir():
                shutil.copytree(brought / str(number), target, dirs_exist_ok=True)
        self._note("Finished downloading cache")

    def save(self, acting: ActingClients, place: Place, project: str, folder: Path) -> None:
        """Leave the cached folders in S3 for the next build."""
        at = self._place(project)
        if at is None:
            return
        files = [
            (file, f"{number}/{file.relative_to(target).as_posix()}")
            for number, target in enumerate(self._folders.values())
            for file in sorted(target.rglob("*"))
            if file.is_file()
        ]
        archive = pack(files, folder / "cache.zip")
        try:
            with archive.open("rb") as body:
                acting.get("s3", place.account, place.region).put_object(Bucket=at.bucket, Key=at.key, Body=body)
        except ClientError as error:
            self._note(f"Unable to upload cache: {refused(error)}")

    def _place(self, project: str) -> S3Place | None:
        if self._settings["type"] != "S3" or not self._folders:
            return None
        location = read_location(self._settings["location"])
        return S3Place(location.bucket, "/".join(part for part in (location.key.rstrip("/"), f"{project}.zip") if part))
