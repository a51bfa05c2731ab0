import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_s3 as s3

from sagewright.app import build, empty
from sagewright.project import load

BIN = Path(sys.executable).parent
CDK = BIN / "cdk"


def run(folder: Path, *arguments: str, umask: int = -1, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the app as the CDK CLI does, with no environment but the variables given."""
    return subprocess.run(
        [sys.executable, "-m", "sagewright.app", *arguments],
        cwd=folder,
        env=variables,
        umask=umask,
        check=False,
        capture_output=True,
        text=True,
    )


def cdk(folder: Path, *arguments: str, app: str = f"{sys.executable} -m sagewright.app") -> list[str]:
    """Run the real CDK CLI, with credentials and configuration of nobody; gives what it prints, by line."""
    variables = {"PATH": f"{BIN}{os.pathsep}{os.defpath}", "HOME": str(folder), "CDK_DISABLE_CLI_TELEMETRY": "true"}
    variables |= {name: os.environ[name] for name in ("NODE_OPTIONS", "COMPILED_CDK")}
    command = [CDK, *arguments, "--app", app, "--no-notices"]
    ran = subprocess.run(command, cwd=folder, env=variables, check=True, capture_output=True, text=True)
    return ran.stdout.splitlines()


def files(folder: Path) -> Mapping[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory, three_environments_of: Callable[[Path], Path]) -> Path:
    """A project of three environments with the assembly that the app alone has written of it, in `cdk.out`."""
    folder = three_environments_of(tmp_path_factory.mktemp("written") / "churn")
    # A flag of the CDK that would change the templates, were it the project's to set.
    (folder / "cdk.json").write_text(json.dumps({"context": {"@aws-cdk/core:enablePartitionLiterals": False}}))
    ran = run(folder, umask=0o022, PYTHONHASHSEED="1", CDK_OUTDIR=str(folder / "cdk.out"))
    assert ran.returncode == 0, ran.stderr
    return folder


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory, three_environments_of: Callable[[Path], Path]) -> Path:
    """The same project in another place, in a file of another name, which the context tells; its assembly."""
    folder = three_environments_of(tmp_path_factory.mktemp("over") / "there")
    (folder / "project.yaml").rename(folder / "other.yaml")
    outdir, context = folder / "other.out", json.dumps({"project": "other.yaml"})
    surroundings = {"PYTHONHASHSEED": "2", "TZ": "Asia/Tokyo", "CDK_OUTDIR": str(outdir), "CDK_CONTEXT_JSON": context}
    ran = run(folder, umask=0o077, **surroundings)
    assert ran.returncode == 0, ran.stderr
    return outdir


@pytest.mark.slow
def test_a_second_synthesis_elsewhere_is_the_same_byte_for_byte(written: Path, elsewhere: Path) -> None:
    here, there = files(written / "cdk.out"), files(elsewhere)
    assert len(here) > 20
    assert here == there


@pytest.mark.slow
def test_the_cdk_cli_gets_the_same_templates_as_anybody_else(written: Path, tmp_path: Path) -> None:
    cdk(written, "synth", "--quiet", "--output", str(tmp_path / "cdk.out"))

    alone, cli = files(written / "cdk.out"), files(tmp_path / "cdk.out")
    templates = [name for name in alone if name.endswith((".template.json", ".assets.json", ".zip"))]
    assert len(templates) > 16
    assert {name: cli[name] for name in templates} == {name: alone[name] for name in templates}


@pytest.mark.slow
def test_deploying_all_goes_from_data_to_training_and_leaves_releases_alone(written: Path) -> None:
    data = [f"churn-{name}-data" for name in ("dev", "staging", "prod")]
    access = [f"churn-{name}-access" for name in ("staging", "prod")]
    released = [f"churn-{name}-{what}" for name in ("staging", "prod") for what in ("serving", "monitoring")]
    releases = [f"release/{stack} ({stack})" for stack in released]

    assert cdk(written, "list", app="cdk.out") == [*data, *access, "churn-training", *releases]
    # `--all` takes the stacks at the top of the assembly; as a pattern that is `*`, which stops at a slash.
    assert cdk(written, "list", "*", app="cdk.out") == [*data, *access, "churn-training"]
    assert cdk(written, "list", "release/*", app="cdk.out") == releases


def test_a_stack_waits_for_the_data_of_its_own_environment_and_for_nothing_else(three: Any) -> None:
    def waits_for(stack: str) -> list[str]:
        return [name for name in three.artifact(stack)["dependencies"] if not name.endswith(".assets")]

    assert waits_for("churn-staging-access") == ["churn-staging-data"]
    assert waits_for("churn-prod-access") == ["churn-prod-data"]
    assert waits_for("churn-training") == ["churn-dev-data"]
    assert waits_for("churn-dev-data") == waits_for("churn-staging-data") == waits_for("churn-prod-data") == []


def test_stacks_go_to_the_account_and_region_of_their_environment(three: Any, one: Any) -> None:
    for name, account in three.accounts.items():
        assert three.artifact(f"churn-{name}-data")["environment"] == f"aws://{account}/eu-west-1"
    assert three.artifact("churn-training")["environment"] == "aws://111111111111/eu-west-1"
    assert one.artifact("churn-dev-data")["environment"] == "aws://unknown-account/eu-west-1"


def test_a_wrong_project_file_is_told_in_one_paragraph(project: Callable[..., Path]) -> None:
    folder = project()
    file = folder / "project.yaml"
    file.write_text(file.read_text().replace("minimum: 0.55", "minimum: 1.3"))

    ran = run(folder)

    assert ran.returncode == 1
    line = next(number for number, text in enumerate(file.read_text().splitlines(), 1) if "minimum" in text)
    assert ran.stderr.startswith(f"project.yaml:{line}: evaluation.minimum: 1.3 is more than")
    assert len(ran.stderr.strip().splitlines()) == 1


def test_another_project_file_is_read_when_the_context_names_it(elsewhere: Path) -> None:
    assert (elsewhere / "churn-dev-data.template.json").exists()
    assert not (elsewhere.parent / "project.yaml").exists()


def test_synthesis_asks_aws_for_nothing(three: Any) -> None:
    assert "missing" not in json.loads((three.folder / "manifest.json").read_text())


def test_no_finding_of_cdk_nag_is_left_unanswered(three: Any) -> None:
    reports = json.loads((three.folder / "validation-report.json").read_text())["pluginReports"]
    assert [report.get("violations", []) for report in reports] == [[] for _ in reports]


def test_an_unanswered_finding_of_cdk_nag_stops_the_synthesis(project: Callable[..., Path], tmp_path: Path) -> None:
    app: App = empty(tmp_path / "cdk.out")
    build(app, load(project()))
    s3.Bucket(Stack(app, "Extra"), "Unlogged")

    with pytest.raises(RuntimeError, match="AwsSolutions-S1"):
        app.synth()
