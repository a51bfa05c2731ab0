"""The plain functions are found wherever a package keeps them, and never guessed."""

from pathlib import Path

import pytest

from sagewright.runtime.serving import user_code
from sagewright.runtime.serving.errors import UserError


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Path:
    """Make an importable package with a name of its own for each test."""
    name = f"package_of_{request.node.name}"
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").write_text("")
    return tmp_path / name


def test_the_packages_own_attribute_wins(package: Path) -> None:
    (package / "a.py").write_text("def fit(): return 'a'\n")
    (package / "b.py").write_text("def fit(): return 'b'\n")
    (package / "__init__.py").write_text(f"from {package.name}.b import fit\n")
    assert user_code.require(package.name, "fit")() == "b"


def test_a_module_may_have_the_name_of_its_function(package: Path) -> None:
    (package / "features.py").write_text("def features(): return 'found'\n")
    assert user_code.require(package.name, "features")() == "found"
    assert user_code.require(package.name, "features")() == "found"


def test_a_subpackage_is_searched(package: Path) -> None:
    (package / "deep").mkdir()
    (package / "deep" / "model.py").write_text("def fit(): return 'deep'\n")
    assert user_code.require(package.name, "fit")() == "deep"


def test_a_private_module_is_not_searched(package: Path) -> None:
    (package / "_draft.py").write_text("def fit(): return 'draft'\n")
    assert user_code.find(package.name, "fit") is None


def test_a_module_without_the_function_is_not_run(package: Path) -> None:
    (package / "script.py").write_text("raise SystemExit('run')\n")
    (package / "model.py").write_text("def fit(): return 'model'\n")
    assert user_code.require(package.name, "fit")() == "model"


def test_two_modules_with_one_function_are_refused(package: Path) -> None:
    (package / "a.py").write_text("def fit(): ...\n")
    (package / "b.py").write_text("def fit(): ...\n")
    with pytest.raises(UserError, match=rf"fit\(\) is defined in {package.name}.a and {package.name}.b: keep one"):
        user_code.find(package.name, "fit")


def test_a_package_without_init_is_searched_once_however_often_it_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The image has the model's code on the path and copies it to a place of its own.
    for place in ("model", "copy"):
        (tmp_path / place / "open_package").mkdir(parents=True)
        (tmp_path / place / "open_package" / "model.py").write_text(f"def fit(): return '{place}'\n")
        monkeypatch.syspath_prepend(tmp_path / place)
    assert user_code.require("open_package", "fit")() == "copy"
    assert user_code.root("open_package") == str(tmp_path / "copy" / "open_package")
