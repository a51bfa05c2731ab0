import io
import tarfile
import uuid
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sagewright.sandbox.cloudformation.resource import HandlerError
from sagewright.sandbox.cloudformation.schema import schema_for
from sagewright.sandbox.images.catalogue import ANALYZER, address_in

HANDLERS = """
import os

def model_fn(model_dir):
    return open(os.path.join(model_dir, "name.txt")).read()

def input_fn(content, content_type):
    return content

def predict_fn(data, model):
    return model

def output_fn(prediction, accept):
    return prediction, accept
"""
BROKEN = "import no_such_module"


@dataclass(frozen=True)
class Serving:
    """Makes models and configurations as a serving stack does, all under generated names."""

    stack: Any
    bucket: str
    role: str

    def model(self, name: str, handlers: str = HANDLERS) -> Any:
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w:gz") as tar:
            for path, text in (("name.txt", name), ("code/inference.py", handlers)):
                entry = tarfile.TarInfo(path)
                entry.size = len(text)
                tar.addfile(entry, io.BytesIO(text.encode()))
        self.stack.client("s3").put_object(Bucket=self.bucket, Key=f"{name}.tar.gz", Body=archive.getvalue())
        environment = {"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"}
        data = {"ModelDataUrl": f"s3://{self.bucket}/{name}.tar.gz", "Environment": environment}
        container = {"PrimaryContainer": {"Image": address_in(self.stack.region), **data}}
        return self.stack.create("AWS::SageMaker::Model", {**container, "ExecutionRoleArn": self.role}, "Model")

    def config(self, name: str, handlers: str = HANDLERS, **more: Any) -> Any:
        model = self.model(name, handlers).attributes["ModelName"]
        variant = {"VariantName": "AllTraffic", "ModelName": model, "InstanceType": "ml.m5.large"}
        properties = {"ProductionVariants": [{**variant, "InitialInstanceCount": "1", "InitialVariantWeight": 1}]}
        return self.stack.create("AWS::SageMaker::EndpointConfig", {**properties, **more}, "Config")

    def capturing(self) -> Any:
        capture = {
            "EnableCapture": True,
            "InitialSamplingPercentage": 100,
            "DestinationS3Uri": f"s3://{self.bucket}/capture",
            "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
            "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv"]},
        }
        return self.endpoint(self.config("one", DataCaptureConfig=capture))

    def quality(self, endpoint: Any) -> Any:
        uri, local = f"s3://{self.bucket}", "/opt/ml/processing"
        source = {"EndpointName": endpoint.attributes["EndpointName"], "LocalPath": f"{local}/input"}
        output = {"S3Uri": f"{uri}/monitoring", "LocalPath": f"{local}/output", "S3UploadMode": "EndOfJob"}
        properties = {
            "DataQualityAppSpecification": {
                "ImageUri": f"468650794304.dkr.ecr.eu-west-1.amazonaws.com/{ANALYZER}",
                "RecordPreprocessorSourceUri": f"{uri}/preprocessor.py",
                "Environment": {"publish_cloudwatch_metrics": "Disabled"},
            },
            "DataQualityBaselineConfig": {
                "ConstraintsResource": {"S3Uri": f"{uri}/constraints.json"},
                "StatisticsResource": {"S3Uri": f"{uri}/statistics.json"},
            },
            "DataQualityJobInput": {"EndpointInput": source},
            "DataQualityJobOutputConfig": {"MonitoringOutputs": [{"S3Output": output}]},
            "JobResources": {
                "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 10}
            },
            "RoleArn": self.role,
        }
        return self.stack.create("AWS::SageMaker::DataQualityJobDefinition", properties, "Quality")

    def schedule(self, definition: Any, expression: str = "cron(0 * ? * * *)") -> dict[str, Any]:
        name = definition.id.rpartition("/")[2]
        config = {"ScheduleConfig": {"ScheduleExpression": expression}, "MonitoringJobDefinitionName": name}
        return {"MonitoringScheduleName": "quality", "MonitoringScheduleConfig": config}

    def endpoint(self, config: Any) -> Any:
        properties = {"EndpointConfigName": config.attributes["EndpointConfigName"]}
        return self.stack.create("AWS::SageMaker::Endpoint", properties, "Endpoint")

    def answer(self, endpoint: Any) -> str:
        runtime, name = self.stack.client("sagemaker-runtime"), endpoint.attributes["EndpointName"]
        answer = runtime.invoke_endpoint(EndpointName=name, Body="1", ContentType="text/csv")
        return answer["Body"].read().decode()


@pytest.fixture
def serving(stack: Any, allow: Any) -> Serving:
    bucket = stack.create("AWS::S3::Bucket", {"BucketName": f"models-{uuid.uuid4().hex[:12]}"}, "Models").id
    role = stack.role("sagemaker.amazonaws.com")
    policy = {"PolicyName": "models", "Roles": [role.id], "PolicyDocument": allow(["s3:*", "ecr:*"])}
    stack.create("AWS::IAM::Policy", policy, "RolePolicy")
    return Serving(stack, bucket, role.attributes["Arn"])


def test_an_endpoint_is_made_when_it_serves(serving: Serving) -> None:
    endpoint = serving.endpoint(serving.config("one"))
    assert endpoint.id == f"arn:aws:sagemaker:eu-west-1:111111111111:endpoint/{endpoint.attributes['EndpointName']}"
    assert serving.answer(endpoint) == "one"
    endpoint.delete()
    with pytest.raises(ClientError, match="Could not find endpoint"):
        serving.stack.client("sagemaker").describe_endpoint(EndpointName=endpoint.attributes["EndpointName"])


def test_an_endpoint_that_never_serves_fails_with_its_reason_and_is_not_left_behind(serving: Serving) -> None:
    sagemaker = serving.stack.client("sagemaker")
    present = {each["EndpointName"] for each in sagemaker.list_endpoints()["Endpoints"]}
    with pytest.raises(HandlerError, match="ping health check"):
        serving.endpoint(serving.config("broken", BROKEN))
    assert {each["EndpointName"] for each in sagemaker.list_endpoints()["Endpoints"]} == present


def test_an_endpoint_moves_to_its_new_configuration(serving: Serving) -> None:
    endpoint = serving.endpoint(serving.config("one"))
    new = serving.config("two").attributes["EndpointConfigName"]
    assert serving.answer(endpoint.update({"EndpointConfigName": new})) == "two"
    endpoint.delete()


def test_a_rolled_back_endpoint_is_a_failed_update(serving: Serving) -> None:
    endpoint = serving.endpoint(serving.config("one"))
    broken = serving.config("broken", BROKEN).attributes["EndpointConfigName"]
    with pytest.raises(HandlerError, match=f"was rolled back: it still serves .*, not {broken}.*ping health check"):
        endpoint.update({"EndpointConfigName": broken})
    assert serving.answer(endpoint) == "one"
    endpoint.delete()


def test_an_endpoint_without_its_configuration_is_refused(serving: Serving) -> None:
    with pytest.raises(ClientError, match="Could not find endpoint configuration"):
        serving.stack.create("AWS::SageMaker::Endpoint", {"EndpointConfigName": "none"}, "Endpoint")


def test_a_variant_of_an_endpoint_can_be_scaled(serving: Serving) -> None:
    endpoint = serving.endpoint(serving.config("one"))
    variant = f"endpoint/{endpoint.attributes['EndpointName']}/variant/AllTraffic"
    dimension = {"ServiceNamespace": "sagemaker", "ScalableDimension": "sagemaker:variant:DesiredInstanceCount"}
    bounds = {"ResourceId": variant, **dimension, "MinCapacity": 1, "MaxCapacity": 2}
    target = serving.stack.create("AWS::ApplicationAutoScaling::ScalableTarget", bounds, "Target")
    assert target.id == f"{variant}|sagemaker:variant:DesiredInstanceCount|sagemaker"
    target.delete()
    endpoint.delete()


def test_any_change_of_a_model_or_configuration_replaces_it() -> None:
    for type_name, old, new in (
        ("AWS::SageMaker::Model", {"EnableNetworkIsolation": False}, {"EnableNetworkIsolation": True}),
        ("AWS::SageMaker::EndpointConfig", {"KmsKeyId": "one"}, {"KmsKeyId": "two"}),
        ("AWS::SageMaker::DataQualityJobDefinition", {"RoleArn": "one"}, {"RoleArn": "two"}),
    ):
        schema = schema_for(type_name, "eu-west-1")
        assert schema is not None
        assert schema.replaces(old, new)


def test_who_may_read_a_group_is_readable_through_the_registry(stack: Any, allow: Any) -> None:
    arn = "arn:aws:sagemaker:eu-west-1:111111111111:model-package-group/shared"
    policy = allow("sagemaker:DescribeModelPackageGroup", arn, Principal={"AWS": "222222222222"})
    group = {"ModelPackageGroupName": "shared", "ModelPackageGroupPolicy": policy}
    shared, sagemaker = stack.create("AWS::SageMaker::ModelPackageGroup", group), stack.client("sagemaker")
    assert shared.id == arn
    kept = sagemaker.get_model_package_group_policy(ModelPackageGroupName="shared")["ResourcePolicy"]
    assert "222222222222" in kept
    shared.update({"ModelPackageGroupName": "shared"})
    with pytest.raises(ClientError):
        sagemaker.get_model_package_group_policy(ModelPackageGroupName="shared")


def test_a_pipeline_is_read_from_where_its_template_says(stack: Any) -> None:
    bucket = stack.create("AWS::S3::Bucket", {}, "Definitions").id
    definition = (
        '{"Version": "2020-12-01", "Steps": [{"Name": "Stop", "Type": "Fail", "Arguments": {"ErrorMessage": "x"}}]}'
    )
    stack.client("s3").put_object(Bucket=bucket, Key="training.json", Body=definition.encode())
    location = {"PipelineDefinitionS3Location": {"Bucket": bucket, "Key": "training.json"}}
    role = stack.role("sagemaker.amazonaws.com").attributes["Arn"]
    properties = {"PipelineName": "from-s3", "RoleArn": role, "PipelineDefinition": location}
    pipeline = stack.create("AWS::SageMaker::Pipeline", properties)
    kept = stack.client("sagemaker").describe_pipeline(PipelineName=pipeline.id)["PipelineDefinition"]
    assert kept == definition


def test_a_monitor_follows_its_definition_and_goes_before_its_endpoint(serving: Serving) -> None:
    endpoint = serving.capturing()
    first = serving.quality(endpoint)
    assert first.id == first.attributes["JobDefinitionArn"]
    schedule = serving.stack.create("AWS::SageMaker::MonitoringSchedule", serving.schedule(first), "Schedule")
    assert schedule.attributes["MonitoringScheduleArn"] == schedule.id
    second = serving.quality(endpoint)
    changed = schedule.update(serving.schedule(second, "cron(0 0 ? * * *)"))
    first.delete()
    sagemaker = serving.stack.client("sagemaker")
    kept = sagemaker.describe_monitoring_schedule(MonitoringScheduleName="quality")
    assert kept["MonitoringScheduleStatus"] == "Scheduled"
    assert kept["EndpointName"] == endpoint.attributes["EndpointName"]
    assert kept["MonitoringScheduleConfig"]["MonitoringJobDefinitionName"] == second.id.rpartition("/")[2]
    with pytest.raises(ClientError, match="while monitoring schedules are attached to it: quality"):
        endpoint.delete()
    changed.delete()
    second.delete()
    endpoint.delete()
    assert sagemaker.list_monitoring_schedules(NameContains="quality")["MonitoringScheduleSummaries"] == []


def test_a_schedule_without_its_definition_is_refused(serving: Serving) -> None:
    config = {
        "ScheduleConfig": {"ScheduleExpression": "cron(0 * ? * * *)"},
        "MonitoringJobDefinitionName": "none",
        "MonitoringType": "DataQuality",
    }
    properties = {"MonitoringScheduleName": "none", "MonitoringScheduleConfig": config}
    with pytest.raises(ClientError, match="Could not find data quality job definition with name: none"):
        serving.stack.create("AWS::SageMaker::MonitoringSchedule", properties, "Schedule")
