"""The sandbox as a real process, started and stopped by the console script: once as it is, else by forks of it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sagewright.cli import sandbox_process
from tests.loop.client_of import client_of
from tests.loop.command_line import CommandLine


@pytest.fixture
def sagewright(tmp_path: Path, warm: Path) -> Iterator[CommandLine]:
    """The command line in a folder of its own, in which no sandbox is left."""
    line = CommandLine(tmp_path, warm)
    yield line
    line.run("sandbox", "down")


def test_up_answers_is_idempotent_and_down_leaves_nothing(sagewright: CommandLine) -> None:
    call = [sys.executable, "-m", "sagewright.cli", "sandbox", "up", "--json"]
    up = json.loads(subprocess.run(call, cwd=sagewright.folder, capture_output=True, check=True).stdout)
    environment: dict[str, str] = up["environment"]
    sts = client_of(environment, "sts")
    assert sts.get_caller_identity()["Account"] == "111111111111"

    again = sagewright.ok("sandbox", "up")
    assert (again["pid"], again["endpoint"]) == (up["pid"], up["endpoint"])
    assert "is up already" in sagewright.run("sandbox", "up").stderr

    status = sagewright.ok("sandbox", "status")
    assert (status["up"], status["pid"]) == (True, up["pid"])

    assert sagewright.ok("sandbox", "down") == {"stopped": True, "pid": up["pid"]}
    assert sandbox_process._command_line(up["pid"]) == "", "the process is gone"
    assert sagewright.ok("sandbox", "status") == {"up": False}
    assert not (sagewright.folder / ".sagewright" / "sandbox.json").exists()


def test_a_sandbox_that_was_killed_is_told_until_it_is_up_again(sagewright: CommandLine) -> None:
    pid = sagewright.ok("sandbox", "up")["pid"]
    os.kill(pid, signal.SIGKILL)
    status = sagewright.ok("sandbox", "status")
    assert (status["up"], status["ended_unexpectedly"]["pid"]) == (False, pid)

    again = sagewright.run("sandbox", "up")
    assert f"(process {pid}, up since" in again.stderr
    assert "has ended unexpectedly" in again.stderr
    assert "What was deployed to it is lost" in again.stderr
    assert "ended_unexpectedly" not in sagewright.ok("sandbox", "status")
    assert sagewright.ok("sandbox", "status")["pid"] != pid
    assert (sagewright.folder / ".sagewright" / "sandbox-ended.log").exists()


def test_down_of_a_sandbox_that_was_killed_tells_it_once_and_forgets_it(sagewright: CommandLine) -> None:
    pid = sagewright.ok("sandbox", "up")["pid"]
    os.kill(pid, signal.SIGKILL)
    assert sagewright.ok("sandbox", "down")["ended_unexpectedly"]["pid"] == pid
    assert sagewright.ok("sandbox", "down") == {"stopped": False}
    assert sagewright.ok("sandbox", "status") == {"up": False}


def test_a_process_that_is_not_ours_is_never_stopped(sagewright: CommandLine) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as stranger:
        state = sagewright.folder / ".sagewright"
        state.mkdir()
        record = {"endpoint": "http://localhost:1", "pid": stranger.pid, "data": str(state / "sandbox"), "started": "x"}
        (state / "sandbox.json").write_text(json.dumps(record))
        assert not sagewright.ok("sandbox", "down")["stopped"]
        assert stranger.poll() is None
        stranger.communicate(b"\n")


def test_a_port_that_is_taken_is_told_with_the_log(sagewright: CommandLine) -> None:
    taken = sagewright.ok("sandbox", "up")["endpoint"].rpartition(":")[2]
    other = sagewright.folder / "other"
    other.mkdir()
    (other / ".git").mkdir()  # a checkout of its own, which the sandbox above does not serve
    done = CommandLine(other, sagewright.warm).run("sandbox", "up", "--port", taken)
    assert done.returncode == 1
    assert "The sandbox did not start" in done.stderr
    assert "sandbox.log" in done.stderr


def test_a_folder_that_is_not_there_gets_no_sandbox(sagewright: CommandLine) -> None:
    done = sagewright.run("sandbox", "up", "--project", "nowhere")
    assert done.returncode == 1
    assert "There is no folder" in done.stderr
    assert list(sagewright.folder.iterdir()) == []


def test_exports_can_be_evaluated_by_a_shell(sagewright: CommandLine) -> None:
    exports = sagewright.run("sandbox", "up", "--export").stdout
    shown = subprocess.run(
        ["sh", "-c", 'eval "$1"; echo $AWS_ACCESS_KEY_ID', "sh", exports], capture_output=True, text=True, check=True
    )
    assert shown.stdout.strip() == "AKIASBOX111111111111"


def test_git_does_not_see_what_is_remembered(sagewright: CommandLine) -> None:
    subprocess.run(["git", "init", "-q"], cwd=sagewright.folder, check=True)
    sagewright.ok("sandbox", "up")
    shown = subprocess.run(
        ["git", "status", "--porcelain"], cwd=sagewright.folder, capture_output=True, text=True, check=True
    )
    assert shown.stdout == ""
