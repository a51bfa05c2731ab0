"""The arrows between the rooms, read from the source: an import inside a function counts like one at the top."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "sagewright"
EVERYTHING = {"app", "cli", "pipelines", "project", "runtime", "sandbox", "stacks"}
# Which rooms a room may import. `runtime` travels in the code bundle, `sandbox` takes artifacts only, and a seed is a
# repository of its own: these know nothing of ours.
ARROWS: dict[str, set[str]] = {
    "project": set(),
    "pipelines": {"project"},
    "stacks": {"project", "pipelines"},
    "app": {"project", "pipelines", "stacks"},
    "runtime": set(),
    "seed_code": set(),
    "sandbox": set(),
    "cli": EVERYTHING,
}
LEFTOVERS = {"common", "helper", "helpers", "manager", "managers", "misc", "util", "utils"}


def modules() -> list[Path]:
    return sorted(path for path in PACKAGE.rglob("*.py") if "__pycache__" not in path.parts)


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def dotted(path: Path) -> list[str]:
    """The package that a module's relative imports start from."""
    return ["sagewright", *path.relative_to(PACKAGE).parent.parts]


def imports(path: Path, source: str) -> Iterator[list[str]]:
    """Every module that a source imports, in full; a name imported from a package counts as a module of it."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = dotted(path)[: len(dotted(path)) - node.level + 1] if node.level else []
            base = package + (node.module.split(".") if node.module else [])
            yield from ([*base, alias.name] for alias in node.names)
        elif isinstance(node, ast.Call) and called(node) in {"import_module", "__import__"}:
            yield from (
                [*each.value.split(".")]
                for each in node.args[:1]
                if isinstance(each, ast.Constant) and isinstance(each.value, str)
            )


def called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def rooms_entered(path: Path, source: str) -> set[str]:
    """The rooms that a source imports, its own not counted; `sagewright` alone is the version, which is nobody's."""
    ours = [parts[1] for parts in imports(path, source) if parts[0] == "sagewright" and len(parts) > 1]
    return {room for room in ours if room in ARROWS} - {room_of(path)}


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_room_imports_only_what_its_arrows_allow(path: Path) -> None:
    room = room_of(path)
    assert room == "__init__" or room in ARROWS, f"{room} is a room without arrows: say which others it may import"
    assert rooms_entered(path, path.read_text(encoding="utf-8")) <= ARROWS.get(room, set())


@pytest.mark.parametrize("room", ["sandbox", "seed_code"])
def test_what_knows_nothing_of_ours_does_not_even_name_the_package(room: str) -> None:
    """The sandbox refers to itself by relative imports, a seed to its own package: either could be moved as it is."""
    for path in (each for each in modules() if room_of(each) == room):
        nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
        named = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
        named += [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom) and node.level == 0]
        assert [name for name in named if name.split(".")[0] == "sagewright"] == [], path


@pytest.mark.parametrize(
    ("file", "source", "entered"),
    [
        ("sandbox/server.py", "def serve():\n    from sagewright.project import load\n", {"project"}),
        ("sandbox/server.py", "from ..stacks import data\n", {"stacks"}),
        ("sandbox/iam/server.py", "from ... import cli\n", {"cli"}),
        ("sandbox/iam/server.py", "from ..store import Store\n", set()),
        ("project/load.py", "import sagewright.pipelines.training\n", {"pipelines"}),
        ("project/load.py", "import importlib\nimportlib.import_module('sagewright.app')\n", {"app"}),
        ("runtime/jobs/train.py", "import sagewright\nfrom sagewright.runtime.serving import schema\n", set()),
        ("stacks/data.py", "if TYPE_CHECKING:\n    from sagewright import cli\n", {"cli"}),
    ],
)
def test_an_import_is_found_however_it_is_written(file: str, source: str, entered: set[str]) -> None:
    assert rooms_entered(PACKAGE / file, source) == entered


def test_no_module_is_a_drawer_for_leftovers() -> None:
    assert [path for path in modules() if LEFTOVERS & {path.stem, *path.relative_to(PACKAGE).parts}] == []
