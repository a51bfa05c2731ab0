"""A workgroup says where results go; it is made, changed and deleted by API and by template."""

import json
from typing import Any

import pytest

from .conftest import TEXT


def test_each_account_has_the_primary_workgroup_which_enforces_nothing(lake: Any) -> None:
    client = lake.client("athena")
    group = client.get_work_group(WorkGroup="primary")["WorkGroup"]
    assert (group["State"], group["Configuration"]["EnforceWorkGroupConfiguration"]) == ("ENABLED", False)
    with pytest.raises(client.exceptions.InvalidRequestException, match="No output location provided"):
        client.start_query_execution(QueryString="SELECT 1")
    with pytest.raises(client.exceptions.InvalidRequestException, match="primary workgroup cannot be deleted"):
        client.delete_work_group(WorkGroup="primary")


def test_a_workgroup_is_changed_and_what_is_removed_is_gone(lake: Any) -> None:
    client = lake.client("athena")
    updates = {
        "EnforceWorkGroupConfiguration": False,
        "BytesScannedCutoffPerQuery": 10_000_000,
        "ResultConfigurationUpdates": {"RemoveOutputLocation": True},
    }
    client.update_work_group(WorkGroup=lake.name, ConfigurationUpdates=updates, Description="New", State="DISABLED")
    group = client.get_work_group(WorkGroup=lake.name)["WorkGroup"]
    assert (group["Description"], group["State"]) == ("New", "DISABLED")
    assert group["Configuration"]["ResultConfiguration"] == {}
    assert group["Configuration"]["BytesScannedCutoffPerQuery"] == 10_000_000
    with pytest.raises(client.exceptions.InvalidRequestException, match="is disabled"):
        lake.start("SELECT 1")


def test_a_workgroup_that_was_used_goes_only_with_what_ran_in_it(lake: Any) -> None:
    client = lake.client("athena")
    lake.run("SELECT 1")
    with pytest.raises(client.exceptions.InvalidRequestException, match="is not empty"):
        client.delete_work_group(WorkGroup=lake.name)
    client.delete_work_group(WorkGroup=lake.name, RecursiveDeleteOption=True)
    assert lake.name not in {group["Name"] for group in client.list_work_groups()["WorkGroups"]}


def test_a_query_over_the_limit_of_its_workgroup_is_cancelled(lake: Any) -> None:
    lake.client("athena").update_work_group(
        WorkGroup=lake.name, ConfigurationUpdates={"BytesScannedCutoffPerQuery": 10_000_000}
    )
    lake.put("large/a.csv", b"x" * 10_000_001)
    serde = {"SerializationLibrary": "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"}
    lake.table("large", {"a": "string"}, SerdeInfo=serde, **TEXT)
    status = lake.run("SELECT count(*) FROM large")["Status"]
    assert (status["State"], status["StateChangeReason"]) == ("CANCELLED", "Bytes scanned limit was exceeded")


def test_what_the_sandbox_lacks_is_refused_by_name(lake: Any) -> None:
    client = lake.client("athena")
    with pytest.raises(client.exceptions.ClientError, match="does not have ExecutionRole of a workgroup"):
        client.create_work_group(Name="spark", Configuration={"ExecutionRole": "arn:aws:iam::111111111111:role/a"})
    with pytest.raises(client.exceptions.ClientError, match="does not have athena:CreateNamedQuery"):
        client.create_named_query(Name="a", Database="b", QueryString="SELECT 1")
    reuse = {"ResultReuseByAgeConfiguration": {"Enabled": True}}
    with pytest.raises(client.exceptions.ClientError, match="does not have the reuse of results"):
        lake.start("SELECT 1", ResultReuseConfiguration=reuse)


def test_a_template_makes_changes_and_deletes_a_workgroup(lake: Any) -> None:
    name, cloudformation = f"{lake.name}-2", lake.client("cloudformation")
    place = {"OutputLocation": f"s3://{lake.name}/q/"}

    def template(state: str, **results: Any) -> str:
        configuration = {"EnforceWorkGroupConfiguration": True, "ResultConfiguration": {**place, **results}}
        properties = {"Name": name, "State": state, "RecursiveDeleteOption": True, "Description": "Queries"}
        properties |= {"WorkGroupConfiguration": configuration, "Tags": [{"Key": "a", "Value": "b"}]}
        group = {"Type": "AWS::Athena::WorkGroup", "Properties": properties}
        outputs = {"Name": {"Value": {"Ref": "Group"}}}
        return json.dumps({"Resources": {"Group": group}, "Outputs": outputs})

    encrypted = {"EncryptionConfiguration": {"EncryptionOption": "SSE_S3"}}
    cloudformation.create_stack(StackName=name, TemplateBody=template("ENABLED", **encrypted))
    cloudformation.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
    athena = lake.client("athena")
    group = athena.get_work_group(WorkGroup=name)["WorkGroup"]
    assert group["Configuration"]["ResultConfiguration"] == {**place, **encrypted}
    tags = athena.list_tags_for_resource(ResourceARN=lake.bench.arn("athena", f"workgroup/{name}"))["Tags"]
    assert tags == [{"Key": "a", "Value": "b"}]
    cloudformation.update_stack(StackName=name, TemplateBody=template("DISABLED"))
    cloudformation.get_waiter("stack_update_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
    group = athena.get_work_group(WorkGroup=name)["WorkGroup"]
    assert (group["State"], group["Configuration"]["ResultConfiguration"]) == ("DISABLED", place)
    cloudformation.delete_stack(StackName=name)
    cloudformation.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
    assert name not in {group["Name"] for group in athena.list_work_groups()["WorkGroups"]}
