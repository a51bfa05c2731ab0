"""Why: a definition's arguments hold references and functions; how they are written is read in one place."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from ...protocol import ApiError

EXECUTION_VARIABLES = frozenset(
    {
        "StartDateTime",
        "CurrentDateTime",
        "PipelineName",
        "PipelineArn",
        "PipelineExecutionId",
        "PipelineExecutionArn",
    }
)
FUNCTIONS = ("Std:Join", "Std:JsonGet")
TOKEN = re.compile(r"""\.(?P<name>\w+)|\[(?P<index>\d+)\]|\[(?:'(?P<single>[^']*)'|"(?P<double>[^"]*)")\]""")

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Reference:
    """What one Get names: a parameter, an execution variable, a step's property or a step's property file."""

    text: str
    scope: str
    name: str
    path: Path = ()

    @property
    def property_file(self) -> str | None:
        """The name of the step's property file, where the reference is to one."""
        is_file = self.scope == "Steps" and len(self.path) == len(("PropertyFiles", "name"))
        return str(self.path[1]) if is_file and self.path[0] == "PropertyFiles" else None


def malformed(reason: str) -> ApiError:
    """Return the refusal of a definition, as CreatePipeline and UpdatePipeline word it."""
    return ApiError("ValidationException", f"Unable to parse pipeline definition. {reason}")


def json_object(value: Any, what: str, members: Iterable[str]) -> dict[str, Any]:
    """Return the value if it is an object with no other members than these; `what` names it in the refusal."""
    if not isinstance(value, dict):
        raise malformed("Expecting start of Json Object.")
    for member in value:
        if member not in members:
            raise malformed(f"Unknown {what} member '{member}'.")
    return value


def json_array(value: Any) -> list[Any]:
    """Return the value if it is an array."""
    if not isinstance(value, list):
        raise malformed("Expecting start of Json Array.")
    return value


def is_expression(value: Any) -> bool:
    """Tell whether a value is a Get or a function, not a structure that happens to be in its place."""
    if not isinstance(value, dict) or len(value) != 1:
        return False
    key = next(iter(value))
    return key == "Get" or key.startswith("Std:")


def is_compound(value: Any) -> bool:
    """Tell whether a JSON value is an object or an array."""
    return isinstance(value, (dict, list))


def parse_reference(text: Any) -> Reference:
    """Read the text of a Get."""
    if not isinstance(text, str):
        raise malformed(f"Get takes a string; received {text!r}.")
    scope, _, rest = text.partition(".")
    if scope in ("Parameters", "Execution"):
        return Reference(text, scope, rest)
    name = re.match(r"[\w-]+", rest)
    if scope != "Steps" or not name:
        raise malformed(f"Invalid reference '{text}': a reference starts with Parameters., Execution. or Steps.<name>.")
    return Reference(text, scope, name[0], parse_path(rest[name.end() :], text))


def parse_path(text: str, whole: str) -> Path:
    """Read a property path such as .ProcessingOutputConfig.Outputs['train'].S3Output.S3Uri."""
    path: list[str | int] = []
    position = 0
    while position < len(text):
        token = TOKEN.match(text, position)
        if not token:
            raise malformed(f"Invalid reference '{whole}': '{text[position:]}' is not a property path.")
        keys = (token["name"], token["single"], token["double"])
        path.append(next((key for key in keys if key is not None), token["index"] and int(token["index"])))
        position = token.end()
    return tuple(path)


def references(value: Any) -> Iterator[Reference]:
    """Yield every reference in a value, in functions too; a malformed expression is refused."""
    if is_expression(value):
        yield from _in_expression(value)
    elif isinstance(value, dict):
        for member in value.values():
            yield from references(member)
    elif isinstance(value, list):
        for member in value:
            yield from references(member)


def _in_expression(expression: dict[str, Any]) -> Iterator[Reference]:
    ((function, argument),) = expression.items()
    if function == "Get":
        reference = parse_reference(argument)
        if reference.property_file is not None:
            raise malformed(f"'{argument}' is a property file: read a value from it with Std:JsonGet.")
        yield reference
    elif function == "Std:Join":
        _require_members(function, argument, {"On": str, "Values": list}, optional={"On"})
        for each in argument["Values"]:
            if is_compound(each) and not is_expression(each):
                raise malformed(f"Std:Join takes strings, numbers, booleans and functions; received {each!r}.")
            yield from references(each)
    elif function == "Std:JsonGet":
        _check_json_get(argument)
        if "PropertyFile" in argument:
            yield parse_reference(argument["PropertyFile"]["Get"])
        else:
            yield from references(argument["S3Uri"])
    else:
        raise malformed(f"Unknown function '{function}': the functions are Get, {', '.join(FUNCTIONS)}.")


def _check_json_get(argument: Any) -> None:
    _require_members(
        "Std:JsonGet",
        argument,
        {"PropertyFile": dict, "S3Uri": (dict, str), "Path": str},
        optional={"PropertyFile", "S3Uri"},
    )
    if ("PropertyFile" in argument) == ("S3Uri" in argument):
        raise malformed("Std:JsonGet takes either PropertyFile or S3Uri.")
    json_path(argument["Path"])
    if "PropertyFile" in argument:
        file = argument["PropertyFile"]
        if list(file) != ["Get"] or parse_reference(file["Get"]).property_file is None:
            raise malformed(
                f"PropertyFile of Std:JsonGet takes {{'Get': 'Steps.<step>.PropertyFiles.<name>'}}; received {file!r}."
            )


def json_path(text: str) -> Path:
    """Read the Path of a JsonGet: names and indexes, such as metrics.mse.value or $.folds[0]['score']."""
    rest = text.removeprefix("$")
    return parse_path(rest if rest.startswith(("[", ".")) else f".{rest}", text)


def _require_members(function: str, argument: Any, kinds: dict[str, Any], optional: set[str]) -> None:
    json_object(argument, function, kinds)
    for member, kind in kinds.items():
        if member not in argument:
            if member not in optional:
                raise malformed(f"{function} has no member '{member}'.")
        elif not isinstance(argument[member], kind):
            raise malformed(f"{member} of {function} has the wrong type; received {argument[member]!r}.")
