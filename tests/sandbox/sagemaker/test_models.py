import io
import tarfile
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError


def refused(call: Callable[..., Any], **request: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as error:
        call(**request)
    return error.value.response["Error"]["Code"], error.value.response["Error"]["Message"]


SHADOW = {"VariantName": "Shadow", "ModelName": "m", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}


def outside(name: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        archive.addfile(tarfile.TarInfo(name))
    return buffer.getvalue()


def test_names_are_taken_once(serving: Any) -> None:
    serving.create("one")
    client = serving.client
    assert refused(client.create_model, **serving.model_request("one"))[1].startswith(
        "Cannot create already existing model"
    )
    assert refused(client.create_endpoint_config, **serving.config_request("one"))[1].startswith(
        "Cannot create already existing endpoint configuration"
    )
    names = {"EndpointName": serving.name, "EndpointConfigName": f"{serving.name}-one"}
    assert refused(client.create_endpoint, **names)[1].startswith('Cannot create already existing endpoint "')


def test_what_does_not_exist_is_not_found(serving: Any) -> None:
    client, name = serving.client, serving.name
    for call in (client.describe_model, client.delete_model):
        assert refused(call, ModelName=name)[1].startswith("Could not find model")
    for call in (client.describe_endpoint_config, client.delete_endpoint_config):
        assert refused(call, EndpointConfigName=name)[1].startswith("Could not find endpoint configuration")
    for call in (client.describe_endpoint, client.delete_endpoint):
        assert refused(call, EndpointName=name)[1].startswith("Could not find endpoint ")
    names = {"EndpointName": name, "EndpointConfigName": name}
    assert refused(client.create_endpoint, **names)[1].startswith("Could not find endpoint configuration")


def test_models_and_configurations_are_described_listed_and_deleted(serving: Any) -> None:
    serving.configure("one")
    client, name = serving.client, f"{serving.name}-one"
    model = client.describe_model(ModelName=name)
    assert model["PrimaryContainer"]["Image"] == serving.account.image
    assert model["EnableNetworkIsolation"] is False
    assert [each["ModelName"] for each in client.list_models(NameContains=serving.name)["Models"]] == [name]
    config = client.describe_endpoint_config(EndpointConfigName=name)
    assert config["ProductionVariants"][0]["InitialVariantWeight"] == 1.0
    found = client.list_endpoint_configs(NameContains=serving.name)["EndpointConfigs"]
    assert [each["EndpointConfigName"] for each in found] == [name]
    client.delete_endpoint_config(EndpointConfigName=name)
    client.delete_model(ModelName=name)
    assert not client.list_models(NameContains=serving.name)["Models"]


def test_model_data_that_is_not_there_is_refused(serving: Any) -> None:
    url = f"s3://{serving.account.bucket}/nothing/model.tar.gz"
    request = serving.model_request("one", container={"ModelDataUrl": url})
    assert refused(serving.client.create_model, **request) == (
        "ValidationException",
        f"Could not find model data at {url}.",
    )


def test_model_data_in_another_region_is_refused(serving: Any) -> None:
    far = f"{serving.name}-far"
    client = serving.account.sandbox.client("s3", "111111111111", "us-east-1")
    client.create_bucket(Bucket=far)
    client.put_object(Bucket=far, Key="model.tar.gz", Body=b"x")
    request = serving.model_request("one", container={"ModelDataUrl": f"s3://{far}/model.tar.gz"})
    message = refused(serving.client.create_model, **request)[1]
    assert message.startswith(f"Could not access model data at s3://{far}/model.tar.gz.")
    assert message.endswith("the object is located in eu-west-1.")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("1.9-0-cpu", "9.9-0-cpu"), "Requested image"),
        (("eu-west-1", "eu-west-2"), "Requested image"),
        ((".dkr.ecr", ""), "ECR image"),
    ],
)
def test_a_model_whose_image_is_not_there_is_refused(serving: Any, change: tuple[str, str], said: str) -> None:
    image = serving.account.image.replace(*change)
    message = refused(serving.client.create_model, **serving.model_request("one", container={"Image": image}))[1]
    assert message.startswith(said)
    assert message.endswith(f"It can run {serving.account.image}.")


def test_a_model_whose_role_cannot_be_assumed_is_refused(serving: Any, untrusting_role: str) -> None:
    request = serving.model_request("one", ExecutionRoleArn=untrusting_role)
    assert refused(serving.client.create_model, **request)[1].startswith(f"Could not assume role {untrusting_role}.")


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"container": {"Mode": "MultiModel"}}, "CreateModel.PrimaryContainer.Mode MultiModel"),
        ({"InferenceExecutionConfig": {"Mode": "Serial"}}, "CreateModel.InferenceExecutionConfig"),
    ],
)
def test_what_a_model_cannot_have_here_is_refused_by_name(serving: Any, changes: dict[str, Any], named: str) -> None:
    code, message = refused(serving.client.create_model, **serving.model_request("one", **changes))
    assert code == "UnsupportedOperation"
    assert message == f"{named} is not available in the sandbox."


def test_a_configuration_needs_its_model(serving: Any) -> None:
    message = refused(serving.client.create_endpoint_config, **serving.config_request("absent"))[1]
    assert message.startswith("Could not find model")


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"AsyncInferenceConfig": {"OutputConfig": {"S3OutputPath": "s3://b/x"}}}, "AsyncInferenceConfig"),
        ({"ShadowProductionVariants": [SHADOW]}, "ShadowProductionVariants"),
        ({"variant": {"ServerlessConfig": {"MemorySizeInMB": 2048, "MaxConcurrency": 1}}}, "ServerlessConfig"),
    ],
)
def test_what_a_configuration_cannot_have_here_is_refused_by_name(
    serving: Any, changes: dict[str, Any], named: str
) -> None:
    serving.client.create_model(**serving.model_request("one"))
    code, message = refused(serving.client.create_endpoint_config, **serving.config_request("one", **changes))
    assert code == "UnsupportedOperation"
    assert message.endswith(f"{named} is not available in the sandbox.")


def test_two_variants_are_refused_by_name(serving: Any) -> None:
    serving.client.create_model(**serving.model_request("one"))
    request = serving.config_request("one")
    request["ProductionVariants"] *= 2
    assert "with 2 variants" in refused(serving.client.create_endpoint_config, **request)[1]


@pytest.mark.parametrize("instance_type", ["ml.g5.xlarge", "ml.m5d.large", "ml.p4d.24xlarge"])
def test_a_volume_key_is_refused_with_local_storage(serving: Any, instance_type: str) -> None:
    serving.client.create_model(**serving.model_request("one"))
    request = serving.config_request("one", variant={"InstanceType": instance_type}, KmsKeyId="alias/any")
    message = refused(serving.client.create_endpoint_config, **request)[1]
    assert message.startswith("KMS key is not supported for NVMe instance storage")


def test_a_volume_key_that_does_not_exist_fails_the_endpoint(serving: Any) -> None:
    serving.client.create_model(**serving.model_request("one"))
    serving.client.create_endpoint_config(**serving.config_request("one", KmsKeyId="alias/absent"))
    serving.client.create_endpoint(EndpointName=serving.name, EndpointConfigName=f"{serving.name}-one")
    endpoint = serving.account.settled(serving.name)
    assert endpoint["EndpointStatus"] == "Failed"
    assert "KMS key alias/absent cannot be used" in endpoint["FailureReason"]


@pytest.mark.parametrize("body", [b"no archive", outside("../../escaped")], ids=["garbage", "path outside"])
def test_model_data_that_cannot_be_unpacked_fails_the_endpoint(serving: Any, body: bytes) -> None:
    config = serving.configure("one")
    serving.account.put("one/model.tar.gz", body)
    serving.client.create_endpoint(EndpointName=serving.name, EndpointConfigName=config)
    endpoint = serving.account.settled(serving.name)
    assert endpoint["EndpointStatus"] == "Failed"
    assert endpoint["FailureReason"].startswith("Failed to extract model data archive")
