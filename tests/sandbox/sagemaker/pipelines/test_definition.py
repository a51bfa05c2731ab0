import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from sagewright.sandbox.protocol import ApiError
from sagewright.sandbox.sagemaker.pipelines.definition import parse_definition
from sagewright.sandbox.sagemaker.pipelines.policies import parse_cache

Document = dict[str, Any]
PREPARE, TRAIN, GATE = 0, 1, 2


def test_a_whole_pipeline_is_read_with_its_branches(document: Document) -> None:
    definition = parse_definition(json.dumps(document))
    assert list(definition.steps) == ["Prepare", "Train", "Gate", "Register", "NotGoodEnough"]
    assert definition.steps["Train"].dependencies == ("Prepare",)
    assert definition.steps["Gate"].dependencies == ("Prepare", "Train")
    assert definition.steps["Register"].dependencies == ("Train", "Gate")
    assert definition.steps["Register"].branch == ("Gate", True)
    assert definition.steps["NotGoodEnough"].branch == ("Gate", False)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"Version": ', "Invalid JSON"),
        ("[]", "Expecting start of Json Object."),
        ('{"Steps": []}', "Version None is not supported: the version is '2020-12-01'"),
        ('{"Version": "2019-01-01", "Steps": []}', "Version '2019-01-01' is not supported"),
        ('{"Version": "2020-12-01", "Steps": []}', "has no Steps"),
        ('{"Version": "2020-12-01", "Steps": {"a": 1}}', "Expecting start of Json Array."),
        ('{"Version": "2020-12-01", "Stages": []}', "Unknown Pipeline member 'Stages'."),
        (f'{{"Version": "{"x" * 1_048_576}"}}', "at most 1048576 are allowed"),
    ],
)
def test_a_text_that_is_no_definition_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ApiError, match=re.escape(reason)) as error:
        parse_definition(text)
    assert error.value.code == "ValidationException"
    assert error.value.message.startswith("Unable to parse pipeline definition. ")


def _step(number: int, **members: Any) -> Callable[[Document], None]:
    return lambda document: document["Steps"][number].update(members)


def _argument(number: int, path: str, value: Any) -> Callable[[Document], None]:
    *above, last = path.split(".")

    def put(document: Document) -> None:
        target = document["Steps"][number]["Arguments"]
        for key in above:
            target = target[int(key) if isinstance(target, list) else key]
        target[int(last) if isinstance(target, list) else last] = value

    return put


def _condition(**members: Any) -> Callable[[Document], None]:
    return _argument(GATE, "Conditions.0", members)


EQUAL = {"Type": "Equals", "LeftValue": 1, "RightValue": 1}


@pytest.mark.parametrize(
    ("breaks", "reason"),
    [
        # Steps
        (_step(PREPARE, Type="Preparing"), "Value 'Preparing' for 'StepType' failed to satisfy enum value set"),
        (_step(PREPARE, Name="has space"), "Value 'has space' for 'StepName'"),
        (_step(PREPARE, Name="x" * 65), "for 'StepName' failed to satisfy regular expression pattern"),
        (_step(TRAIN, Name="Prepare"), "Step names must be unique: 'Prepare' is used more than once."),
        (_step(TRAIN, Name="Register"), "Step names must be unique: 'Register'"),
        (_step(PREPARE, Retry=[]), "Unknown ProcessingStep member 'Retry'."),
        (_step(GATE, CacheConfig={"Enabled": False}), "Unknown ConditionStep member 'CacheConfig'."),
        (_step(TRAIN, PropertyFiles=[]), "Unknown TrainingStep member 'PropertyFiles'."),
        (_step(TRAIN, DependsOn="Prepare"), "DependsOn of step 'Train' is a list"),
        (_step(TRAIN, DependsOn=["Absent"]), "Step 'Train' refers to step 'Absent', which is not in the pipeline."),
        (_step(TRAIN, DependsOn=["NotGoodEnough"]), "Train can not depends on NotGoodEnough"),
        (_step(PREPARE, DependsOn=["Gate"]), "in a cycle: Prepare -> Gate -> Prepare"),
        (_step(PREPARE, DependsOn=["Prepare"]), "in a cycle: Prepare -> Prepare"),
        (_step(PREPARE, DependsOn=["Register"]), "in a cycle: Prepare -> Register -> Train -> Prepare"),
        (_step(TRAIN, Arguments=[]), "Expecting start of Json Object."),
        # Arguments
        (_argument(TRAIN, "TrainingJobName", "mine"), "Unknown Argument member 'TrainingJobName'."),
        (_argument(TRAIN, "Learning", "fast"), "Unknown Argument member 'Learning'."),
        (_argument(TRAIN, "ResourceConfig.Instances", 1), "Unknown Argument member 'Instances'."),
        (_argument(TRAIN, "InputDataConfig", {"Get": "Parameters.Data"}), "Expecting start of Json Array."),
        (_argument(TRAIN, "ResourceConfig", {"Get": "Parameters.Data"}), "Expecting start of Json Object."),
        (_argument(TRAIN, "HyperParameters", ["depth"]), "Expecting start of Json Object."),
        (
            _argument(TRAIN, "AlgorithmSpecification.TrainingInputMode", "Slow"),
            "Value 'Slow' for 'TrainingInputMode' failed to satisfy enum value set: [Pipe, File, FastFile]",
        ),
        (_argument(TRAIN, "RoleArn", "pipeline"), "Value 'pipeline' for 'RoleArn' failed to satisfy"),
        (_argument(TRAIN, "HyperParameters.depth", 3), "can not be converted to a String"),
        (_argument(TRAIN, "ResourceConfig.InstanceCount", "1"), "can not be converted to an Integer"),
        (_argument(PREPARE, "AppSpecification.ContainerEntrypoint", []), "has 0 members, but must have 1 to 100"),
        (_argument(TRAIN, "OutputDataConfig", {}), "Value null for 'S3OutputPath'"),
        (
            _argument(TRAIN, "StoppingCondition", {"MaxRuntimeInSeconds": 2_419_201}),
            "Value '2419201' of MaxRuntimeInSeconds must have value less than or equal to 2419200",
        ),
        (
            _argument(PREPARE, "StoppingCondition", {"MaxRuntimeInSeconds": 777_601}),
            "Value '777601' for 'ProcessingMaxRuntimeInSeconds' failed to satisfy",
        ),
        # References
        (_argument(PREPARE, "Environment.DATA", {"Get": "Parameters.Absent"}), "refers to parameter 'Absent'"),
        (_argument(PREPARE, "Environment.DATA", {"Get": "Execution.Cost"}), "refers to 'Execution.Cost'"),
        (_argument(PREPARE, "Environment.DATA", {"Get": "Somewhere.Else"}), "Invalid reference 'Somewhere.Else'"),
        (_argument(PREPARE, "Environment.DATA", {"Get": 3}), "Get takes a string; received 3"),
        (_argument(PREPARE, "Environment.DATA", {"Get": "Steps.Absent.Outcome"}), "refers to step 'Absent'"),
        (
            _argument(TRAIN, "HyperParameters.depth", {"Get": "Steps.Prepare.ModelArtifacts.S3ModelArtifacts"}),
            "DescribeProcessingJobResponse has no property 'ModelArtifacts'",
        ),
        (_argument(TRAIN, "HyperParameters.depth", {"Get": "Steps.Prepare"}), "it names no property"),
        (
            _argument(
                TRAIN,
                "HyperParameters.depth",
                {"Get": "Steps.Prepare.ProcessingOutputConfig.Outputs['nope'].S3Output.S3Uri"},
            ),
            "step 'Prepare' has no OutputName 'nope'",
        ),
        (
            _argument(
                GATE,
                "ElseSteps.0.Arguments.ErrorMessage",
                {"Get": "Steps.Prepare.ProcessingInputs['nope'].S3Input.S3Uri"},
            ),
            "step 'Prepare' has no InputName 'nope'",
        ),
        (
            _argument(
                GATE, "ElseSteps.0.Arguments.ErrorMessage", {"Get": "Steps.Train.InputDataConfig['no'].ContentType"}
            ),
            "step 'Train' has no ChannelName 'no'",
        ),
        (_argument(TRAIN, "HyperParameters.depth", {"Get": "Steps.Prepare.Outputs["}), "'[' is not a property path"),
        (
            _argument(TRAIN, "HyperParameters.depth", {"Get": "Steps.Prepare.ProcessingOutputConfig.Outputs"}),
            "is not a single value",
        ),
        (_argument(TRAIN, "HyperParameters.depth", {"Get": "Steps.Prepare.PropertyFiles.Report"}), "with Std:JsonGet"),
        (_argument(GATE, "ElseSteps.0.Arguments.ErrorMessage", {"Get": "Steps.Gate.Metric"}), "has Outcome only"),
        # Functions
        (_argument(PREPARE, "Environment.DATA", {"Std:Split": {}}), "Unknown function 'Std:Split'"),
        (_argument(PREPARE, "Environment.DATA", {"Std:Join": {"On": "/"}}), "Std:Join has no member 'Values'"),
        (
            _argument(PREPARE, "Environment.DATA", {"Std:Join": {"Values": "a"}}),
            "Values of Std:Join has the wrong type",
        ),
        (_argument(PREPARE, "Environment.DATA", {"Std:Join": {"Values": [["a"]]}}), "Std:Join takes strings"),
        (
            _argument(PREPARE, "Environment.DATA", {"Std:Join": {"Values": [], "By": ""}}),
            "Unknown Std:Join member 'By'",
        ),
        (_argument(PREPARE, "Environment.DATA", {"Std:Join": []}), "Expecting start of Json Object."),
        (
            _argument(
                GATE, "Conditions.0.LeftValue.Std:JsonGet.PropertyFile", {"Get": "Steps.Prepare.PropertyFiles.X"}
            ),
            "Step 'Prepare' has no PropertyFile 'X'",
        ),
        (
            _argument(GATE, "Conditions.0.LeftValue.Std:JsonGet.PropertyFile", {"Get": "Parameters.Data"}),
            "PropertyFile of Std:JsonGet takes",
        ),
        (_argument(GATE, "Conditions.0.LeftValue", {"Std:JsonGet": {"Path": "a"}}), "either PropertyFile or S3Uri"),
        (
            _argument(GATE, "Conditions.0.LeftValue.Std:JsonGet.Path", "metrics..value"),
            "Invalid reference 'metrics..value'",
        ),
        # Conditions
        (
            _condition(Type="And", Conditions=[EQUAL]),
            "Value 'And' for 'ConditionType' failed to satisfy enum value set",
        ),
        (_condition(Type="Equals", LeftValue=1), "The condition Equals has no RightValue"),
        (_condition(**EQUAL, Middle=1), "Unknown Equals condition member 'Middle'."),
        (_condition(Type="In", QueryValue=1, Values=1), "Expecting start of Json Array."),
        (_condition(Type="In", QueryValue=1, Values=[[1]]), "The condition In compares single values"),
        (_condition(Type="Not", Condition={"Type": "No"}), "Value 'No' for 'ConditionType'"),
        (_condition(Type="Or", Conditions=[]), "Conditions is empty"),
        (_argument(GATE, "Conditions", []), "Conditions is empty"),
        (
            _argument(GATE, "IfSteps", [{"Name": "Again", "Type": "Condition", "Arguments": {"Conditions": [EQUAL]}}]),
            "Condition step 'Again' is in a branch of 'Gate': nesting is not supported.",
        ),
        (_argument(GATE, "Otherwise", []), "Unknown Argument member 'Otherwise'."),
        (_argument(GATE, "IfSteps", {}), "Expecting start of Json Array."),
        (_argument(GATE, "ElseSteps.0.Arguments.ErrorMessage", ["a"]), "ErrorMessage of step 'NotGoodEnough'"),
        (_argument(GATE, "ElseSteps.0.Arguments.Code", 1), "Unknown Argument member 'Code'."),
        (_argument(GATE, "IfSteps.0.Arguments.ModelPackageName", "x"), "Unknown Argument member 'ModelPackageName'."),
        # Property files
        (
            _step(PREPARE, PropertyFiles=[{"PropertyFileName": "a"}]),
            "A PropertyFile of step 'Prepare' has no OutputName",
        ),
        (
            _step(PREPARE, PropertyFiles=[{"PropertyFileName": "Report", "OutputName": "no", "FilePath": "a.json"}]),
            "is in output 'no', which the step does not have",
        ),
        (
            _step(PREPARE, PropertyFiles=2 * [{"PropertyFileName": "a", "OutputName": "report", "FilePath": "a.json"}]),
            "more than one PropertyFile 'a'",
        ),
        # Cache and retries
        (_step(PREPARE, CacheConfig={"Enabled": "yes"}), "Enabled of CacheConfig is true or false; received 'yes'"),
        (_step(PREPARE, CacheConfig={"Enabled": True}), "CacheConfig has no ExpireAfter"),
        (_step(PREPARE, CacheConfig={"Enabled": True, "ExpireAfter": "a month"}), "received 'a month'"),
        (_step(PREPARE, CacheConfig={"Enabled": True, "ExpireAfter": "P"}), "received 'P'"),
        (_step(PREPARE, CacheConfig={"Enabled": True, "Key": 1}), "Unknown CacheConfig member 'Key'."),
        (_step(TRAIN, RetryPolicies={}), "Expecting start of Json Array."),
        (_step(TRAIN, RetryPolicies=[{"ExceptionType": "all"}]), "ExceptionType of RetryPolicies is a list"),
        (_step(TRAIN, RetryPolicies=[{"ExceptionType": ["Step.ANY"]}]), "Value 'Step.ANY' for 'ExceptionType'"),
        (
            _step(TRAIN, RetryPolicies=[{"ExceptionType": ["Step.THROTTLING"], "MaxAttempts": 21}]),
            "MaxAttempts of RetryPolicies is a number from 0 to 20; received 21",
        ),
        (
            _step(TRAIN, RetryPolicies=[{"ExceptionType": ["Step.THROTTLING"], "MaxAttempts": 1, "ExpireAfterMin": 1}]),
            "either MaxAttempts or ExpireAfterMin",
        ),
        (
            _step(TRAIN, RetryPolicies=2 * [{"ExceptionType": ["Step.THROTTLING"]}]),
            "name the exception type Step.THROTTLING more than once",
        ),
        (
            _step(TRAIN, RetryPolicies=[{"ExceptionType": ["Step.THROTTLING"], "Wait": 1}]),
            "Unknown RetryPolicies member 'Wait'.",
        ),
    ],
)
def test_a_broken_step_is_refused(document: Document, breaks: Callable[[Document], None], reason: str) -> None:
    breaks(document)
    with pytest.raises(ApiError) as error:
        parse_definition(json.dumps(document))
    assert reason in error.value.message
    assert error.value.code == "ValidationException"


@pytest.mark.parametrize(
    ("parameter", "reason"),
    [
        ({"Name": "Data", "Type": "String"}, "'Data' is declared more than once"),
        ({"Name": "a b", "Type": "String"}, "Value 'a b' for 'ParameterName'"),
        ({"Name": "A", "Type": "Date"}, "Value 'Date' for 'ParameterType' failed to satisfy enum value set"),
        ({"Name": "A", "Type": "Integer", "DefaultValue": "1"}, "DefaultValue '1' of parameter 'A' is not of its type"),
        ({"Name": "A", "Type": "Integer", "DefaultValue": True}, "DefaultValue True of parameter 'A'"),
        ({"Name": "A", "Type": "String", "DefaultValue": "c", "EnumValues": ["a"]}, "is not one of its EnumValues"),
        ({"Name": "A", "Type": "String", "Hint": "x"}, "Unknown Parameter member 'Hint'."),
        ("A", "Expecting start of Json Object."),
    ],
)
def test_a_broken_parameter_is_refused(document: Document, parameter: Any, reason: str) -> None:
    document["Parameters"].append(parameter)
    with pytest.raises(ApiError) as error:
        parse_definition(json.dumps(document))
    assert reason in error.value.message


def test_a_map_with_one_entry_is_not_taken_for_a_function(document: Document) -> None:
    document["Steps"][PREPARE]["Arguments"]["Environment"] = {"GetAway": "1"}
    environment = parse_definition(json.dumps(document)).steps["Prepare"].arguments["Environment"]
    assert environment == {"GetAway": "1"}


def test_a_pipeline_of_more_than_fifty_steps_is_refused(document: Document) -> None:
    stops = [{"Name": f"Stop{number}", "Type": "Fail", "Arguments": {"ErrorMessage": "x"}} for number in range(46)]
    document["Steps"] += stops[1:]
    parse_definition(json.dumps(document))
    document["Steps"] += stops[:1]
    with pytest.raises(ApiError, match="The pipeline has 51 steps; at most 50 are allowed"):
        parse_definition(json.dumps(document))


def test_a_step_type_that_the_sandbox_lacks_is_refused_by_name(document: Document) -> None:
    document["Steps"][TRAIN]["Type"] = "Tuning"
    with pytest.raises(ApiError, match="The sandbox does not have the step type Tuning of step 'Train'") as error:
        parse_definition(json.dumps(document))
    assert error.value.status == 501


def test_an_experiment_may_refer_to_the_execution_only(document: Document) -> None:
    document["PipelineExperimentConfig"] = {"ExperimentName": {"Get": "Execution.PipelineName"}}
    assert parse_definition(json.dumps(document)).experiment == document["PipelineExperimentConfig"]
    document["PipelineExperimentConfig"] = {"ExperimentName": {"Get": "Steps.Train.TrainingJobName"}}
    with pytest.raises(ApiError, match=r"refers to 'Steps.Train.TrainingJobName'"):
        parse_definition(json.dumps(document))


@pytest.mark.parametrize(
    ("text", "age"),
    [
        ("P30D", timedelta(days=30)),
        ("PT1H", timedelta(hours=1)),
        ("P1Y2M3W4DT5H6M7S", timedelta(days=365 + 60 + 21 + 4, hours=5, minutes=6, seconds=7)),
        ("30d", timedelta(days=30)),
        ("T16m", timedelta(minutes=16)),
        ("30dT5h", timedelta(days=30, hours=5)),
    ],
)
def test_a_cache_expiry_is_an_iso_8601_duration_or_its_short_form(text: str, age: timedelta) -> None:
    cache = parse_cache({"Enabled": True, "ExpireAfter": text})
    assert cache is not None
    assert cache.max_age == age
