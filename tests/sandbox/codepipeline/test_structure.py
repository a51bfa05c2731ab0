"""A pipeline that could not run is refused when it is written, in AWS's words, and what the sandbox lacks by name."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from .conftest import action, check, gate, stage

Change = Callable[[dict[str, Any]], object]


CHANGES: list[tuple[Change, str, str]] = [
    (lambda d: d["stages"].pop(), "InvalidStructureException", "Pipeline has only 1 stage(s)"),
    (lambda d: d["stages"].reverse(), "InvalidStructureException", "should start with a stage that only contains"),
    (lambda d: d["stages"].append(d["stages"][1]), "InvalidStructureException", "Stage names must be unique"),
    (lambda d: d["stages"][1]["actions"].append(gate()), "InvalidStructureException", "Action names must be"),
    (lambda d: d.pop("artifactStore"), "InvalidStructureException", "artifactStore or artifactStores"),
    (lambda d: d.update(roleArn="arn:aws:iam::111111111111:role/none"), "InvalidStructureException", "AssumeRole"),
    (lambda d: d.update(pipelineType="V1", executionMode="QUEUED"), "ValidationException", "of type V2"),
    (lambda d: d.update(variables=[{"name": "A"}, {"name": "A"}]), "InvalidStructureException", "must be unique"),
    (lambda d: d.update(variables=[{"name": f"V{n}"} for n in range(51)]), "ValidationException", "less than or"),
]


def deploy(**configuration: str) -> dict[str, Any]:
    given = {"ActionMode": "CREATE_UPDATE", "StackName": "one", "RoleArn": "arn:aws:iam::111111111111:role/one"}
    given |= {"TemplatePath": "Source::one.json"} | configuration
    inputs = [{"name": "Source"}]
    return action("Deploy", "Deploy", "CloudFormation", configuration=given, inputArtifacts=inputs)


def build(**more: Any) -> dict[str, Any]:
    given = {"configuration": {"ProjectName": "one"}, "inputArtifacts": [{"name": "Source"}]}
    return action("Build", "Build", "CodeBuild", **(given | more))


def refusal(lane: Any, change: Change, *stages: dict[str, Any], **more: Any) -> tuple[str, str]:
    declaration = lane.declaration(*(stages or (stage("Gate", gate()),)), **more)
    change(declaration)
    with pytest.raises(ClientError) as refused:
        lane.client.create_pipeline(pipeline=declaration)
    error: Any = refused.value.response["Error"]
    return error["Code"], error["Message"]


def nothing(declaration: dict[str, Any]) -> None:
    del declaration


@pytest.mark.parametrize(("change", "code", "words"), CHANGES)
def test_a_structure_that_aws_refuses_is_refused(lane: Any, change: Change, code: str, words: str) -> None:
    found = refusal(lane, change)
    assert found[0] == code
    assert words in found[1]


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (build(inputArtifacts=[]), "declares 0 input artifacts which is less than the minimum count (1)"),
        (build(inputArtifacts=[{"name": "None"}]), "not declared as Output Artifact Bundle in any of the preceding"),
        (build(configuration={}), "missing required configuration 'ProjectName'"),
        (build(configuration={"ProjectName": "one", "Ponies": "1"}), "contains unknown configuration 'Ponies'"),
        (gate(outputArtifacts=[{"name": "Out"}]), "more than the maximum count (0)"),
        (deploy(TemplatePath="Other::one.json"), "must be ArtifactName::FileName"),
        (deploy(ParameterOverrides="x" * 990 + "y" * 10), "must be a JSON object of texts"),
        (deploy(OutputFileName="out.json"), "needs both an output artifact and OutputFileName"),
        (deploy(ActionMode="PERHAPS"), "ActionMode 'PERHAPS'"),
        (action("Odd", "Deploy", "Odd"), "is not available in region 'EU_WEST_1'"),
        (build(timeoutInMinutes=10), "only manual approvals can"),
        (gate(configuration={"CustomData": "#{Nobody.Value}"}), "namespace that does not exist"),
        (gate(configuration={"CustomData": "#{Value}"}), "a namespace and a key separated by a period"),
        (gate(configuration={"CustomData": "#{variables.None}"}), "pipeline variable that is not declared"),
        (gate(configuration={"CustomData": "#{codepipeline.Moon}"}), "key that does not exist"),
        (build(namespace="Taken"), "Namespaces must be unique across the pipeline definition"),
        (build(namespace="variables"), "namespaces are reserved"),
        (build(namespace="Own", configuration={"ProjectName": "#{Own.Name}"}), "no action before produces"),
    ],
)
def test_an_action_that_aws_refuses_is_refused(lane: Any, one: dict[str, Any], words: str) -> None:
    code, message = refusal(lane, nothing, stage("Next", one))
    assert code == "InvalidActionDeclarationException"
    assert words in message


@pytest.mark.parametrize(
    ("conditions", "words"),
    [
        ({"beforeEntry": check("ROLLBACK", "#{Taken.ETag}")}, "a condition of beforeEntry has one of the results"),
        ({"onSuccess": check("SKIP", "#{Taken.ETag}")}, "a condition of onSuccess has one of the results"),
        ({"beforeEntry": check("SKIP", "#{Taken.ETag}", "LIKE")}, "Operator must be one of"),
        ({"onFailure": {"result": "RETRY"} | check("ROLLBACK", "#{Taken.ETag}")}, "retry the stage automatically"),
        ({"onFailure": {"retryConfiguration": {"retryMode": "ALL_ACTIONS"}}}, "needs the result RETRY"),
    ],
)
def test_a_condition_that_aws_refuses_is_refused(lane: Any, conditions: dict[str, Any], words: str) -> None:
    code, message = refusal(lane, nothing, stage("Gate", gate(), **conditions))
    assert code == "InvalidStageDeclarationException"
    assert words in message


def test_a_parallel_pipeline_and_a_source_stage_have_no_rollback(lane: Any) -> None:
    gated = stage("Gate", gate(), onFailure={"result": "ROLLBACK"})
    assert "PARALLEL" in refusal(lane, nothing, gated, executionMode="PARALLEL")[1]

    def source_goes_back(declaration: dict[str, Any]) -> None:
        declaration["stages"][0]["onFailure"] = {"result": "ROLLBACK"}

    assert "a source stage cannot be rolled back" in refusal(lane, source_goes_back)[1]


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (action("Call", "Invoke", "Lambda", configuration={"FunctionName": "one"}), "actions of Invoke Lambda"),
        (deploy(ActionMode="REPLACE_ON_FAILURE"), "the ActionMode REPLACE_ON_FAILURE"),
        (build(configuration={"ProjectName": "one", "BatchEnabled": "true"}), "BatchEnabled"),
        (gate(region="us-east-1"), "actions in other regions"),
        (deploy(ParameterOverrides='{"A": {"Fn::GetParam": ["a", "b", "c"]}}'), "functions in ParameterOverrides"),
    ],
)
def test_what_the_sandbox_lacks_is_refused_by_name(lane: Any, one: dict[str, Any], words: str) -> None:
    code, message = refusal(lane, nothing, stage("Next", one))
    assert (code, words in message) == ("UnsupportedOperation", True), message


def test_an_operation_that_the_sandbox_lacks_is_refused_by_name(lane: Any) -> None:
    with pytest.raises(ClientError, match="does not have the operation PutActionRevision"):
        lane.client.put_action_revision(
            pipelineName="one",
            stageName="one",
            actionName="one",
            actionRevision={"revisionId": "1", "revisionChangeId": "1", "created": 0},
        )


def test_versions_tags_and_removal(lane: Any) -> None:
    declaration = lane.declaration(stage("Gate", gate()))
    tags = [{"key": "team", "value": "ml"}]
    made = lane.client.create_pipeline(pipeline=declaration, tags=tags)
    assert (made["pipeline"]["version"], made["tags"]) == (1, tags)
    with pytest.raises(ClientError, match="PipelineNameInUseException"):
        lane.client.create_pipeline(pipeline=declaration)
    declaration["stages"].append(stage("Last", gate()))
    assert lane.client.update_pipeline(pipeline=declaration)["pipeline"]["version"] == 2
    assert len(lane.client.get_pipeline(name=lane.name, version=1)["pipeline"]["stages"]) == 2
    assert lane.client.get_pipeline(name=lane.name)["metadata"]["pipelineArn"] == lane.arn
    assert lane.name in [each["name"] for each in lane.client.list_pipelines()["pipelines"]]
    lane.client.tag_resource(resourceArn=lane.arn, tags=[{"key": "stage", "value": "one"}])
    lane.client.untag_resource(resourceArn=lane.arn, tagKeys=["team"])
    assert lane.client.list_tags_for_resource(resourceArn=lane.arn)["tags"] == [{"key": "stage", "value": "one"}]
    lane.bench.settled()
    lane.client.delete_pipeline(name=lane.name)
    with pytest.raises(ClientError, match="PipelineNotFoundException"):
        lane.client.get_pipeline(name=lane.name)
