import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError


def unique(prefix: str) -> str:
    return f"{prefix}-{uuid.uuid4().hex[:10]}"


def parameter(value: Any, name: str | None = None, **attributes: Any) -> dict[str, Any]:
    properties = {"Type": "String", "Value": value} | ({"Name": name} if name else {})
    return {"Type": "AWS::SSM::Parameter", "Properties": properties, **attributes}


def bucket(name: str | None = None, **attributes: Any) -> dict[str, Any]:
    return {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": name} if name else {}, **attributes}


@pytest.fixture
def taken(stacks: Any) -> str:
    """Return the name of a bucket that exists outside of any stack."""
    name = unique("taken")
    stacks.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    return name


def test_a_resource_is_created_after_what_it_refers_to(stacks: Any) -> None:
    resources = {
        "Second": parameter({"Ref": "First"}),
        "First": parameter("one"),
        "Third": parameter("x", DependsOn="Second"),
    }

    stack = stacks.create(resources)

    assert stack["StackStatus"] == "CREATE_COMPLETE"
    done = [who for who, status, _ in stacks.events(stack["StackName"]) if status == "CREATE_COMPLETE"]
    assert done == ["First", "Second", "Third", stack["StackName"]]


def test_events_tell_the_whole_story_with_rising_times(stacks: Any) -> None:
    stack = stacks.create({"P": parameter("one")})

    events = stacks.events(stack["StackName"])

    assert events == [
        (stack["StackName"], "CREATE_IN_PROGRESS", "User Initiated"),
        ("P", "CREATE_IN_PROGRESS", ""),
        ("P", "CREATE_IN_PROGRESS", "Resource creation Initiated"),
        ("P", "CREATE_COMPLETE", ""),
        (stack["StackName"], "CREATE_COMPLETE", ""),
    ]
    times = [e["Timestamp"] for e in stacks.api.describe_stack_events(StackName=stack["StackId"])["StackEvents"]]
    assert times == sorted(times, reverse=True)
    assert len(set(times)) == len(times)


def test_a_failed_creation_is_rolled_back_and_only_deletable(stacks: Any, taken: str) -> None:
    name = unique("/rolled-back")
    stack = stacks.create({"P": parameter("one", name), "B": bucket(taken, DependsOn="P")})

    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert stacks.parameter(name) is None
    reason = stacks.reason(stack["StackName"], "B", "CREATE_FAILED")
    assert reason.startswith('Resource handler returned message: "')
    assert "(Service: S3, Status Code: 409, Request ID: " in reason
    assert "HandlerErrorCode: AlreadyExists)" in reason
    began = stacks.reason(stack["StackName"], stack["StackName"], "ROLLBACK_IN_PROGRESS")
    assert began == "The following resource(s) failed to create: [B]. Rollback requested by user."

    with pytest.raises(ClientError, match="is in ROLLBACK_COMPLETE state and can not be updated"):
        stacks.update(stack["StackName"], {"P": parameter("two", name)})
    assert stacks.delete(stack["StackName"])["StackStatus"] == "DELETE_COMPLETE"


def test_a_failed_creation_stays_when_rollback_is_disabled(stacks: Any, taken: str) -> None:
    name = unique("/kept")
    stack = stacks.create({"P": parameter("one", name), "B": bucket(taken, DependsOn="P")}, DisableRollback=True)

    assert stack["StackStatus"] == "CREATE_FAILED"
    assert stacks.parameter(name) == "one"


def test_a_failed_creation_disappears_on_failure_delete(stacks: Any, taken: str) -> None:
    stack = stacks.create({"B": bucket(taken)}, OnFailure="DELETE")

    assert stack["StackStatus"] == "DELETE_COMPLETE"


def test_retain_survives_a_rolled_back_creation_and_retain_except_on_create_does_not(stacks: Any, taken: str) -> None:
    kept, gone = unique("/kept"), unique("/gone")
    resources = {
        "Kept": parameter("one", kept, DeletionPolicy="Retain"),
        "Gone": parameter("one", gone, DeletionPolicy="RetainExceptOnCreate"),
        "B": bucket(taken, DependsOn=["Kept", "Gone"]),
    }

    stack = stacks.create(resources)

    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert (stacks.parameter(kept), stacks.parameter(gone)) == ("one", None)


def test_invalid_properties_fail_the_resource_before_anything_of_it_exists(stacks: Any) -> None:
    name = unique("/invalid")
    resource = parameter("one", name)
    resource["Properties"]["Foo"] = 1

    stack = stacks.create({"P": resource})

    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    reason = stacks.reason(stack["StackName"], "P", "CREATE_FAILED")
    assert (
        reason == "Properties validation failed for resource P with message:\n#: extraneous key [Foo] is not permitted"
    )
    assert stacks.parameter(name) is None
    assert not [e for e in stacks.events(stack["StackName"]) if e[2] == "Resource creation Initiated"]


def test_an_update_changes_in_place_what_can_be_changed(stacks: Any) -> None:
    name = unique("/in-place")
    stack = stacks.create({"P": parameter("one", name)})

    updated = stacks.update(stack["StackName"], {"P": parameter("two", name)})

    assert updated["StackStatus"] == "UPDATE_COMPLETE"
    assert stacks.parameter(name) == "two"
    statuses = [status for who, status, _ in stacks.events(stack["StackName"]) if who == stack["StackName"]]
    assert statuses[2:] == ["UPDATE_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_COMPLETE"]


def test_what_does_not_change_is_not_touched(stacks: Any) -> None:
    stack = stacks.create({"P": parameter("one"), "Q": parameter("one")})

    stacks.update(stack["StackName"], {"P": parameter("one"), "Q": parameter("two")})

    assert not [e for e in stacks.events(stack["StackName"]) if e[0] == "P" and e[1].startswith("UPDATE")]


def test_a_replacement_is_created_before_the_old_resource_is_deleted(stacks: Any) -> None:
    old, new = unique("/old"), unique("/new")
    stack = stacks.create({"P": parameter("one", old), "Q": parameter({"Ref": "P"})})

    updated = stacks.update(stack["StackName"], {"P": parameter("one", new), "Q": parameter({"Ref": "P"})})

    assert updated["StackStatus"] == "UPDATE_COMPLETE"
    assert (stacks.parameter(old), stacks.parameter(new)) == (None, "one")
    assert stacks.parameter(stacks.physical_id(stack["StackName"], "Q")) == new
    story = [(who, status) for who, status, _ in stacks.events(stack["StackName"])]
    assert story.index(("P", "UPDATE_COMPLETE")) < story.index(("Q", "UPDATE_COMPLETE"))
    cleanup = story.index((stack["StackName"], "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"))
    assert story.index(("Q", "UPDATE_COMPLETE")) < cleanup < story.index(("P", "DELETE_COMPLETE"))


def test_update_replace_policy_retain_keeps_the_replaced_resource(stacks: Any) -> None:
    old, new = unique("/old"), unique("/new")
    stack = stacks.create({"P": parameter("one", old, UpdateReplacePolicy="Retain")})

    stacks.update(stack["StackName"], {"P": parameter("two", new, UpdateReplacePolicy="Retain")})

    assert (stacks.parameter(old), stacks.parameter(new)) == ("one", "two")


def test_a_failed_update_is_taken_back(stacks: Any, taken: str) -> None:
    changed, replaced, renamed, added = (unique(f"/{part}") for part in ("changed", "replaced", "renamed", "added"))
    stack = stacks.create({"C": parameter("one", changed), "R": parameter("one", replaced)})

    updated = stacks.update(
        stack["StackName"],
        {
            "C": parameter("two", changed),
            "R": parameter("two", renamed),
            "A": parameter("new", added),
            "B": bucket(taken, DependsOn=["C", "R", "A"]),
        },
    )

    assert updated["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert stacks.parameter(changed) == "one"
    assert (stacks.parameter(replaced), stacks.parameter(renamed)) == ("one", None)
    assert stacks.parameter(added) is None
    held = stacks.api.list_stack_resources(StackName=stack["StackName"])["StackResourceSummaries"]
    assert {r["LogicalResourceId"]: r["PhysicalResourceId"] for r in held} == {"C": changed, "R": replaced}
    began = stacks.reason(stack["StackName"], stack["StackName"], "UPDATE_ROLLBACK_IN_PROGRESS")
    assert began == "The following resource(s) failed to create: [B]."
    again = stacks.update(stack["StackName"], {"C": parameter("three", changed), "R": parameter("one", replaced)})
    assert again["StackStatus"] == "UPDATE_COMPLETE"


def test_a_replacement_that_fails_leaves_the_old_resource(stacks: Any, taken: str) -> None:
    stack = stacks.create({"B": bucket(old := unique("old"))})

    updated = stacks.update(stack["StackName"], {"B": bucket(taken)})

    assert updated["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert stacks.physical_id(stack["StackName"], "B") == old
    stacks.client("s3").head_bucket(Bucket=old)
    stacks.client("s3").head_bucket(Bucket=taken)


def test_a_replacement_under_the_name_of_the_old_resource_is_refused(stacks: Any) -> None:
    name = unique("group")
    group = {"Type": "AWS::SageMaker::ModelPackageGroup", "Properties": {"ModelPackageGroupName": name}}
    stack = stacks.create({"G": group})

    described = {**group, "Properties": {**group["Properties"], "ModelPackageGroupDescription": "new"}}
    updated = stacks.update(stack["StackName"], {"G": described})

    assert updated["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert stacks.reason(stack["StackName"], "G", "UPDATE_FAILED") == (
        "CloudFormation cannot update a stack when a custom-named resource requires replacing. "
        f"Rename {name} and update the stack again."
    )
    assert stacks.client("sagemaker").describe_model_package_group(ModelPackageGroupName=name)


def test_a_replacement_whose_name_another_parent_holds_is_made(stacks: Any) -> None:
    def stream(group: str) -> dict[str, Any]:
        return {
            "A": {"Type": "AWS::Logs::LogGroup", "Properties": {}},
            "B": {"Type": "AWS::Logs::LogGroup", "Properties": {}},
            "S": {"Type": "AWS::Logs::LogStream", "Properties": {"LogGroupName": {"Ref": group}, "LogStreamName": "s"}},
        }

    stack = stacks.create(stream("A"))

    assert stacks.update(stack["StackName"], stream("B"))["StackStatus"] == "UPDATE_COMPLETE"


def test_a_failed_update_without_rollback_can_be_taken_back_later(stacks: Any, taken: str) -> None:
    name = unique("/paused")
    stack = stacks.create({"P": parameter("one", name)})
    request = {"P": parameter("two", name), "B": bucket(taken, DependsOn="P")}

    assert stacks.update(stack["StackName"], request, DisableRollback=True)["StackStatus"] == "UPDATE_FAILED"
    assert stacks.parameter(name) == "two"

    stacks.api.rollback_stack(StackName=stack["StackName"])
    assert stacks.settled(stack["StackName"])["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert stacks.parameter(name) == "one"


def test_a_failed_update_without_rollback_can_be_corrected(stacks: Any, taken: str) -> None:
    name, extra = unique("/paused"), unique("/extra")
    stack = stacks.create({"P": parameter("one", name)})
    failing = {"P": parameter("two", name), "E": parameter("x", extra), "B": bucket(taken, DependsOn=["P", "E"])}
    stacks.update(stack["StackName"], failing, DisableRollback=True)

    corrected = stacks.update(stack["StackName"], {"P": parameter("two", name)})

    assert corrected["StackStatus"] == "UPDATE_COMPLETE"
    assert (stacks.parameter(name), stacks.parameter(extra)) == ("two", None)


def test_what_leaves_the_template_is_deleted_last_and_retained_where_asked(stacks: Any) -> None:
    gone, kept = unique("/gone"), unique("/kept")
    stack = stacks.create(
        {"P": parameter("1"), "G": parameter("1", gone), "K": parameter("1", kept, DeletionPolicy="Retain")}
    )

    stacks.update(stack["StackName"], {"P": parameter("2")})

    assert (stacks.parameter(gone), stacks.parameter(kept)) == (None, "1")
    assert ("K", "DELETE_SKIPPED", "") in stacks.events(stack["StackName"])


def test_a_resource_that_cannot_be_deleted_after_an_update_does_not_fail_it(stacks: Any) -> None:
    name = unique("full")
    stack = stacks.create({"P": parameter("1"), "B": bucket(name)})
    stacks.client("s3").put_object(Bucket=name, Key="a", Body=b"1")

    updated = stacks.update(stack["StackName"], {"P": parameter("1")})

    assert updated["StackStatus"] == "UPDATE_COMPLETE"
    assert updated["StackStatusReason"] == "Update successful. One or more resources could not be deleted."


def test_a_non_empty_bucket_fails_the_deletion_until_it_is_empty_or_retained(stacks: Any) -> None:
    name, other = unique("full"), unique("/other")
    stack = stacks.create({"B": bucket(name), "P": parameter("1", other)})
    stacks.client("s3").put_object(Bucket=name, Key="a", Body=b"1")

    deleted = stacks.delete(stack["StackName"])

    assert deleted["StackStatus"] == "DELETE_FAILED"
    assert deleted["StackStatusReason"] == "The following resource(s) failed to delete: [B]."
    assert "is not empty" in stacks.reason(stack["StackName"], "B", "DELETE_FAILED")
    assert stacks.parameter(other) is None
    assert stacks.delete(stack["StackName"], RetainResources=["B"])["StackStatus"] == "DELETE_COMPLETE"
    stacks.client("s3").head_bucket(Bucket=name)


def test_what_a_failed_deletion_depends_on_is_not_touched(stacks: Any) -> None:
    name, needed = unique("full"), unique("/needed")
    stack = stacks.create({"P": parameter("1", needed), "B": bucket(name, DependsOn="P")})
    stacks.client("s3").put_object(Bucket=name, Key="a", Body=b"1")

    stacks.delete(stack["StackName"])

    assert stacks.parameter(needed) == "1"


def test_a_protected_stack_is_not_deleted_until_the_protection_is_lifted(stacks: Any) -> None:
    stack = stacks.create({"P": parameter("1")}, EnableTerminationProtection=True)
    name = stack["StackName"]

    with pytest.raises(ClientError) as refused:
        stacks.api.delete_stack(StackName=name)
    assert refused.value.response["Error"] == {
        "Type": "Sender",
        "Code": "ValidationError",
        "Message": f"Stack [{name}] cannot be deleted while TerminationProtection is enabled",
    }
    stacks.api.update_termination_protection(StackName=name, EnableTerminationProtection=False)
    assert stacks.delete(name)["StackStatus"] == "DELETE_COMPLETE"


def test_a_deleted_stack_is_known_by_its_id_alone_and_its_name_is_free(stacks: Any) -> None:
    stack = stacks.create({"P": parameter("1")})
    stacks.delete(stack["StackName"])

    with pytest.raises(ClientError, match=f"Stack with id {stack['StackName']} does not exist"):
        stacks.api.describe_stacks(StackName=stack["StackName"])
    assert stacks.settled(stack["StackId"])["StackStatus"] == "DELETE_COMPLETE"
    assert stacks.create({"P": parameter("1")}, stack["StackName"])["StackId"] != stack["StackId"]
    assert stacks.api.delete_stack(StackName=stacks.name())["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_accounts_and_regions_do_not_see_each_other(stacks: Any) -> None:
    name = stacks.name()
    here = stacks.create({"P": parameter("1")}, name)
    there = type(stacks)(stacks.sandbox, "222222222222", "us-east-1").create({"P": parameter("1")}, name)

    assert ":eu-west-1:111111111111:" in here["StackId"]
    assert ":us-east-1:222222222222:" in there["StackId"]


def test_stack_tags_reach_the_resources(stacks: Any) -> None:
    name = unique("/tagged")

    stacks.create({"P": parameter("1", name)}, Tags=[{"Key": "team", "Value": "ml"}])

    tags = stacks.client("ssm").list_tags_for_resource(ResourceType="Parameter", ResourceId=name)["TagList"]
    assert {"Key": "team", "Value": "ml"} in tags


def test_changed_stack_tags_alone_reach_the_resources(stacks: Any) -> None:
    name = unique("/retagged")
    stack = stacks.create({"P": parameter("1", name)}, Tags=[{"Key": "team", "Value": "ml"}])

    stacks.update(stack["StackName"], {"P": parameter("1", name)}, Tags=[{"Key": "team", "Value": "other"}])

    tags = stacks.client("ssm").list_tags_for_resource(ResourceType="Parameter", ResourceId=name)["TagList"]
    assert {"Key": "team", "Value": "other"} in tags


def test_an_output_that_cannot_be_read_rolls_the_stack_back(stacks: Any) -> None:
    outputs = {"O": {"Value": {"Fn::GetAtt": ["P", "AllowedPattern"]}}}

    stack = stacks.create({"P": parameter("1")}, Outputs=outputs)

    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    reason = stacks.reason(stack["StackName"], stack["StackName"], "ROLLBACK_IN_PROGRESS")
    assert reason.startswith("Requested attribute AllowedPattern does not exist in schema for AWS::SSM::Parameter")
