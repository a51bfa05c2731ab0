from typing import Any

import pytest
from botocore.exceptions import ClientError

from sagewright.sandbox.clients import Keys
from tests.sandbox.sagemaker.conftest import policy

POLICY = {
    "TrafficRoutingConfiguration": {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0},
    "TerminationWaitInSeconds": 3600,
}


def watched(alarm: str) -> dict[str, Any]:
    return {"BlueGreenUpdatePolicy": POLICY, "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": alarm}]}}


@pytest.mark.parametrize("action", ["s3:GetObject", "ecr:GetAuthorizationToken", "ecr:BatchGetImage"])
def test_a_model_whose_role_may_not_read_what_it_is_made_of_is_refused(serving: Any, action: str) -> None:
    serving.account.forbid(action)
    with pytest.raises(ClientError) as error:
        serving.client.create_model(**serving.model_request("one"))
    assert error.value.response["Error"]["Code"] == "ValidationException"
    assert serving.account.denial(action) in error.value.response["Error"]["Message"]


@pytest.mark.parametrize(
    ("action", "said"),
    [
        ("s3:GetObject", "Failed to download model data for container from URL"),
        ("ecr:BatchGetImage", "Failed to pull image"),
    ],
)
def test_an_instance_starts_with_the_rights_that_the_role_has_then(serving: Any, action: str, said: str) -> None:
    serving.create("one")
    config = serving.configure("two")
    serving.account.forbid(action)
    endpoint = serving.update(config)
    assert endpoint["EndpointConfigName"] == f"{serving.name}-one"
    assert endpoint["FailureReason"].startswith(said)
    assert serving.account.denial(action) in endpoint["FailureReason"]


def test_a_role_that_may_not_see_the_volume_key_fails_the_endpoint(serving: Any) -> None:
    key = serving.account.client("kms").create_key()["KeyMetadata"]["Arn"]
    serving.client.create_model(**serving.model_request("one"))
    serving.client.create_endpoint_config(**serving.config_request("one", KmsKeyId=key))
    serving.account.forbid("kms:DescribeKey")
    serving.client.create_endpoint(EndpointName=serving.name, EndpointConfigName=f"{serving.name}-one")
    endpoint = serving.account.settled(serving.name)
    assert endpoint["EndpointStatus"] == "Failed"
    assert f"KMS key {key} cannot be used: {serving.account.denial('kms:DescribeKey')}" in endpoint["FailureReason"]


@pytest.mark.parametrize("action", ["logs:PutLogEvents", "cloudwatch:PutMetricData"])
def test_a_role_that_may_not_write_logs_or_metrics_serves(serving: Any, action: str) -> None:
    serving.account.forbid(action)
    assert serving.create("one")["EndpointStatus"] == "InService"
    assert serving.invoke()["ContentType"] == "application/json"


def test_a_role_that_may_not_see_the_alarms_cannot_be_updated_under_them(serving: Any) -> None:
    serving.create("one")
    config = serving.configure("two")
    serving.account.forbid("cloudwatch:DescribeAlarms")
    with pytest.raises(ClientError, match=serving.account.denial("cloudwatch:DescribeAlarms")):
        serving.update(config, DeploymentConfig=watched(serving.alarm("two")))


def test_an_update_whose_alarms_cannot_be_seen_any_more_is_taken_back(serving: Any) -> None:
    serving.create("one")
    config = serving.configure("two")
    how = watched(serving.alarm("two"))
    serving.client.update_endpoint(EndpointName=serving.name, EndpointConfigName=config, DeploymentConfig=how)
    serving.baking(1)
    serving.account.forbid("cloudwatch:DescribeAlarms")
    endpoint = serving.account.settled(serving.name)
    assert endpoint["EndpointConfigName"] == f"{serving.name}-one"
    assert endpoint["FailureReason"].startswith("The alarms of AutoRollbackConfiguration cannot be watched: User: ")


@pytest.mark.parametrize(
    ("actions", "allowed"),
    [(["sagemaker:UpdateEndpoint"], False), (["sagemaker:UpdateEndpoint", "cloudwatch:DescribeAlarms"], True)],
)
def test_who_updates_an_endpoint_has_to_see_its_alarms(serving: Any, actions: list[str], *, allowed: bool) -> None:
    serving.create("one")
    config = serving.configure("two")
    iam = serving.account.client("iam")
    iam.create_user(UserName=serving.name)
    iam.put_user_policy(UserName=serving.name, PolicyName="Update", PolicyDocument=policy((actions, "*")))
    key = iam.create_access_key(UserName=serving.name)["AccessKey"]
    clients = serving.account.sandbox.sandbox.clients
    user = clients.signed("sagemaker", "eu-west-1", Keys(key["AccessKeyId"], key["SecretAccessKey"]))
    request = {"EndpointName": serving.name, "EndpointConfigName": config}
    how = watched(alarm := serving.alarm("two"))
    if allowed:
        user.update_endpoint(**request, DeploymentConfig=how)
        serving.baking(1)
        serving.account.client("cloudwatch").set_alarm_state(AlarmName=alarm, StateValue="ALARM", StateReason="enough")
        serving.account.settled(serving.name)
        return
    with pytest.raises(ClientError, match=f"user/{serving.name} is not authorized to perform: cloudwatch:Desc"):
        user.update_endpoint(**request, DeploymentConfig=how)
