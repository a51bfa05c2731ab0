"""The data scientist's package: where its plain functions are, and what is asked of what they return."""

import ast
import importlib
import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd

from sagewright.runtime.serving.errors import UserError


def find(package: str, function: str) -> Callable[..., Any] | None:
    """Return the package's own attribute if it is callable, else that of the one public module that defines it."""
    root = _import(package)
    attribute = getattr(root, function, None)
    if callable(attribute):
        return attribute
    modules = [name for name, path in _modules(root) if _defines(path, function)]
    if len(modules) > 1:
        places = " and ".join(f"{package}.{name}" for name in modules)
        raise UserError(
            f"{function}() is defined in {places}: keep one, or import the right one in {package}/__init__.py"
        )
    return getattr(_import(f"{package}.{modules[0]}"), function) if modules else None


def root(package: str) -> str:
    """Return the folder of the package."""
    return _folder(_import(package))


def require(package: str, function: str) -> Callable[..., Any]:
    """Return the function. Raises UserError where the package has none."""
    found = find(package, function)
    if found is None:
        raise UserError(f"package {package}: no public module defines {function}()")
    return found


def call(function: Callable[..., Any], name: str, *arguments: object) -> Any:
    """Call a function of the package; what it raises becomes a UserError that names it and the line."""
    try:
        return function(*arguments)
    except UserError:
        raise
    except Exception as fault:
        package = getattr(function, "__module__", "").partition(".")[0]
        raise UserError(f"{name} raised {_described(fault)}{_place(fault, package)}") from fault


def apply_features(function: Callable[..., Any] | None, raw: pd.DataFrame) -> pd.DataFrame:
    """Return the features of raw rows, which are numbered from 0; without a function they are the raw columns."""
    if function is None:
        return raw
    X = call(function, "features()", raw.copy())
    if not isinstance(X, pd.DataFrame):
        raise UserError(
            f"features() returned {type(X).__module__}.{type(X).__qualname__}: it must return a pandas.DataFrame"
        )
    if len(X) != len(raw):
        raise UserError(f"features() returned {len(X)} rows for {len(raw)}: it must return one row for each, in order")
    if not X.index.equals(raw.index):
        raise UserError("features() changed the index: it must return the rows in the order in which it got them")
    if not len(X.columns):
        raise UserError("features() returned no column")
    odd = [name for name in X.columns if not isinstance(name, str)]
    if odd or not X.columns.is_unique:
        wrong = f"{odd[0]!r}, which is not text" if odd else f"{X.columns[X.columns.duplicated()][0]!r} twice"
        raise UserError(f"features() returned a column named {wrong}: every column needs a name of its own")
    return without_none(X)


def without_none(X: pd.DataFrame) -> pd.DataFrame:
    """Return the table with NaN for None, because a table that was stored and one that was not differ only in that."""
    columns: dict[str, pd.Series] = {}
    for name in X.select_dtypes(object).columns:
        cells = X[name].to_numpy(dtype=object, copy=True)
        cells[pd.isna(cells)] = np.nan
        columns[name] = pd.Series(cells, index=X.index, dtype=object)
    return X.assign(**columns) if columns else X


def _import(module: str) -> ModuleType:
    try:
        return importlib.import_module(module)
    except Exception as fault:
        place = _place(fault, module.partition(".")[0])
        raise UserError(f"{module} cannot be imported: {_described(fault)}{place}") from fault


def _folder(root: ModuleType) -> str:
    """Return the first of the package's folders: without an __init__.py it has one for each place it is found in."""
    return next(iter(root.__path__))


def _modules(root: ModuleType) -> list[tuple[str, Path]]:
    """Return (name within the package, file) of every public module, those of subpackages included."""
    folder = Path(_folder(root))
    files = [(path.relative_to(folder), path) for path in folder.rglob("*.py")]
    names = [(".".join(relative.with_suffix("").parts), path) for relative, path in sorted(files)]
    return [(name, path) for name, path in names if not any(part.startswith("_") for part in name.split("."))]


def _defines(path: Path, function: str) -> bool:
    """Read the file without running it: importing every module to look for one function could do anything."""
    try:
        body = ast.parse(path.read_bytes(), filename=str(path)).body
    except SyntaxError as fault:
        raise UserError(f"{path.name}, line {fault.lineno}: {fault.msg}") from fault
    return any(isinstance(node, ast.FunctionDef) and node.name == function for node in body)


def _described(fault: Exception) -> str:
    text = " ".join(str(fault).split())
    return f"{type(fault).__name__}: {text}" if text else type(fault).__name__


def _place(fault: Exception, package: str) -> str:
    """Return the innermost line of the package itself: the one that the data scientist can change."""
    frames = traceback.extract_tb(fault.__traceback__)
    own = [frame for frame in frames if package in Path(frame.filename).parts]
    return f" ({Path(own[-1].filename).name}, line {own[-1].lineno})" if own else ""
