"""The monitoring pipeline says which requests are compared with what, and where the findings go."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sagewright.pipelines import MonitoringBindings, monitoring
from sagewright.project import load

BUCKET = "churn-dev-data-111111111111-eu-west-1"
BASELINE = f"s3://{BUCKET}/releases/7/baseline"
ROLE = "arn:aws:iam::111111111111:role/churn-dev-monitoring-MonitoringJobRole"


@pytest.fixture
def watched(define: Callable[..., dict[str, Any]], tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Define the monitoring of a project of the given sections."""

    def watched(**network: list[str]) -> dict[str, Any]:
        define(monitoring="{schedule: daily}")
        project = load(tmp_path)
        bindings = MonitoringBindings(
            data_bucket=BUCKET,
            key_arn="arn:aws:kms:eu-west-1:111111111111:key/1234abcd-12ab-34cd-56ef-1234567890ab",
            bundle_uri=f"{BASELINE}/{monitoring.BUNDLE}",
            bundle_name=monitoring.BUNDLE,
            monitor_role_arn=ROLE,
            baseline_uri=BASELINE,
            **network,
        )
        return monitoring.definition(project, project.first, bindings)

    return watched


def test_one_job_compares_the_window_that_ends_when_it_was_scheduled(watched: Callable[..., dict[str, Any]]) -> None:
    definition = watched()
    (step,) = definition["Steps"]

    assert definition["Parameters"] == [
        {"Name": "WindowEnd", "Type": "String"},
        {"Name": "ProcessingInstanceType", "Type": "String", "DefaultValue": "ml.m5.xlarge"},
    ]
    assert (step["Name"], step["Type"]) == ("Monitor", "Processing")
    specification = step["Arguments"]["AppSpecification"]
    assert specification["ContainerEntrypoint"] == ["python3", "/opt/ml/processing/input/code/code.zip"]
    assert specification["ContainerArguments"] == [
        "monitor",
        *("--package", "churn"),
        *("--capture", f"s3://{BUCKET}/capture/churn-dev/AllTraffic"),
        *("--region", "eu-west-1"),
        *("--window-end", {"Get": "Parameters.WindowEnd"}),
        *("--window-hours", "24"),
        *("--baseline", "/opt/ml/processing/input/baseline"),
        *("--output", "/opt/ml/processing/output/report"),
        *("--message", "/opt/ml/output/message"),
    ]


def test_it_runs_the_code_that_came_with_the_version_and_reads_its_baseline(
    watched: Callable[..., dict[str, Any]],
) -> None:
    request = watched()["Steps"][0]["Arguments"]

    assert {each["InputName"]: each["S3Input"]["S3Uri"] for each in request["ProcessingInputs"]} == {
        "code": f"{BASELINE}/code.zip",
        "baseline": BASELINE,
    }
    assert request["RoleArn"] == ROLE


def test_each_run_writes_its_findings_to_a_folder_of_its_own(watched: Callable[..., dict[str, Any]]) -> None:
    config = watched()["Steps"][0]["Arguments"]["ProcessingOutputConfig"]

    (output,) = config["Outputs"]
    assert output["OutputName"] == "report"
    assert output["S3Output"]["S3Uri"] == {
        "Std:Join": {
            "On": "/",
            "Values": [f"s3://{BUCKET}/monitoring/churn-dev", {"Get": "Execution.PipelineExecutionId"}],
        }
    }


def test_a_window_is_read_anew_whenever_it_is_asked_for(watched: Callable[..., dict[str, Any]]) -> None:
    (step,) = watched()["Steps"]

    assert "CacheConfig" not in step
    assert step["RetryPolicies"]


def test_the_job_has_a_way_to_s3_and_stays_in_the_network_that_there_is(
    watched: Callable[..., dict[str, Any]],
) -> None:
    network = watched(subnets=["subnet-1"], security_groups=["sg-1"])["Steps"][0]["Arguments"]["NetworkConfig"]

    assert network == {
        "EnableInterContainerTrafficEncryption": True,
        "EnableNetworkIsolation": False,
        "VpcConfig": {"Subnets": ["subnet-1"], "SecurityGroupIds": ["sg-1"]},
    }


def test_the_same_project_always_gives_the_same_definition(watched: Callable[..., dict[str, Any]]) -> None:
    assert json.dumps(watched()) == json.dumps(watched())
