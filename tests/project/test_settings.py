"""What a platform team sets: held to AWS's limits, overridden by each environment for its own account."""

from collections.abc import Callable

import pytest

from sagewright.project import Project
from sagewright.project.merge import override

Read = Callable[[str], Project]
Faults = Callable[[str], list[str]]

ENVIRONMENTS = """\
  dev: {account: "111111111111", region: eu-west-1}
  staging: {account: "222222222222", region: eu-west-1}
  prod: {account: "333333333333", region: eu-west-1}
"""
PROJECT = f"""\
name: churn
environments:
{ENVIRONMENTS}data: {{source: data/customers.csv, problem: binary_classification, label: churned}}
training: {{code: src/churn}}
evaluation: {{minimum: 0.55}}
"""
IMPORTED = "{mode: import, vpc_id: vpc-0a1b2c3d, subnets: [subnet-0a1b2c3d], security_groups: [sg-0a1b2c3d]}"


def test_a_file_without_settings_keeps_data_and_asks_for_nothing(read: Read) -> None:
    environment = read(PROJECT).first

    assert environment.removal == "retain"
    assert environment.network.mode == "none"
    assert environment.security.model_dump(exclude_none=True) == {}
    assert (environment.training.environment, environment.serving.environment) == ({}, {})
    assert (environment.serving.rollout.strategy, environment.serving.rollout.bake_s) == ("all_at_once", 0)


def test_what_one_environment_sets_for_its_account_is_no_other_environments(read: Read) -> None:
    text = PROJECT.replace(
        '"111111111111", ', f'"111111111111", network: {IMPORTED}, security: {{log_retention_days: 7}}, '
    )
    project = read(text + "security: {permissions_boundary: bounds}\n")

    assert [each.network.mode for each in project.environments] == ["import", "none", "none"]
    assert [each.security.log_retention_days for each in project.environments] == [7, None, None]
    assert {each.security.permissions_boundary for each in project.environments} == {"bounds"}


def test_what_the_first_environment_overrides_of_training_still_holds_for_all(read: Read) -> None:
    text = PROJECT.replace(
        '"111111111111", ', '"111111111111", network: {mode: create}, training: {hyperparameters: {rate: 1}}, '
    )

    assert [each.training.hyperparameters for each in read(text).environments] == [{"rate": 1}] * 3


def test_an_override_of_the_mode_drops_the_ids_of_the_one_before(read: Read) -> None:
    text = PROJECT.replace('"333333333333", ', '"333333333333", network: {mode: create}, ') + f"network: {IMPORTED}\n"

    assert read(text).environment("prod").network.model_dump() == {
        "mode": "create",
        "cidr": None,
        "vpc_id": None,
        "subnets": [],
        "security_groups": [],
    }


def test_an_override_of_the_strategy_keeps_what_every_strategy_reads(read: Read) -> None:
    text = PROJECT.replace('"333333333333", ', '"333333333333", serving: {rollout: {strategy: all_at_once}}, ')
    text += (
        "serving: {instances: {min: 4}, rollout: {strategy: canary, percent: 25, latency_ms: 200, bake_minutes: 3}}\n"
    )
    rollout = read(text).environment("prod").serving.rollout

    assert rollout.model_dump() == {"strategy": "all_at_once", "percent": None, "bake_minutes": 3, "latency_ms": 200}


def test_an_override_in_a_section_that_is_no_mapping_is_left_for_the_model_to_refuse() -> None:
    assert override({"serving": 3}, {"serving": {"rollout": {"strategy": "canary"}}}) == {
        "serving": {"rollout": {"strategy": "canary"}}
    }


@pytest.mark.parametrize(("instances", "percent"), [(2, 50), (3, 34), (9, 12), (10, 10), (40, 10)])
def test_a_percent_left_out_is_at_least_one_whole_instance(read: Read, instances: int, percent: int) -> None:
    serving = read(
        PROJECT + f"serving: {{instances: {{min: {instances}}}, rollout: {{strategy: linear}}}}\n"
    ).first.serving

    assert serving.rollout.part_percent(instances) == percent


@pytest.mark.parametrize(
    ("rollout", "longest_s"),
    [
        ("{strategy: all_at_once}", 3600),
        ("{strategy: all_at_once, bake_minutes: 5}", 3900),
        ("{strategy: canary, percent: 10, bake_minutes: 5}", 3600 + 3 * 300),
        ("{strategy: linear, percent: 30, bake_minutes: 5}", 3600 + 5 * 300),
        ("{strategy: rolling, percent: 10, bake_minutes: 5}", 3600 + 10 * 300),
    ],
)
def test_an_update_has_the_time_that_its_parts_are_watched(read: Read, rollout: str, longest_s: int) -> None:
    serving = read(PROJECT + f"serving: {{instances: {{min: 10}}, rollout: {rollout}}}\n").first.serving

    assert serving.rollout.longest_s(10) == longest_s


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ("serving: {rollout: {percent: 10}}", "serving.rollout.percent: does not go with all_at_once"),
        (
            "serving: {rollout: {strategy: canary}}",
            "serving.rollout.strategy: 'canary' moves a part of the instances, and",
        ),
        (
            "serving: {instances: {min: 2}, rollout: {strategy: canary, percent: 10}}",
            "10 % of 2 instances is less than a whole one; write at least 50, or serving.instances.min: 10",
        ),
        (
            "serving: {instances: {min: 2}, rollout: {strategy: canary, percent: 60}}",
            "serving.rollout.percent: 60 is more than allowed (at most 50)",
        ),
        (
            "serving: {instances: {min: 20}, rollout: {strategy: linear, percent: 9}}",
            "9 is less than SageMaker allows for linear (at least 10)",
        ),
        (
            "serving: {instances: {min: 40}, rollout: {strategy: rolling, percent: 4}}",
            "4 is less than SageMaker allows for rolling (at least 5)",
        ),
        (
            "serving: {instances: {min: 10}, rollout: {strategy: linear, percent: 10, bake_minutes: 60}}",
            "60, 11 times, takes longer than SageMaker lets an update take; write at most 38",
        ),
        (
            "serving: {instances: {min: 2}, rollout: {strategy: rolling, bake_minutes: 0}}",
            "serving.rollout.bake_minutes: 0 leaves no time to watch the parts",
        ),
        ("serving: {rollout: {strategy: blue_green}}", "is not one of all_at_once, canary, linear, rolling"),
        ("serving: {environment: {SAGEMAKER_PROGRAM: x}}", "'SAGEMAKER_PROGRAM' belongs to the managed image"),
        ("serving: {environment: {A: 2}}", "2 is not text; put it in quotes"),
        ("serving: {environment: {A-B: x}}", "'A-B' cannot name an environment variable"),
        ("network: {mode: import}", "network.subnets: is required: network.mode is import"),
        ("network: {cidr: 10.0.0.0/16}", "network.cidr: is only for create, and network.mode is none; remove it"),
        (
            "network: {mode: create, vpc_id: vpc-0a1b2c3d}",
            "network.vpc_id: is only for import, and network.mode is create",
        ),
        ("network: {mode: create, cidr: 10.0.0.0/28}", "write a block from /16 to /24"),
        (
            "network: {mode: create, cidr: 10.0.0.1/16}",
            "within a block; the block itself is 10.0.0.0/16",
        ),
        ("network: {mode: create, cidr: ten}", "'ten' is not a block of IPv4 addresses"),
        ("network: {mode: create, cidr: 8.8.0.0/16}", "'8.8.0.0/16' is not in a private range"),
        (
            "network: {mode: create, cidr: 172.17.4.0/24}",
            "overlaps with 172.17.0.0/16, which SageMaker's instances use",
        ),
        (
            "network: {mode: import, vpc_id: my-vpc}",
            "network.vpc_id: 'my-vpc' is not an id such as vpc-0a1b2c3d4e5f67890",
        ),
        ("network: {mode: import, subnets: subnet-0a1b2c3d}", "'subnet-0a1b2c3d' is not a list; write one such as ["),
        (
            "network: {mode: import, security_groups: [sg-0a1b2c3d, sg-0a1b2c3d]}",
            "network.security_groups: holds sg-0a1b2c3d more than once",
        ),
        ("security: {log_retention_days: 100}", "100 is not one of 1, 3, 5, 7, 14"),
        ("security: {bootstrap_qualifier: my-team}", "'my-team' cannot qualify a bootstrap"),
        ("security: {permissions_boundary: 'a b'}", "'a b' names no managed policy"),
        (
            "security: {permissions_boundary: arn:aws:iam::111111111111:policy/b}",
            "is a policy of account 111111111111, and IAM takes only one of staging's own (222222222222)",
        ),
    ],
)
def test_a_setting_that_aws_would_refuse_or_ignore_is_refused(faults: Faults, settings: str, told: str) -> None:
    lines = faults(f"{PROJECT}{settings}\n")

    assert any(told in line for line in lines), lines
    assert all(line.startswith("project.yaml:9: ") for line in lines)


def test_a_boundary_of_another_account_is_told_where_the_environment_names_it(faults: Faults) -> None:
    boundary = "security: {permissions_boundary: arn:aws:iam::111111111111:policy/b}"
    lines = faults(PROJECT.replace('"333333333333", ', f'"333333333333", {boundary}, '))

    assert [line.split(": is a")[0] for line in lines] == [
        "project.yaml:5: environments.prod.security.permissions_boundary"
    ]


def test_more_variables_than_sagemaker_takes_are_refused(faults: Faults) -> None:
    def variables(count: int) -> str:
        return "{" + ", ".join(f"A{number}: x" for number in range(count)) + "}"

    (training,) = faults(PROJECT.replace("src/churn", f"src/churn, environment: {variables(101)}"))
    (serving,) = faults(PROJECT + f"serving: {{environment: {variables(99)}}}\n")

    assert "101 variables are more than SageMaker leaves room for (at most 100)" in training
    assert "99 variables are more than SageMaker leaves room for (at most 98)" in serving


def test_a_value_longer_than_sagemaker_takes_is_refused(faults: Faults) -> None:
    (training,) = faults(PROJECT.replace("src/churn", f"src/churn, environment: {{A: {'x' * 513}}}"))
    (serving,) = faults(PROJECT + f"serving: {{environment: {{A: {'é' * 513}}}}}\n")

    assert "has 513 bytes, more than SageMaker allows in a training job's variable (at most 512)" in training
    assert "has 1026 bytes, more than SageMaker allows in a model's variable (at most 1024)" in serving
