"""Why: a project, and each start that overrides parts of it, must be something that the sandbox can really build."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from .images import check_environment
from .origins import CODECOMMIT, CONNECTED, name_of
from .refusals import invalid, lacking
from .shelf import Record

_SOURCES = ("CODEPIPELINE", "CODECOMMIT", "S3", "NO_SOURCE", *CONNECTED)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_IDENTIFIER = re.compile(r"[A-Za-z0-9_]{1,127}")
_ABSENT = {
    "fileSystemLocations": "file systems",
    "buildBatchConfig": "batch builds",
    "vpcConfig": "builds in a VPC (vpcConfig)",
    "badgeEnabled": "badges",
    "autoRetryLimit": "automatic retries (autoRetryLimit)",
    "resourceAccessRole": "public builds",
}
_CACHES = ("LOCAL_SOURCE_CACHE", "LOCAL_CUSTOM_CACHE")


def check(definition: Record) -> None:
    """Refuse what AWS refuses, and by its name what the sandbox does not have."""
    for member, what in _ABSENT.items():
        if definition.get(member):
            raise lacking(what)
    check_environment(definition["environment"])
    check_variables(definition["environment"].get("environmentVariables", ()))
    _check_source(definition["source"])
    for each in definition.get("secondarySources", ()):
        _check_identifier("sourceIdentifier", each)
        _check_source(each)
    _check_artifacts(definition)
    _check_cache(definition.get("cache", {"type": "NO_CACHE"}))
    if definition.get("logsConfig", {}).get("s3Logs", {}).get("status", "DISABLED") != "DISABLED":
        raise lacking("logs in S3 (s3Logs)", "It writes to CloudWatch Logs.")


def check_variables(variables: Iterable[Mapping[str, Any]]) -> None:
    """Refuse names that no environment has, CodeBuild's own, and one name twice."""
    names = [each["name"] for each in variables]
    for name in names:
        if not _NAME.fullmatch(name):
            raise invalid(f"Invalid environment variable name: {name}")
        if name.startswith("CODEBUILD_"):
            raise invalid(f"Invalid environment variable name: {name}: CODEBUILD_ is reserved")
    if len(names) != len(set(names)):
        raise invalid("Invalid environment variables: a name is there twice")


def _check_source(source: Record) -> None:
    kind = source["type"]
    if kind not in _SOURCES:
        raise lacking(f"sources of the type {kind}", f"It has {', '.join(_SOURCES)}.")
    if kind in {"CODECOMMIT", "S3"} and not source.get("location"):
        raise invalid(f"Invalid project source: location must not be empty for the type {kind}")
    if kind == "CODECOMMIT" and not CODECOMMIT.fullmatch(source["location"]):
        raise invalid(f"Invalid project source: {source['location']} is no URL of a CodeCommit repository")
    if kind == "S3" and "/" not in source["location"].removeprefix("s3://").removeprefix("arn:aws:s3:::"):
        raise invalid(f"Invalid project source: {source['location']} is not of the form bucket/path")
    if kind == "NO_SOURCE" and not is_inline(source.get("buildspec", "")):
        raise invalid("Invalid project source: NO_SOURCE needs a buildspec in the project itself")
    if kind in CONNECTED:
        _check_connected(source)
        return
    if source.get("buildspec", "").startswith(("arn:aws:s3:", "s3://")):
        raise lacking("buildspecs in S3")
    for member, what in (
        ("auth", "authorizations of sources (auth)"),
        ("reportBuildStatus", "build statuses at the source provider (reportBuildStatus)"),
        ("buildStatusConfig", "build statuses at the source provider (buildStatusConfig)"),
        ("insecureSsl", "sources without a certificate (insecureSsl)"),
    ):
        if source.get(member):
            raise lacking(what)


def _check_connected(source: Record) -> None:
    kind, auth = source["type"], source.get("auth", {})
    if auth.get("type") != "CODECONNECTIONS" or not auth.get("resource"):
        raise lacking(f"sources of the type {kind} without a connection", "Its auth is of the type CODECONNECTIONS.")
    if not name_of(source):
        raise invalid(f"Invalid project source: {source.get('location', '')} is no URL of a repository of {kind}")
    if source.get("insecureSsl"):
        raise lacking("sources without a certificate (insecureSsl)")


def is_inline(buildspec: str) -> bool:
    """Whether a buildspec is the text itself; a path has one line and no colon followed by a space."""
    return "\n" in buildspec or ": " in buildspec or buildspec.lstrip().startswith("{")


def _check_artifacts(definition: Record) -> None:
    piped = definition["source"]["type"] == "CODEPIPELINE"
    artifacts = [definition["artifacts"], *definition.get("secondaryArtifacts", ())]
    for each in artifacts:
        if (each["type"] == "CODEPIPELINE") != piped:
            raise invalid("Invalid artifacts: the type CODEPIPELINE is for source and artifacts, or for none of them")
        if each["type"] == "S3" and not each.get("location"):
            raise invalid("Invalid artifacts: location must not be empty for the type S3")
        if each.get("bucketOwnerAccess", "NONE") != "NONE":
            raise lacking("bucketOwnerAccess of artifacts")
    for each in artifacts[1:]:
        _check_identifier("artifactIdentifier", each)


def _check_identifier(member: str, given: Record) -> None:
    if not _IDENTIFIER.fullmatch(given.get(member, "")):
        raise invalid(f"Invalid {member}: {given.get(member, '')!r}: letters, digits and _ are allowed, up to 127")


def _check_cache(cache: Record) -> None:
    if cache["type"] == "S3" and not cache.get("location"):
        raise invalid("Invalid cache: location must not be empty for the type S3")
    if cache.get("cacheNamespace"):
        raise lacking("cacheNamespace")
    if cache["type"] != "LOCAL":
        return
    if not cache.get("modes"):
        raise invalid("Invalid cache: modes must not be empty for the type LOCAL")
    for mode in cache["modes"]:
        if mode not in _CACHES:
            raise lacking(f"the cache mode {mode}", f"It has {', '.join(_CACHES)}.")
