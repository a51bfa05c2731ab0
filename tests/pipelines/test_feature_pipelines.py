"""The ingestion pipeline and the dataset step: what their jobs are told, in requests that SageMaker takes."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.validate import ParamValidator

from sagewright.pipelines import Bindings, IngestionBindings, ingestion, training
from sagewright.project import load
from sagewright.runtime.jobs import programs

MODEL = ServiceModel(Loader().load_service_model("sagemaker", "service-2"), "sagemaker")
ROLE = "arn:aws:iam::111111111111:role/churn-{}"
PROJECT = """\
name: churn
environments:
  dev: {account: "111111111111", region: eu-west-1}
  prod: {account: "333333333333", region: eu-west-1}
data:
  source: s3://example/rows/
  problem: binary_classification
  label: late
  event_time: at
  split: {by: time, test: 0.2}
  join: [{group: weather, on: place}]
training: {code: src/churn}
evaluation: {minimum: 0.55}
features:
  weather: {source: s3://example/weather/, record_id: place, event_time: at, features: {wind: fractional}}
  trains: {source: data/trains.csv, record_id: train, event_time: since, features: {seats: integral}}
  calls: {record_id: place, event_time: at, features: {count: integral}}
"""


@pytest.fixture
def project(tmp_path: Path) -> Any:
    for folder in ("src/churn", "data"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "data" / "trains.csv").write_text("train,since,seats\nn1,2024-01-01T00:00:00Z,480\n")
    (tmp_path / "project.yaml").write_text(PROJECT)
    return load(tmp_path)


@pytest.fixture
def joined(project: Any, bindings: Bindings) -> dict[str, Any]:
    bound = dataclasses.replace(bindings, dataset_role_arn=ROLE.format("Dataset"))
    return {step["Name"]: step for step in training.definition(project, bound)["Steps"]}


@pytest.fixture
def ingested(project: Any, bindings: Bindings) -> dict[str, Any]:
    bound = IngestionBindings(
        data_bucket=bindings.data_bucket,
        key_arn=bindings.key_arn,
        bundle_uri=bindings.bundle_uri,
        bundle_name=bindings.bundle_name,
        ingestion_role_arn=ROLE.format("ingestion"),
        online_writer_arns={"prod": "arn:aws:iam::333333333333:role/churn-prod-features-write"},
    )
    return ingestion.definition(project, bound)


def told(step: dict[str, Any]) -> list[str]:
    """The arguments as a run has them."""
    return [_text(each) for each in step["Arguments"]["AppSpecification"]["ContainerArguments"]]


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if "Std:Join" in value:
        return "/".join(_text(each) for each in value["Std:Join"]["Values"])
    return {"Parameters.Groups": "weather", "Execution.PipelineExecutionId": "abcdefghijkl"}.get(value["Get"], "none")


def require_taken(step: dict[str, Any]) -> None:
    resolved = json.loads(json.dumps(step["Arguments"]), object_hook=_resolved)
    request = {"ProcessingJobName": "pipelines-abcdefghijkl-Ingest-0123456789", **resolved}
    shape = MODEL.operation_model("CreateProcessingJob").input_shape
    assert shape is not None
    report = ParamValidator().validate(request, shape)
    assert not report.has_errors(), report.generate_report()


def _resolved(value: dict[str, Any]) -> Any:
    return _text(value) if value.keys() & {"Get", "Std:Join"} else value


def test_rows_are_joined_before_they_are_preprocessed(joined: dict[str, Any]) -> None:
    inputs = {each["InputName"]: each["S3Input"] for each in joined["Preprocess"]["Arguments"]["ProcessingInputs"]}

    assert next(iter(joined)) == "Dataset"
    assert _text(inputs["raw"]["S3Uri"]).endswith("/executions/abcdefghijkl/Dataset/rows")
    # By this reference the step waits for the other.
    assert inputs["dataset"]["S3Uri"]["Get"].startswith("Steps.Dataset.")
    arguments = told(joined["Preprocess"])
    assert arguments[arguments.index("--dataset") + 1] == inputs["dataset"]["LocalPath"]
    assert arguments[arguments.index("--event-time") + 1] == "at"
    assert arguments[arguments.index("--split-by") + 1] == "time"


def test_what_changes_with_every_ingestion_is_never_taken_from_the_cache(
    joined: dict[str, Any], ingested: dict[str, Any]
) -> None:
    for step in (joined["Dataset"], *ingested["Steps"]):
        assert "CacheConfig" not in step
        assert step["Arguments"]["NetworkConfig"]["EnableNetworkIsolation"] is False


def test_requests_are_such_that_the_api_takes_them(joined: dict[str, Any], ingested: dict[str, Any]) -> None:
    for step in (joined["Dataset"], joined["Preprocess"], *ingested["Steps"]):
        require_taken(step)


def test_the_programs_understand_what_they_are_told(joined: dict[str, Any], ingested: dict[str, Any]) -> None:
    parser = programs._parser()
    (ingest,) = ingested["Steps"]

    parser.parse_args(told(joined["Dataset"]))
    parser.parse_args(told(joined["Preprocess"]))
    parsed = parser.parse_args(told(ingest))
    assert parsed.sources == [
        "weather=s3://example/weather/",
        "trains=s3://churn-dev-data-111111111111-eu-west-1/sources/trains/",
    ]
    assert parsed.online_targets == ["prod=arn:aws:iam::333333333333:role/churn-prod-features-write"]
    assert (parsed.groups, parsed.backfill_from, parsed.rename) == ("weather", "none", "none")


def test_a_run_that_names_nothing_is_for_every_group(ingested: dict[str, Any]) -> None:
    defaults = {each["Name"]: each["DefaultValue"] for each in ingested["Parameters"]}

    assert defaults == {
        "Groups": "all",
        "BackfillFrom": "none",
        "Rename": "none",
        "ProcessingInstanceType": "ml.m5.xlarge",
    }


def test_a_run_for_which_the_account_has_no_room_waits_for_it(ingested: dict[str, Any]) -> None:
    (step,) = ingested["Steps"]
    (policy,) = [each for each in step["RetryPolicies"] if "SageMaker.RESOURCE_LIMIT" in each["ExceptionType"]]

    waited = sum(policy["IntervalSeconds"] * policy["BackoffRate"] ** number for number in range(policy["MaxAttempts"]))
    assert 3600 < waited < 3 * 3600


def test_a_join_without_a_role_for_it_is_no_definition(project: Any, bindings: Bindings) -> None:
    with pytest.raises(ValueError, match="no role for the step Dataset"):
        training.definition(project, bindings)
