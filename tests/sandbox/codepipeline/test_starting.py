"""An execution starts by a client, a rule, a poll or a push, with variables and revisions as far as is allowed."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError, ParamValidationError

from .conftest import action, gate, stage

RULES = "events.amazonaws.com"
NEEDED = [{"name": "Version", "defaultValue": "none"}, {"name": "Who", "defaultValue": "nobody"}]
SHOWN = gate(configuration={"CustomData": "#{variables.Version} by #{variables.Who}, #{Taken.VersionId}"})


def test_variables_are_resolved_where_they_are_used(lane: Any) -> None:
    lane.create(stage("Gate", SHOWN), variables=NEEDED)
    lane.answer("Gate")
    identity = lane.start(variables=[{"name": "Version", "value": "7"}])
    told = lane.execution(identity)
    assert told["variables"] == [
        {"name": "Version", "resolvedValue": "7"},
        {"name": "Who", "resolvedValue": "nobody"},
    ]
    taken, asked = lane.runs(identity)
    version = taken["output"]["outputVariables"]["VersionId"]
    assert asked["input"]["resolvedConfiguration"] == {"CustomData": f"7 by nobody, {version}"}
    assert told["artifactRevisions"][0]["revisionId"] == version


def test_variables_that_are_unknown_or_missing_are_refused(lane: Any) -> None:
    lane.create(stage("Gate", gate()), variables=[{"name": "Version"}])
    (first,) = lane.executions()
    assert (first["status"], "Version" in first["statusSummary"]) == ("Failed", True)
    with pytest.raises(ClientError, match=r"Values are required .*Version"):
        lane.start()
    with pytest.raises(ClientError, match=r"not declared in pipeline .*Other"):
        lane.start(variables=[{"name": "Version", "value": "1"}, {"name": "Other", "value": "1"}])
    with pytest.raises(ParamValidationError, match="Invalid length"):
        lane.start(variables=[{"name": "Version", "value": ""}])


def test_the_same_token_starts_one_execution(lane: Any) -> None:
    lane.create(stage("Gate", gate()), executionMode="QUEUED", variables=NEEDED)
    asked = {"variables": [{"name": "Version", "value": "7"}], "clientRequestToken": "version-7"}
    one = lane.start(**asked)
    assert lane.start(**asked) == one
    assert len(lane.executions()) == 2
    with pytest.raises(ClientError, match="ConflictException"):
        lane.start(clientRequestToken="version-7")


def test_a_start_may_ask_for_a_version_of_the_source(lane: Any) -> None:
    old = lane.put({"README.md": "old"})
    lane.put({"README.md": "new"})
    lane.create(stage("Gate", gate()))
    revision = {"actionName": "Take", "revisionType": "S3_OBJECT_VERSION_ID", "revisionValue": old}
    identity = lane.start(sourceRevisions=[revision])
    assert lane.runs(identity)[0]["output"]["outputVariables"]["VersionId"] == old
    with pytest.raises(ClientError, match="takes"):
        lane.start(sourceRevisions=[{**revision, "revisionType": "COMMIT_ID"}])


def test_another_key_of_the_source_is_taken_only_where_the_action_allows_it(lane: Any) -> None:
    lane.put({"README.md": "other"}, "other.zip")
    lane.create(stage("Gate", gate()))
    revision = {"actionName": "Take", "revisionType": "S3_OBJECT_KEY", "revisionValue": "other.zip"}
    assert lane.status(lane.start(sourceRevisions=[revision])) == "Failed"
    declaration = lane.declaration(stage("Gate", gate()))
    declaration["stages"][0] = lane.source(AllowOverrideForS3ObjectKey="true")
    lane.client.update_pipeline(pipeline=declaration)
    assert lane.status(lane.start(sourceRevisions=[revision])) == "InProgress"


def test_a_bucket_without_versions_is_no_source(lane: Any) -> None:
    lane.bench.client("s3").put_bucket_versioning(Bucket=lane.bucket, VersioningConfiguration={"Status": "Suspended"})
    assert lane.status(lane.create(stage("Gate", gate()))) == "Failed"
    assert "is not versioned" in lane.action("Source", "Take")["errorDetails"]["message"]


def test_a_polled_object_starts_the_pipeline_when_it_changes(lane: Any) -> None:
    declaration = lane.declaration(stage("Gate", gate()))
    del declaration["stages"][0]["actions"][0]["configuration"]["PollForSourceChanges"]
    lane.client.create_pipeline(pipeline=declaration)
    lane.bench.forward(120)
    assert len(lane.executions()) == 1
    lane.put({"README.md": "two"})
    lane.bench.forward(120)
    assert [each["trigger"]["triggerType"] for each in lane.executions()] == ["PollForSourceChanges", "CreatePipeline"]


def ruled(lane: Any, role: str) -> str:
    """Let a rule start the pipeline when an event of the test's own comes, and return the rule's ARN."""
    client = lane.bench.client("events")
    rule = client.put_rule(Name=lane.name, EventPattern=json.dumps({"source": [lane.name]}))["RuleArn"]
    client.put_targets(Rule=lane.name, Targets=[{"Id": "one", "Arn": lane.arn, "RoleArn": role}])
    return rule


def tell(lane: Any) -> None:
    entry = {"Source": lane.name, "DetailType": "Something", "Detail": "{}"}
    lane.bench.client("events").put_events(Entries=[entry])
    lane.bench.settled()


def test_a_rule_starts_the_pipeline_with_its_role(lane: Any) -> None:
    lane.create(stage("Gate", gate()))
    start = {"Effect": "Allow", "Action": "codepipeline:StartPipelineExecution", "Resource": lane.arn}
    rule = ruled(lane, lane.bench.role(RULES, start))
    tell(lane)
    assert lane.executions()[0]["trigger"] == {"triggerType": "CloudWatchEvent", "triggerDetail": rule}


def test_a_rule_whose_role_may_not_start_it_starts_nothing(lane: Any) -> None:
    lane.create(stage("Gate", gate()))
    ruled(lane, lane.bench.role(RULES))
    tell(lane)
    assert len(lane.executions()) == 1


def test_a_target_without_role_or_with_input_is_refused(lane: Any) -> None:
    client = lane.bench.client("events")
    client.put_rule(Name=lane.name, EventPattern=json.dumps({"source": [lane.name]}))
    with pytest.raises(ClientError, match="RoleArn is required"):
        client.put_targets(Rule=lane.name, Targets=[{"Id": "one", "Arn": lane.arn}])
    target = {"Id": "one", "Arn": lane.arn, "RoleArn": lane.bench.role(RULES), "Input": "{}"}
    with pytest.raises(ClientError, match="does not have Input for a pipeline of CodePipeline"):
        client.put_targets(Rule=lane.name, Targets=[target])


def test_a_variable_that_no_action_left_fails_who_uses_it(lane: Any) -> None:
    lane.create(stage("Gate", gate(configuration={"CustomData": "#{Taken.Ponies}"})))
    error = lane.action("Gate", "Approve")["errorDetails"]
    assert error["message"] == "The following variable could not be resolved: #{Taken.Ponies}"


def repository(lane: Any, work_tree: Any) -> Any:
    made = lane.bench.client("codecommit").create_repository(repositoryName=lane.name)
    tree = work_tree("one")
    tree.git("init", "--quiet", "--initial-branch=main")
    url = made["repositoryMetadata"]["cloneUrlHttp"].replace("http://", "http://AKIASBOX111111111111:secret@")
    tree.git("remote", "add", "origin", url)
    return tree


def code_source(lane: Any, **configuration: str) -> dict[str, Any]:
    given = {"RepositoryName": lane.name, "BranchName": "main", "PollForSourceChanges": "false"} | configuration
    taken = action("Take", "Source", "CodeCommit", configuration=given, namespace="Taken")
    return stage("Source", {**taken, "outputArtifacts": [{"name": "Source"}]})


def code_role(lane: Any) -> str:
    actions = ["GetBranch", "GetCommit", "UploadArchive", "GetUploadArchiveStatus", "CancelUploadArchive"]
    allowed = [f"codecommit:{each}" for each in actions]
    return lane.role({"Effect": "Allow", "Action": allowed, "Resource": lane.bench.arn("codecommit", lane.name)})


def test_a_push_is_built_and_its_commit_told(lane: Any, work_tree: Any) -> None:
    tree = repository(lane, work_tree)
    declaration = lane.declaration(stage("Gate", gate()), roleArn=code_role(lane))
    declaration["stages"][0] = code_source(lane, PollForSourceChanges="true")
    lane.client.create_pipeline(pipeline=declaration)
    lane.bench.settled()
    assert "BranchDoesNotExist" in lane.action("Source", "Take")["errorDetails"]["message"]
    commit = tree.commit(README="one")
    tree.git("push", "--quiet", "origin", "main")
    lane.bench.forward(60)
    latest = lane.executions()[0]
    assert latest["trigger"]["triggerType"] == "PollForSourceChanges"
    (revision,) = latest["sourceRevisions"]
    assert (revision["revisionId"], revision["revisionSummary"]) == (commit, "README")
    variables = lane.runs(latest["pipelineExecutionId"])[0]["output"]["outputVariables"]
    assert (variables["CommitId"], variables["BranchName"], variables["RepositoryName"]) == (commit, "main", lane.name)


def connected(lane: Any, work_tree: Any, *, complete: bool = True) -> tuple[str, Any]:
    client = lane.bench.client("codeconnections")
    arn = client.create_connection(ConnectionName=lane.name, ProviderType="GitHub")["ConnectionArn"]
    if complete:
        lane.bench.gateway.connections.desk.complete(json.dumps({"arn": arn}))
    tree = work_tree("one")
    tree.git("init", "--quiet", "--initial-branch=main")
    url = f"{lane.bench.sandbox.endpoint}/connections/{arn.rpartition('/')[2]}/shop/orders"
    tree.git("remote", "add", "origin", url)
    return arn, tree


def connection_pipeline(lane: Any, arn: str, *, upload: str = "s3:PutObjectAcl", **more: Any) -> None:
    configuration = {"ConnectionArn": arn, "FullRepositoryId": "shop/orders", "BranchName": "main"}
    taken = action("Take", "Source", "CodeStarSourceConnection", configuration=configuration)
    source = stage("Source", {**taken, "outputArtifacts": [{"name": "Source"}]})
    use = {"Effect": "Allow", "Action": "codeconnections:UseConnection", "Resource": arn}
    declaration = lane.declaration(stage("Gate", gate()), roleArn=lane.role(use, lane.on_bucket(upload)), **more)
    declaration["stages"][0] = source
    lane.client.create_pipeline(pipeline=declaration)
    lane.bench.settled()


def test_a_push_over_a_connection_starts_the_pipeline_of_its_branch_and_files(lane: Any, work_tree: Any) -> None:
    arn, tree = connected(lane, work_tree)
    filters = {"branches": {"includes": ["main"]}, "filePaths": {"includes": ["src*"], "excludes": ["src_old"]}}
    trigger = {"sourceActionName": "Take", "push": [filters]}
    triggers = [{"providerType": "CodeStarSourceConnection", "gitConfiguration": trigger}]
    connection_pipeline(lane, arn, triggers=triggers)
    tree.commit(README="one")
    tree.git("push", "--quiet", "origin", "main")
    assert len(lane.executions()) == 1
    commit = tree.commit(src_new="two")
    tree.git("push", "--quiet", "origin", "main")
    lane.bench.settled()
    latest = lane.executions()[0]
    assert latest["trigger"]["triggerType"] == "WebhookV2"
    assert latest["sourceRevisions"][0]["revisionId"] == commit
    told = [each["detail"]["execution-trigger"] for each in lane.events if "execution-trigger" in each["detail"]]
    assert (told[-1]["branch-name"], told[-1]["commit-id"], told[-1]["author-email"]) == (
        "main",
        commit,
        "ann@example.com",
    )
    tree.git("checkout", "--quiet", "-b", "feature")
    tree.commit(src_more="three")
    tree.git("push", "--quiet", "origin", "feature")
    assert len(lane.executions()) == 2


def test_a_connection_that_nobody_completed_fails_the_source_with_words(lane: Any, work_tree: Any) -> None:
    arn, _ = connected(lane, work_tree, complete=False)
    connection_pipeline(lane, arn)
    assert "PENDING" in lane.action("Source", "Take")["errorDetails"]["message"]


def test_a_role_that_may_set_no_access_list_fails_a_source_over_a_connection(lane: Any, work_tree: Any) -> None:
    arn, tree = connected(lane, work_tree)
    tree.commit(README="one")
    tree.git("push", "--quiet", "origin", "main")
    connection_pipeline(lane, arn, upload="s3:AbortMultipartUpload")
    assert "s3:PutObjectAcl" in lane.action("Source", "Take")["errorDetails"]["message"]
