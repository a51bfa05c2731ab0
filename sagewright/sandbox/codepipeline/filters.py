"""Why: a push starts only the pipelines whose triggers ask for its branch and its files.

https://docs.aws.amazon.com/codepipeline/latest/userguide/pipelines-triggers.html
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from .catalogue import is_true
from .executions import Declaration
from .refusals import lacking, structure

CONNECTION = "CodeStarSourceConnection"


@dataclass(frozen=True)
class Push:
    """What somebody pushed over a connection."""

    connection_arn: str
    repository: str
    branch: str
    commit: str
    paths: tuple[str, ...]
    told: Mapping[str, Any]
    """How events describe it: author, message and so on."""

    @property
    def detail(self) -> str:
        """Return the push as the API shows it."""
        return json.dumps(dict(self.told))


def check_triggers(declaration: Declaration) -> None:
    """Refuse triggers of no source action, and what the sandbox does not have: tags and pull requests."""
    sources = {action["name"]: action for action in declaration["stages"][0]["actions"]}
    seen: set[str] = set()
    for trigger in declaration.get("triggers") or ():
        configuration = trigger["gitConfiguration"]
        name = configuration["sourceActionName"]
        if name not in sources or sources[name]["actionTypeId"]["provider"] != CONNECTION:
            raise structure(f"Trigger for '{name}': it is no source action of the provider {CONNECTION}")
        if name in seen:
            raise structure(f"Trigger for '{name}': a source action has at most one trigger")
        seen.add(name)
        if configuration.get("pullRequest"):
            raise lacking(f"triggers of pull requests (source action '{name}')")
        for each in configuration.get("push") or ():
            if each.get("tags"):
                raise lacking(f"triggers of Git tags (source action '{name}')")
            for criteria in (each.get("branches") or {}, each.get("filePaths") or {}):
                patterns = [*(criteria.get("includes") or ()), *(criteria.get("excludes") or ())]
                if strange := [pattern for pattern in patterns if "[" in pattern or "!" in pattern]:
                    raise lacking(f"the patterns {strange} (trigger for '{name}')", "It has *, **, ? and {a,b}.")
            if not each.get("branches") and each.get("filePaths"):
                raise structure(f"Trigger for '{name}': filePaths needs branches beside it")


def wants(declaration: Declaration, push: Push) -> bool:
    """Tell whether a push starts a pipeline."""
    return any(_action_wants(declaration, action, push) for action in declaration["stages"][0]["actions"])


def _action_wants(declaration: Declaration, action: Declaration, push: Push) -> bool:
    configuration = action.get("configuration") or {}
    if action["actionTypeId"]["provider"] != CONNECTION:
        return False
    if (configuration["ConnectionArn"], configuration["FullRepositoryId"]) != (push.connection_arn, push.repository):
        return False
    triggers = [each["gitConfiguration"] for each in declaration.get("triggers") or ()]
    found = [each for each in triggers if each["sourceActionName"] == action["name"]]
    if not found:
        detects = is_true(configuration.get("DetectChanges"), "true")
        return detects and configuration["BranchName"] == push.branch
    filters = found[0].get("push")
    if not filters:
        return configuration["BranchName"] == push.branch
    return any(_passes(each, push) for each in filters)


def _passes(given: Mapping[str, Any], push: Push) -> bool:
    branches, paths = given.get("branches") or {}, given.get("filePaths") or {}
    if not _let_in(branches, [push.branch]):
        return False
    return not paths or _let_in(paths, push.paths)


def _let_in(criteria: Mapping[str, Any], names: Iterable[str]) -> bool:
    """Tell whether any name is included and not excluded; without includes every name is."""
    includes, excludes = criteria.get("includes"), criteria.get("excludes") or ()
    return any(
        (not includes or any(_glob(each).fullmatch(name) for each in includes))
        and not any(_glob(each).fullmatch(name) for each in excludes)
        for name in names
    )


@cache
def _glob(pattern: str) -> re.Pattern[str]:
    """Return AWS's glob: `*` stays within a folder, `**` does not, `{a,b}` chooses, `?` is one character."""
    text, depth, at = "", 0, 0
    while at < len(pattern):
        char = pattern[at]
        if pattern.startswith("**", at):
            text, at = text + ".*", at + 1
        elif char == "*":
            text += "[^/]*"
        elif char == "?":
            text += "[^/]"
        elif char == "{":
            text, depth = text + "(?:", depth + 1
        elif char == "}" and depth:
            text, depth = text + ")", depth - 1
        elif char == "," and depth:
            text += "|"
        else:
            text += re.escape(char)
        at += 1
    return re.compile(text + ")" * depth)
