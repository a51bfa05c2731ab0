import json
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

NO_CHANGES = "The submitted information didn't contain changes. Submit different information to create a change set."


def parameter(value: Any, name: str | None = None, **attributes: Any) -> dict[str, Any]:
    properties = {"Type": "String", "Value": value} | ({"Name": name} if name else {})
    return {"Type": "AWS::SSM::Parameter", "Properties": properties, **attributes}


def planned(
    stacks: Any, stack: str, resources: dict[str, Any], kind: str = "UPDATE", **sections: Any
) -> dict[str, Any]:
    """Create a change set and return its description."""
    body = json.dumps({"Resources": resources, **sections})
    made = stacks.api.create_change_set(
        StackName=stack, ChangeSetName=f"c-{uuid.uuid4().hex[:8]}", ChangeSetType=kind, TemplateBody=body
    )
    return stacks.api.describe_change_set(ChangeSetName=made["Id"])


def executed(stacks: Any, change_set: dict[str, Any]) -> dict[str, Any]:
    stacks.api.execute_change_set(ChangeSetName=change_set["ChangeSetId"])
    return stacks.settled(change_set["StackId"])


def actions(change_set: dict[str, Any]) -> dict[str, str]:
    """Return {logical id: action and replacement}."""
    changes = [change["ResourceChange"] for change in change_set["Changes"]]
    return {c["LogicalResourceId"]: c["Action"] + c.get("Replacement", "") + c.get("PolicyAction", "") for c in changes}


def test_a_new_stack_waits_for_review_until_its_change_set_is_executed(stacks: Any) -> None:
    name = stacks.name()

    change_set = planned(stacks, name, {"P": parameter("1")}, "CREATE", Outputs={"O": {"Value": {"Ref": "P"}}})

    assert (change_set["Status"], change_set["ExecutionStatus"]) == ("CREATE_COMPLETE", "AVAILABLE")
    assert actions(change_set) == {"P": "Add"}
    assert stacks.settled(name)["StackStatus"] == "REVIEW_IN_PROGRESS"
    assert "Outputs" not in stacks.settled(name) or not stacks.settled(name)["Outputs"]
    assert stacks.api.get_template(StackName=name)["TemplateBody"] == ""
    with pytest.raises(ClientError, match="GetTemplateSummary cannot be called on REVIEW_IN_PROGRESS stacks"):
        stacks.api.get_template_summary(StackName=name)
    stack = executed(stacks, change_set)
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    assert stack["Outputs"][0]["OutputValue"] == stacks.physical_id(name, "P")


def test_the_plan_tells_what_is_changed_replaced_added_and_removed(stacks: Any) -> None:
    names = [f"/plan/{uuid.uuid4().hex}" for _ in range(3)]
    stack = stacks.create(
        {
            "Same": parameter("1"),
            "Changed": parameter("1"),
            "Replaced": parameter("1", names[0]),
            "Kept": parameter("1", names[1], UpdateReplacePolicy="Retain"),
            "Follows": parameter({"Ref": "Replaced"}),
            "Gone": parameter("1"),
            "Left": parameter("1", DeletionPolicy="Retain"),
        }
    )

    change_set = planned(
        stacks,
        stack["StackName"],
        {
            "Same": parameter("1"),
            "Changed": parameter("2"),
            "Replaced": parameter("1", names[2]),
            "Kept": parameter("1", names[1] + "x", UpdateReplacePolicy="Retain"),
            "Follows": parameter({"Ref": "Replaced"}),
            "Added": parameter({"Fn::Select": [5, {"Fn::Split": [":", {"Fn::GetAtt": ["Topic", "TopicArn"]}]}]}),
            "Topic": {"Type": "AWS::SNS::Topic"},
        },
    )

    assert actions(change_set) == {
        "Changed": "ModifyFalse",
        "Replaced": "ModifyTrueReplaceAndDelete",
        "Kept": "ModifyTrueReplaceAndRetain",
        "Follows": "ModifyFalse",
        "Added": "Add",
        "Topic": "Add",
        "Gone": "RemoveDelete",
        "Left": "RemoveRetain",
    }
    assert stacks.parameter(names[0]) == "1"
    assert stacks.parameter(names[2]) is None
    assert executed(stacks, change_set)["StackStatus"] == "UPDATE_COMPLETE"
    topic = stacks.physical_id(stack["StackName"], "Topic")
    assert stacks.parameter(stacks.physical_id(stack["StackName"], "Added")) == topic.split(":")[5]


def test_nothing_to_change_is_a_failed_change_set(stacks: Any) -> None:
    stack = stacks.create({"P": parameter("1")})

    change_set = planned(stacks, stack["StackName"], {"P": parameter("1")})

    assert (change_set["Status"], change_set["ExecutionStatus"]) == ("FAILED", "UNAVAILABLE")
    assert change_set["StatusReason"] == NO_CHANGES
    with pytest.raises(ClientError) as refused:
        stacks.api.execute_change_set(ChangeSetName=change_set["ChangeSetId"])
    assert refused.value.response["Error"]["Code"] == "InvalidChangeSetStatus"


def test_changed_outputs_alone_are_a_change(stacks: Any) -> None:
    stack = stacks.create({"P": parameter("1")})

    change_set = planned(stacks, stack["StackName"], {"P": parameter("1")}, Outputs={"O": {"Value": "new"}})

    assert (change_set["Status"], change_set["Changes"]) == ("CREATE_COMPLETE", [])
    assert executed(stacks, change_set)["Outputs"] == [{"OutputKey": "O", "OutputValue": "new"}]


def test_an_executed_change_set_takes_the_others_with_it(stacks: Any) -> None:
    stack = stacks.create({"P": parameter("1")})
    one, other = (planned(stacks, stack["StackName"], {"P": parameter(value)}) for value in ("2", "3"))

    executed(stacks, one)

    with pytest.raises(ClientError) as refused:
        stacks.api.execute_change_set(ChangeSetName=other["ChangeSetId"])
    assert refused.value.response["Error"]["Code"] == "ChangeSetNotFound"
    assert stacks.api.list_change_sets(StackName=stack["StackName"])["Summaries"] == []


def test_deleting_an_absent_change_set_is_a_success(stacks: Any) -> None:
    stack = stacks.create({"P": parameter("1")})
    change_set = planned(stacks, stack["StackName"], {"P": parameter("2")})

    for _ in range(2):
        stacks.api.delete_change_set(StackName=stack["StackName"], ChangeSetName=change_set["ChangeSetName"])

    with pytest.raises(ClientError, match="does not exist"):
        stacks.api.describe_change_set(StackName=stack["StackName"], ChangeSetName=change_set["ChangeSetName"])


def test_a_change_set_of_the_wrong_kind_is_refused(stacks: Any) -> None:
    stack = stacks.create({"P": parameter("1")})

    with pytest.raises(ClientError, match="already exists"):
        planned(stacks, stack["StackName"], {"P": parameter("1")}, "CREATE")
    absent = stacks.name()
    with pytest.raises(ClientError, match=rf"Stack \[{absent}\] does not exist"):
        planned(stacks, absent, {"P": parameter("1")})
