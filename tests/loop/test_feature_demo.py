"""The demo of the feature store on a made-up airport, and then what its page tells a reader to type."""

import io
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from sagewright.cli import sandbox_process, seeds
from sagewright.cli.demonstration import FeatureDemonstration
from sagewright.cli.options import Options
from sagewright.cli.terminal import Terminal
from tests.documents import shell

pytestmark = pytest.mark.slow

SEED = "flights"
ASK = Path(__file__).with_name("ask.py")
# What the seed's own program does, with the made-up tables of its tests instead of those that it fetches: two weeks of
# them, because the history of a group is a file for each hour.
MADE_UP = """
import sys
from pathlib import Path
sys.path[:0] = ["src", "tests"]
import conftest
from prepare import tables
conftest.DAYS = conftest.DAYS[18:32]
tables.SAMPLED = 1
for file, rows in tables.write(conftest.made_up(), Path("data")).items():
    print(f"data/{file}: {rows:,} rows")
"""


@dataclass(frozen=True)
class Demo:
    """A demo that was kept: its report, what it told on the way, and its project."""

    report: dict[str, Any]
    told: str
    folder: Path


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    folder = tmp_path_factory.mktemp("features")
    left_out = shutil.ignore_patterns("__pycache__", ".*_cache", "*.csv", "*.parquet")
    copy = shutil.copytree(seeds.SEEDS / SEED, folder / "seeds" / SEED, ignore=left_out)
    (copy / "prepare" / "__main__.py").write_text(MADE_UP)
    told = io.StringIO()
    terminal = Terminal()
    terminal.notes = Console(file=told, width=200)
    demonstration = FeatureDemonstration(
        Options(terminal, folder), folder / "demo", 0, keep=True, engine="builtin", seed=SEED
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(seeds, "SEEDS", folder / "seeds")
        try:
            yield Demo(demonstration.run(), told.getvalue(), demonstration.folder)
        finally:
            demonstration.stop()


def test_every_step_is_told_with_its_time(demo: Demo) -> None:
    assert [step["name"] for step in demo.report["steps"]] == [
        *("new", "prepare", "sandbox up", "bootstrap", "deploy", "data put", "ingest", "train", "approve"),
        *("release", "invoke", "invoke by id", "report"),
    ]
    for expected in ("7/13 ingest", "data/timetable.parquet: 252 rows", "answered as with all their features"):
        assert expected in demo.told


def test_every_row_of_every_table_is_in_the_feature_store(demo: Demo) -> None:
    groups = {each["name"]: each for each in demo.report["features"]["groups"]}
    assert [*groups] == ["schedule", "aircraft", "weather", "route"]
    assert (groups["schedule"]["rows"], groups["aircraft"]["rows"]) == (252, 3)
    assert [each["quarantined"] for each in groups.values()] == [0, 0, 0, 0]


def test_the_model_has_learnt_from_what_was_joined(demo: Demo) -> None:
    # Flights of the made-up airport are late in fog, which only the weather tells.
    assert demo.report["metrics"]["average_precision"] > 0.6
    assert demo.report["agreement"]["with_evaluation"] == 1.0


def test_ids_alone_are_answered(demo: Demo) -> None:
    features = demo.report["features"]
    assert features["keys"] == ["flight"]
    assert {"UA1545 EWR-IAH"} < {each["id"]["flight"] for each in features["by_id"]}
    assert len(features["by_id"]) > 10


def test_it_ends_with_a_page_about_all_of_it(demo: Demo) -> None:
    page = Path(demo.report["page"]).read_text(encoding="utf-8")
    for expected in ("schedule v1", "as known at scheduled_at: schedule on flight", "Asked by id alone", "Dataset"):
        assert expected in page


def test_a_reader_who_types_the_page_on_features_gets_through(demo: Demo, warm: Path, tmp_path: Path) -> None:
    blocks = [block for block in shell.blocks_of(shell.ROOT / "docs/features.md") if block.runs]
    script = "set -eu\n" + "\n".join(f"echo '== {block.where}'\n{block.text}" for block in blocks)
    command = tmp_path / "sagewright"
    command.write_text(f"#!/bin/sh\nexec '{sys.executable}' -I -S '{ASK}' '{warm}' \"$@\"\n")
    command.chmod(0o755)
    variables = {**os.environ, "PATH": os.pathsep.join((str(tmp_path), os.environ["PATH"]))}
    call = ["bash", "-c", script]
    done = subprocess.run(call, cwd=demo.folder, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
    assert "0 new files, 1 known" in done.stdout
    assert "weather v2" in done.stdout
    assert (demo.folder / "out" / "features.html").is_file()
    assert sandbox_process.of_folder(demo.folder) is not None
