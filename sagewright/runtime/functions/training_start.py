"""The one way a training starts, whoever asks: with the version of its data, and never two at once."""

import hashlib
import json
import uuid
from dataclasses import dataclass

from .champion import Champion
from .client import Client
from .objects import Location, listing
from .refusal import Refused

UNFINISHED = ("Executing", "Stopping")


@dataclass(frozen=True)
class Overrides:
    """What one run may change of the project file's values; None keeps the deployed one."""

    metric_threshold: float | None = None
    training_instance_type: str | None = None


def data_version(s3: Client, source: Location) -> str:
    """Hash the listing of the input (keys, entity tags, sizes): 16 hexadecimal digits that change when the data does.

    SageMaker's step cache compares addresses, never contents, so this is what tells it that there is new data.
    """
    digest = hashlib.sha256()
    count = 0
    for entry in listing(s3, source):
        if entry["Size"] == 0:
            continue  # the empty object that consoles create for a folder is no data
        digest.update(json.dumps([entry["Key"], entry["ETag"], entry["Size"]]).encode())
        count += 1
    if count == 0:
        raise Refused(f"There is no data below {source}: the training has nothing to read.")
    return digest.hexdigest()[:16]


def running(sagemaker: Client, pipeline: str) -> str | None:
    """ARN of the execution that has not ended yet, if there is one."""
    for page in sagemaker.get_paginator("list_pipeline_executions").paginate(PipelineName=pipeline):
        for execution in page["PipelineExecutionSummaries"]:
            if execution["PipelineExecutionStatus"] in UNFINISHED:
                return execution["PipelineExecutionArn"]
    return None


def stop_command(arn: str) -> str:
    """Write the command of the AWS CLI that stops an execution, wherever its user's default region is."""
    region = arn.split(":")[3]
    return f"aws sagemaker stop-pipeline-execution --region {region} --pipeline-execution-arn {arn}"


def start(  # noqa: PLR0913 - what is trained, on what, by which commit, and for which request
    sagemaker: Client,
    pipeline: str,
    *,
    version: str,
    git_commit: str | None,
    overrides: Overrides,
    champion: Champion | None = None,
    token: str | None = None,
) -> str:
    """Start one execution and return its ARN; refused while another one runs.

    Leave `champion` out where the project compares with none. The same `token` starts it once, however often it is
    asked for; without one, each request is its own.
    """
    other = running(sagemaker, pipeline)
    if other is not None:
        raise Refused(
            f"Pipeline {pipeline} is already running ({other}). Two trainings at once would race for the next version: "
            f"wait until it has ended, or stop it with `{stop_command(other)}`."
        )
    parameters = {"DataVersion": version}
    if git_commit is not None:
        parameters["GitCommit"] = git_commit
    if overrides.metric_threshold is not None:
        parameters["MetricThreshold"] = str(overrides.metric_threshold)
    if overrides.training_instance_type is not None:
        parameters["TrainingInstanceType"] = overrides.training_instance_type
    if champion is not None:
        parameters |= champion.parameters
    response = sagemaker.start_pipeline_execution(
        PipelineName=pipeline,
        PipelineParameters=[{"Name": name, "Value": value} for name, value in parameters.items()],
        # A token of the commit alone would make a failed training unrepeatable.
        ClientRequestToken=hashlib.sha256(token.encode()).hexdigest() if token is not None else str(uuid.uuid4()),
    )
    return response["PipelineExecutionArn"]
