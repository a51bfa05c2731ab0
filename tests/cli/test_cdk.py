"""What the CDK CLI prints becomes one line per stack, and a failure the resource's own reason."""

import io
import shlex
import sys
from pathlib import Path

import pytest
from rich.console import Console

from sagewright.cli import cdk, environ
from sagewright.cli.cdk import Cdk
from sagewright.cli.errors import CommandError
from sagewright.cli.terminal import Terminal

SUCCESS = """
leavers-dev-data: deploying... [1/2]
leavers-dev-data | 0/3 | 10:00:01 AM | CREATE_IN_PROGRESS   | AWS::S3::Bucket | Data/Bucket (Data1234)
leavers-dev-data | 3/3 | 10:00:02 AM | CREATE_COMPLETE      | AWS::CloudFormation::Stack | leavers-dev-data

 ✅  leavers-dev-data

leavers-training: deploying... [2/2]

 ✅  leavers-training (no changes)
"""
FAILURE = """
leavers-dev-data: deploying... [1/1]
leavers-dev-data | 0/3 | 10:00:01 AM | CREATE_FAILED        | AWS::SNS::Topic | Alarms (A1) Resource creation cancelled
leavers-dev-data | 0/3 | 10:00:01 AM | CREATE_FAILED        | AWS::S3::Bucket | Data (D1) leavers-dev already exists
❌  leavers-dev-data failed: ToolkitError: The stack named leavers-dev-data failed creation
"""


def terminal() -> tuple[Terminal, io.StringIO]:
    made, written = Terminal(), io.StringIO()
    made.notes = Console(file=written, width=200)
    return made, written


def pretend(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, output: str, status: int) -> None:
    """Put a program in the CDK's place that prints what the CDK printed."""
    program = tmp_path / "cdk.py"
    program.write_text(f"import sys\nsys.stdout.reconfigure(encoding='utf-8')\nprint({output!r})\nsys.exit({status})\n")
    monkeypatch.setattr(environ, "node", lambda: Path(sys.executable))
    monkeypatch.setattr(environ, "cdk", lambda: program)


def test_one_line_for_each_stack_with_what_became_of_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pretend(monkeypatch, tmp_path, SUCCESS, 0)
    shown, written = terminal()
    Cdk(tmp_path, {}, shown).deploy_assembly(tmp_path, "--all")
    told = written.getvalue()
    assert "✓ leavers-dev-data" in told
    assert "leavers-training unchanged" in told
    assert "AWS::S3::Bucket" not in told
    (log,) = (tmp_path / ".sagewright" / "logs").iterdir()
    assert SUCCESS in log.read_text(encoding="utf-8")


def test_a_failure_names_the_resource_that_caused_it_and_the_log(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pretend(monkeypatch, tmp_path, FAILURE, 1)
    shown, _ = terminal()
    with pytest.raises(CommandError) as failed:
        Cdk(tmp_path, {}, shown).deploy_assembly(tmp_path, "--all")
    (log,) = (tmp_path / ".sagewright" / "logs").iterdir()
    message = "AWS::S3::Bucket Data (D1) leavers-dev already exists"
    assert str(failed.value) == f"cdk deploy failed: {message}. The whole output is in {log}."


USED = "Export leavers-dev-network-Subnet1 cannot be updated as it is in use by leavers-training"
ROLLED_BACK = f"""
leavers-dev-network: deploying... [1/1]
leavers-dev-network | 5/5 | 10:00:01 AM | UPDATE_ROLLBACK_IN_P | AWS::CloudFormation::Stack | leavers-dev-network {USED}
❌  leavers-dev-network failed to deploy
"""
TOLD_LAST = """
❌  leavers-dev-data failed to deploy
‣ DeploymentError: The stack named leavers-dev-data failed to deploy: UPDATE_ROLLBACK_COMPLETE: Export
  leavers-dev-data-Key cannot be updated as it is in use by leavers-training
Source Location: ...jsii runtime, node internals...
"""


def test_a_network_that_is_in_use_is_told_with_the_way_around(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pretend(monkeypatch, tmp_path, ROLLED_BACK, 1)
    with pytest.raises(CommandError) as failed:
        Cdk(tmp_path, {}, terminal()[0]).deploy_assembly(tmp_path, "--all")
    assert f"leavers-dev-network: {USED}. " in str(failed.value)
    assert "go by way of `network.mode: none` (docs/network.md). The whole output" in str(failed.value)


def test_a_reason_that_the_cdk_gives_below_the_stacks_name_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pretend(monkeypatch, tmp_path, TOLD_LAST, 1)
    with pytest.raises(CommandError) as failed:
        Cdk(tmp_path, {}, terminal()[0]).deploy_assembly(tmp_path, "--all")
    assert "Export leavers-dev-data-Key cannot be updated as it is in use by leavers-training. The" in str(failed.value)
    assert "Source Location" not in str(failed.value)


def test_a_stack_of_a_release_that_fails_is_told_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    told = FAILURE.replace("leavers-dev-data: deploying", "release/leavers-dev-data (leavers-dev-data): deploying")
    pretend(monkeypatch, tmp_path, told, 1)
    shown, written = terminal()
    with pytest.raises(CommandError, match="leavers-dev already exists"):
        Cdk(tmp_path, {}, shown).deploy_assembly(tmp_path, "--all")
    assert written.getvalue().count("failed") == 1


def test_a_failure_before_any_stack_tells_the_last_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pretend(monkeypatch, tmp_path, "project.yaml:3: name: 'X' is not allowed", 1)
    shown, _ = terminal()
    with pytest.raises(CommandError, match=r"project\.yaml:3: name: 'X' is not allowed"):
        Cdk(tmp_path, {}, shown).synthesize()


def test_the_app_is_found_in_a_path_with_spaces(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    seen: list[list[str]] = []

    def record(_cdk: Cdk, _name: str, command: list[str], _arguments: list[str]) -> None:
        seen.append(command)

    monkeypatch.setattr(sys, "executable", "/some where/python")
    monkeypatch.setattr(Cdk, "run", record)
    Cdk(tmp_path, {}, terminal()[0]).synthesize()
    app = seen[0][seen[0].index("--app") + 1]
    assert shlex.split(app) == ["/some where/python", "-m", "sagewright.app"]


def test_our_own_tools_come_first_and_send_nothing_home() -> None:
    variables = environ.tools({"PATH": "/usr/bin"})
    assert environ.node().is_file()
    assert environ.cdk().is_file()
    assert variables["PATH"].split(":")[0] == str(environ.node().parent)
    assert variables["PATH"].endswith("/usr/bin")
    assert variables["CDK_DISABLE_CLI_TELEMETRY"] == "true"
    assert {"--no-notices", "--no-version-reporting"} <= set(cdk.QUIET)


UNTOLD = """
a-delivery: deploying... [1/1]
a-delivery | 4 | 2:54 | ROLLBACK_IN_PROGRESS | AWS::CloudFormation::Stack | a-delivery The following resource(s) failed
❌  a-delivery failed to deploy
‣ DeploymentError: Resource updates failed:
a-delivery/Build/Project  (AWS::CodeBuild::Project BuildProject9D45)
  Resource handler returned message: "The connection is PENDING: it
  cannot be used before a person has completed it."
Source Location: ...jsii runtime, node internals...
                 (no user code in 10 frames, use --stack-trace-limit to capture more)
"""


def test_a_resource_whose_event_went_by_too_fast_is_named_by_the_cdks_last_words(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pretend(monkeypatch, tmp_path, UNTOLD, 1)
    shown, _ = terminal()
    with pytest.raises(CommandError) as failed:
        Cdk(tmp_path, {}, shown).deploy_assembly(tmp_path, "--all")
    assert (
        "a-delivery/Build/Project  (AWS::CodeBuild::Project BuildProject9D45) Resource handler returned message: "
        '"The connection is PENDING: it cannot be used before a person has completed it."' in str(failed.value)
    )
    assert "jsii" not in str(failed.value)
