"""Monitors: made, changed, read and deleted as through the plugin's API.

A stored monitor is `{"_version", "_seq_no", "_primary_term", "monitor"}`. One that is disabled has no `enabled_time`.
"""

import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from sandbox.alerting import normalform, schedules
from sandbox.alerting.alerts import Alerts
from sandbox.alerting.clock import Clock
from sandbox.alerting.errors import STATUS_EXCEPTION, alerting_error
from sandbox.alerting.node import Node, failure
from sandbox.alerting.store import Store
from sandbox.alerting.values import Json, new_id

KIND = "monitor"
QUERY_LEVEL = "query_level_monitor"
TRIGGERS = {
    QUERY_LEVEL: "query_level_trigger",
    "bucket_level_monitor": "bucket_level_trigger",
    "doc_level_monitor": "document_level_trigger",
    "cluster_metrics_monitor": "query_level_trigger",
}
SCHEMA_VERSION = 8  # what an update writes; a new monitor keeps 0
DAY_IN_MINUTES = 24 * 60
WRITES_OF_A_CREATION = 3  # the monitor, and its metadata twice: how far sequence numbers go on
DATA_SOURCES: Json = {
    "query_index": ".opensearch-alerting-queries",
    "findings_index": ".opensearch-alerting-finding-history-write",
    "findings_index_pattern": "<.opensearch-alerting-finding-history-{now/d}-1>",
    "alerts_index": ".opendistro-alerting-alerts",
    "alerts_history_index": ".opendistro-alerting-alert-history-write",
    "alerts_history_index_pattern": "<.opendistro-alerting-alert-history-{now/d}-1>",
    "comments_index": ".opensearch-alerting-comments-history-write",
    "comments_index_pattern": "<.opensearch-alerting-comments-history-{now/d}-1>",
    "query_index_mappings_by_type": {},
    "findings_enabled": False,
}
PARSE_ERRORS = {
    "parsing_exception": "org.opensearch.core.common.ParsingException",
    "x_content_parse_exception": "org.opensearch.core.xcontent.XContentParseException",
    "named_object_not_found_exception": "org.opensearch.core.xcontent.NamedObjectNotFoundException",
}
NOTHING = "/oktadetect-no-such-index-*/_search"  # the node parses the body of a search there, and then searches nothing


class Monitors:
    """All monitors. `changed` is called with the id of each one that was made, changed or deleted."""

    def __init__(self, store: Store, node: Node, clock: Clock, alerts: Alerts) -> None:
        self._store = store
        self._node = node
        self._clock = clock
        self._alerts = alerts
        self._lock = threading.RLock()
        self._monitors = store.read(KIND)
        self._term = store.count("primary_term") + 1  # a restart of the node begins a new one
        self.changed: Callable[[str], None] = lambda _: None

    def all(self) -> dict[str, Json]:
        """Every stored monitor by id."""
        with self._lock:
            return dict(self._monitors)

    def find(self, monitor_id: str) -> Json | None:
        with self._lock:
            return self._monitors.get(monitor_id)

    def get(self, monitor_id: str) -> Json:
        """The stored monitor. Raises ApiError (404)."""
        stored = self.find(monitor_id)
        if stored is None:
            raise alerting_error(404, "Monitor not found.", STATUS_EXCEPTION)
        return stored

    def parse(self, body: Json) -> Json:
        """A monitor in the plugin's form, from one that somebody sent. Raises ApiError for what the plugin refuses.

        Scripts and templates are not looked at.
        """
        if body.get("name") is None:
            raise alerting_error(400, "Monitor name is null")
        kind = str(body.get("monitor_type", QUERY_LEVEL))
        enabled = bool(body.get("enabled", True))
        now = self._clock.now()
        enabled_time = body.get("enabled_time")
        monitor: Json = {
            "type": "monitor",
            "schema_version": 0,
            "name": str(body["name"]),
            "monitor_type": kind,
            "enabled": enabled,
            "enabled_time": (now if enabled_time is None else enabled_time) if enabled else None,
            "schedule": schedules.parsed(body.get("schedule")),
            "inputs": [self._input(given) for given in body.get("inputs", [])],
            "triggers": [_trigger(given, kind) for given in body.get("triggers", [])],
            "last_update_time": now,
        }
        if body.get("ui_metadata"):
            monitor["ui_metadata"] = body["ui_metadata"]
        return monitor | {
            "data_sources": DATA_SOURCES,
            "delete_query_index_in_every_run": False,
            "should_create_single_alert_for_findings": False,
            "owner": body.get("owner") or "alerting",
        }

    def create(self, body: Json) -> tuple[str, Json]:
        """Store a new monitor. Returns its id and the stored monitor."""
        monitor = self.parse(body)
        self._check_indices(monitor)
        monitor_id = new_id()
        with self._lock:
            stored = self._put(monitor_id, monitor, 1, self._store.count("seq_no", WRITES_OF_A_CREATION))
        self.changed(monitor_id)
        return monitor_id, stored

    def update(self, monitor_id: str, body: Json, seq_no: int | None, primary_term: int | None) -> Json:
        """Replace a monitor whole; with `seq_no` and `primary_term` only if it still has them (else 409)."""
        monitor = self.parse(body)
        self._check_indices(monitor)
        with self._lock:
            before = self.find(monitor_id)
            if before is None:
                raise alerting_error(404, f"Monitor with {monitor_id} is not found", STATUS_EXCEPTION)
            _check_unchanged(monitor_id, before, seq_no, primary_term)
            if monitor["enabled"] and before["monitor"]["enabled"]:
                monitor["enabled_time"] = before["monitor"]["enabled_time"]
            monitor["schema_version"] = SCHEMA_VERSION
            stored = self._put(monitor_id, monitor, before["_version"] + 1, self._store.count("seq_no"))
        self._alerts.delete(monitor_id, keep=trigger_ids(monitor))
        self.changed(monitor_id)
        return stored

    def delete(self, monitor_id: str) -> Json:
        """Delete a monitor; its alerts become DELETED."""
        with self._lock:
            before = self.get(monitor_id)
            del self._monitors[monitor_id]
            self._store.remove(KIND, monitor_id)
            self._store.count("seq_no")
        self._alerts.delete(monitor_id, keep=set())
        self.changed(monitor_id)
        return {"_id": monitor_id, "_version": before["_version"] + 1}

    def _put(self, monitor_id: str, monitor: Json, version: int, seq_no: int) -> Json:
        stored: Json = {"_version": version, "_seq_no": seq_no, "_primary_term": self._term, "monitor": monitor}
        self._store.write(KIND, monitor_id, stored)
        self._monitors[monitor_id] = stored
        return stored

    def _input(self, given: Json) -> Json:
        if "doc_level_input" in given:
            return {"doc_level_input": _document_level(given["doc_level_input"])}
        search = given.get("search")
        if search is None:
            return given
        source = normalform.search_source(search.get("query", {}))
        status, answer = self._node.call("POST", NOTHING, source)
        if status != 200 and (error := failure(answer))["type"] in PARSE_ERRORS:
            raise alerting_error(500, error["reason"], PARSE_ERRORS[error["type"]])
        return {"search": {"indices": search.get("indices", []), "query": source}}

    def _check_indices(self, monitor: Json) -> None:
        for given in monitor["inputs"]:
            indices = next(iter(given.values())).get("indices", [])
            target = ",".join(quote(index, safe="*") for index in indices)
            status, answer = self._node.call("POST", f"/{target}/_search", {"size": 0})
            if status == 404:
                error = failure(answer)
                raise alerting_error(
                    404,
                    f"Configured indices are not found: [{error.get('index')}]",
                    "org.opensearch.index.IndexNotFoundException",
                    error["reason"],
                )


def shown(monitor: Json, to_dashboards: bool) -> Json:
    """The monitor as it is read: `ui_metadata` is for OpenSearch Dashboards only."""
    return {key: value for key, value in monitor.items() if to_dashboards or key != "ui_metadata"}


def trigger_ids(monitor: Json) -> set[str]:
    """The ids of its triggers."""
    return {body["id"] for trigger in monitor["triggers"] for body in trigger.values()}


def _check_unchanged(monitor_id: str, stored: Json, seq_no: int | None, primary_term: int | None) -> None:
    if seq_no is None and primary_term is None:
        return
    if (seq_no, primary_term) != (stored["_seq_no"], stored["_primary_term"]):
        raise alerting_error(
            409,
            f"[{monitor_id}]: version conflict, required seqNo [{seq_no}], primary term [{primary_term}]. current "
            f"document has seqNo [{stored['_seq_no']}] and primary term [{stored['_primary_term']}]",
            "org.opensearch.index.engine.VersionConflictEngineException",
        )


def _document_level(given: Json) -> Json:
    queries = [{"fields": [], "tags": [], "query_field_names": [], **query} for query in given.get("queries", [])]
    return {"description": given.get("description", ""), "indices": given.get("indices", [])} | {
        "queries": queries,
        "fan_out_enabled": True,
    }


def _trigger(given: Json, monitor_type: str) -> Json:
    ((kind, body),) = given.items()
    if monitor_type in TRIGGERS and kind != TRIGGERS[monitor_type]:
        words = monitor_type.removesuffix("_monitor").replace("_", " ").replace("doc ", "document ")
        raise alerting_error(400, f"Illegal trigger type, {kind}, for {words} monitor")
    for field in ("name", "severity", "condition"):
        if body.get(field) is None:
            raise alerting_error(400, f"Trigger {field} is null")
    condition = dict(body["condition"])
    condition["script"] = normalform.script(condition["script"])
    if kind == "bucket_level_trigger":
        condition = {"gap_policy": "skip", **condition}
    actions = [_action(action) for action in body.get("actions", [])]
    own = {"id": body.get("id") or new_id(), "name": str(body["name"]), "severity": str(body["severity"])}
    return {kind: {**own, "condition": condition, "actions": actions}}


def _action(given: Json) -> Json:
    for field, words in (("name", "Action name"), ("destination_id", "Destination id")):
        if given.get(field) is None:
            raise alerting_error(400, f"{words} is null")
    if given.get("message_template") is None:
        raise alerting_error(400, "Action message template is null")
    action: Json = {
        "id": given.get("id") or new_id(),
        "name": given["name"],
        "destination_id": given["destination_id"],
        "message_template": _template(given["message_template"]),
        "throttle_enabled": bool(given.get("throttle_enabled", False)),
    }
    if given.get("subject_template") is not None:
        action["subject_template"] = _template(given["subject_template"])
    if given.get("throttle") is not None:
        action["throttle"] = _throttle(given["throttle"])
    elif action["throttle_enabled"]:
        raise alerting_error(400, "Action throttle enabled but not set throttle value")
    if given.get("action_execution_policy") is not None:
        action["action_execution_policy"] = given["action_execution_policy"]
    return action


def _template(given: str | Json) -> Json:
    if isinstance(given, str):
        return {"source": given, "lang": "mustache"}
    return {"source": given.get("source", ""), "lang": given.get("lang", "mustache")} | {
        key: value for key, value in given.items() if key not in {"source", "lang"}
    }


def _throttle(given: Json) -> Json:
    value: Any = given.get("value")
    if str(given.get("unit", "MINUTES")).upper() != "MINUTES":
        raise alerting_error(400, "Only support MINUTES throttle unit currently")
    if not isinstance(value, int) or value < 1:
        raise alerting_error(400, "Can only set positive throttle period")
    if value > DAY_IN_MINUTES:
        raise alerting_error(400, "Can only set throttle period less than or equal to 1d")
    return {"value": value, "unit": "MINUTES"}
