import json
import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = [sys.executable, "-m", "sagewright.sandbox"]


@pytest.mark.parametrize("pace", ["0.5", "0", "inf", "fast"])
def test_a_pace_slower_than_real_time_is_refused(pace: str) -> None:
    done = subprocess.run([*COMMAND, "--pace", pace], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "--pace" in done.stderr


def test_real_time_is_a_pace(tmp_path: Path) -> None:
    process = subprocess.Popen([*COMMAND, "--pace", "1", "--data", str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process:
        assert json.loads(process.stdout.readline())["pid"] == process.pid
        process.terminate()
    assert process.returncode == 0
