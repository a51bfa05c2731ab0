"""What was proved in an environment: written beside a version's copy there, and what a rollback chooses from."""

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from .client import Client
from .objects import Location, listing, read_json

FILE = "verified.json"
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
