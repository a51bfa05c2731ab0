"""Reads YAML into plain values that remember their lines, because every message must point at one."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.constructor import ConstructorError
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from sagewright.project.problems import Problem, ProjectError

KeyPath = tuple[str, ...]

_MERGE = "tag:yaml.org,2002:merge"
_TIMESTAMP = "tag:yaml.org,2002:timestamp"


def dotted(path: KeyPath) -> str:
    """Write a path of keys as people write it."""
    return ".".join(path)


@dataclass
class Document:
    """A YAML mapping, where each of its keys stands, and what the file itself does wrong."""

    file: Path
    content: dict[str, Any] = field(default_factory=dict)
    lines: dict[KeyPath, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def problem(self, path: KeyPath, message: str) -> Problem:
        """Report on a key; a key that is not there is reported at the line of what should hold it."""
        place = path
        while place and place not in self.lines:
            place = place[:-1]
        return Problem(self.file, self.lines.get(place, 1), dotted(path), message)

    def report(self, line: int, path: KeyPath, message: str) -> None:
        """Note a fault of the YAML itself, at a line of its own."""
        self.problems.append(Problem(self.file, line, dotted(path), message))


def read(file: Path) -> Document:
    """Read a YAML file whose root is a mapping; raises ProjectError when it is no YAML at all."""
    yaml = YAML(typ="safe", pure=True)
    name = Path(file.name)
    try:
        root = yaml.compose(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        message = f"cannot be read: {error.strerror}; name a project.yaml or the folder that holds it"
        raise ProjectError([Problem(file, None, "", message)]) from error
    except UnicodeDecodeError as error:
        message = f"is not UTF-8 text (byte {error.start}); save it as UTF-8"
        raise ProjectError([Problem(file, None, "", message)]) from error
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        message = "; ".join(part for part in (error.context, error.problem) if part)
        raise ProjectError(
            [Problem(name, mark.line + 1 if mark else None, "", f"is not valid YAML: {message}")]
        ) from error
    except YAMLError as error:
        raise ProjectError([Problem(name, None, "", f"is not valid YAML: {error}")]) from error
    if not isinstance(root, MappingNode):
        message = "is empty; start with `name:`" if root is None else "must hold keys at its top, such as `name: churn`"
        raise ProjectError([Problem(name, 1, "", message)])
    document = Document(name)
    document.content = _Reader(yaml, document).mapping(root, (), ())
    return document


class _Reader:
    """Turns nodes into values; of a repeated key it keeps the first and reports the others."""

    def __init__(self, yaml: YAML, document: Document) -> None:
        self._yaml = yaml
        self._document = document

    def mapping(self, node: MappingNode, path: KeyPath, above: tuple[Node, ...]) -> dict[str, Any]:
        """Read a mapping; `above` are the nodes that hold it, to notice an alias to one of them."""
        values: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            key = self._key(key_node, line, path)
            if key is None:
                continue
            here = (*path, key)
            if key in values:
                first = self._document.lines[here]
                self._document.report(line, here, f"is there twice, first in line {first}; keep one of them")
                continue
            self._document.lines[here] = line
            values[key] = self._value(value_node, here, (*above, node))
        return values

    def _key(self, node: Node, line: int, path: KeyPath) -> str | None:
        if node.tag == _MERGE:
            message = "merge keys (<<) are not supported; write the keys out, or override a section in an environment"
            self._document.report(line, path, message)
            return None
        key = self._scalar(node, path) if isinstance(node, ScalarNode) else node
        if not isinstance(key, str):
            shown = node.value if isinstance(node, ScalarNode) else "a mapping or list"
            self._document.report(line, path, f"the key {shown} is not text; put it in quotes")
            return None
        return key

    def _value(self, node: Node, path: KeyPath, above: tuple[Node, ...]) -> Any:
        if any(node is outer for outer in above):
            self._document.report(node.start_mark.line + 1, path, "holds an alias (*) to itself; write its value out")
            return None
        if isinstance(node, MappingNode):
            return self.mapping(node, path, above)
        if isinstance(node, SequenceNode):
            return [self._item(item, (*path, str(index)), (*above, node)) for index, item in enumerate(node.value)]
        return self._scalar(node, path)

    def _item(self, node: Node, path: KeyPath, above: tuple[Node, ...]) -> Any:
        self._document.lines[path] = node.start_mark.line + 1
        return self._value(node, path, above)

    def _scalar(self, node: Node, path: KeyPath) -> Any:
        if node.tag == _TIMESTAMP:
            return node.value  # nothing here is a date: text that looks like one stays text
        try:
            return self._yaml.constructor.construct_object(node)
        except (ConstructorError, ValueError) as error:
            message = error.problem if isinstance(error, ConstructorError) else str(error)
            self._document.report(node.start_mark.line + 1, path, f"{node.value!r} cannot be read: {message}")
            return None
