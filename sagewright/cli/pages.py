"""How a version looks to a person: its metrics against the threshold, and the record that an approver decides by."""

from collections import Counter
from typing import Any

from rich.console import Group
from rich.markup import escape
from rich.table import Table

from sagewright.project.metrics import METRICS
from sagewright.runtime.functions import evidence
from sagewright.runtime.functions.evidence import Evidence
from sagewright.runtime.functions.model_versions import Version

from .terminal import table
from .training import number

MOST_COLUMNS = 20
MARKS = {"Approved": "[green]Approved[/]", "Rejected": "[red]Rejected[/]"}


def evaluation_page(report: dict[str, Any], deciding: str, threshold: float | None) -> Group:
    """Show the metrics on the held-out rows, the one that decides first, and the report by class."""
    metrics = evidence.metrics_of(report)
    ordered = sorted(metrics, key=lambda name: name != deciding)
    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in ("Metric", "Value", ""):
        made.add_column(heading, justify="right" if heading == "Value" else "left")
    for name in ordered:
        decides = name == deciding
        told = _judged(name, threshold) if decides else ""
        style = "bold" if decides else None
        made.add_row(name, number(metrics[name]), told, style=style)
    for name, value in report.get("custom", {}).items():
        made.add_row(escape(name), number(value), "[dim]your evaluate()[/]")
    parts = [f"\nOn {report['rows']:,} held-out rows", made]
    if "champion" in report:
        has = f", which has {number(champion['value'])}" if (champion := report["champion"])["compared"] else ""
        parts.append(f"\nAgainst what was live: {escape(standing(champion))}{has}")
    if "classification_report" in report:
        parts += ["", _by_class(report)]
    return Group(*parts)


def standing(champion: dict[str, Any]) -> str:
    """Say in a line how a version stands against the one that was live when it was trained."""
    if not champion["compared"]:
        return f"not compared: {champion['reason']}"
    other, by = f"version {champion['version']}", champion["advantage"]
    return f"{number(abs(by))} {'better' if by > 0 else 'worse'} than {other}" if by else f"as good as {other}"


def _judged(metric: str, threshold: float | None) -> str:
    bound = next((judge.bound for name, judge in METRICS.items() if name == metric), None)
    return "the gate judged by this one" if threshold is None or bound is None else f"{bound} {number(threshold)}"


def _by_class(report: dict[str, Any]) -> Table:
    by_class = report["classification_report"]
    rows = [
        (
            label,
            *(number(by_class[str(label)][column]) for column in ("precision", "recall", "f1-score")),
            f"{by_class[str(label)]['support']:,.0f}",
        )
        for label in report["classes"]
    ]
    return table(str(report["label"]), "precision", "recall", "f1", "rows", rows=rows)


def version_page(version: Version, collected: Evidence, live: dict[str, int | None]) -> Group:
    """Show everything about a version on one page."""
    serving = ", ".join(name for name, number in live.items() if number == version.number)
    facts = [
        ("Status", version.status + (f": {version.note}" if version.note else "")),
        *_life_cycle(version),
        ("Live in", serving or "nowhere"),
        ("Registered", f"{version.created:%Y-%m-%d %H:%M:%S %Z}"),
        ("Git commit", version.metadata["GitCommit"]),
        ("Execution", version.metadata["ExecutionArn"]),
        ("Code bundle", version.metadata["CodeBundle"]),
        ("Image", version.image),
        ("Model", version.model_data),
        ("ARN", version.arn),
    ]
    return Group(
        f"[bold]Version {version.number}[/]",
        table("", "", rows=facts),
        evaluation_page(collected.evaluation, version.metric, collected.threshold),
        "\n[bold]Data[/]",
        table("", "", rows=_data(collected.baseline)),
        "\n[bold]Hyperparameters[/]",
        table("", "", rows=list(collected.hyperparameters.items()) or [("none", "")]),
    )


def _life_cycle(version: Version) -> list[tuple[str, object]]:
    """Say where a version is in its life cycle, and why; nothing where nobody has said so."""
    if version.stage is None:
        return []
    return [("Life cycle", version.stage + (f": {version.stage_note}" if version.stage_note else ""))]


def _data(baseline: dict[str, Any]) -> list[tuple[str, object]]:
    manifest: dict[str, Any] = baseline["manifest"]
    rows = f"{manifest['rows']:,} read, {manifest['rows_without_label']:,} dropped without a label, "
    rows += f"{manifest['train_rows']:,} to train, {manifest['test_rows']:,} held out"
    return [
        ("Files", ", ".join(manifest["files"])),
        ("Rows", rows),
        ("SHA-256", manifest["sha256"]),
        ("Data version", manifest["data_version"]),
        *_joined(manifest),
        ("Label", baseline["label"]),
        ("Columns", _columns(baseline["columns"])),
    ]


def _joined(manifest: dict[str, Any]) -> list[tuple[str, object]]:
    """Say which feature groups the rows were joined with; nothing of rows that were not."""
    read = joined_with(manifest)
    if read is None:
        return []
    return [
        ("Joined with", ", ".join(_group(each["table"]) for each in read["groups"])),
        ("Query", f"{read['query']['id']}; --json has its text"),
    ]


def _group(table: str) -> str:
    """Name the group and the version whose history is in a table, such as `shop_features.weather_v2`."""
    group, _, version = table.rpartition(".")[2].rpartition("_v")
    return f"{group} v{version}"


def joined_with(manifest: dict[str, Any]) -> dict[str, Any] | None:
    """Return the groups that the rows were joined with, and the query; None where they were not joined."""
    dataset = manifest.get("dataset")
    return None if dataset is None else {"groups": dataset["groups"], "query": dataset["query"]}


def _columns(columns: list[dict[str, Any]]) -> str:
    """List the columns, or where there are too many to read, how many of each type."""
    if len(columns) <= MOST_COLUMNS:
        return ", ".join(f"{column['name']} ({column['type']})" for column in columns)
    types = Counter(column["type"] for column in columns)
    counted = ", ".join(f"{count} {name}" for name, count in types.most_common())
    return f"{len(columns)} ({counted}); --json lists them"
