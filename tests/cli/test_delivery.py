"""The steps of delivery that need no AWS: what they write, and what they say of what is wrong."""

import json
import os
import subprocess
import zipfile
from collections import Counter
from pathlib import Path

import pytest

from sagewright.cli.assembly import Assembly, PlannedStack
from sagewright.cli.delivery import configurations, data_sample, decisions, project_needs, published_project
from sagewright.cli.errors import CommandError
from sagewright.cli.options import Options
from sagewright.cli.terminal import Terminal
from sagewright.project import load
from tests.cli.conftest import Run

WORDS = 'it\'s "done"; $(touch x) `y` \\ & | > é\nnext'


def options(folder: Path) -> Options:
    return Options(Terminal(), folder)


def test_a_shell_takes_peoples_words_as_words(tmp_path: Path) -> None:
    file = tmp_path / "new" / "release.env"
    decisions.write(file, {"Summary": WORDS, "Proceed": decisions.said(True)})
    show = f'. {file}; printf \'%s|%s\' "$Summary" "$Proceed"'
    done = subprocess.run(["sh", "-c", show], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout == f"{WORDS}|yes"
    assert not (tmp_path / "x").exists()


@pytest.fixture
def assembly(tmp_path: Path) -> Path:
    folder = tmp_path / "assembly"
    (folder / ".cache").mkdir(parents=True)
    for name in ("manifest.json", "a.template.json", "read.1.lock", ".cache/asset.zip"):
        (folder / name).write_text(name)
    return folder


def test_what_is_published_is_the_same_wherever_and_whenever_it_is_packed(project: Path, assembly: Path) -> None:
    packed = published_project.archive(project, assembly)
    for file in (*project.rglob("*"), *assembly.rglob("*")):
        os.utime(file, (1, 1))
    for left in (".sagewright/logs/a.log", "cdk.out/old.json", "src/leavers/__pycache__/a.pyc", ".pytest_cache/a"):
        (project / left).parent.mkdir(parents=True, exist_ok=True)
        (project / left).write_text("left by a tool")
    assert published_project.archive(project, assembly) == packed


def test_of_a_work_tree_only_what_git_knows_is_published(project: Path, assembly: Path, tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q"], cwd=project, check=True)
    subprocess.run(["git", "add", "project.yaml", "src"], cwd=project, check=True)
    (project / "secret.txt").write_text("not in Git")
    (tmp_path / "p.zip").write_bytes(published_project.archive(project, assembly))
    names = {*zipfile.ZipFile(tmp_path / "p.zip").namelist()}
    assert {"project.yaml", "src/leavers/__init__.py", "cdk.out/manifest.json"} <= names
    assert not [name for name in names if "secret" in name or "lock" in name]


def test_where_nothing_says_what_was_published_the_command_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="SAGEWRIGHT_PUBLISHED is not set: it names the archive"):
        published_project.fetch(tmp_path)


def stack(tmp_path: Path, project: Path, **parameters: dict[str, str]) -> PlannedStack:
    file = tmp_path / "a.template.json"
    file.write_text(json.dumps({"Parameters": parameters, "Resources": {}}))
    return PlannedStack("leavers-dev-serving", load(project).first, file, {}, "")


def test_a_template_gets_the_parameters_that_it_has_and_no_others(tmp_path: Path, project: Path) -> None:
    planned = stack(tmp_path, project, ImageUri={"Type": "String"}, Version={"Type": "String", "Default": "1"})
    given = configurations._parameters(planned, {"ImageUri": "i", "BaselineUri": "b"})
    assert given == {"ImageUri": "i"}


def test_a_template_that_goes_into_a_request_is_written_without_white_space(tmp_path: Path, project: Path) -> None:
    planned = stack(tmp_path, project, ImageUri={"Type": "String"})
    planned.file.write_text(json.dumps(planned.template, indent=1))
    of_it = Assembly(tmp_path, (planned,), ())
    configurations.Configurations(load(project), of_it, tmp_path).write(planned.environment, {"ImageUri": "i"})
    written = (tmp_path / "templates" / f"{planned.name}.json").read_text()
    assert written == '{"Parameters":{"ImageUri":{"Type":"String"}},"Resources":{}}'


def test_a_parameter_that_nobody_knows_is_told_before_cloudformation_is_asked(tmp_path: Path, project: Path) -> None:
    planned = stack(tmp_path, project, Colour={"Type": "String"})
    with pytest.raises(CommandError, match="The template of leavers-dev-serving takes Colour, of which this version"):
        configurations._parameters(planned, {})


def test_a_sample_has_of_each_class_its_share_and_of_a_rare_one_enough(tmp_path: Path) -> None:
    labels = ["common"] * 9_000 + ["rare"] * 90 + ["single"]
    file = tmp_path / "t.csv"
    file.write_text("id,label,text\n" + "".join(f'{n},{label},"a, ""b"""\n' for n, label in enumerate(labels)))
    content, rows = data_sample.take(file, "label", by_class=True)
    header, *lines = content.decode().splitlines()
    assert header == "id,label,text"
    assert lines[0] == '0,common,"a, ""b"""'
    assert len(lines) == rows
    counted = Counter(line.split(",")[1] for line in lines)
    assert counted == {"common": 495, "rare": 20, "single": 1}
    assert data_sample.take(file, "label", by_class=True) == (content, rows)


def test_a_small_table_is_its_own_sample_and_a_large_one_is_spread_evenly() -> None:
    assert data_sample.chosen([1.5, 2.5, 3.5], by_class=False, rows=500) == [0, 1, 2]
    assert data_sample.chosen(range(1000), by_class=False, rows=4) == list(range(0, 1000, 50))


def test_a_sample_of_parquet_is_parquet(tmp_path: Path) -> None:
    import pandas as pd  # noqa: PLC0415 - most tests here are quicker than its import

    table = pd.DataFrame({"label": ["a", "b"] * 500, "value": range(1000)})
    table.to_parquet(tmp_path / "t.parquet")
    content, rows = data_sample.take(tmp_path / "t.parquet", "label", by_class=True, rows=100)
    (tmp_path / "s.parquet").write_bytes(content)
    sample = pd.read_parquet(tmp_path / "s.parquet")
    assert (len(sample), rows) == (100, 100)
    assert Counter(sample["label"]) == {"a": 50, "b": 50}


def needs(folder: Path, *, dev: str = "[]", dependencies: str = "[]") -> Path:
    text = f'[project]\nname = "a"\nversion = "1"\ndependencies = {dependencies}\n[dependency-groups]\n{dev}\n'
    (folder / "pyproject.toml").write_text(text)
    return folder


def test_nothing_is_installed_where_everything_is_there(tmp_path: Path, run: Run) -> None:
    folder = needs(tmp_path, dev='dev = ["pytest", {include-group = "more"}]\nmore = ["boto3>=1"]')
    done = run("--project", folder, "--json", "delivery", "prepare")
    assert json.loads(done.stdout) == {"installed": []}


@pytest.mark.parametrize(
    ("dev", "why"),
    [
        ('dev = ["not a requirement!"]', "'not a requirement!' is no requirement that pip could install"),
        ('dev = [{include-group = "dev"}]', "dependency group 'dev' includes itself"),
        ('dev = ["boto3==0.0.1"]', r"boto3==0.0.1 could not be installed: .* The whole output is in .*prepare-"),
    ],
)
def test_what_cannot_be_installed_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dev: str, why: str) -> None:
    monkeypatch.setenv("UV_OFFLINE", "1")
    with pytest.raises(CommandError, match=why):
        project_needs.install(options(needs(tmp_path, dev=dev)))


def test_a_requirement_of_another_python_is_not_needed(tmp_path: Path) -> None:
    folder = needs(tmp_path, dev="dev = [\"no-such-package-anywhere; python_version < '3'\"]")
    assert project_needs.install(options(folder)) == []


def test_an_assembly_is_never_written_over_something_else(project: Path, run: Run) -> None:
    (project / "cdk.out").mkdir()
    (project / "cdk.out" / "diary.txt").write_text("mine")
    done = run("--project", project, "delivery", "synth", "--output", project / "cdk.out")
    assert done.exit_code == 1
    assert "holds something else than an assembly" in done.stderr
    assert (project / "cdk.out" / "diary.txt").exists()


def test_templates_are_written_as_nobody_and_cfn_lint_refuses_a_wrong_one(
    project: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    out = project / "cdk.out"
    done = run("--project", project, "--json", "delivery", "synth", "--output", out)
    assert "leavers-training" in json.loads(done.stdout)["stacks"]
    file = out / "leavers-dev-access.template.json"
    template = json.loads(file.read_text())
    template["Resources"]["Wrong"] = {"Type": "AWS::SNS::Topic", "Properties": {"NoSuchProperty": 1}}
    file.write_text(json.dumps(template))
    refused = run("--project", project, "delivery", "lint", out)
    assert refused.exit_code == 1
    assert "leavers-dev-access.template.json:1: E3002" in refused.stderr
    assert "NoSuchProperty" in refused.stderr


@pytest.mark.parametrize("command", [("lint", "nowhere"), ("rehearse", "--assembly", "nowhere")])
def test_a_folder_that_is_no_assembly_is_told(project: Path, run: Run, command: tuple[str, ...]) -> None:
    done = run("--project", project, "delivery", *command)
    assert done.exit_code == 1
    assert "nowhere is no assembly: write one with `sagewright delivery synth" in done.stderr


def test_a_build_does_not_act_on_the_sandbox_of_a_person(project: Path, run: Run) -> None:
    done = run("--project", project, "--target", "sandbox", "delivery", "deploy", "--assembly", "nowhere")
    assert done.exit_code == 1
    assert "In the sandbox, `git push` starts the builds" in done.stderr


def test_data_that_is_not_in_the_repository_is_not_rehearsed_and_it_is_said_how_it_would_be(
    project: Path, run: Run, assembly: Path
) -> None:
    file = project / "project.yaml"
    file.write_text(file.read_text().replace("source: data/churn.csv", "source: s3://elsewhere/customers/"))
    done = run("--project", project, "delivery", "rehearse", "--assembly", assembly)
    assert done.exit_code == 0, done.stderr
    assert "No training was rehearsed: data.source is s3://elsewhere/customers/" in done.stdout
    assert "as delivery.sample" in done.stdout
