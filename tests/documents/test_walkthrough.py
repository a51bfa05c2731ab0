"""The blocks of the documents that are marked to run, one after another, as a reader would type them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.documents import shell

# In the order in which a reader comes to them; each goes on where the one before ended.
ORDER = ("README.md", "docs/platform-engineer.md", "docs/data-scientist.md", "docs/approver.md", "docs/monitoring.md")
# Read by whoever has run the demo of a feature store, and typed there: tests/loop/test_feature_demo.py.
AFTER_A_DEMO = "docs/features.md"
LAST = "sagewright sandbox down"
ASK = Path(__file__).parents[1] / "loop" / "ask.py"


def script() -> str:
    """One script of all blocks; what takes everything down comes last, wherever the reader finds it."""
    blocks = [block for page in ORDER for block in shell.blocks_of(shell.ROOT / page) if block.runs]
    blocks.sort(key=lambda block: LAST in block.text)
    return "set -eu\n" + "\n".join(f"echo '== {block.where}'\n{block.text}" for block in blocks)


def test_every_block_that_is_marked_to_run_is_run() -> None:
    marked = {block.page.relative_to(shell.ROOT).as_posix() for block in shell.blocks() if block.runs}
    assert marked == {*ORDER, AFTER_A_DEMO}
    assert script().rstrip().endswith(LAST)


@pytest.fixture
def commands(tmp_path: Path, warm: Path) -> Path:
    """A folder with a `sagewright` that is loaded already; its first command alone is the installed script."""
    folder, installed = tmp_path / "commands", Path(sys.executable).parent / "sagewright"
    folder.mkdir()
    script = folder / "sagewright"
    script.write_text(f"""\
#!/bin/sh
[ "$1" = new ] && exec '{installed}' "$@"
exec '{sys.executable}' -I -S '{ASK}' '{warm}' "$@"
""")
    script.chmod(0o755)
    return folder


def test_a_reader_who_types_the_documents_gets_through(tmp_path: Path, commands: Path) -> None:
    checkout = tmp_path / "sagewright"
    checkout.mkdir()
    path = os.pathsep.join(map(str, (commands, Path(sys.executable).parent, os.environ["PATH"])))
    git = {f"GIT_{who}_{what}": "reader@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    call = ["bash", "-c", script()]
    variables = {**os.environ, **git, "PATH": path}
    try:
        done = subprocess.run(call, cwd=checkout, env=variables, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
    finally:
        project = tmp_path / "my-churn"
        if project.exists():
            down = [sys.executable, "-m", "sagewright.cli", "sandbox", "down"]
            subprocess.run(down, cwd=project, env=variables, capture_output=True, check=False)
