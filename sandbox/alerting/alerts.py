"""Alerts: one for each query-level trigger while it fires, its state, and what is left of it afterwards.

A current alert is ACTIVE, ACKNOWLEDGED or ERROR; one that is COMPLETED or DELETED is history and never changes again.
"""

import threading
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sandbox.alerting.clock import Clock
from sandbox.alerting.store import Store
from sandbox.alerting.values import Json, new_id

CURRENT = "alert"
HISTORY = "past_alert"
SCHEMA_VERSION = 5
ERRORS_KEPT = 10
WHY_NOT_ACKNOWLEDGED = {
    "ERROR": "Alert is in an error state and can not be acknowledged.",
    "COMPLETED": "Alert has already completed and can not be acknowledged.",
    "ACKNOWLEDGED": "Alert has already been acknowledged.",
}


class Alerts:
    """All alerts. Safe to use from many threads."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._lock = threading.RLock()
        self._current = store.read(CURRENT)
        self._past = store.read(HISTORY)

    def current(self, monitor_id: str, trigger_id: str) -> Json | None:
        """The alert that this trigger has now."""
        with self._lock:
            for alert in self._current.values():
                if (alert["monitor_id"], alert["trigger_id"]) == (monitor_id, trigger_id):
                    return alert
        return None

    def save(self, alert: Json) -> None:
        """Store an alert that `composed` gave. A completed one becomes history, as a new document there."""
        with self._lock:
            if alert["state"] in {"COMPLETED", "DELETED"}:
                self._current.pop(alert["id"], None)
                self._store.remove(CURRENT, alert["id"])
                self._past[alert["id"]] = {**alert, "version": 1}
                self._store.write(HISTORY, alert["id"], self._past[alert["id"]])
            else:
                self._current[alert["id"]] = {**alert, "version": alert["version"] + 1}
                self._store.write(CURRENT, alert["id"], self._current[alert["id"]])

    def delete(self, monitor_id: str, keep: set[str]) -> None:
        """The alerts of a monitor's triggers, but for those to keep, become DELETED."""
        with self._lock:
            gone = [a for a in self._current.values() if a["monitor_id"] == monitor_id and a["trigger_id"] not in keep]
            for alert in gone:
                self.save({**alert, "state": "DELETED"})

    def acknowledge(self, monitor_id: str, ids: list[str]) -> Json:
        """Acknowledge alerts of a monitor; answers which were, and why others were not."""
        success: list[str] = []
        failed: list[Json] = []
        missing: list[Json] = []
        with self._lock:
            for alert_id in ids:
                alert = self._current.get(alert_id)
                if alert is None or alert["monitor_id"] != monitor_id:
                    reason = f"Alert: {alert_id} does not exist (it may have already completed)."
                    missing.append({alert_id: {"failed_reason": reason}})
                elif alert["state"] != "ACTIVE":
                    failed.append({alert_id: {"failed_reason": WHY_NOT_ACKNOWLEDGED[alert["state"]]}})
                else:
                    self.save({**alert, "state": "ACKNOWLEDGED", "acknowledged_time": self._clock.now()})
                    success.append(alert_id)
        return {"success": success, "failed": failed + missing}

    def search(self, params: Mapping[str, str]) -> Json:
        """The answer of `GET …/monitors/alerts`: filtered, sorted and paged as its parameters say."""
        with self._lock:
            alerts = [*self._current.values(), *self._past.values()]
        for parameter, field in (("monitorId", "monitor_id"), ("alertState", "state"), ("severityLevel", "severity")):
            wanted = params.get(parameter, "ALL")
            if wanted != "ALL":
                alerts = [alert for alert in alerts if alert[field] == wanted]
        words = params.get("searchString", "").lower().replace("*", " ").split()
        alerts = [
            a for a in alerts if all(word in f"{a['monitor_name']} {a['trigger_name']}".lower() for word in words)
        ]
        key = params.get("sortString", "monitor_name.keyword").removesuffix(".keyword")
        known = [alert for alert in alerts if alert.get(key) is not None]
        known.sort(key=lambda alert: alert[key], reverse=params.get("sortOrder", "asc") == "desc")
        ordered = known + [alert for alert in alerts if alert.get(key) is None]
        first, size = int(params.get("startIndex", 0)), int(params.get("size", 20))
        return {"alerts": ordered[first : first + size], "totalAlerts": len(alerts)}


def composed(
    before: Json | None, monitor: Mapping[str, Any], trigger: Json, result: Json, error: str | None, now: int
) -> Json | None:
    """The alert after a run, from the one before it; None if there is none, or if an acknowledged one stays as it is.

    `monitor` holds `id`, `version` and `name`; `result` is the trigger's part of the run's answer; `error` is what the
    alert tells of the search, the condition or the action that failed.
    """
    executions = _executions(before, result["action_results"])
    history = before["alert_history"] if before else []
    if error is not None:
        history = [{"timestamp": now, "message": error}, *history][:ERRORS_KEPT]
    common = {"error_message": error, "alert_history": history, "action_execution_results": executions}
    if error is None and not result["triggered"]:
        return {**before, **common, "state": "COMPLETED", "end_time": now} if before else None
    if error is None and before is not None and before["state"] == "ACKNOWLEDGED":
        return None
    alert = before or _new(monitor, trigger, now)
    return {**alert, **common, "state": "ACTIVE" if error is None else "ERROR", "last_notification_time": now}


def _new(monitor: Mapping[str, Any], trigger: Json, now: int) -> Json:
    moment = datetime.fromtimestamp(now / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
    return {
        "id": new_id(),
        "version": 0,
        "monitor_id": monitor["id"],
        "workflow_id": "",
        "workflow_name": "",
        "associated_alert_ids": [],
        "schema_version": SCHEMA_VERSION,
        "monitor_version": monitor["version"],
        "monitor_name": monitor["name"],
        "execution_id": f"{monitor['id']}_{moment}000_{uuid.uuid4()}",
        "trigger_id": trigger["id"],
        "trigger_name": trigger["name"],
        "finding_ids": [],
        "related_doc_ids": [],
        "state": "ACTIVE",
        "error_message": None,
        "alert_history": [],
        "severity": trigger["severity"],
        "action_execution_results": [],
        "start_time": now,
        "last_notification_time": now,
        "end_time": None,
        "acknowledged_time": None,
    }


def _executions(before: Json | None, results: dict[str, Json]) -> list[Json]:
    """When each action last ran, and how often it was throttled."""
    executions: list[Json] = []
    seen = before["action_execution_results"] if before else []
    for execution in seen:
        result = results.get(execution["action_id"])
        if result is None:
            executions.append(execution)
        elif result["throttled"]:
            executions.append({**execution, "throttled_count": execution["throttled_count"] + 1})
        else:
            executions.append({**execution, "last_execution_time": result["executionTime"]})
    known = {execution["action_id"] for execution in seen}
    executions += [
        {"action_id": key, "last_execution_time": result["executionTime"], "throttled_count": int(result["throttled"])}
        for key, result in results.items()
        if key not in known
    ]
    return executions
