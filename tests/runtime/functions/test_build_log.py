"""What a failed build says is found in its log: an error of ours, the tests that failed, the first violation."""

import uuid
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from sagewright.runtime.functions import build_log
from sagewright.runtime.functions.build_log import Told

BUILD = f"churn-test:{uuid.uuid4()}"
WHY = "Error while executing command: python -m pytest. Reason: exit status 1"
PLAIN = "`python -m pytest` failed: exit status 1"
AT = "[Container] 2030/01/31 12:00:00.000000"
RUFF = f"{AT} Running command ruff check ."
PYTEST = f"{AT} Running command python -m pytest"
FAILED = f"{AT} Command did not exit successfully python -m pytest exit status 1"
AFTER = [f"{AT} Phase complete: BUILD State: FAILED", f"{AT} Running command echo", "Error: of something after"]

Reads = Callable[[Sequence[str]], Told]


class Logs:
    """CodeBuild and CloudWatch Logs, with one build whose log says this."""

    def __init__(self, said: Sequence[str]) -> None:
        self.said = said

    def batch_get_builds(self, ids: list[str]) -> Any:
        return {"builds": [{"logs": {"groupName": "/aws/codebuild/churn-test", "streamName": each}} for each in ids]}

    def get_log_events(self, **asked: Any) -> Any:
        assert asked["startFromHead"] is False
        return {"events": [{"message": f"{line}\n"} for line in self.said[-asked["limit"] :]]}


@pytest.fixture
def read() -> Reads:
    def of(said: Sequence[str]) -> Told:
        found = build_log.read(lambda _service: Logs(said), BUILD)
        assert found is not None
        return found

    return of


def test_the_tests_that_failed_are_told_behind_what_codebuild_says(read: Reads) -> None:
    said = [RUFF, "All checks passed!", PYTEST, "Error: a test printed this", "E   assert 1 == 2"]
    summary = ["FAILED tests/test_a.py::test_x[a b] - assert 1 == 2", "\x1b[31mERROR tests/test_b.py::test_y\x1b[0m"]
    told = read([*said, *summary, "1 failed in 0.02s", FAILED, *AFTER]).after(WHY)
    assert told == (
        f"{PLAIN}. Its log: FAILED tests/test_a.py::test_x[a b] - assert 1 == 2; ERROR tests/test_b.py::test_y"
    )


def test_of_many_tests_the_first_are_told_and_how_many_more(read: Reads) -> None:
    summary = [f"FAILED tests/test_a.py::test_{number} - {'x' * 1000}" for number in range(50)]
    found = read([PYTEST, *summary, FAILED])
    assert len(found.lines) == 6
    assert found.lines[-1] == "and 45 more"
    assert len(found.after(WHY)) < 2500


def test_a_file_that_could_not_be_collected_is_told_with_its_error(read: Reads) -> None:
    said = [PYTEST, "E   ModuleNotFoundError: No module named 'nothing'", "ERROR tests/test_b.py", "1 error", FAILED]
    assert read(said).lines == ("ERROR tests/test_b.py", "ModuleNotFoundError: No module named 'nothing'")


def test_the_first_violation_is_told_with_its_place_and_how_many_there_are(read: Reads) -> None:
    said = ["F401 [*] `os` imported but unused", " --> src/a.py:1:8", "  |", "F821 Undefined name `x`", " --> b.py:1:1"]
    ended = FAILED.replace("python -m pytest", "ruff check .")
    found = read([RUFF, *said, "Found 2 errors.", ended])
    assert found.lines == ("src/a.py:1:8 F401 [*] `os` imported but unused", "Found 2 errors.")


def test_an_error_of_ours_is_told_alone(read: Reads) -> None:
    ended = f"{AT} Command did not exit successfully sagewright check exit status 1"
    found = read([f"{AT} Running command sagewright check", "Error: project.yaml is none.", ended, *AFTER])
    assert found.after(WHY) == "project.yaml is none."


def test_of_anything_else_the_last_lines_are_told(read: Reads) -> None:
    assert read([PYTEST, *"abcdefg", "", FAILED]).lines == tuple("cdefg")
    assert read([PYTEST, FAILED]).after(WHY) == PLAIN


def test_the_whole_log_is_shown_by_a_command(read: Reads) -> None:
    assert read([FAILED]).whole("eu-west-1") == (
        f"aws logs tail /aws/codebuild/churn-test --log-stream-names {BUILD} --since 52w --format short "
        "--region eu-west-1"
    )


def test_the_last_line_that_begins_so_is_found_in_the_log_of_a_build_that_went_well() -> None:
    said = ["Training skipped: nothing changed", f"{AT} Phase complete"]
    assert build_log.last(lambda _service: Logs(said), BUILD, "Training skipped: ") == "nothing changed"
    assert build_log.last(lambda _service: Logs(said), BUILD, "Training started") is None


@pytest.mark.parametrize("identity", ["", "arn:aws:cloudformation:eu-west-1:111111111111:stack/a/b", "a:b"])
def test_what_is_no_build_has_no_log_of_one(identity: str) -> None:
    def make(service: str) -> Any:
        raise AssertionError(f"{service} was asked")

    assert build_log.read(make, identity) is None
