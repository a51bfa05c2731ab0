"""The options that every command takes, before or after its name, and the frame in which every command runs."""

import functools
import inspect
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from sagewright.project import Environment, Project, load

from . import sandbox_process, state, target
from .errors import EXPECTED, CommandError, explain
from .sandbox_process import RunningSandbox
from .target import Target
from .terminal import Terminal

PANEL = "Options of every command"

ProjectOption = Annotated[
    Path | None,
    typer.Option("--project", help="Folder of the project; the current one if left out.", rich_help_panel=PANEL),
]
TargetOption = Annotated[
    Literal["sandbox", "aws"] | None,
    typer.Option(
        "--target",
        help="Where to act. Left out, it is the sandbox that `sagewright sandbox up` started here.",
        rich_help_panel=PANEL,
    ),
]
YesOption = Annotated[
    bool, typer.Option("--yes", help="Answer every question with yes, for scripts.", rich_help_panel=PANEL)
]
JsonOption = Annotated[
    bool,
    typer.Option("--json", help="Print the result as JSON, and nothing else, on stdout.", rich_help_panel=PANEL),
]


@dataclass(frozen=True)
class Options:
    """What was asked for besides the command's own arguments."""

    terminal: Terminal
    folder: Path
    target_name: str | None = None
    yes: bool = False

    def project(self) -> Project:
        """Read the project; its problems are the user's to put right."""
        return load(self.folder)

    def target(self, project: Project) -> Target:
        """Decide where the command acts."""
        return target.resolve(self.target_name, project)

    def acting_on(self, project: Project, changes: str) -> Target:
        """Decide where a command that changes something acts; in AWS, show where and what, and ask first."""
        chosen = self.target(project)
        if not chosen.is_sandbox:
            self.terminal.note(
                f"[bold]AWS[/] account [bold]{chosen.account}[/], region [bold]{project.first.region}[/]"
            )
            self.terminal.confirm(f"{changes} Go on?", assume_yes=self.yes)
        return chosen


def environment(project: Project, name: str) -> Environment:
    """Find an environment that the command line names."""
    try:
        return project.environment(name)
    except KeyError as error:
        raise CommandError(f"{error.args[0]}.") from None


def remember(context: typer.Context, **given: object) -> None:
    """Keep what was given before the command's name, for the command."""
    context.obj = given


def command(
    group: typer.Typer, name: str, *, examples: tuple[str, ...], panel: str | None = None, hidden: bool = False
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Register a function `(options, *, its own arguments)` as a command that also takes the options of every one."""

    def register(function: Callable[..., None]) -> Callable[..., None]:
        run = _with_options(function)
        group.command(name, help=_reflowed(function), epilog=_epilog(examples), rich_help_panel=panel, hidden=hidden)(
            run
        )
        return function

    return register


def command_of_group(
    group: typer.Typer, *, examples: tuple[str, ...]
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Register a function as what a group itself does when none of its commands is named."""

    def register(function: Callable[..., None]) -> Callable[..., None]:
        run = _with_options(function)
        group.callback(invoke_without_command=True, help=_reflowed(function), epilog=_epilog(examples))(run)
        return function

    return register


def _epilog(examples: tuple[str, ...]) -> str:
    return "Examples:\n\n" + "\n\n".join(f"  {example}" for example in examples)


def _with_options(function: Callable[..., None]) -> Callable[..., None]:
    """Make the function that typer calls: it takes the options of every command besides its own arguments."""

    @functools.wraps(function)
    def run(context: typer.Context, **arguments: Any) -> None:
        given = context.obj or {}
        common = {key: arguments.pop(key) or given.get(key) for key in ("project", "target", "yes", "json")}
        if context.invoked_subcommand is not None:
            context.obj = common  # a command of the group was named
            return
        options = Options(
            terminal=Terminal(as_json=bool(common["json"])),
            folder=common["project"] or Path.cwd(),
            target_name=common["target"],
            yes=bool(common["yes"]),
        )
        guard(options, functools.partial(function, options, **arguments))

    _extend_signature(run, function)
    return run


def _reflowed(function: Callable[..., None]) -> str:
    """Take a docstring's paragraphs as lines: typer would break them where the source is broken."""
    return "\n\n".join(" ".join(each.split()) for each in (inspect.getdoc(function) or "").split("\n\n"))


def guard(options: Options, action: Callable[[], None]) -> None:
    """Run a command; what the user can put right ends in one paragraph and 1, a defect of ours in a file and 1."""
    sandbox = sandbox_process.find(options.folder)
    try:
        action()
    except EXPECTED as error:
        # Whatever else was said: where the sandbox died meanwhile, that is why, and what has to be put right.
        died = f" {sandbox.epitaph()}" if sandbox is not None and not _is_there(sandbox) else ""
        options.terminal.error(f"{explain(error)}{died}")
        raise typer.Exit(1) from error
    except Exception as error:
        if isinstance(error, typer.Exit | typer.Abort) or hasattr(error, "exit_code"):
            raise  # typer's own: wrong usage, or an exit that a command asked for
        log = _crash_log(options.folder)
        options.terminal.error(
            f"{type(error).__name__}: {error}. This is a defect of Sagewright, not of your project; "
            f"please report it with {log}, which holds the details."
        )
        raise typer.Exit(1) from error


def _is_there(sandbox: RunningSandbox) -> bool:
    """Tell whether it is up, or was stopped: then nobody remembers it."""
    return sandbox.is_up or not sandbox.file.exists()


def _crash_log(folder: Path) -> Path:
    log = state.new_log(folder, "crash")
    log.write_text(f"{' '.join(sys.argv)}\n\n{traceback.format_exc()}")
    return log


def _extend_signature(run: Callable[..., None], function: Callable[..., None]) -> None:
    """Give `run` the signature that typer reads: the context, the command's own arguments, the options of every one."""
    own = list(inspect.signature(function).parameters.values())[1:]
    keyword = inspect.Parameter.KEYWORD_ONLY
    common = [
        inspect.Parameter("project", keyword, default=None, annotation=ProjectOption),
        inspect.Parameter("target", keyword, default=None, annotation=TargetOption),
        inspect.Parameter("yes", keyword, default=False, annotation=YesOption),
        inspect.Parameter("json", keyword, default=False, annotation=JsonOption),
    ]
    context = inspect.Parameter("context", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context)
    parameters = [context, *own, *common]
    vars(run)["__signature__"] = inspect.Signature(parameters)
    run.__annotations__ = {each.name: each.annotation for each in parameters}
    del vars(run)["__wrapped__"]  # typer would read the hints of the function underneath
