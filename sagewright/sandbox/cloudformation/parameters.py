"""Why: parameter values are checked before anything is created, each in the words that CloudFormation uses."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import regex
from botocore.exceptions import ClientError

from ..clients import ActingClients
from ..protocol import ApiError, Caller

MASK = "****"

_SSM = regex.compile(r"AWS::SSM::Parameter::(?P<name>Name)|AWS::SSM::Parameter::Value<(?P<type>.+)>")
_PLAIN_TYPES = regex.compile(
    r"String|Number|CommaDelimitedList|List<(Number|String)>|(List<)?AWS::EC2::[A-Za-z:]+>?|(List<)?AWS::Route53::HostedZone::Id>?"
)


@dataclass(frozen=True)
class Parameter:
    """A parameter's value: as given, and as Ref gives it."""

    key: str
    given: str
    value: Any
    hidden: bool
    stored: bool  # the given value names a parameter of the parameter store

    def described(self) -> dict[str, Any]:
        """Return the parameter as the API shows it."""
        shown = {"ParameterKey": self.key, "ParameterValue": MASK if self.hidden else self.given}
        if self.stored:
            shown["ResolvedValue"] = ",".join(self.value) if isinstance(self.value, list) else self.value
        return shown


class ParameterReader:
    """Turns the parameters of one request into values."""

    def __init__(self, clients: ActingClients, caller: Caller) -> None:
        self._clients = clients
        self._caller = caller

    def read(
        self, declared: Mapping[str, Any], requested: list[dict[str, Any]], previous: Mapping[str, Parameter]
    ) -> dict[str, Parameter]:
        """Return every declared parameter's value: given, the stack's previous one where asked for, or the default."""
        given = {item["ParameterKey"]: item for item in requested}
        if unknown := [key for key in given if key not in declared]:
            raise _invalid(f"Parameters: [{', '.join(unknown)}] do not exist in the template")
        texts = {key: _text(key, given.get(key), declared[key], previous) for key in declared}
        if missing := [key for key, text in texts.items() if text is None]:
            raise _invalid(f"Parameters: [{', '.join(missing)}] must have values")
        return {key: self._parameter(key, text, declared[key]) for key, text in texts.items() if text is not None}

    def _parameter(self, key: str, text: str, declaration: Mapping[str, Any]) -> Parameter:
        kind = declaration["Type"]
        check(key, text, declaration)
        hidden = str(declaration.get("NoEcho", "")).lower() == "true"
        stored = _SSM.fullmatch(kind)
        if not stored or stored["name"]:
            return Parameter(key, text, _typed(text, kind), hidden, stored=False)
        return Parameter(key, text, _typed(self._from_store(text), stored["type"]), hidden, stored=True)

    def _from_store(self, name: str) -> str:
        store = self._clients.get("ssm", self._caller.account, self._caller.region)
        try:
            return store.get_parameters(Names=[name])["Parameters"][0]["Value"]
        except (ClientError, IndexError):
            raise _invalid(f"Unable to fetch parameters [{name}] from parameter store for this account.") from None


def check_declarations(declared: Mapping[str, Any]) -> None:
    """Refuse parameters whose declaration CloudFormation refuses."""
    for key, declaration in declared.items():
        if not isinstance(declaration, dict) or not isinstance(declaration.get("Type"), str):
            raise _invalid(f"Template format error: Every Parameters object must contain a Type member. ({key})")
        kind = declaration["Type"]
        if not _PLAIN_TYPES.fullmatch(kind) and not _SSM.fullmatch(kind):
            raise _invalid(f"Template format error: Unrecognized parameter type: {kind}")


def check(key: str, text: str, declaration: Mapping[str, Any]) -> None:
    """Refuse a value that breaks the declaration's constraints."""
    problem = _problem(text, declaration)
    if problem and (description := declaration.get("ConstraintDescription")):
        raise _invalid(f"Parameter {key} failed to satisfy constraint: {description}")
    if problem:
        raise _invalid(f"Parameter '{key}' {problem}")


def _problem(text: str, declaration: Mapping[str, Any]) -> str | None:
    kind = declaration["Type"]
    is_list = kind == "CommaDelimitedList" or kind.startswith("List<")
    members = [part.strip() for part in text.split(",")] if is_list else [text]
    if kind in {"Number", "List<Number>"} and not all(_is_number(member) for member in members):
        return "must be a number."
    allowed = [_shown(value) for value in declaration.get("AllowedValues", members)]
    if not all(member in allowed for member in members):
        return "must be one of AllowedValues"
    pattern = declaration.get("AllowedPattern")
    if pattern is not None and not all(regex.fullmatch(pattern, member) for member in members):
        return f"must match pattern {pattern}"
    return _bound_problem(text, members, declaration)


def _bound_problem(text: str, members: list[str], declaration: Mapping[str, Any]) -> str | None:
    if "MinLength" in declaration and len(text) < int(declaration["MinLength"]):
        return f"must contain at least {declaration['MinLength']} characters"
    if "MaxLength" in declaration and len(text) > int(declaration["MaxLength"]):
        return f"must contain at most {declaration['MaxLength']} characters"
    if "MinValue" in declaration and min(map(float, members)) < float(declaration["MinValue"]):
        return f"must be a number not less than {declaration['MinValue']}"
    if "MaxValue" in declaration and max(map(float, members)) > float(declaration["MaxValue"]):
        return f"must be a number not greater than {declaration['MaxValue']}"
    return None


def _text(
    key: str, requested: dict[str, Any] | None, declaration: Mapping[str, Any], previous: Mapping[str, Parameter]
) -> str | None:
    if requested is None:
        return _shown(declaration["Default"]) if "Default" in declaration else None
    if requested.get("UsePreviousValue"):
        invalid = f"Invalid input for parameter key {key}."
        if key not in previous:
            raise _invalid(
                f"{invalid} Cannot specify usePreviousValue as true for a parameter key not in the previous template"
            )
        if "ParameterValue" in requested:
            raise _invalid(f"{invalid} Cannot specify usePreviousValue as true and non empty value for a parameter")
        return previous[key].given
    return requested.get("ParameterValue", "")


def _typed(text: str, kind: str) -> Any:
    if kind == "CommaDelimitedList" or kind.startswith("List<"):
        return [part.strip() for part in text.split(",")] if text else []
    return text


def _is_number(text: str) -> bool:
    return bool(regex.fullmatch(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?", text))


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ",".join(map(str, value))
    return str(value)


def _invalid(message: str) -> ApiError:
    return ApiError("ValidationError", message)
