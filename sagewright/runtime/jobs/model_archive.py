"""Model artifacts as SageMaker keeps them: one archive, unpacked where a job needs what is in it."""

import gzip
import tarfile
import zlib
from pathlib import Path

from sagewright.runtime.serving.errors import UserError

FILE = "model.tar.gz"

_CHUNK = 1024 * 1024


def unpack(archive: Path, folder: Path) -> None:
    """Unpack an artifact into a folder. Raises UserError where it is damaged or not whole."""
    try:
        with gzip.open(archive) as content:
            with tarfile.open(fileobj=content, mode="r|") as members:
                members.extractall(folder, filter="data")
            while content.read(_CHUNK):  # gzip's checksum is at its end, after that of the tar
                pass
    except (EOFError, gzip.BadGzipFile, tarfile.TarError, zlib.error) as error:
        raise UserError(f"the model artifact {archive.name} cannot be unpacked ({error}): train again") from error
