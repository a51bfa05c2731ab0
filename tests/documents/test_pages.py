import importlib.util
from pathlib import Path

FOLDER = Path(__file__).parent


def test_the_page_about_the_sandbox_is_what_the_tests_say() -> None:
    spec = importlib.util.spec_from_file_location("sandbox_page", FOLDER / "sandbox_page.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.PAGE.read_text() == module.page(), "docs/sandbox.md is not fresh: run `make docs`"
