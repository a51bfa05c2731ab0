"""The sandbox as real processes, started and stopped by the real console script."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from sagewright.cli import sandbox_process


def sagewright(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    call = [sys.executable, "-m", "sagewright.cli", *arguments]
    return subprocess.run(call, cwd=folder, capture_output=True, text=True, check=False)


def result(folder: Path, *arguments: str) -> Any:
    done = sagewright(folder, *arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    sagewright(tmp_path, "sandbox", "down")


def test_up_answers_is_idempotent_and_down_leaves_nothing(folder: Path) -> None:
    up = result(folder, "sandbox", "up")
    environment: dict[str, str] = up["environment"]
    sts = boto3.client(
        "sts",
        endpoint_url=environment["AWS_ENDPOINT_URL"],
        region_name=environment["AWS_REGION"],
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
        config=Config(proxies={}),
    )
    assert sts.get_caller_identity()["Account"] == "111111111111"

    again = result(folder, "sandbox", "up")
    assert (again["pid"], again["endpoint"]) == (up["pid"], up["endpoint"])
    assert "is up already" in sagewright(folder, "sandbox", "up").stderr

    status = result(folder, "sandbox", "status")
    assert (status["up"], status["pid"]) == (True, up["pid"])

    assert result(folder, "sandbox", "down") == {"stopped": True, "pid": up["pid"]}
    assert sandbox_process._command_line(up["pid"]) == "", "the process is gone"
    assert result(folder, "sandbox", "status") == {"up": False}
    assert not (folder / ".sagewright" / "sandbox.json").exists()


def test_a_sandbox_that_was_killed_is_told_until_it_is_up_again(folder: Path) -> None:
    pid = result(folder, "sandbox", "up")["pid"]
    os.kill(pid, signal.SIGKILL)
    status = result(folder, "sandbox", "status")
    assert (status["up"], status["ended_unexpectedly"]["pid"]) == (False, pid)

    again = sagewright(folder, "sandbox", "up")
    assert f"(process {pid}, up since" in again.stderr
    assert "has ended unexpectedly" in again.stderr
    assert "What was deployed to it is lost" in again.stderr
    assert "ended_unexpectedly" not in result(folder, "sandbox", "status")
    assert result(folder, "sandbox", "status")["pid"] != pid
    assert (folder / ".sagewright" / "sandbox-ended.log").exists()


def test_down_of_a_sandbox_that_was_killed_tells_it_once_and_forgets_it(folder: Path) -> None:
    pid = result(folder, "sandbox", "up")["pid"]
    os.kill(pid, signal.SIGKILL)
    assert result(folder, "sandbox", "down")["ended_unexpectedly"]["pid"] == pid
    assert result(folder, "sandbox", "down") == {"stopped": False}
    assert result(folder, "sandbox", "status") == {"up": False}


def test_a_process_that_is_not_ours_is_never_stopped(folder: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as stranger:
        state = folder / ".sagewright"
        state.mkdir()
        record = {"endpoint": "http://localhost:1", "pid": stranger.pid, "data": str(state / "sandbox"), "started": "x"}
        (state / "sandbox.json").write_text(json.dumps(record))
        assert not result(folder, "sandbox", "down")["stopped"]
        assert stranger.poll() is None
        stranger.communicate(b"\n")


def test_a_port_that_is_taken_is_told_with_the_log(folder: Path) -> None:
    taken = result(folder, "sandbox", "up")["endpoint"].rpartition(":")[2]
    other = folder / "other"
    other.mkdir()
    (other / ".git").mkdir()  # a checkout of its own, which the sandbox above does not serve
    done = sagewright(other, "sandbox", "up", "--port", taken)
    assert done.returncode == 1
    assert "The sandbox did not start" in done.stderr
    assert "sandbox.log" in done.stderr


def test_a_folder_that_is_not_there_gets_no_sandbox(folder: Path) -> None:
    done = sagewright(folder, "sandbox", "up", "--project", "nowhere")
    assert done.returncode == 1
    assert "There is no folder" in done.stderr
    assert list(folder.iterdir()) == []


def test_exports_can_be_evaluated_by_a_shell(folder: Path) -> None:
    exports = sagewright(folder, "sandbox", "up", "--export").stdout
    shown = subprocess.run(
        ["sh", "-c", 'eval "$1"; echo $AWS_ACCESS_KEY_ID', "sh", exports], capture_output=True, text=True, check=True
    )
    assert shown.stdout.strip() == "AKIASBOX111111111111"


def test_git_does_not_see_what_is_remembered(folder: Path) -> None:
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    result(folder, "sandbox", "up")
    shown = subprocess.run(["git", "status", "--porcelain"], cwd=folder, capture_output=True, text=True, check=True)
    assert shown.stdout == ""
