"""What was proved in an environment: written beside a version's copy there, and what a rollback chooses from."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from .client import Client
from .objects import Location, listing, read_json

FILE = "verified.json"
TAKEN_BACK = "taken-back.json"
"""What a rollback notes beside the copy of the version that it takes away: nothing goes back to that one by itself."""
BEGUN = "before.json"
"""What a promotion notes beside a version's copy before anything is deployed: without a proof it never got one."""


@dataclass(frozen=True)
class Verified:
    """One version's proof: the config that answered, when and by which execution, and what was measured."""

    number: int
    model_package_arn: str
    endpoint_config: str
    when: str
    execution: str
    approver: str = ""
    measured: dict[str, Any] | None = None
    """None where only that it runs was proved, and no request was sent."""

    @classmethod
    def now(cls, arn: str, config: str, execution: str, *, approver: str = "", measured: Any = None) -> "Verified":
        """Make the proof of a version that was just verified."""
        when = datetime.now(UTC).isoformat(timespec="milliseconds")
        return cls(int(arn.rpartition("/")[2]), arn, config, when, execution, approver, measured)


def write(s3: Client, releases: Location, proof: Verified) -> None:
    """Write a proof down; of a version that was verified before, the last proof counts."""
    note = releases / str(proof.number) / FILE
    body = json.dumps(asdict(proof), indent=2).encode()
    s3.put_object(Bucket=note.bucket, Key=note.key, Body=body, ContentType="application/json")


def take_back(s3: Client, releases: Location, number: int, execution: str) -> None:
    """Note that a version was taken away; a later proof of the same version makes the note void."""
    note = releases / str(number) / TAKEN_BACK
    told = {"number": number, "when": datetime.now(UTC).isoformat(timespec="milliseconds"), "execution": execution}
    body = json.dumps(told, indent=2).encode()
    s3.put_object(Bucket=note.bucket, Key=note.key, Body=body, ContentType="application/json")


def taken_back(s3: Client, releases: Location, proofs: Iterable[Verified]) -> set[int]:
    """List the versions that were taken away, and not verified again since."""
    proved = {proof.number: proof.when for proof in proofs}
    notes = [
        read_json(s3, Location(releases.bucket, each["Key"]))
        for each in listing(s3, Location(releases.bucket, f"{releases.key.rstrip('/')}/"))
        if each["Key"].endswith(f"/{TAKEN_BACK}")
    ]
    return {note["number"] for note in notes if note["when"] >= proved.get(note["number"], "")}


def begun(s3: Client, releases: Location) -> set[int]:
    """List the versions that a promotion has brought here, proved or not."""
    keys = (each["Key"] for each in listing(s3, Location(releases.bucket, f"{releases.key.rstrip('/')}/")))
    return {int(key.split("/")[-2]) for key in keys if key.endswith(f"/{BEGUN}")}


def read(s3: Client, releases: Location) -> list[Verified]:
    """Read the proofs of an environment, the latest first."""
    found = [
        Verified(**read_json(s3, Location(releases.bucket, each["Key"])))
        for each in listing(s3, Location(releases.bucket, f"{releases.key.rstrip('/')}/"))
        if each["Key"].endswith(f"/{FILE}")
    ]
    return sorted(found, key=lambda proof: proof.when, reverse=True)
