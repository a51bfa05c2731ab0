"""The files by which another system runs the steps of delivery: written from the project file, the lines of steps.py.

They hold no key and no secret: a job gets a role by the token that its own system vouches for it with. The tool comes
with them, as the bundle that builds in AWS install, because a job that tests what a stranger proposes may ask nobody.
"""

import io
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import boto3
from jinja2 import Environment as Templates
from jinja2 import FileSystemLoader, StrictUndefined

import sagewright
from sagewright.project import Environment, Project, names
from sagewright.stacks import tool_archive
from sagewright.stacks.delivery import jobs, steps

from . import workflow_glue

TOOLS = "delivery/tools"
"""The folder of the tool, in the project's own."""
_TEMPLATES = Path(__file__).with_name("templates")
_GITHUB = {
    f".github/workflows/{name}.yml": f"github/{name}.yml.j2" for name in ("build", "promotion", "rollback", "registry")
}
_JENKINS = {
    "Jenkinsfile": "jenkins/build.j2",
    "delivery/promotion/Jenkinsfile": "jenkins/promotion.j2",
    "delivery/rollback/Jenkinsfile": "jenkins/rollback.j2",
}
_FILES = {"github_actions": _GITHUB, "jenkins": _JENKINS}
# Each by the commit that its version is: a tag can be moved. https://docs.github.com/en/actions/reference/security
_ACTIONS = {
    "checkout": "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1",
    "python": "actions/setup-python@5fda3b95a4ea91299a34e894583c3862153e4b97 # v7.0.0",
    "upload": "actions/upload-artifact@bbbca2ddaa5d8feaa63e36b76fdaad77386f024f # v7.0.0",
    "download": "actions/download-artifact@3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c # v8.0.1",
    "credentials": "aws-actions/configure-aws-credentials@e6de054238d6b7531b4efff3b6587d9aade6a06c # v6.2.3",
}
_RUNNER = "ubuntu-24.04"
# What every file of the templates begins with.
_MARK, _MARK_WITHIN = b"Written by `sagewright delivery workflows`", 200
_CREDENTIAL = "sagewright-aws"
"""The name of the credential in Jenkins by which a build gets its token."""


def files(project: Project) -> dict[str, bytes]:
    """Write the files, by their names in the project's folder; none where AWS itself runs the steps."""
    listed = _FILES.get(project.delivery.provider, {})
    if project.repository is None or not listed:
        return {}
    templates = Templates(
        loader=FileSystemLoader(_TEMPLATES),
        block_start_string="[%",
        block_end_string="%]",
        variable_start_string="[[",
        variable_end_string="]]",
        autoescape=False,  # noqa: S701 - neither format is HTML, and the project file's checks leave no odd characters
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=StrictUndefined,
    )
    templates.filters["groovy"] = _groovy
    values = _values(project)
    rendered = {name: _tidy(templates.get_template(template).render(values)) for name, template in listed.items()}
    return {name: text.encode() for name, text in rendered.items()} | _tools()


def stale(project: Project) -> list[str]:
    """List the files that are not what the project file says, or not there."""
    return [name for name, content in files(project).items() if not _is(project.root / name, content)]


def left_over(project: Project) -> list[str]:
    """List the files that were written for another provider and are still there: it would run them, too."""
    own = files(project)
    others = [name for listed in _FILES.values() for name in listed if name not in own]
    found = [name for name in others if _is_ours(project.root / name)]
    tools = [f"{TOOLS}/{each.name}" for each in (project.root / TOOLS).glob("sagewright-*.whl")] if not own else []
    return [*found, *([TOOLS] if tools else [])]


def _is_ours(file: Path) -> bool:
    """Tell a file that was written here from one that somebody else has under the same name."""
    return file.is_file() and _MARK in file.read_bytes()[:_MARK_WITHIN]


def write(project: Project) -> list[str]:
    """Write the files that are stale; returns their names. An older tool beside the new one goes."""
    written = files(project)
    changed = [name for name, content in written.items() if not _is(project.root / name, content)]
    for name in changed:
        file = project.root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(written[name])
    for wheel in (project.root / TOOLS).glob("sagewright-*.whl") if written else []:
        if f"{TOOLS}/{wheel.name}" not in written:
            wheel.unlink()
    return changed


def _is(file: Path, content: bytes) -> bool:
    return file.is_file() and file.read_bytes() == content


def _tools() -> dict[str, bytes]:
    bundle = zipfile.ZipFile(io.BytesIO(tool_archive.content()))
    return {f"{TOOLS}/{name}": bundle.read(name) for name in bundle.namelist()}


def _tidy(text: str) -> str:
    """Drop the lines that only the templates' own words stood on."""
    return "".join(f"{line.rstrip()}\n" for line in text.splitlines() if line.strip())


def _groovy(line: str) -> str:
    """Write a line of a shell inside Groovy's triple quotes, which know backslashes but no variables."""
    return line.replace("\\", "\\\\").replace("'''", "\\'\\'\\'")


def _values(project: Project) -> dict[str, Any]:
    first, name = project.first, project.name
    partition = boto3.Session().get_partition_for_region(first.region)
    bucket = names.data_bucket(name, first.name, first.account or "", first.region)

    def role(role_name: str) -> str:
        return f"arn:{partition}:iam::{first.account}:role/{role_name}"

    roles = {
        what: role(names.delivery_role(name, what)) for what in ("deploy", "train", "resolve", "rollback", jobs.WAITING)
    }
    roles["releasing"] = role(names.releasing_role(name, "${{ inputs.environment }}"))
    told = [*steps.promoted_variables(project), "Number"]
    return {
        "actions": _ACTIONS,
        "approval_hours": project.delivery.approval_hours,
        "assembly": steps.ASSEMBLY,
        "back": _back(project),
        "branch": project.repository.branch if project.repository else "",
        "build_environment": jobs.build_environment(project),
        "environments": [_environment(project, each, role) for each in project.serving],
        "gates": jobs.gates(project),
        "glue": workflow_glue.lines(project, bucket=bucket, told=told),
        "hours": jobs.RELEASE_HOURS,
        "install": steps.install(sagewright.__version__, TOOLS),
        "lines": _lines(project),
        "names": [each.name for each in project.serving],
        "project": name,
        "published": f"s3://{bucket}/{names.PUBLISHED}",
        "python": steps.PYTHON,
        "region": first.region,
        "roles": roles,
        "runner": _RUNNER,
        "submitter": f"{name}-approvers",
        "told": told,
        "credential": _CREDENTIAL,
    }


def _lines(project: Project) -> Mapping[str, Sequence[str]]:
    return {
        "test": steps.test(),
        "deploy": steps.deploy(),
        "train": steps.train(),
        "resolve": steps.resolve(project),
        "go_back": steps.go_back(),
        "install": steps.install(sagewright.__version__, TOOLS),
    }


def _environment(project: Project, environment: Environment, role: Callable[[str], str]) -> dict[str, Any]:
    """Say what happens in one environment, in the order of the pipelines' own actions."""
    serving = list(project.serving)
    place = serving.index(environment)
    watched = environment.monitoring.engine != "none"
    below = ["data", *(["network"] if environment.network.mode == "create" else []), "access"]
    served = [_step("Serving", steps.stack("serving"))]
    watch = [_step("Monitoring", steps.stack("monitoring"))] if watched else []
    return {
        "name": environment.name,
        "before": serving[place - 1].name if place else None,
        "changes": [_step(kind.capitalize(), steps.stack(kind)) for kind in below]
        if environment != project.first
        else [],
        "changes_environment": jobs.changes_environment(environment),
        "gated": project.approval.prod == "manual" and environment == project.prod,
        "release": [_step("Copy", steps.copy()), *served, _step("Verify", steps.verify()), *watch],
        "back": [*served, _step("Verify", steps.verify(back=True)), *watch],
        "role": role(names.releasing_role(project.name, environment.name)),
    }


def _back(project: Project) -> list[dict[str, Any]]:
    """Say what a rollback does in whichever environment it is of; `only` names those that are watched, if not all."""
    watched = [each.name for each in project.serving if each.monitoring.engine != "none"]
    some = watched if len(watched) < len(project.serving) else []
    steps_ = [_step("Serving", steps.stack("serving")), _step("Verify", steps.verify(back=True))]
    return [*steps_, *([{**_step("Monitoring", steps.stack("monitoring")), "only": some}] if watched else [])]


def _step(name: str, lines: Sequence[str]) -> dict[str, Any]:
    return {"name": name, "lines": list(lines), "only": []}
