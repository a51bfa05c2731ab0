"""The version that is live answers the rows of a new one with its own code, and is compared or told why not."""

import csv
import json
import sys
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from sagewright.runtime.jobs import champion, train
from sagewright.runtime.jobs.champion import Challenge
from sagewright.runtime.serving.columns import Column
from sagewright.runtime.serving.schema import Feature, Schema

PACKAGE = "weather"
X = Column("x", "number", nullable=False)
Y = Column("y", "number", nullable=False)
# Any package of this name that is loaded here is the new model's, not the champion's.
NEGATED = "def features(raw):\n    return raw.assign(x=-raw['x'])[['x']]\n"
SCHEMA = Schema(
    package=PACKAGE,
    problem="binary_classification",
    label="rain",
    record_id="day",
    columns=(X,),
    features=(Feature("x", "float64"),),
    classes=("No", "Yes"),
    positive_label="Yes",
)
Archive = Callable[..., Path]
Judge = Callable[..., dict[str, Any]]


@pytest.fixture
def rows() -> pd.DataFrame:
    """Sixty days, by their names, with the truth."""
    x = np.random.default_rng(7).normal(size=60)
    noise = np.random.default_rng(8).normal(size=60)
    table = pd.DataFrame({"x": x, "y": noise, "rain": np.where(x + noise > 0, "Yes", "No")})
    return table.set_axis(pd.Index([f"d{number}" for number in range(60)], name="day"))


@pytest.fixture
def held_out(rows: pd.DataFrame, tmp_path: Path) -> Path:
    """The rows as Preprocess writes them for callers."""
    folder = tmp_path / "held_out"
    folder.mkdir()
    rows[["x", "y"]].to_csv(folder / "rows.csv", index=False)
    rows[["rain"]].to_csv(folder / "truth.csv")
    return folder


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Archive:
    """Make the artifact of a version as the Training job does."""

    def make(name: str, code: str = "", schema: Schema = SCHEMA, *, slope: float = 1.0) -> Path:
        source = tmp_path / f"{name}-source"
        package = source / PACKAGE
        package.mkdir(parents=True)
        (package / "__init__.py").write_text(code, encoding="utf-8")
        model = tmp_path / name
        model.mkdir()
        with monkeypatch.context() as patched:
            patched.syspath_prepend(source)
            train.write_code(model / "code", PACKAGE)
        sys.modules.pop(PACKAGE, None)
        estimator: Any = LogisticRegression()
        estimator.classes_ = np.array(["No", "Yes"])
        estimator.coef_, estimator.intercept_ = np.array([[slope]]), np.array([0.0])
        joblib.dump(estimator, model / "model.joblib")
        schema.write(model / "schema.json", {})
        path = tmp_path / f"{name}-artifact" / "model.tar.gz"
        path.parent.mkdir()
        with tarfile.open(path, "w:gz") as members:
            members.add(model, ".")
        return path

    return make


@pytest.fixture
def challenge(archive: Archive, held_out: Path) -> Challenge:
    """A new model beside a champion that is still to be named."""
    return Challenge("3", Path("nowhere"), archive("challenger", NEGATED, slope=-1), held_out, "roc_auc", True)


@pytest.fixture
def judge(challenge: Challenge, rows: pd.DataFrame) -> Judge:
    """Compare, with some things otherwise than usual; `own` is the new model's area."""

    def judge(*, own: float = 0.8, truth: pd.Series | None = None, **otherwise: Any) -> dict[str, Any]:
        evaluation = {"binary_classification_metrics": {"roc_auc": {"value": own}}}
        given = rows["rain"] if truth is None else truth
        return champion.compare(replace(challenge, **otherwise), SCHEMA, given, evaluation)

    return judge


def test_the_champion_is_measured_on_the_same_rows_by_its_own_code_without_columns_that_came_later(
    judge: Judge, archive: Archive, rows: pd.DataFrame, held_out: Path
) -> None:
    assert (held_out / "rows.csv").read_text().startswith("x,y\n")
    # Without its own features, which negate, this model would be as wrong as it is right.
    live = archive("champion", NEGATED, slope=-3)
    area = float(roc_auc_score((rows["rain"] == "Yes").tolist(), rows["x"].tolist()))

    found = judge(own=area + 0.02, champion=live)

    assert found.pop("reason") == f"version 3, which is live, has roc_auc {area:.6g} on the same rows"
    assert found == {"version": 3, "value": pytest.approx(area), "advantage": pytest.approx(0.02), "compared": 1}


@pytest.mark.parametrize(
    ("greater_is_better", "own", "advantage"),
    [(True, 0.8, 0.2), (True, 0.6, 0.0), (True, 0.595, -0.005), (False, 0.8, -0.2), (False, 0.5, 0.1)],
)
def test_an_advantage_is_positive_where_the_new_model_is_better_whichever_way_the_metric_reads(
    judge: Judge, monkeypatch: pytest.MonkeyPatch, *, greater_is_better: bool, own: float, advantage: float
) -> None:
    monkeypatch.setattr(champion, "_value", Mock(return_value=0.6))
    found = judge(own=own, greater_is_better=greater_is_better)
    # Exactly: 0.595 - 0.6 is a little less than -0.005 in binary, and would miss a tolerance of 0.005.
    assert (found["advantage"], found["compared"]) == (advantage, 1)


@pytest.mark.parametrize(
    ("code", "schema", "why"),
    [
        (
            "",
            replace(SCHEMA, columns=(X, Column("wind", "number", nullable=False))),
            "the data has no column wind any more",
        ),
        ("", replace(SCHEMA, columns=(Column("x", "boolean", nullable=False),)), "row 1, column x: '"),
        (
            "def features(raw):\n    raise KeyError('pressure')\n",
            SCHEMA,
            "features() raised KeyError: 'pressure' (__init__.py, line 2)",
        ),
        ("def features(raw):\n    raise SystemExit(3)\n", SCHEMA, "its process ended with code 3; the log says more"),
    ],
    ids=["column gone", "other type", "code fails", "process ends"],
)
def test_a_champion_that_cannot_answer_is_told_and_holds_nothing_up(
    judge: Judge, archive: Archive, code: str, schema: Schema, why: str
) -> None:
    found = judge(champion=archive("champion", code, schema))
    assert found["reason"].startswith(f"version 3, which is live, cannot answer these rows: {why}")
    assert (found["version"], found["value"], found["advantage"], found["compared"]) == (3, None, 0.0, 0)


def test_a_champion_of_another_question_is_told(
    judge: Judge, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = {"problem": SCHEMA.problem, "label": "rain", "classes": ["No", "Snow", "Yes"], "positive_label": "Yes"}
    monkeypatch.setattr(champion, "_ask", Mock(return_value=said))
    found = judge(champion=archive("champion"))
    assert found["reason"].endswith(
        "cannot answer these rows: it knows the classes No, Snow, Yes, and the data has No, Yes"
    )


def test_a_damaged_champion_is_told_and_holds_nothing_up(judge: Judge, challenge: Challenge, tmp_path: Path) -> None:
    content = challenge.challenger.read_bytes()
    damaged = tmp_path / "damaged.tar.gz"
    damaged.write_bytes(content[: len(content) // 2])
    found = judge(champion=damaged)
    assert "cannot answer these rows: the model artifact damaged.tar.gz cannot be unpacked" in found["reason"]


def test_the_same_model_is_not_compared_with_itself(judge: Judge, challenge: Challenge) -> None:
    found = judge(champion=challenge.challenger)
    assert found["reason"] == "there is nothing to compare with: the model is that of version 3, which is live"
    assert found["compared"] == 0


@pytest.mark.parametrize(
    ("version", "number", "why"),
    [
        ("none", None, "no version is live"),
        ("3", 3, "version 3, which is live, is not in the registry any more"),
    ],
)
def test_where_there_is_no_champion_that_is_told(judge: Judge, version: str, number: int | None, why: str) -> None:
    found = judge(version=version)
    assert found["reason"] == f"there is nothing to compare with: {why}"
    assert (found["version"], found["compared"]) == (number, 0)


def test_a_metric_that_a_model_does_not_have_is_told(judge: Judge) -> None:
    found = judge(metric="brier")
    assert found["reason"] == "there is nothing to compare with: the new model has no brier on these rows"


def test_rows_in_another_order_than_their_features_are_a_fault(judge: Judge, rows: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match="does not list the 60 records of the test features"):
        judge(truth=rows["rain"].iloc[::-1])


def test_what_the_evaluation_writes_is_what_the_gate_can_read(judge: Judge) -> None:
    found = json.loads(json.dumps(judge(version="none"), allow_nan=False))
    assert isinstance(found["advantage"], float)
    assert isinstance(found["compared"], int)


def test_the_rows_reach_the_champion_as_they_are_written(tmp_path: Path) -> None:
    cells = [["b", "a"], ["1", 'say "x", then\ngo'], ["", ""]]
    with (tmp_path / "rows.csv").open("w", newline="") as lines:
        csv.writer(lines, lineterminator="\n").writerows(cells)
    body = champion.champion_answers.request(tmp_path / "rows.csv", ["a"])
    assert [*csv.reader(body.splitlines(keepends=True))] == [["a"], ['say "x", then\ngo'], [""]]
