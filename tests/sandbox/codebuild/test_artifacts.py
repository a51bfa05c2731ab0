"""Sources come from S3 and CodeCommit, artifacts go to S3, with the project's role and the key that is asked for."""

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest

from sagewright.sandbox.codebuild import PipelineWork, S3Place

COPY = """
version: 0.2
env:
  exported-variables: [MADE]
phases:
  build:
    commands: [./make.sh, export MADE=two]
artifacts:
  base-directory: out
  files: ['**/*']
  exclude-paths: ['**/*.tmp']
"""
MAKE = "#!/bin/sh\nmkdir -p out/deep; cat text.txt >out/a.txt; echo b >out/deep/b.txt; echo c >out/c.tmp\n"
SOURCE = {"make.sh": MAKE, "text.txt": "from the source", "buildspec.yml": COPY}


def context(build: dict[str, Any], phase: str) -> str:
    (found,) = [each for each in build["phases"] if each["phaseType"] == phase]
    return f"{found['contexts'][0]['statusCode']}: {found['contexts'][0]['message']}"


def of_s3(yard: Any, *statements: dict[str, Any], **settings: Any) -> str:
    source = {"type": "S3", "location": yard.put_archive("in/source.zip", SOURCE)}
    artifacts = {"type": "S3", "location": yard.bucket, "path": "out", "name": "made.zip", "packaging": "ZIP"}
    allowed = statements or (yard.on_bucket("s3:GetObject", "s3:PutObject"),)
    return yard.project("", *allowed, **{"source": source, "artifacts": artifacts, **settings})


def test_an_archive_comes_from_s3_and_an_archive_goes_back(yard: Any) -> None:
    build = yard.build(of_s3(yard))
    assert build["buildStatus"] == "SUCCEEDED"
    assert yard.files("out/made.zip") == {"a.txt": "from the source", "deep/b.txt": "b\n"}
    assert build["artifacts"]["location"] == f"arn:aws:s3:::{yard.bucket}/out/made.zip"
    assert len(build["artifacts"]["sha256sum"]) == 64
    head = yard.bench.client("s3").head_object(Bucket=yard.bucket, Key="out/made.zip")
    assert (head["ServerSideEncryption"], head["Metadata"]) == ("aws:kms", {"codebuild-buildarn": build["arn"]})


def test_files_can_go_one_by_one_below_the_builds_id(yard: Any) -> None:
    artifacts = {"type": "S3", "location": yard.bucket, "name": "/", "namespaceType": "BUILD_ID"}
    build = yard.build(of_s3(yard, artifacts=artifacts))
    assert yard.get(f"{build['id'].partition(':')[2]}/deep/b.txt") == b"b\n"


def test_a_role_that_may_not_read_the_source_ends_the_download_phase(yard: Any) -> None:
    build = yard.build(of_s3(yard, yard.on_bucket("s3:PutObject")))
    assert context(build, "DOWNLOAD_SOURCE").startswith("CLIENT_ERROR: AccessDenied: ")
    assert f"for primary source and source version arn:aws:s3:::{yard.bucket}/in/source.zip" in context(
        build, "DOWNLOAD_SOURCE"
    )


def test_a_role_that_may_not_write_the_artifact_fails_the_upload(yard: Any) -> None:
    build = yard.build(of_s3(yard, yard.on_bucket("s3:GetObject")))
    assert build["buildStatus"] == "FAILED"
    assert context(build, "UPLOAD_ARTIFACTS").startswith("CLIENT_ERROR: Failed to upload artifacts: AccessDenied: ")


def test_an_artifact_takes_the_key_and_the_permission_to_use_it(yard: Any) -> None:
    statement = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111111111111:root"}, "Action": "kms:*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [{**statement, "Resource": "*"}]})
    key = yard.bench.client("kms").create_key(Policy=policy)["KeyMetadata"]["Arn"]
    on_bucket = yard.on_bucket("s3:GetObject", "s3:PutObject")
    refused = yard.build(of_s3(yard, on_bucket, encryptionKey=key))
    assert "kms:GenerateDataKey" in context(refused, "UPLOAD_ARTIFACTS")
    allowed = yard.allow("kms:GenerateDataKey", "kms:Decrypt", resource=key)
    assert yard.build(of_s3(yard, on_bucket, allowed, encryptionKey=key))["buildStatus"] == "SUCCEEDED"
    head = yard.bench.client("s3").head_object(Bucket=yard.bucket, Key="out/made.zip")
    assert head["SSEKMSKeyId"] == key


def test_a_build_that_makes_no_artifact_fails(yard: Any) -> None:
    source = {"type": "S3", "location": yard.put_archive("in/none.zip", SOURCE | {"make.sh": "#!/bin/sh\nmkdir out\n"})}
    build = yard.build(of_s3(yard, source=source))
    assert context(build, "UPLOAD_ARTIFACTS") == "CLIENT_ERROR: no matching artifact paths found"


def test_a_source_without_buildspec_is_told(yard: Any) -> None:
    source = {"type": "S3", "location": yard.put_archive("in/bare.zip", {"text.txt": ""})}
    build = yard.build(of_s3(yard, source=source))
    assert context(build, "DOWNLOAD_SOURCE").startswith("YAML_FILE_ERROR: stat ")
    assert context(build, "DOWNLOAD_SOURCE").endswith("buildspec.yml: no such file or directory")


def test_an_archive_writes_nothing_outside_of_the_source_folder(yard: Any) -> None:
    source = {"type": "S3", "location": yard.put_archive("in/evil.zip", {"../../evil": "", "buildspec.yml": COPY})}
    build = yard.build(of_s3(yard, source=source))
    assert "would lie outside" in context(build, "DOWNLOAD_SOURCE")


def test_what_is_cached_is_there_in_the_next_build(yard: Any) -> None:
    spec = """
version: 0.2
phases:
  build:
    commands:
      - cat "$HOME/.tool/at" local/at || echo nothing
      - mkdir -p "$HOME/.tool"; echo home > "$HOME/.tool/at"; echo src > local/at
cache: {paths: ['/root/.tool/**/*', 'local/**/*']}
"""
    local = yard.project(spec, cache={"type": "LOCAL", "modes": ["LOCAL_CUSTOM_CACHE"]})
    assert yard.build(local)["buildStatus"] == "SUCCEEDED"
    assert yard.printed(yard.build(local)) == ["home", "src"]
    in_s3 = spec.replace("cat", "mkdir -p local; cat")
    on_bucket = yard.on_bucket("s3:GetObject", "s3:PutObject")
    shared = yard.project(in_s3, on_bucket, cache={"type": "S3", "location": f"{yard.bucket}/cache"})
    assert yard.build(shared)["buildStatus"] == "SUCCEEDED"
    assert yard.printed(yard.build(shared)) == ["home", "src"]


@pytest.fixture
def piped(yard: Any) -> str:
    yard.put_archive("store/source", SOURCE)
    yard.put_archive("store/more", {"more.txt": "more"})
    return yard.project(
        "",
        yard.on_bucket("s3:GetObject", "s3:PutObject"),
        source={"type": "CODEPIPELINE"},
        artifacts={"type": "CODEPIPELINE"},
    )


def work(yard: Any, **settings: Any) -> PipelineWork:
    given: dict[str, Any] = {
        "source": S3Place(yard.bucket, "store/source"),
        "outputs": {"Built": S3Place(yard.bucket, "store/built")},
    }
    return PipelineWork(pipeline="train", **{**given, **settings})


def test_a_pipeline_hands_its_artifacts_over_and_gets_variables_back(yard: Any, piped: str) -> None:
    ended: list[dict[str, Any]] = []
    started = yard.codebuild.builds.start_for_pipeline(
        piped, yard.place, work(yard, revision="abc123"), done=ended.append
    )
    build = yard.ended(started["id"])
    yard.bench.settled()
    assert build["buildStatus"] == "SUCCEEDED"
    assert (build["initiator"], build["resolvedSourceVersion"]) == ("codepipeline/train", "abc123")
    assert yard.files("store/built") == {"a.txt": "from the source", "deep/b.txt": "b\n"}
    assert [each["exportedEnvironmentVariables"] for each in ended] == [[{"name": "MADE", "value": "two"}]]


def test_several_outputs_are_the_buildspecs_secondary_artifacts(yard: Any, piped: str) -> None:
    spec = """
version: 0.2
phases:
  build:
    commands: ['cp "$CODEBUILD_SRC_DIR_More/more.txt" .', 'echo $WORD > word.txt']
artifacts:
  files: [text.txt]
  secondary-artifacts:
    One: {files: [more.txt]}
    Two: {files: ['word*']}
"""
    yard.put_archive("store/source", {**SOURCE, "buildspec.yml": spec})
    outputs = {name: S3Place(yard.bucket, f"store/{name}") for name in ("One", "Two")}
    more = {"More": S3Place(yard.bucket, "store/more")}
    variables = [{"name": "WORD", "value": "told", "type": "PLAINTEXT"}]
    asked = work(yard, outputs=outputs, more_sources=more, variables=variables)
    build = yard.ended(yard.codebuild.builds.start_for_pipeline(piped, yard.place, asked)["id"])
    assert build["buildStatus"] == "SUCCEEDED"
    assert (yard.files("store/One"), yard.files("store/Two")) == ({"more.txt": "more"}, {"word.txt": "told\n"})


def test_only_a_pipeline_starts_a_build_of_a_pipelines_project(yard: Any, piped: str) -> None:
    with pytest.raises(Exception, match="are started by their pipeline alone"):
        yard.start(piped)


PULL = """
version: 0.2
phases:
  build:
    commands:
      - cat text.txt
      - 'git rev-parse HEAD'
      - echo $CODEBUILD_RESOLVED_SOURCE_VERSION $CODEBUILD_SOURCE_VERSION
"""


@pytest.fixture
def repository(yard: Any) -> dict[str, str]:
    """Return the commits of a repository with two branches, by their names."""
    client = yard.bench.client("codecommit")
    client.create_repository(repositoryName=yard.bench.name)
    files = [{"filePath": "buildspec.yml", "fileContent": PULL.encode()}]

    def put(branch: str, text: str, **more: Any) -> str:
        written = [*files, {"filePath": "text.txt", "fileContent": f"{text}\n".encode()}]
        asked = {"repositoryName": yard.bench.name, "branchName": branch, "putFiles": written, **more}
        return client.create_commit(**asked)["commitId"]

    first = put("main", "of main")
    client.create_branch(repositoryName=yard.bench.name, branchName="work", commitId=first)
    return {"main": first, "work": put("work", "of work", parentCommitId=first)}


@pytest.mark.parametrize("by", ["branch", "commit"])
def test_a_branch_or_a_commit_of_a_repository_is_built(yard: Any, repository: dict[str, str], by: str) -> None:
    arn = f"arn:aws:codecommit:eu-west-1:111111111111:{yard.bench.name}"
    location = f"https://git-codecommit.eu-west-1.amazonaws.com/v1/repos/{yard.bench.name}"
    project = yard.project(
        "", yard.allow("codecommit:GitPull", resource=arn), source={"type": "CODECOMMIT", "location": location}
    )
    wanted = "work" if by == "branch" else repository["work"]
    build = yard.build(project, sourceVersion=wanted)
    assert build["resolvedSourceVersion"] == repository["work"]
    assert yard.printed(build) == ["of work", repository["work"], f"{repository['work']} {wanted}"]
    shallow = yard.build(project, sourceVersion=repository["main"], gitCloneDepthOverride=1)
    assert yard.printed(shallow)[0] == "of main"
    absent = yard.build(project, sourceVersion="no-such-branch")
    assert context(absent, "DOWNLOAD_SOURCE").startswith("CLIENT_ERROR: reference not found for primary source")


def test_a_role_that_may_not_pull_gets_no_source(yard: Any, repository: dict[str, str]) -> None:
    assert repository
    location = f"https://git-codecommit.eu-west-1.amazonaws.com/v1/repos/{yard.bench.name}"
    build = yard.run("", source={"type": "CODECOMMIT", "location": location})
    assert context(build, "DOWNLOAD_SOURCE").startswith("CLIENT_ERROR: authorization failed for primary source")
    assert "codecommit:GitPull" in context(build, "DOWNLOAD_SOURCE")


def test_a_builds_folders_go_with_it(yard: Any) -> None:
    build = yard.build(of_s3(yard))
    yard.bench.settled()
    number = build["id"].partition(":")[2].partition("-")[0]
    assert not [*Path(tempfile.gettempdir()).glob(f"build-{number}-*")]
