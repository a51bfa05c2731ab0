"""The package is judged without running it: what a job would miss is told with its file and line."""

from collections.abc import Callable
from pathlib import Path

import pytest

from sagewright.project import Project, code

Check = Callable[..., list[str]]
FIT = "def fit(X, y, hyperparameters):\n    return None\n"


@pytest.fixture
def check(read: Callable[[str], Project], folder: Path) -> Check:
    """Check a package of the given files and give the problems as they are printed."""
    text = (
        "name: churn\nenvironments: {dev: {region: eu-west-1}}\ntraining: {code: src/churn}\n"
        "evaluation: {minimum: 0.5}\n"
        "data: {source: data/customers.csv, problem: binary_classification, label: churned}\n"
    )

    def check(**files: str) -> list[str]:
        package = folder / "src" / "churn"
        (package / "model.py").unlink()
        for name, content in files.items():
            file = package / f"{name.replace('__in__', '/')}.py"
            file.parent.mkdir(exist_ok=True)
            file.write_text(content)
        return [str(problem) for problem in code.check(read(text))]

    return check


@pytest.mark.parametrize(
    "files",
    [
        {"model": FIT},
        {"__init__": FIT},
        {"__init__": "from churn.model import fit\n", "model": FIT, "other": FIT},
        {"__init__": "from .model import fit\n", "model": FIT},
        {"__init__": "from functools import partial\nfit = partial(print, 1)\n"},
        {"_private": FIT, "model": FIT},
        {"deep__in__model": FIT},
        {"model": "def fit(*arguments):\n    pass\n"},
        {"model": "def fit(X, y, hyperparameters, *, seed=0):\n    pass\n"},
        {"model": "def fit(X, y, hyperparameters=None, extra=1):\n    pass\n"},
        {"model": "import functools\n@functools.cache\ndef fit(a):\n    pass\n"},
        {"model": FIT + "def features(raw):\n    return raw\ndef evaluate(model, X, y):\n    return {}\n"},
        {"model": FIT + "import json, pandas\nfrom sklearn.svm import SVC\nfrom churn import other\n"},
        {"model": FIT + "from . import other\nfrom .other import x\n", "other": "x = 1\n"},
        {"model": FIT + "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import xgboost\n"},
        {"model": FIT + "try:\n    import xgboost\nexcept ImportError:\n    xgboost = None\n"},
        {"model": FIT, "tests__in__test_model": "import pytest\n", "conftest": "import pytest\n"},
    ],
)
def test_a_package_that_the_jobs_can_run_is_accepted(check: Check, files: dict[str, str]) -> None:
    assert check(**files) == []


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"model": "def features(raw):\n    return raw\n"}, ["src/churn: no public module defines fit(X, y, hyper"]),
        ({"_model": FIT}, ["src/churn: no public module defines fit"]),
        (
            {"a": FIT, "b": "\n" + FIT},
            [
                "src/churn/a.py:1: fit() is defined in src/churn/a.py and src/churn/b.py; keep one, or import",
                "src/churn/b.py:2: fit() is defined in src/churn/a.py and src/churn/b.py; keep one",
            ],
        ),
        ({"model": "\ndef fit(X, y):\n    pass\n"}, ["model.py:2: fit() takes X, y, and is called as fit(X, y, hyper"]),
        ({"model": "def fit(X, y, h, *, seed):\n    pass\n"}, ["fit() takes X, y, h, *, seed, and is called as fit("]),
        ({"__init__": "from .m import fit\n", "m": "def fit():\n    pass\n"}, ["m.py:1: fit() takes nothing, and is"]),
        ({"model": FIT + "def features(raw, x):\n    pass\n"}, ["model.py:3: features() takes raw, x, and is called"]),
        (
            {"model": FIT + "def evaluate(m):\n    pass\n"},
            ["model.py:3: evaluate() takes m, and is called as evaluate("],
        ),
        ({"model": "def fit(:\n"}, ["src/churn/model.py:1: is not valid Python: "]),
        ({"model": "x = '\0'\n" + FIT}, ["src/churn/model.py"]),
        ({"model": "import xgboost.sklearn\n" + FIT}, ["src/churn/model.py:1: imports 'xgboost', which the managed"]),
        ({"model": FIT + "def load():\n    from lightgbm import x\n"}, ["src/churn/model.py:4: imports 'lightgbm'"]),
        ({"model": "from .. import shared\n" + FIT}, ["src/churn/model.py:1: the import leads out of the package"]),
        ({"model": "try:\n    import xgboost\nexcept KeyError:\n    pass\n" + FIT}, ["model.py:2: imports 'xgboost'"]),
        ({"model": FIT + "if True:\n    import xgboost\n"}, ["model.py:4: imports 'xgboost'"]),
    ],
)
def test_what_a_job_would_miss_is_told_with_file_and_line(check: Check, files: dict[str, str], told: list[str]) -> None:
    problems = check(**files)

    assert len(problems) == len(told)
    for problem, part in zip(problems, told, strict=True):
        assert part in problem


def test_the_package_is_never_run(check: Check, folder: Path) -> None:
    assert check(model=f"open({str(folder / 'ran')!r}, 'w')\n" + FIT) == []
    assert not (folder / "ran").exists()
