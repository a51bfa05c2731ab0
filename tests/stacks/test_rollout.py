"""A release moves traffic as the project file says, watched by alarms of its own."""

import json
from collections.abc import Callable
from typing import Any

import pytest

Of = Callable[[str], Any]


@pytest.fixture
def serving_of(project: Any, synthesized: Any) -> Of:
    """The serving template of a project with that `serving` section."""

    def serving_of(section: str) -> Any:
        folder = project(f"  dev: {{region: eu-west-1, serving: {section}}}\n")
        return synthesized(folder)["churn-dev-serving"]

    return serving_of


def deployment(template: Any) -> Any:
    return template.only("AWS::SageMaker::Endpoint")["Properties"]["DeploymentConfig"]


def test_all_at_once_keeps_the_old_fleet_for_as_long_as_it_bakes(serving_of: Of) -> None:
    policy = deployment(serving_of("{rollout: {bake_minutes: 5}}"))["BlueGreenUpdatePolicy"]

    assert policy == {
        "TrafficRoutingConfiguration": {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0},
        "TerminationWaitInSeconds": 300,
        "MaximumExecutionTimeoutInSeconds": 3900,
    }


@pytest.mark.parametrize(
    ("section", "policy"),
    [
        (
            "{instances: {min: 4}, rollout: {strategy: canary, percent: 25, bake_minutes: 5}}",
            {
                "BlueGreenUpdatePolicy": {
                    "TrafficRoutingConfiguration": {
                        "Type": "CANARY",
                        "CanarySize": {"Type": "CAPACITY_PERCENT", "Value": 25},
                        "WaitIntervalInSeconds": 300,
                    },
                    "TerminationWaitInSeconds": 300,
                    "MaximumExecutionTimeoutInSeconds": 4500,
                }
            },
        ),
        (
            "{instances: {min: 2}, rollout: {strategy: linear}}",
            {
                "BlueGreenUpdatePolicy": {
                    "TrafficRoutingConfiguration": {
                        "Type": "LINEAR",
                        "LinearStepSize": {"Type": "CAPACITY_PERCENT", "Value": 50},
                        "WaitIntervalInSeconds": 600,
                    },
                    "TerminationWaitInSeconds": 600,
                    "MaximumExecutionTimeoutInSeconds": 5400,
                }
            },
        ),
        (
            "{instances: {min: 20}, rollout: {strategy: rolling, percent: 5, bake_minutes: 1}}",
            {
                "RollingUpdatePolicy": {
                    "MaximumBatchSize": {"Type": "CAPACITY_PERCENT", "Value": 5},
                    "WaitIntervalInSeconds": 60,
                    "MaximumExecutionTimeoutInSeconds": 4800,
                }
            },
        ),
    ],
)
def test_traffic_moves_by_parts_unless_the_release_overrules_it(
    serving_of: Of, section: str, policy: dict[str, Any]
) -> None:
    template = serving_of(section)
    strategy = section.partition("strategy: ")[2].split(",")[0].rstrip("}")
    ((condition, at_once, asked),) = deployment(template).values()

    assert {key: each for key, each in asked.items() if key != "AutoRollbackConfiguration"} == policy
    assert at_once["BlueGreenUpdatePolicy"]["TrafficRoutingConfiguration"]["Type"] == "ALL_AT_ONCE"
    assert "TerminationWaitInSeconds" not in at_once["BlueGreenUpdatePolicy"]
    assert at_once["AutoRollbackConfiguration"] == asked["AutoRollbackConfiguration"]
    assert template.body["Conditions"][condition] == {"Fn::Equals": [{"Ref": "Rollout"}, "all_at_once"]}
    parameter = template.body["Parameters"]["Rollout"]
    assert (parameter["Default"], parameter["AllowedValues"]) == (strategy, [strategy, "all_at_once"])


def test_where_traffic_moves_all_at_once_anyway_there_is_nothing_to_overrule(three: Any) -> None:
    template = three["churn-prod-serving"]

    assert "Rollout" not in template.body["Parameters"]
    assert "Conditions" not in template.body


def test_no_condition_is_on_a_resource(serving_of: Of) -> None:
    template = serving_of("{instances: {min: 2}, rollout: {strategy: canary}}")

    assert not [name for name, each in template.body["Resources"].items() if "Condition" in each]


@pytest.mark.parametrize("strategy", ["all_at_once", "canary", "linear", "rolling"])
def test_errors_of_the_new_config_take_every_kind_of_rollout_back(serving_of: Of, strategy: str) -> None:
    template = serving_of(f"{{instances: {{min: 2}}, rollout: {{strategy: {strategy}}}}}")
    (name,) = template.resources("AWS::CloudWatch::Alarm")
    (config,) = template.resources("AWS::SageMaker::EndpointConfig")
    alarm = template.only("AWS::CloudWatch::Alarm")["Properties"]

    assert f'"AutoRollbackConfiguration": {{"Alarms": [{{"AlarmName": "<{name}>"}}]}}' in json.dumps(
        deployment(template)
    )
    assert alarm["AlarmName"] == f"churn-dev/<{config}.EndpointConfigName>/errors"
    assert {each["Name"]: each["Value"] for each in alarm["Dimensions"]} == {
        "EndpointName": "churn-dev",
        "VariantName": "AllTraffic",
        "EndpointConfigName": f"<{config}.EndpointConfigName>",
    }
    assert (alarm["Namespace"], alarm["MetricName"], alarm["Statistic"]) == (
        "AWS/SageMaker",
        "Invocation5XXErrors",
        "Average",
    )
    assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("GreaterThanThreshold", 0.01)
    assert alarm["TreatMissingData"] == "notBreaching"


def test_alarms_go_with_their_config_while_the_config_itself_is_kept(serving_of: Of) -> None:
    template = serving_of("{rollout: {latency_ms: 250}}")

    for alarm in template.resources("AWS::CloudWatch::Alarm").values():
        assert not alarm.keys() & {"DeletionPolicy", "UpdateReplacePolicy"}


def test_a_slow_version_goes_back_where_a_latency_is_given(serving_of: Of) -> None:
    template = serving_of("{rollout: {latency_ms: 250}}")
    alarms = template.resources("AWS::CloudWatch::Alarm")
    (latency,) = [each["Properties"] for each in alarms.values() if each["Properties"]["MetricName"] == "ModelLatency"]

    assert latency["AlarmName"].endswith("/latency")
    assert (latency["Statistic"], latency["Threshold"]) == ("Average", 250_000)
    assert [each["AlarmName"] for each in deployment(template)["AutoRollbackConfiguration"]["Alarms"]] == [
        f"<{name}>" for name in sorted(alarms)
    ]


def test_the_roles_that_watch_see_the_alarms_of_every_config_of_their_endpoint_and_no_other(three: Any) -> None:
    for role in ("Endpoint", "Release"):
        statement = three["churn-prod-access"].statements(role)["WatchRollouts"]
        assert statement["Resource"] == ["arn:aws:cloudwatch:eu-west-1:333333333333:alarm:churn-prod/*/*"]
