"""What a build says of its failure: CodeBuild itself says only that a command ended with status 1."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from .client import Client

# <project>:<uuid>; other actions have ids of other forms.
_BUILD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]+:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_ERROR = "Error: "
_LINES = 300
_LENGTH = 2000
_SHOWN = 5
_OF_CODEBUILD = "[Container]"
_FAILED, _RUNNING = "Command did not exit successfully", "Running command "
_COMMAND = re.compile(r"Error while executing command: (.+?)\. Reason: ", re.DOTALL)
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
# A test, as pytest sums it up; a violation, as Ruff shows it, above the place that it is at.
_TEST = re.compile(r"(FAILED|ERROR) \S+(::| - |$)")
_PLACE = re.compile(r"\s*--> (\S+:\d+:\d+)")


def plain(why: str) -> str:
    """Say which command failed, apart from the sentence around it: a command may end with a full stop, too."""
    return _COMMAND.sub(r"`\1` failed: ", why)


@dataclass(frozen=True)
class Told:
    """What the log of a build says of its failure; `error` is one of ours, which needs no other words."""

    group: str
    stream: str
    error: str | None
    lines: tuple[str, ...]

    def whole(self, region: str) -> str:
        """Give the command that shows the whole log of a build of the last year."""
        return (
            f"aws logs tail {self.group} --log-stream-names {self.stream} --since 52w --format short --region {region}"
        )

    def after(self, why: str) -> str:
        """Say why the build failed; `why` is what CodeBuild says of it."""
        if self.error is not None:
            return self.error
        return ". ".join(
            filter(None, [plain(why).rstrip("."), f"Its log: {'; '.join(self.lines)}" if self.lines else ""])
        )


def read(client: Callable[[str], Client], identity: str) -> Told | None:
    """Read the end of a build's log; None where the id is no build's, or it has none."""
    found = _end(client, identity)
    if found is None:
        return None
    group, stream, said = found
    own = _of_failed_command(said)
    tests = _tests(own)
    # What a test prints may begin like an error of ours.
    error = _last(own, _ERROR) if not tests else None
    return Told(group, stream, error, () if error is not None else tests or _found(own))


def last(client: Callable[[str], Client], identity: str, begins: str) -> str | None:
    """Read how the last line that begins in this way goes on; None where there is none, or the id is no build's."""
    found = _end(client, identity)
    return _last(found[2], begins) if found is not None else None


def _last(said: Sequence[str], begins: str) -> str | None:
    return next((line.removeprefix(begins)[:_LENGTH] for line in reversed(said) if line.startswith(begins)), None)


def _end(client: Callable[[str], Client], identity: str) -> tuple[str, str, list[str]] | None:
    """Read the last lines of a build's log, with the names of its group and its stream."""
    if _BUILD.fullmatch(identity) is None:
        return None
    build = next(iter(client("codebuild").batch_get_builds(ids=[identity])["builds"]), {})
    log: dict[str, str] = build.get("logs", {})
    if "groupName" not in log or "streamName" not in log:
        return None
    events = client("logs").get_log_events(
        logGroupName=log["groupName"], logStreamName=log["streamName"], limit=_LINES, startFromHead=False
    )["events"]
    return (
        log["groupName"],
        log["streamName"],
        [_COLOUR.sub("", line).rstrip() for event in events for line in event["message"].splitlines()],
    )


def _of_failed_command(said: Sequence[str]) -> list[str]:
    """Leave out what other commands have said: of a failed phase, the next one's are in the log, too."""
    end = next((number for number, line in enumerate(said) if _is_of_codebuild(line, _FAILED)), len(said))
    begun = [number for number, line in enumerate(said[:end]) if _is_of_codebuild(line, _RUNNING)]
    own = said[begun[-1] + 1 if begun else 0 : end]
    return [line for line in own if line and not line.startswith(_OF_CODEBUILD)]


def _is_of_codebuild(line: str, what: str) -> bool:
    return line.startswith(_OF_CODEBUILD) and what in line


def _tests(said: Sequence[str]) -> tuple[str, ...]:
    """Find the tests that failed; of a file that could not be collected, pytest's summary does not say why."""
    tests = [line for line in said if _TEST.match(line)]
    more = [f"and {len(tests) - _SHOWN} more"] if len(tests) > _SHOWN else []
    why = [] if any(" - " in line for line in tests) else [line[1:] for line in said if line.startswith("E  ")][-1:]
    return tuple(_short([*tests[:_SHOWN], *more, *why])) if tests else ()


def _found(said: Sequence[str]) -> tuple[str, ...]:
    """Find what people look for in a log: the first violation, or else the last lines."""
    for what, line in pairwise(said):
        if place := _PLACE.match(line):
            return tuple(_short([f"{place[1]} {what}", *(each for each in said if each.startswith("Found "))]))
    return tuple(_short(said[-_SHOWN:]))


def _short(lines: Sequence[str]) -> list[str]:
    return [line.strip()[: _LENGTH // (_SHOWN + 1)] for line in lines]
