"""Why: sources come and artifacts go as zip archives, with the permissions of their files."""

import os
import stat
import zipfile
from collections.abc import Iterable
from pathlib import Path

from .failures import PhaseError

_UNIX = 16
"""Where a zip entry's external attributes hold the mode of Unix."""


def unpack(archive: Path, folder: Path, what: str) -> None:
    """Write the files of an archive into a folder, and never outside of it."""
    try:
        with zipfile.ZipFile(archive) as opened:
            for entry in opened.infolist():
                target = (folder / entry.filename).resolve()
                if not target.is_relative_to(folder.resolve()):
                    raise PhaseError("CLIENT_ERROR", f"{what}: {entry.filename} would lie outside of the source folder")
                opened.extract(entry, folder)
                mode = stat.S_IMODE(entry.external_attr >> _UNIX)
                if mode and not entry.is_dir():
                    target.chmod(mode | stat.S_IRUSR | stat.S_IWUSR)
    except zipfile.BadZipFile:
        raise PhaseError("CLIENT_ERROR", f"zip: not a valid zip file for {what}") from None


def pack(files: Iterable[tuple[Path, str]], archive: Path) -> Path:
    """Write files under their names into a new archive."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False) as opened:
        for file, name in files:
            opened.write(os.path.realpath(file), name)
    return archive
