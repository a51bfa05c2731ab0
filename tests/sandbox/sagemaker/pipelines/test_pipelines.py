import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

Ended = Callable[[str], dict[str, Any]]

BUCKET = "pipeline-definitions"
TRUST = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
FAILING = {"Name": "Stop", "Type": "Fail", "Arguments": {"ErrorMessage": {"Get": "Parameters.Message"}}}
DOCUMENT = {
    "Version": "2020-12-01",
    "Parameters": [
        {"Name": "Message", "Type": "String"},
        {"Name": "Count", "Type": "Integer", "DefaultValue": 1},
        {"Name": "Share", "Type": "Float", "DefaultValue": 0.5},
        {"Name": "Fast", "Type": "Boolean", "DefaultValue": False},
        {"Name": "Stage", "Type": "String", "DefaultValue": "dev", "EnumValues": ["dev", "prod"]},
    ],
    "Steps": [FAILING],
}
DEFINITION = json.dumps(DOCUMENT)
GIVEN = [{"Name": "Message", "Value": "over"}]


@pytest.fixture
def sagemaker(sandbox: Any) -> Any:
    return sandbox.client("sagemaker")


@pytest.fixture(scope="module")
def role(sandbox: Any) -> str:
    document = json.dumps({"Version": "2012-10-17", "Statement": [TRUST]})
    role = sandbox.client("iam").create_role(RoleName="pipelines-api", AssumeRolePolicyDocument=document)
    return role["Role"]["Arn"]


@pytest.fixture
def pipeline(sagemaker: Any, role: str) -> str:
    name = f"Api-{uuid.uuid4().hex[:12]}"
    tags = [{"Key": "owner", "Value": "ml"}]
    sagemaker.create_pipeline(PipelineName=name, PipelineDefinition=DEFINITION, RoleArn=role, Tags=tags)
    return name


def test_a_pipeline_is_described_by_name_and_by_arn(sagemaker: Any, pipeline: str, role: str) -> None:
    described = sagemaker.describe_pipeline(PipelineName=pipeline)
    assert described["PipelineArn"] == f"arn:aws:sagemaker:eu-west-1:111111111111:pipeline/{pipeline}"
    assert described["PipelineDisplayName"] == pipeline
    assert described["PipelineStatus"] == "Active"
    assert described["RoleArn"] == role
    assert json.loads(described["PipelineDefinition"]) == DOCUMENT
    assert sagemaker.describe_pipeline(PipelineName=described["PipelineArn"])["PipelineName"] == pipeline
    assert sagemaker.list_tags(ResourceArn=described["PipelineArn"])["Tags"] == [{"Key": "owner", "Value": "ml"}]


def test_an_absent_pipeline_is_refused(sagemaker: Any) -> None:
    with pytest.raises(sagemaker.exceptions.ResourceNotFound, match="pipeline/Absent' does not exist"):
        sagemaker.describe_pipeline(PipelineName="Absent")
    with pytest.raises(sagemaker.exceptions.ResourceNotFound):
        sagemaker.start_pipeline_execution(PipelineName="Absent")


def test_a_second_pipeline_of_the_same_name_is_refused(sagemaker: Any, pipeline: str, role: str) -> None:
    with pytest.raises(ClientError, match="Pipeline names must be unique within an AWS account and region"):
        sagemaker.create_pipeline(PipelineName=pipeline, PipelineDefinition=DEFINITION, RoleArn=role)


def test_the_same_token_creates_a_pipeline_once(sagemaker: Any, role: str) -> None:
    request = {"PipelineName": f"Once-{uuid.uuid4().hex[:12]}", "ClientRequestToken": uuid.uuid4().hex}
    created = [sagemaker.create_pipeline(**request, PipelineDefinition=DEFINITION, RoleArn=role) for _ in range(2)]
    assert created[0]["PipelineArn"] == created[1]["PipelineArn"]


def test_an_invalid_definition_is_refused_when_created_and_when_updated(
    sagemaker: Any, pipeline: str, role: str
) -> None:
    reason = "ValidationException.*Unable to parse pipeline definition. Invalid JSON"
    with pytest.raises(ClientError, match=reason):
        sagemaker.create_pipeline(PipelineName="Broken", PipelineDefinition="{", RoleArn=role)
    with pytest.raises(ClientError, match=reason):
        sagemaker.update_pipeline(PipelineName=pipeline, PipelineDefinition="{")
    assert json.loads(sagemaker.describe_pipeline(PipelineName=pipeline)["PipelineDefinition"]) == DOCUMENT


def test_a_definition_over_the_limit_is_refused(sagemaker: Any, role: str) -> None:
    with pytest.raises(ClientError, match="Member must have length less than or equal to 1048576"):
        sagemaker.create_pipeline(PipelineName="Big", PipelineDefinition=f'"{"x" * 1_048_576}"', RoleArn=role)


def test_a_role_that_does_not_exist_is_refused(sagemaker: Any) -> None:
    role = "arn:aws:iam::111111111111:role/absent"
    with pytest.raises(ClientError, match=rf"Could not assume role {role}. Please ensure that the role exists"):
        sagemaker.create_pipeline(PipelineName="Roleless", PipelineDefinition=DEFINITION, RoleArn=role)


def test_a_definition_is_read_from_s3(sandbox: Any, sagemaker: Any, role: str) -> None:
    s3 = sandbox.client("s3")
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    s3.put_object(Bucket=BUCKET, Key="good.json", Body=DEFINITION.encode())
    s3.put_object(Bucket=BUCKET, Key="big.json", Body=b"x" * 1_048_577)
    name = f"FromS3-{uuid.uuid4().hex[:12]}"

    def create(key: str) -> None:
        location = {"Bucket": BUCKET, "ObjectKey": key}
        sagemaker.create_pipeline(PipelineName=name, PipelineDefinitionS3Location=location, RoleArn=role)

    with pytest.raises(ClientError, match=rf"Unable to read the pipeline definition at s3://{BUCKET}/absent.json"):
        create("absent.json")
    with pytest.raises(ClientError, match="has 1048577 bytes; at most 1048576 are allowed"):
        create("big.json")
    create("good.json")
    assert json.loads(sagemaker.describe_pipeline(PipelineName=name)["PipelineDefinition"]) == DOCUMENT


def test_exactly_one_definition_has_to_be_given(sagemaker: Any, role: str) -> None:
    with pytest.raises(ClientError, match="Either Pipeline Definition or"):
        sagemaker.create_pipeline(PipelineName="None", RoleArn=role)
    with pytest.raises(ClientError, match="Both Pipeline Definition and"):
        sagemaker.create_pipeline(
            PipelineName="Two",
            RoleArn=role,
            PipelineDefinition=DEFINITION,
            PipelineDefinitionS3Location={"Bucket": BUCKET, "ObjectKey": "good.json"},
        )


def test_pipelines_are_listed_by_prefix(sagemaker: Any, pipeline: str) -> None:
    listed = sagemaker.list_pipelines(PipelineNamePrefix=pipeline)["PipelineSummaries"]
    assert [each["PipelineName"] for each in listed] == [pipeline]


def test_a_version_of_a_pipeline_is_refused_by_name(sagemaker: Any, pipeline: str) -> None:
    with pytest.raises(ClientError, match="does not have pipeline versions"):
        sagemaker.describe_pipeline(PipelineName=pipeline, PipelineVersionId=1)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ([], "Parameters without a default value need one: give Message"),
        ([*GIVEN, {"Name": "Size", "Value": "1"}], "The pipeline has no parameter 'Size'"),
        ([*GIVEN, *GIVEN], "Parameter 'Message' was given more than once"),
        ([*GIVEN, {"Name": "Count", "Value": "1.5"}], "Value '1.5' of parameter 'Count' is not of its type Integer"),
        ([*GIVEN, {"Name": "Share", "Value": "half"}], "Value 'half' of parameter 'Share' is not of its type Float"),
        ([*GIVEN, {"Name": "Fast", "Value": "yes"}], "Value 'yes' of parameter 'Fast' is not of its type Boolean"),
        ([*GIVEN, {"Name": "Stage", "Value": "test"}], "is not one of its values: dev, prod"),
        ([{"Name": "Message", "Value": ""}], r"too short \(length: 0, required minimum: 1\)"),
    ],
)
def test_parameters_that_do_not_fit_are_refused(
    sagemaker: Any, pipeline: str, given: list[dict[str, str]], reason: str
) -> None:
    with pytest.raises(ClientError, match=reason):
        sagemaker.start_pipeline_execution(PipelineName=pipeline, PipelineParameters=given)


def test_an_execution_lists_given_and_default_parameters(sagemaker: Any, pipeline: str) -> None:
    given = [*GIVEN, {"Name": "Fast", "Value": "TRUE"}]
    arn = sagemaker.start_pipeline_execution(PipelineName=pipeline, PipelineParameters=given)["PipelineExecutionArn"]
    listed = sagemaker.list_pipeline_parameters_for_execution(PipelineExecutionArn=arn)["PipelineParameters"]
    values = {each["Name"]: each["Value"] for each in listed}
    assert values == {"Message": "over", "Count": "1", "Share": "0.5", "Fast": "true", "Stage": "dev"}


def test_the_same_token_starts_an_execution_once(sagemaker: Any, pipeline: str) -> None:
    request = {"PipelineName": pipeline, "PipelineParameters": GIVEN, "ClientRequestToken": uuid.uuid4().hex}
    arns = {sagemaker.start_pipeline_execution(**request)["PipelineExecutionArn"] for _ in range(2)}
    assert len(arns) == 1
    assert len(sagemaker.list_pipeline_executions(PipelineName=pipeline)["PipelineExecutionSummaries"]) == 1


def test_an_execution_keeps_the_definition_it_started_with(sagemaker: Any, pipeline: str) -> None:
    arn = _start(sagemaker, pipeline)
    changed = json.dumps(DOCUMENT | {"Steps": [FAILING | {"Name": "Other"}]})
    sagemaker.update_pipeline(PipelineName=pipeline, PipelineDefinition=changed)
    kept = sagemaker.describe_pipeline_definition_for_execution(PipelineExecutionArn=arn)["PipelineDefinition"]
    assert json.loads(kept) == DOCUMENT


def test_an_execution_is_renamed(sagemaker: Any, pipeline: str) -> None:
    arn = _start(sagemaker, pipeline)
    assert _describe(sagemaker, arn)["PipelineExecutionDisplayName"].startswith("execution-")
    sagemaker.update_pipeline_execution(
        PipelineExecutionArn=arn,
        PipelineExecutionDisplayName="Nightly",
        ParallelismConfiguration={"MaxParallelExecutionSteps": 2},
    )
    described = _describe(sagemaker, arn)
    assert described["PipelineExecutionDisplayName"] == "Nightly"
    assert described["ParallelismConfiguration"] == {"MaxParallelExecutionSteps": 2}


def test_an_execution_that_is_over_is_not_stopped(sagemaker: Any, pipeline: str, ended: Ended) -> None:
    arn = _start(sagemaker, pipeline)
    ended(arn)
    with pytest.raises(sagemaker.exceptions.ConflictException, match="cannot be stopped because it is Failed"):
        sagemaker.stop_pipeline_execution(PipelineExecutionArn=arn)


def test_what_the_sandbox_lacks_of_executions_is_refused_by_name(sagemaker: Any, pipeline: str) -> None:
    with pytest.raises(ClientError, match="does not have SelectiveExecutionConfig"):
        sagemaker.start_pipeline_execution(
            PipelineName=pipeline,
            PipelineParameters=GIVEN,
            SelectiveExecutionConfig={"SelectedSteps": [{"StepName": "Stop"}]},
        )


def test_a_deleted_pipeline_takes_its_executions_along(sagemaker: Any, pipeline: str, ended: Ended) -> None:
    arn = _start(sagemaker, pipeline)
    ended(arn)
    sagemaker.delete_pipeline(PipelineName=pipeline)
    with pytest.raises(sagemaker.exceptions.ResourceNotFound, match=r"Pipeline execution .* does not exist"):
        sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)
    with pytest.raises(sagemaker.exceptions.ResourceNotFound):
        sagemaker.describe_pipeline(PipelineName=pipeline)


def test_another_account_does_not_see_a_pipeline(sandbox: Any, sagemaker: Any, pipeline: str) -> None:
    arn = sagemaker.describe_pipeline(PipelineName=pipeline)["PipelineArn"]
    with pytest.raises(ClientError, match="AccessDeniedException"):
        sandbox.client("sagemaker", "222222222222").describe_pipeline(PipelineName=arn)


def _start(sagemaker: Any, pipeline: str) -> str:
    answer = sagemaker.start_pipeline_execution(PipelineName=pipeline, PipelineParameters=GIVEN)
    return answer["PipelineExecutionArn"]


def _describe(sagemaker: Any, arn: str) -> dict[str, Any]:
    return sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)
