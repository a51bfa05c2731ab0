"""A build runs its buildspec: commands and phases, how they fail, and how a build ends before its time."""

import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sagewright.sandbox.codebuild import run

PHASES = ["INSTALL", "PRE_BUILD", "BUILD", "POST_BUILD", "UPLOAD_ARTIFACTS", "FINALIZING", "COMPLETED"]
FIRST = ["SUBMITTED", "QUEUED", "PROVISIONING", "DOWNLOAD_SOURCE"]


def spec(*commands: str, **more: Any) -> str:
    listed = "\n".join(f"      - {command!r}" for command in commands)
    tail = "".join(f"{name}: {value}\n" for name, value in more.items())
    return f"version: 0.2\nphases:\n  build:\n    commands:\n{listed}\n{tail}"


def phases(build: dict[str, Any]) -> dict[str, str]:
    return {phase["phaseType"]: phase.get("phaseStatus", "") for phase in build["phases"]}


def context(build: dict[str, Any], phase: str) -> tuple[str, str]:
    (found,) = [each for each in build["phases"] if each["phaseType"] == phase]
    return found["contexts"][0]["statusCode"], found["contexts"][0]["message"]


def began(file: Path) -> str:
    """Wait until a command has written to the file."""
    until = time.monotonic() + 30
    while not (file.exists() and file.read_text().endswith("\n")):
        assert time.monotonic() < until, f"nothing wrote {file}"
    return file.read_text().strip()


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


def test_commands_share_folder_and_variables_through_all_phases(yard: Any) -> None:
    build = yard.run(
        """
version: 0.2
phases:
  install:
    commands: [mkdir deep, cd deep, plain=kept, 'shown() { echo "$1 $plain $EXPORTED"; }']
  pre_build:
    commands: [export EXPORTED=yes]
  build:
    commands:
      - shown $(basename "$PWD")
      - |
        for word in two lines; do
          echo $word
        done
"""
    )
    assert build["buildStatus"] == "SUCCEEDED"
    printed = yard.printed(build)
    assert (printed[0], printed[-2:]) == ("deep kept yes", ["two", "lines"])
    assert list(phases(build)) == FIRST + PHASES
    assert {*phases(build).values()} == {"SUCCEEDED", ""}


def test_a_failed_command_skips_the_rest_but_what_is_under_finally_and_post_build(yard: Any) -> None:
    build = yard.run(
        """
version: 0.2
phases:
  build:
    commands: [echo one, 'false', echo never]
    finally: [echo finally]
  post_build:
    commands: [echo after $CODEBUILD_BUILD_SUCCEEDING]
"""
    )
    assert build["buildStatus"] == "FAILED"
    assert yard.printed(build) == ["one", "finally", "after 0"]
    assert (phases(build)["BUILD"], phases(build)["POST_BUILD"]) == ("FAILED", "SUCCEEDED")
    reason = "Error while executing command: false. Reason: exit status 1"
    assert context(build, "BUILD") == ("COMMAND_EXECUTION_ERROR", reason)


def test_a_command_that_ends_the_shell_fails_alone(yard: Any) -> None:
    build = yard.run(
        """
version: 0.2
phases:
  build:
    commands: [export KEPT=1; cd /; exit 7]
  post_build:
    commands: [echo $PWD $KEPT]
"""
    )
    assert context(build, "BUILD")[1].endswith("Reason: exit status 7")
    assert yard.printed(build) == ["/ 1"]


@pytest.mark.parametrize("phase", ["install", "pre_build"])
def test_a_build_that_cannot_be_prepared_uploads_nothing(yard: Any, phase: str) -> None:
    build = yard.run(f"version: 0.2\nphases: {{{phase}: {{commands: ['false']}}, build: {{commands: [echo never]}}}}")
    assert build["buildStatus"] == "FAILED"
    assert list(phases(build))[-3:] == [phase.upper(), "FINALIZING", "COMPLETED"]
    assert yard.printed(build) == []


@pytest.mark.parametrize(("choice", "ran"), [("ABORT", False), ("CONTINUE", True)])
def test_on_failure_decides_whether_the_next_phase_runs(yard: Any, choice: str, *, ran: bool) -> None:
    build = yard.run(
        f"""
version: 0.2
phases:
  pre_build: {{on-failure: CONTINUE, commands: ['false']}}
  build: {{on-failure: {choice}, commands: ['false']}}
  post_build: {{commands: [echo after]}}
"""
    )
    assert build["buildStatus"] == "FAILED"
    assert (yard.printed(build) == ["after"]) is ran


def test_a_command_line_that_no_shell_reads_fails_its_phase(yard: Any) -> None:
    build = yard.run(spec("if then"))
    assert context(build, "BUILD") == (
        "COMMAND_EXECUTION_ERROR",
        "Error while executing command: if then. Reason: exit status 2",
    )


def test_the_shell_is_sh_unless_the_buildspec_asks_for_bash(yard: Any) -> None:
    test = 'echo "${BASH_VERSION:+bash}"; set -- a; [[ a = a ]] && echo both'
    assert yard.printed(yard.run(spec(test, env="{shell: bash}"))) == ["bash", "both"]


def test_a_stopped_build_ends_with_all_that_it_started(yard: Any, tmp_path: Path) -> None:
    marker = yard.marker(tmp_path)
    background = f'setsid sleep 600 & echo $! >"{marker}"; sleep 600'
    identity = yard.start(yard.project(spec(background)))
    pid = int(began(marker))
    stopped = yard.client.stop_build(id=identity)["build"]
    assert (stopped["buildStatus"], stopped["currentPhase"]) == ("STOPPED", "COMPLETED")
    assert phases(stopped)["BUILD"] == "STOPPED"
    assert not alive(pid)
    assert yard.client.stop_build(id=identity)["build"]["buildStatus"] == "STOPPED"


def test_what_a_build_leaves_running_ends_with_it(yard: Any, tmp_path: Path) -> None:
    marker = yard.marker(tmp_path)
    build = yard.run(spec(f'nohup sleep 600 & echo $! >"{marker}"'))
    assert build["buildStatus"] == "SUCCEEDED"
    assert not alive(int(began(marker)))


def test_a_build_that_takes_too_long_is_timed_out(yard: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "MINUTE_S", 0.1)
    build = yard.run(spec("sleep 600"), timeoutInMinutes=5)
    assert (build["buildStatus"], phases(build)["BUILD"]) == ("TIMED_OUT", "TIMED_OUT")
    assert context(build, "BUILD")[0] == "BUILD_TIMED_OUT"


def test_a_killed_process_is_a_failed_build_and_can_be_retried(yard: Any, tmp_path: Path) -> None:
    marker = yard.marker(tmp_path)
    command = f'[ -e "{marker}" ] && echo again || {"{"} echo begun >"{marker}"; sleep 600; {"}"}'
    identity = yard.start(yard.project(spec(command)))
    began(marker)
    os.kill(yard.codebuild.builds.pid(identity), signal.SIGKILL)
    build = yard.ended(identity)
    assert build["buildStatus"] == "FAILED"
    assert context(build, "BUILD")[1].endswith("Reason: signal: killed")
    again = yard.ended(yard.client.retry_build(id=identity)["build"]["id"])
    assert (again["buildStatus"], again["buildNumber"], yard.printed(again)) == ("SUCCEEDED", 2, ["again"])


def test_a_project_at_its_limit_refuses_another_build(yard: Any, tmp_path: Path) -> None:
    marker = yard.marker(tmp_path)
    project = yard.project(spec(f'echo begun >"{marker}"; sleep 600'), concurrentBuildLimit=1)
    first = yard.start(project)
    began(marker)
    with pytest.raises(ClientError, match="AccountLimitExceededException"):
        yard.start(project)
    yard.client.stop_build(id=first)
    yard.client.stop_build(id=yard.start(project))


def test_the_same_token_starts_one_build(yard: Any) -> None:
    project = yard.project(spec("true"))
    first = yard.start(project, idempotencyToken="t")
    assert yard.start(project, idempotencyToken="t") == first
    with pytest.raises(ClientError, match="other parameters"):
        yard.start(project, idempotencyToken="t", sourceVersion="x")
    assert yard.client.list_builds_for_project(projectName=project)["ids"] == [first]
    yard.ended(first)


def test_a_build_is_found_by_id_and_by_arn_and_by_nothing_else(yard: Any) -> None:
    build = yard.run(spec("true"))
    answer = yard.client.batch_get_builds(ids=[build["arn"], "no-such:build"])
    assert [each["id"] for each in answer["builds"]] == [build["id"]]
    assert answer["buildsNotFound"] == ["no-such:build"]
    assert build["id"] in yard.client.list_builds()["ids"]
