"""The Jenkinsfiles: words that Declarative Pipeline knows, the lines of the builds. `make check` lints their Groovy."""

import re
import subprocess
from collections.abc import Callable

import pytest

import sagewright
from sagewright.cli.delivery import workflow_files
from sagewright.project import Project
from sagewright.stacks.delivery import steps
from tests.delivery_elsewhere import declarative

Write = Callable[..., Project]
FILES = ("Jenkinsfile", "delivery/promotion/Jenkinsfile", "delivery/rollback/Jenkinsfile")


def scripts(text: str) -> list[list[str]]:
    """The lines that each `sh` runs, as the shell gets them."""
    found = re.findall(r"sh '''(.*?)'''", text, re.DOTALL)
    return [[line.strip().replace("\\\\", "\\") for line in each.splitlines() if line.strip()] for each in found]


@pytest.mark.parametrize("name", FILES)
def test_their_words_are_those_of_declarative_pipeline(written: Write, name: str) -> None:
    assert [*declarative.problems((written("jenkins").root / name).read_text())] == []


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        ("agent none", "agents none", "4: agents is not known in pipeline"),
        ("stages {", "stagez {", "stagez is not known in pipeline"),
        ("steps {", "step {", "step is not known in stage"),
        ("always {", "allways {", "allways is not known in post"),
        ("branch 'main'", "branches 'main'", "branches is not known in when"),
        ("disableConcurrentBuilds()", "disableConcurentBuilds()", "disableConcurentBuilds is not known in options"),
        ("unstash", "unstashed", "unstashed is not known in steps"),
    ],
)
def test_a_word_that_jenkins_would_refuse_is_found(written: Write, right: str, wrong: str, told: str) -> None:
    text = (written("jenkins").root / "Jenkinsfile").read_text()
    assert right in text

    found = [*declarative.problems(text.replace(right, wrong, 1))]

    assert any(told in each for each in found), found


def test_what_runs_are_the_lines_of_the_builds(written: Write) -> None:
    project = written("jenkins")
    expected = {
        FILES[0]: [steps.test(), steps.deploy(), steps.train()],
        FILES[1]: [
            *(steps.resolve(project), *(steps.stack(kind) for kind in ("data", "network", "access"))),
            *(steps.copy(), steps.stack("serving"), steps.verify(), steps.stack("monitoring")),
        ],
        FILES[2]: [steps.go_back(), steps.stack("serving"), steps.verify(back=True), steps.stack("monitoring")],
    }
    install = steps.install(sagewright.__version__, workflow_files.TOOLS)

    for name, wanted in expected.items():
        found = scripts((project.root / name).read_text())
        assert found
        for lines in found:
            ends = [*wanted, install]
            assert any(lines[-len(each) :] == each for each in ends), lines
        assert all(any(lines[-len(each) :] == each for lines in found) for each in wanted)


def test_every_script_is_one_that_a_shell_understands(written: Write) -> None:
    project = written("jenkins")
    for name in FILES:
        for lines in scripts((project.root / name).read_text()):
            done = subprocess.run(["bash", "-n"], input="\n".join(lines), capture_output=True, text=True, check=False)
            assert done.stderr == ""


def test_keys_come_of_a_token_of_the_build_and_people_are_asked_before_the_last_environment(written: Write) -> None:
    project = written("jenkins")
    text = (project.root / "delivery/promotion/Jenkinsfile").read_text()
    tokens = re.findall(r"AWS_WEB_IDENTITY_TOKEN_FILE = (.*)", text)

    assert set(tokens) == {"credentials('sagewright-aws')"}
    assert not re.search(r"AWS_ACCESS_KEY|AWS_SECRET|withCredentials", text)
    assert text.index("stage('Approve prod')") < text.index("stage('prod')")
    assert "stage('Approve staging')" not in text
    assert "submitter: 'churn-approvers'" in text
