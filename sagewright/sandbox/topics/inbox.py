"""Why: messages that AWS would send by e-mail must be seen without sending any."""

import threading
import uuid
from datetime import UTC, datetime
from typing import Any

from ..clock import Clock


class Inbox:
    """What would have been sent by e-mail, in order, whoever it is for."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._messages: list[dict[str, str]] = []

    def take(self, *, to: str, subject: str, text: str, topic: str) -> None:
        """Keep one message, with the moment at which it came."""
        time = datetime.fromtimestamp(self._clock.now(), UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        parts = {"to": to, "subject": subject, "text": text, "topic": topic}
        with self._lock:
            self._messages.append({"id": str(uuid.uuid4()), "time": time, **parts})

    def document(self) -> dict[str, Any]:
        """Return what /_sandbox/inbox shows: every message with id, time, to, subject, text, topic; newest last."""
        with self._lock:
            return {"messages": [dict(message) for message in self._messages]}
