"""Every command pays for what the command line loads at its start."""

import subprocess
import sys

HEAVY = {"aws_cdk", "cfnlint", "moto", "numpy", "pandas", "plotly", "pyarrow", "sklearn"}


def test_the_command_line_loads_nothing_that_only_one_command_needs() -> None:
    program = "import sagewright.cli.app, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "sagewright.cli.release" in loaded
    assert sorted(HEAVY & loaded) == []
