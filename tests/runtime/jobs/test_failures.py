"""What can go wrong for a data scientist is one sentence in the job's failure reason, and a traceback in its log."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sagewright.runtime.jobs import evaluate, programs
from sagewright.runtime.serving.errors import UserError
from tests.runtime.jobs.project_run import Project

FIT = """
from sklearn.dummy import DummyClassifier
def fit(X, y, hyperparameters):
    return DummyClassifier(strategy="prior").fit(X, y)
"""
TABLE = "id,age,town,left\n" + "".join(
    f"{row},{row % 50},{'abc'[row % 3]},{'no' if row % 4 else 'yes'}\n" for row in range(40)
)

# The file that stands for the one that holds the programs.
BUNDLE = Path(__file__)

Run = Callable[..., str]


def write_project(folder: Path, code: str, table: str) -> None:
    (folder / "raw").mkdir()
    (folder / "raw" / "table.csv").write_text(table)
    (folder / "faulty").mkdir()
    (folder / "faulty" / "__init__.py").write_text("")
    (folder / "faulty" / "model.py").write_text(code)


def calls(folder: Path, options: dict[str, str]) -> list[list[str]]:
    said = {"problem": "binary_classification", "label": "left", "split-by": "stratified", "test-fraction": "0.2"}
    said |= {name.replace("_", "-"): value for name, value in options.items()}
    said |= {"raw": str(folder / "raw"), "output": str(folder), "message": str(folder / "reason")}
    read = {name: str(folder / name) for name in ("train", "baseline", "model", "hyperparameters")}
    read["failure"] = str(folder / "reason")
    return [
        [program, "--package=faulty", *(f"--{name}={value}" for name, value in values.items())]
        for program, values in (("preprocess", said), ("train", read))
    ]


@pytest.fixture
def reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """Run the jobs on a table and a package until one fails, and return the reason that it gave."""
    monkeypatch.syspath_prepend(tmp_path)

    def reason(code: str = FIT, table: str = TABLE, **options: str) -> str:
        write_project(tmp_path, code, table)
        for name in [name for name in sys.modules if name.partition(".")[0] == "faulty"]:
            monkeypatch.delitem(sys.modules, name)
        assert 1 in (programs.run(arguments, BUNDLE) for arguments in calls(tmp_path, options))
        text = (tmp_path / "reason").read_text()
        log = capfd.readouterr().err
        assert "Traceback (most recent call last)" in log
        assert log.splitlines()[-1] == text
        return text

    return reason


def test_the_log_shows_the_line_that_raised_and_not_our_way_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    for name in [name for name in sys.modules if name.partition(".")[0] == "faulty"]:
        monkeypatch.delitem(sys.modules, name)
    write_project(tmp_path, "def fit(X, y, hyperparameters):\n    return X['absent']\n", TABLE)
    assert [programs.run(arguments, BUNDLE) for arguments in calls(tmp_path, {})] == [0, 1]
    log = capfd.readouterr().err
    assert "return X['absent']" in log
    assert log.splitlines()[-2:] == ["KeyError: 'absent'", "fit() raised KeyError: 'absent' (model.py, line 2)"]


def test_the_label_is_no_column(reason: Run) -> None:
    assert reason(label="churned") == "data.label 'churned' is no column of the raw data: it has id, age, town, left"


def test_the_record_id_is_no_column(reason: Run) -> None:
    assert reason(record_id="key") == "data.record_id 'key' is no column of the raw data: it has id, age, town, left"


def test_the_record_id_is_not_unique(reason: Run) -> None:
    assert reason(record_id="town").startswith("data.record_id town has 'a' in more than one row")


def test_the_record_id_has_gaps(reason: Run) -> None:
    assert "data.record_id id is empty in 1 rows" in reason(record_id="id", table=TABLE.replace("\n7,", "\n,"))


def test_the_record_id_is_the_label(reason: Run) -> None:
    assert reason(record_id="left").startswith("data.record_id and data.label are both left")


def test_a_binary_label_has_three_classes(reason: Run) -> None:
    assert reason(label="town") == (
        "label town has 3 classes ('a', 'b', 'c'): binary_classification needs exactly two; "
        "data.problem: multiclass_classification takes more"
    )


def test_a_label_has_one_class(reason: Run) -> None:
    assert "label left has one class ('no')" in reason(table=TABLE.replace("yes", "no"))


def test_a_class_has_a_single_row(reason: Run) -> None:
    table = TABLE + "40,1,a,maybe\n"
    assert "one class with a single row ('maybe')" in reason(table=table, problem="multiclass_classification")


def test_a_random_split_leaves_a_class_out(reason: Run) -> None:
    table = TABLE + "40,1,a,maybe\n41,1,a,maybe\n"
    said = reason(table=table, problem="multiclass_classification", split_by="random", test_fraction="0.05")
    assert "set data.split.by to stratified" in said


def test_the_label_is_empty(reason: Run) -> None:
    assert reason(table="age,left\n1,\n2,\n") == "label left has no value in any row"


def test_a_class_label_holds_decimal_numbers(reason: Run) -> None:
    assert "label left holds decimal numbers such as 0.5" in reason(table="age,left\n1,0.5\n2,1\n3,2\n")


def test_a_regression_label_holds_text(reason: Run) -> None:
    table = "age,left\n1,7\n2,8\n3,cheap\n"
    said = reason(table=table, problem="regression", split_by="random")
    assert said.startswith("label left holds text such as 'cheap'")


def test_the_positive_label_is_no_class(reason: Run) -> None:
    assert reason(positive_label="Yes") == "data.positive_label 'Yes' is no class of the label: it has 'no', 'yes'"


def test_there_is_nothing_to_learn_from(reason: Run) -> None:
    assert "nothing to learn from" in reason(table="id,left\n" + "1,a\n2,a\n3,b\n4,b\n", record_id="id")


def test_there_is_one_row(reason: Run) -> None:
    assert "1 row with a label" in reason(table="age,left\n1,2\n", problem="regression", split_by="random")


def test_features_raises(reason: Run) -> None:
    code = FIT + "def features(raw):\n    return raw[['height']]\n"
    said = reason(code)
    assert said.startswith("features() raised KeyError:")
    assert said.endswith("(model.py, line 6)")


@pytest.mark.parametrize(
    ("result", "said"),
    [
        ("raw.to_numpy()", "features() returned numpy.ndarray: it must return a pandas.DataFrame"),
        ("raw.dropna().head(3)", "features() returned 3 rows for 31"),
        ("raw[::-1]", "features() changed the index"),
        ("raw[[]]", "features() returned no column"),
        ("raw.rename(columns={'age': 3})", "features() returned a column named 3, which is not text"),
        ("raw.set_axis(['a', 'a', 'b'], axis=1)", "features() returned a column named 'a' twice"),
        ("raw.assign(left=1)", "features() returned a column named left, which is the name of the label"),
        ("raw.assign(x=[*['a'] * (len(raw) - 1), 1])", "the columns that features() returned cannot be stored"),
        (
            "raw.assign(x=raw['age'].astype(object))",
            "features() returned columns whose type cannot be stored: x (object)",
        ),
        ("raw.assign(**{f'rows {len(raw)}': 1})", "features() returned columns"),
    ],
)
def test_features_returns_something_else(reason: Run, result: str, said: str) -> None:
    table = "\n".join(line for line in TABLE.splitlines() if not line.startswith("39")) + "\n"
    assert said in reason(FIT + f"def features(raw):\n    return {result}\n", table=table)


def test_fit_is_missing(reason: Run) -> None:
    assert reason("def train(X, y): ...") == "package faulty: no public module defines fit()"


def test_fit_raises(reason: Run) -> None:
    said = reason("def fit(X, y, hyperparameters):\n    raise ValueError('no such\\n  column')\n")
    assert said == "fit() raised ValueError: no such column (model.py, line 2)"


def test_fit_returns_nothing(reason: Run) -> None:
    assert reason("def fit(X, y, hyperparameters): ...").startswith(
        "fit() returned None: it must return a fitted estimator"
    )


def test_the_model_cannot_be_pickled(reason: Run) -> None:
    code = (
        FIT
        + "def fit(X, y, hyperparameters):\n    m = DummyClassifier().fit(X, y)\n    m.f = lambda x: x\n    return m\n"
    )
    assert reason(code.split("def fit")[0] + "def fit" + code.split("def fit")[2]).startswith(
        "the model that fit() returned cannot be pickled"
    )


def test_the_model_predicts_no_class_of_the_label(reason: Run) -> None:
    code = FIT.replace("fit(X, y)\n", "fit(X, (y == 'yes').astype(int))\n")
    assert "which is no class of the label (no, yes)" in reason(code)


def test_the_package_cannot_be_imported(reason: Run) -> None:
    said = reason("import no_such_library\n" + FIT)
    assert said.startswith("faulty.model cannot be imported: ModuleNotFoundError: No module named 'no_such_library'")
    assert said.endswith("(model.py, line 1)")


def test_the_package_has_a_syntax_error(reason: Run) -> None:
    assert reason("def fit(X, y:\n").startswith("model.py, line 1: ")


def test_the_process_leaves_reason_and_exit_code(churn: Project, tmp_path: Path) -> None:
    broken = Project(churn.root, churn.package, tuple(option.replace("churn", "churned") for option in churn.options))
    done = broken.preprocess(str(tmp_path))
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (churn.root / "message").read_text()
    assert "data.label 'churned' is no column" in done.stderr


def test_evaluate_of_the_package_returns_no_numbers(
    churn: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "boastful").mkdir()
    (tmp_path / "boastful" / "__init__.py").write_text("def evaluate(model, X, y): return {'quality': 'good'}\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.syspath_prepend(churn.package.parent)
    folders = [f"--model={churn.root / 'artifact'}", f"--test={churn.root / 'data' / 'test'}", f"--output={tmp_path}"]
    arguments = ["evaluate", "--package=boastful", *folders, f"--message={tmp_path / 'reason'}"]
    assert programs.run(arguments, BUNDLE) == 1
    said = (tmp_path / "reason").read_text()
    assert said == "evaluate() returned 'good' for 'quality': it must return a finite number for each name"


def test_an_unknown_argument_is_a_wrong_call_and_not_a_failure(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        programs.run(["train", "--pack=churn"], BUNDLE)
    assert stopped.value.code == 2
    assert "--package" in capsys.readouterr().err


def test_hyperparameters_arrive_as_what_they_were(tmp_path: Path) -> None:
    values = {"depth": 3, "rate": 0.5, "names": ["a"], "name": "7", "none": None}
    (tmp_path / "h.json").write_text(json.dumps({name: json.dumps(value) for name, value in values.items()}))
    assert programs.train.read_hyperparameters(tmp_path / "h.json") == values


@pytest.mark.parametrize("share", [0, 0.5, 0.999])
def test_a_truncated_model_artifact_is_named_as_the_reason(churn: Project, tmp_path: Path, share: float) -> None:
    whole = next(churn.root.rglob("model.tar.gz")).read_bytes()
    (tmp_path / "model.tar.gz").write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(UserError, match=r"the model artifact model\.tar\.gz cannot be unpacked \(.+\): train again"):
        evaluate.load(tmp_path / "model.tar.gz")
