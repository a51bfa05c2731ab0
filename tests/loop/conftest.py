import functools
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.loop.command_line import CommandLine


@pytest.fixture(scope="session")
def command_line(warm: Path) -> Callable[[Path], CommandLine]:
    """Make a command line for a folder."""
    return functools.partial(CommandLine, warm=warm)


@pytest.fixture(scope="session", autouse=True)
def no_credentials() -> None:
    """Nothing of the developer's own AWS set-up reaches the processes that the tests start, and none reports home."""
    os.environ["CDK_DISABLE_CLI_TELEMETRY"] = "true"
    for name in [name for name in os.environ if name.startswith("AWS_") and name != "AWS_CA_BUNDLE"]:
        del os.environ[name]
