"""The workflow files for GitHub Actions: right by its own rules, with the lines of the builds, and without a key."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

import sagewright
from sagewright.cli.delivery import outside_steps, workflow_files, workflow_glue
from sagewright.project import Project
from sagewright.stacks.delivery import jobs, steps

Write = Callable[..., Project]
Workflow = dict[str, Any]
ONE = {"dev": "111111111111"}
FILES = ("build", "promotion", "registry", "rollback")


def workflows(project: Project) -> dict[str, Workflow]:
    folder = project.root / ".github" / "workflows"
    return {each: YAML(typ="safe").load(folder / f"{each}.yml") for each in FILES}


def runs(workflow: Workflow) -> Iterator[tuple[str, list[str]]]:
    """What is run: the name of the step, and its lines."""
    for job in workflow["jobs"].values():
        for step in job.get("steps", []):
            if "run" in step:
                yield step["name"], step["run"].splitlines()


@pytest.mark.parametrize(
    ("accounts", "more"),
    [(None, ""), (ONE, "monitoring: {engine: none}\n"), (ONE, "approval: {prod: automatic}\n")],
)
def test_actionlint_has_nothing_against_them(written: Write, accounts: dict[str, str] | None, more: str) -> None:
    project = written("github_actions", accounts, more)
    files = sorted((project.root / ".github" / "workflows").iterdir())
    program = Path(sys.prefix) / "bin" / "actionlint"

    # Shells are not its business here: it would ask whatever shellcheck a machine has, or none.
    done = subprocess.run([program, "-shellcheck=", "-pyflakes=", *files], capture_output=True, text=True, check=False)

    assert [each.name for each in files] == [f"{each}.yml" for each in FILES]
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_actionlint_itself_finds_what_github_does_not_know(written: Write) -> None:
    file = written("github_actions").root / ".github" / "workflows" / "build.yml"
    file.write_text(file.read_text().replace("timeout-minutes", "timeout-minuets", 1))

    done = subprocess.run([Path(sys.prefix) / "bin" / "actionlint", file], capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert "timeout-minuets" in done.stdout


def test_what_runs_are_the_lines_of_the_builds(written: Write) -> None:
    project = written("github_actions")
    install = steps.install(sagewright.__version__, workflow_files.TOOLS)
    expected = {
        "build": {"Install": install, "Test": steps.test(), "Deploy": steps.deploy(), "Train": steps.train()},
        "promotion": {
            "Install": install,
            "Resolve": steps.resolve(project),
            "Data": steps.stack("data"),
            "Network": steps.stack("network"),
            "Access": steps.stack("access"),
            "Copy": steps.copy(),
            "Serving": steps.stack("serving"),
            "Verify": steps.verify(),
            "Monitoring": steps.stack("monitoring"),
        },
        "rollback": {
            "Install": install,
            "Resolve": steps.go_back(),
            "Serving": steps.stack("serving"),
            "Verify": steps.verify(back=True),
            "Monitoring": steps.stack("monitoring"),
        },
        "registry": {"Install": install},
    }
    bucket = "churn-dev-data-111111111111-eu-west-1"
    glue = workflow_glue.lines(project, bucket=bucket, told=[*steps.promoted_variables(project), "Number"])

    for name, workflow in workflows(project).items():
        found = dict(runs(workflow))
        assert {step: lines for step, lines in found.items() if step in expected[name]} == expected[name]
        # Everything else only carries what was decided from one job to the next.
        between = [lines for step, lines in runs(workflow) if step not in expected[name]]
        assert all(lines in glue.values() for lines in between)


@pytest.mark.parametrize("provider", ["github_actions"])
def test_every_script_is_one_that_a_shell_understands(written: Write, provider: str) -> None:
    for workflow in workflows(written(provider)).values():
        for step, lines in runs(workflow):
            done = subprocess.run(["bash", "-n"], input="\n".join(lines), capture_output=True, text=True, check=False)
            assert (step, done.stderr) == (step, "")


def test_what_tests_somebodys_proposal_has_no_right_but_to_read_it(written: Write) -> None:
    build = workflows(written("github_actions"))["build"]

    assert build["permissions"] == {}
    assert build["jobs"]["test"]["permissions"] == {"contents": "read"}
    assert "environment" not in build["jobs"]["test"]
    assert [
        name for name, job in build["jobs"].items() if "pull_request" not in str(job.get("if", "pull_request"))
    ] == ["deploy"]
    assert build["jobs"]["train"]["needs"] == "deploy"


def test_only_jobs_that_take_on_a_role_get_a_token_and_nothing_is_secret(written: Write) -> None:
    project = written("github_actions")
    for name, workflow in workflows(project).items():
        text = (project.root / ".github" / "workflows" / f"{name}.yml").read_text()
        assert "secrets." not in text
        assert "access-key" not in text
        for job in workflow["jobs"].values():
            takes_on = any("configure-aws-credentials" in step.get("uses", "") for step in job.get("steps", []))
            assert ("id-token" in job["permissions"]) == (takes_on or "uses" in job)
            assert job.get("timeout-minutes", 0) > 0 or "uses" in job


def test_actions_are_pinned_by_commit_and_none_is_a_strangers(written: Write) -> None:
    project = written("github_actions")
    known = r"(actions/(checkout|setup-python|upload-artifact|download-artifact)|aws-actions/configure-aws-credentials)"
    used = set()
    for name in FILES:
        text = (project.root / ".github" / "workflows" / f"{name}.yml").read_text()
        used |= set(re.findall(r"uses: (\S+.*)", text))

    used.remove("./.github/workflows/rollback.yml")
    assert len(used) == 5
    assert all(re.fullmatch(known + r"@[0-9a-f]{40} # v\d+\.\d+\.\d+", each) for each in used)


def test_each_job_has_the_role_that_trusts_its_file_and_environment(written: Write) -> None:
    project = written("github_actions")
    trusted = jobs.of(project)
    found: dict[str, set[tuple[str, str | None]]] = {}
    for file, workflow in workflows(project).items():
        for job in workflow["jobs"].values():
            for step in job.get("steps", []):
                role = step.get("with", {}).get("role-to-assume", "").rpartition("/")[2]
                for environment in ("staging", "prod") if role or "inputs" in str(job.get("environment")) else ():
                    named = role.replace("${{ inputs.environment }}", environment)
                    place = job.get("environment", "").replace("${{ inputs.environment }}", environment) or None
                    if named:
                        found.setdefault(named, set()).add((file, place))

    # A rollback's job of one environment has that one's role alone, though its file knows all.
    assert found == {name: {(each.file, each.environment) for each in listed} for name, listed in trusted.items()}


def test_a_promotion_asks_where_people_have_to_be_asked(written: Write) -> None:
    promotion = workflows(written("github_actions"))["promotion"]
    automatic = workflows(written("github_actions", ONE, "approval: {prod: automatic}\n"))["promotion"]

    (_, lines), *_ = runs({"jobs": {"gates": promotion["jobs"]["gates"]}})
    assert lines[0] == "for gate in staging-changes prod-changes prod; do"
    assert promotion["jobs"]["resolve"]["needs"] == "gates"
    assert promotion["jobs"]["prod"]["environment"] == "prod"
    assert "gates" not in automatic["jobs"]


def test_two_promotions_wait_for_one_another_and_nothing_is_broken_off(written: Write) -> None:
    found = workflows(written("github_actions"))

    assert found["promotion"]["concurrency"] == {
        "group": "churn-promotion",
        "cancel-in-progress": False,
        "queue": "max",
    }
    assert found["promotion"]["jobs"]["prod"]["needs"] == ["resolve", "staging", "prod-changes"]
    assert found["rollback"]["jobs"]["back"]["concurrency"]["cancel-in-progress"] is False


def test_a_push_to_a_project_of_one_environment_asks_nobody_whom_its_releases_ask(written: Write) -> None:
    found = workflows(written("github_actions", ONE))

    assert "environment" not in found["build"]["jobs"]["deploy"]
    assert found["promotion"]["jobs"]["dev"]["environment"] == "dev"


def test_stale_files_are_found_and_written_anew(written: Write) -> None:
    project = written("github_actions")
    assert workflow_files.stale(project) == []

    (project.root / ".github" / "workflows" / "build.yml").write_text("name: mine\n")
    (project.root / workflow_files.TOOLS / "uv.txt").unlink()
    old = project.root / workflow_files.TOOLS / "sagewright-0.0.1-py3-none-any.whl"
    old.write_bytes(b"")

    stale = [".github/workflows/build.yml", f"{workflow_files.TOOLS}/uv.txt"]
    assert workflow_files.stale(project) == stale
    assert workflow_files.write(project) == stale
    assert workflow_files.stale(project) == []
    assert not old.exists()


def test_what_was_never_written_is_told_apart_from_what_is_stale(written: Write) -> None:
    project = written("github_actions")
    (project.root / ".github" / "workflows" / "build.yml").write_text("name: mine\n")
    (project.root / ".github" / "workflows" / "registry.yml").unlink()
    told = outside_steps.told_stale(project, workflow_files.stale(project), [])
    assert told == (
        "Not written yet: .github/workflows/registry.yml. Not what project.yaml says: .github/workflows/build.yml. "
        "Run `sagewright delivery workflows`, and commit that."
    )


def test_what_another_provider_has_left_is_listed_and_what_somebody_else_wrote_is_not(written: Write) -> None:
    project = written("github_actions")
    (project.root / "Jenkinsfile").write_text("pipeline {}")
    assert workflow_files.left_over(project) == []
    (project.root / "Jenkinsfile").write_text("// Written by `sagewright delivery workflows` from project.yaml")
    left = workflow_files.left_over(project)
    assert left == ["Jenkinsfile"]
    assert outside_steps.told_stale(project, [], left) == (
        "Left from another provider: Jenkinsfile. `git rm -r Jenkinsfile` takes that away."
    )
