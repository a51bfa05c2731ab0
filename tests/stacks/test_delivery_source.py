"""Where the project's files come from: each provider's pushes and proposals, and a repository of AWS's own."""

import io
import json
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sagewright.stacks.delivery import repository_seed

from .conftest import ONE, SECTIONS, THREE, Assembly, synthesize, write_project
from .delivered import CODECOMMIT, CONNECTION, HOSTED, TWO, Walk, connected

Delivered = Callable[..., Assembly]
IN_DEV = {"dev": "999999999999"}


def names_in(archive: bytes) -> list[str]:
    return zipfile.ZipFile(io.BytesIO(archive)).namelist()


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


def test_a_push_to_the_branch_at_codecommit_starts_the_build_as_a_role_that_may_do_that_alone(
    delivered: Delivered,
) -> None:
    template = delivered(THREE, CODECOMMIT)["churn-delivery"]
    (rule,) = [
        each["Properties"]
        for each in template.resources("AWS::Events::Rule").values()
        if each["Properties"]["Name"] == "churn-pushed"
    ]
    pipeline = "arn:aws:codepipeline:eu-west-1:111111111111:churn-build"

    assert rule["EventPattern"]["resources"] == ["arn:aws:codecommit:eu-west-1:111111111111:churn"]
    assert rule["EventPattern"]["detail"]["referenceName"] == ["main"]
    assert [target["Arn"] for target in rule["Targets"]] == [pipeline]
    (allowed,) = template.statements("Pushes").values()
    assert (allowed["Action"], allowed["Resource"]) == (["codepipeline:StartPipelineExecution"], [pipeline])


@pytest.mark.parametrize("provider", HOSTED)
def test_a_push_over_a_connection_starts_the_build_unless_it_changes_documents_alone(
    delivered: Delivered, provider: str
) -> None:
    template = delivered(TWO, connected(provider))["churn-delivery"]
    pipeline = Walk.of(template, "churn-build")
    ((trigger,), source) = pipeline.properties["Triggers"], pipeline.action("Source", "Source")

    (push,) = trigger["GitConfiguration"]["Push"]
    assert push["Branches"] == {"Includes": ["main"]}
    assert push["FilePaths"] == {"Excludes": ["**/*.md", "*.md", "docs/**"]}
    assert source["Configuration"]["FullRepositoryId"] == HOSTED[provider]
    # A trigger and the source's own looking for changes would start it twice.
    assert source["Configuration"]["DetectChanges"] == "false"
    used = template.statements("Pushed/Build")["UseConnection"]
    assert used["Action"] == ["codeconnections:UseConnection", "codestar-connections:UseConnection"]
    assert used["Resource"] == [CONNECTION]


def pull_request(template: Any) -> dict[str, Any] | None:
    found = [
        each["Properties"]
        for each in template.resources("AWS::CodeBuild::Project").values()
        if each["Properties"]["Name"] == "churn-pull-request"
    ]
    return found[0] if found else None


@pytest.mark.parametrize(
    ("provider", "kind", "address"),
    [
        ("github", "GITHUB", "https://github.com/example/churn.git"),
        ("gitlab", "GITLAB", "https://gitlab.com/example/models/churn.git"),
        ("bitbucket", "BITBUCKET", "https://bitbucket.org/example/churn.git"),
    ],
)
def test_a_pull_request_is_tried_and_its_provider_told(
    delivered: Delivered, provider: str, kind: str, address: str
) -> None:
    build = pull_request(delivered(TWO, connected(provider))["churn-delivery"])

    assert build is not None
    assert (build["Source"]["Type"], build["Source"]["Location"]) == (kind, address)
    assert build["Source"]["Auth"] == {"Type": "CODECONNECTIONS", "Resource": CONNECTION}
    assert build["Source"]["ReportBuildStatus"] is True
    (filters,) = build["Triggers"]["FilterGroups"]
    assert {"Type": "BASE_REF", "Pattern": "^refs/heads/main$"} in filters
    assert build["Artifacts"] == {"Type": "NO_ARTIFACTS"}


def test_a_pull_request_at_codecommit_waits_for_who_hears_of_it(delivered: Delivered) -> None:
    build = pull_request(delivered(THREE, CODECOMMIT)["churn-delivery"])

    assert build is not None
    assert build["Source"]["Location"] == "https://git-codecommit.eu-west-1.amazonaws.com/v1/repos/churn"
    assert "Triggers" not in build


def test_pull_requests_of_azure_devops_are_not_tried(delivered: Delivered) -> None:
    assert pull_request(delivered(TWO, connected("azure_devops"))["churn-delivery"]) is None


def test_a_repository_stays_whatever_becomes_of_its_stack(delivered: Delivered) -> None:
    repository = delivered(THREE, CODECOMMIT)["churn-dev-data"].only("AWS::CodeCommit::Repository")

    assert repository["DeletionPolicy"] == "RetainExceptOnCreate"
    assert repository["UpdateReplacePolicy"] == "Retain"
    assert repository["Properties"]["RepositoryName"] == "churn"
    assert repository["Properties"]["Code"]["BranchName"] == "main"


def test_what_was_pushed_since_changes_nothing_about_the_repository(tmp_path: Path) -> None:
    written = []
    folder = write_project(tmp_path / "churn", ONE, SECTIONS + CODECOMMIT)
    for text in ("", "# Read me"):
        (folder / "README.md").write_text(text)
        assembly = synthesize(folder, IN_DEV)
        written.append(
            (assembly["churn-dev-data"].body, json.loads((assembly.folder / "churn-dev-data.assets.json").read_text()))
        )

    assert written[0][0] == written[1][0]
    destinations = [{key: each["destinations"] for key, each in assets["files"].items()} for _, assets in written]
    assert [*destinations[0]][:1] == [*destinations[1]][:1]


def test_another_project_of_the_account_begins_with_files_of_its_own(tmp_path: Path) -> None:
    keys = []
    for name in ("churn", "fraud"):
        folder = write_project(tmp_path / name, ONE, SECTIONS + CODECOMMIT)
        file = folder / "project.yaml"
        file.write_text(file.read_text().replace("name: churn\ndesc", f"name: {name}\ndesc"))
        resource = synthesize(folder, IN_DEV)[f"{name}-dev-data"].only("AWS::CodeCommit::Repository")
        keys.append(resource["Properties"]["Code"]["S3"]["Key"])

    assert len(set(keys)) == 2


def test_a_seed_holds_what_git_keeps_and_nothing_else(tmp_path: Path) -> None:
    folder = write_project(tmp_path / "churn", ONE)
    (folder / ".gitignore").write_text("secret.txt\n")
    git(folder, "init", "-q")
    git(folder, "add", ".")
    for name in ("secret.txt", "not-added.txt"):
        (folder / name).write_text("x")

    assert names_in(repository_seed.of(folder).content) == [
        *(".gitignore", "data/customers.csv", "project.yaml", "src/churn/__init__.py", "src/churn/model.py")
    ]


def test_without_git_a_seed_holds_all_but_what_is_ignored(tmp_path: Path) -> None:
    folder = write_project(tmp_path / "churn", ONE)
    (folder / ".gitignore").write_text("*.log\nbuild/\n")
    for name in ("run.log", "build/x.txt", "cdk.out/manifest.json", "src/__pycache__/m.pyc", "docs/log.md"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x")

    assert names_in(repository_seed.of(folder).content) == [
        *(".gitignore", "data/customers.csv", "docs/log.md", "project.yaml", "src/churn/__init__.py"),
        "src/churn/model.py",
    ]


def test_a_file_without_content_gets_an_empty_line_because_codecommit_would_refuse_it(tmp_path: Path) -> None:
    seed = repository_seed.of(write_project(tmp_path / "churn", ONE))

    assert zipfile.ZipFile(io.BytesIO(seed.content)).read("src/churn/__init__.py") == b"\n"


def test_a_seed_that_codecommit_would_refuse_is_made_without_its_largest_files(tmp_path: Path) -> None:
    folder = write_project(tmp_path / "churn", ONE)
    for number in range(4):
        (folder / "data" / f"{number}.bin").write_bytes(b"x" * (5_000_000 + number))

    assert repository_seed.of(folder).left_out == ("data/3.bin",)


def test_a_seed_is_made_without_a_file_that_codecommit_would_refuse(tmp_path: Path) -> None:
    folder = write_project(tmp_path / "churn", ONE)
    (folder / "data" / "customers.csv").write_bytes(b"tenure,churned\n" + b"1,Yes\n" * 3_500_000)

    seed = repository_seed.of(folder)

    assert seed.left_out == ("data/customers.csv",)
    assert "project.yaml" in names_in(seed.content)


def test_who_deploys_is_told_which_file_is_not_in_the_repository(tmp_path: Path) -> None:
    folder = write_project(tmp_path / "churn", ONE, SECTIONS + CODECOMMIT)
    (folder / "data" / "customers.csv").write_bytes(b"tenure,churned\n" + b"1,Yes\n" * 3_500_000)

    told = (synthesize(folder, IN_DEV).folder / "churn-dev-data.metadata.json").read_text()

    assert "churn is made without data/customers.csv" in told
