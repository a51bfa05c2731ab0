import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from sagewright.runtime.functions import live
from sagewright.runtime.functions.live import Live
from sagewright.runtime.functions.refusal import Refused
from sagewright.stacks import realtime_endpoint
from tests.runtime.functions.endpoint import BROKEN, Endpoint, version

Clients = Callable[[str], Any]


@pytest.fixture(scope="module")
def serving(endpoint: Callable[[], Endpoint]) -> Endpoint:
    made = endpoint()
    made.serve(made.config(1))
    return made


@pytest.fixture
def parameter(client: Clients) -> str:
    """A record that says that version 3 is live."""
    name = f"/sagewright/{uuid.uuid4().hex}/prod/release"
    record = {"version": version(3), "config": "config-3", "baseline": "s3://b/releases/3/baseline"}
    client("ssm").put_parameter(Name=name, Value=json.dumps(record), Type="String")
    return name


def test_the_tag_is_the_one_that_the_template_writes() -> None:
    assert live.VERSION_TAG == realtime_endpoint.VERSION_TAG


def test_nothing_is_live_where_there_is_no_endpoint(client: Clients) -> None:
    assert live.read(client("sagemaker"), "no-such-endpoint") is None


def test_nothing_is_live_on_an_endpoint_that_never_came_up(endpoint: Callable[[], Endpoint]) -> None:
    made = endpoint()
    made.serve(made.config(1, handlers=BROKEN))
    assert live.read(made.sagemaker, made.name) is None


def test_what_is_live_is_what_the_endpoint_runs_and_not_what_was_tried(serving: Endpoint) -> None:
    running = serving.sagemaker.describe_endpoint(EndpointName=serving.name)["EndpointConfigName"]
    serving.serve(serving.config(2, handlers=BROKEN))
    assert live.read(serving.sagemaker, serving.name) == Live(version(1), running)


def test_a_config_made_by_hand_is_of_no_release(endpoint: Callable[[], Endpoint]) -> None:
    made = endpoint()
    config = made.config(1)
    arn = made.sagemaker.describe_endpoint_config(EndpointConfigName=config)["EndpointConfigArn"]
    made.sagemaker.delete_tags(ResourceArn=arn, TagKeys=[live.VERSION_TAG])
    made.serve(config)
    found = live.read(made.sagemaker, made.name)
    assert found == Live(None, config)
    assert found is not None
    assert (found.number, str(found)) == (None, f"config {config} of no release")


def test_nothing_is_recorded_before_the_first_release(client: Clients) -> None:
    assert live.recorded(client("ssm"), f"/sagewright/{uuid.uuid4().hex}/dev/release") is None


def test_what_a_release_wrote_down_is_read(client: Clients, parameter: str) -> None:
    found = live.recorded(client("ssm"), parameter)
    assert found == Live(version(3), "config-3")
    assert found is not None
    assert (found.number, str(found)) == (3, "version 3")


def test_a_record_that_was_overtaken_is_corrected(client: Clients, parameter: str) -> None:
    ssm, really = client("ssm"), Live(version(2), "config-2")
    assert live.correct(ssm, parameter, really, "s3://b/releases/2/baseline")
    assert live.recorded(ssm, parameter) == really
    written = json.loads(ssm.get_parameter(Name=parameter)["Parameter"]["Value"])
    assert written["baseline"] == "s3://b/releases/2/baseline"
    assert not live.correct(ssm, parameter, really, "s3://b/releases/2/baseline")


def test_a_record_is_never_made_up(client: Clients) -> None:
    ssm, name = client("ssm"), f"/sagewright/{uuid.uuid4().hex}/dev/release"
    assert not live.correct(ssm, name, Live(version(2), "config-2"), "s3://b/releases/2/baseline")
    assert live.recorded(ssm, name) is None


def test_the_first_environment_keeps_a_copy_of_what_the_latest_release_wrote_down(
    client: Clients, parameter: str
) -> None:
    ssm, copy = client("ssm"), f"{parameter}-copy"
    live.copy_record(ssm, parameter, ssm, copy)
    live.correct(ssm, parameter, Live(version(2), "config-2"), "s3://b/releases/2/baseline")
    live.copy_record(ssm, parameter, ssm, copy)
    assert live.recorded(ssm, copy) == Live(version(2), "config-2")


def test_a_release_that_wrote_nothing_down_is_refused(client: Clients) -> None:
    ssm = client("ssm")
    with pytest.raises(Refused, match="has not written /sagewright/none/prod/release down"):
        live.copy_record(ssm, "/sagewright/none/prod/release", ssm, "/sagewright/none/dev/releases/prod")
