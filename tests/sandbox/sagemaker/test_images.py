import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sagewright.sandbox.images.catalogue import SCIKIT_LEARN, UnknownImageError, address_in, find
from sagewright.sandbox.images.containers import Container, Containers, Process

IRELAND = "eu-west-1"


@pytest.fixture(scope="module")
def containers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Containers]:
    started = Containers(SCIKIT_LEARN, tmp_path_factory.mktemp("image") / "log")
    yield started
    started.close()


def begin(
    containers: Containers, folder: Path, program: str, *, command: list[str] | None = None, isolated: bool = False
) -> Container:
    (folder / "ml").mkdir(parents=True, exist_ok=True)
    (folder / "ml" / "program.py").write_text(program)
    return containers.start(
        Process(
            command=command or ["python3", "/opt/ml/program.py", "--into=/opt/ml/model", "/opt/mlflow"],
            environment={"WHERE": "/opt/ml/input:/opt/ml/output"},
            folder=folder,
            log=folder / "log",
            isolated=isolated,
        )
    )


def run(
    containers: Containers, folder: Path, program: str, *, command: list[str] | None = None, isolated: bool = False
) -> tuple[int, str]:
    ended = begin(containers, folder, program, command=command, isolated=isolated).wait(60)
    assert ended is not None
    return ended.code, (folder / "log").read_text()


def test_the_address_of_a_region_is_the_one_that_the_image_has_there() -> None:
    address = address_in(IRELAND)
    assert address is not None
    assert find(address, IRELAND).tag == "1.9-0-cpu-py3"
    assert address.endswith(".dkr.ecr.eu-west-1.amazonaws.com/sagemaker-scikit-learn:1.9-0-cpu-py3")


@pytest.mark.slow
@pytest.mark.parametrize("region", ["eu-west-1", "us-east-1", "ap-southeast-2", "cn-north-1"])
def test_the_sdk_retrieves_the_same_address(region: str) -> None:
    from sagemaker.core import image_uris  # noqa: PLC0415 - seconds to import: only for this test

    given = image_uris.retrieve("sklearn", region, version="1.9-0", py_version="py3", instance_type="ml.m5.large")
    assert find(given, region) is SCIKIT_LEARN


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (("1.9-0-cpu-py3", "1.2-1-cpu-py3"), "has no stand-in for"),
        (("sagemaker-scikit-learn", "sagemaker-xgboost"), "has no stand-in for"),
        (("eu-west-1", "eu-central-1"), "only from the region it runs in (eu-west-1)"),
        ((".dkr.ecr.eu-west-1.amazonaws.com", ""), "is no address of Elastic Container Registry"),
    ],
)
def test_another_image_is_refused_with_what_can_run(change: tuple[str, str], reason: str) -> None:
    known = address_in(IRELAND)
    assert known is not None
    with pytest.raises(UnknownImageError) as refused:
        find(known.replace(*change), IRELAND)
    assert reason in str(refused.value)
    assert f"It can run {known}." in str(refused.value)


def test_another_registry_account_is_refused() -> None:
    known = address_in(IRELAND)
    assert known is not None
    with pytest.raises(UnknownImageError, match="no stand-in"):
        find(f"222222222222{known[12:]}", IRELAND)


def test_a_region_without_the_image_is_refused() -> None:
    known = address_in(IRELAND)
    assert known is not None
    with pytest.raises(UnknownImageError, match="can run no image in mars-north-1"):
        find(known.replace(IRELAND, "mars-north-1"), "mars-north-1")


def test_the_prefix_opt_ml_stands_for_the_container_folder(containers: Containers, tmp_path: Path) -> None:
    code, log = run(containers, tmp_path, "import os, sys; print(*sys.argv[1:], os.environ['WHERE'])")
    assert code == 0
    assert log.split() == [f"--into={tmp_path}/ml/model", "/opt/mlflow", f"{tmp_path}/ml/input:{tmp_path}/ml/output"]


def test_the_environment_is_clean(containers: Containers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of-the-developer")
    _, log = run(containers, tmp_path, "import os; print(*sorted(os.environ))")
    assert log.split() == ["HOME", "LANG", "PATH", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED", "TMPDIR", "WHERE"]


@pytest.mark.parametrize("module", ["pydantic", "moto", "sagewright", "container"])
def test_what_the_image_does_not_hold_cannot_be_imported(containers: Containers, tmp_path: Path, module: str) -> None:
    code, log = run(containers, tmp_path, f"import {module}")
    assert code == 1
    assert log.endswith(f"ModuleNotFoundError: No module named '{module}'\n")


def test_what_the_image_holds_can_be_imported(containers: Containers, tmp_path: Path) -> None:
    code, log = run(containers, tmp_path, "import boto3, flask, joblib, pandas, pyarrow, scipy, sklearn, dateutil")
    assert (code, log) == (0, "")


def test_a_traceback_shows_the_program_alone(containers: Containers, tmp_path: Path) -> None:
    code, log = run(containers, tmp_path, "def fail():\n    raise ValueError('no')\n\nfail()")
    assert code == 1
    assert log.splitlines()[1] == f'  File "{tmp_path}/ml/program.py", line 4, in <module>'
    assert log.endswith("ValueError: no\n")


def test_a_program_imports_the_modules_beside_it(containers: Containers, tmp_path: Path) -> None:
    (tmp_path / "ml").mkdir()
    (tmp_path / "ml" / "beside.py").write_text("VALUE = 7")
    assert run(containers, tmp_path, "import beside; print(beside.VALUE)") == (0, "7\n")


def test_two_programs_do_not_draw_the_same_random_numbers(containers: Containers, tmp_path: Path) -> None:
    program = "import random, numpy; print(random.random(), numpy.random.rand())"
    first = run(containers, tmp_path / "a", program)[1].split()
    second = run(containers, tmp_path / "b", program)[1].split()
    assert not set(first) & set(second)


def test_another_command_runs_as_it_is(containers: Containers, tmp_path: Path) -> None:
    code, log = run(containers, tmp_path, "", command=["sh", "-c", "echo from $0; exit 4", "/opt/ml/x"])
    assert (code, log) == (4, f"from {tmp_path}/ml/x\n")


def test_a_command_that_does_not_exist_exits_with_127(containers: Containers, tmp_path: Path) -> None:
    code, log = run(containers, tmp_path, "", command=["no-such-program"])
    assert code == 127
    assert 'exec: "no-such-program"' in log


def test_a_missing_file_exits_with_2_as_python_does(containers: Containers, tmp_path: Path) -> None:
    code, log = run(containers, tmp_path, "", command=["python3", "/opt/ml/absent.py"])
    assert code == 2
    assert "can't open file" in log


def test_an_isolated_container_has_only_loopback_or_says_otherwise(containers: Containers, tmp_path: Path) -> None:
    program = """
import socket
own = socket.create_server(("127.0.0.1", 0))
socket.create_connection(own.getsockname(), 5)
try:
    socket.create_connection(("127.0.0.1", PORT), 5)
    print("reached the machine")
except OSError:
    print("isolated")
"""
    with socket.create_server(("127.0.0.1", 0)) as outside:
        program = program.replace("PORT", str(outside.getsockname()[1]))
        _, log = run(containers, tmp_path, program, isolated=True)
    assert log == "isolated\n" or log.startswith("[sandbox] network isolation is not enforced on this machine:")


def test_what_a_program_leaves_running_ends_with_it(
    containers: Containers, tmp_path: Path, is_gone: Callable[[int], bool]
) -> None:
    program = "import subprocess; print(subprocess.Popen(['sleep', '300']).pid)"
    _, log = run(containers, tmp_path, program)
    assert is_gone(int(log))


def test_a_sandbox_that_is_killed_leaves_no_process(tmp_path: Path, is_gone: Callable[[int], bool]) -> None:
    program = """
import pathlib, sys
from sagewright.sandbox.images.catalogue import SCIKIT_LEARN
from sagewright.sandbox.images.containers import Containers, Process
folder = pathlib.Path(sys.argv[1])
containers = Containers(SCIKIT_LEARN, folder / "log")
container = containers.start(Process(["sleep", "300"], {}, folder, folder / "out", False))
print(containers.pid, container.pid, flush=True)
container.wait()
"""
    with subprocess.Popen([sys.executable, "-c", program, tmp_path], stdout=subprocess.PIPE) as sandbox:
        assert sandbox.stdout is not None
        warm, container = map(int, sandbox.stdout.readline().split())
        sandbox.kill()
    assert is_gone(warm)
    assert is_gone(container)


def test_stopping_asks_first_and_then_kills(containers: Containers, tmp_path: Path) -> None:
    stubborn = begin(
        containers,
        tmp_path,
        "import signal, time; signal.signal(signal.SIGTERM, lambda *_: print('asked')); print('up'); time.sleep(300)",
    )
    while not (tmp_path / "log").exists() or "up" not in (tmp_path / "log").read_text():
        assert stubborn.wait(0.05) is None
    stubborn.stop(grace_s=0.5)
    ended = stubborn.wait()
    assert ended is not None
    assert ended.code == 128 + signal.SIGKILL
    assert "asked" in (tmp_path / "log").read_text()


def test_losing_the_warm_process_loses_its_containers_and_starts_another(
    containers: Containers, tmp_path: Path, is_gone: Callable[[int], bool]
) -> None:
    container = begin(containers, tmp_path / "lost", "import time; time.sleep(300)")
    warm = containers.pid
    assert warm is not None
    os.kill(warm, signal.SIGKILL)
    ended = container.wait(30)
    assert ended is not None
    assert ended.lost
    assert is_gone(container.pid)
    assert run(containers, tmp_path / "next", "print('again')") == (0, "again\n")


def test_closing_ends_every_container(tmp_path: Path) -> None:
    containers = Containers(SCIKIT_LEARN, tmp_path / "image.log")
    container = begin(containers, tmp_path / "running", "import time; time.sleep(300)")
    containers.close()
    assert container.wait(10) is not None
    with pytest.raises(RuntimeError, match="stopping"):
        begin(containers, tmp_path / "late", "")
