"""The demo's second half: hours pass, requests begin to look different, and somebody is told."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sagewright.cli import drift, sandbox_clock, sandbox_person
from sagewright.cli.asking import Endpoint, Request, ask
from sagewright.cli.errors import CommandError
from sagewright.cli.options import Options
from sagewright.cli.sandbox_person import Message
from sagewright.cli.target import Sandbox
from sagewright.project import Environment, Project, names
from sagewright.runtime.functions import evidence, watching
from sagewright.runtime.functions.model_versions import Version
from sagewright.runtime.functions.watching import Run, Schedule, Transition

from . import shifting
from .shifting import Row, Shift

# The alarm needs two runs of three; the third shows that it is told once.
SHIFTED_HOURS = 3
ROWS, ROWS_OF_A_REQUEST = 1000, 100
# A run takes minutes in AWS, Model Monitor begins one up to 20 minutes late, and an alarm is looked at each minute.
_UNTIL_TOLD = timedelta(minutes=25)
_JUST_BEFORE = timedelta(seconds=1)


@dataclass(frozen=True)
class Watched:
    """What came of it: every run, what the alarms did, who was told, and what was done to the requests."""

    engine: str
    shift: Shift
    runs: list[Run]
    transitions: list[Transition]
    messages: list[Message]
    marks: list[tuple[datetime, str]]
    until: datetime

    @property
    def fired(self) -> list[Transition]:
        """When an alarm went off."""
        return [each for each in self.transitions if each.after == "ALARM"]

    @property
    def notices(self) -> list[Message]:
        """The messages that tell something; another one had asked whether they are wanted."""
        return [each for each in self.messages if each.confirmation is None]


@dataclass
class Watch:
    """Sends requests, lets hours pass, and holds what is found to what was done."""

    options: Options
    project: Project
    target: Sandbox
    version: Version
    marks: list[tuple[datetime, str]] = field(default_factory=list)
    hours: int = 0

    @property
    def place(self) -> Environment:
        """Where the endpoint is."""
        return self.project.serving[0]

    def subscribe(self) -> None:
        """Say yes to the message that asks whether the project's owner wants to be told."""
        asking = [each for each in sandbox_person.inbox(self.target.running) if each.confirmation is not None]
        if not asking:
            raise CommandError("Nobody was asked whether he wants the notices: the release should have subscribed one.")
        for message in asking:
            sandbox_person.confirm(self.target.running, message)
            self.options.terminal.done(f"{message.to} wants to be told")

    def unchanged(self) -> None:
        """Send rows that the model has never seen, and expect that the run of their hour finds nothing."""
        run = self._hour(self._rows(), "held-out rows, as they are")
        if run.drifted:
            raise CommandError(
                f"The run over held-out rows as they are says that {_list(run.drifted)} drifted: "
                f"{_words(run)} Its files: {run.files}"
            )
        self._tell(run)

    def shifted(self) -> Shift:
        """Send rows that were changed, hour after hour, and expect that each run names what was changed."""
        columns = evidence.baseline(self.target.client("s3", self.project.first), self.version)["columns"]
        shift = shifting.choose([(each["name"], each["type"]) for each in columns], self._held_out())
        self.options.terminal.note(f"From now on: {shift}")
        for hour in range(SHIFTED_HOURS):
            what = f"shifted: {shift}" if hour == 0 else "shifted again"
            run = self._hour(shift.apply(self._rows()), what)
            if list(run.drifted) != shift.columns:
                found = _list(run.drifted) if run.drifted else "nothing"
                raise CommandError(
                    f"{_list(shift.columns)} were changed, but the run says that {found} drifted: {_words(run)} "
                    f"Its files: {run.files}"
                )
            self._tell(run)
        return shift

    def told(self, shift: Shift) -> Watched:
        """Expect that the alarm went off once, and that one message says which columns."""
        cloudwatch = self.target.client("cloudwatch", self.place)
        alarms = drift.alarm_names(self.project, self.place)
        transitions = sorted(
            (change for name in alarms for change in watching.transitions(cloudwatch, name)),
            key=lambda change: change.time,
        )
        watched = Watched(
            self.place.monitoring.engine,
            shift,
            self._runs(),
            transitions,
            sandbox_person.inbox(self.target.running),
            self.marks,
            sandbox_person.now(self.target),
        )
        if [each.alarm for each in watched.fired] != alarms[:1]:
            fired = _list([f"{each.alarm} at {each.time:%H:%M}" for each in watched.fired]) or "none"
            raise CommandError(f"Alarm {alarms[0]} should have gone off once, and no other: {fired} did.")
        notices = watched.notices
        if len(notices) != 1 or not all(column in notices[0].text for column in shift.columns):
            subjects = _list([f"'{each.subject}'" for each in notices]) or "none"
            raise CommandError(f"One message should name {_list(shift.columns)}; the inbox holds: {subjects}.")
        self.options.terminal.done(f"{watched.fired[0].alarm} went off at {watched.fired[0].time:%H:%M}, once")
        self.options.terminal.done(f"One message to {notices[0].to}: {notices[0].subject}")
        return watched

    def _held_out(self) -> list[Row]:
        return evidence.held_out(self.target.client("s3", self.project.first), self.version, ROWS).rows

    def _rows(self) -> list[Row]:
        """Take the held-out rows in another order every hour, so that requests are never the same."""
        rows = self._held_out()
        begin = self.hours * len(rows) // (SHIFTED_HOURS + 1)
        return rows[begin:] + rows[:begin]

    def _hour(self, rows: Sequence[Row], what: str) -> Run:
        """Send rows, let time pass until the run over them and all that follows from it is over; returns the run."""
        sent = self._send(rows)
        self.marks.append((sent, what))
        self.hours += 1
        _, end = self._window(sent)
        due = self._schedule().next_run(end - _JUST_BEFORE)
        if due is None:
            raise CommandError(f"The schedule of {self.place.name} starts no run: see `sagewright drift`.")
        sandbox_clock.let_pass(self.options, self.target.running, due + _UNTIL_TOLD)
        run = next((each for each in self._runs() if each.window[0] <= sent < each.window[1]), None)
        if run is None or run.report is None:
            happened = "there is none" if run is None else f"it is {run.status}: {run.failure or 'no reason is given'}"
            raise CommandError(f"A run over the requests of {sent:%H:%M} was due at {due:%H:%M}; {happened}.")
        if run.report.rows == 0:
            raise CommandError(f"The run over the requests of {sent:%H:%M} found none. Its files: {run.files}")
        return run

    def _send(self, rows: Sequence[Row]) -> datetime:
        """Send all rows within one window; returns when."""
        endpoint = Endpoint.of(self.project, self.target, self.place)
        while True:
            began = sandbox_person.now(self.target)
            for begin in range(0, len(rows), ROWS_OF_A_REQUEST):
                ask(endpoint, Request.of_texts(rows[begin : begin + ROWS_OF_A_REQUEST]))
            if self._window(began) == self._window(sandbox_person.now(self.target)):
                return began

    def _window(self, moment: datetime) -> tuple[datetime, datetime]:
        """Return the hour, or the day, that a moment is in."""
        begin = moment.replace(minute=0, second=0, microsecond=0)
        hours = self.place.monitoring.window_hours
        begin = begin.replace(hour=0) if hours > 1 else begin
        return begin, begin + timedelta(hours=hours)

    def _schedule(self) -> Schedule:
        sagemaker, scheduler = (self.target.client(service, self.place) for service in ("sagemaker", "scheduler"))
        found = drift.monitor(self.project, self.place).scheduled(sagemaker, scheduler)
        if found is None:
            schedule = names.monitoring_schedule(self.project.name, self.place.name)
            raise CommandError(f"There is no schedule {schedule}: the release should have deployed it.")
        return found

    def _runs(self) -> list[Run]:
        sagemaker, s3 = (self.target.client(service, self.place) for service in ("sagemaker", "s3"))
        # Requests may be sent just before a run is due, whose window they are not in.
        return drift.monitor(self.project, self.place).runs(sagemaker, s3, self.hours + 2)

    def _tell(self, run: Run) -> None:
        rows = run.report.rows if run.report is not None else None
        window = f"{run.window[0]:%H:%M} to {run.window[1]:%H:%M}"
        found = f"[bold]{_list(run.drifted)} drifted[/]" if run.drifted else "nothing has drifted"
        self.options.terminal.done(f"Run over {window}, {rows:,} rows: {found}")


def _words(run: Run) -> str:
    """Repeat what a run says of the columns that it names."""
    findings = run.report.findings if run.report is not None else ()
    return " ".join(f"{each.column}: {'; '.join(each.descriptions)}." for each in findings if each.drifted)


def _list(words: Sequence[str]) -> str:
    *first, last = words or [""]
    return f"{', '.join(first)} and {last}" if first else last
