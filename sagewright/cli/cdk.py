"""Runs the real CDK CLI: its whole output goes to a log, and what a person waits for becomes one line per stack."""

import re
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from . import environ, state
from .errors import CommandError
from .terminal import FAILED, SKIPPED, Checklist, Terminal

INTERRUPTED = "Interrupted. What CloudFormation has begun goes on without this command; repeating the command is safe."

_UNATTENDED = ("--require-approval", "never", "--progress", "events")
QUIET = ("--no-notices", "--no-version-reporting", "--ci", "--no-color")

_STARTED = re.compile(
    r"^(?P<stack>\S+?)(?: \(.*\))?: deploying\.\.\."
    r"|^ *⏳ *Bootstrapping environment (?P<place>\S+?)\.\.\."
)
_EVENT = re.compile(
    r"^(?P<stack>\S+) \| +(?P<progress>\d+/\d+|\d+) \| [^|]+ \| (?P<status>[A-Z_]+) *\| (?P<type>\S+) *\| (?P<what>.*)$"
)
_DONE = re.compile(r"^ *✅ *(?:Environment )?(?P<stack>\S+?)(?: \([^)]*\))*(?: bootstrapped)?(?: \(no changes\))?\.?$")
_FAILED = re.compile(r"^ *(?:❌|‣) *(?P<what>.*\w.*)$")
_SYNTHESIZED = re.compile(r"^ *✨ *Synthesis time: (?P<seconds>[\d.]+)s$")
# Its bootstrap names the place, but the events of it the stack.
_TOOLKIT = "CDKToolkit"
_STACK = "AWS::CloudFormation::Stack"
# A rollback that resources caused, each of which has told its own reason.
_OF_RESOURCES = "The following resource(s) failed"
_NO_REASON = "failed to deploy"
_USED_NETWORK = re.compile(r"Export \S+-network-\S+ cannot be (?:updated|deleted) as it is in use")


@dataclass
class _Progress:
    """What the lines read so far say: the stack in progress, and every resource that failed with its reason."""

    checklist: Checklist
    synthesizes: bool = True
    """Whether it writes the assembly that it deploys; else the time that it tells for that means nothing."""
    started: dict[str, float] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    rollbacks: list[str] = field(default_factory=list)
    """Why stacks as a whole went back: where no resource failed, nothing else says it."""
    errors: list[str] = field(default_factory=list)
    in_error: bool = False

    def read(self, line: str) -> None:
        # What the CDK announces with a colon comes on the next line, and goes on below it.
        continues = self.in_error and (line.startswith("  ") or self.errors[-1].endswith("failed:"))
        self.in_error = False
        if match := _EVENT.match(line):
            self._event(match)
        elif continues:
            self.errors[-1] += f" {line.strip()}"
            self.in_error = True
        elif match := _STARTED.match(line):
            self._start(match["stack"] or match["place"])
        elif match := _DONE.match(line):
            self._done(match["stack"], same="(no changes)" in line)
        elif self.synthesizes and (match := _SYNTHESIZED.match(line)):
            self.checklist.finished("synthesis", "", float(match["seconds"]))
        elif match := _FAILED.match(line):
            self.errors.append(match["what"])
            self.in_error = True

    def _start(self, stack: str) -> None:
        self.checklist.forget("cdk")
        self.started.setdefault(stack, time.monotonic())
        self.checklist.running(stack)

    def _event(self, match: re.Match[str]) -> None:
        stack, status = match["stack"], match["status"]
        if stack.startswith(_TOOLKIT):
            stack = next(iter(self.started), stack)
        # The CDK names a stack by its way through the app when it begins, and by its own name in its events.
        stack = next((name for name in self.started if name.endswith(f"/{stack}")), stack)
        self._start(stack)
        if status.endswith("_FAILED") and "cancelled" not in match["what"].lower():
            self.failures.append(f"{match['type']} {match['what'].strip()}")
        why = match["what"].removeprefix(stack).strip()
        if "ROLLBACK_IN_P" in status and match["type"] == _STACK and why and not why.startswith(_OF_RESOURCES):
            self.rollbacks.append(f"{stack}: {why}")
        self.checklist.running(stack, f"{match['progress']} {match['type']}")

    def _done(self, stack: str, *, same: bool) -> None:
        started = self.started.pop(stack, None)
        seconds = time.monotonic() - started if started is not None else None
        if same:
            self.checklist.finished(stack, "unchanged", seconds, SKIPPED)
        else:
            self.checklist.finished(stack, "", seconds)

    def stop(self) -> None:
        for stack in self.started:
            self.checklist.finished(stack, "failed", mark=FAILED)


@dataclass(frozen=True)
class Cdk:
    """The CDK CLI for one project: where it runs, whom it acts as, where it reports."""

    root: Path
    variables: Mapping[str, str]
    terminal: Terminal

    def deploy_assembly(self, folder: Path, *arguments: str, name: str = "deploy") -> None:
        """Deploy stacks of an assembly as it is; `name` is what the user calls it."""
        self.run(name, ["deploy", "--app", str(folder), *_UNATTENDED], arguments)

    def bootstrap(self, *arguments: str) -> None:
        """Prepare the account and region that the arguments name."""
        # Without an app: the CDK would synthesize it to look for more of them.
        self.run("bootstrap", ["bootstrap", "--app", ""], arguments)

    def synthesize(self) -> None:
        """Write the templates and check them, without acting anywhere."""
        self.run("synth", ["synth", "--quiet", *self._app()], [])

    def _app(self) -> list[str]:
        app = f"{shlex.quote(sys.executable)} -m sagewright.app"
        return ["--app", app, "--output", str(state.folder_of(self.root) / "cdk.out")]

    def run(self, name: str, command: Sequence[str], arguments: Sequence[str]) -> None:
        """Run one command of the CDK CLI; its failure becomes one paragraph that names the resource and the log."""
        log = state.new_log(self.root, name)
        call = [str(environ.node()), str(environ.cdk()), *command, *QUIET, *arguments]
        with self.terminal.checklist() as checklist, log.open("w", encoding="utf-8") as written:
            progress = _Progress(checklist, synthesizes="--output" in command)
            written.write(f"{shlex.join(call)}\n\n")
            status = self._follow(call, progress, written)
            if status != 0:
                progress.stop()
        if status != 0:
            raise CommandError(_reason(name, progress, log))

    def _follow(self, call: Sequence[str], progress: _Progress, written: TextIO) -> int:
        """Copy the output to the log while it comes, and show what it says; returns the exit status."""
        with _started(call, self.root, environ.tools(self.variables)) as process:
            if process.stdout is None:
                raise AssertionError("the process was started with a pipe")
            progress.checklist.running("cdk")
            for line in process.stdout:
                written.write(line)
                progress.read(line.rstrip("\n"))
            progress.checklist.forget("cdk")
            return process.wait()


@contextmanager
def _started(call: Sequence[str], root: Path, variables: Mapping[str, str]) -> Iterator[subprocess.Popen[str]]:
    """Start the process, and leave nothing of it behind however the block is left."""
    process = subprocess.Popen(  # noqa: S603 - our own Node and CDK, arguments from a validated project
        call,
        cwd=root,
        env=dict(variables),
        text=True,
        encoding="utf-8",
        errors="replace",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait()


def _reason(name: str, progress: _Progress, log: Path) -> str:
    """Tell the first failing resource with its reason, else what the CDK CLI said last."""
    told = [each for each in progress.errors if not each.endswith(_NO_REASON)] or progress.errors
    if found := [*progress.failures, *progress.rollbacks, *told]:
        why = found[0]
    else:
        lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
        why = lines[-1] if len(lines) > 1 else "it said nothing"
    if _USED_NETWORK.search(why):
        why = (
            f"{why.rstrip('.')}. A network cannot be changed while jobs or an endpoint are in it: go by way of "
            "`network.mode: none` (docs/network.md)"
        )
    return f"cdk {name} failed: {why.rstrip('.')}. The whole output is in {log}."
