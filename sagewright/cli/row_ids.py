"""Rows by their ids, as the command line gives them: the endpoint looks their features up."""

import json
import re
from collections.abc import Sequence

from sagewright.project import Project

from .errors import CommandError

# How an endpoint says that a row is without a column that no feature group has.
_REQUIRED = re.compile(r"column (\S+): a value is required")


def keys(project: Project) -> list[str]:
    """Name the columns that a row is looked up by: those of the join that no group before gives."""
    given: set[str] = set()
    found: dict[str, None] = {}
    for each in project.first.data.join or ():
        group = project.features[each.group]
        key = each.on or group.record_id
        if key not in given:
            found[key] = None
        given |= {*(each.features or group.values)}
    return [*found]


def looked_up(project: Project) -> set[str]:
    """Name the features that an endpoint looks up."""
    joins = project.first.data.join or ()
    return {name for each in joins for name in each.features or project.features[each.group].values}


def rows(project: Project, texts: Sequence[str]) -> list[str]:
    """Read `VALUE`, or `NAME=VALUE,…` for a row of several columns, as rows in JSON."""
    needed = keys(project)
    if not needed:
        raise CommandError(
            "--id: nothing is looked up for this project, because it has no data.join. Send its features with --row, "
            "--file or --held-out."
        )
    return [json.dumps(_row(text, needed)) for text in texts]


def hint(project: Project, texts: Sequence[str], refusal: str) -> str:
    """Say how columns go beside an id where an endpoint refused rows without them; nothing where that is not why."""
    absent = list(dict.fromkeys(_REQUIRED.findall(refusal)))
    if not absent:
        return ""
    row = _row(texts[0], keys(project)) | dict.fromkeys(absent, "…")
    listed = ",".join(f"{name}={value}" for name, value in row.items())
    return f" What no feature group has goes beside the id, such as: --id {listed}"


def _row(text: str, needed: Sequence[str]) -> dict[str, str]:
    if "=" not in text:
        if len(needed) > 1:
            listed = ",".join(f"{name}=…" for name in needed)
            raise CommandError(f"--id {text}: a row is looked up by {' and '.join(needed)}; give --id {listed}.")
        return {needed[0]: text}
    row: dict[str, str] = {}
    for part in text.split(","):
        name, equals, value = part.partition("=")
        if not equals or not name.strip():
            raise CommandError(
                f"--id {text}: '{part}' is not NAME=VALUE. A value with a comma in it goes into --row, as JSON."
            )
        row[name.strip()] = value
    absent = [name for name in needed if name not in row]
    if absent:
        raise CommandError(f"--id {text}: {' and '.join(absent)} is missing; a row is looked up by it.")
    return row
