"""Projects are checked when they are written; what the sandbox could not build is refused by its name, with a 501."""

import json
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

SPEC = "version: 0.2\nphases: {build: {commands: [echo]}}"


def refusal(error: pytest.ExceptionInfo[ClientError]) -> tuple[str, int]:
    answer: Any = error.value.response
    return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"environment": {"image": "aws/codebuild/standard:1.0"}}, "the image aws/codebuild/standard:1.0"),
        ({"environment": {"image": "python:3.12"}}, "the image python:3.12"),
        ({"environment": {"privilegedMode": True}}, "the privileged mode"),
        ({"environment": {"type": "ARM_CONTAINER"}}, "the environment type ARM_CONTAINER"),
        ({"vpcConfig": {"vpcId": "vpc-1", "subnets": ["subnet-1"], "securityGroupIds": ["sg-1"]}}, "builds in a VPC"),
        ({"badgeEnabled": True}, "badges"),
        (
            {"source": {"type": "GITHUB", "location": "https://github.com/a/b"}},
            "sources of the type GITHUB without a connection",
        ),
        ({"cache": {"type": "LOCAL", "modes": ["LOCAL_DOCKER_LAYER_CACHE"]}}, "the cache mode LOCAL_DOCKER_LAYER"),
        ({"logsConfig": {"s3Logs": {"status": "ENABLED", "location": "b/p"}}}, "logs in S3"),
        ({"buildBatchConfig": {"timeoutInMins": 10}}, "batch builds"),
        ({"fileSystemLocations": [{"type": "EFS", "location": "a:/b"}]}, "file systems"),
    ],
)
def test_what_the_sandbox_does_not_have_is_refused_by_name(yard: Any, settings: dict[str, Any], named: str) -> None:
    with pytest.raises(ClientError, match=f"The sandbox's CodeBuild does not have {named}") as error:
        yard.project(SPEC, **settings)
    assert refusal(error) == ("UnsupportedOperation", 501)


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"source": {"type": "NO_SOURCE"}}, "NO_SOURCE needs a buildspec in the project"),
        ({"source": {"type": "S3"}}, "location must not be empty"),
        ({"source": {"type": "CODEPIPELINE"}}, "CODEPIPELINE is for source and artifacts, or for none"),
        ({"artifacts": {"type": "S3"}}, "location must not be empty"),
        ({"environment": {"environmentVariables": [{"name": "CODEBUILD_A", "value": ""}]}}, "CODEBUILD_ is reserved"),
        ({"environment": {"environmentVariables": [{"name": "A", "value": ""}] * 2}}, "a name is there twice"),
        ({"environment": {"computeType": "BUILD_LAMBDA_1GB"}}, "Invalid compute type"),
        ({"cache": {"type": "LOCAL"}}, "modes must not be empty"),
        ({"tags": [{"key": "aws:a", "value": ""}]}, "the prefix aws: is reserved"),
        ({"serviceRole": "arn:aws:iam::222222222222:role/other"}, "not authorized to perform: iam:PassRole"),
        ({"serviceRole": "arn:aws:iam::111111111111:role/absent"}, "not authorized to perform: sts:AssumeRole"),
        ({"concurrentBuildLimit": 0}, "Invalid concurrentBuildLimit"),
    ],
)
def test_what_codebuild_refuses_is_refused(yard: Any, settings: dict[str, Any], problem: str) -> None:
    with pytest.raises(ClientError, match=problem) as error:
        yard.project(SPEC, **settings)
    assert refusal(error)[1] == 400


def test_a_project_is_made_changed_listed_and_deleted(yard: Any) -> None:
    name = yard.project(SPEC, tags=[{"key": "team", "value": "ml"}], concurrentBuildLimit=2)
    (made,) = yard.client.batch_get_projects(names=[name, "absent"])["projects"]
    assert (made["timeoutInMinutes"], made["queuedTimeoutInMinutes"], made["concurrentBuildLimit"]) == (60, 480, 2)
    assert made["environment"]["privilegedMode"] is False
    with pytest.raises(ClientError, match="already exists"):
        yard.project(SPEC, name=name)
    changed = yard.client.update_project(name=name, description="new", concurrentBuildLimit=-1)["project"]
    assert (changed["description"], changed["tags"]) == ("new", [{"key": "team", "value": "ml"}])
    assert "concurrentBuildLimit" not in changed
    newest = yard.client.list_projects(sortBy="CREATED_TIME", sortOrder="DESCENDING")["projects"]
    assert name in newest
    build = yard.build(name)
    yard.client.delete_project(name=name)
    assert yard.client.batch_get_projects(names=[name])["projectsNotFound"] == [name]
    assert yard.client.batch_get_builds(ids=[build["id"]])["builds"]
    with pytest.raises(ClientError, match="Project cannot be found"):
        yard.start(name)


@pytest.mark.parametrize(
    ("overrides", "named"),
    [
        ({"privilegedModeOverride": True}, "the privileged mode"),
        ({"debugSessionEnabled": True}, "debug sessions"),
        ({"imageOverride": "alpine"}, "the image alpine"),
        ({"autoRetryLimitOverride": 2}, "automatic retries"),
    ],
)
def test_a_start_cannot_ask_for_what_the_sandbox_does_not_have(
    yard: Any, overrides: dict[str, Any], named: str
) -> None:
    with pytest.raises(ClientError, match=named) as error:
        yard.start(yard.project(SPEC), **overrides)
    assert refusal(error) == ("UnsupportedOperation", 501)


def test_an_operation_that_is_not_there_is_named(yard: Any) -> None:
    with pytest.raises(ClientError, match="does not have codebuild:StartBuildBatch") as error:
        yard.client.start_build_batch(projectName="any")
    assert refusal(error) == ("UnsupportedOperation", 501)


def acting(yard: Any, *statements: dict[str, Any]) -> Any:
    """Return a client of a user who may do what the statements allow."""
    iam = yard.bench.client("iam")
    iam.create_user(UserName=yard.bench.name)
    document = {"Version": "2012-10-17", "Statement": list(statements)}
    iam.put_user_policy(UserName=yard.bench.name, PolicyName="Work", PolicyDocument=json.dumps(document))
    key = iam.create_access_key(UserName=yard.bench.name)["AccessKey"]["AccessKeyId"]
    return yard.bench.sandbox.sandbox.clients.acting(key).get("codebuild", "111111111111", "eu-west-1")


def test_permissions_are_on_the_project_whose_builds_they_are(yard: Any) -> None:
    mine, other = yard.project(SPEC, tags=[{"key": "team", "value": "ml"}]), yard.project(SPEC)
    arn = f"arn:aws:codebuild:eu-west-1:111111111111:project/{mine}"
    tagged = {"StringEquals": {"aws:ResourceTag/team": "ml"}}
    actions = ("codebuild:StartBuild", "codebuild:BatchGetBuilds", "codebuild:StopBuild")
    user = acting(yard, {**yard.allow(*actions, resource=arn), "Condition": tagged})
    build = user.start_build(projectName=mine)["build"]
    assert build["initiator"] == yard.bench.name
    assert user.batch_get_builds(ids=[build["id"]])["builds"]
    user.stop_build(id=build["id"])
    with pytest.raises(ClientError, match=f"codebuild:StartBuild on resource: .*project/{other}"):
        user.start_build(projectName=other)
    with pytest.raises(ClientError, match="codebuild:RetryBuild"):
        user.retry_build(id=build["id"])


def test_whoever_makes_a_project_must_be_allowed_to_pass_its_role(yard: Any) -> None:
    role = yard.role()
    user = acting(yard, yard.allow("codebuild:CreateProject"))
    given = {
        "name": yard.bench.name,
        "source": {"type": "NO_SOURCE", "buildspec": SPEC},
        "artifacts": {"type": "NO_ARTIFACTS"},
        "environment": {
            "type": "LINUX_CONTAINER",
            "computeType": "BUILD_GENERAL1_SMALL",
            "image": "aws/codebuild/standard:8.0",
        },
        "serviceRole": role,
    }
    with pytest.raises(ClientError, match=f"iam:PassRole on resource: {role}"):
        user.create_project(**given)


def documented() -> list[dict[str, Any]]:
    """Return AWS's examples of both events."""
    return json.loads((Path(__file__).parent / "documented_events.json").read_text())["events"]


def test_events_have_the_shape_that_is_documented(yard: Any) -> None:
    build = yard.build(yard.project(SPEC))
    told = yard.told()
    states = [each for each in told if each["detail_type"] == "CodeBuild Build State Change"]
    phases = [each for each in told if each["detail_type"] == "CodeBuild Build Phase Change"]
    assert [each["detail"]["build-status"] for each in states] == ["IN_PROGRESS", "SUCCEEDED"]
    assert [each["detail"]["current-phase"] for each in states] == ["SUBMITTED", "COMPLETED"]
    assert [each["detail"]["completed-phase"] for each in phases] == [
        phase["phaseType"] for phase in build["phases"][:-1]
    ]
    assert {each["source"] for each in told} == {"aws.codebuild"}
    assert {tuple(each["resources"]) for each in told} == {(build["arn"],)}
    for example, event in zip(documented(), (states[-1], phases[-1]), strict=True):
        assert example["detail-type"] == event["detail_type"]
        assert set(example["detail"]) == set(event["detail"])
        shown, wanted = event["detail"]["additional-information"], example["detail"]["additional-information"]
        assert set(wanted) <= set(shown)
        assert set(wanted["logs"]) == set(shown["logs"])
        assert set(wanted["environment"]) <= set(shown["environment"])
        assert [set(each) for each in wanted["phases"][-2:]] == [set(each) for each in shown["phases"][-2:]] or (
            event is phases[-1]
        )


def test_an_event_of_a_failed_build_reaches_a_rule(yard: Any) -> None:
    project = yard.project(SPEC.replace("echo", "exit 3"))
    pattern = {
        "source": ["aws.codebuild"],
        "detail-type": ["CodeBuild Build State Change"],
        "detail": {"build-status": ["FAILED"], "project-name": [project]},
    }
    rule = f"arn:aws:events:eu-west-1:111111111111:rule/{yard.bench.name}"
    admitted = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Condition": {"ArnEquals": {"aws:SourceArn": rule}},
    }
    queue = yard.bench.queue(admitted)
    events = yard.bench.client("events")
    events.put_rule(Name=yard.bench.name, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=yard.bench.name, Targets=[{"Id": "queue", "Arn": queue}])
    build = yard.build(project)
    event = json.loads(yard.bench.received(queue)["Body"])
    assert event["detail"]["build-id"] == build["arn"]
    (failed,) = [
        each for each in event["detail"]["additional-information"]["phases"] if each.get("phase-status") == "FAILED"
    ]
    assert failed["phase-context"] == [
        "COMMAND_EXECUTION_ERROR: Error while executing command: exit 3. Reason: exit status 3"
    ]
