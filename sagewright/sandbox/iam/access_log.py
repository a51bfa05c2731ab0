"""Why: what was allowed by which statement tells whether a role's policy is just enough."""

import json
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .decision import Access, Decision

FLUSH_S = 1.0


class AccessLog:
    """Every decision as one line of JSON, written in the background."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._waiting: list[tuple[datetime, Access, Decision, str]] = []
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, name="access-log", daemon=True)
        self._thread.start()

    def add(self, access: Access, decision: Decision, via: str) -> None:
        """Keep a decision; `via` is the service that acted, empty where a caller did."""
        with self._lock:
            self._waiting.append((datetime.now(UTC), access, decision, via))

    def flush(self) -> None:
        """Write what waits."""
        with self._lock:
            waiting = self._waiting.copy()
            self._waiting.clear()
            if waiting:
                with self.path.open("a", encoding="utf-8") as file:
                    file.writelines(json.dumps(_line(*each)) + "\n" for each in waiting)

    def close(self) -> None:
        """Write the rest and stop."""
        self._done.set()
        self._thread.join()
        self.flush()

    def _run(self) -> None:
        while not self._done.wait(FLUSH_S):
            self.flush()


def _line(time: datetime, access: Access, decision: Decision, via: str) -> dict[str, Any]:
    return {
        "time": time.isoformat(timespec="milliseconds"),
        "principal": access.principal.arn,
        "role": access.principal.role_arn,
        "action": access.action,
        "resource": access.resource,
        "account": access.account,
        "context": {key: list(value) if not isinstance(value, str) else value for key, value in access.context.items()},
        "allowed": decision.allowed,
        "reason": decision.reason.value,
        "matched": [list(each) for each in decision.matched],
        "via": via,
    }
