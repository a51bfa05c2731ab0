"""The dataset step of training: labelled rows joined with the features that were known at their time.

It comes before Preprocess where the project has `data.join`. What it joins with changes whenever features are
ingested, and no input of the step says so: it is never taken from the step cache, and neither is what follows.
"""

from typing import Any

from sagewright.pipelines import steps
from sagewright.pipelines.bindings import Bindings
from sagewright.pipelines.expressions import Expression, Value, processing_output
from sagewright.pipelines.jobs import INPUT, OUTPUT, Job, Program
from sagewright.project import Project, names

DATASET = "Dataset"
# The output of the job: what was read, what was asked and what came of it.
MANIFEST = "manifest"
# Below the step's own folder: the joined rows, which the job writes itself.
ROWS = "rows"


def rows(program: Program) -> Expression:
    """Name the joined rows of an execution; the manifest is what makes a step wait for them."""
    return program.place(DATASET, ROWS)


def manifest() -> Expression:
    """Refer to the record of how the rows came about."""
    return processing_output(DATASET, MANIFEST)


def step(
    project: Project, bindings: Bindings, program: Program, *, raw: Value, instance_type: Expression
) -> steps.Step:
    """Join in a job that may reach Athena, the catalog and S3; the query itself runs in Athena."""
    if bindings.dataset_role_arn is None:
        raise ValueError(f"the bindings of {project.name} name no role for the step {DATASET}")
    job = Job(
        step=DATASET,
        role_arn=bindings.dataset_role_arn,
        instance_type=instance_type,
        arguments=[
            "dataset",
            *("--package", project.first.training.package),
            *("--raw", f"{INPUT}/raw"),
            *("--place", program.place(DATASET)),
            *("--key", bindings.key_arn),
            *("--output", f"{OUTPUT}/{MANIFEST}"),
            *("--workgroup", names.workgroup(project.name)),
            *("--database", names.catalog_database(project.name)),
            *("--region", project.first.region),
        ],
        inputs={"raw": raw},
    )
    outputs = {MANIFEST: program.place(DATASET, MANIFEST)}
    request: dict[str, Any] = program.processing(job, outputs=outputs, isolated=False)
    return steps.repeated_job(DATASET, request)
