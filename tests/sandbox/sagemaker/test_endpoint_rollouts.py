import json
import os
import signal
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.sagemaker.steady_requests import Stream

COUNT = 3
A_MINUTE, AN_HOUR = 60, 3600
ONE = {"Type": "INSTANCE_COUNT", "Value": 1}


def blue_green(kind: str, wait_s: int, **routing: Any) -> dict[str, Any]:
    at_once = kind == "ALL_AT_ONCE"  # then there is nothing to wait for but the end of the old fleet
    return {
        "BlueGreenUpdatePolicy": {
            "TrafficRoutingConfiguration": {"Type": kind, "WaitIntervalInSeconds": 0 if at_once else wait_s, **routing},
            "TerminationWaitInSeconds": wait_s if at_once else 30,
        }
    }


def rolling(wait_s: int, **policy: Any) -> dict[str, Any]:
    return {"RollingUpdatePolicy": {"MaximumBatchSize": ONE, "WaitIntervalInSeconds": wait_s} | policy}


STRATEGIES: dict[str, Callable[[int], dict[str, Any]]] = {
    "all at once": lambda wait_s: blue_green("ALL_AT_ONCE", wait_s),
    "canary": lambda wait_s: blue_green("CANARY", wait_s, CanarySize=ONE),
    "linear": lambda wait_s: blue_green("LINEAR", wait_s, LinearStepSize={"Type": "CAPACITY_PERCENT", "Value": 34}),
    "rolling": rolling,
}


@pytest.fixture(params=STRATEGIES.values(), ids=list(STRATEGIES))
def strategy(request: pytest.FixtureRequest) -> Callable[[int], dict[str, Any]]:
    return request.param


def watched(config: dict[str, Any], *alarms: str) -> dict[str, Any]:
    return config | {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": alarm} for alarm in alarms]}}


def set_off(serving: Any, alarm: str) -> None:
    serving.account.client("cloudwatch").set_alarm_state(AlarmName=alarm, StateValue="ALARM", StateReason="by hand")


def start(serving: Any, config: str, how: dict[str, Any]) -> None:
    serving.client.update_endpoint(EndpointName=serving.name, EndpointConfigName=config, DeploymentConfig=how)


def instances_start(record: dict[str, Any]) -> bool:
    return "ProductionVariants" in record.get("PendingDeploymentSummary", {})


def is_over(record: dict[str, Any]) -> bool:
    return record["EndpointStatus"] != "Updating"


def two_versions(serving: Any, count: int = COUNT) -> str:
    serving.create("one", variant={"InitialInstanceCount": count})
    return serving.configure("two", variant={"InitialInstanceCount": count})


def test_requests_never_fail_while_an_update_goes_through(
    serving: Any, strategy: Callable[[int], dict[str, Any]], is_gone: Callable[[int], bool]
) -> None:
    new = two_versions(serving)
    old = serving.pids()
    how = watched(strategy(A_MINUTE), serving.alarm("two"))
    with Stream(serving) as stream:
        endpoint = serving.update(new, DeploymentConfig=how)
        last = serving.invoke()
    assert not stream.failures
    assert set(stream.answers) == {"one", "two"}
    assert json.loads(last["Body"])["model"] == "two"
    assert (endpoint["EndpointStatus"], endpoint["EndpointConfigName"]) == ("InService", new)
    assert endpoint["LastDeploymentConfig"] == how
    assert "FailureReason" not in endpoint
    assert endpoint["ProductionVariants"][0]["CurrentInstanceCount"] == COUNT
    assert all(is_gone(pid) for pid in old)
    assert len(serving.pids()) == COUNT


def test_requests_never_fail_while_an_alarm_takes_an_update_back(
    serving: Any, strategy: Callable[[int], dict[str, Any]]
) -> None:
    new = two_versions(serving)
    old = serving.fleet()
    alarm = serving.alarm("two")
    with Stream(serving) as stream:
        start(serving, new, watched(strategy(AN_HOUR), alarm))
        serving.baking(1 if "RollingUpdatePolicy" in strategy(0) else COUNT)
        stream.saw("two")
        set_off(serving, alarm)
        endpoint = serving.account.settled(serving.name)
        after = len(stream.answers)
    assert not stream.failures
    assert "two" in stream.answers[:after]
    assert set(stream.answers[after + 3 :]) <= {"one"}
    assert (endpoint["EndpointStatus"], endpoint["EndpointConfigName"]) == ("InService", f"{serving.name}-one")
    assert alarm in endpoint["FailureReason"]
    assert "PendingDeploymentSummary" not in endpoint
    assert serving.fleets() == [old]
    assert old.size == COUNT


def test_errors_of_the_new_version_take_it_back_by_what_was_measured(
    serving: Any, strategy: Callable[[int], dict[str, Any]]
) -> None:
    new = two_versions(serving)
    alarm = serving.alarm("two")
    with Stream(serving, ("1", "raise")) as stream:
        start(serving, new, watched(strategy(AN_HOUR), alarm))
        endpoint = serving.account.settled(serving.name)
    assert endpoint["EndpointConfigName"] == f"{serving.name}-one"
    assert alarm in endpoint["FailureReason"]
    assert all("server error (500)" in failure for failure in stream.failures)
    (description,) = serving.account.client("cloudwatch").describe_alarms(AlarmNames=[alarm])["MetricAlarms"]
    assert description["StateValue"] == "ALARM"
    assert description["StateReason"].startswith("Threshold Crossed: 1 datapoint [")


def test_errors_of_the_old_version_do_not_disturb_an_alarm_on_the_new_one(serving: Any) -> None:
    handlers = serving.handlers.replace('if content == "raise"', 'if content == "never"')
    serving.create("one")
    new = serving.configure("two", handlers)
    with Stream(serving, ("1", "raise")) as stream:
        endpoint = serving.update(new, DeploymentConfig=watched(blue_green("ALL_AT_ONCE", 120), serving.alarm("two")))
    assert stream.failures
    assert endpoint["EndpointConfigName"] == new


@pytest.mark.parametrize(("step", "share"), [(1, 1 / 3), (2, 2 / 3)])
def test_each_step_moves_the_share_of_its_instances(serving: Any, step: int, share: float) -> None:
    new = two_versions(serving)
    start(serving, new, watched(rolling(A_MINUTE * 3), alarm := serving.alarm("two")))
    serving.baking(step)
    answers = [json.loads(serving.invoke()["Body"])["model"] for _ in range(30)]
    set_off(serving, alarm)
    assert answers.count("two") == round(30 * share)
    serving.account.settled(serving.name)


def test_a_rolling_update_brings_back_what_it_had_terminated(serving: Any) -> None:
    new = two_versions(serving)
    before = serving.pids()
    alarm = serving.alarm("two")
    with Stream(serving) as stream:
        start(serving, new, watched(rolling(A_MINUTE * 2, RollbackMaximumBatchSize=ONE), alarm))
        serving.baking(2)
        set_off(serving, alarm)
        endpoint = serving.account.settled(serving.name)
    assert not stream.failures
    assert endpoint["EndpointConfigName"] == f"{serving.name}-one"
    assert len(serving.pids()) == COUNT
    assert len(set(serving.pids()) & set(before)) == COUNT - 1
    assert json.loads(serving.invoke()["Body"])["model"] == "one"


def test_alarms_still_take_an_update_back_while_the_old_fleet_waits_for_its_end(serving: Any) -> None:
    new = two_versions(serving, 2)
    how = blue_green("CANARY", 0, CanarySize=ONE)
    how["BlueGreenUpdatePolicy"]["TerminationWaitInSeconds"] = AN_HOUR
    alarm = serving.alarm("two")
    start(serving, new, watched(how, alarm))
    while json.loads(serving.invoke()["Body"])["model"] == "one" or len(serving.fleets()) > 1:
        assert serving.client.describe_endpoint(EndpointName=serving.name)["EndpointStatus"] == "Updating"
    set_off(serving, alarm)
    assert serving.account.settled(serving.name)["EndpointConfigName"] == f"{serving.name}-one"


def test_an_update_under_a_firing_alarm_ends_on_the_old_configuration(serving: Any) -> None:
    new = two_versions(serving, 1)
    set_off(serving, alarm := serving.alarm("two"))
    endpoint = serving.update(new, DeploymentConfig=watched(blue_green("ALL_AT_ONCE", 0), alarm))
    assert (endpoint["EndpointStatus"], endpoint["EndpointConfigName"]) == ("InService", f"{serving.name}-one")
    assert alarm in endpoint["FailureReason"]
    retried = serving.update(new, RetainDeploymentConfig=True)
    assert alarm in retried["FailureReason"]
    back = serving.update(new)
    assert back["EndpointConfigName"] == new
    assert "FailureReason" not in back


def test_a_deployment_that_takes_too_long_is_taken_back(serving: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving.account._sagemaker.endpoints, "pace", 600)
    serving.create("one")
    new = serving.configure("slow", f"import time; time.sleep(3)\n{serving.handlers}")
    how = blue_green("ALL_AT_ONCE", 598)  # 2 seconds are left for the instance to start
    how["BlueGreenUpdatePolicy"]["MaximumExecutionTimeoutInSeconds"] = 600
    endpoint = serving.update(new, DeploymentConfig=how)
    assert endpoint["EndpointConfigName"] == f"{serving.name}-one"
    assert "timed out: it did not finish within 600 seconds" in endpoint["FailureReason"]


def test_an_alarm_stops_instances_that_are_still_coming_up(serving: Any) -> None:
    serving.create("one")
    new = serving.configure("slow", f"import time; time.sleep(300)\n{serving.handlers}")
    alarm = serving.alarm("slow")
    start(serving, new, watched(blue_green("ALL_AT_ONCE", 0), alarm))
    serving.until(instances_start)
    set_off(serving, alarm)
    endpoint = serving.account.settled(serving.name)
    assert alarm in endpoint["FailureReason"]
    assert json.loads(serving.invoke()["Body"])["model"] == "one"


@pytest.mark.parametrize("how", [rolling(0), blue_green("CANARY", 0, CanarySize=ONE)], ids=["rolling", "canary"])
def test_a_new_version_that_never_answers_ping_leaves_the_old_one_whole(serving: Any, how: dict[str, Any]) -> None:
    serving.create("one", variant={"InitialInstanceCount": 2})
    pids = serving.pids()
    broken = serving.configure("broken", "import no_such_module", variant={"InitialInstanceCount": 2})
    with Stream(serving) as stream:
        endpoint = serving.update(broken, DeploymentConfig=how)
    assert not stream.failures
    assert endpoint["EndpointConfigName"] == f"{serving.name}-one"
    assert "did not pass the ping health check" in endpoint["FailureReason"]
    assert serving.pids() == pids


def test_a_rollback_that_fails_leaves_a_mix_which_another_update_replaces(serving: Any) -> None:
    new = two_versions(serving, 2)
    serving.account.put("one/model.tar.gz", "no archive any more")
    alarm = serving.alarm("two")
    with Stream(serving) as stream:
        start(serving, new, watched(rolling(A_MINUTE * 2), alarm))
        serving.baking(2)
        set_off(serving, alarm)
        endpoint = serving.until(is_over)
        assert endpoint["EndpointStatus"] == "UpdateRollbackFailed"
        assert "The rollback failed, too: Failed to extract model data archive" in endpoint["FailureReason"]
        assert serving.update(new)["EndpointStatus"] == "InService"
    assert not stream.failures
    assert {json.loads(serving.invoke()["Body"])["model"] for _ in range(4)} == {"two"}


def test_an_instance_that_is_killed_during_an_update_is_replaced(serving: Any) -> None:
    new = two_versions(serving, 2)
    with Stream(serving) as stream:
        start(serving, new, blue_green("CANARY", A_MINUTE * 2, CanarySize=ONE))
        serving.baking(2)
        os.kill(serving.fleets()[0]._instances[0].container.pid, signal.SIGKILL)
        endpoint = serving.account.settled(serving.name)
    assert endpoint["EndpointConfigName"] == new
    assert all("Bad Gateway" in failure or "no healthy instance" in failure for failure in stream.failures)


@pytest.mark.parametrize(
    ("how", "said"),
    [
        (blue_green("CANARY", 0), "CanarySize is required"),
        (blue_green("CANARY", 0, CanarySize=ONE | {"Value": 2}), "2 of 3 instances is not within 1 to 50 percent"),
        (
            blue_green("LINEAR", 0, LinearStepSize={"Type": "CAPACITY_PERCENT", "Value": 9}),
            "9 percent is not within 10 to 50 percent",
        ),
        (blue_green("ALL_AT_ONCE", 0, CanarySize=ONE), "CanarySize cannot be specified when Type is ALL_AT_ONCE"),
        (rolling(0, MaximumBatchSize={"Type": "CAPACITY_PERCENT", "Value": 51}), "51 percent is not within 5 to 50"),
        (blue_green("ALL_AT_ONCE", 0) | rolling(0), "either BlueGreenUpdatePolicy or RollingUpdatePolicy, not both"),
        (
            rolling(AN_HOUR, MaximumExecutionTimeoutInSeconds=10800),
            "10800 is not larger than the total waiting time of 10800 seconds",
        ),
    ],
)
def test_a_policy_that_sagemaker_does_not_have_is_refused(serving: Any, how: dict[str, Any], said: str) -> None:
    new = two_versions(serving)
    with pytest.raises(ClientError, match=said) as error:
        start(serving, new, how)
    assert error.value.response["Error"]["Code"] == "ValidationException"


def test_a_part_of_a_single_instance_is_refused(serving: Any) -> None:
    new = two_versions(serving, 1)
    half = {"Type": "CAPACITY_PERCENT", "Value": 50}
    for how in (blue_green("CANARY", 0, CanarySize=half), rolling(0, MaximumBatchSize=half)):
        with pytest.raises(ClientError, match="Have at least 2"):
            start(serving, new, how)


def test_an_alarm_that_does_not_exist_is_refused(serving: Any) -> None:
    new = two_versions(serving, 1)
    how = watched(blue_green("ALL_AT_ONCE", 0), serving.alarm("two"), "absent")
    with pytest.raises(ClientError, match="no metric alarm of this name exists in the account and region: absent"):
        start(serving, new, how)
    assert serving.client.describe_endpoint(EndpointName=serving.name)["EndpointStatus"] == "InService"


def test_an_alarm_that_cannot_be_evaluated_is_refused_by_name(serving: Any) -> None:
    sums = [{"Id": "sum", "Expression": "SUM(METRICS())", "ReturnData": True}]
    left_out = dict.fromkeys(("Namespace", "MetricName", "Dimensions", "Statistic", "Period"))
    with pytest.raises(ClientError, match="The sandbox does not have PutMetricAlarm with Metrics"):
        serving.alarm("two", Metrics=sums, **left_out)
