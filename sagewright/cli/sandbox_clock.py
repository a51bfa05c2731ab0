"""`sagewright sandbox clock | inbox`: let time pass in the sandbox, and read what it sent."""

import re
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer
from rich.markup import escape

from . import sandbox_person, sandbox_process
from .errors import CommandError
from .options import Options, command
from .sandbox_person import Clock, Message
from .sandbox_process import RunningSandbox
from .terminal import table

_STEP = re.compile(r"(\d+)([dhms])")
_FORWARD = re.compile(r"\+?(?:\d+[dhms])+")
_GOES_ON = "The clock goes on to where it was sent; see how far it is: [bold]sagewright sandbox clock[/]"
_UNITS = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds"}


def register(sandbox: typer.Typer) -> None:
    """Add the commands to the group `sandbox`."""
    examples = ("sagewright sandbox clock", "sagewright sandbox clock +2h", "sagewright sandbox clock 2030-01-31T12:00")
    command(sandbox, "clock", examples=examples)(clock)
    examples = ("sagewright sandbox inbox", "sagewright sandbox inbox --confirm", "sagewright sandbox inbox --json")
    command(sandbox, "inbox", examples=examples)(inbox)


def clock(
    options: Options,
    to: Annotated[
        str | None,
        typer.Argument(
            metavar="+DURATION|TIME",
            help="How far to go, such as +2h, +1d12h or +90m, or a moment to go to (UTC without an offset). "
            "Left out, the clock is only read.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Let time pass in the sandbox: schedules fire, alarms are evaluated, messages are sent, each at its moment.

    The clock only goes forward, and takes about half a second for each run of a monitor on the way. What a client
    compares with its own clock stays real: deployments work as before.
    """
    running = _running(options)
    if to is None:
        found = sandbox_person.clock(running)
    else:
        found = let_pass(options, running, moment(to, sandbox_person.clock(running).now))
    options.terminal.result(_as_json(found), _told(found))


def inbox(
    options: Options,
    *,
    confirm: Annotated[
        bool, typer.Option("--confirm", help="Say yes to every message that asks whether a subscription is wanted.")
    ] = False,
) -> None:
    """Show the messages that the sandbox would have sent by e-mail; none leaves this machine.

    As in AWS, a new subscriber is first asked whether he wants to be one, and gets nothing else until he has said yes.
    """
    running = _running(options)
    messages = sandbox_person.inbox(running)
    asking = [each for each in messages if each.confirmation is not None]
    if confirm:
        for message in asking:
            if sandbox_person.confirm(running, message):
                options.terminal.done(f"{escape(message.to)} has said yes: {escape(message.subject)}")
            else:
                options.terminal.note(f"Nobody asks {escape(message.to)} any more: {escape(message.subject)}")
    options.terminal.result([_message_as_json(each) for each in messages], *_page(messages))


def let_pass(options: Options, running: RunningSandbox, to: datetime) -> Clock:
    """Move the clock forward, and show what the way there waits for."""
    title, began = f"Let time pass until {_shown(to)}", time.monotonic()
    with options.terminal.if_interrupted(_GOES_ON), options.terminal.checklist() as checklist:
        found = sandbox_person.move(
            running, to, lambda state: checklist.running(title, f"{_shown(state.now)} {', '.join(state.waiting_for)}")
        )
        checklist.finished(title, "", time.monotonic() - began)
    return found


def moment(text: str, now: datetime) -> datetime:
    """Read a moment as it is given on the command line: from now on, or by its date and time."""
    if _FORWARD.fullmatch(text):
        steps = [timedelta(**{_UNITS[unit]: int(count)}) for count, unit in _STEP.findall(text)]
        return now + sum(steps, timedelta())
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise CommandError(
            f"'{text}' is neither a duration nor a time: write +2h, +1d12h or +90m, or a time such as 2030-01-31T12:00."
        ) from None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def _running(options: Options) -> RunningSandbox:
    running = sandbox_process.find(options.folder)
    if running is not None:
        return running
    ended = sandbox_process.find_ended(options.folder)
    raise CommandError(ended.epitaph() if ended else "No sandbox is up here. Start one with: sagewright sandbox up")


def _as_json(found: Clock) -> dict[str, Any]:
    return {
        "now": found.now,
        "real": found.real,
        "ahead_seconds": found.ahead_s,
        "moving_to": found.moving_to,
        "waiting_for": list(found.waiting_for),
    }


def _told(found: Clock) -> str:
    told = f"In the sandbox it is {_shown(found.now)}"
    ahead = timedelta(seconds=round(found.ahead_s))
    told += f", {ahead} ahead of this machine's clock." if ahead else ", as on this machine's clock."
    if found.moving_to is not None:
        waiting = f", waiting for {', '.join(found.waiting_for)}" if found.waiting_for else ""
        told += f" It is on its way to {_shown(found.moving_to)}{waiting}."
    return told


def _shown(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _message_as_json(message: Message) -> dict[str, Any]:
    return {
        "id": message.id,
        "time": message.time,
        "to": message.to,
        "subject": message.subject,
        "text": message.text,
        "confirmation": message.confirmation,
    }


def _page(messages: Sequence[Message]) -> list[Any]:
    if not messages:
        return ["The inbox is empty."]
    rows = [(_shown(each.time), each.to, each.subject) for each in messages]
    last = messages[-1]
    return [
        table("Time", "To", "Subject", rows=rows),
        f"\n[bold]{escape(last.subject)}[/]\n{escape(last.text)}",
    ]
