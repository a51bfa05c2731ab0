"""Why: a stage may look before it is entered or left, and what it then does is a rule's result, not an accident.

https://docs.aws.amazon.com/codepipeline/latest/userguide/stage-conditions.html
"""

from collections.abc import Callable, Mapping
from typing import Any

import regex

from .executions import ERRORED, FAILED, SUCCEEDED, ConditionRun, Declaration, Execution, Failure, Kind, RuleRun
from .refusals import lacking, stage_declaration
from .variables import UnresolvedError, resolved

_RESULTS: Mapping[str, tuple[str, ...]] = {
    "beforeEntry": ("FAIL", "SKIP"),
    "onSuccess": ("FAIL", "ROLLBACK"),
    "onFailure": ("ROLLBACK",),
}
_ON_FAILURE = ("FAIL", "RETRY", "ROLLBACK")
_ABSENT_RULES = ("CloudWatchAlarm", "CodeBuild", "Commands", "DeploymentWindow", "LambdaInvoke")
_KEYS = {"Variable", "Value", "Operator"}
_MATCH_LIMIT_S = 1.0
_UNCHECKED = "ConfigurationError"

_OPERATORS: Mapping[str, Callable[[str, str], bool]] = {
    "EQ": lambda value, wanted: value == wanted,
    "NE": lambda value, wanted: value != wanted,
    "CONTAINS": lambda value, wanted: wanted in value,
    "MATCHES": lambda value, wanted: regex.fullmatch(wanted, value, timeout=_MATCH_LIMIT_S) is not None,
}


def check_conditions(stage: Declaration, *, is_first: bool, mode: str) -> None:
    """Refuse conditions that the place of the stage, or the mode of the pipeline, does not allow."""
    where = f"Stage '{stage['name']}'"
    for kind, results in _RESULTS.items():
        for condition in (stage.get(kind) or {}).get("conditions") or ():
            if condition.get("result") not in results:
                given = condition.get("result", "none")
                raise stage_declaration(f"{where}: a condition of {kind} has one of the results {results}, not {given}")
            _check_rules(where, kind, condition)
    failing = stage.get("onFailure") or {}
    _check_failing(where, failing)
    wanted = {failing.get("result"), *(each.get("result") for each in _all(stage))}
    if "ROLLBACK" in wanted and (is_first or mode == "PARALLEL"):
        reason = "a source stage cannot be rolled back" if is_first else "a pipeline in PARALLEL mode has no rollback"
        raise stage_declaration(f"{where}: {reason}")
    if is_first and stage.get("beforeEntry"):
        raise stage_declaration(f"{where}: the first stage of a pipeline has no condition before its entry")


def assess(stage: Declaration, kind: Kind, execution: Execution, at_s: float) -> tuple[str, ConditionRun] | None:
    """Check a stage's condition, and return its result with what was found; None where it has none."""
    declared = (stage.get(kind) or {}).get("conditions") or ()
    if not declared:
        return None
    condition = declared[0]
    rules = [_checked(stage["name"], rule, execution, at_s) for rule in condition["rules"]]
    execution.rules.extend(rules)
    failed = [rule.declaration["name"] for rule in rules if rule.status == FAILED]
    summary = f"Condition failed: rule(s) [{', '.join(failed)}] did not succeed." if failed else "Condition succeeded."
    # A rule that could not be checked has no result: the stage fails, whatever the condition's result would be.
    broken = any(rule.failure is not None and rule.failure.code == _UNCHECKED for rule in rules)
    status = ERRORED if broken else FAILED if failed else SUCCEEDED
    return str(condition["result"]), ConditionRun(status, summary, at_s, rules)


def _checked(stage: str, rule: Declaration, execution: Execution, at_s: float) -> RuleRun:
    configuration: dict[str, str] = dict(rule["configuration"])
    code = "RuleFailed"
    try:
        configuration = {key: resolved(text, execution) for key, text in configuration.items()}
        holds = _OPERATORS[configuration["Operator"]](configuration["Variable"], configuration["Value"])
        told = f"{configuration['Variable']!r} {configuration['Operator']} {configuration['Value']!r}"
        summary = f"VariableCheck {'succeeded' if holds else 'failed'}: {told}"
    except (UnresolvedError, regex.error, TimeoutError) as error:
        holds, summary, code = False, str(error), _UNCHECKED
    failure = None if holds else Failure(code, summary)
    status = SUCCEEDED if holds else FAILED
    return RuleRun(stage, rule, execution.version, at_s, status, summary, configuration, failure)


def _check_rules(where: str, kind: str, condition: Declaration) -> None:
    rules = condition.get("rules") or ()
    if not rules:
        raise stage_declaration(f"{where}: a condition of {kind} has no rules")
    if len({rule["name"] for rule in rules}) < len(rules):
        raise stage_declaration(f"{where}: the rules of a condition must have names of their own")
    for rule in rules:
        provider, named = rule["ruleTypeId"]["provider"], f"{where}, rule '{rule['name']}'"
        if provider in _ABSENT_RULES:
            raise lacking(f"the rule {provider} ({named})", "It has VariableCheck.")
        if provider != "VariableCheck":
            raise stage_declaration(f"{named}: there is no rule provider {provider}")
        configuration: Mapping[str, Any] = rule.get("configuration") or {}
        if set(configuration) != _KEYS:
            raise stage_declaration(f"{named}: VariableCheck is configured with {sorted(_KEYS)}")
        if configuration["Operator"] not in _OPERATORS:
            raise stage_declaration(f"{named}: Operator must be one of {sorted(_OPERATORS)}")
        for member in ("commands", "inputArtifacts", "roleArn"):
            if rule.get(member):
                raise stage_declaration(f"{named}: VariableCheck has no {member}")


def _check_failing(where: str, failing: Declaration) -> None:
    result = failing.get("result")
    if result == "SKIP":
        raise lacking(f"the result SKIP of onFailure ({where})", f"It has {', '.join(_ON_FAILURE)}.")
    if failing.get("conditions") and result == "RETRY":
        raise stage_declaration(f"{where}: onFailure cannot have conditions and retry the stage automatically")
    if failing.get("retryConfiguration") and result != "RETRY":
        raise stage_declaration(f"{where}: retryConfiguration needs the result RETRY")
    if failing and not result and not failing.get("conditions"):
        raise stage_declaration(f"{where}: onFailure has neither a result nor conditions")


def _all(stage: Declaration) -> list[Declaration]:
    return [each for kind in _RESULTS for each in (stage.get(kind) or {}).get("conditions") or ()]
