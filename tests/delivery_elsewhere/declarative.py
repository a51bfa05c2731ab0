"""Which words Declarative Pipeline knows, and where: what npm-groovy-lint takes for any method of Groovy's.

https://www.jenkins.io/doc/book/pipeline/syntax/ has the sections and directives, and
https://www.jenkins.io/doc/pipeline/steps/ the steps; `lock` is an option of the Lockable Resources plugin.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_OF_STAGE = {"agent", "environment", "failFast", "input", "options", "post", "tools", "when"}
_BODY = {"matrix", "parallel", "stages", "steps"}
_STEPS = {
    *("archiveArtifacts", "build", "dir", "echo", "input", "junit", "script", "sh", "stash", "timeout", "unstash"),
}
_STAGE_OPTIONS = {"lock", "retry", "skipDefaultCheckout", "timeout", "timestamps"}
KNOWN: dict[str, set[str]] = {
    "": {"pipeline"},
    "pipeline": {"agent", "environment", "libraries", "options", "parameters", "post", "stages", "tools", "triggers"},
    "stages": {"stage"},
    "stage": _OF_STAGE | _BODY,
    "agent": {"docker", "dockerfile", "kubernetes", "label", "node"},
    "post": {
        *("aborted", "always", "changed", "cleanup", "failure", "fixed", "regression", "success", "unstable"),
        "unsuccessful",
    },
    "when": {
        *("allOf", "anyOf", "beforeAgent", "beforeInput", "beforeOptions", "branch", "buildingTag", "changeRequest"),
        *("changelog", "changeset", "environment", "equals", "expression", "not", "tag", "triggeredBy"),
    },
    "parameters": {"booleanParam", "choice", "password", "string", "text"},
    "triggers": {"cron", "pollSCM", "upstream"},
    "options of pipeline": _STAGE_OPTIONS
    | {
        *("buildDiscarder", "checkoutToSubdirectory", "disableConcurrentBuilds", "disableRestartFromStage"),
        *("disableResume", "newContainerPerStage", "overrideIndexTriggers", "parallelsAlwaysFailFast"),
        *("preserveStashes", "quietPeriod", "skipStagesAfterUnstable"),
    },
    "options of stage": _STAGE_OPTIONS,
    "steps": _STEPS,
}
# What is Groovy itself, and not a word of Declarative Pipeline.
_FREE = {"environment", "script"}
_WITHIN_STEPS = {*KNOWN["post"], "dir", "timeout"}
_STATEMENT = re.compile(r"\s*([A-Za-z]+)")


@dataclass
class _Block:
    """A block on its way: what it is, where it began, which words stood in it."""

    name: str
    line: int
    words: list[str]


def problems(text: str) -> Iterator[str]:
    """Say each word that is not known where it stands, and each block without what it has to have."""
    open_ = [_Block("", 0, [])]
    brackets = 0
    for number, line in enumerate(_bare(text).splitlines(), start=1):
        statement = _STATEMENT.match(line)
        if statement and brackets == 0:
            word, known = statement[1], _known([each.name for each in open_])
            open_[-1].words.append(word)
            if known is not None and word not in known:
                yield f"{number}: {word} is not known in {open_[-1].name or 'a Jenkinsfile'}"
        brackets += sum(line.count(each) for each in "([") - sum(line.count(each) for each in ")]")
        if line.rstrip().endswith("{"):
            open_.append(_Block(statement[1] if statement else "", number, []))
        elif line.strip() == "}":
            closed = open_.pop()
            yield from _incomplete(closed)
    if len(open_) != 1:
        yield f"{open_[-1].line}: {open_[-1].name} is not closed"


def _bare(text: str) -> str:
    """Take out what strings and comments hold, keeping the lines."""
    text = re.sub(r"'''.*?'''", lambda found: "''" + "\n" * found[0].count("\n"), text, flags=re.DOTALL)
    text = re.sub(r"(?m)^\s*//.*$", "", text)
    return re.sub(r"'[^'\n]*'|\"[^\"\n]*\"", "''", text)


def _known(path: list[str]) -> set[str] | None:
    inner = path[-1]
    if any(each in _FREE for each in path[1:]):
        return None
    if inner == "options":
        return KNOWN[f"options of {path[-2]}"]
    if inner in _WITHIN_STEPS:
        return KNOWN["steps"]
    return KNOWN.get(inner)


def _incomplete(block: _Block) -> Iterator[str]:
    if block.name == "pipeline":
        yield from (f"{block.line}: pipeline has no {each}" for each in ("agent", "stages") if each not in block.words)
    elif block.name == "stage" and len(_BODY & set(block.words)) != 1:
        yield f"{block.line}: stage has to have one of {', '.join(sorted(_BODY))}"
    elif not block.words and block.name in KNOWN:
        yield f"{block.line}: {block.name} is empty"
    twice = {each for each in block.words if block.name in {"pipeline", "stage"} and block.words.count(each) > 1}
    yield from (f"{block.line}: {each} stands twice in {block.name}" for each in sorted(twice))
