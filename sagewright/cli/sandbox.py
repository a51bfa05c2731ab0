"""`sagewright sandbox …`: the AWS on this machine, started, looked at and stopped."""

from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.markup import escape

from sagewright.project import Project, load

from . import sandbox_clock, sandbox_process
from .options import Options, command
from .sandbox_process import RunningSandbox
from .target import SANDBOX_ACCOUNT, SANDBOX_REGION, Sandbox
from .terminal import table


def register(group: typer.Typer) -> None:
    """Add the command group."""
    sandbox = typer.Typer(no_args_is_help=True)
    group.add_typer(sandbox, name="sandbox", help="An AWS on this machine: no account, no Docker.")
    command(sandbox, "up", examples=("sagewright sandbox up", "eval $(sagewright sandbox up --export)"))(up)
    command(sandbox, "status", examples=("sagewright sandbox status", "sagewright sandbox status --json"))(status)
    sandbox_clock.register(sandbox)
    command(sandbox, "down", examples=("sagewright sandbox down",))(down)


def up(
    options: Options,
    *,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0 takes a free one.")] = 0,
    export: Annotated[
        bool, typer.Option("--export", help="Print shell commands that point AWS's tools to it.")
    ] = False,
) -> None:
    """Start the sandbox, which from then on is what commands in this folder act on.

    Its state is in memory: `sagewright sandbox down` forgets all that was deployed to it.
    """
    running = sandbox_process.find(options.folder)
    project = _project(options)
    if running is not None:
        options.terminal.note(f"The sandbox is up already: {running.endpoint} (process {running.pid}).")
    else:
        if (ended := sandbox_process.find_ended(options.folder)) is not None:
            options.terminal.note(escape(ended.epitaph()))
        with options.terminal.task("Start the sandbox") as details:
            running = sandbox_process.start(options.folder, port=port)
            details.append(running.endpoint)
    variables = _variables(Sandbox(running, project), project)
    exports = "\n".join(f"export {name}={value}" for name, value in variables.items())
    value = {"endpoint": running.endpoint, "pid": running.pid, "data": running.data, "environment": variables}
    if export:
        options.terminal.result(value, exports)
        return
    options.terminal.result(
        value,
        "Commands of Sagewright in this folder now act on it. So do boto3 and the AWS CLI after\n",
        exports,
        "\nStop it with: sagewright sandbox down",
    )


def status(options: Options) -> None:
    """Say whether a sandbox is up for this folder, and what runs in it."""
    running = sandbox_process.find(options.folder)
    if running is None:
        ended = sandbox_process.find_ended(options.folder)
        told = ended.epitaph() if ended else "No sandbox is up here. Start one with: sagewright sandbox up"
        options.terminal.result({"up": False, **_ended(ended)}, told)
        return
    project = _project(options)
    sandbox = Sandbox(running, project)
    contents = [_contents(sandbox, account, region) for account, region in _places(sandbox, project)]
    age = datetime.now(UTC) - datetime.fromisoformat(running.started)
    value = {
        "up": True,
        "endpoint": running.endpoint,
        "pid": running.pid,
        "data": running.data,
        "started": running.started,
        "contents": contents,
    }
    rows = [
        (place["account"], place["region"], kind, name, state)
        for place in contents
        for kind in ("stacks", "endpoints", "executions")
        for name, state in place[kind].items()
    ]
    told = f"The sandbox is up: {running.endpoint} (process {running.pid}, for {age.total_seconds() / 60:.0f} minutes)"
    shown = (
        table("Account", "Region", "What", "Name", "Status", rows=rows) if rows else "Nothing is deployed to it yet."
    )
    options.terminal.result(value, told, shown)


def down(options: Options) -> None:
    """Stop the sandbox and everything it runs; what was deployed to it is gone."""
    running = sandbox_process.find(options.folder)
    if running is None:
        ended = sandbox_process.find_ended(options.folder)
        if ended is not None:
            ended.forget()
        told = ended.epitaph() if ended else "No sandbox is up here: nothing to stop."
        options.terminal.result({"stopped": False, **_ended(ended)}, told)
        return
    running.stop()
    options.terminal.result({"stopped": True, "pid": running.pid}, f"The sandbox (process {running.pid}) is stopped.")


def _ended(ended: RunningSandbox | None) -> dict[str, Any]:
    """Tell programs of a sandbox that is gone although nobody stopped it."""
    if ended is None:
        return {}
    return {"ended_unexpectedly": {"pid": ended.pid, "started": ended.started, "log": str(ended.log)}}


def _project(options: Options) -> Project | None:
    """Read the project where there is one: a sandbox is of use without, too."""
    return load(options.folder) if (options.folder / "project.yaml").is_file() else None


def _variables(sandbox: Sandbox, project: Project | None) -> dict[str, str]:
    region = project.first.region if project else SANDBOX_REGION
    return sandbox.variables(region, sandbox.account)


def _places(sandbox: Sandbox, project: Project | None) -> list[tuple[str, str]]:
    if project is None:
        return [(SANDBOX_ACCOUNT, SANDBOX_REGION)]
    return list(dict.fromkeys((sandbox.account_of(each), each.region) for each in project.environments))


def _contents(sandbox: Sandbox, account: str, region: str) -> dict[str, Any]:
    """List what an account holds that a person looks for: stacks, endpoints, trainings in progress."""
    cloudformation = sandbox.client_in("cloudformation", account, region)
    sagemaker = sandbox.client_in("sagemaker", account, region)
    pipelines = [each["PipelineName"] for each in sagemaker.list_pipelines()["PipelineSummaries"]]
    executions = [
        execution
        for name in pipelines
        for execution in sagemaker.list_pipeline_executions(PipelineName=name)["PipelineExecutionSummaries"]
    ]
    return {
        "account": account,
        "region": region,
        "stacks": {each["StackName"]: each["StackStatus"] for each in cloudformation.describe_stacks()["Stacks"]},
        "endpoints": {each["EndpointName"]: each["EndpointStatus"] for each in sagemaker.list_endpoints()["Endpoints"]},
        "executions": {
            each["PipelineExecutionArn"].partition("pipeline/")[2]: each["PipelineExecutionStatus"]
            for each in executions
        },
    }
