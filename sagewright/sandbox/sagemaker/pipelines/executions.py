"""Why: the API of pipeline executions; each one is a record to describe and an executor that works on it."""

import secrets
import string
import threading
from collections.abc import Callable
from typing import Any

from ...clients import Clients
from ...protocol import ApiError, Caller
from ..identity import own_name, user_context
from ..instances.role import require_role
from ..listing import matching, only, ordered, page
from ..store import PIPELINE, PIPELINE_EXECUTION, Record, Store
from .cache import StepCache
from .definition import Definition, parse_definition
from .executor import OVER, Executor
from .parameters import bind, written
from .runner import Surroundings, WaitsForJobs, read_object
from .values import Values

ID_LENGTH = 12
STEPS_PAGE_SIZE = 100
SUMMARY = (
    "PipelineExecutionArn",
    "PipelineExecutionStatus",
    "PipelineExecutionDescription",
    "PipelineExecutionDisplayName",
)
GIVEN = ("PipelineExecutionDescription", "ParallelismConfiguration")
ABSENT = (
    "SelectiveExecutionConfig",
    "PipelineVersionId",
    "PipelineVersionAlias",
    "MlflowExperimentName",
)

Pause = Callable[[threading.Event, float], object]


class Executions:
    """Start, follow, stop and retry the executions of pipelines."""

    def __init__(self, store: Store, clients: Clients, jobs: WaitsForJobs, pause: Pause = threading.Event.wait) -> None:
        self._store = store
        self._clients = clients
        self._jobs = jobs
        self._pause = pause
        self._cache = StepCache()
        self._lock = threading.RLock()
        self._executors: dict[str, Executor] = {}
        self._definitions: dict[str, tuple[str, dict[str, str]]] = {}
        self._by_token: dict[tuple[str, str, str], str] = {}

    def start_pipeline_execution(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Start a pipeline; the same token starts it only once."""
        name = own_name(params["PipelineName"], caller)
        pipeline = self._store.get(PIPELINE, caller, name)
        token = (pipeline["PipelineArn"], "start", params["ClientRequestToken"])
        for member in ABSENT:
            if member in params:
                raise ApiError("UnsupportedOperation", f"The sandbox does not have {member} of executions.", 501)
        with self._lock:
            if token in self._by_token:
                return {"PipelineExecutionArn": self._by_token[token]}
            definition = parse_definition(pipeline["PipelineDefinition"])
            values = bind(definition.parameters, params.get("PipelineParameters", []))
            require_role(self._clients, caller, params.get("RoleArn", pipeline["RoleArn"]), pipeline["PipelineArn"])
            execution = f"{name}/execution/{_new_id()}"
            record = self._record(params, pipeline, execution, caller)
            here = self._surroundings(definition, values, record, caller)
            if definition.experiment:
                record["PipelineExperimentConfig"] = here.values.resolve(definition.experiment)
            arn = self._store.put(PIPELINE_EXECUTION, caller, execution, record)
            self._by_token[token] = arn
            shown = {name: written(value) for name, value in values.items()}
            self._definitions[arn] = (pipeline["PipelineDefinition"], shown)
            executor = Executor(definition, here, _limit(record), self._ending(caller, execution), self._store.clock)
            self._executors[arn] = executor
        self._store.update(PIPELINE, caller, name, LastRunTime=record["CreationTime"])
        executor.start()
        return {"PipelineExecutionArn": arn}

    def describe_pipeline_execution(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Return one execution."""
        return self._existing(params, caller)

    def describe_pipeline_definition_for_execution(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Return the definition that the execution runs, which may no longer be the pipeline's."""
        execution = self._existing(params, caller)
        definition, _ = self._definitions[execution["PipelineExecutionArn"]]
        return {"PipelineDefinition": definition, "CreationTime": execution["CreationTime"]}

    def list_pipeline_executions(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Return the executions of one pipeline, the latest first."""
        pipeline = self._store.get(PIPELINE, caller, own_name(params["PipelineName"], caller))
        if "PipelineVersionAlias" in params:
            raise ApiError("UnsupportedOperation", "The sandbox does not have pipeline versions.", 501)
        found = matching(self._of(pipeline, caller), params, name="PipelineExecutionDisplayName")
        keys = {"CreationTime": "CreationTime", "PipelineExecutionArn": "PipelineExecutionArn"}
        found = ordered(found, params, keys, ("CreationTime", "Descending"))
        summaries = [
            only(each, SUMMARY)
            | {"StartTime": each["CreationTime"]}
            | ({"PipelineExecutionFailureReason": each["FailureReason"]} if "FailureReason" in each else {})
            for each in found
        ]
        return page("PipelineExecutionSummaries", summaries, params)

    def list_pipeline_execution_steps(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Return the steps that have started, the latest first."""
        if "PipelineExecutionArn" not in params:
            raise ApiError("ValidationException", "PipelineExecutionArn is required.")
        execution = self._existing(params, caller)
        steps = self._executors[execution["PipelineExecutionArn"]].steps()
        if params.get("SortOrder", "Descending") == "Descending":
            steps.reverse()
        return page("PipelineExecutionSteps", steps, params, STEPS_PAGE_SIZE)

    def list_pipeline_parameters_for_execution(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Return the value of every parameter of the execution."""
        execution = self._existing(params, caller)
        _, values = self._definitions[execution["PipelineExecutionArn"]]
        listed = [{"Name": name, "Value": value} for name, value in values.items()]
        return page("PipelineParameters", listed, params, STEPS_PAGE_SIZE)

    def update_pipeline_execution(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Change description, display name or the number of steps that run at once."""
        execution = self._existing(params, caller)
        arn = execution["PipelineExecutionArn"]
        changed = self._change(
            arn, caller, LastModifiedBy=user_context(caller), **only(params, (*GIVEN, "PipelineExecutionDisplayName"))
        )
        if "ParallelismConfiguration" in params:
            self._executors[arn].limit(changed["ParallelismConfiguration"]["MaxParallelExecutionSteps"])
        return {"PipelineExecutionArn": arn}

    def stop_pipeline_execution(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Stop the running jobs and start no other step."""
        arn = self._existing(params, caller)["PipelineExecutionArn"]
        token = (arn, "stop", params["ClientRequestToken"])
        with self._lock:
            if token in self._by_token:
                return {"PipelineExecutionArn": arn}
            status = self._existing(params, caller)["PipelineExecutionStatus"]
            if status != "Executing":
                raise ApiError(
                    "ConflictException", f"Pipeline execution {arn} cannot be stopped because it is {status}."
                )
            self._by_token[token] = arn
            self._change(arn, caller, PipelineExecutionStatus="Stopping")
        self._executors[arn].stop()
        return {"PipelineExecutionArn": arn}

    def retry_pipeline_execution(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Run the steps again that did not succeed, in the same execution."""
        arn = self._existing(params, caller)["PipelineExecutionArn"]
        token = (arn, "retry", params["ClientRequestToken"])
        with self._lock:
            if token in self._by_token:
                return {"PipelineExecutionArn": arn}
            execution = self._existing(params, caller)
            if execution["PipelineExecutionStatus"] not in ("Failed", "Stopped"):
                raise ApiError(
                    "ConflictException",
                    f"Pipeline execution {arn} cannot be retried because it is"
                    f" {execution['PipelineExecutionStatus']}: it has to be Failed or Stopped.",
                )
            self._by_token[token] = arn
            executor = self._executors[arn]
            executor.reset()
            self._change(
                arn,
                caller,
                PipelineExecutionStatus="Executing",
                FailureReason=None,
                LastModifiedBy=user_context(caller),
            )
            if "ParallelismConfiguration" in params:
                self._change(arn, caller, ParallelismConfiguration=params["ParallelismConfiguration"])
                executor.limit(params["ParallelismConfiguration"]["MaxParallelExecutionSteps"])
        executor.start()
        return {"PipelineExecutionArn": arn}

    def forget(self, pipeline: Record, caller: Caller) -> None:
        """Delete every execution of a pipeline that goes; a running one is a reason to refuse."""
        with self._lock:
            executions = self._of(pipeline, caller)
            running = [each for each in executions if each["PipelineExecutionStatus"] not in OVER]
            if running:
                raise ApiError(
                    "ConflictException",
                    f"Pipeline {pipeline['PipelineArn']} cannot be deleted while its execution"
                    f" {running[0]['PipelineExecutionArn']} is {running[0]['PipelineExecutionStatus']}: stop it first.",
                )
            for each in executions:
                arn = each["PipelineExecutionArn"]
                self._store.delete(PIPELINE_EXECUTION, caller, own_name(arn, caller))
                del self._executors[arn], self._definitions[arn]
            self._by_token = {token: arn for token, arn in self._by_token.items() if arn in self._executors}
            self._cache.forget(pipeline["PipelineArn"])

    def close(self) -> None:
        """Start nothing more."""
        with self._lock:
            for executor in self._executors.values():
                executor.close()

    def _record(self, params: dict[str, Any], pipeline: Record, execution: str, caller: Caller) -> Record:
        now, who = self._store.now(), user_context(caller)
        inherited = only(pipeline, ("PipelineArn", "RoleArn", "ParallelismConfiguration"))
        return (
            inherited
            | only(params, (*GIVEN, "RoleArn"))
            | {
                "PipelineExecutionArn": self._store.arn(PIPELINE_EXECUTION, caller, execution),
                "PipelineExecutionDisplayName": params.get(
                    "PipelineExecutionDisplayName", f"execution-{int(now.timestamp() * 1000)}"
                ),
                "PipelineExecutionStatus": "Executing",
                "CreationTime": now,
                "LastModifiedTime": now,
                "CreatedBy": who,
                "LastModifiedBy": who,
            }
        )

    def _surroundings(
        self, definition: Definition, parameters: dict[str, Any], record: Record, caller: Caller
    ) -> Surroundings:
        arn = record["PipelineExecutionArn"]
        fixed = {
            "StartDateTime": _iso(record["CreationTime"]),
            "PipelineName": record["PipelineArn"].rpartition("/")[2],
            "PipelineArn": record["PipelineArn"],
            "PipelineExecutionId": arn.rpartition("/")[2],
            "PipelineExecutionArn": arn,
        }
        values = Values(
            definition=definition,
            parameters=parameters,
            variables=lambda name: fixed[name] if name in fixed else _iso(self._store.now()),
            responses={},
            read=lambda uri: read_object(here, uri),
        )
        here = Surroundings(
            caller=caller,
            role_arn=record["RoleArn"],
            pipeline_arn=record["PipelineArn"],
            execution_arn=arn,
            values=values,
            clients=self._clients,
            jobs=self._jobs,
            cache=self._cache,
            now=self._store.now,
            stopping=threading.Event(),
            pause=self._pause,
        )
        return here

    def _ending(self, caller: Caller, execution: str) -> Callable[[str, str | None], None]:
        def ended(status: str, reason: str | None) -> None:
            self._change(
                self._store.arn(PIPELINE_EXECUTION, caller, execution),
                caller,
                PipelineExecutionStatus=status,
                FailureReason=reason,
            )

        return ended

    def _change(self, arn: str, caller: Caller, **changes: Any) -> Record:
        name = own_name(arn, caller)
        return self._store.update(PIPELINE_EXECUTION, caller, name, **changes, LastModifiedTime=self._store.now())

    def _existing(self, params: dict[str, Any], caller: Caller) -> Record:
        return self._store.get(PIPELINE_EXECUTION, caller, own_name(params["PipelineExecutionArn"], caller))

    def _of(self, pipeline: Record, caller: Caller) -> list[Record]:
        executions = self._store.all(PIPELINE_EXECUTION, caller)
        return [each for each in executions if each["PipelineArn"] == pipeline["PipelineArn"]]


def _limit(record: Record) -> int | None:
    return record.get("ParallelismConfiguration", {}).get("MaxParallelExecutionSteps")


def _new_id() -> str:
    return "".join(secrets.choice(string.ascii_lowercase + string.digits) for _ in range(ID_LENGTH))


def _iso(time: Any) -> str:
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
