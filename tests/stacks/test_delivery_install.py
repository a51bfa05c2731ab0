"""A build finds what it installed, also where programs are found by pyenv, as in AWS's own images."""

import shutil
import subprocess
from pathlib import Path

from sagewright.stacks.delivery import steps

# Like pyenv: what is installed is in a folder that is not on the PATH, until somebody has it looked at again.
PYTHON = """\
#!/bin/sh
[ "$2" = uv ] && printf '#!/bin/sh\\necho "sagewright 1.0"\\n' > "$INSTALLED/sagewright"
chmod -f +x "$INSTALLED"/* || true
"""
PYENV = """\
#!/bin/sh
[ "$1" = rehash ] && cp "$INSTALLED"/* "$SHIMS"
"""


def test_the_tool_is_found_where_only_pyenv_knows_what_was_installed(tmp_path: Path) -> None:
    installed, shims = tmp_path / "installed", tmp_path / "shims"
    for folder in (installed, shims):
        folder.mkdir()
    for name, text in (("python", PYTHON), ("pyenv", PYENV)):
        (shims / name).write_text(text)
        (shims / name).chmod(0o755)
    bash = shutil.which("bash")
    assert bash is not None
    environment = {"PATH": f"{shims}:/usr/bin:/bin", "INSTALLED": str(installed), "SHIMS": str(shims)}
    lines = "\n".join(["set -e", *steps.install("1.0", str(tmp_path))])

    done = subprocess.run([bash, "-c", lines], env=environment, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (0, "sagewright 1.0\n"), done.stderr


def test_what_a_project_needs_for_its_tests_is_looked_for_before_they_run() -> None:
    lines = steps.test()
    assert any("pyenv rehash" in line for line in lines[lines.index("sagewright delivery prepare") + 1 :][:1])
