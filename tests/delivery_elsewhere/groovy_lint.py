"""The Jenkinsfiles are Groovy that the linter takes. `make check` runs this, because a linter in Java takes seconds."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from sagewright.project import Project

Write = Callable[..., Project]
LINTER = Path(f"{sys.prefix}-groovy") / "node_modules" / "npm-groovy-lint" / "lib" / "index.js"


def lint(folder: Path) -> dict[str, int]:
    assert LINTER.is_file(), f"{LINTER} is not there: `make check` installs it"
    assert shutil.which("java"), "Java is not there: the linter runs on it"
    asked = ["--noserver", "--no-insight", "--files", "**/Jenkinsfile", "--path", folder, "--output", "json"]
    node = Path(sys.prefix) / "bin" / "node"
    # Java runs for seconds here, and compiles for longer than that unless it is told not to.
    quick = os.environ | {"JAVA_TOOL_OPTIONS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"}
    done = subprocess.run([node, LINTER, *asked], capture_output=True, text=True, check=False, cwd=folder, env=quick)
    summary = json.loads(done.stdout[done.stdout.index("{") :])["summary"]
    return {"files": summary["totalFilesLinted"], "errors": summary["totalFoundErrorNumber"]}


def test_the_linter_finds_no_error_in_them_and_finds_one_that_is_there(written: Write) -> None:
    project = written("jenkins")
    broken = project.root / "broken" / "Jenkinsfile"
    broken.parent.mkdir()
    broken.write_text((project.root / "Jenkinsfile").read_text().replace("stages {", "stages [", 1))

    # In one run, because most of the time goes into its start: the builds', a promotion's, a rollback's, and this one.
    found = lint(project.root)

    assert found == {"files": 4, "errors": 1}
