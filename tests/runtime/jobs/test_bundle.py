"""The bundle's own code runs, also inside a process that has another version of it loaded."""

import os
import subprocess
import sys
from pathlib import Path

from tests.runtime.jobs.project_run import bundle_of

# A warm process that runs the bundle as `python3 bundle.zip` would.
WARM = """
import runpy, sys
import sagewright.runtime.jobs.programs
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def test_code_of_the_bundle_goes_before_code_that_is_loaded(tmp_path: Path) -> None:
    package = tmp_path / "mine"
    package.mkdir()
    (package / "__init__.py").write_text(
        "import sagewright\nraise ValueError(f'loaded from {sagewright.__file__}')\n", encoding="utf-8"
    )
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "table.csv").write_text("x,y\n1,a\n2,a\n3,b\n4,b\n")
    bundle = bundle_of(package, tmp_path / "bundle.zip")
    arguments = ["--package=mine", "--problem=binary_classification", "--label=y", "--split-by=random"]
    arguments += [
        "--test-fraction=0.5",
        f"--raw={tmp_path / 'raw'}",
        f"--output={tmp_path}",
        f"--message={tmp_path / 'm'}",
    ]
    environment = {"PATH": os.environ["PATH"], "TMPDIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", WARM, bundle, "preprocess", *arguments], env=environment, cwd=tmp_path, check=False
    )
    assert done.returncode == 1
    assert f"loaded from {tmp_path / 'bundle-'}" in (tmp_path / "m").read_text()
    assert not [path for path in tmp_path.iterdir() if path.name.startswith("bundle-")]
