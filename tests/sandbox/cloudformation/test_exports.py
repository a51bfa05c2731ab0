import json
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError


def parameter(value: Any) -> dict[str, Any]:
    return {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": value}}


def exports(name: str, value: Any) -> dict[str, Any]:
    return {"O": {"Value": value, "Export": {"Name": name}}}


@pytest.fixture
def pair(stacks: Any) -> tuple[str, str, str]:
    """Return the names of a stack that exports, of one that imports, and of the export."""
    export = f"export-{uuid.uuid4().hex[:8]}"
    one = stacks.create({"P": parameter("1")}, Outputs=exports(export, {"Ref": "P"}))
    other = stacks.create({"P": parameter({"Fn::ImportValue": export})})
    return one["StackName"], other["StackName"], export


def test_an_import_reads_the_exported_value(stacks: Any, pair: tuple[str, str, str]) -> None:
    one, other, export = pair

    assert stacks.parameter(stacks.physical_id(other, "P")) == stacks.physical_id(one, "P")
    assert {
        "Name": export,
        "Value": stacks.physical_id(one, "P"),
        "ExportingStackId": stacks.settled(one)["StackId"],
    } in (stacks.api.list_exports()["Exports"])
    assert stacks.api.list_imports(ExportName=export)["Imports"] == [other]


def test_a_stack_whose_export_is_used_is_not_deleted(stacks: Any, pair: tuple[str, str, str]) -> None:
    one, other, export = pair

    stack = stacks.delete(one)

    assert stack["StackStatus"] == "CREATE_COMPLETE"
    assert stack["StackStatusReason"] == f"Export {export} cannot be deleted as it is in use by {other}"
    assert stacks.delete(other)["StackStatus"] == "DELETE_COMPLETE"
    assert stacks.delete(one)["StackStatus"] == "DELETE_COMPLETE"


@pytest.mark.parametrize(("outputs", "verb"), [({"Q": {"Value": "1"}}, "deleted"), (None, "updated")])
def test_a_used_export_is_neither_removed_nor_changed(
    stacks: Any, pair: tuple[str, str, str], outputs: dict[str, Any] | None, verb: str
) -> None:
    one, other, export = pair

    stack = stacks.update(one, {"P": parameter("2")}, Outputs=outputs or exports(export, "something else"))

    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    told = f"Export {export} cannot be {verb} as it is in use by {other}"
    assert stacks.reason(one, one, "UPDATE_ROLLBACK_IN_PROGRESS") == told
    assert stacks.parameter(stacks.physical_id(one, "P")) == "1"
    assert [output["ExportName"] for output in stack["Outputs"]] == [export]


def test_an_export_that_nobody_uses_any_more_may_go(stacks: Any, pair: tuple[str, str, str]) -> None:
    one, other, export = pair
    stacks.update(other, {"P": parameter("free")})

    assert stacks.update(one, {"P": parameter("1")})["StackStatus"] == "UPDATE_COMPLETE"
    assert export not in [found["Name"] for found in stacks.api.list_exports()["Exports"]]


def test_an_export_name_belongs_to_one_stack(stacks: Any, pair: tuple[str, str, str]) -> None:
    one, _, export = pair

    stack = stacks.create({"P": parameter("1")}, Outputs=exports(export, "mine"))

    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    reason = stacks.reason(stack["StackName"], stack["StackName"], "ROLLBACK_IN_PROGRESS")
    assert reason.startswith(f"Export with name {export} is already exported by stack {one}.")


def test_a_missing_export_fails_the_change_set_and_the_stack(stacks: Any) -> None:
    name = stacks.name()
    resources = {"P": parameter({"Fn::ImportValue": "nothing-here"})}
    body = json.dumps({"Resources": resources})

    made = stacks.api.create_change_set(StackName=name, ChangeSetName="c", ChangeSetType="CREATE", TemplateBody=body)

    change_set = stacks.api.describe_change_set(ChangeSetName=made["Id"])
    assert (change_set["Status"], change_set["StatusReason"]) == ("FAILED", "No export named nothing-here found.")
    stack = stacks.create(resources)
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert stacks.reason(stack["StackName"], "P", "CREATE_FAILED") == "No export named nothing-here found."


def test_imports_of_an_unused_export_are_refused(stacks: Any) -> None:
    with pytest.raises(ClientError, match="Export 'nobody' is not imported by any stack"):
        stacks.api.list_imports(ExportName="nobody")
