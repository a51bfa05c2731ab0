"""Why: a role's keys end within the hour and an endpoint goes on: SDKs in its containers read new ones by themselves.

SageMaker gives containers an address that they ask for keys. Here it is a file, which the SDKs' own way to call another
program reads: https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html
"""

import json
import shlex
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ...clients import ActingClients

# A service's session is good for a quarter of an hour at least when it is handed out. SDKs come back a quarter of an
# hour before what they are told is the end, so that is told to be later than it is.
_TOLD = timedelta(minutes=28)


class RoleKeys:
    """The role's keys on one instance."""

    def __init__(self, folder: Path) -> None:
        self._keys = folder / "aws" / "keys.json"
        self._config = folder / "aws" / "config"

    def write(self, acting: ActingClients) -> None:
        """Put keys there, in the place of those before; whoever reads meanwhile gets the one or the other."""
        self._keys.parent.mkdir(parents=True, exist_ok=True)
        keys = acting.keys
        given = {
            "Version": 1,
            "AccessKeyId": keys.access_key,
            "SecretAccessKey": keys.secret,
            "SessionToken": keys.token,
            "Expiration": (datetime.now(UTC) + _TOLD).isoformat(),
        }
        new = self._keys.with_suffix(".new")
        new.write_text(json.dumps(given))
        new.replace(self._keys)

    def variables(self, acting: ActingClients) -> dict[str, str]:
        """Write the first keys, and return the variables by which programs find them."""
        self.write(acting)
        self._config.write_text(f"[default]\ncredential_process = cat {shlex.quote(str(self._keys))}\n")
        return {"AWS_ENDPOINT_URL": acting.endpoint, "AWS_CONFIG_FILE": str(self._config)}
