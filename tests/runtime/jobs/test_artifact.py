"""A model artifact answers requests with nothing but itself, as the managed image serves it."""

import csv
import importlib.util
import json
import os
import subprocess
import tarfile
import venv
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from sagewright.sandbox.images.containers import Containers, Process
from tests.runtime.jobs.project_run import OURS, Project

Projects = Callable[[str], Project]

# What the image does: import the program from a copy of the code folder, load once, answer each request.
SERVER = """
import json, shutil, sys
import sagewright.runtime.serving.schema  # the version of this machine, which must not answer
from pathlib import Path
model, copy = Path(sys.argv[1]), Path(sys.argv[2])
copy.mkdir()
shutil.copy(model / "code" / "inference.py", copy)
sys.path.insert(0, str(copy))
import inference
loaded = inference.model_fn(str(model))
answers = []
for content, content_type, accept in json.loads(Path("asked.json").read_text()):
    result = inference.output_fn(inference.predict_fn(inference.input_fn(content, content_type), loaded), accept)
    if not isinstance(result, tuple):
        answers.append([result.status_code, result.get_data(as_text=True), result.mimetype])
    else:
        answers.append([200, *result])
import sagewright
assert Path(sagewright.__file__).is_relative_to(model), sagewright.__file__
assert not any(name.startswith("sagewright.runtime.jobs") for name in sys.modules)
Path("answers.json").write_text(json.dumps(answers))
"""

Answers = Callable[[str], list[tuple[int, str, str]]]
Serve = Callable[[Project, list[tuple[str, str, str]]], list[tuple[int, str, str]]]


@pytest.fixture(scope="session")
def serve(tmp_path_factory: pytest.TempPathFactory, image: Containers) -> Serve:
    """Unpack the artifact into an empty folder and ask it there."""

    def serve(project: Project, asked: list[tuple[str, str, str]]) -> list[tuple[int, str, str]]:
        folder = tmp_path_factory.mktemp("container")
        model = folder / "ml" / "model"
        with tarfile.open(project.root / "artifact" / "model.tar.gz") as members:
            members.extractall(model, filter="data")
        (folder / "server.py").write_text(SERVER)
        (folder / "asked.json").write_text(json.dumps(asked))
        variables = {"SAGEMAKER_SUBMIT_DIRECTORY": str(model / "code"), "PYTHONPATH": str(OURS.parent)}
        command = ["python3", str(folder / "server.py"), str(model), str(folder / "copy")]
        log = folder / "log"
        process = Process(command, variables, folder, log, isolated=False)
        ended = image.start(process).wait()
        assert ended is not None
        assert ended.code == 0, log.read_text()
        return [(status, body, kind) for status, body, kind in json.loads((folder / "answers.json").read_text())]

    return serve


@pytest.fixture(scope="session")
def answers(projects: Projects, serve: Serve) -> Answers:
    """Return a project's answers to its held-out rows: asked for JSON, then for whatever it likes."""

    @cache
    def answers(name: str) -> list[tuple[int, str, str]]:
        rows = (projects(name).held_out / "rows.csv").read_text()
        return serve(projects(name), [(rows, "text/csv", "application/json"), (rows, "text/csv", "*/*")])

    return answers


def evaluated(project: Project) -> list[dict[str, str]]:
    with (project.root / "evaluation" / "predictions.csv").open(newline="") as lines:
        return [*csv.DictReader(lines)]


@pytest.mark.parametrize("name", ["churn", "loans", "plants", "houses"])
def test_the_endpoint_answers_what_the_evaluation_recorded(projects: Projects, answers: Answers, name: str) -> None:
    [in_json, in_csv] = answers(name)
    assert [in_json[0], in_csv[0]] == [200, 200]
    assert [in_json[2], in_csv[2]] == ["application/json", "text/csv"]
    expected = [row["prediction"] for row in evaluated(projects(name))]
    predictions: list[dict[str, Any]] = json.loads(in_json[1])["predictions"]
    assert [str(row["value"] if "value" in row else row["label"]) for row in predictions] == expected
    assert [row[0] for row in csv.reader(in_csv[1].splitlines())] == expected


def test_probabilities_are_those_of_the_evaluation(churn: Project, answers: Answers) -> None:
    [in_json, in_csv] = answers("churn")
    predictions = json.loads(in_json[1])["predictions"]
    scores = [row["score"] for row in evaluated(churn)]
    assert [repr(row["probabilities"]["Yes"]) for row in predictions] == scores
    assert [*predictions[0]["probabilities"]] == ["No", "Yes"]
    chosen = [repr(row["probabilities"][row["label"]]) for row in predictions]
    assert [line.split(",")[1] for line in in_csv[1].splitlines()] == chosen


def test_labels_keep_their_json_type(answers: Answers) -> None:
    prediction = json.loads(answers("plants")[0][1])["predictions"][0]
    assert isinstance(prediction["label"], int)
    assert {*prediction["probabilities"]} == {"1", "3", "70"}


def test_a_model_without_probabilities_answers_its_label_alone(answers: Answers) -> None:
    [in_json, in_csv] = answers("loans")
    assert json.loads(in_json[1])["predictions"][0] in ({"label": True}, {"label": False})
    assert in_csv[1].splitlines()[0] in ("True,", "False,")


def test_a_bad_request_is_answered_with_row_and_column(churn: Project, serve: Serve) -> None:
    header, first, *_ = (churn.held_out / "rows.csv").read_text().splitlines()
    values = first.split(",")
    values[header.split(",").index("tenure")] = "abc"
    [answer, unknown] = serve(
        churn,
        [(f"{first}\n{','.join(values)}\n", "text/csv", "text/csv"), ("<a/>", "text/xml", "application/json")],
    )
    assert answer == (400, '{"error": "row 2, column tenure: \'abc\' is not a number"}', "application/json")
    assert (unknown[0], unknown[2]) == (415, "application/json")


def test_the_artifact_holds_no_more_than_serving_needs(churn: Project) -> None:
    with tarfile.open(churn.root / "artifact" / "model.tar.gz") as members:
        names = {name.removeprefix("./") for name in members.getnames()}
    assert {"model.joblib", "schema.json", "code/inference.py", "code/churn/features.py"} <= names
    assert "code/sagewright/runtime/serving/handlers.py" in names
    assert not [name for name in names if "runtime/jobs" in name or "__pycache__" in name]


@pytest.mark.slow
@pytest.mark.skipif(
    importlib.util.find_spec("ensurepip") is None, reason="this Python cannot make an environment with pip"
)
def test_the_image_can_install_the_code_folder_without_a_network(churn: Project, tmp_path: Path) -> None:
    # The image copies the folder, adds a setup.py where there is none, and runs `pip install .` before it serves.
    with tarfile.open(churn.root / "artifact" / "model.tar.gz") as members:
        members.extractall(tmp_path / "model", filter="data")
    code = tmp_path / "model" / "code"
    (code / "setup.py").write_text(
        "raise SystemExit('setuptools is asked, which a container offline has to download')\n"
    )
    venv.create(tmp_path / "image", with_pip=True)
    python = tmp_path / "image" / "bin" / "python"
    environment = {"PATH": os.environ["PATH"], "PIP_NO_INDEX": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    installed = subprocess.run(
        [python, "-m", "pip", "install", "."], cwd=code, env=environment, capture_output=True, text=True, check=False
    )
    assert installed.returncode == 0, installed.stdout + installed.stderr
    found = "import importlib.util; print(importlib.util.find_spec('inference').origin)"
    origin = Path(subprocess.check_output([python, "-c", found], cwd=tmp_path, text=True).strip())
    assert origin.is_relative_to(tmp_path / "image")
    assert origin.read_text() == (code / "inference.py").read_text()
