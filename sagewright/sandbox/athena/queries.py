"""Why: a query is started, runs on while its client asks for its state, and is then remembered with its results."""

import threading
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from ..clients import ActingClients, Clients
from ..clock import Clock
from ..cloudwatch.metrics import Place
from ..errands import begin
from ..event_sink import Bus
from ..iam.actions.athena import remember
from ..protocol import Caller
from .failures import CancelledError, QueryError, invalid, lacking
from .functions import check as check_functions
from .grammar import Statement, read
from .objects import split
from .result_rows import column, datum, parsed
from .run import Order, Outcome, Run
from .translation import CATALOG
from .workgroups import ENGINE, PRIMARY, WorkGroups, check_results

VIA = "athena.amazonaws.com"
_MOST_ROWS = 1000
_LONGEST = 262_144
_OVER = frozenset({"SUCCEEDED", "FAILED", "CANCELLED"})

Record = dict[str, Any]


@dataclass
class _Query:
    """One execution: what GetQueryExecution shows, and what runs it."""

    record: Record
    caller: Caller
    run: Run
    token: str
    sequence: int = 0
    columns: list[tuple[str, str]] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)


class Queries:
    """StartQueryExecution and what follows it."""

    def __init__(self, clients: Clients, clock: Clock, bus: Bus, groups: WorkGroups, data: Path) -> None:
        self._clients = clients
        self._clock = clock
        self._bus = bus
        self._groups = groups
        self._data = data / "athena"
        self._lock = threading.Lock()
        self._kept: dict[str, _Query] = {}
        groups.busy = lambda caller, name: any(True for _ in self._in(caller, name))

    def start_query_execution(self, params: Record, caller: Caller) -> Record:
        """Check a query and its place for results, and let it run."""
        group = self._groups.get(params.get("WorkGroup", PRIMARY), caller)
        if group["State"] != "ENABLED":
            raise invalid(f"WorkGroup {group['Name']} is disabled.")
        if again := self._started_before(params, caller):
            return {"QueryExecutionId": again}
        statement = _statement(params)
        results = _results(params.get("ResultConfiguration") or {}, group["Configuration"])
        acting = self._clients.acting(caller.access_key, via=VIA)
        _require_bucket(acting, caller, results["OutputLocation"])
        identity = str(uuid.uuid4())
        record = self._record(identity, params, group, statement, results)
        order = Order(
            identity=identity,
            statement=statement,
            database=(params.get("QueryExecutionContext") or {}).get("Database", "").lower(),
            output=results["OutputLocation"].rstrip("/"),
            encryption=_encryption(results),
            cutoff=group["Configuration"].get("BytesScannedCutoffPerQuery"),
            now_s=self._clock.now(),
        )
        run = Run(order, acting, caller, self._data / identity)
        query = _Query(record, caller, run, params.get("ClientRequestToken", ""))
        with self._lock:
            self._kept[identity] = query
        remember(identity, str(group["Name"]))
        begin(self._clock, f"query {identity}", lambda: self._run(query))
        return {"QueryExecutionId": identity}

    def get_query_execution(self, params: Record, caller: Caller) -> Record:
        """Return an execution as it is now."""
        return {"QueryExecution": self._get(params, caller).record}

    def batch_get_query_execution(self, params: Record, caller: Caller) -> Record:
        """Return executions, and which were not found."""
        found: list[Record] = []
        missing: list[Record] = []
        for identity in params["QueryExecutionIds"]:
            query = self._kept.get(identity)
            if query is None or not _same_place(query.caller, caller):
                missing.append({"QueryExecutionId": identity, "ErrorCode": "INVALID_INPUT"})
            else:
                found.append(query.record)
        return {"QueryExecutions": found, "UnprocessedQueryExecutionIds": missing}

    def list_query_executions(self, params: Record, caller: Caller) -> Record:
        """Return the ids of a workgroup's executions, the newest first."""
        name = params.get("WorkGroup", PRIMARY)
        self._groups.get(name, caller)
        found = [query.record["QueryExecutionId"] for query in self._in(caller, name)][::-1]
        first, size = int(params.get("NextToken") or 0), params.get("MaxResults", 50)
        answer: Record = {"QueryExecutionIds": found[first : first + size]}
        if len(found) > first + size:
            answer["NextToken"] = str(first + size)
        return answer

    def stop_query_execution(self, params: Record, caller: Caller) -> Record:
        """Stop a query; one that has ended stays as it is."""
        self._get(params, caller).run.stop()
        return {}

    def get_query_results(self, params: Record, caller: Caller) -> Record:
        """Return rows of a result from its object in S3, as the caller may read it."""
        query = self._get(params, caller)
        state, location = query.record["Status"]["State"], query.record["ResultConfiguration"]["OutputLocation"]
        if state != "SUCCEEDED":
            problem = f"Query did not finish successfully. Final query state: {state}"
            raise invalid(problem if state in _OVER else f"Query has not yet finished. Current state: {state}")
        size = params.get("MaxResults", _MOST_ROWS)
        metadata = {"ColumnInfo": [column(name, kind) for name, kind in query.columns]}
        if query.run.order.statement.unload:
            return {"UpdateCount": 0, "ResultSet": {"Rows": [], "ResultSetMetadata": metadata}}
        rows = self._rows(location, caller)
        first = int(params.get("NextToken") or 0)
        shown = [{"Data": [datum(value) for value in row]} for row in rows[first : first + size]]
        answer: Record = {"UpdateCount": 0, "ResultSet": {"Rows": shown, "ResultSetMetadata": metadata}}
        if len(rows) > first + size:
            answer["NextToken"] = str(first + size)
        return answer

    def close(self) -> None:
        """Stop what runs."""
        for query in list(self._kept.values()):
            query.run.stop()

    def wait(self, identity: str, timeout_s: float) -> bool:
        """Wait until a query has ended; tell whether that came in time."""
        return self._kept[identity].ended.wait(timeout_s)

    def _rows(self, location: str, caller: Caller) -> list[list[str | None]]:
        bucket, key = split(location)
        client = self._clients.acting(caller.access_key, via=VIA).get("s3", caller.account, caller.region)
        try:
            body = client.get_object(Bucket=bucket, Key=key)["Body"].read().decode()
        except ClientError as error:
            details = error.response["Error"]
            raise invalid(f"Could not read the results at {location}: {details['Message']}") from None
        return list(parsed(body))

    def _get(self, params: Record, caller: Caller) -> _Query:
        query = self._kept.get(params["QueryExecutionId"])
        if query is None or not _same_place(query.caller, caller):
            raise invalid(f"QueryExecution {params['QueryExecutionId']} was not found")
        return query

    def _in(self, caller: Caller, group: str) -> Iterator[_Query]:
        for query in list(self._kept.values()):
            if _same_place(query.caller, caller) and query.record["WorkGroup"] == group:
                yield query

    def _started_before(self, params: Record, caller: Caller) -> str:
        token = params.get("ClientRequestToken", "")
        for query in list(self._kept.values()):
            if token and query.token == token and _same_place(query.caller, caller):
                if query.record["Query"] != params["QueryString"]:
                    raise invalid("Idempotent parameters do not match")
                return str(query.record["QueryExecutionId"])
        return ""

    def _run(self, query: _Query) -> None:
        self._turn(query, "QUEUED")
        self._turn(query, "RUNNING")
        try:
            outcome = query.run.perform()
        except CancelledError as stopped:
            self._turn(query, "CANCELLED", reason=str(stopped))
        except QueryError as failed:
            self._turn(query, "FAILED", reason=failed.reason, error=failed)
        else:
            self._finish(query, outcome)
        finally:
            query.ended.set()

    def _finish(self, query: _Query, outcome: Outcome) -> None:
        query.columns = outcome.columns
        statistics = query.record["Statistics"]
        statistics["DataScannedInBytes"] = outcome.scanned
        if outcome.manifest:
            statistics["DataManifestLocation"] = outcome.manifest
        self._turn(query, "SUCCEEDED")

    def _turn(self, query: _Query, state: str, reason: str = "", error: QueryError | None = None) -> None:
        """Bring a query into another state, and tell the bus."""
        now = self._now()
        status = query.record["Status"]
        before = status["State"]
        told: Record = {"State": state} | ({"StateChangeReason": reason} if reason else {})
        if state in _OVER:
            told["CompletionDateTime"] = now
            elapsed_ms = int((now - status["SubmissionDateTime"]).total_seconds() * 1000)
            query.record["Statistics"] |= {
                "EngineExecutionTimeInMillis": elapsed_ms,
                "TotalExecutionTimeInMillis": elapsed_ms,
            }
        if error is not None:
            told["AthenaError"] = {
                "ErrorCategory": error.category,
                "ErrorType": error.kind,
                "Retryable": error.retryable,
                "ErrorMessage": error.reason,
            }
        query.record["Status"] = {**status, **told}
        query.sequence += 1
        self._emit(query, "" if query.sequence == 1 else before, state)

    def _emit(self, query: _Query, before: str, state: str) -> None:
        record = query.record
        previous = {"previousState": before} if before else {}
        self._bus.emit(
            Place(query.caller.account, query.caller.region),
            source="aws.athena",
            detail_type="Athena Query State Change",
            detail={
                "versionId": "0",
                "currentState": state,
                **previous,
                "statementType": record["StatementType"],
                "queryExecutionId": record["QueryExecutionId"],
                "workgroupName": record["WorkGroup"],
                "sequenceNumber": str(query.sequence),
            },
            resources=[],
            time_s=self._clock.now(),
        )

    def _record(self, identity: str, params: Record, group: Record, statement: Statement, results: Record) -> Record:
        location = f"{results['OutputLocation'].rstrip('/')}/{identity}"
        return {
            "QueryExecutionId": identity,
            "Query": params["QueryString"],
            "StatementType": "DML",
            "SubstatementType": "UNLOAD" if statement.unload else "SELECT",
            "ResultConfiguration": {**results, "OutputLocation": location if statement.unload else f"{location}.csv"},
            "QueryExecutionContext": dict(params.get("QueryExecutionContext") or {}),
            "Status": {"State": "QUEUED", "SubmissionDateTime": self._now()},
            "Statistics": {"DataScannedInBytes": 0},
            "WorkGroup": group["Name"],
            "EngineVersion": {"SelectedEngineVersion": "AUTO", "EffectiveEngineVersion": ENGINE},
        }

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock.now(), UTC)


def _statement(params: Record) -> Statement:
    """Return what was read of the query; refuse what Athena refuses, and what the sandbox lacks."""
    if len(params["QueryString"].encode()) > _LONGEST:
        raise invalid(f"QueryString is longer than {_LONGEST} bytes")
    if params.get("ExecutionParameters"):
        raise lacking("execution parameters")
    reuse = (params.get("ResultReuseConfiguration") or {}).get("ResultReuseByAgeConfiguration") or {}
    if reuse.get("Enabled"):
        raise lacking("the reuse of results")
    catalog = (params.get("QueryExecutionContext") or {}).get("Catalog", CATALOG)
    if catalog.lower() != CATALOG:
        raise lacking(f"the catalog {catalog}")
    statement = read(params["QueryString"])
    with suppress(QueryError):  # what Athena says once it runs, is said then
        check_functions(statement)
    return statement


def _results(asked: Record, configuration: Record) -> Record:
    """Return where results go: where the workgroup says, if it enforces that or the request says nothing."""
    check_results(asked)
    own = configuration.get("ResultConfiguration") or {}
    chosen = own if configuration["EnforceWorkGroupConfiguration"] else {**own, **asked}
    if not chosen.get("OutputLocation"):
        raise invalid(
            "No output location provided. An output location is required either through the Workgroup result"
            " configuration setting or as an API input."
        )
    return dict(chosen)


def _encryption(results: Record) -> dict[str, str]:
    option = results.get("EncryptionConfiguration") or {}
    if option.get("EncryptionOption") == "SSE_KMS":
        return {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": option["KmsKey"]}
    return {"ServerSideEncryption": "AES256"} if option.get("EncryptionOption") == "SSE_S3" else {}


def _require_bucket(acting: ActingClients, caller: Caller, location: str) -> None:
    bucket, _ = split(location)
    try:
        acting.get("s3", caller.account, caller.region).get_bucket_location(Bucket=bucket)
    except ClientError as error:
        detail = error.response["Error"]["Message"]
        raise invalid(f"Unable to verify/create output bucket {bucket}. {detail}") from None


def _same_place(one: Caller, other: Caller) -> bool:
    return (one.account, one.region) == (other.account, other.region)
