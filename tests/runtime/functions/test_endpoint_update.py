from collections.abc import Callable

import pytest

from sagewright.runtime.functions import endpoint_update
from sagewright.runtime.functions.endpoint_update import RolledBack
from sagewright.runtime.functions.refusal import Refused
from tests.runtime.functions.endpoint import BROKEN, Endpoint

POLL_S = 0.05


def test_an_endpoint_is_verified_once_it_has_settled_on_the_new_config(endpoint: Callable[[], Endpoint]) -> None:
    made = endpoint()
    made.serve(made.config(1))
    config = made.config(2)
    made.sagemaker.update_endpoint(EndpointName=made.name, EndpointConfigName=config)
    endpoint_update.verify(made.sagemaker, made.name, config, poll_s=POLL_S)
    assert made.sagemaker.describe_endpoint(EndpointName=made.name)["EndpointConfigName"] == config


def test_an_update_that_rolled_back_is_no_success_although_the_endpoint_is_in_service(
    endpoint: Callable[[], Endpoint],
) -> None:
    made = endpoint()
    old, new = made.config(1), made.config(2, handlers=BROKEN)
    made.serve(old)
    assert made.serve(new)["EndpointStatus"] == "InService"
    with pytest.raises(RolledBack, match=f"InService, but on {old} instead of {new}: .* did not pass the ping"):
        endpoint_update.verify(made.sagemaker, made.name, new, poll_s=POLL_S)


def test_a_config_that_the_stack_holds_already_is_applied(endpoint: Callable[[], Endpoint]) -> None:
    made = endpoint()
    first, second = made.config(1), made.config(2)
    made.serve(first)
    endpoint_update.apply(made.sagemaker, made.name, second, poll_s=POLL_S)
    assert made.sagemaker.describe_endpoint(EndpointName=made.name)["EndpointConfigName"] == second
    changed = made.sagemaker.describe_endpoint(EndpointName=made.name)["LastModifiedTime"]
    endpoint_update.apply(made.sagemaker, made.name, second, poll_s=POLL_S)
    assert made.sagemaker.describe_endpoint(EndpointName=made.name)["LastModifiedTime"] == changed


def test_a_failed_endpoint_is_told_with_its_reason(endpoint: Callable[[], Endpoint]) -> None:
    made = endpoint()
    config = made.config(1, handlers=BROKEN)
    assert made.serve(config)["EndpointStatus"] == "Failed"
    with pytest.raises(Refused, match=r"is Failed, not InService: .*did not pass the ping"):
        endpoint_update.verify(made.sagemaker, made.name, config, poll_s=POLL_S)


def test_an_endpoint_that_somebody_deleted_is_told(endpoint: Callable[[], Endpoint]) -> None:
    made = endpoint()
    with pytest.raises(Refused, match=f"Endpoint {made.name} is gone"):
        endpoint_update.verify(made.sagemaker, made.name, "config", poll_s=POLL_S)
