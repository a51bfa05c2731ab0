"""A bucket with EventBridge notifications tells the bus what came and went, as S3 does."""

import json
from typing import Any

import pytest


@pytest.fixture
def told(bench: Any) -> Any:
    """Return a queue that gets the events of a bucket of the test's name."""
    configuration = {"LocationConstraint": "eu-west-1"}
    bench.client("s3").create_bucket(Bucket=bench.name, CreateBucketConfiguration=configuration)
    queue = bench.queue(
        {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage"}
    )
    events = bench.client("events")
    pattern = {"source": ["aws.s3"], "detail": {"bucket": {"name": [bench.name]}}}
    events.put_rule(Name=bench.name, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=bench.name, Targets=[{"Id": "queue", "Arn": queue}])
    return queue


def switch_on(bench: Any) -> None:
    bench.client("s3").put_bucket_notification_configuration(
        Bucket=bench.name, NotificationConfiguration={"EventBridgeConfiguration": {}}
    )


def event(bench: Any, queue: str) -> dict[str, Any]:
    return json.loads(bench.received(queue)["Body"])


def test_an_object_that_is_put_is_told_in_the_documented_shape(bench: Any, told: str) -> None:
    switch_on(bench)
    bench.client("s3").put_object(Bucket=bench.name, Key="a b/ü.csv", Body=b"hello")
    found = event(bench, told)
    detail = found["detail"]
    assert len(detail["object"].pop("sequencer")) == 16
    assert len(detail.pop("request-id")) == 16
    assert detail == {
        "version": "0",
        "bucket": {"name": bench.name},
        "object": {"key": "a b/ü.csv", "size": 5, "etag": "5d41402abc4b2a76b9719d911017c592"},
        "requester": "111111111111",
        "source-ip-address": "127.0.0.1",
        "reason": "PutObject",
    }
    assert (found["detail-type"], found["source"], found["account"]) == ("Object Created", "aws.s3", "111111111111")
    assert (found["region"], found["resources"]) == ("eu-west-1", [f"arn:aws:s3:::{bench.name}"])


def test_copies_and_uploads_in_parts_are_told_once(bench: Any, told: str) -> None:
    s3 = bench.client("s3")
    s3.put_object(Bucket=bench.name, Key="a", Body=b"x")  # nobody listens yet
    switch_on(bench)
    s3.copy_object(Bucket=bench.name, Key="b", CopySource={"Bucket": bench.name, "Key": "a"})
    upload = {"Bucket": bench.name, "Key": "c"}
    upload["UploadId"] = s3.create_multipart_upload(**upload)["UploadId"]
    part = {"ETag": s3.upload_part(**upload, PartNumber=1, Body=b"yyy")["ETag"], "PartNumber": 1}
    s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": [part]})
    found = [event(bench, told)["detail"] for _ in range(2)]
    assert sorted((each["object"]["key"], each["object"]["size"], each["reason"]) for each in found) == [
        ("b", 1, "CopyObject"),
        ("c", 3, "CompleteMultipartUpload"),
    ]
    bench.settled()
    url = f"{bench.sandbox.endpoint}/111111111111/{told.rpartition(':')[2]}"
    assert "Messages" not in bench.client("sqs").receive_message(QueueUrl=url)


def test_what_is_deleted_is_told_with_how_it_went(bench: Any, told: str) -> None:
    s3 = bench.client("s3")
    first = s3.put_object(Bucket=bench.name, Key="plain", Body=b"hello")
    switch_on(bench)
    s3.delete_objects(Bucket=bench.name, Delete={"Objects": [{"Key": "plain"}, {"Key": "absent"}]})
    gone = event(bench, told)
    assert gone["detail-type"] == "Object Deleted"
    assert gone["detail"]["object"]["etag"] == first["ETag"].strip('"')
    assert (gone["detail"]["reason"], gone["detail"]["deletion-type"]) == ("DeleteObject", "Permanently Deleted")
    s3.put_bucket_versioning(Bucket=bench.name, VersioningConfiguration={"Status": "Enabled"})
    version = s3.put_object(Bucket=bench.name, Key="kept", Body=b"x")["VersionId"]
    assert event(bench, told)["detail"]["object"]["version-id"] == version
    marker = s3.delete_object(Bucket=bench.name, Key="kept")["VersionId"]
    detail = event(bench, told)["detail"]
    assert (detail["deletion-type"], detail["object"]["version-id"]) == ("Delete Marker Created", marker)
    s3.delete_object(Bucket=bench.name, Key="kept", VersionId=version)
    detail = event(bench, told)["detail"]
    assert (detail["deletion-type"], detail["object"]["version-id"]) == ("Permanently Deleted", version)


def test_a_template_switches_the_events_on(bench: Any) -> None:
    name, cloudformation = f"{bench.name}-made", bench.client("cloudformation")
    queue = bench.queue(
        {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage"}
    )
    properties = {
        "BucketName": name,
        "NotificationConfiguration": {"EventBridgeConfiguration": {"EventBridgeEnabled": True}},
    }
    template = {"Resources": {"Bucket": {"Type": "AWS::S3::Bucket", "Properties": properties}}}
    cloudformation.create_stack(StackName=name, TemplateBody=json.dumps(template))
    cloudformation.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
    pattern = {"source": ["aws.s3"], "detail": {"bucket": {"name": [name]}, "object": {"key": [{"prefix": "in/"}]}}}
    bench.client("events").put_rule(Name=bench.name, EventPattern=json.dumps(pattern))
    bench.client("events").put_targets(Rule=bench.name, Targets=[{"Id": "queue", "Arn": queue}])
    bench.client("s3").put_object(Bucket=name, Key="out/a", Body=b"")
    bench.client("s3").put_object(Bucket=name, Key="in/b", Body=b"")
    assert event(bench, queue)["detail"]["object"]["key"] == "in/b"


def test_an_object_that_arrives_starts_a_pipeline_with_its_key(bench: Any, told: str) -> None:
    switch_on(bench)
    sagemaker, role = bench.client("sagemaker"), bench.role("sagemaker.amazonaws.com")
    definition = {
        "Version": "2020-12-01",
        "Parameters": [{"Name": "Key", "Type": "String"}],
        "Steps": [{"Name": "End", "Type": "Fail", "Arguments": {"ErrorMessage": "that is all"}}],
    }
    arn = sagemaker.create_pipeline(PipelineName=bench.name, RoleArn=role, PipelineDefinition=json.dumps(definition))[
        "PipelineArn"
    ]
    start = {"Effect": "Allow", "Action": "sagemaker:StartPipelineExecution", "Resource": arn}
    listed = {"PipelineParameterList": [{"Name": "Key", "Value": "$.detail.object.key"}]}
    target = {"Id": "pipeline", "Arn": arn, "RoleArn": bench.role("events.amazonaws.com", start)}
    bench.client("events").put_targets(Rule=bench.name, Targets=[{**target, "SageMakerPipelineParameters": listed}])
    bench.client("s3").put_object(Bucket=bench.name, Key="raw/day.csv", Body=b"a")
    event(bench, told)
    bench.settled()
    (execution,) = sagemaker.list_pipeline_executions(PipelineName=bench.name)["PipelineExecutionSummaries"]
    found = sagemaker.list_pipeline_parameters_for_execution(PipelineExecutionArn=execution["PipelineExecutionArn"])
    assert found["PipelineParameters"] == [{"Name": "Key", "Value": "raw/day.csv"}]
