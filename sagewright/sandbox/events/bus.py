"""Why: a bus hands each event to the targets of the rules that match it."""

import json
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from moto.events.models import events_backends

from ..as_service import account_of
from ..clients import Clients
from ..clock import Clock
from ..cloudwatch.metrics import Place
from ..errands import begin
from ..functions import Functions
from ..protocol import ApiError, Caller
from ..topics import Topics
from .delivery import Delivery, Start
from .patterns import matches
from .rules import bus_at, bus_policy, check_rule, check_targets, rules_of
from .timetable import Timetables

_MOST_ENTRIES = 10
_LONGEST = 256 * 1024
_MOST_HOPS = 1  # an event that came from another bus goes to no third one
_PASSED_ON = "sandbox-passed-on"

_ABSENT = ("CreateArchive", "StartReplay", "CreateConnection", "CreateApiDestination", "PutPartnerEvents")

Operation = Callable[[dict[str, Any], Caller], dict[str, Any]]


class Bus:
    """Every event bus: takes events of AWS services (`emit`) and of clients (PutEvents)."""

    service_name = "events"

    def __init__(self, clients: Clients, clock: Clock, functions: Functions, topics: Topics) -> None:
        self._clock = clock
        self._timetables = Timetables()
        self._delivery = Delivery(clients, functions, topics, self._pass_on)
        self.operations: dict[str, Operation] = {
            "PutEvents": self._put_events,
            "PutRule": self._put_rule,
            "PutTargets": _put_targets,
            **{name: _refuse(name) for name in _ABSENT},
        }
        clients.authorizer.resources.provide("events", bus_policy)

    def call(self, operation: str, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Answer one request of a client."""
        return self.operations[operation](params, caller)

    def reach(self, service: str, start: Start) -> None:
        """Let a service of ours that comes later start what a rule's target of its is."""
        self._delivery.reach(service, start)

    def emit(  # noqa: PLR0913 - the parts of an event
        self,
        place: Place,
        *,
        source: str,
        detail_type: str,
        detail: dict[str, Any],
        resources: list[str],
        time_s: float,
    ) -> None:
        """Put an AWS service's event on the account's default bus, and return at once."""
        event = _event(place, source=source, detail_type=detail_type, resources=resources, time_s=time_s, detail=detail)
        self._dispatch(place, "default", event)

    def due(self, after_s: float) -> float | None:
        """Return when the next rule with a timetable is due."""
        return self._timetables.due(after_s)

    def happen(self, at_s: float) -> None:
        """Bring the targets of the rules that are due their event."""
        for place, rule in self._timetables.at(at_s):
            told = {"source": "aws.events", "detail_type": "Scheduled Event", "resources": [rule.arn]}
            self._bring(rule, _event(place, **told, time_s=at_s, detail={}))

    def _dispatch(self, place: Place, bus: str, event: dict[str, Any]) -> None:
        shown = {name: value for name, value in event.items() if name != _PASSED_ON}
        for rule in rules_of(place.account, place.region, bus):
            if matches(rule.event_pattern.get_pattern(), shown):
                self._bring(rule, event)

    def _bring(self, rule: Any, event: dict[str, Any]) -> None:
        targets = list(rule.targets)
        begin(self._clock, f"rule {rule.name}", lambda: self._all(rule, targets, event))

    def _all(self, rule: Any, targets: list[dict[str, Any]], event: dict[str, Any]) -> None:
        for target in targets:
            self._delivery.deliver(rule, target, event)

    def _pass_on(self, bus_arn: str, event: dict[str, Any]) -> None:
        """Put an event on another bus, as it is; from there it goes no further."""
        if event.get(_PASSED_ON, 0) >= _MOST_HOPS:
            raise ApiError("ValidationException", "An event is not passed on from bus to bus more than once.")
        _, _, _, region, account, resource = bus_arn.split(":", 5)
        name = resource.removeprefix("event-bus/")
        self._dispatch(Place(account, region), name, {**event, _PASSED_ON: event.get(_PASSED_ON, 0) + 1})

    def _put_events(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        entries = params["Entries"]
        if not 0 < len(entries) <= _MOST_ENTRIES:
            raise ApiError(
                "ValidationException",
                "1 validation error detected: Value at 'entries' failed to satisfy constraint: Member must have length"
                f" less than or equal to {_MOST_ENTRIES}",
            )
        if "EndpointId" in params:
            raise ApiError("UnsupportedOperation", "The sandbox's EventBridge does not have global endpoints.", 501)
        if sum(len(str(entry.get("Detail", ""))) for entry in entries) > _LONGEST:
            raise ApiError("ValidationException", "Total size of the entries in the request is over the limit.")
        answers = [self._put(entry, caller) for entry in entries]
        return {"FailedEntryCount": sum("ErrorCode" in answer for answer in answers), "Entries": answers}

    def _put_rule(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        check_rule(params)
        rule: Any = events_backends[caller.account][caller.region].put_rule(
            params["Name"],
            description=params.get("Description"),
            event_bus_arn=params.get("EventBusName"),
            event_pattern=params.get("EventPattern"),
            role_arn=params.get("RoleArn"),
            scheduled_expression=params.get("ScheduleExpression"),
            state=params.get("State"),
            tags=params.get("Tags"),
        )
        rule.sandbox_put_s = self._clock.now()
        return {"RuleArn": rule.arn}

    def _put(self, entry: dict[str, Any], caller: Caller) -> dict[str, str]:
        for member in ("Source", "DetailType", "Detail"):
            if not entry.get(member):
                reason = f"Parameter {member} is not valid. Reason: {member} is a required argument."
                return {"ErrorCode": "InvalidArgument", "ErrorMessage": reason}
        if entry["Source"].startswith("aws."):
            return {"ErrorCode": "NotAuthorizedForSourceException", "ErrorMessage": "Not authorized for the source."}
        try:
            detail = json.loads(entry["Detail"])
        except ValueError:
            detail = None
        if not isinstance(detail, dict):
            return {"ErrorCode": "MalformedDetail", "ErrorMessage": "Detail is malformed."}
        named = entry.get("EventBusName", "default")
        region = named.split(":")[3] if named.startswith("arn:") else caller.region
        place = Place(account_of(named) or caller.account, region)
        time_s = entry["Time"].timestamp() if "Time" in entry else self._clock.now()
        event = _event(
            Place(caller.account, region),
            source=entry["Source"],
            detail_type=entry["DetailType"],
            resources=list(entry.get("Resources") or []),
            time_s=time_s,
            detail=detail,
        )
        self._dispatch(place, named.rpartition("/")[2], event)
        return {"EventId": event["id"]}


def _refuse(operation: str) -> Operation:
    def refuse(params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        del params, caller
        raise ApiError("UnsupportedOperation", f"The sandbox's EventBridge does not have {operation}.", 501)

    return refuse


def _event(place: Place, **parts: Any) -> dict[str, Any]:
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": parts["detail_type"],
        "source": parts["source"],
        "account": place.account,
        "time": datetime.fromtimestamp(parts["time_s"], UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": place.region,
        "resources": parts["resources"],
        "detail": parts["detail"],
    }


def _put_targets(params: dict[str, Any], caller: Caller) -> dict[str, Any]:
    bus = params.get("EventBusName", "default").rpartition("/")[2]
    found = bus_at(caller.account, caller.region, bus)
    if params["Rule"] not in found.rules:
        problem = f"Rule {params['Rule']} does not exist on EventBus {bus}."
        raise ApiError("ResourceNotFoundException", problem)
    rule = found.rules[params["Rule"]]
    check_targets(rule, params["Targets"], caller)
    rule.put_targets(params["Targets"])
    return {"FailedEntryCount": 0, "FailedEntries": []}
