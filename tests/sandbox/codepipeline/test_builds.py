"""A build of a pipeline runs the project's buildspec on the artifacts, and what it exports configures what follows."""

import io
import json
import zipfile
from typing import Any

from .conftest import action, gate, stage

BUILDSPEC = """
version: 0.2
env: {exported-variables: [Proceed]}
phases:
  build:
    commands:
      - export Proceed=$(cat README.md)-$Given
      - mkdir out && echo $Proceed > out/result.txt
artifacts: {base-directory: out, files: ["**/*"]}
"""


def project(lane: Any, buildspec: str) -> str:
    logs = {"Effect": "Allow", "Action": "logs:*", "Resource": "*"}
    role = lane.bench.role(
        "codebuild.amazonaws.com", logs, lane.on_bucket("s3:GetObject", "s3:GetObjectVersion", "s3:PutObject")
    )
    kind = {"type": "LINUX_CONTAINER", "computeType": "BUILD_GENERAL1_SMALL"}
    lane.bench.client("codebuild").create_project(
        name=lane.name,
        source={"type": "CODEPIPELINE", "buildspec": buildspec},
        artifacts={"type": "CODEPIPELINE"},
        environment={**kind, "image": "aws/codebuild/amazonlinux-x86_64-standard:6.0"},
        serviceRole=role,
    )
    return lane.bench.arn("codebuild", f"project/{lane.name}")


def build(lane: Any, given: str = "#{codepipeline.PipelineExecutionId}") -> dict[str, Any]:
    variables = json.dumps([{"name": "Given", "value": given}])
    configuration = {"ProjectName": lane.name, "EnvironmentVariables": variables}
    artifacts = {"inputArtifacts": [{"name": "Source"}], "outputArtifacts": [{"name": "Result"}]}
    return action("Build", "Build", "CodeBuild", configuration=configuration, namespace="Built", **artifacts)


def allowed(lane: Any, arn: str) -> str:
    return lane.role(
        {"Effect": "Allow", "Action": ["codebuild:StartBuild", "codebuild:BatchGetBuilds"], "Resource": arn}
    )


def test_a_build_takes_its_source_and_leaves_variables_and_an_artifact(lane: Any) -> None:
    arn = project(lane, BUILDSPEC)
    shown = gate(configuration={"CustomData": "#{Built.Proceed}"})
    identity = lane.create(stage("Build", build(lane)), stage("Gate", shown), roleArn=allowed(lane, arn))
    built = lane.action("Build", "Build")
    assert built["status"] == "Succeeded", built
    assert built["externalExecutionId"].startswith(f"{lane.name}:")
    run, asked = lane.runs(identity)[1:]
    assert run["output"]["outputVariables"] == {"Proceed": f"one-{identity}"}
    assert asked["input"]["resolvedConfiguration"]["CustomData"] == f"one-{identity}"
    (artifact,) = run["output"]["outputArtifacts"]
    place = artifact["s3location"]
    left = lane.bench.client("s3").get_object(Bucket=place["bucket"], Key=place["key"])["Body"].read()
    assert zipfile.ZipFile(io.BytesIO(left)).read("result.txt").decode().strip() == f"one-{identity}"


def test_a_build_that_fails_fails_the_action_with_its_reason(lane: Any) -> None:
    arn = project(lane, BUILDSPEC.replace("- mkdir out", "- exit 3\n      - mkdir out"))
    lane.create(stage("Build", build(lane)), roleArn=allowed(lane, arn))
    error = lane.action("Build", "Build")["errorDetails"]
    assert error["code"] == "JobFailed"
    assert "Build terminated with state: FAILED. Phase: BUILD" in error["message"]


def test_a_role_that_may_not_start_builds_fails_the_action(lane: Any) -> None:
    project(lane, BUILDSPEC)
    lane.create(stage("Build", build(lane)))
    error = lane.action("Build", "Build")["errorDetails"]
    assert (error["code"], "codebuild:StartBuild" in error["message"]) == ("PermissionError", True)


def test_a_variable_that_breaks_the_json_fails_the_action(lane: Any) -> None:
    arn = project(lane, BUILDSPEC)
    variables = [{"name": "Said", "defaultValue": 'say "yes"'}]
    lane.create(stage("Build", build(lane, "#{variables.Said}")), roleArn=allowed(lane, arn), variables=variables)
    error = lane.action("Build", "Build")["errorDetails"]
    assert "no valid JSON once its variables are resolved" in error["message"]
