"""Whether a push needs a training: only where the code, the settings or the data are not those of the last one."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from . import training_progress
from .client import Client
from .training_start import UNFINISHED

_COMPARED = ("Parameters", "Steps")
# What a person may change for one run: such a run says nothing about what the project file asks for.
_OF_ONE_RUN = ("MetricThreshold", "TrainingInstanceType")


@dataclass(frozen=True)
class Trained:
    """A training that makes another one needless, or is in its way."""

    arn: str
    is_running: bool
    is_same: bool
    """Whether it runs the deployed definition on the data as it is now."""
    commit: str | None


def last(sagemaker: Client, pipeline: str, data_version: str) -> Trained | None:
    """Find the training that runs, else the last one that succeeded; None where there is neither."""
    deployed = json.loads(sagemaker.describe_pipeline(PipelineName=pipeline)["PipelineDefinition"])
    for summary in _newest(sagemaker, pipeline):
        arn, status = summary["PipelineExecutionArn"], summary["PipelineExecutionStatus"]
        if status not in {*UNFINISHED, "Succeeded"}:
            continue
        given = training_progress.parameters(sagemaker, arn)
        ran = json.loads(
            sagemaker.describe_pipeline_definition_for_execution(PipelineExecutionArn=arn)["PipelineDefinition"]
        )
        same = (
            all(ran[part] == deployed[part] for part in _COMPARED)
            and given.get("DataVersion") == data_version
            and not _was_overruled(ran, given)
        )
        return Trained(arn, status in UNFINISHED, same, given.get("GitCommit"))
    return None


def _newest(sagemaker: Client, pipeline: str) -> Iterator[dict[str, Any]]:
    pages = sagemaker.get_paginator("list_pipeline_executions").paginate(
        PipelineName=pipeline, SortBy="CreationTime", SortOrder="Descending"
    )
    for page in pages:
        yield from page["PipelineExecutionSummaries"]


def _was_overruled(definition: Mapping[str, Any], given: Mapping[str, str]) -> bool:
    """Tell whether a person has started it with other values than the project file's."""
    defaults = {each["Name"]: str(each.get("DefaultValue")) for each in definition["Parameters"]}
    return any(name in given and given[name] != defaults.get(name) for name in _OF_ONE_RUN)
