"""Where output goes: progress to stderr for people, the result to stdout, as a table or, with --json, for programs."""

import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn
from rich.spinner import Spinner
from rich.table import Table

from .errors import CommandError

OK, FAILED, SKIPPED = "[green]✓[/]", "[red]✗[/]", "[dim]·[/]"
# A terminal narrower than this, or none at all, would cut names that people copy.
PIPE_WIDTH = 160


class Terminal:
    """One command's output. In --json mode stdout carries the result alone, so that it can be piped."""

    def __init__(self, *, as_json: bool = False) -> None:
        self.as_json = as_json
        self.notes = _console(stderr=True)
        self.results = _console(stderr=False)

    def note(self, text: str) -> None:
        """Tell a person something on stderr; `text` may hold rich markup."""
        # The terminal wraps it, if anything does: a line break of ours would be copied along with a command.
        self.notes.print(text, highlight=False, soft_wrap=True)

    def done(self, text: str, seconds: float | None = None) -> None:
        """Tell that something is finished."""
        self.note(f"{OK} {text}{took(seconds)}")

    def error(self, text: str) -> None:
        """Print why the command failed, on stderr."""
        self.notes.print(f"[bold red]Error:[/] {escape(text)}", highlight=False, soft_wrap=not self.notes.is_terminal)

    def result(self, value: Mapping[str, Any] | Sequence[Any], *shown: Any) -> None:
        """Print the command's result: `value` as JSON when programs read, else what is made for people."""
        if self.as_json:
            sys.stdout.write(json.dumps(value, indent=2, default=_plain) + "\n")
            return
        for each in shown:
            # A line break of ours in a text would be copied along with an address or a command.
            self.results.print(each, highlight=False, soft_wrap=isinstance(each, str))

    def confirm(self, question: str, *, assume_yes: bool) -> None:
        """Go on only after a yes; where nobody can answer, say how a script says it."""
        if assume_yes:
            return
        if not sys.stdin.isatty():
            raise CommandError(f"{question} Nobody is there to answer: run it again with --yes.")
        self.notes.print(f"{escape(question)} \\[y/N] ", end="", highlight=False)
        if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
            raise CommandError("Nothing was done, because the answer was not yes.")

    @contextmanager
    def if_interrupted(self, *lines: str) -> Iterator[None]:
        """Say on Ctrl-C what goes on without this command, and how to come back to it."""
        try:
            yield
        except KeyboardInterrupt:
            for line in ("", *lines):
                self.note(line)
            raise

    @contextmanager
    def checklist(self) -> Iterator["Checklist"]:
        """Show several things in progress at once, one line each; without a terminal only what is finished."""
        checklist = Checklist(self.notes)
        if not self.notes.is_terminal:
            yield checklist
            return
        with Live(console=self.notes, refresh_per_second=8, transient=True) as live:
            checklist.attach(live)
            yield checklist

    @contextmanager
    def task(self, title: str) -> Iterator[list[str]]:
        """Show one thing in progress; what is put into the list is told beside it once it is finished."""
        details: list[str] = []
        started = time.monotonic()
        with self.notes.status(f"{title} …"):
            yield details
        told = f" [dim]{escape('; '.join(details))}[/]" if details else ""
        self.note(f"{OK} {title}{told}{took(time.monotonic() - started)}")

    @contextmanager
    def transfer(self, title: str, size: int) -> Iterator[Progress]:
        """Show a progress bar of bytes; its only task is advanced by the caller."""
        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
        with Progress(*columns, console=self.notes, transient=True, disable=not self.notes.is_terminal) as progress:
            progress.add_task(title, total=size)
            yield progress


class Checklist:
    """The lines of things in progress: finished ones stay, running ones turn a spinner where there is a terminal."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live: Live | None = None
        self._running: dict[str, str] = {}

    def attach(self, live: Live) -> None:
        """Draw the running lines into this live display."""
        self._live = live

    def running(self, name: str, note: str = "") -> None:
        """Show that `name` is in progress, and how far."""
        if self._running.get(name) == note:
            return
        self._running[name] = note
        self._draw()

    def forget(self, name: str) -> None:
        """Take a line away without a word."""
        if self._running.pop(name, None) is not None:
            self._draw()

    def finished(self, name: str, note: str = "", seconds: float | None = None, mark: str = OK) -> None:
        """Print the last line of `name`."""
        self._running.pop(name, None)
        told = f" [dim]{escape(note)}[/]" if note else ""
        self._console.print(f"{mark} {escape(name)}{told}{took(seconds)}", highlight=False)
        self._draw()

    def _draw(self) -> None:
        if self._live is not None:
            grid = Table.grid()
            for name, note in self._running.items():
                grid.add_row(Spinner("dots", f"{escape(name)} [dim]{escape(note)}[/]"))
            self._live.update(grid)


def took(seconds: float | None) -> str:
    """Say how long something took; nothing for what has no duration."""
    return "" if seconds is None else f" [dim]{seconds:.1f} s[/]"


def table(*headings: str, rows: Sequence[Sequence[object]], title: str | None = None) -> Table:
    """Make a plain table: cells are texts, never markup."""
    made = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    made.show_header = any(headings)
    for heading in headings:
        made.add_column(heading, overflow="fold")
    for row in rows:
        made.add_row(*(escape(str(cell)) for cell in row))
    return made


def _console(*, stderr: bool) -> Console:
    console = Console(stderr=stderr)
    if not console.is_terminal:
        console.width = PIPE_WIDTH
    return console


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")
