import json
import re
from typing import Any

import pytest

SERVING = [("staging", "222222222222"), ("prod", "333333333333")]
PARAMETERS = {
    "ModelPackageArn": "arn:aws:sagemaker:eu-west-1:111111111111:model-package/churn/7",
    "ImageUri": "141502667606.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-scikit-learn:1.9-0-cpu-py3",
    "ModelDataUrl": "s3://churn-prod-data-333333333333-eu-west-1/releases/7/model.tar.gz",
    "BaselineUri": "s3://churn-prod-data-333333333333-eu-west-1/releases/7/baseline",
}


@pytest.fixture(scope="module")
def serving(three: Any) -> Any:
    return three["churn-prod-serving"]


def test_a_release_takes_a_version_and_nothing_has_a_default(serving: Any) -> None:
    assert list(serving.body["Parameters"]) == list(PARAMETERS)
    assert not [name for name, each in serving.body["Parameters"].items() if "Default" in each]


@pytest.mark.parametrize(("name", "value"), PARAMETERS.items())
def test_a_release_accepts_a_version_of_this_project(serving: Any, name: str, value: str) -> None:
    assert re.fullmatch(serving.body["Parameters"][name]["AllowedPattern"], value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ModelPackageArn", "arn:aws:sagemaker:eu-west-1:111111111111:model-package/other/7"),
        ("ModelPackageArn", "arn:aws:sagemaker:us-east-1:111111111111:model-package/churn/7"),
        ("ModelPackageArn", "arn:aws:sagemaker:eu-west-1:111111111111:model-package/churn/latest"),
        ("ImageUri", "141502667606.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.9-0-cpu-py3"),
        ("ImageUri", "docker.io/sagemaker-scikit-learn:1.9"),
        ("ImageUri", "141502667606.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-scikit-learn"),
        ("ModelDataUrl", "s3://churn-dev-data-111111111111-eu-west-1/executions/abc/Train/x/output/model.tar.gz"),
        ("ModelDataUrl", "s3://churn-staging-data-222222222222-eu-west-1/releases/7/model.tar.gz"),
        ("BaselineUri", "s3://churn-dev-data-111111111111-eu-west-1/releases/7/baseline"),
        ("BaselineUri", ""),
    ],
)
def test_a_release_refuses_what_is_not_in_its_own_environment(serving: Any, name: str, value: str) -> None:
    assert not re.fullmatch(serving.body["Parameters"][name]["AllowedPattern"], value)


def test_the_model_is_isolated_and_runs_as_the_environments_own_role(serving: Any) -> None:
    model = serving.only("AWS::SageMaker::Model")["Properties"]
    assert model["EnableNetworkIsolation"] is True
    assert model["ExecutionRoleArn"] == "arn:aws:iam::333333333333:role/churn-prod-endpoint"
    assert model["PrimaryContainer"] == {
        "Image": "<ImageUri>",
        "ModelDataUrl": "<ModelDataUrl>",
        "Environment": {"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"},
    }


def test_a_new_version_makes_a_new_model_and_config_and_keeps_the_old_ones(serving: Any) -> None:
    for kind, name in (("Model", "ModelName"), ("EndpointConfig", "EndpointConfigName")):
        resource = serving.only(f"AWS::SageMaker::{kind}")
        assert name not in resource["Properties"]
        assert (resource["UpdateReplacePolicy"], resource["DeletionPolicy"]) == ("Retain", "Delete")


def test_instances_are_those_of_the_project_file_and_their_disks_are_encrypted(project: Any, synthesized: Any) -> None:
    folder = project(sections_of_two_instances())
    config = synthesized(folder)["churn-dev-serving"].only("AWS::SageMaker::EndpointConfig")["Properties"]
    assert config["KmsKeyId"] == "arn:aws:kms:eu-west-1:999999999999:alias/churn-dev-data"
    (variant,) = config["ProductionVariants"]
    assert (variant["InstanceType"], variant["InitialInstanceCount"]) == ("ml.c5.xlarge", 2)
    assert variant["VariantName"] == "AllTraffic"
    assert variant["ModelName"].endswith(".ModelName>")


def test_what_is_asked_and_answered_is_captured_as_text_under_the_environments_key(serving: Any) -> None:
    config = serving.only("AWS::SageMaker::EndpointConfig")["Properties"]
    assert config["DataCaptureConfig"] == {
        "EnableCapture": True,
        "InitialSamplingPercentage": 100,
        "DestinationS3Uri": "s3://churn-prod-data-333333333333-eu-west-1/capture",
        "KmsKeyId": "arn:aws:kms:eu-west-1:333333333333:alias/churn-prod-data",
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv"], "JsonContentTypes": ["application/json"]},
    }


def sections_of_two_instances() -> str:
    return "  dev: {region: eu-west-1, serving: {instances: {type: ml.c5.xlarge, min: 2}}}\n"


def test_the_endpoint_keeps_its_name_and_moves_traffic_to_a_second_fleet(serving: Any) -> None:
    endpoint = serving.only("AWS::SageMaker::Endpoint")["Properties"]
    assert endpoint["EndpointName"] == "churn-prod"
    assert endpoint["EndpointConfigName"].endswith(".EndpointConfigName>")
    assert endpoint["RetainAllVariantProperties"] is False
    policy = endpoint["DeploymentConfig"]["BlueGreenUpdatePolicy"]
    assert policy["TrafficRoutingConfiguration"] == {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0}


def test_what_is_live_is_recorded_after_the_endpoint_has_changed(serving: Any) -> None:
    record = serving.only("AWS::SSM::Parameter")
    (endpoint,) = serving.resources("AWS::SageMaker::Endpoint")
    (config,) = serving.resources("AWS::SageMaker::EndpointConfig")
    assert record["Properties"]["Name"] == "/sagewright/churn/prod/release"
    assert record["DependsOn"] == [endpoint]
    assert json.loads(record["Properties"]["Value"]) == {
        "version": "<ModelPackageArn>",
        "config": f"<{config}.EndpointConfigName>",
        "baseline": "<BaselineUri>",
    }


def test_the_outputs_let_a_release_verify_which_config_runs(serving: Any) -> None:
    outputs = {name: serving.resolve(each["Value"]) for name, each in serving.body["Outputs"].items()}
    (endpoint,) = serving.resources("AWS::SageMaker::Endpoint")
    (config,) = serving.resources("AWS::SageMaker::EndpointConfig")
    assert outputs == {
        "EndpointName": f"<{endpoint}.EndpointName>",
        "EndpointConfigName": f"<{config}.EndpointConfigName>",
    }


@pytest.mark.parametrize(("name", "account"), SERVING)
def test_model_config_and_endpoint_say_which_version_they_run(three: Any, name: str, account: str) -> None:
    template = three[f"churn-{name}-serving"]
    assert template.account == account
    for kind in ("Model", "EndpointConfig", "Endpoint"):
        tags = template.only(f"AWS::SageMaker::{kind}")["Properties"]["Tags"]
        assert {"Key": "sagewright:version", "Value": "<ModelPackageArn>"} in tags


def test_a_release_template_is_static(one: Any, three: Any, three_in_one_account: Any) -> None:
    for assembly in (one, three, three_in_one_account):
        folder = assembly.folder / "assembly-release"
        for template in (each for each in assembly if each.name.endswith(("-serving", "-monitoring"))):
            text = json.dumps(template.body)
            assert "Bootstrap" not in text
            assert "Custom::" not in text
            assert "S3Key" not in text
            assert not template.body.keys() & {"Conditions", "Rules", "Mappings", "Transform"}
            assert "cdk-hnb659fds-assets" not in text
        for manifest in folder.glob("*.assets.json"):
            assets = json.loads(manifest.read_text())
            assert assets["dockerImages"] == {}
            assert [each["source"]["path"] for each in assets["files"].values()] == [
                manifest.name.replace(".assets.", ".template.")
            ]
