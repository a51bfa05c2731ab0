"""`sagewright demo`: everything, once, on this machine, in about a minute."""

import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Annotated, Any, Literal, NoReturn

import typer

from . import seeds
from .demonstration import SEED, DeliveryDemonstration, Demonstration, FeatureDemonstration
from .errors import CommandError
from .options import Options, command
from .terminal import table

DEFAULT_OUT = Path("out/demo")
SHOWN_PREDICTIONS = 8
TERMINATED = 128 + signal.SIGTERM


def register(group: typer.Typer) -> None:
    """Add the command."""

    @command(
        group,
        "demo",
        examples=(
            "sagewright demo",
            "sagewright demo --keep",
            "sagewright demo --seed flights",
            "sagewright demo --delivery",
            "sagewright demo --out /tmp/demo --json",
        ),
    )
    def demo(  # noqa: PLR0913 - the options that the command has
        options: Options,
        *,
        keep: Annotated[bool, typer.Option("--keep", help="Leave everything up, to play with.")] = False,
        out: Annotated[Path, typer.Option(help="Folder for the project, the report and the logs.")] = DEFAULT_OUT,
        port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the sandbox; 0 takes a free one.")] = 0,
        engine: Annotated[
            Literal["builtin", "model_monitor"], typer.Option(help="What watches the endpoint: monitoring.engine.")
        ] = "builtin",
        seed: Annotated[str, typer.Option(help=f"What to show: {', '.join(seeds.available())}.")] = SEED,
        delivery: Annotated[
            bool,
            typer.Option("--delivery", help="Show delivery instead: pushes, approvals, three accounts, ways back."),
        ] = False,
        setup_seconds: Annotated[
            float | None,
            typer.Option(
                envvar="SAGEWRIGHT_SETUP_SECONDS", hidden=True, help="What the set-up before took, for the report."
            ),
        ] = None,
    ) -> None:
        """Watch a model go from data to an HTTP endpoint, and be told when its requests change. No AWS, no Docker.

        Deploy, train, approve, release, predict; then hours pass, requests shift, an alarm goes off, a message comes.
        Starts a sandbox of its own and stops it at the end, also when it fails or is interrupted. The page about it is
        out/demo/report.html, the same for programs out/demo/report.json.

        With --seed flights: tables with a history go into a feature store, each departure is joined with what was known
        then, and the endpoint is asked by an id alone. The tables are fetched, once. It takes some minutes.

        With --delivery: a push is built and trained, approved, verified in staging, let into prod; a worse model is
        refused; one that answers otherwise online ends in staging; one that fails at some rows is taken back from prod
        by an alarm; and what serves is rejected, so that the version before it serves again. It takes some minutes.
        """
        told, kind = _kind(seed, delivery=delivery)
        demonstration = kind(options, out.resolve(), port, keep, engine, setup_seconds, seed)
        with _termination_unwinds():
            report = demonstration.run()
        options.terminal.result(report, *told(report, demonstration))


def _kind(seed: str, *, delivery: bool) -> tuple[Callable[..., list[Any]], type[Demonstration]]:
    """Choose what is shown, and how its report is told."""
    if delivery and seed != SEED:
        raise CommandError(f"--delivery shows the seed {SEED}; leave out --seed {seed}, or --delivery.")
    if delivery:
        return _delivered, DeliveryDemonstration
    return (_featured, FeatureDemonstration) if seeds.declares_features(seed) else (_page, Demonstration)


@contextmanager
def _termination_unwinds() -> Iterator[None]:
    """Let SIGTERM leave through the same clean-up as Ctrl-C does."""

    def leave(number: int, frame: FrameType | None) -> NoReturn:
        del number, frame
        raise SystemExit(TERMINATED)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _page(report: dict[str, Any], demonstration: Demonstration) -> list[Any]:
    predictions = [
        (each["record"], each["prediction"], f"{each['probability']:.3f}", each["truth"])
        for each in report["predictions"][:SHOWN_PREDICTIONS]
    ]
    agreement, requests, refusal = report["agreement"], report["requests"], report["refusal"]
    watched = report["monitoring"]
    runs = [run for run in watched["runs"] if run["drifted"]]
    facts = [
        ("Version", f"{report['version']}, {report['metric']} {report['metrics'][report['metric']]:.4f}"),
        ("Endpoint", f"{report['endpoint']['name']} on {report['endpoint']['config']}"),
        (
            "Requests",
            f"{requests['sent']} with {requests['rows']} held-out rows, one row in {requests['median_ms_one_row']} ms",
        ),
        (
            "Right",
            f"{agreement['with_truth']:.1%} of the rows; as at the evaluation: {agreement['with_evaluation']:.1%}",
        ),
        (
            "Refused",
            f"{refusal['code']} {refusal['status']}, container {refusal['container_status']}: {refusal['message']}",
        ),
        ("Shifted", watched["shifted"]["how"]),
        ("Found", f"{', '.join(runs[-1]['drifted'])} in each of {len(runs)} runs; nothing before"),
        ("Told", f"one alarm, one message: {watched['messages'][-1]['subject']}"),
        ("Page", demonstration.page),
    ]
    return [
        "",
        table(
            "Record", "Prediction", "Probability", "Truth", rows=predictions, title="Rows that the model has never seen"
        ),
        "",
        _took(report),
        "",
        table("", "", rows=facts),
        "",
        "Try next:",
        *(
            f"  {line}"
            for line in _next_commands(demonstration, ("drift", "sandbox inbox", "invoke --held-out 5", "sandbox down"))
        ),
    ]


def _featured(report: dict[str, Any], demonstration: Demonstration) -> list[Any]:
    told = report["features"]
    groups = [
        (f"{each['name']} v{each['version']}", f"{each['rows']:,}", each["quarantined"], each["newest_event_time"])
        for each in told["groups"]
    ]
    asked = [
        (" ".join(each["id"].values()), each["prediction"], f"{each['probability']:.3f}", each["truth"])
        for each in told["by_id"][:SHOWN_PREDICTIONS]
    ]
    keys, agreement = " and ".join(told["keys"]), report["agreement"]
    facts = [
        ("Version", f"{report['version']}, {report['metric']} {report['metrics'][report['metric']]:.4f}"),
        ("Endpoint", f"{report['endpoint']['name']} on {report['endpoint']['config']}"),
        ("By id", f"{len(told['by_id'])} rows by {keys} alone, all as in full; one in {told['median_ms_one_id']} ms"),
        ("In full", f"{report['requests']['rows']} rows; as at the evaluation: {agreement['with_evaluation']:.1%}"),
        ("Page", demonstration.page),
    ]
    return [
        "",
        table("Group", "Rows", "Set aside", "Newest", rows=groups, title="In the feature store"),
        "",
        table(keys, "Prediction", "Probability", "Truth", rows=asked, title="Asked by their ids alone"),
        "",
        _took(report),
        "",
        table("", "", rows=facts),
        "",
        "Try next:",
        *(f"  {line}" for line in _next_commands(demonstration, ("features", "features page", "sandbox down"))),
    ]


def _delivered(report: dict[str, Any], demonstration: Demonstration) -> list[Any]:
    outcomes = [
        (
            each["what"],
            each["version"] or "none",
            " ".join(each["end"].split()),
            ", ".join(f"{name} {number or 'nothing'}" for name, number in each["live"].items()),
        )
        for each in report["versions"]
    ]
    call = _own_command()
    here = f"{call} --project {_short(demonstration.folder)}"
    words = ("releases", "audit", "models", "sandbox inbox", "sandbox down")
    commands = [f"{here} {each}" for each in words] if demonstration.keep else [f"{call} demo --delivery --keep"]
    written = f"{len(report['messages'])} messages to the owner and {len(report['audit'])} entries of the record"
    return [
        "",
        table("What", "Version", "What became of it", "Serves", rows=outcomes),
        "",
        _took(report),
        "",
        f"{written}: {demonstration.page}",
        "",
        "Try next:",
        *(f"  {line}" for line in commands),
    ]


def _took(report: dict[str, Any]) -> Any:
    steps = [(step["name"], f"{step['seconds']:.1f} s") for step in report["steps"]]
    return table("Step", "Took", rows=[*steps, ("all", f"{report['seconds']:.1f} s")])


def _next_commands(demonstration: Demonstration, words: Sequence[str]) -> list[str]:
    call, seed = _own_command(), demonstration.seed
    if demonstration.keep:
        here = f"{call} --project {_short(demonstration.folder)}"
        return [f"{here} {each}" for each in words]
    again = f"{call} demo --keep" if seed == SEED else f"{call} demo --seed {seed} --keep"
    return [again, f"{call} new ../my-{seed} --seed {seed}", f"{call} --help"]


def _own_command() -> str:
    """Name this program so that it can be typed in the user's shell, whose PATH need not be the one we were given.

    `make demo` puts an environment that nobody has activated first on the PATH: then only the file's own path works.
    """
    own, found = Path(sys.executable).parent / "sagewright", shutil.which("sagewright")
    if found is None or Path(found).resolve() != own.resolve():
        return _short(own)
    installed_as_tool = Path(found).parent != own.parent
    return "sagewright" if installed_as_tool or os.environ.get("VIRTUAL_ENV") == sys.prefix else _short(own)


def _short(path: Path) -> str:
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
