"""One run of a query-level monitor: search, conditions, messages, alerts."""

import json
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from sandbox.alerting import alerts, conditions, faults, normalform, templates
from sandbox.alerting.alerts import Alerts
from sandbox.alerting.channels import Channels, PublishError
from sandbox.alerting.clock import Clock
from sandbox.alerting.node import Node, failure
from sandbox.alerting.values import Json, compact, instant

ALERT_IN_TEMPLATE = (
    "acknowledged_time", "id", "version", "end_time", "error_message", "execution_id", "workflow_id", "workflow_name",
    "associated_alert_ids", "last_notification_time", "severity", "start_time", "state",
)  # fmt: skip
SECONDS_A_UNIT = {"s": 1, "m": 60, "h": 3600, "d": 86400}
MINUTE = 60_000


@dataclass(frozen=True)
class Subject:
    """The monitor that runs. One that was never saved has the id "" and leaves no alerts."""

    id: str
    version: int
    monitor: Json


@dataclass(frozen=True)
class Period:
    """What a run is about, in epoch ms."""

    start: int
    end: int


@dataclass(frozen=True)
class Found:
    """What the search gave: its answer, or what it threw."""

    results: list[Json]
    error: Json | None


class Runner:
    """Runs monitors. Safe to use from many threads."""

    def __init__(self, node: Node, clock: Clock, kept_alerts: Alerts, channels: Channels) -> None:
        self._node = node
        self._clock = clock
        self._alerts = kept_alerts
        self._channels = channels

    def run(self, subject: Subject, period: Period, dry: bool) -> Json:
        """Run a monitor once and answer as `_execute` does. A dry run sends nothing and changes no alert.

        Raises NodeAwayError.
        """
        found = self._search(subject.monitor, period)
        trigger_results = {}
        for wrapped in subject.monitor["triggers"]:
            trigger = wrapped["query_level_trigger"]
            trigger_results[trigger["id"]] = self._trigger(subject, trigger, period, found, dry)
        message = None if found.error is None else found.error.get("reason")
        return {
            "monitor_name": subject.monitor["name"],
            "period_start": period.start,
            "period_end": period.end,
            "error": None,
            "input_results": {"results": found.results, "error": message},
            "trigger_results": trigger_results,
        }

    def _search(self, monitor: Json, period: Period) -> Found:
        """Render the whole search as one template, then run it. A monitor has one input."""
        if not monitor["inputs"]:
            return Found([], None)
        search = monitor["inputs"][0]["search"]
        params = {"period_start": period.start, "period_end": period.end}
        try:
            body = templates.render(self._node, normalform.template(search["query"]), params)
        except templates.TemplateError as error:
            return Found([], error.error)
        indices = [name for index in search["indices"] for name in self._concrete(index, search["query"], period.end)]
        target = ",".join(quote(name, safe="*") for name in indices)
        headers = [("Content-Type", "application/json")]
        reply = self._node.send("POST", f"/{target}/_search", body.encode(), headers)
        answer = json.loads(reply.body)
        return Found([answer], None) if reply.status == 200 else Found([], failure(answer))

    def _concrete(self, index: str, source: Json, end: int) -> list[str]:
        """The indices that the plugin searches for this name.

        Of an alias, where a range stands in `must` or `should`: those made since the range began, and the last before.
        """
        since = _range_start(source.get("query"), end)
        if since is None or "*" in index:
            return [index]
        status, members = self._node.call("GET", f"/_alias/{quote(index)}")
        if status != 200:
            return [index]
        _, known = self._node.call("GET", f"/{quote(','.join(members), safe=',')}/_settings/index.creation_date")
        made = sorted((int(body["settings"]["index"]["creation_date"]), name) for name, body in known.items())
        before = [name for date, name in made if date < since]
        return before[-1:] + [name for date, name in made if date >= since]

    def _trigger(self, subject: Subject, trigger: Json, period: Period, found: Found, dry: bool) -> Json:
        before = self._alerts.current(subject.id, trigger["id"])
        condition_error: conditions.ConditionError | None = None
        try:
            ctx = _condition_ctx(subject, trigger, period, found, before)
            triggered = conditions.holds(self._node, trigger["condition"]["script"], ctx, found.error)
        except conditions.ConditionError as error:
            triggered, condition_error = True, error
        acknowledged = before is not None and before["state"] == "ACKNOWLEDGED"
        muted = acknowledged and condition_error is None and found.error is None
        failures: list[str] = []
        action_results: dict[str, Json] = {}
        if triggered and not muted:
            error_text = None if condition_error is None else faults.detailed(condition_error.error)
            message_ctx = _message_ctx(subject, trigger, period, found, before, error_text)
            for action in trigger["actions"]:
                action_results[action["id"]] = self._action(subject, action, message_ctx, before, dry, failures)
        result = {
            "name": trigger["name"],
            "triggered": triggered,
            "action_results": action_results,
            "error": None if condition_error is None else condition_error.text(),
        }
        if subject.id and not dry:
            told = _alert_error(found.error, condition_error, failures)
            self._save_alert(subject, trigger, result, before, told)
        return result

    def _save_alert(self, subject: Subject, trigger: Json, result: Json, before: Json | None, told: str | None) -> None:
        about = {"id": subject.id, "version": subject.version, "name": subject.monitor["name"]}
        alert = alerts.composed(before, about, trigger, result, told, self._clock.now())
        if alert is not None:
            self._alerts.save(alert)

    def _action(
        self, subject: Subject, action: Json, ctx: Json, before: Json | None, dry: bool, failures: list[str]
    ) -> Json:
        """Render and send one action's message. What fails is told in the result, and in `failures` for the alert."""
        result: Json = {"id": action["id"], "name": action["name"], "output": {}, "throttled": False}
        if self._throttled(action, before):
            return result | {"throttled": True, "executionTime": None, "error": None}
        try:
            result["output"] = self._send(subject, action, ctx, dry)
            error = None
        except templates.TemplateError as failed:
            error = str(failed)
            failures.append(error)
        except PublishError as failed:
            error = str(failed)
            failures.append(f"OpenSearchStatusException[{error}]" if failed.from_opensearch else error)
        return result | {"executionTime": self._clock.now(), "error": error}

    def _send(self, subject: Subject, action: Json, ctx: Json, dry: bool) -> Json:
        template = action.get("subject_template")
        title = templates.render_message(self._node, template, ctx) if template else ""
        message = templates.render_message(self._node, action["message_template"], ctx)
        channel_id = action["destination_id"]
        if not message:
            raise PublishError(f"Message content missing in the Destination with id: {channel_id}")
        output = {"subject": title, "message": message}
        if not dry:
            output["messageId"] = self._channels.publish(channel_id, title, message, subject.id)
        return output

    def _throttled(self, action: Json, before: Json | None) -> bool:
        if before is None or not action["throttle_enabled"]:
            return False
        since = self._clock.now() - action["throttle"]["value"] * MINUTE
        return any(
            done["action_id"] == action["id"] and (done["last_execution_time"] or 0) >= since
            for done in before["action_execution_results"]
        )


def _alert_error(
    search_error: Json | None, condition_error: conditions.ConditionError | None, failures: list[str]
) -> str | None:
    """What the alert tells: of all that failed, the first."""
    if search_error is not None:
        return f"Failed fetching inputs:\n{faults.for_history(search_error)}"
    if condition_error is not None:
        return f"Failed evaluating trigger:\n{faults.for_history(condition_error.error)}"
    return f"Failed running action:\n{failures[0]}" if failures else None


def _condition_ctx(subject: Subject, trigger: Json, period: Period, found: Found, alert: Json | None) -> Json:
    monitor = subject.monitor
    return {
        "monitor": {
            "id": subject.id,
            "version": subject.version,
            "name": monitor["name"],
            "enabled": monitor["enabled"],
        },
        "trigger": {key: trigger[key] for key in ("id", "name", "severity", "actions")},
        "results": found.results,
        "periodStart": period.start,
        "periodEnd": period.end,
        "alert": alert,
    }


def _message_ctx(
    subject: Subject, trigger: Json, period: Period, found: Found, alert: Json | None, error: str | None
) -> Json:
    monitor = subject.monitor
    action_fields = ("id", "name", "destination_id", "throttle_enabled")
    script = trigger["condition"]["script"]
    return {
        "monitor": {
            "_id": subject.id,
            "_version": subject.version,
            **{key: monitor[key] for key in ("name", "enabled", "monitor_type", "enabled_time", "last_update_time")},
            "schedule": _schedule_in_template(monitor["schedule"]),
            "inputs": [_input_in_template(given) for given in monitor["inputs"]],
        },
        "results": found.results,
        "periodStart": instant(period.start),
        "periodEnd": instant(period.end),
        "error": error,
        "trigger": {
            **{key: trigger[key] for key in ("id", "name", "severity")},
            "actions": [{key: action[key] for key in action_fields} for action in trigger["actions"]],
            "condition": {"script": {"source": script["source"], "lang": script["lang"]}},
        },
        "alert": None if alert is None else _alert_in_template(alert),
    }


def _schedule_in_template(schedule: Json) -> Json:
    if "cron" in schedule:
        return schedule
    period = schedule["period"]
    return {"period": {"interval": period["interval"], "unit": period["unit"].capitalize()}}


def _input_in_template(given: Json) -> Json:
    return {"search": {"indices": given["search"]["indices"], "query": compact(given["search"]["query"])}}


def _alert_in_template(alert: Json) -> Json:
    told: Json = {key: alert[key] for key in ALERT_IN_TEMPLATE}
    nothing: Json = {"bucket_keys": None, "parent_bucket_path": None, "clusters": None}
    return told | {"version": -1, "finding_ids": "", "related_doc_ids": ""} | nothing


def _range_start(query: Any, end: int) -> int | None:
    """When the first range in `must` or `should` begins, in epoch ms; None if there is none, or if it names no span."""
    found = _first_range(query)
    if found is None:
        return None
    span = re.search(r"(\d+)([a-zA-Z]+)", str(found.get("from")).partition("||-")[2])
    if span is None or span[2] not in SECONDS_A_UNIT:
        return None
    return end - int(span[1]) * SECONDS_A_UNIT[span[2]] * 1000


def _first_range(query: Any) -> Json | None:
    if not isinstance(query, dict):
        return None
    if "range" in query:
        found: Json = next(iter(query["range"].values()))
        return found
    for occur in ("must", "should"):
        for clause in query.get("bool", {}).get(occur, []):
            if (inner := _first_range(clause)) is not None:
                return inner
    return None
