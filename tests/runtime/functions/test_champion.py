import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from sagewright.runtime.functions import champion
from sagewright.runtime.functions.champion import Champion
from sagewright.runtime.functions.objects import Location

Clients = Callable[[str], Any]
Find = Callable[[str], Champion]


@pytest.fixture
def nobody(bucket: str) -> Location:
    return Location(bucket, "executions/no-champion/Train/nothing-is-live.txt")


@pytest.fixture
def find(client: Clients, nobody: Location) -> Find:
    def find(record: str) -> Champion:
        return champion.find(client("ssm"), client("sagemaker"), client("s3"), record=record, nobody=nobody)

    return find


@pytest.fixture
def record(client: Clients) -> Callable[[str], str]:
    """Write down that a version is live."""

    def record(arn: str) -> str:
        name = f"/sagewright/{uuid.uuid4().hex}/dev/releases/prod"
        value = {"version": arn, "config": "config-1", "baseline": "s3://b/releases/1/baseline"}
        client("ssm").put_parameter(Name=name, Value=json.dumps(value), Type="String")
        return name

    return record


def test_the_champion_is_the_version_that_is_live_with_its_model(
    find: Find, record: Callable[[str], str], registered: Any
) -> None:
    found = find(record(registered.arns[1]))
    assert found.parameters == {
        "ChampionModelUri": registered.uri("run/Train/model.tar.gz"),
        "ChampionVersion": "2",
    }


def test_where_nothing_is_live_a_training_is_given_an_object_that_says_so_and_that_is_written_once(
    find: Find, client: Clients, nobody: Location
) -> None:
    assert find("/sagewright/none/dev/releases/prod") == Champion("none", str(nobody))
    first = client("s3").head_object(Bucket=nobody.bucket, Key=nobody.key)
    assert first["ContentLength"] > 0, "some tools leave empty objects out"
    assert find("/sagewright/none/dev/releases/prod") == Champion("none", str(nobody))
    assert client("s3").head_object(Bucket=nobody.bucket, Key=nobody.key)["LastModified"] == first["LastModified"]


def test_a_champion_that_was_deleted_from_the_registry_has_a_number_and_no_model(
    find: Find, record: Callable[[str], str], registered: Any, client: Clients, nobody: Location
) -> None:
    name = record(registered.arns[0])
    client("sagemaker").delete_model_package(ModelPackageName=registered.arns[0])
    assert find(name) == Champion("1", str(nobody))
