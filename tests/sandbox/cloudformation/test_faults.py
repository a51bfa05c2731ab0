"""What a resource does that no real one does on demand: fail to change back, hang, or break."""

import threading
import uuid
from typing import Any

import pytest

from sagewright.sandbox.cloudformation.resource import HandlerError
from sagewright.sandbox.cloudformation.resources import TYPES

TOPIC = "AWS::SNS::Topic"


class Puppet:
    """A resource type whose operations the test decides."""

    def __init__(self) -> None:
        self.fails_on_update_to: set[str] = set()
        self.created: list[str] = []
        self.deleted: list[str] = []

    def create(self, _: Any, properties: dict[str, Any]) -> str:
        self.created.append(properties["DisplayName"])
        return f"puppet-{uuid.uuid4()}"

    def attributes(self, _: Any, physical_id: str, __: dict[str, Any]) -> dict[str, Any]:
        return {"TopicArn": physical_id}

    def update(self, _: Any, __: str, ___: dict[str, Any], new: dict[str, Any]) -> None:
        if new["DisplayName"] in self.fails_on_update_to:
            raise HandlerError(f"cannot become {new['DisplayName']}")

    def delete(self, _: Any, __: str, properties: dict[str, Any]) -> None:
        self.deleted.append(properties["DisplayName"])


@pytest.fixture
def puppet(monkeypatch: pytest.MonkeyPatch) -> Puppet:
    found = Puppet()
    monkeypatch.setitem(TYPES, TOPIC, found)
    return found


def topic(name: str, **attributes: Any) -> dict[str, Any]:
    return {"Type": TOPIC, "Properties": {"DisplayName": name}, **attributes}


def test_a_rollback_that_fails_can_be_continued_with_or_without_the_resource(stacks: Any, puppet: Puppet) -> None:
    stack = stacks.create({"A": topic("a"), "B": topic("b")})
    name = stack["StackName"]
    puppet.fails_on_update_to = {"b2", "a"}
    broken = stacks.update(name, {"A": topic("a2"), "B": topic("b2", DependsOn="A")})
    assert broken["StackStatus"] == "UPDATE_ROLLBACK_FAILED"
    assert "cannot become a" in stacks.reason(name, "A", "UPDATE_FAILED")

    stacks.api.continue_update_rollback(StackName=name)
    assert stacks.settled(name)["StackStatus"] == "UPDATE_ROLLBACK_FAILED"
    stacks.api.continue_update_rollback(StackName=name, ResourcesToSkip=["A"])

    assert stacks.settled(name)["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"


def test_a_handler_that_breaks_fails_its_resource_with_the_reason(
    stacks: Any, puppet: Puppet, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise KeyError("nothing")

    monkeypatch.setattr(puppet, "create", broken)

    stack = stacks.create({"A": topic("a")})

    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    reason = stacks.reason(stack["StackName"], "A", "CREATE_FAILED")
    assert reason.startswith("Resource handler returned message: \"KeyError: 'nothing'\" (RequestToken: ")
    assert reason.endswith("HandlerErrorCode: InternalFailure)")


def test_independent_resources_are_made_side_by_side(
    stacks: Any, puppet: Puppet, monkeypatch: pytest.MonkeyPatch
) -> None:
    both_there = threading.Barrier(2, timeout=30)

    def together(*_: Any) -> str:
        both_there.wait()
        return str(uuid.uuid4())

    monkeypatch.setattr(puppet, "create", together)

    assert stacks.create({"A": topic("a"), "B": topic("b")})["StackStatus"] == "CREATE_COMPLETE"


def test_a_stack_in_motion_can_neither_be_changed_nor_planned(
    stacks: Any, puppet: Puppet, monkeypatch: pytest.MonkeyPatch
) -> None:
    started, finish = threading.Event(), threading.Event()

    def slow(*_: Any) -> str:
        started.set()
        assert finish.wait(30)
        return "slow"

    monkeypatch.setattr(puppet, "create", slow)
    name = stacks.name()
    body = f'{{"Resources": {{"A": {{"Type": "{TOPIC}", "Properties": {{"DisplayName": "a"}}}}}}}}'
    stacks.api.create_stack(StackName=name, TemplateBody=body)
    assert started.wait(30)

    with pytest.raises(
        stacks.api.exceptions.ClientError, match="is in CREATE_IN_PROGRESS state and can not be updated"
    ):
        stacks.api.update_stack(StackName=name, TemplateBody=body)
    summaries = stacks.api.list_stacks(StackStatusFilter=["CREATE_IN_PROGRESS"])["StackSummaries"]
    assert name in [summary["StackName"] for summary in summaries]
    finish.set()
    assert stacks.settled(name)["StackStatus"] == "CREATE_COMPLETE"


def test_resources_are_removed_in_reverse_order(stacks: Any, puppet: Puppet) -> None:
    resources = {"A": topic("a"), "B": topic("b", DependsOn="A"), "C": topic("c", DependsOn="B")}
    stack = stacks.create(resources)

    stacks.delete(stack["StackName"])

    assert (puppet.created, puppet.deleted) == (["a", "b", "c"], ["c", "b", "a"])
