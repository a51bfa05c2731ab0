import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError


def refused(call: Callable[..., Any], **request: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as error:
        call(**request)
    return error.value.response["Error"]["Code"], error.value.response["Error"]["Message"]


def test_an_update_moves_to_the_new_model(serving: Any, is_gone: Callable[[int], bool]) -> None:
    serving.create("one")
    (old,) = serving.pids()
    endpoint = serving.update(serving.configure("two"))
    assert endpoint["EndpointStatus"] == "InService"
    assert endpoint["EndpointConfigName"] == f"{serving.name}-two"
    assert "PendingDeploymentSummary" not in endpoint
    assert json.loads(serving.invoke()["Body"])["model"] == "two"
    assert is_gone(old)


def test_requests_during_an_update_never_fail(serving: Any) -> None:
    serving.create("one")
    config = serving.configure("two")
    done = threading.Event()

    def ask() -> list[str]:
        seen = []
        client = serving.account.sandbox.client("sagemaker-runtime")  # one that does not try again
        while not done.is_set():
            answer = client.invoke_endpoint(EndpointName=serving.name, Body="1", ContentType="text/csv")
            seen.append(json.loads(answer["Body"].read())["model"])
        return seen

    with ThreadPoolExecutor(4) as clients:
        asking = [clients.submit(ask) for _ in range(4)]
        serving.update(config)
        done.set()
        answers = [model for each in asking for model in each.result()]
    assert set(answers) == {"one", "two"}


def test_a_new_fleet_that_is_not_healthy_leaves_the_old_one_serving(serving: Any) -> None:
    serving.create("one")
    pids = serving.pids()
    endpoint = serving.update(serving.configure("broken", "import no_such_module"))
    assert endpoint["EndpointStatus"] == "InService"
    assert endpoint["EndpointConfigName"] == f"{serving.name}-one"
    assert "did not pass the ping health check" in endpoint["FailureReason"]
    assert json.loads(serving.invoke()["Body"])["model"] == "one"
    assert serving.pids() == pids
    assert "FailureReason" not in serving.update(serving.configure("two"))


def test_one_update_at_a_time(serving: Any) -> None:
    serving.create("one")
    slow = serving.configure("slow", f"import time; time.sleep(1)\n{serving.handlers}")
    serving.client.update_endpoint(EndpointName=serving.name, EndpointConfigName=slow)
    endpoint = serving.client.describe_endpoint(EndpointName=serving.name)
    assert endpoint["EndpointStatus"] == "Updating"
    assert endpoint["EndpointConfigName"] == f"{serving.name}-one"
    assert endpoint["PendingDeploymentSummary"]["EndpointConfigName"] == slow
    said = ("ValidationException", f'Cannot update in-progress endpoint "{endpoint["EndpointArn"]}".')
    assert refused(serving.client.update_endpoint, EndpointName=serving.name, EndpointConfigName=slow) == said
    assert refused(serving.client.delete_endpoint, EndpointName=serving.name) == said


def test_an_update_needs_the_configuration_that_it_leaves(serving: Any) -> None:
    serving.create("one")
    serving.client.delete_endpoint_config(EndpointConfigName=f"{serving.name}-one")
    config = serving.configure("two")
    message = refused(serving.client.update_endpoint, EndpointName=serving.name, EndpointConfigName=config)[1]
    assert message.startswith("Could not find endpoint configuration")
    assert message.endswith(f'endpoint-config/{serving.name}-one".')


def test_an_update_can_keep_the_instance_count(serving: Any) -> None:
    serving.create("one", variant={"InitialInstanceCount": 2})
    kept = serving.update(serving.configure("two"), RetainAllVariantProperties=True)
    assert kept["ProductionVariants"][0]["CurrentInstanceCount"] == 2
    config = serving.configure("three")
    assert serving.update(config)["ProductionVariants"][0]["CurrentInstanceCount"] == 1
