"""Why: an action runs beside everything else, with the role it has, and holds time up while it does."""

import tempfile
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from ..clients import ActingClients, Clients
from ..clock import Clock
from ..errands import begin
from ..protocol import ApiError
from .actions import Done, Job, Provider
from .artifacts import Store
from .executions import ActionRun, Execution
from .failures import ActionError, refused
from .pipeline import Pipeline
from .roles import action_role, pipeline_role
from .variables import UnresolvedError, resolved

Ended = Callable[[Done | ActionError], object]


class Runner:
    """Runs actions, each by its provider."""

    def __init__(self, clients: Clients, clock: Clock, providers: Mapping[str, Provider], folder: Path) -> None:
        self._clients = clients
        self._clock = clock
        self._providers = providers
        self._folder = folder

    def run(self, pipeline: Pipeline, execution: Execution, run: ActionRun, ended: Ended) -> None:
        """Run an action, and return at once; `ended` is not called where the end comes from elsewhere."""
        what = f"action {pipeline.name}/{run.stage}/{run.name}"
        begin(self._clock, what, lambda: self._work(pipeline, execution, run, ended))

    def acting(self, pipeline: Pipeline, execution: Execution, role: str) -> tuple[ActingClients, ActingClients]:
        """Return who an action acts as, and who the pipeline does."""
        region = pipeline.place.region
        own = pipeline_role(self._clients, execution.declaration, region)
        return (action_role(self._clients, own, role, execution.id, region) if role else own), own

    def _work(self, pipeline: Pipeline, execution: Execution, run: ActionRun, ended: Ended) -> None:
        with tempfile.TemporaryDirectory(dir=self._folder, ignore_cleanup_errors=True) as folder:
            try:
                done = self._performed(pipeline, execution, run, Path(folder))
            except ActionError as error:
                ended(error)
            except UnresolvedError as error:
                ended(ActionError("ConfigurationError", str(error)))
            except (ClientError, ApiError) as error:
                ended(refused(error, f"run the action {run.name}"))
            except BotoCoreError as error:  # what a client finds wrong itself; or the sandbox is being stopped
                ended(ActionError("SystemUnavailable", str(error)))
            except Exception as fault:  # noqa: BLE001 - a fault of ours fails the action, and the sandbox lives on
                traceback.print_exc()
                ended(ActionError("SystemUnavailable", f"The sandbox failed: {type(fault).__name__}: {fault}"))
            else:
                if done is not None:
                    ended(done)

    def _performed(self, pipeline: Pipeline, execution: Execution, run: ActionRun, folder: Path) -> Done | None:
        given: Mapping[str, str] = run.declaration.get("configuration") or {}
        run.configuration = {key: resolved(text, execution) for key, text in given.items()}
        acting, own = self.acting(pipeline, execution, run.declaration.get("roleArn", ""))
        job = Job(
            place=pipeline.place,
            pipeline=pipeline.name,
            pipeline_arn=pipeline.arn,
            execution=execution,
            run=run,
            acting=acting,
            own=own,
            store=Store.of(execution.declaration, pipeline.place.region),
            folder=folder,
        )
        return self._providers[run.declaration["actionTypeId"]["provider"] + kind_of(run)].perform(job)


def kind_of(run: ActionRun) -> str:
    """Return what tells a provider that is a source from one that is not."""
    return " Source" if run.declaration["actionTypeId"]["category"] == "Source" else ""
