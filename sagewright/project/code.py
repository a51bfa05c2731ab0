"""Reads the package of `training.code` without running it: the functions must be there, and its imports in the job.

Every function and import that a job would miss is found here in a moment, instead of on an instance after minutes.
"""

import ast
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sagewright.project import image
from sagewright.project.model import Project
from sagewright.project.problems import Problem

# What each function is called with. Only `fit` must be there.
ARGUMENTS = {"features": ("raw",), "fit": ("X", "y", "hyperparameters"), "evaluate": ("model", "X", "y")}
REQUIRED = "fit"
# What a transform of a feature group is called with; one that is named must be there.
TRANSFORMED = ("raw",)


@dataclass(frozen=True)
class _Module:
    """A module of the package: its path within the package, its file for messages, its statements."""

    path: Path
    file: Path
    tree: ast.Module

    @property
    def is_public(self) -> bool:
        return not any(part.startswith("_") for part in self.path.parts)

    @property
    def is_test(self) -> bool:
        """Tests travel with the package but never run in a job."""
        return "tests" in self.path.parts or self.path.name.startswith("test_") or self.path.name == "conftest.py"

    def definition(self, function: str) -> ast.FunctionDef | None:
        functions = (node for node in self.tree.body if isinstance(node, ast.FunctionDef) and node.name == function)
        return next(functions, None)

    def problem(self, node: ast.AST, message: str) -> Problem:
        return Problem(self.file, getattr(node, "lineno", None), "", message)


def check(project: Project) -> list[Problem]:
    """Find what is wrong with the package, each with its file and line."""
    folder = project.root / project.first.training.code
    modules, problems = _parse(folder, project.root)
    if not problems:
        package = folder.relative_to(project.root)
        for function, given in ARGUMENTS.items():
            problems += _check_function(modules, function, given, package)
        transforms = {group.transform for group in project.features.values() if group.transform is not None}
        for function in sorted(transforms - ARGUMENTS.keys()):
            problems += _check_function(modules, function, TRANSFORMED, package)
    for module in modules:
        if not module.is_test:
            problems += _check_imports(module, folder.name)
    return problems


def _parse(folder: Path, root: Path) -> tuple[list[_Module], list[Problem]]:
    modules: list[_Module] = []
    problems: list[Problem] = []
    for path in sorted(folder.rglob("*.py")):
        file = path.relative_to(root)
        try:
            modules.append(_Module(path.relative_to(folder), file, ast.parse(path.read_bytes(), filename=str(file))))
        except SyntaxError as error:
            problems.append(Problem(file, error.lineno, "", f"is not valid Python: {error.msg}"))
        except ValueError as error:
            problems.append(Problem(file, None, "", f"is not valid Python: {error}"))
    return modules, problems


def _check_function(modules: list[_Module], function: str, given: tuple[str, ...], package: Path) -> Iterator[Problem]:
    """Look where the jobs look: in the package itself, else in the one public module that defines the function."""
    entry = next((module for module in modules if module.path == Path("__init__.py")), None)
    if entry is not None and _binds(entry, function):
        found = [entry] if entry.definition(function) else _imported_from(entry, function, modules)
    else:
        found = [module for module in modules if module.is_public and module.definition(function)]
        if not found and (function == REQUIRED or function not in ARGUMENTS):
            wanted = f"no public module defines {function}({', '.join(given)})"
            returns = "the fitted scikit-learn estimator" if function == REQUIRED else "the rows of its feature group"
            yield Problem(package, None, "", f"{wanted}; write it, it returns {returns}")
        if len(found) > 1:
            places = " and ".join(str(module.file) for module in found)
            advice = f"keep one, or import the right one in {package / '__init__.py'}"
            for module in found:
                definition = module.definition(function)
                if definition is not None:
                    yield module.problem(definition, f"{function}() is defined in {places}; {advice}")
            return
    for module in found:
        definition = module.definition(function)
        # A decorator may change what the function takes.
        if definition is not None and not definition.decorator_list:
            yield from _check_arguments(module, definition, given)


def _binds(module: _Module, name: str) -> bool:
    """Say whether importing the package gives it an attribute of that name."""
    for node in module.tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name:
            return True
        if isinstance(node, ast.ImportFrom | ast.Import) and any(
            (each.asname or each.name) == name for each in node.names
        ):
            return True
        if isinstance(node, ast.Assign) and any(
            isinstance(each, ast.Name) and each.id == name for each in node.targets
        ):
            return True
    return False


def _imported_from(entry: _Module, function: str, modules: list[_Module]) -> list[_Module]:
    """Find the module of the package that the entry takes a function from under its own name; else none."""
    for node in entry.tree.body:
        if isinstance(node, ast.ImportFrom) and any(each.name == function and not each.asname for each in node.names):
            parts = (node.module or "").split(".")
            own = parts if node.level else parts[1:]
            target = Path(*own).with_suffix(".py") if own and own[0] else None
            return [module for module in modules if module.path == target]
    return []


def _check_arguments(module: _Module, definition: ast.FunctionDef, given: tuple[str, ...]) -> Iterator[Problem]:
    taken = definition.args
    positional = [*taken.posonlyargs, *taken.args]
    least = len(positional) - len(taken.defaults)
    most = len(given) if taken.vararg else len(positional)
    unmet = [each.arg for each, default in zip(taken.kwonlyargs, taken.kw_defaults, strict=True) if default is None]
    if unmet or not least <= len(given) <= most:
        received = ast.unparse(taken) or "nothing"
        call = f"{definition.name}({', '.join(given)})"
        yield module.problem(definition, f"{definition.name}() takes {received}, and is called as {call}")


def _check_imports(module: _Module, package: str) -> Iterator[Problem]:
    """Hold imports to what is there when a job runs."""
    for node in _needed_imports(module.tree):
        if isinstance(node, ast.ImportFrom) and node.level:
            if node.level > len(module.path.parts):
                message = f"the import leads out of the package '{package}', and only the package is in the job"
                yield module.problem(node, f"{message}; move what it needs into it")
            continue
        named = [each.name for each in node.names] if isinstance(node, ast.Import) else [node.module or ""]
        for top in (name.partition(".")[0] for name in named):
            if top not in sys.stdlib_module_names and top not in image.PACKAGES and top != package:
                there = ", ".join(sorted(image.PACKAGES))
                message = f"imports '{top}', which the managed scikit-learn image does not hold"
                yield module.problem(node, f"{message}; use Python's own modules, {there} or the package itself")


def _needed_imports(node: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    """List the imports below a statement, less those for type checkers and those that the code can do without."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        yield node
        return
    below: Iterable[ast.AST] = ast.iter_child_nodes(node)
    if isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
        below = node.orelse
    elif isinstance(node, ast.Try) and any(_catches_import(handler) for handler in node.handlers):
        body = (each for each in node.body if not isinstance(each, ast.Import | ast.ImportFrom))
        below = (*body, *node.handlers, *node.orelse, *node.finalbody)
    for each in below:
        yield from _needed_imports(each)


def _catches_import(handler: ast.ExceptHandler) -> bool:
    caught = "ImportError" if handler.type is None else ast.unparse(handler.type)
    return any(name in caught for name in ("ImportError", "ModuleNotFoundError", "Exception"))
