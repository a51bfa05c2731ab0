import json
import re
from datetime import datetime, timedelta
from typing import Any

import pytest

from sagewright.sandbox.protocol import ApiError
from sagewright.sandbox.sagemaker.store import ENDPOINT
from tests.sandbox.sagemaker.monitors.conftest import CALLER, constraints, sample

HOUR = timedelta(hours=1)


def test_an_hourly_schedule_finds_nothing_in_requests_of_the_same_population(bench: Any) -> None:
    bench.define()
    arn = bench.schedule()
    bench.capture(*sample(300))
    bench.move(bench.start + HOUR)
    (execution,) = bench.executions()
    assert execution["MonitoringExecutionStatus"] == "Completed"
    assert execution["ScheduledTime"] == bench.start.replace(hour=10, minute=0)
    job = bench.job(execution)
    assert re.fullmatch(r"model-monitoring-202703011000-[0-9a-f]{24}", job["ProcessingJobName"])
    assert job["MonitoringScheduleArn"] == arn
    assert job["ExitMessage"].startswith("Completed: Job completed successfully with no violations.")
    assert {name: job["Environment"][name] for name in ("start_time", "end_time", "output_path")} == {
        "start_time": "2027-03-01T09:00:00Z",
        "end_time": "2027-03-01T10:00:00Z",
        "output_path": "/opt/ml/processing/output/report",
    }
    assert bench.result(execution, "constraint_violations.json") == {"violations": []}
    size, color = bench.result(execution, "statistics.json")["features"]
    assert size["numerical_statistics"]["common"] == {"num_present": 300, "num_missing": 0}
    assert color["string_statistics"]["distinct_count"] == 2
    assert [feature["name"] for feature in bench.result(execution, "constraints.json")["features"]] == ["size", "color"]


def test_a_shifted_column_and_no_other_is_a_violation(bench: Any) -> None:
    bench.define()
    bench.schedule()
    bench.capture(*sample(300, scale=2))
    bench.move(bench.start + HOUR)
    (execution,) = bench.executions()
    assert execution["MonitoringExecutionStatus"] == "CompletedWithViolations"
    (found,) = bench.result(execution, "constraint_violations.json")["violations"]
    assert (found["feature_name"], found["constraint_check_type"]) == ("size", "baseline_drift_check")
    assert re.fullmatch(r"Baseline drift distance: 0\.\d+ exceeds threshold: 0\.1", found["description"])
    exit_message = bench.job(execution)["ExitMessage"]
    assert exit_message.startswith("CompletedWithViolations: Job completed successfully with 1 violations.")


def test_every_description_says_that_a_stand_in_ran(bench: Any) -> None:
    bench.define()
    bench.schedule()
    bench.capture(*sample(100))
    bench.move(bench.start + HOUR)
    (execution,) = bench.executions()
    described = bench.describe()
    (log,) = bench.jobs.where.folder.rglob("log")
    said = [
        bench.job(execution)["ExitMessage"],
        log.read_text(),
        execution["FailureReason"],
        described["FailureReason"],
    ]
    assert all(re.search(r"sandbox (ran|stands in)", text) for text in said), said
    assert described["LastMonitoringExecutionSummary"] == execution


def test_an_hour_without_requests_runs_no_job(bench: Any) -> None:
    bench.define()
    bench.schedule()
    bench.move(bench.start + 2 * HOUR)
    executions = bench.executions()
    assert [each["FailureReason"] for each in executions] == ["Job inputs had no data"] * 2
    assert {each["MonitoringExecutionStatus"] for each in executions} == {"Failed"}
    assert not any("ProcessingJobArn" in each for each in executions)
    assert bench.jobs.list_processing_jobs({}, CALLER)["ProcessingJobSummaries"] == []


def test_requests_outside_of_the_window_do_not_count(bench: Any) -> None:
    bench.define()
    bench.schedule(DataAnalysisStartTime="-PT30M", DataAnalysisEndTime="PT0S")
    bench.capture(*sample(50, scale=9), moment=bench.start.replace(minute=10))
    bench.capture(*sample(60), moment=bench.start.replace(minute=40))
    bench.move(bench.start + HOUR)
    (execution,) = bench.executions()
    assert bench.result(execution, "statistics.json")["dataset"] == {"item_count": 60}
    assert execution["MonitoringExecutionStatus"] == "Completed"


def test_a_daily_schedule_looks_at_the_day_before(bench: Any) -> None:
    bench.define()
    bench.schedule(expression="cron(0 0 ? * * *)")
    for hour in (9, 15):
        bench.capture(*sample(50), moment=bench.start.replace(hour=hour, minute=45))
    bench.move(bench.start + 24 * HOUR)
    (execution,) = bench.executions()
    assert execution["ScheduledTime"].isoformat() == "2027-03-02T00:00:00+00:00"
    assert bench.result(execution, "statistics.json")["dataset"] == {"item_count": 100}
    inputs = [each["S3Input"]["LocalPath"] for each in bench.job(execution)["ProcessingInputs"]][3:]
    assert inputs == [
        f"/opt/ml/processing/input/endpoint/{bench.name}/AllTraffic/2027/03/01/{hour}" for hour in ("09", "15")
    ]


def test_a_stopped_schedule_does_not_run_until_it_is_started_again(bench: Any) -> None:
    bench.define()
    bench.schedule()
    bench.schedules.stop_monitoring_schedule({"MonitoringScheduleName": "hourly"}, CALLER)
    bench.move(bench.start + 3 * HOUR)
    assert bench.describe()["MonitoringScheduleStatus"] == "Stopped"
    assert bench.executions() == []
    bench.schedules.start_monitoring_schedule({"MonitoringScheduleName": "hourly"}, CALLER)
    bench.move(bench.start + 4 * HOUR)
    assert bench.describe()["MonitoringScheduleStatus"] == "Scheduled"
    assert [each["ScheduledTime"].hour for each in bench.executions()] == [13]


def test_a_schedule_made_after_the_hour_waits_for_the_next_one(bench: Any) -> None:
    bench.define()
    bench.move(bench.start.replace(hour=10, minute=5))
    bench.schedule()
    bench.move(bench.start.replace(hour=11, minute=15))
    assert [each["ScheduledTime"].hour for each in bench.executions()] == [11]


def test_an_updated_schedule_runs_the_new_definition(bench: Any) -> None:
    bench.define()
    bench.schedule()
    bench.account.put("baseline/others.json", json.dumps(constraints(evaluate_constraints="Disabled")))
    changed = {"ConstraintsResource": {"S3Uri": f"s3://{bench.account.bucket}/baseline/others.json"}}
    baseline = bench.definition()["DataQualityBaselineConfig"] | changed
    bench.define("lenient", DataQualityBaselineConfig=baseline)
    params = {"MonitoringScheduleName": "hourly", "MonitoringScheduleConfig": bench.config("lenient")}
    bench.schedules.update_monitoring_schedule(params, CALLER)
    bench.definitions.delete_data_quality_job_definition({"JobDefinitionName": "quality"}, CALLER)
    bench.capture(*sample(300, scale=2))
    bench.move(bench.start + HOUR)
    (execution,) = bench.executions()
    assert execution["MonitoringJobDefinitionName"] == "lenient"
    assert execution["MonitoringExecutionStatus"] == "Completed"


def test_a_definition_in_use_stays(bench: Any) -> None:
    bench.define()
    bench.schedule()
    with pytest.raises(ApiError, match="cannot be deleted while monitoring schedule hourly runs it"):
        bench.definitions.delete_data_quality_job_definition({"JobDefinitionName": "quality"}, CALLER)


def test_a_deleted_schedule_leaves_its_runs(bench: Any) -> None:
    bench.define()
    bench.schedule()
    bench.move(bench.start + HOUR)
    bench.schedules.delete_monitoring_schedule({"MonitoringScheduleName": "hourly"}, CALLER)
    bench.move(bench.start + 3 * HOUR)
    assert [each["MonitoringScheduleName"] for each in bench.executions()] == ["hourly"]
    with pytest.raises(ApiError, match="not found"):
        bench.describe()


@pytest.mark.parametrize(
    ("action", "has_job"), [("s3:ListBucket", False), ("s3:GetObject", True), ("ecr:BatchGetImage", True)]
)
def test_a_role_without_permission_fails_the_run_with_the_reason(bench: Any, action: str, *, has_job: bool) -> None:
    bench.define()
    bench.schedule()
    bench.capture(*sample(10))
    bench.account.forbid(action)
    bench.move(bench.start + HOUR)
    (execution,) = bench.executions()
    assert execution["MonitoringExecutionStatus"] == "Failed"
    assert ("ProcessingJobArn" in execution) is has_job
    assert action in execution["FailureReason"]


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("def preprocess_handler(record):\n    raise ValueError('no row')\n", "ValueError: no row"),
        ("def preprocess_handler(record, logger):\n    return {'a': [1]}\n", "has to return flat dictionaries"),
        ("import no_such_module\n", "cannot be loaded: ModuleNotFoundError"),
    ],
)
def test_a_preprocessing_script_that_does_not_work_fails_the_run(bench: Any, script: str, message: str) -> None:
    bench.account.put("baseline/record_preprocessor.py", script)
    bench.define()
    bench.schedule()
    bench.capture(*sample(10))
    bench.move(bench.start + HOUR)
    (execution,) = bench.executions()
    job = bench.job(execution)
    assert (execution["MonitoringExecutionStatus"], job["FailureReason"].rpartition(" ")[2]) == ("Failed", "255")
    assert message in job["ExitMessage"]


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("DataQualityAppSpecification.ImageUri", "1.dkr.ecr.eu-west-1.amazonaws.com/own", "no stand-in for"),
        ("DataQualityAppSpecification.RecordPreprocessorSourceUri", None, "without RecordPreprocessorSourceUri"),
        ("DataQualityAppSpecification.Environment", {}, "without publish_cloudwatch_metrics=Disabled"),
        ("DataQualityAppSpecification.ContainerArguments", ["x"], r"ContainerArguments is not available"),
        ("DataQualityBaselineConfig.StatisticsResource", None, "without StatisticsResource.S3Uri"),
        ("DataQualityJobInput.EndpointInput.LocalPath", "/data/x", "LocalPath must begin with"),
        ("DataQualityJobInput.EndpointInput.EndpointName", "absent", "Could not find endpoint"),
        ("DataQualityJobInput.EndpointInput.FeaturesAttribute", "0", "FeaturesAttribute is not available"),
        ("JobResources.ClusterConfig.InstanceCount", 2, "InstanceCount 2 is not available"),
        ("RoleArn", "arn:aws:iam::111111111111:role/absent", "Could not assume role"),
    ],
)
def test_a_definition_that_could_not_run_is_refused(bench: Any, path: str, value: Any, message: str) -> None:
    definition = json.loads(json.dumps(bench.definition()))
    *parents, last = path.split(".")
    place = definition
    for parent in parents:
        place = place[parent]
    place[last] = value
    if value is None:
        del place[last]
    with pytest.raises(ApiError, match=message):
        bench.definitions.create_data_quality_job_definition(definition, CALLER)


@pytest.mark.parametrize(
    ("expression", "when", "message"),
    [
        ("cron(15 * ? * * *)", {}, "is not supported"),
        ("cron(0 24 ? * * *)", {}, "is not supported"),
        ("rate(1 hour)", {}, "is not supported"),
        ("NOW", {}, "NOW is not available in the sandbox"),
        ("cron(0 * ? * * *)", {"DataAnalysisStartTime": "an hour"}, "is no offset"),
        ("cron(0 * ? * * *)", {"DataAnalysisStartTime": "-P2D"}, "at most 24 hours"),
        ("cron(0 * ? * * *)", {"DataAnalysisEndTime": "PT1H"}, "not after the run"),
    ],
)
def test_times_that_a_monitor_cannot_have_are_refused(
    bench: Any, expression: str, when: dict[str, str], message: str
) -> None:
    bench.define()
    with pytest.raises(ApiError, match=message):
        bench.schedule(expression=expression, **when)


@pytest.mark.parametrize(
    ("expression", "hours"), [("cron(0 17/12 ? * * *)", [17, 17]), ("cron(0 20/2 ? * * *)", [20, 22, 20, 22])]
)
def test_a_schedule_of_several_hours_starts_at_the_hour_it_names(bench: Any, expression: str, hours: list[int]) -> None:
    bench.define()
    bench.schedule(expression=expression)
    bench.move(bench.start + 48 * HOUR)
    assert [each["ScheduledTime"].hour for each in bench.executions()] == hours


def test_an_endpoint_that_captures_nothing_cannot_be_monitored(bench: Any) -> None:
    bench.store.delete(ENDPOINT, CALLER, bench.name)
    bench.serve(EnableCapture=False)
    with pytest.raises(ApiError, match="Data capture is not enabled for endpoint"):
        bench.define()


def test_schedules_and_definitions_are_listed_by_what_they_are_about(bench: Any) -> None:
    bench.define()
    bench.schedule()
    listed = bench.schedules.list_monitoring_schedules({"EndpointName": bench.name}, CALLER)
    (summary,) = listed["MonitoringScheduleSummaries"]
    assert (summary["MonitoringJobDefinitionName"], summary["MonitoringScheduleStatus"]) == ("quality", "Scheduled")
    others = bench.schedules.list_monitoring_schedules({"MonitoringJobDefinitionName": "other"}, CALLER)
    assert others["MonitoringScheduleSummaries"] == []
    (definition,) = bench.definitions.list_data_quality_job_definitions({}, CALLER)["JobDefinitionSummaries"]
    assert (definition["MonitoringJobDefinitionName"], definition["EndpointName"]) == ("quality", bench.name)


def test_runs_are_listed_by_time_and_status(bench: Any) -> None:
    bench.define()
    bench.schedule()
    bench.move(bench.start + 3 * HOUR)
    middle: datetime = bench.start.replace(hour=11, minute=0)
    assert [each["ScheduledTime"].hour for each in bench.executions(ScheduledTimeAfter=middle)] == [12]
    assert [each["ScheduledTime"].hour for each in bench.executions(ScheduledTimeBefore=middle)] == [10]
    assert bench.executions(StatusEquals="Completed") == []
    assert len(bench.executions(MonitoringScheduleName="hourly", EndpointName=bench.name)) == 3


def test_a_run_tells_the_bus_of_its_job(bench: Any) -> None:
    bench.define()
    bench.schedule()
    bench.capture(*sample(100))
    bench.move(bench.start + HOUR)
    events = [each for each in bench.bus.events if each["detail_type"] == "SageMaker Processing Job State Change"]
    assert [each["detail"]["ProcessingJobStatus"] for each in events] == ["InProgress", "Completed"]
    (_, ended) = events
    job = bench.job(bench.executions()[0])
    assert ended["resources"] == [job["ProcessingJobArn"]]
    assert (ended["place"], ended["source"]) == (("111111111111", "eu-west-1"), "aws.sagemaker")
    place = f"s3://{bench.account.bucket}/monitoring/{bench.name}/hourly/2027/03/01/10"
    assert ended["detail"]["ProcessingOutputConfig"]["Outputs"] == [
        {
            "OutputName": "result",
            "S3Output": {"S3Uri": place, "LocalPath": "/opt/ml/processing/output/report", "S3UploadMode": "END_OF_JOB"},
        }
    ]
    assert ended["detail"]["ProcessingEndTime"] == round(job["ProcessingEndTime"].timestamp() * 1000)
    assert not {"Environment", "ExitMessage"} & set(ended["detail"])
