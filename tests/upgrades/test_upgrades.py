"""From the first release's templates to today's: every byte is kept, and the endpoint answers all along."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from sagewright.cli import adoption, bootstrapping, changes
from sagewright.cli.assembly import Assembly
from sagewright.cli.errors import CommandError
from sagewright.project import names

ONE = "  dev: {region: eu-west-1}\n"
ACCOUNTS = {"dev": "111111111111", "staging": "222222222222", "prod": "333333333333"}
THREE = "".join(f'  {name}: {{account: "{account}", region: eu-west-1}}\n' for name, account in ACCOUNTS.items())
BOUNDARY = "platform-boundary"
SETTINGS = f"""\
network: {{mode: create}}
security: {{permissions_boundary: {BOUNDARY}, log_retention_days: 90}}
serving: {{instances: {{min: 2}}, rollout: {{strategy: canary, percent: 50, bake_minutes: 1}}}}
"""
EVERYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}

System = Any

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def upgraded(system: Callable[[], System]) -> tuple[System, Any]:
    """One environment of the first release, upgraded, and what it held before."""
    begun = system()
    begun.declare(ONE)
    begun.begin("one")
    begun.fill()
    begun.register()
    before = begun.holdings()
    begun.deploy()
    return begun, before


def test_one_environment_keeps_every_byte(upgraded: tuple[System, Any]) -> None:
    one, before = upgraded
    assert len(before.objects) > 5
    assert one.holdings() == before


def test_what_a_deleted_data_stack_left_is_adopted_with_every_byte(upgraded: tuple[System, Any]) -> None:
    one, before = upgraded
    for stack in ("churn-training", "churn-dev-access", "churn-dev-data"):
        assert one.delete(stack) == "DELETE_COMPLETE"
    assert one.holdings() == before

    with pytest.raises(CommandError, match=r"An earlier deployment has left .*AWS::KMS::Key .*deploy --adopt"):
        one.deploy()
    deployed = one.deploy(adopts=True)

    assert one.holdings() == before
    assert deployed["stacks"]["dev"]["churn-dev-data"]["KeyArn"] == before.keys["dev"]
    assert {each["type"] for each in deployed["adopted"]} == {
        adoption.KEY,
        adoption.ALIAS,
        adoption.BUCKET,
        adoption.BUCKET_POLICY,
        adoption.GROUP,
    }
    (data,) = Assembly.read(one.project, one.root / ".sagewright" / "cdk.out").data_stacks(one.project)
    assert changes.plan(one.target, data).changes == ()


@pytest.mark.soak
def test_three_accounts_keep_every_byte_while_the_endpoint_answers(system: Callable[[], System]) -> None:
    three = system()
    three.declare(THREE)
    three.begin("three")
    three.fill()
    version = three.register()
    prod = three.project.environment("prod")
    three.release_first(prod, version)
    before, old_config = three.holdings(), three.config(prod)

    with three.asked(prod) as requests:
        three.deploy()
        assert three.config(prod) == old_config
        new_config = three.release(prod, version)

    assert requests.failures == []
    assert requests.answers > 0
    assert three.config(prod) == new_config
    assert_kept(three, before)


@pytest.mark.soak
def test_new_settings_are_turned_on_over_a_live_endpoint(system: Callable[[], System]) -> None:
    one = system()
    one.declare(ONE)
    one.begin("one")
    one.fill()
    version = one.register()
    dev = one.project.first
    one.release_first(dev, version)
    before, old_config = one.holdings(), one.config(dev)
    one.logged(dev)
    boundary = json.dumps({"Version": "2012-10-17", "Statement": [EVERYTHING]})
    one.target.client("iam", dev).create_policy(PolicyName=BOUNDARY, PolicyDocument=boundary)

    with one.asked(dev) as requests:
        one.declare(ONE, SETTINGS)
        (place,) = bootstrapping.places(one.project, one.target, one.project.environments)
        bootstrapping.bootstrap(one.options, one.project, one.target, place, replace=True)
        adopted = one.deploy(adopts=True)["adopted"]
        assert one.config(dev) == old_config
        new_config = one.release(dev, version)

    assert requests.failures == []
    assert requests.answers > 0
    assert [each["type"] for each in adopted] == [adoption.LOG_GROUP]
    assert one.config(dev) == new_config
    assert_kept(one, before)
    model = one.target.client("sagemaker", dev).list_models(SortBy="CreationTime", SortOrder="Descending")["Models"][0]
    described = one.target.client("sagemaker", dev).describe_model(ModelName=model["ModelName"])
    assert described["VpcConfig"]["Subnets"]
    log = names.endpoint_log(one.project.name, dev.name)
    (group,) = one.target.client("logs", dev).describe_log_groups(logGroupNamePrefix=log)["logGroups"]
    assert group["retentionInDays"] == 90
    role = one.target.client("iam", dev).get_role(RoleName=names.endpoint_role(one.project.name, dev.name))["Role"]
    assert role["PermissionsBoundary"]["PermissionsBoundaryArn"].endswith(f":policy/{BOUNDARY}")


def assert_kept(system: System, before: Any) -> None:
    """Hold what there is to what there was; a release may have added to it."""
    now = system.holdings()
    assert {each: now.objects.get(each) for each in before.objects} == before.objects
    assert now.markers >= before.markers
    assert now.keys == before.keys
    assert now.versions == before.versions
