"""Each step's arguments are a request that its API takes: held against botocore's own model of it.

botocore itself checks neither patterns, enums nor greatest lengths, so the rest of its model is read here.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import regex
from botocore.loaders import Loader
from botocore.model import ListShape, MapShape, ServiceModel, Shape, StringShape, StructureShape
from botocore.validate import ParamValidator

Define = Callable[..., dict[str, Any]]

MODEL = ServiceModel(Loader().load_service_model("sagemaker", "service-2"), "sagemaker")
OPERATIONS: dict[str, tuple[str, dict[str, str]]] = {
    "Processing": ("CreateProcessingJob", {"ProcessingJobName": "pipelines-abcdefghijkl-Preprocess-0123456789"}),
    "Training": ("CreateTrainingJob", {"TrainingJobName": "pipelines-abcdefghijkl-Train-0123456789"}),
    "RegisterModel": ("CreateModelPackage", {}),
}
SAMPLES = {
    "Execution.PipelineExecutionId": "abcdefghijkl",
    "Execution.PipelineExecutionArn": (
        "arn:aws:sagemaker:eu-west-1:111111111111:pipeline/churn-training/execution/abcdefghijkl"
    ),
    "Parameters.DataVersion": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "Parameters.GitCommit": "2fd4e1c67a2d28fced849ee1bb76e7391b93eb12",
    "Parameters.ChampionModelUri": (
        "s3://churn-dev-data-111111111111-eu-west-1/executions/no-champion/Train/nothing-is-live.txt"
    ),
    "Parameters.ChampionVersion": "none",
}
AUTOMATIC = {
    "evaluation": "{minimum: 0.55, champion: {}}",
    "repository": "{provider: codecommit, name: churn}",
    "approval": "{registry: automatic}",
}


def every_step(definition: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for step in definition["Steps"]:
        yield step
        yield from (*step["Arguments"].get("IfSteps", ()), *step["Arguments"].get("ElseSteps", ()))


def resolved(value: Any, defaults: dict[str, Any]) -> Any:
    """Put sample values where a run would put real ones."""
    if isinstance(value, list):
        return [resolved(each, defaults) for each in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {"Get"}:
        name = value["Get"]
        if name.startswith("Steps."):
            return "s3://churn-dev-data-111111111111-ap-northeast-1/executions/abcdefghijkl/Preprocess/baseline"
        return SAMPLES.get(name) or defaults[name.removeprefix("Parameters.")]
    if set(value) == {"Std:Join"}:
        join = value["Std:Join"]
        return join["On"].join(str(resolved(each, defaults)) for each in join["Values"])
    return {key: resolved(each, defaults) for key, each in value.items()}


def faults(shape: Shape, value: Any, path: str = "") -> Iterator[str]:
    """Name what the model's enums, patterns and limits do not allow, however deep."""
    yield from (f"{path}: {fault}" for fault in own_faults(shape, value))
    if isinstance(shape, StructureShape):
        for name, member in value.items():
            yield from faults(shape.members[name], member, f"{path}.{name}")
    elif isinstance(shape, ListShape):
        for position, member in enumerate(value):
            yield from faults(shape.member, member, f"{path}[{position}]")
    elif isinstance(shape, MapShape):
        for name, member in value.items():
            yield from faults(shape.key, name, f"{path}.{name}")
            yield from faults(shape.value, member, f"{path}.{name}")


def own_faults(shape: Shape, value: Any) -> Iterator[str]:
    limits = shape.metadata
    size = value if isinstance(value, int | float) else len(value)
    if size < limits.get("min", size) or size > limits.get("max", size):
        yield f"{size} is not within {limits.get('min')} and {limits.get('max')}"
    if isinstance(shape, StringShape):
        if shape.enum and value not in shape.enum:
            yield f"{value} is not one of {shape.enum}"
        # The model writes some patterns with a length behind the end of the line.
        pattern = regex.sub(r"\$\{\d+,\d+\}$", "", limits.get("pattern", ".*"))
        if not regex.fullmatch(pattern, value):
            yield f"{value} does not match {pattern}"


@pytest.mark.parametrize(
    "sections",
    [
        {},
        {"problem": "multiclass_classification", "evaluation": "{minimum: 0.5}", "description": "Naïve «texte»"},
        {"problem": "regression", "evaluation": "{maximum: 12}", "source": "s3://elsewhere/customers/"},
        {
            "data": "positive_label: 1, record_id: id",
            "training": "{code: src/churn, hyperparameters: {a: [1], é: x}, environment: {A: é}}",
        },
        {
            "name": "a2345678-1-2345678-2-2345678",
            "source": "s3://elsewhere",
            "environments": "{dev: {region: us-east-1}}",
        },
        {"evaluation": "{minimum: 0.55, champion: {tolerance: 0}}"},
        AUTOMATIC,
    ],
    ids=["binary", "multiclass", "regression", "all options", "long name", "champion", "automatic"],
)
def test_every_request_is_one_that_the_api_takes(define: Define, sections: dict[str, str]) -> None:
    definition = define(**sections)
    defaults = {each["Name"]: each.get("DefaultValue") for each in definition["Parameters"]}
    checked = []
    for step in every_step(definition):
        if step["Type"] not in OPERATIONS:
            continue
        operation, name = OPERATIONS[step["Type"]]
        shape = MODEL.operation_model(operation).input_shape
        assert shape is not None
        request = name | resolved(step["Arguments"], defaults)

        report = ParamValidator().validate(request, shape)
        assert not report.has_errors(), report.generate_report()
        assert list(faults(shape, request)) == []
        checked.append(operation)

    registers = ["CreateModelPackage"] * (2 if sections is AUTOMATIC else 1)
    assert checked == ["CreateProcessingJob", "CreateTrainingJob", "CreateProcessingJob", *registers]


def test_the_check_itself_finds_what_botocore_does_not() -> None:
    shape = MODEL.operation_model("CreateProcessingJob").input_shape
    assert shape is not None
    request = {
        "ProcessingJobName": "under_score",
        "ProcessingResources": {"ClusterConfig": {"InstanceType": "ml.x.large", "InstanceCount": 0}},
        "AppSpecification": {"ContainerArguments": ["a" * 257]},
    }

    assert [fault.partition(":")[0] for fault in faults(shape, request)] == [
        ".ProcessingJobName",
        ".ProcessingResources.ClusterConfig.InstanceType",
        ".ProcessingResources.ClusterConfig.InstanceCount",
        ".AppSpecification.ContainerArguments[0]",
    ]


def test_step_names_are_what_the_format_allows(define: Define) -> None:
    for step in every_step(define(**AUTOMATIC)):
        assert regex.fullmatch(r"[A-Za-z0-9\-_]{1,64}", step["Name"])


def test_the_failure_message_is_short_enough_for_sagemaker(define: Define) -> None:
    gate = define()["Steps"][-1]["Arguments"]
    [fail] = gate["ElseSteps"]
    message = fail["Arguments"]["ErrorMessage"]["Std:Join"]["Values"]

    assert len("".join(each for each in message if isinstance(each, str))) < 3072 - 100
