"""What watches an endpoint: from captured requests to a message, by the same parts whichever engine compares."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sagewright.sandbox.cloudwatch.dashboards import body_problems
from sagewright.sandbox.events.pattern_rules import pattern_problem

BUCKET = "churn-prod-data-333333333333-eu-west-1"
BASELINE = f"s3://{BUCKET}/releases/<4 of <BaselineUri> at />/baseline"
HERE = "eu-west-1:333333333333"
SECTIONS = """\
data: {source: data/customers.csv, problem: binary_classification, label: churned}
training: {code: src/churn}
evaluation: {minimum: 0.55}
security: {log_retention_days: 90}
monitoring: {engine: model_monitor, schedule: daily}
"""


@pytest.fixture(scope="module")
def builtin(three: Any) -> Any:
    return three["churn-prod-monitoring"]


@pytest.fixture(scope="module")
def native(tmp_path_factory: pytest.TempPathFactory, synthesized_of: Callable[..., Any]) -> Any:
    folder: Path = tmp_path_factory.mktemp("native") / "churn"
    environments = '  dev: {account: "333333333333", region: eu-west-1}\n'
    return synthesized_of(folder, environments, SECTIONS, {"dev": "333333333333"})["churn-dev-monitoring"]


def test_every_environment_that_serves_is_watched_by_a_stack_of_releases(one: Any, three: Any) -> None:
    released = [name for name in three.artifact_names(three.folder / "assembly-release") if "monitoring" in name]
    assert released == ["churn-staging-monitoring", "churn-prod-monitoring"]
    assert "churn-dev-monitoring" in one.stacks


def test_it_takes_the_version_by_the_parameters_of_serving_without_a_default(three: Any, builtin: Any) -> None:
    parameters = builtin.body["Parameters"]
    serving = three["churn-prod-serving"].body["Parameters"]
    assert list(parameters) == ["ModelPackageArn", "BaselineUri"]
    assert parameters == {name: serving[name] for name in parameters}
    assert not [each for each in parameters.values() if "Default" in each]


def test_a_schedule_starts_the_pipeline_with_its_own_time_after_each_hour(builtin: Any) -> None:
    schedule = builtin.only("AWS::Scheduler::Schedule")["Properties"]
    assert (schedule["Name"], schedule["ScheduleExpression"]) == ("churn-prod-data-quality", "cron(10 * * * ? *)")
    assert schedule["ScheduleExpressionTimezone"] == "UTC"
    assert schedule["Target"]["Arn"] == "arn:aws:scheduler:::aws-sdk:sagemaker:startPipelineExecution"
    request = json.loads(schedule["Target"]["Input"])
    assert request["PipelineName"] == builtin.only("AWS::SageMaker::Pipeline")["Properties"]["PipelineName"]
    assert request["PipelineParameters"] == [{"Name": "WindowEnd", "Value": "<aws.scheduler.scheduled-time>"}]
    fixed = request["ClientRequestToken"].removesuffix("<aws.scheduler.execution-id>")
    assert len(fixed) >= 32
    assert fixed != request["ClientRequestToken"]


def test_the_schedule_may_start_that_pipeline_and_nothing_else(builtin: Any) -> None:
    (statement,) = builtin.statements("Monitoring/Schedule").values()
    assert (statement["Action"], statement["Resource"]) == (
        ["sagemaker:StartPipelineExecution"],
        [f"arn:aws:sagemaker:{HERE}:pipeline/churn-prod-monitoring"],
    )
    (trust,) = builtin.at("Schedule/Role/Resource")["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "scheduler.amazonaws.com"}
    assert trust["Condition"]["StringEquals"] == {
        "aws:SourceAccount": "333333333333",
        "aws:SourceArn": f"arn:aws:scheduler:{HERE}:schedule-group/default",
    }


def test_the_pipeline_runs_the_versions_own_code_against_its_baseline(builtin: Any) -> None:
    pipeline = builtin.only("AWS::SageMaker::Pipeline")["Properties"]
    definition = json.loads(pipeline["PipelineDefinition"]["PipelineDefinitionBody"])
    (step,) = definition["Steps"]
    inputs = {each["InputName"]: each["S3Input"]["S3Uri"] for each in step["Arguments"]["ProcessingInputs"]}
    assert inputs == {"code": f"{BASELINE}/code.zip", "baseline": BASELINE}
    assert step["Arguments"]["ProcessingOutputConfig"]["KmsKeyId"] == "<import churn-prod-data-key>"


def test_the_job_reads_captures_and_baselines_and_writes_findings_of_its_own_endpoint(builtin: Any) -> None:
    statements = builtin.statements("Monitoring/Job")
    bucket = f"arn:aws:s3:::{BUCKET}"
    assert statements["ReadCapture"]["Resource"] == [f"{bucket}/capture/churn-prod/*"]
    assert statements["ReadBaseline"]["Resource"] == [f"{bucket}/releases/*/baseline/*"]
    assert statements["WriteFindings"]["Resource"] == [f"{bucket}/monitoring/churn-prod/*"]
    assert statements["UseKey"]["Resource"] == ["<import churn-prod-data-key>"]
    assert set(statements) == {
        *("ReadCapture", "ListCapture", "ReadBaseline", "ListBaseline", "WriteFindings", "UseKey"),
        *("EncryptVolumes", "WriteLogs", "WriteMetrics", "ReadImage", "LogInToRegistry"),
    }


def test_model_monitor_runs_each_day_against_the_same_files_into_the_same_folder(native: Any) -> None:
    bucket = "churn-dev-data-333333333333-eu-west-1"
    baseline = f"s3://{bucket}/releases/<4 of <BaselineUri> at />/baseline"
    definition = native.only("AWS::SageMaker::DataQualityJobDefinition")["Properties"]
    assert "JobDefinitionName" not in definition
    assert definition["DataQualityAppSpecification"] == {
        "ImageUri": "468650794304.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-model-monitor-analyzer",
        "RecordPreprocessorSourceUri": f"{baseline}/record_preprocessor.py",
        "Environment": {"publish_cloudwatch_metrics": "Disabled"},
    }
    assert definition["DataQualityBaselineConfig"] == {
        "ConstraintsResource": {"S3Uri": f"{baseline}/constraints.json"},
        "StatisticsResource": {"S3Uri": f"{baseline}/statistics.json"},
    }
    (output,) = definition["DataQualityJobOutputConfig"]["MonitoringOutputs"]
    assert output["S3Output"]["S3Uri"] == f"s3://{bucket}/monitoring"
    assert definition["DataQualityJobInput"]["EndpointInput"]["EndpointName"] == "churn-dev"

    schedule = native.only("AWS::SageMaker::MonitoringSchedule")["Properties"]
    assert schedule["MonitoringScheduleName"] == "churn-dev-data-quality"
    config = schedule["MonitoringScheduleConfig"]
    assert (config["MonitoringType"], config["ScheduleConfig"]) == (
        "DataQuality",
        {"ScheduleExpression": "cron(0 0 ? * * *)"},
    )
    (name,) = native.resources("AWS::SageMaker::DataQualityJobDefinition")
    assert config["MonitoringJobDefinitionName"] == f"<1 of <{name}.JobDefinitionArn> at />"
    assert native.resources("AWS::SageMaker::Pipeline") == {}
    assert native.resources("AWS::Scheduler::Schedule") == {}


def test_model_monitor_pulls_the_analyzer_and_not_the_image_of_our_jobs(native: Any, builtin: Any) -> None:
    analyzer = "arn:aws:ecr:eu-west-1:468650794304:repository/sagemaker-model-monitor-analyzer"
    assert native.statements("Monitoring/Job")["ReadImage"]["Resource"] == [analyzer]
    (ours,) = builtin.statements("Monitoring/Job")["ReadImage"]["Resource"]
    assert ours.endswith("repository/sagemaker-scikit-learn")


def test_finished_jobs_that_wrote_findings_of_this_endpoint_are_told(builtin: Any) -> None:
    rule = builtin.only("AWS::Events::Rule")["Properties"]
    assert rule["EventPattern"]["detail"] == {
        "ProcessingJobStatus": ["Completed"],
        "ProcessingOutputConfig": {
            "Outputs": {"S3Output": {"S3Uri": [{"prefix": f"s3://{BUCKET}/monitoring/churn-prod/"}]}}
        },
    }
    permission = builtin.at("Told/FromRule")["Properties"]
    (rule_id,) = builtin.resources("AWS::Events::Rule")
    assert (permission["Principal"], permission["SourceArn"]) == ("events.amazonaws.com", f"<{rule_id}.Arn>")


def test_what_tells_reads_findings_and_baselines_and_writes_metrics_and_messages(builtin: Any) -> None:
    statements = builtin.statements("Findings/Told")
    bucket = f"arn:aws:s3:::{BUCKET}"
    assert statements["ReadFindings"]["Resource"] == [f"{bucket}/monitoring/churn-prod/*"]
    assert statements["ReadBaseline"]["Resource"] == [f"{bucket}/releases/*/baseline/*"]
    assert statements["WriteMetrics"]["Condition"] == {
        "StringEquals": {"cloudwatch:namespace": "Sagewright/churn/prod"}
    }
    assert set(statements) == {
        *("WriteLogs", "ReadFindings", "ListFindings", "ReadBaseline", "UseKey", "WriteMetrics", "Publish"),
    }


def test_the_function_is_the_tested_file_with_its_settings_behind(builtin: Any) -> None:
    path = Path(__file__).parents[2] / "sagewright" / "runtime" / "functions" / "findings.py"
    program = path.read_text(encoding="utf-8")
    function = builtin.only("AWS::Lambda::Function")["Properties"]
    code = function["Code"]["ZipFile"]
    assert code.startswith(program)
    assert (function["FunctionName"], function["Handler"]) == ("churn-prod-findings", "index.handler")

    own: dict[str, Any] = {"SETTINGS": {}}
    exec(code.removeprefix(program), own)  # noqa: S102 (the few lines that the template adds)
    settings = own["SETTINGS"]
    # Each is read, and nothing else is: the program has no other text in capitals.
    assert settings.keys() == set(re.findall(r"""["']([A-Z_]{2,})["']""", program))
    assert settings["FINDINGS"] == f"s3://{BUCKET}/monitoring/churn-prod/"
    assert settings["BASELINE"] == f"{BASELINE}/"
    assert settings["VERSION"] == "<2 of <ModelPackageArn> at />"


def test_drift_that_lasts_and_a_monitor_that_does_not_run_each_call_the_message(builtin: Any) -> None:
    alarms = {
        each["Properties"]["AlarmName"]: each["Properties"]
        for each in builtin.resources("AWS::CloudWatch::Alarm").values()
    }
    drift, silence = alarms["churn-prod/drift"], alarms["churn-prod/monitor-silent"]
    for alarm in (drift, silence):
        assert alarm["Namespace"] == "Sagewright/churn/prod"
        assert alarm["Dimensions"][0] == {"Name": "Endpoint", "Value": "churn-prod"}
        assert (alarm["Period"], alarm["EvaluationPeriods"]) == (3600, 3)
        (action,) = alarm["AlarmActions"]
        assert action.startswith("<FindingsToldFunction")
        assert "OKActions" not in alarm
    assert (drift["MetricName"], drift["Statistic"], drift["DatapointsToAlarm"]) == ("DriftedColumns", "Maximum", 2)
    assert (drift["ComparisonOperator"], drift["Threshold"]) == ("GreaterThanOrEqualToThreshold", 1)
    assert drift["TreatMissingData"] == "notBreaching"
    assert (silence["MetricName"], silence["Statistic"], silence["DatapointsToAlarm"]) == ("RunsCompleted", "Sum", 3)
    assert (silence["ComparisonOperator"], silence["Threshold"]) == ("LessThanThreshold", 0)
    assert silence["TreatMissingData"] == "breaching"
    # Another version, or another way to watch it, has drift of its own; and silence is silence.
    assert drift["Dimensions"][1:] == [
        {"Name": "Monitor", "Value": "builtin-hourly"},
        {"Name": "Version", "Value": "<2 of <ModelPackageArn> at />"},
    ]
    assert len(silence["Dimensions"]) == 1


def test_only_these_two_alarms_may_call_the_message(builtin: Any) -> None:
    permissions = [each["Properties"] for each in builtin.resources("AWS::Lambda::Permission").values()]
    called = [each for each in permissions if not each["SourceArn"].startswith("<")]
    assert {each["Principal"] for each in called} == {"lambda.alarms.cloudwatch.amazonaws.com"}
    assert {each["SourceArn"] for each in called} == {
        f"arn:aws:cloudwatch:{HERE}:alarm:churn-prod/{name}" for name in ("drift", "monitor-silent")
    }
    assert {each["SourceAccount"] for each in called} == {"333333333333"}
    # EventBridge says no account, so a permission that asks for one would never let it in.
    (rule,) = [each for each in permissions if each not in called]
    assert rule["Principal"] == "events.amazonaws.com"
    assert "SourceAccount" not in rule


def test_daily_runs_are_judged_by_days(native: Any) -> None:
    periods = {each["Properties"]["Period"] for each in native.resources("AWS::CloudWatch::Alarm").values()}
    assert periods == {86400}


def test_the_owner_is_told_through_an_encrypted_topic_that_only_the_message_may_publish_to(builtin: Any) -> None:
    topic = builtin.only("AWS::SNS::Topic")["Properties"]
    assert (topic["TopicName"], topic["KmsMasterKeyId"]) == ("churn-prod-notices", "<import churn-prod-data-key>")
    subscription = builtin.only("AWS::SNS::Subscription")["Properties"]
    assert (subscription["Protocol"], subscription["Endpoint"]) == ("email", "ml-team@example.com")
    (denied,) = builtin.only("AWS::SNS::TopicPolicy")["Properties"]["PolicyDocument"]["Statement"]
    assert (denied["Effect"], denied["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
    statements = builtin.statements("Findings/Told")
    (arn,) = statements["Publish"]["Resource"]
    assert arn == subscription["TopicArn"]
    assert statements["UseKey"]["Action"] == ["kms:Decrypt", "kms:GenerateDataKey"]


def test_without_an_owner_nobody_is_subscribed(
    project: Callable[..., Path], synthesized: Callable[[Path], Any]
) -> None:
    folder = project()
    file = folder / "project.yaml"
    file.write_text(file.read_text().replace("owner: ml-team@example.com\n", ""))

    template = synthesized(folder)["churn-dev-monitoring"]

    assert template.resources("AWS::SNS::Subscription") == {}
    assert template.only("AWS::SNS::Topic")


def test_the_log_of_the_function_is_kept_as_long_as_asked_and_else_made_by_lambda(native: Any, builtin: Any) -> None:
    group = native.only("AWS::Logs::LogGroup")["Properties"]
    assert group["LogGroupName"] == "/aws/lambda/churn-dev-findings"
    assert (group["RetentionInDays"], group["KmsKeyId"]) == (90, "<import churn-dev-data-key>")
    assert "logs:CreateLogGroup" not in native.statements("Findings/Told")["WriteLogs"]["Action"]
    assert builtin.resources("AWS::Logs::LogGroup") == {}
    assert "logs:CreateLogGroup" in builtin.statements("Findings/Told")["WriteLogs"]["Action"]


def test_the_dashboard_shows_traffic_errors_latency_drift_and_runs(builtin: Any) -> None:
    dashboard = builtin.only("AWS::CloudWatch::Dashboard")["Properties"]
    assert dashboard["DashboardName"] == "churn-prod"
    widgets = json.loads(dashboard["DashboardBody"])["widgets"]
    text = json.dumps(widgets)
    for metric in (
        *("Invocations", "Invocation4XXErrors", "Invocation5XXErrors", "ModelLatency"),
        *("ColumnDrift", "DriftedColumns", "RunsCompleted", "Rows"),
    ):
        assert metric in text, metric
    for percentile in ("p50", "p90", "p99"):
        assert f'"stat": "{percentile}"' in text
    assert "Version <2 of <ModelPackageArn> at />" in text
    places = [(each["x"], each["y"]) for each in widgets]
    assert len(set(places)) == len(places)


def test_the_page_and_the_pattern_are_such_as_aws_takes(builtin: Any) -> None:
    body = builtin.only("AWS::CloudWatch::Dashboard")["Properties"]["DashboardBody"]
    assert list(body_problems(json.loads(body))) == []
    rule = builtin.only("AWS::Events::Rule")["Properties"]
    assert pattern_problem(json.dumps(rule["EventPattern"])) is None


def test_the_outputs_name_the_topic_and_the_dashboard(builtin: Any) -> None:
    assert set(builtin.body["Outputs"]) == {"TopicArn", "DashboardName"}
