"""Resources that are there already come under a stack as they are, or the change set says why they do not."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

KEPT = {"DeletionPolicy": "RetainExceptOnCreate", "UpdateReplacePolicy": "Retain"}
BAD = {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": "x", "AllowedPattern": "[0-9]"}}


def bucket(name: Any, **members: Any) -> dict[str, Any]:
    return {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": name}, **members}


def planned(stacks: Any, resources: Any, kind: str = "CREATE", name: str = "", **request: Any) -> tuple[str, Any]:
    """Return the stack's name and the change set."""
    name = name or stacks.name()
    outputs = {"Outputs": request.pop("Outputs")} if "Outputs" in request else {}
    body = json.dumps({"Resources": resources, **outputs})
    stacks.api.create_change_set(
        StackName=name, ChangeSetName="set", ChangeSetType=kind, TemplateBody=body, Capabilities=[], **request
    )
    return name, stacks.api.describe_change_set(StackName=name, ChangeSetName="set")


def executed(stacks: Any, name: str) -> str:
    stacks.api.execute_change_set(StackName=name, ChangeSetName="set")
    return stacks.settled(name)["StackStatus"]


def held(stacks: Any, *keys: str, prefix: str = "held") -> tuple[str, dict[str, Any]]:
    """A bucket with an object in it that a deleted stack has left."""
    name = f"{prefix}-{stacks.name()}"
    template = {"Data": bucket(name, **KEPT)}
    stack = stacks.create(template)
    for key in keys:
        stacks.client("s3").put_object(Bucket=name, Key=key, Body=key.encode())
    assert stacks.delete(stack["StackName"])["StackStatus"] == "DELETE_COMPLETE"
    return name, template


def test_a_retained_bucket_is_taken_over_with_every_object(stacks: Any) -> None:
    name, template = held(stacks, "one", "two")

    stack, change_set = planned(stacks, template, ImportExistingResources=True, Tags=[{"Key": "team", "Value": "ml"}])

    change = change_set["Changes"][0]["ResourceChange"]
    assert (change["Action"], change["PhysicalResourceId"]) == ("Import", name)
    assert change_set["ImportExistingResources"] is True
    assert executed(stacks, stack) == "CREATE_COMPLETE"
    assert stacks.client("s3").get_object(Bucket=name, Key="two")["Body"].read() == b"two"
    told = [(status, reason) for who, status, reason in stacks.events(stack) if who == "Data"]
    assert told == [
        ("IMPORT_IN_PROGRESS", "Resource import started."),
        ("IMPORT_COMPLETE", "Resource import completed."),
        ("UPDATE_IN_PROGRESS", "Apply stack-level tags to imported resource if applicable."),
        ("UPDATE_COMPLETE", ""),
    ]
    assert {"Key": "team", "Value": "ml"} in stacks.client("s3").get_bucket_tagging(Bucket=name)["TagSet"]


def test_without_the_option_a_retained_bucket_stands_in_the_way(stacks: Any) -> None:
    name, template = held(stacks)

    stack, change_set = planned(stacks, template)

    assert change_set["Changes"][0]["ResourceChange"]["Action"] == "Add"
    assert executed(stacks, stack) == "ROLLBACK_COMPLETE"
    assert f"{name} already exists" in stacks.reason(stack, "Data", "CREATE_FAILED")


def test_what_would_be_deleted_with_its_stack_is_not_imported(stacks: Any) -> None:
    name, _ = held(stacks)

    _, change_set = planned(stacks, {"Data": bucket(name)}, ImportExistingResources=True)

    assert change_set["Status"] == "FAILED"
    assert change_set["StatusReason"] == (
        "CloudFormation is attempting to import some resources because they already exist in your account. The "
        "resources must have the DeletionPolicy attribute set to 'Retain' or 'RetainExceptOnCreate' in the template "
        f"for successful import. The affected resources are Data ({{BucketName={name}}})"
    )


def test_a_name_that_a_function_makes_is_not_looked_for(stacks: Any) -> None:
    name, _ = held(stacks, prefix="held-111111111111")
    made = {"Fn::Sub": name.replace("111111111111", "${AWS::AccountId}")}

    _, change_set = planned(stacks, {"Data": bucket(made, **KEPT)}, ImportExistingResources=True)

    assert change_set["Changes"][0]["ResourceChange"]["Action"] == "Add"


def test_what_another_stack_holds_is_not_imported(stacks: Any) -> None:
    name = stacks.name()
    owner = stacks.create({"Data": bucket(name)})

    _, change_set = planned(stacks, {"Data": bucket(name, **KEPT)}, ImportExistingResources=True)

    assert change_set["Status"] == "FAILED"
    assert change_set["StatusReason"] == f"{name} already exists in stack {owner['StackId']}"


def test_a_failed_creation_leaves_what_it_imported_where_it_was(stacks: Any) -> None:
    name, template = held(stacks, "one")

    stack, _ = planned(stacks, {**template, "Bad": {**BAD, "DependsOn": "Data"}}, ImportExistingResources=True)

    assert executed(stacks, stack) == "ROLLBACK_COMPLETE"
    assert ("Data", "IMPORT_ROLLBACK_COMPLETE", "") in stacks.events(stack)
    assert stacks.client("s3").get_object(Bucket=name, Key="one")["Body"].read() == b"one"


def test_an_update_takes_over_what_a_template_adds(stacks: Any) -> None:
    name, template = held(stacks, "one")
    stack = stacks.create({"Other": bucket(stacks.name())})["StackName"]
    other = {"Other": bucket(stacks.physical_id(stack, "Other"))}

    planned(stacks, {**other, **template}, "UPDATE", stack, ImportExistingResources=True)

    assert executed(stacks, stack) == "UPDATE_COMPLETE"
    assert stacks.physical_id(stack, "Data") == name


# A key and a model package group are known by what the service gives them: only an IMPORT change set finds them.
REGISTRY: dict[str, dict[str, Any]] = {
    "Key": {"Type": "AWS::KMS::Key", "Properties": {"EnableKeyRotation": True}, **KEPT},
    "Alias": {"Type": "AWS::KMS::Alias", "Properties": {"TargetKeyId": {"Fn::GetAtt": ["Key", "Arn"]}}, **KEPT},
    "Group": {"Type": "AWS::SageMaker::ModelPackageGroup", "Properties": {}, **KEPT},
}


def registry(stacks: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """What a deleted stack has left of a key, its alias and a registry, and how an import names them."""
    name = stacks.name()
    template = json.loads(json.dumps(REGISTRY))
    template["Alias"]["Properties"]["AliasName"] = f"alias/{name}"
    template["Group"]["Properties"]["ModelPackageGroupName"] = name
    stack = stacks.create(template)["StackName"]
    ids = {logical_id: stacks.physical_id(stack, logical_id) for logical_id in template}
    stacks.delete(stack)
    keys = {"Key": "KeyId", "Alias": "AliasName", "Group": "ModelPackageGroupArn"}
    return template, [
        {
            "LogicalResourceId": logical_id,
            "ResourceType": template[logical_id]["Type"],
            "ResourceIdentifier": {key: ids[logical_id]},
        }
        for logical_id, key in keys.items()
    ]


def test_an_import_makes_a_stack_of_what_is_there_and_an_update_carries_on(stacks: Any) -> None:
    template, wanted = registry(stacks)

    stack, change_set = planned(stacks, template, "IMPORT", ResourcesToImport=wanted)

    assert {change["ResourceChange"]["Action"] for change in change_set["Changes"]} == {"Import"}
    assert executed(stacks, stack) == "IMPORT_COMPLETE"
    assert stacks.physical_id(stack, "Key") == wanted[0]["ResourceIdentifier"]["KeyId"]
    outputs = {"KeyArn": {"Value": {"Fn::GetAtt": ["Key", "Arn"]}}}
    assert stacks.update(stack, template, Outputs=outputs)["StackStatus"] == "UPDATE_COMPLETE"
    arn = stacks.settled(stack)["Outputs"][0]["OutputValue"]
    assert arn.endswith(wanted[0]["ResourceIdentifier"]["KeyId"])


def test_an_import_into_a_stack_that_is_there_changes_nothing_else_of_it(stacks: Any) -> None:
    template, wanted = registry(stacks)
    stack = stacks.create({"Other": bucket(stacks.name())})["StackName"]
    other = {"Other": bucket(stacks.physical_id(stack, "Other"))}

    with pytest.raises(ClientError, match=r"You have modified resources \[Other\] in your template"):
        planned(stacks, template, "IMPORT", stack, ResourcesToImport=wanted)
    planned(stacks, {**other, **template}, "IMPORT", stack, ResourcesToImport=wanted)

    assert executed(stacks, stack) == "IMPORT_COMPLETE"


def test_an_import_that_fails_leaves_everything_where_it_was(stacks: Any) -> None:
    template, wanted = registry(stacks)
    template["Alias"]["Properties"]["TargetKeyId"] = ["no", "text"]

    stack, _ = planned(stacks, template, "IMPORT", ResourcesToImport=wanted)

    assert executed(stacks, stack) == "IMPORT_ROLLBACK_COMPLETE"
    key = wanted[0]["ResourceIdentifier"]["KeyId"]
    assert stacks.client("kms").describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Enabled"


def test_an_import_of_what_is_not_there_fails_as_a_change_set(stacks: Any) -> None:
    template, wanted = registry(stacks)
    wanted[1]["ResourceIdentifier"]["AliasName"] = "alias/nobody"

    _, change_set = planned(stacks, template, "IMPORT", ResourcesToImport=wanted)

    assert change_set["Status"] == "FAILED"
    assert "'alias/nobody' was not found" in change_set["StatusReason"]


Break = Callable[[dict[str, Any], list[dict[str, Any]]], object]
REFUSED: list[tuple[Break, str]] = [
    (lambda _, wanted: wanted.clear(), "Must Provide at least one resource to import"),
    (lambda _, wanted: wanted.append(wanted[0]), "must have unique LogicalResourceId"),
    (lambda _, wanted: wanted.pop(), r"Resources \[Group\] is missing from ResourceToImport list"),
    (lambda template, _: template.pop("Group"), r"logical resource ids \[Group\] provided in ResourceToImport do"),
    (lambda template, _: template["Key"].pop("DeletionPolicy"), r"import \[Key\] must have DeletionPolicy"),
    (lambda _, wanted: wanted[0].update(ResourceType="AWS::KMS::Alias"), "does not match with resource type"),
    (lambda _, wanted: wanted[0].update(ResourceIdentifier={"Id": "x"}), r"AWS::KMS::Key. Expected \[KeyId\]"),
]


@pytest.mark.parametrize(("broken", "message"), REFUSED)
def test_an_import_that_aws_refuses_is_refused_and_leaves_no_stack(stacks: Any, broken: Break, message: str) -> None:
    template, wanted = registry(stacks)
    broken(template, wanted)
    name = stacks.name()

    with pytest.raises(ClientError, match=message):
        planned(stacks, template, "IMPORT", name, ResourcesToImport=wanted)

    assert name not in [stack["StackName"] for stack in stacks.api.list_stacks()["StackSummaries"]]


def test_an_import_takes_no_outputs(stacks: Any) -> None:
    template, wanted = registry(stacks)

    with pytest.raises(ClientError, match=r"As part of the import operation, you cannot modify or add \[Outputs\]"):
        planned(stacks, template, "IMPORT", ResourcesToImport=wanted, Outputs={"Key": {"Value": {"Ref": "Key"}}})
