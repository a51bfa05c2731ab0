"""An alarm becomes one message that says what drifted, by how much, since when, and where to look."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto.core import DEFAULT_ACCOUNT_ID
from moto.sns import sns_backends

from tests.runtime.functions.findings import (
    BASELINE,
    FINDINGS,
    SETTINGS,
    account,
    deployed,
    put,
    run_of,
    statistics,
    violations,
)

COLUMNS = {"price": 0.42, "plan": 0.35, "tenure": 0.01}
CALM = {"price": 0.02, "plan": 0.0, "tenure": 0.01}


@pytest.fixture
def function(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    with account(monkeypatch):
        boto3.client("sns").create_topic(Name="churn-prod-notices")
        put(BASELINE, {"statistics": statistics()})
        yield deployed()


def alarm(name: str = "churn-prod/drift") -> dict[str, Any]:
    state = {"value": "ALARM", "reason": "Threshold Crossed", "timestamp": "2026-11-21T12:11:00.000+0000"}
    return {
        "source": "aws.cloudwatch",
        "alarmArn": f"arn:aws:cloudwatch:eu-west-1:111111111111:alarm:{name}",
        "time": "2026-11-21T12:11:00.000+0000",
        "alarmData": {"alarmName": name, "state": state, "previousState": {"value": "OK"}},
    }


def sent(function: Any, name: str = "churn-prod/drift") -> tuple[str, str]:
    """Subject and text of the one message that the alarm becomes."""
    function.handler(alarm(name), None)
    (topic,) = sns_backends[DEFAULT_ACCOUNT_ID]["eu-west-1"].topics.values()
    ((_, text, subject, *_),) = topic.sent_notifications
    assert subject is not None
    return subject, text


def test_the_message_names_what_drifted_by_how_much_and_what_changed(function: Any) -> None:
    put(f"{FINDINGS}c/", run_of(12, COLUMNS) | {"statistics": statistics(mean=129.1, yearly=55)})

    subject, text = sent(function)

    assert subject == "churn prod: drift in price, plan"
    assert "Project: churn, environment: prod, endpoint: churn-prod" in text
    assert "Version: 7, monitor: builtin" in text
    assert "- price: distance 0.42, allowed 0.10; mean 64.8 -> 129.1" in text
    assert '- plan: distance 0.35, allowed 0.10; share of "Yearly" 0.20 -> 0.55' in text
    assert "tenure" not in text


def test_the_message_says_where_to_look(function: Any) -> None:
    put(f"{FINDINGS}c/", run_of(12, COLUMNS))

    _, text = sent(function)

    assert f"Files of the run: {FINDINGS}c/" in text
    assert "Look: sagewright drift prod" in text
    assert f"Dashboard: {SETTINGS['DASHBOARD']}" in text


def test_since_when_is_the_first_of_the_runs_in_a_row_that_found_something(function: Any) -> None:
    # By the time that they are about: ids of executions say nothing, and two may end in the same second.
    for folder, hour, columns in (("z", 8, COLUMNS), ("m", 9, CALM), ("x", 10, COLUMNS), ("a", 11, COLUMNS)):
        put(f"{FINDINGS}{folder}/", run_of(hour, columns))

    _, text = sent(function)

    assert "Since: 2026-11-21T09:00:00Z (2 runs in a row)" in text
    assert "Requests: 2026-11-21T10:00:00Z to 2026-11-21T11:00:00Z, 500 rows" in text


def test_a_calm_run_after_two_that_drifted_does_not_hide_them(function: Any) -> None:
    for folder, hour, columns in (("a", 10, COLUMNS), ("b", 11, COLUMNS), ("c", 12, CALM)):
        put(f"{FINDINGS}{folder}/", run_of(hour, columns))

    subject, text = sent(function)

    assert subject == "churn prod: drift in price, plan"
    assert "Since: 2026-11-21T09:00:00Z (2 runs in a row)" in text


def test_a_run_of_model_monitor_is_told_in_its_own_words(function: Any) -> None:
    function.SETTINGS["ENGINE"] = "model_monitor"
    unknown = {
        "feature_name": "plan",
        "constraint_check_type": "categorical_values_check",
        "description": "Value domain requirement is not met.",
    }
    for hour in ("10", "11"):
        found = {"violations": [*violations({"price": 0.42}), unknown]}
        folder = f"{FINDINGS}churn-prod-data-quality/2026/11/21/{hour}/"
        put(folder, {"constraint_violations": found, "statistics": statistics(mean=129.1)})

    _, text = sent(function)

    assert "monitor: model_monitor" in text
    assert "Since: 2026-11-21T09:00:00Z (2 runs in a row)" in text
    assert "Requests: 2026-11-21T10:00:00Z to 2026-11-21T11:00:00Z" in text
    assert "- price: distance 0.42, allowed 0.10; mean 64.8 -> 129.1" in text
    assert "    categorical_values_check: Value domain requirement is not met." in text


def test_a_monitor_that_does_not_run_is_told_with_its_last_run(function: Any) -> None:
    put(f"{FINDINGS}a/", run_of(9, CALM))

    subject, text = sent(function, "churn-prod/monitor-silent")

    assert subject == "churn prod: the monitor does not run"
    assert f"The last run looked at requests until 2026-11-21T09:00:00Z: {FINDINGS}a/" in text
    assert "Alarm: churn-prod/monitor-silent, since 2026-11-21T12:11:00.000+0000" in text


def test_a_monitor_that_never_ran_is_told(function: Any) -> None:
    _, text = sent(function, "churn-prod/monitor-silent")

    assert "No run has ever ended." in text


def test_an_alarm_whose_findings_are_gone_is_told_all_the_same(function: Any) -> None:
    subject, text = sent(function)

    assert subject == "churn prod: drift"
    assert "no run among the last has left a violation behind" in text


def test_a_subject_is_short_and_of_letters_that_a_topic_takes(function: Any) -> None:
    put(f"{FINDINGS}a/", run_of(9, {f"größe\n{number}": 0.5 for number in range(60)}))

    subject, text = sent(function)

    assert subject.isascii()
    assert subject.isprintable()
    assert len(subject) == 100
    assert "60 columns" in text
    assert "and 20 more" in text


def test_what_is_missing_more_often_is_told(function: Any) -> None:
    now = statistics()
    now["features"][0]["numerical_statistics"]["common"] = {"num_present": 60, "num_missing": 40}
    absent = {
        "feature_name": "price",
        "constraint_check_type": "completeness_check",
        "description": "Data completeness requirement is not met.",
    }
    put(f"{FINDINGS}a/", {"constraint_violations": {"violations": [absent]}, "statistics": now})

    _, text = sent(function)

    assert "- price: missing 0.00 -> 0.40" in text
    assert "    completeness_check: Data completeness requirement is not met." in text


@pytest.mark.parametrize(("status", "reason", "told"), [("Failed", "Job inputs had no data", 0), ("Completed", "", 1)])
def test_the_silence_of_model_monitor_is_told_unless_there_were_no_requests(
    function: Any, monkeypatch: pytest.MonkeyPatch, status: str, reason: str, told: int
) -> None:
    last = {"MonitoringExecutionStatus": status, "FailureReason": reason}
    made: Any = boto3.client
    asked: list[str] = []

    class Schedules:
        def list_monitoring_executions(self, **request: Any) -> dict[str, Any]:
            asked.append(request["MonitoringScheduleName"])
            return {"MonitoringExecutionSummaries": [last]}

    monkeypatch.setitem(function.SETTINGS, "ENGINE", "model_monitor")

    def client(name: str) -> Any:
        return Schedules() if name == "sagemaker" else made(name)

    monkeypatch.setattr(boto3, "client", client)
    function.handler(alarm("churn-prod/monitor-silent"), None)
    (topic,) = sns_backends[DEFAULT_ACCOUNT_ID]["eu-west-1"].topics.values()
    assert (len(topic.sent_notifications), asked) == (told, ["churn-prod-data-quality"])
