"""Why: what is remembered of a stack outlives every operation on it: resources, outputs, events, change sets."""

import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from ..protocol import ApiError, Caller
from .actor import Actor
from .deployment import Deployment
from .status_events import StatusEvents

STACK_TYPE = "AWS::CloudFormation::Stack"

# A settled stack may be changed; which of these states may only be deleted is said where the change is asked for.
UNSETTLED_SUFFIX = "_IN_PROGRESS"
REVIEW = "REVIEW_IN_PROGRESS"


def now() -> datetime:
    """Return the time as the API writes it."""
    return datetime.now(UTC)


@dataclass
class Resource:
    """A resource that the stack holds."""

    logical_id: str
    type: str
    physical_id: str
    status: str
    definition: dict[str, Any]
    properties: dict[str, Any]
    reason: str | None = None
    changed: datetime = field(default_factory=now)
    # Read at the first Fn::GetAtt after each change.
    attributes: dict[str, Any] | None = None


@dataclass(frozen=True)
class Output:
    """An output's value, and the name that other stacks import it by."""

    key: str
    value: str
    description: str | None = None
    export: str | None = None


@dataclass(frozen=True)
class Event:
    """One line of a stack's history."""

    id: str
    logical_id: str
    physical_id: str
    type: str
    status: str
    reason: str | None
    time: datetime
    token: str | None


@dataclass
class ChangeSet:
    """A deployment that waits for its execution."""

    id: str
    name: str
    kind: str
    deployment: Deployment
    request: dict[str, Any]
    changes: list[dict[str, Any]]
    status: str
    execution_status: str
    reason: str | None
    created: datetime = field(default_factory=now)


@dataclass
class Stack:
    """A stack and its history; `deployment` is what was last deployed, or is being deployed."""

    account: str
    region: str
    name: str
    id: str
    status: str
    # In whose name the latest operation acts, or acted.
    actor: Actor
    created: datetime = field(default_factory=now)
    reason: str | None = None
    updated: datetime | None = None
    deleted: datetime | None = None
    protected: bool = False
    disable_rollback: bool = False
    deployment: Deployment | None = None
    resources: dict[str, Resource] = field(default_factory=dict)
    outputs: list[Output] = field(default_factory=list)
    imports: set[str] = field(default_factory=set)
    events: list[Event] = field(default_factory=list)
    change_sets: dict[str, ChangeSet] = field(default_factory=dict)
    # What a failed update, or one whose rollback failed, has to go back to.
    before: "Snapshot | None" = None

    @property
    def settled(self) -> bool:
        """Whether no operation is under way."""
        return self.status == REVIEW or not self.status.endswith(UNSETTLED_SUFFIX)


@dataclass(frozen=True)
class Snapshot:
    """A stack as it was before an update."""

    deployment: Deployment
    resources: dict[str, Resource]
    outputs: list[Output]
    imports: set[str]


class Stacks:
    """Every stack of every account and region; safe to use from any thread."""

    def __init__(self, events: StatusEvents) -> None:
        self._events = events
        self.changed = threading.Condition(threading.RLock())
        self._stacks: dict[str, Stack] = {}

    def add(self, caller: Caller, name: str, status: str, actor: Actor) -> Stack:
        """Make a new stack; a name is free again once its stack is deleted."""
        with self.changed:
            if self.find(caller, name):
                raise ApiError("AlreadyExistsException", f"Stack [{name}] already exists")
            arn = f"arn:aws:cloudformation:{caller.region}:{caller.account}:stack/{name}/{uuid.uuid4()}"
            stack = Stack(caller.account, caller.region, name, arn, status, actor)
            self._stacks[arn] = stack
            return stack

    def find(self, caller: Caller, name_or_id: str) -> Stack | None:
        """Return the stack; a deleted one is found by its id alone."""
        with self.changed:
            by_id = self._stacks.get(name_or_id)
            if by_id:
                return by_id if (by_id.account, by_id.region) == (caller.account, caller.region) else None
            return next((s for s in self.of(caller) if s.name == name_or_id and s.status != "DELETE_COMPLETE"), None)

    def get(self, caller: Caller, name_or_id: str, message: str = "Stack [{}] does not exist") -> Stack:
        """Return the stack; an absent one is refused."""
        stack = self.find(caller, name_or_id)
        if stack is None:
            raise ApiError("ValidationError", message.format(name_or_id))
        return stack

    def of(self, caller: Caller) -> list[Stack]:
        """Return every stack of the caller's account and region, the newest first."""
        with self.changed:
            mine = [s for s in self._stacks.values() if (s.account, s.region) == (caller.account, caller.region)]
            return mine[::-1]

    def neighbours(self, stack: Stack) -> list[Stack]:
        """Return the other stacks of a stack's account and region, deleted ones not."""
        all_of_them = self.of(Caller(stack.account, stack.region, ""))
        return [other for other in all_of_them if other is not stack and other.status != "DELETE_COMPLETE"]

    def forget(self, stack: Stack) -> None:
        """Drop a stack that never held anything."""
        with self.changed:
            self._stacks.pop(stack.id, None)

    def wait(self, stack: Stack, until: Callable[[Stack], bool], timeout_s: float) -> None:
        """Block until the stack satisfies the condition or the time is over."""
        with self.changed:
            self.changed.wait_for(lambda: until(stack), timeout_s)

    def set_status(self, stack: Stack, status: str, reason: str | None = None, token: str | None = None) -> None:
        """Change the stack's state and record the event."""
        with self.changed:
            stack.status, stack.reason = status, reason
            self._record(stack, (stack.name, stack.id, STACK_TYPE), status, reason, token)
        self._events.tell(stack, token)

    def set_resource(self, stack: Stack, resource: Resource, status: str, reason: str | None = None) -> None:
        """Change a resource's state and record the event."""
        with self.changed:
            resource.status, resource.reason, resource.changed = status, reason, now()
            self._record(stack, (resource.logical_id, resource.physical_id, resource.type), status, reason, None)

    def exports(self, caller: Caller) -> Iterator[tuple[Stack, Output]]:
        """Yield every export of the caller's account and region."""
        for stack in self.of(caller):
            for output in stack.outputs:
                if output.export:
                    yield stack, output

    def importers(self, stack: Stack, export: str) -> list[str]:
        """Return the names of the stacks that import an export of this one."""
        caller = Caller(stack.account, stack.region, "")
        return [other.name for other in self.of(caller) if other is not stack and export in other.imports]

    def _record(
        self, stack: Stack, subject: tuple[str, str, str], status: str, reason: str | None, token: str | None
    ) -> None:
        logical_id, physical_id, kind = subject
        event_id = str(uuid.uuid4()) if kind == STACK_TYPE else f"{logical_id}-{status}-{uuid.uuid4()}"
        # Clients order events by time, to the millisecond.
        time = max(now(), stack.events[-1].time + timedelta(milliseconds=1)) if stack.events else now()
        stack.events.append(Event(event_id, logical_id, physical_id, kind, status, reason, time, token))
        self.changed.notify_all()
