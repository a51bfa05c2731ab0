"""Why: whatever runs on instances needs the same things of the sandbox around it, so they travel together."""

from dataclasses import dataclass
from pathlib import Path

from ...clients import Clients
from ...images.containers import Containers
from ..store import Store


@dataclass(frozen=True)
class Where:
    """The records, the other services, the place to run containers, and the folder for their files."""

    store: Store
    clients: Clients
    containers: Containers
    folder: Path
