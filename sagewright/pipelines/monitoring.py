"""The monitoring pipeline: one job that compares a window of captured requests with the baseline of the version.

It runs the code that came with the version, so that a baseline is read by the program that wrote it.
"""

from typing import Any

from sagewright.pipelines import steps
from sagewright.pipelines.bindings import MonitoringBindings
from sagewright.pipelines.expressions import EXECUTION_ID, Parameter, join
from sagewright.pipelines.jobs import INPUT, OUTPUT, Job, Program
from sagewright.project import Environment, Project, image, monitoring, names

MONITOR = "Monitor"
# The output of the job: the files of one run.
REPORT = "report"
# What a baseline holds beside its files: the code that made it.
BUNDLE = "code.zip"
# The endpoint's one variant, below which SageMaker writes what it captures. Its name must stay the same for as long as
# the endpoint lives.
VARIANT = "AllTraffic"
# Enough to compare a million rows with: the program's memory is bounded.

WINDOW_END = Parameter("WindowEnd", "String")
INSTANCE_TYPE = Parameter("ProcessingInstanceType", "String", monitoring.INSTANCE_TYPE)


def captured(project: Project, environment: Environment, bucket: str) -> str:
    """Name the place below which SageMaker keeps what one endpoint was asked and answered, by hour."""
    return f"s3://{bucket}/{names.CAPTURE}/{names.endpoint(project.name, environment.name)}/{VARIANT}"


def definition(project: Project, environment: Environment, bindings: MonitoringBindings) -> dict[str, Any]:
    """Define the pipeline: the same project and bindings always give the same definition."""
    return {
        "Version": "2020-12-01",
        "Metadata": {},
        "Parameters": [WINDOW_END.declaration(), INSTANCE_TYPE.declaration()],
        # No classic experiment and trial for each run: they are superseded, and would need more rights.
        "PipelineExperimentConfig": None,
        "Steps": [_monitor(project, environment, bindings)],
    }


def _monitor(project: Project, environment: Environment, bindings: MonitoringBindings) -> steps.Step:
    job = Job(
        step=MONITOR,
        role_arn=bindings.monitor_role_arn,
        instance_type=INSTANCE_TYPE.value,
        arguments=[
            "monitor",
            *("--package", environment.training.package),
            *("--capture", captured(project, environment, bindings.data_bucket)),
            *("--region", environment.region),
            *("--window-end", WINDOW_END.value),
            *("--window-hours", str(environment.monitoring.window_hours)),
            *("--baseline", f"{INPUT}/baseline"),
            *("--output", f"{OUTPUT}/{REPORT}"),
        ],
        inputs={"baseline": bindings.baseline_uri},
    )
    endpoint = names.endpoint(project.name, environment.name)
    files = join("/", f"s3://{bindings.data_bucket}/{names.MONITORING}/{endpoint}", EXECUTION_ID)
    # Which hours it reads follows from a parameter, which no input can say: it fetches them itself.
    request = Program(bindings, image.address(environment.region)).processing(
        job, outputs={REPORT: files}, isolated=False
    )
    return steps.repeated_job(MONITOR, request)
