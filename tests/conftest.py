import gc
import os
import subprocess
import sys
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

COMPILED_CDK = Path(__file__).parent / "compiled_cdk.cjs"
WARM = Path(__file__).parent / "loop" / "warm.py"


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Look for no garbage while tests are imported, nor later among what that made: it all stays."""
    gc.disable()
    collected = yield
    gc.enable()
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000)  # a test leaves little that only a collection finds
    return collected


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take long: one that comes last keeps one process busy while the others have ended."""
    slow = {item.path for item in items if item.get_closest_marker("slow") is not None}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder that all processes of one test run share."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The one sandbox of this process: what moto keeps, and by whose clock, it has once for all."""
    from sagewright.sandbox.server import start  # noqa: PLC0415 - it takes long, and most tests need none

    running = start(tmp_path_factory.mktemp("sandbox"))
    yield running
    running.stop()


@pytest.fixture(scope="session", autouse=True)
def compiled_cdk(shared: Path) -> None:
    """Let the CDK be compiled once in a test run, and not at each of its many starts."""
    folder = shared / "compiled-cdk"
    folder.mkdir(exist_ok=True)
    os.environ["COMPILED_CDK"] = str(folder)
    given = os.environ.get("NODE_OPTIONS", "")
    os.environ["NODE_OPTIONS"] = f'{given} --require "{COMPILED_CDK}"'.strip()


@pytest.fixture(scope="session")
def warm() -> Iterator[Path]:
    """The process that commands are forked from; the name of a socket must be short."""
    with tempfile.TemporaryDirectory(prefix="warm-") as folder:
        address = Path(folder) / "socket"
        call = [sys.executable, str(WARM), str(address)]
        with subprocess.Popen(call, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            yield address
