"""Why: what one action found out configures the next, by references that AWS checks when the pipeline is written.

https://docs.aws.amazon.com/codepipeline/latest/userguide/reference-variables.html
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .executions import Declaration, Execution, actions_of, run_order
from .refusals import action_declaration, invalid

OWN, PIPELINE = "codepipeline", "variables"
_OWN_KEYS = {"PipelineExecutionId"}
_REFERENCE = re.compile(r"#\{([^}]*)\}")
_PARTS = re.compile(r"([A-Za-z0-9@\-_]+)\.([A-Za-z0-9@\-_]+)")
_FORM = (
    "Valid format for a pipeline execution variable reference is a namespace and a key separated by a period (.)."
    " The following pipeline execution variables are"
)
_LATER = 10_000


class UnresolvedError(Exception):
    """A reference to what was not produced."""


def check_references(declaration: Declaration) -> None:
    """Refuse references to what no action before can have produced, and namespaces that are not one's own."""
    known = _Known(_namespaces(declaration), {each["name"] for each in declaration.get("variables") or ()})
    for place, stage, action in actions_of(declaration):
        is_source = action["actionTypeId"]["category"] == "Source"
        for key, text in (action.get("configuration") or {}).items():
            where = f"StageName=[{stage['name']}], ActionName=[{action['name']}], ActionConfigurationKey=[{key}]"
            if is_source and _REFERENCE.search(text):
                raise action_declaration(f"{where}: Source actions cannot use pipeline variables.")
            known.check(text, (place, run_order(action)), where)
    for place, stage in enumerate(declaration["stages"]):
        for order, rule in _rules(stage):
            for key, text in (rule.get("configuration") or {}).items():
                where = f"StageName=[{stage['name']}], RuleName=[{rule['name']}], RuleConfigurationKey=[{key}]"
                known.check(text, (place, order), where)


def resolved(text: str, execution: Execution) -> str:
    """Return a text with what its references stand for."""

    def value(match: re.Match[str]) -> str:
        namespace, _, name = match[1].partition(".")
        if namespace == OWN:
            return execution.id
        known = execution.variables if namespace == PIPELINE else execution.outputs.get(namespace, {})
        if name not in known:
            raise UnresolvedError(f"The following variable could not be resolved: {match[0]}")
        return known[name]

    return _REFERENCE.sub(value, text)


def chosen(declaration: Declaration, given: list[dict[str, str]]) -> dict[str, str]:
    """Return the pipeline's variables as a start sets them; refuse unknown ones and those that are left open."""
    declared: dict[str, Any] = {each["name"]: each for each in declaration.get("variables") or ()}
    asked: dict[str, str] = {}
    for each in given:
        if each["name"] not in declared:
            name = declaration["name"]
            raise invalid(f"The following variables are not declared in pipeline {name}: [{each['name']}]")
        if each["name"] in asked:
            raise invalid(f"Variable {each['name']} is given more than once.")
        asked[each["name"]] = each["value"]
    values = {name: asked.get(name, each.get("defaultValue")) for name, each in declared.items()}
    if absent := sorted(name for name, value in values.items() if value is None):
        raise invalid(f"Values are required for the following pipeline variables: [{', '.join(absent)}]")
    return {name: str(value) for name, value in values.items()}


def _namespaces(declaration: Declaration) -> dict[str, tuple[int, int]]:
    """Return where each namespace is produced."""
    found: dict[str, tuple[int, int]] = {}
    artifacts = {each["name"] for _, _, action in actions_of(declaration) for each in action.get("outputArtifacts", [])}
    for place, stage, action in actions_of(declaration):
        namespace = action.get("namespace")
        if not namespace:
            continue
        where = f"StageName=[{stage['name']}], ActionName=[{action['name']}], Namespace=[{namespace}]"
        if namespace in found:
            raise action_declaration(
                "Namespaces must be unique across the pipeline definition. The following occur more than once in the"
                f" pipeline. {where}"
            )
        if namespace in {OWN, PIPELINE}:
            raise action_declaration(f"The following namespaces are reserved. {where}")
        if namespace in artifacts:
            raise action_declaration(f"A namespace cannot have the name of an artifact. {where}")
        found[namespace] = (place, run_order(action))
    return found


def _rules(stage: Declaration) -> Iterator[tuple[int, Declaration]]:
    """Yield a stage's rules, and whether they are checked before or after its actions."""
    for kind, order in (("beforeEntry", 0), ("onSuccess", _LATER), ("onFailure", _LATER)):
        for condition in (stage.get(kind) or {}).get("conditions") or ():
            for rule in condition.get("rules") or ():
                yield order, rule


@dataclass(frozen=True)
class _Known:
    """What a pipeline's references may mean: namespaces, by where they are produced, and its own variables."""

    namespaces: dict[str, tuple[int, int]]
    variables: set[str]

    def check(self, text: str, at: tuple[int, int], where: str) -> None:
        """Refuse references in a text that is read at this place."""
        for match in _REFERENCE.finditer(text):
            told = f"{where}, VariableReferenceText=[{match[0]}]"
            parts = _PARTS.fullmatch(match[1])
            if parts is None:
                raise action_declaration(f"{_FORM} not in this format. {told}")
            if problem := self._problem(parts[1], parts[2], at):
                raise action_declaration(f"{_FORM} referencing a {problem}. {told}")

    def _problem(self, namespace: str, name: str, at: tuple[int, int]) -> str:
        if namespace == OWN:
            return "" if name in _OWN_KEYS else "key that does not exist"
        if namespace == PIPELINE:
            return "" if name in self.variables else "pipeline variable that is not declared"
        if namespace not in self.namespaces:
            return "namespace that does not exist"
        return "namespace that no action before produces" if self.namespaces[namespace] >= at else ""
