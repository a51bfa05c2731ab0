from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from sagewright.cli import sandbox_process, seeds
from sagewright.cli.app import app
from sagewright.cli.sandbox_process import RunningSandbox

Run = Callable[..., Result]


@pytest.fixture
def run() -> Run:
    """Call the command line in this process; stdout and stderr are kept apart."""
    runner = CliRunner()

    def invoke(*arguments: object) -> Result:
        return runner.invoke(app, [str(each) for each in arguments])

    return invoke


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project of its own, with no sandbox around it."""
    folder = tmp_path / "leavers"
    seeds.plant("churn", folder, "leavers")
    return folder


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, RunningSandbox]]:
    """A folder with a sandbox that is up; projects below it find it."""
    folder = tmp_path_factory.mktemp("home")
    running = sandbox_process.start(folder)
    yield folder, running
    running.stop()


@pytest.fixture(autouse=True)
def no_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing of the developer's own AWS set-up reaches a test."""
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "no-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "no-credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
