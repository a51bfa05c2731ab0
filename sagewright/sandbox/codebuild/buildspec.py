"""Why: what a build does is written in its buildspec, and one that AWS would not run must not run here.

https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

PHASES = ("install", "pre_build", "build", "post_build")
TEST_FORMATS = ("JUNITXML",)
COVERAGE_FORMATS = ("COBERTURAXML", "CLOVERXML")
_OTHER_FORMATS = (
    *("CUCUMBERJSON", "NUNITXML", "NUNIT3XML", "TESTNGXML", "VISUALSTUDIOTRX", "JACOCOXML", "SIMPLECOV"),
    "CTRFJSON",
)
_TOP = {"version", "run-as", "env", "proxy", "batch", "phases", "reports", "artifacts", "cache"}
_ENV = {"shell", "variables", "parameter-store", "secrets-manager", "exported-variables", "git-credential-helper"}
_PHASE = {"run-as", "on-failure", "runtime-versions", "commands", "finally", "steps"}
_FILES = {"files", "name", "discard-paths", "base-directory", "exclude-paths", "enable-symlinks", "s3-prefix"}
_SHELLS = {"bash": "bash", "/bin/sh": "sh", "sh": "sh"}
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_MOST_REPORTS = 5


class BuildspecError(Exception):
    """Why a buildspec cannot be run; the text is the phase's context."""


@dataclass(frozen=True)
class Files:
    """Which files are an artifact, or a report."""

    files: tuple[str, ...]
    base_directory: str = ""
    discard_paths: bool = False
    exclude_paths: tuple[str, ...] = ()
    name: str = ""


@dataclass(frozen=True)
class Report:
    """A group of reports, by name or ARN, and the files that are read for it."""

    group: str
    files: Files
    format: str


@dataclass(frozen=True)
class Phase:
    """The commands of a phase."""

    commands: tuple[str, ...] = ()
    finally_: tuple[str, ...] = ()
    on_failure: str = ""
    runtimes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Buildspec:
    """A buildspec of version 0.2."""

    shell: str
    variables: Mapping[str, str]
    parameters: Mapping[str, str]
    secrets: Mapping[str, str]
    exported: tuple[str, ...]
    phases: Mapping[str, Phase]
    reports: tuple[Report, ...]
    artifacts: Files | None
    secondary_artifacts: Mapping[str, Files]
    cache: tuple[str, ...]


def parse(text: str) -> Buildspec:
    """Read a buildspec; refuse what CodeBuild refuses, and by its name what the sandbox does not have."""
    document = _loaded(text)
    _known(document, _TOP, "the buildspec")
    if str(document.get("version", "")) != "0.2":
        given = document.get("version", "none")
        raise BuildspecError(f"Invalid buildspec version: {given}. The sandbox runs version 0.2")
    for absent in ("run-as", "batch", "proxy"):
        if absent in document:
            raise BuildspecError(f"The sandbox's CodeBuild does not have `{absent}`")
    env = _mapping(document.get("env"), "env")
    _known(env, _ENV, "env")
    if _yes(env.get("git-credential-helper")):
        raise BuildspecError("The sandbox's CodeBuild does not have `env/git-credential-helper`")
    phases = _mapping(document.get("phases"), "phases")
    if not phases:
        raise BuildspecError("phases is required in the buildspec")
    _known(phases, set(PHASES), "phases")
    artifacts = _mapping(document.get("artifacts"), "artifacts")
    secondary = _mapping(artifacts.pop("secondary-artifacts", None), "artifacts/secondary-artifacts")
    cache = _mapping(document.get("cache"), "cache")
    _known(cache, {"paths"}, "cache")
    return Buildspec(
        shell=_shell(env),
        variables=_variables(env, "variables"),
        parameters=_variables(env, "parameter-store"),
        secrets=_variables(env, "secrets-manager"),
        exported=_strings(env.get("exported-variables"), "Exported variables"),
        phases={name: _phase(name, phases[name]) for name in PHASES if name in phases},
        reports=_reports(_mapping(document.get("reports"), "reports")),
        artifacts=_files(artifacts, "artifacts") if artifacts or secondary else None,
        secondary_artifacts={
            name: _files(_mapping(given, name), f"artifacts/secondary-artifacts/{name}")
            for name, given in secondary.items()
        },
        cache=_strings(cache.get("paths"), "Paths"),
    )


def _loaded(text: str) -> dict[str, Any]:
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark else ""
        raise BuildspecError(f"Unable to parse the buildspec: YAML error{where}: {error}") from None
    if not isinstance(document, dict):
        raise BuildspecError("The buildspec is no mapping")
    return document


def _phase(name: str, given: Any) -> Phase:
    phase = _mapping(given, f"phases/{name}")
    _known(phase, _PHASE, f"phases/{name}")
    for absent in ("run-as", "steps"):
        if absent in phase:
            raise BuildspecError(f"The sandbox's CodeBuild does not have `phases/{name}/{absent}`")
    on_failure = str(phase.get("on-failure", ""))
    if on_failure not in {"", "ABORT", "CONTINUE"}:
        raise BuildspecError(
            f"phases/{name}/on-failure: The sandbox's CodeBuild has ABORT and CONTINUE, not {on_failure}"
        )
    runtimes = _mapping(phase.get("runtime-versions"), f"phases/{name}/runtime-versions")
    if runtimes and name != "install":
        raise BuildspecError(f"runtime-versions belongs to the phase install, not to {name}")
    if "commands" not in phase and not (name == "install" and runtimes):
        raise BuildspecError(f"phases/{name}/commands is required")
    return Phase(
        commands=_strings(phase.get("commands"), "Commands"),
        finally_=_strings(phase.get("finally"), "Finally"),
        on_failure=on_failure,
        runtimes={str(key): str(value) for key, value in runtimes.items()},
    )


def _reports(given: Mapping[str, Any]) -> tuple[Report, ...]:
    if len(given) > _MOST_REPORTS:
        raise BuildspecError(f"A project can have at most {_MOST_REPORTS} report groups, not {len(given)}")
    return tuple(_report(name, _mapping(each, f"reports/{name}")) for name, each in given.items())


def _report(name: str, given: dict[str, Any]) -> Report:
    kind = str(given.pop("file-format", "JUNITXML")).upper()
    if kind in _OTHER_FORMATS:
        have = ", ".join((*TEST_FORMATS, *COVERAGE_FORMATS))
        raise BuildspecError(f"The sandbox's CodeBuild does not have reports of the format {kind}; it has {have}")
    if kind not in TEST_FORMATS + COVERAGE_FORMATS:
        raise BuildspecError(f"Invalid report file format: {kind}")
    return Report(str(name), _files(given, f"reports/{name}"), kind)


def _files(given: Mapping[str, Any], where: str) -> Files:
    _known(given, _FILES, where)
    for absent in ("enable-symlinks", "s3-prefix"):
        if _yes(given.get(absent)) or (absent == "s3-prefix" and given.get(absent)):
            raise BuildspecError(f"The sandbox's CodeBuild does not have `{where}/{absent}`")
    files = _strings(given.get("files"), "Files")
    if not files:
        raise BuildspecError(f"{where}/files is required")
    return Files(
        files=files,
        base_directory=str(given.get("base-directory", "")),
        discard_paths=_yes(given.get("discard-paths")),
        exclude_paths=_strings(given.get("exclude-paths"), "Exclude paths"),
        name=str(given.get("name", "")),
    )


def _shell(env: Mapping[str, Any]) -> str:
    given = str(env.get("shell", "/bin/sh"))
    if given not in _SHELLS:
        raise BuildspecError(f"Invalid shell: {given}. A Linux image has bash and /bin/sh")
    return _SHELLS[given]


def _variables(env: Mapping[str, Any], member: str) -> dict[str, str]:
    given = _mapping(env.get(member), f"env/{member}")
    for name, value in given.items():
        if not _NAME.fullmatch(str(name)):
            raise BuildspecError(f"env/{member}: {name} is no name of an environment variable")
        if str(name).startswith("CODEBUILD_"):
            raise BuildspecError(f"env/{member}: {name} is reserved: names of CODEBUILD_ are CodeBuild's own")
        if isinstance(value, (dict, list)):
            raise BuildspecError(f"env/{member}/{name}: Expected a string")
    return {str(name): _scalar(value) for name, value in given.items()}


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _strings(given: Any, what: str) -> tuple[str, ...]:
    if given is None:
        return ()
    listed = given if isinstance(given, list) else [given]
    for number, each in enumerate(listed):
        if isinstance(each, dict):
            problem = "found subkeys instead. Please check for colons followed by a space, and quote the command"
            raise BuildspecError(f"Expected {what}[{number}] to be of string type: {problem}")
        if isinstance(each, list) or each is None:
            raise BuildspecError(f"Expected {what}[{number}] to be of string type")
    return tuple(_scalar(each) for each in listed)


def _mapping(given: Any, where: str) -> dict[str, Any]:
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise BuildspecError(f"Expected {where} to be of map type")
    return dict(given)


def _known(given: Mapping[str, Any], known: set[str], where: str) -> None:
    for name in given:
        if name not in known:
            raise BuildspecError(f"{where} has no key {name}; there are {', '.join(sorted(known))}")


def _yes(given: Any) -> bool:
    return given is True or str(given).lower() in {"yes", "true"}
