"""The ingestion pipeline: one job that brings what is new at the groups' sources into the feature store.

Schedules, files that arrive and people start it. What it has done already it knows by what it wrote down of each file,
so that a run that finds nothing new writes nothing, and two at once write the same.
"""

from collections.abc import Mapping
from typing import Any

from sagewright.pipelines import steps
from sagewright.pipelines.bindings import IngestionBindings
from sagewright.pipelines.expressions import Parameter, Value
from sagewright.pipelines.jobs import Job, Program
from sagewright.project import Project, image, names

INGEST = "Ingest"
# Enough for a million rows: the program reads them in batches.
_INSTANCE_TYPE = "ml.m5.xlarge"
# No parameter of a pipeline is left empty.
ALL, NONE = "all", "none"

# Names of groups with commas between them.
GROUPS = Parameter("Groups", "String", ALL)
# Another version of the one group named above, from whose history it is filled, and which of its features are called
# otherwise by now: `old=new` with commas between them.
BACKFILL_FROM = Parameter("BackfillFrom", "String", NONE)
RENAME = Parameter("Rename", "String", NONE)
# Every file that arrives starts a run, and an account may run few of them at once: the others wait, for two hours, as
# the file that they were started for may have come too late for those that run.
# https://docs.aws.amazon.com/sagemaker/latest/dg/pipelines-retry-policy.html
_WAITS = {
    "ExceptionType": ["SageMaker.RESOURCE_LIMIT"],
    "IntervalSeconds": 60,
    "BackoffRate": 1.3,
    "MaxAttempts": 13,
}
INSTANCE_TYPE = Parameter("ProcessingInstanceType", "String", _INSTANCE_TYPE)


def definition(project: Project, bindings: IngestionBindings) -> dict[str, Any]:
    """Define the pipeline: the same project and bindings always give the same definition."""
    parameters = (GROUPS, BACKFILL_FROM, RENAME, INSTANCE_TYPE)
    return {
        "Version": "2020-12-01",
        "Metadata": {},
        "Parameters": [parameter.declaration() for parameter in parameters],
        # No classic experiment and trial for each run: they are superseded, and would need more rights.
        "PipelineExperimentConfig": None,
        "Steps": [_ingest(project, bindings)],
    }


def source(project: Project, group: str, bucket: str) -> str | None:
    """Name the place that a group's files are read from; None for one that is written through the API only."""
    declared = project.features[group]
    if declared.source is None:
        return None
    return f"s3://{bucket}/{names.SOURCES}/{group}/" if declared.s3_place is None else declared.source


def _ingest(project: Project, bindings: IngestionBindings) -> steps.Step:
    sources = {group: source(project, group, bindings.data_bucket) for group in project.own_features}
    job = Job(
        step=INGEST,
        role_arn=bindings.ingestion_role_arn,
        instance_type=INSTANCE_TYPE.value,
        arguments=[
            "ingest",
            *("--bucket", bindings.data_bucket),
            *("--key", bindings.key_arn),
            *("--region", project.first.region),
            *("--namespace", names.metric_namespace(project.name, project.first.name)),
            *("--groups", GROUPS.value),
            *("--backfill-from", BACKFILL_FROM.value),
            *("--rename", RENAME.value),
            *_listed("--sources", sources),
            *_listed("--online-targets", bindings.online_writer_arns),
        ],
        inputs={},
    )
    # It asks the feature store and writes to it, and only what it has not seen it fetches.
    request = Program(bindings, image.address(project.first.region)).processing(job, outputs={}, isolated=False)
    step = steps.repeated_job(INGEST, request)
    return {**step, "RetryPolicies": [*step["RetryPolicies"], dict(_WAITS)]}


def _listed(option: str, values: Mapping[str, str | None]) -> list[Value]:
    """Give each value as an argument of its own, because one argument has 256 characters at most."""
    told = [f"{name}={value}" for name, value in values.items() if value is not None]
    return [option, *told] if told else []
