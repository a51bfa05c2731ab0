"""Why: what an alarm did while nobody looked is asked afterwards: when it fired, and whether somebody was told."""

import json
import threading
from typing import Any

from .held_alarm import HeldAlarm, moment
from .metrics import Place

KEPT_S = 14 * 24 * 3600
"""https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/AlarmThatSendsEmail.html: two weeks."""
_MOST_DATA = 4095


class History:
    """What became of each account's alarms; it outlives the alarms."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._items: dict[Place, list[dict[str, Any]]] = {}

    def items(self, place: Place, now_s: float) -> list[dict[str, Any]]:
        """Return what is still kept, the oldest first."""
        with self._lock:
            oldest = moment(now_s - KEPT_S)
            kept = [item for item in self._items.get(place, ()) if item["Timestamp"] >= oldest]
            self._items[place] = kept
            return list(kept)

    def configured(self, alarm: HeldAlarm, how: str, at_s: float) -> None:
        """Remember that an alarm was created, updated or deleted."""
        data = {"version": "1.0", "type": how.removesuffix("d").capitalize(), f"{how}Alarm": alarm.request}
        self._add(alarm, at_s, "ConfigurationUpdate", f'Alarm "{alarm.name}" {how}', data)

    def changed(self, summary: str, alarm: HeldAlarm, at_s: float, data: dict[str, Any]) -> None:
        """Remember another state."""
        self._add(alarm, at_s, "StateUpdate", summary, data)

    def acted(self, alarm: HeldAlarm, action: str, at_s: float, error: str | None) -> None:
        """Remember an action, and why it failed if it did."""
        summary = f"Failed to execute action {action}" if error else f"Successfully executed action {action}"
        state = "Failed" if error else "Succeeded"
        data = {"actionState": state, "notificationResource": action, "stateUpdateTimestamp": round(at_s * 1000)}
        self._add(alarm, at_s, "Action", summary, {**data, "error": error})

    def _add(self, alarm: HeldAlarm, at_s: float, kind: str, summary: str, data: dict[str, Any]) -> None:
        item = {
            "AlarmName": alarm.name,
            "AlarmType": "MetricAlarm",
            "Timestamp": moment(at_s),
            "HistoryItemType": kind,
            "HistorySummary": summary[:255],
            "HistoryData": json.dumps(data, default=str)[:_MOST_DATA],
        }
        with self._lock:
            self._items.setdefault(alarm.place, []).append(item)
