"""What the endpoint says to ids alone, held to what it says to the same rows in full.

A held-out row that is newer than everything that was ingested was joined with the newest row of each group, which is
what the online store holds: looked up or sent along, its features must be the same, and so must the answer.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sagewright.cli import row_ids
from sagewright.cli.asking import Endpoint, Prediction, Request, ask
from sagewright.cli.errors import CommandError
from sagewright.cli.features.catalogue import Group, Reader
from sagewright.cli.target import Target
from sagewright.project import Project
from sagewright.runtime.functions import evidence
from sagewright.runtime.functions.evidence import HeldOut
from sagewright.runtime.functions.model_versions import Version
from sagewright.runtime.serving import event_times

SINGLE_REQUESTS = 20
_MOST_ROWS = 100
_ALL = 1_000_000_000
# Both are worked out from the same numbers; what differs in the last digits only is written the same.
_DIGITS = 9


@dataclass(frozen=True)
class LookedUp:
    """The groups as they are, the rows that were asked for by id, and how the answers compare."""

    groups: Sequence[Group]
    keys: Sequence[str]
    known: HeldOut
    predictions: Sequence[Prediction]
    in_full: Sequence[Prediction]
    latencies_ms: Sequence[float]

    @property
    def median_ms(self) -> float:
        """The time that half of the single ids took at most."""
        return sorted(self.latencies_ms)[len(self.latencies_ms) // 2]

    def check(self) -> None:
        """Raise where an answer by id is not that to the row in full."""
        for record, by_id, in_full in zip(self.known.records, self.predictions, self.in_full, strict=True):
            if _rounded(by_id) != _rounded(in_full):
                raise CommandError(
                    f"{record} asked by its id alone is {_rounded(by_id)}, and with all its features "
                    f"{_rounded(in_full)}: the endpoint should look up what the training joined."
                )


def collect(project: Project, target: Target, version: Version) -> LookedUp:
    """Ask for the newest held-out rows by their ids, and in full."""
    groups = Reader(project, target).read().groups
    keys, known = row_ids.keys(project), _newest(project, target, version, groups)
    ids = [{name: row[name] for name in keys} for row in known.rows]
    endpoint = Endpoint.of(project, target, project.serving[0])
    latencies: list[float] = []
    for row in ids[:SINGLE_REQUESTS]:
        began = time.monotonic()
        ask(endpoint, Request.of_texts([row]))
        latencies.append((time.monotonic() - began) * 1000)
    predictions, in_full = (ask(endpoint, Request.of_texts(rows)) for rows in (ids, known.rows))
    found = LookedUp(groups, keys, known, predictions, in_full, latencies)
    found.check()
    return found


def _newest(project: Project, target: Target, version: Version, groups: Sequence[Group]) -> HeldOut:
    """Read the held-out rows that are newer than all that was ingested."""
    data = project.first.data
    joined = {each.group for each in data.join or ()}
    newest_ms = max(
        event_times.milliseconds(each.ingested.newest_event_time)
        for each in groups
        if each.name in joined and each.ingested is not None and each.ingested.newest_event_time
    )
    known = evidence.held_out(target.client("s3", project.first), version, _ALL)
    chosen = [number for number, row in enumerate(known.rows) if _moment_ms(row, data.event_time) >= newest_ms]
    if not chosen:
        raise CommandError("No held-out row is newer than what was ingested: there is none to ask for by its id.")
    chosen = chosen[-_MOST_ROWS:]
    return HeldOut(
        [known.rows[number] for number in chosen],
        [known.records[number] for number in chosen],
        [known.truths[number] for number in chosen],
    )


def _moment_ms(row: Mapping[str, str], event_time: str | None) -> int:
    return event_times.milliseconds(row[event_time or ""])


def _rounded(prediction: Prediction) -> tuple[str, dict[str, float]]:
    return str(prediction.value), {name: round(each, _DIGITS) for name, each in prediction.probabilities.items()}
