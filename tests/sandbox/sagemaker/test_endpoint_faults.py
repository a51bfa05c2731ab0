import json
import os
import resource
import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.sandbox.sagemaker.steady_requests import Stream

Fault = Callable[[Any], None]


def truncate(serving: Any) -> None:
    whole = serving.account.get("two/model.tar.gz")
    serving.account.put("two/model.tar.gz", whole[: len(whole) // 2])


def remove(serving: Any) -> None:
    serving.account.client("s3").delete_object(Bucket=serving.account.bucket, Key="two/model.tar.gz")


def delete_role(serving: Any) -> None:
    iam, name = serving.account.client("iam"), serving.account.role.rpartition("/")[2]
    for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
        iam.delete_role_policy(RoleName=name, PolicyName=policy)
    for policy in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
        iam.detach_role_policy(RoleName=name, PolicyArn=policy["PolicyArn"])
    iam.delete_role(RoleName=name)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (truncate, "Failed to extract model data archive from URL: s3://{bucket}/two/model.tar.gz."),
        (remove, "Failed to download model data for container from URL: s3://{bucket}/two/model.tar.gz."),
        (delete_role, "ClientError: Could not assume role {role}."),
    ],
)
def test_what_keeps_a_new_instance_from_starting_leaves_the_old_fleet_serving(
    serving: Any, fault: Fault, reason: str
) -> None:
    serving.create("one")
    new = serving.configure("two")
    fault(serving)
    with Stream(serving) as stream:
        endpoint = serving.update(new)
    assert not stream.failures
    assert set(stream.answers) == {"one"}
    assert (endpoint["EndpointStatus"], endpoint["EndpointConfigName"]) == ("InService", f"{serving.name}-one")
    account = serving.account
    assert endpoint["FailureReason"].startswith(reason.format(bucket=account.bucket, role=account.role))


@pytest.mark.parametrize("fault", [truncate, remove], ids=["truncated", "removed"])
def test_an_endpoint_that_cannot_start_is_failed(serving: Any, fault: Fault) -> None:
    config = serving.configure("two")
    fault(serving)
    serving.client.create_endpoint(EndpointName=serving.name, EndpointConfigName=config)
    endpoint = serving.account.settled(serving.name)
    assert endpoint["EndpointStatus"] == "Failed"
    assert "two/model.tar.gz" in endpoint["FailureReason"]


@pytest.fixture
def small_disk() -> Iterator[None]:
    """Let no file of this process, which is the instances' disk, grow beyond a megabyte."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def big_model(serving: Any) -> str:
    config = serving.configure("two")
    noise = "".join(chr(32 + byte % 90) for byte in os.urandom(3_000_000))
    files = {"name.txt": "two", "noise": noise, "code/inference.py": serving.handlers}
    serving.account.put_archive("two/model.tar.gz", files)
    return config


def test_a_disk_that_is_full_leaves_the_old_fleet_serving(serving: Any, request: pytest.FixtureRequest) -> None:
    serving.create("one")
    new = big_model(serving)
    request.getfixturevalue("small_disk")
    endpoint = serving.update(new)
    assert endpoint["EndpointConfigName"] == f"{serving.name}-one"
    assert "Insufficient disk space" in endpoint["FailureReason"]
    assert json.loads(serving.invoke()["Body"])["model"] == "one"


def test_an_instance_that_dies_after_its_role_is_gone_comes_back_with_the_role(serving: Any) -> None:
    serving.create("one", variant={"InitialInstanceCount": 2})
    trust = serving.account.client("iam").get_role(RoleName=serving.name)["Role"]["AssumeRolePolicyDocument"]
    delete_role(serving)
    killed, other = serving.pids()
    dying = serving.fleet()._instances[0]
    os.kill(killed, signal.SIGKILL)
    dying.container.wait(10)
    log = dying.logs.file
    while "the replacement of this instance did not start" not in log.read_text():
        assert killed in serving.pids()
        assert json.loads(serving.invoke()["Body"])["model"] == "one"
    serving.account.client("iam").create_role(RoleName=serving.name, AssumeRolePolicyDocument=json.dumps(trust))
    while killed in serving.pids():
        assert json.loads(serving.invoke()["Body"])["model"] == "one"
    assert other in serving.pids()
