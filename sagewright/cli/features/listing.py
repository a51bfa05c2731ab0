"""`sagewright features`: the groups, how fresh they are, and who uses them."""

from datetime import UTC, datetime
from typing import Any

from sagewright.cli import sandbox_person
from sagewright.cli.errors import CommandError
from sagewright.cli.options import Options
from sagewright.cli.terminal import table
from sagewright.project import Project

from .catalogue import Catalogue, Group, Reader

_DAY_H = 48


def show(options: Options) -> None:
    """Show the groups of the project's feature store: features, owners, freshness, missing values, who uses them."""
    project = options.project()
    require_groups(project)
    target = options.target(project)
    now = sandbox_person.now(target)
    found = Reader(project, target).read()
    options.terminal.result(as_json(found, now), *_page(found, now))


def require_groups(project: Project) -> None:
    """Refuse a project without a feature store."""
    if not project.features:
        raise CommandError(
            f"{project.name} declares no feature groups. Declare one below `features:` in project.yaml; "
            "`sagewright features infer FILE` writes a first one."
        )


def as_json(found: Catalogue, now: datetime) -> dict[str, Any]:
    """Write the catalogue for programs."""
    return {"groups": [_group_as_json(each, now) for each in found.groups], "left": list(found.left)}


def _group_as_json(group: Group, now: datetime) -> dict[str, Any]:
    declared, ingested = group.declared, group.ingested
    rates, never = ingested.null_rates if ingested else {}, group.never_ingested
    return {
        "name": group.name,
        "version": declared.version if declared.own else declared.used[2],
        "feature_group": group.feature_group,
        "description": declared.description,
        "project": group.project,
        "owner": group.owner,
        "own": declared.own,
        "record_id": declared.record_id,
        "event_time": declared.event_time,
        "online": declared.online is not None,
        "offline": declared.offline,
        "stores": dict(group.stores),
        "source": declared.source,
        "rows": ingested.rows if ingested else None,
        "quarantined": ingested.quarantined if ingested else None,
        "distinct_ids": ingested.distinct_ids if ingested else None,
        "newest_event_time": ingested.newest_event_time if ingested else None,
        "ingested": ingested.at if ingested else None,
        "fresh_hours": declared.fresh_hours,
        "late": group.is_late(now),
        "used_by": list(group.used_by),
        "features": [
            {
                "name": each.name,
                "type": each.type,
                "description": each.description,
                "unit": each.unit,
                "null_rate": rates.get(each.name),
                "never_ingested": each.name in never,
            }
            for each in group.features
        ],
    }


def _page(found: Catalogue, now: datetime) -> list[Any]:
    rows = [
        (
            _named(each),
            each.owner,
            len(each.features),
            f"{each.ingested.rows:,}" if each.ingested else "",
            told_time(each.ingested.newest_event_time) if each.ingested else "",
            freshness(each, now),
            _missing(each),
            f"{each.ingested.quarantined:,}" if each.ingested else "",
            "\n".join(each.used_by) or "nobody",
        )
        for each in found.groups
    ]
    headings = ("Group", "Owner", "Features", "Rows", "Newest", "Ingested", "Most missing", "Set aside", "Used by")
    page: list[Any] = [table(*headings, rows=rows)]
    if found.left:
        listed = ", ".join(found.left)
        page += ["", f"In the account, and not in project.yaml any more (kept, with their data): {listed}"]
    return page


def _named(group: Group) -> str:
    version = group.declared.version if group.declared.own else group.declared.used[2]
    absent = [environment for environment, status in group.stores.items() if status is None]
    failed = [
        f"{environment} {status}" for environment, status in group.stores.items() if status and "Failed" in status
    ]
    told = f" (not deployed in {', '.join(absent)})" if absent else f" ({', '.join(failed)})" if failed else ""
    return f"{group.name} v{version}{told}"


def freshness(group: Group, now: datetime) -> str:
    """Say how long ago something was last ingested, and whether that is too long."""
    age = group.age_h(now)
    if age is None:
        told = "never"
    else:
        told = (
            f"{age * 60:.0f} min ago" if age < 1 else f"{age:.0f} h ago" if age < _DAY_H else f"{age / 24:.0f} days ago"
        )
    return f"{told}, LATE" if group.is_late(now) else told


def _missing(group: Group) -> str:
    if group.ingested is None:
        return ""
    rates = {name: rate for name, rate in group.ingested.null_rates.items() if rate}
    told = [f"never ingested: {', '.join(never)}"] if (never := group.never_ingested) else []
    if rates:
        most = max(rates, key=lambda name: rates[name])
        told.insert(0, f"{most} {rates[most]:.1%}")
    return "; ".join(told) or "nothing"


def told_time(text: str | None) -> str:
    """Write an event time for people."""
    if text is None:
        return ""
    return f"{datetime.fromisoformat(text).astimezone(UTC):%Y-%m-%d %H:%M}"
