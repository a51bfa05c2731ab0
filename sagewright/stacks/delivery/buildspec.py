"""A step as CodeBuild reads it: the lines, what they need to be there first, and what they leave behind."""

import io
from collections.abc import Mapping, Sequence
from typing import Any

from ruamel.yaml import YAML

import sagewright
from sagewright.project import Project
from sagewright.stacks.delivery import steps
from sagewright.stacks.delivery.artifact_store import RELEASE

SOURCE, TOOLS, ASSEMBLY, PROJECT = "Source", "Tools", "Assembly", "Project"
"""What pipelines hand on, beside RELEASE. CodePipeline cuts longer names short where it keeps them."""
REPORTS = ("tests", "coverage")
# Each build of CodeBuild finds its artifacts below a folder that a variable of this name says, but for the first one.
_FOLDER = "$CODEBUILD_SRC_DIR"
_CACHED = ["/root/.cache/pip/**/*", "/root/.cache/uv/**/*", "/root/.cache/aws/jsii/**/*"]
_WIDE = 4096


def test(*, hands_on: bool) -> str:
    """Write the buildspec of what is tried with every push, or with a pull request, which leaves nothing behind."""
    reports = {
        "tests": {"files": [steps.TESTS], "file-format": "JUNITXML"},
        "coverage": {"files": [steps.COVERAGE], "file-format": "COBERTURAXML"},
    }
    left: dict[str, Any] = {"reports": reports}
    if hands_on:
        left["artifacts"] = _all_of(steps.ASSEMBLY)
    return _text(steps.test(), tools=f"{_FOLDER}_{TOOLS}", left=left)


def deploy() -> str:
    """Write the buildspec of what deploys the first environment."""
    return _text(steps.deploy(f"{_FOLDER}_{ASSEMBLY}"), tools=f"{_FOLDER}_{TOOLS}")


def train() -> str:
    """Write the buildspec of what starts a training."""
    return _text(steps.train(), tools=f"{_FOLDER}_{TOOLS}")


def resolve(project: Project) -> str:
    """Write the buildspec of what decides about a version."""
    return _resolving(steps.resolve(project), steps.promoted_variables(project))


def rollback() -> str:
    """Write the buildspec of what decides how to go back."""
    return _resolving(steps.rollback_resolve(), steps.RESOLVED)


def release() -> str:
    """Write the buildspec of what copies and verifies a version."""
    return _text(steps.release(f"{_FOLDER}_{PROJECT}"), tools=_FOLDER)


def _resolving(lines: Sequence[str], told: Sequence[str]) -> str:
    left = {RELEASE: _all_of(steps.RELEASE), PROJECT: _all_of(steps.PROJECT)}
    # CodeBuild wants the files of a primary artifact even where there are only others.
    artifacts = {"files": [steps.VARIABLES], "secondary-artifacts": left}
    return _text(lines, tools=_FOLDER, told=told, left={"artifacts": artifacts})


def _all_of(folder: str) -> dict[str, Any]:
    return {"files": ["**/*"], "base-directory": folder}


def _text(lines: Sequence[str], *, tools: str, told: Sequence[str] = (), left: Mapping[str, Any] | None = None) -> str:
    spec: dict[str, Any] = {
        "version": 0.2,
        "env": {"shell": "bash", **({"exported-variables": list(told)} if told else {})},
        "phases": {
            "install": {
                "runtime-versions": {"python": steps.PYTHON},
                "commands": steps.install(sagewright.__version__, tools),
            },
            "build": {"commands": list(lines)},
        },
        **(left or {}),
        "cache": {"paths": _CACHED},
    }
    buffer = io.StringIO()
    yaml = YAML()
    yaml.width = _WIDE
    yaml.dump(spec, buffer)
    return buffer.getvalue()
