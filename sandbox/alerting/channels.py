"""Notification channels, and messages sent through them."""

import threading
from collections import deque
from collections.abc import Mapping
from typing import Any

from sandbox.alerting.clock import Clock
from sandbox.alerting.delivery import DeliveryError, Sender, content_headers
from sandbox.alerting.errors import ApiError, rest_error
from sandbox.alerting.settings import Settings
from sandbox.alerting.store import Store
from sandbox.alerting.values import Json, compact, new_id

KIND = "channel"
DELIVERIES_KEPT = 1000
NO_TITLE = "Alerting-Notification Action"
LOCKED = 'For input string: "LOCKED"'  # what the plugin makes of the status 423 of a channel that is switched off
TYPES = ("slack", "chime", "microsoft_teams", "webhook", "email", "sns", "ses_account", "smtp_account", "email_group")


class PublishError(Exception):
    """An action that sent nothing, or to nobody. `from_opensearch` says which kind of exception the plugin threw."""

    def __init__(self, text: str, from_opensearch: bool = False) -> None:
        super().__init__(text)
        self.from_opensearch = from_opensearch


class Channels:
    """All channels, and the log of the last deliveries. Safe to use from many threads."""

    def __init__(self, store: Store, clock: Clock, settings: Settings, sender: Sender) -> None:
        self._store = store
        self._clock = clock
        self._settings = settings
        self._sender = sender
        self._lock = threading.RLock()
        self._channels = store.read(KIND)
        self._deliveries: deque[Json] = deque(maxlen=DELIVERIES_KEPT)

    def create(self, body: Json) -> Json:
        """Store a new channel under the id that the body names, or one of ours. Raises ApiError (409 if it exists)."""
        config = _config(body)
        channel_id = body.get("config_id") or new_id()
        with self._lock:
            if channel_id in self._channels:
                reason = f"Document version conflict putting {channel_id} in index .opensearch-notifications-config"
                raise rest_error(409, "status_exception", reason)
            now = self._clock.now()
            self._put({"config_id": channel_id, "last_updated_time_ms": now, "created_time_ms": now, "config": config})
        return {"config_id": channel_id}

    def update(self, channel_id: str, body: Json) -> Json:
        with self._lock:
            before = self._get(channel_id)
            config = _config(body)
            if config["config_type"] != before["config"]["config_type"]:
                raise rest_error(409, "status_exception", "Config type cannot be changed after creation")
            self._put({**before, "last_updated_time_ms": self._clock.now(), "config": config})
        return {"config_id": channel_id}

    def delete(self, ids: list[str]) -> Json:
        with self._lock:
            missing = [channel_id for channel_id in ids if channel_id not in self._channels]
            if missing:
                raise rest_error(404, "status_exception", f"Configs {missing} not found")
            for channel_id in ids:
                del self._channels[channel_id]
                self._store.remove(KIND, channel_id)
        return {"delete_response_list": dict.fromkeys(ids, "OK")}

    def get(self, channel_id: str) -> Json:
        """One channel, in the form of a list. Raises ApiError (404)."""
        with self._lock:
            return _page("config_list", [self._get(channel_id)], {})

    def search(self, params: Mapping[str, str]) -> Json:
        """Every channel, or those of a type or of ids, oldest first."""
        with self._lock:
            channels = sorted(self._channels.values(), key=lambda channel: int(channel["created_time_ms"]))
        if "config_type" in params:
            types = params["config_type"].split(",")
            channels = [channel for channel in channels if channel["config"]["config_type"] in types]
        if "config_id_list" in params:
            ids = params["config_id_list"].split(",")
            channels = [channel for channel in channels if channel["config_id"] in ids]
        return _page("config_list", channels, params)

    def briefs(self) -> Json:
        """Every channel, without what it is made of."""
        fields = ("name", "description", "config_type", "is_enabled")
        with self._lock:
            briefs = [
                {"config_id": key, **{field: channel["config"][field] for field in fields}}
                for key, channel in self._channels.items()
            ]
        return _page("channel_list", briefs, {})

    def publish(self, channel_id: str, subject: str, message: str, monitor_id: str) -> str:
        """Send an action's message. Returns the event that tells how it went, as text. Raises PublishError."""
        with self._lock:
            channel = self._channels.get(channel_id)
        if channel is None:
            words = "Unable to find a Notification Channel or Destination config with id"
            raise PublishError(f"{words} [{channel_id}]")
        if not channel["config"]["is_enabled"]:
            raise PublishError(LOCKED)
        status = self._send(channel, message, monitor_id)
        if status["delivery_status"]["status_code"] != "200":
            raise PublishError(f'{{"event_status_list": [{compact(status)}]}}', from_opensearch=True)
        return compact(_event(subject or NO_TITLE, channel_id, status))

    def test(self, channel_id: str) -> Json:
        """Send the test message of a channel. Raises ApiError: 404, or 500 with how it went."""
        with self._lock:
            channel = self._get(channel_id)
        status = self._send(channel, f"Test message content body for config id {channel_id}", "")
        if status["delivery_status"]["status_code"] != "200":
            raise rest_error(500, "status_exception", f'{{"event_status_list": [{compact(status)}]}}')
        return _event(f"Test Message Title-{channel_id}", channel_id, status)

    def deliveries(self) -> list[Json]:
        """The last deliveries, oldest first: what was sent where, for which monitor, and how it went."""
        with self._lock:
            return list(self._deliveries)

    def forget_deliveries(self) -> None:
        with self._lock:
            self._deliveries.clear()

    def _send(self, channel: Json, message: str, monitor_id: str) -> Json:
        config = channel["config"]
        webhook = config.get("webhook", {})
        url, headers = str(webhook.get("url", "")), content_headers(webhook.get("header_params", {}))
        log: Json = {"url": url, "at": self._clock.now(), "monitor_id": monitor_id, "channel_id": channel["config_id"]}
        log |= {"bytes": len(message.encode()), "status": None, "error": None, "attempts": 1}
        try:
            denied = self._settings.denied_hosts()
            answer, log["attempts"] = self._sender.send(webhook.get("method", "POST"), url, headers, message, denied)
            log["status"] = answer.status
            outcome = {"status_code": "200", "status_text": answer.body or "{}"}
        except DeliveryError as error:
            log["error"] = error.text
            outcome = {"status_code": error.status_code, "status_text": error.text}
        with self._lock:
            self._deliveries.append(log)
        return {
            "config_id": channel["config_id"],
            "config_type": config["config_type"],
            "config_name": config["name"],
            "email_recipient_status": [],
            "delivery_status": outcome,
        }

    def _get(self, channel_id: str) -> Json:
        if channel_id not in self._channels:
            raise rest_error(404, "status_exception", f"NotificationConfig {channel_id} not found")
        return self._channels[channel_id]

    def _put(self, channel: Json) -> None:
        self._store.write(KIND, channel["config_id"], channel)
        self._channels[channel["config_id"]] = channel


def _config(body: Json) -> Json:
    given = body.get("config")
    if not isinstance(given, dict):
        raise _refused("config is null")
    kind = given.get("config_type")
    if kind not in TYPES:
        raise _refused(f"Invalid value of config_type: {kind}")
    if not given.get("name"):
        raise _refused("name is null or empty")
    config: Json = {
        "name": given["name"],
        "description": given.get("description", ""),
        "config_type": kind,
        "is_enabled": given.get("is_enabled", True),
    }
    if kind != "webhook":
        return config | {kind: given.get(kind, {})}
    webhook = given.get("webhook") or {}
    url = str(webhook.get("url") or "")
    if not url.startswith(("http://", "https://")):
        raise _refused("url is null or empty" if not url else f"Invalid URL or unsupported: {url}")
    method = webhook.get("method", "POST")
    if method not in {"POST", "PUT", "PATCH"}:
        raise _refused("Invalid or empty method supplied. Only POST, PUT and PATCH are allowed")
    return config | {"webhook": {"url": url, "header_params": webhook.get("header_params", {}), "method": method}}


def _refused(reason: str) -> ApiError:
    return rest_error(400, "illegal_argument_exception", reason)


def _page(name: str, items: list[Any], params: Mapping[str, str]) -> Json:
    first, size = int(params.get("from_index", 0)), int(params.get("max_items", 1000))
    page = {"start_index": first, "total_hits": len(items), "total_hit_relation": "eq"}
    return page | {name: items[first : first + size]}


def _event(title: str, channel_id: str, status: Json) -> Json:
    source = {"title": title, "reference_id": channel_id, "severity": "info", "tags": []}
    return {"event_source": source, "status_list": [status]}
