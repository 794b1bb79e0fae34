"""The sender of webhooks: signed, with retries, and with every trouble that a receiver has to live with.

What happened is put into a queue after the commit and sent by one thread, in order, unless ``Delays`` say otherwise.
A receiver that cannot be reached, or answers 408, 409, 425, 429 or 5xx, is tried again, at most five times in all.
"""

import hashlib
import heapq
import hmac
import http.client
import itertools
import json
import random
import re
import threading
import time
import uuid
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any
from urllib.parse import urlsplit

from .faults import BadFaultError
from .store import Row

RETRIED = {408, 409, 425, 429}
ATTEMPTS = 5
TIMEOUT_S = 10
KEPT = 5_000  # deliveries that are remembered
# ``{issue.key}`` and the like in a webhook's URL, which Jira fills in.
VARIABLE = re.compile(r"\$\{(issue|project)\.(id|key)\}|\{(issue|project)\.(id|key)\}")


@dataclass(frozen=True)
class Webhook:
    """Who is told of what. An empty ``secret`` leaves deliveries unsigned; no ``events`` means all."""

    id: int
    name: str
    url: str
    secret: str = ""
    events: tuple[str, ...] = ()
    jql: str = ""
    enabled: bool = True


@dataclass(frozen=True)
class Delays:
    """What becomes of deliveries on their way; with none of these each is sent once, at once and in order.

    Of all deliveries a share (0 to 1) is sent twice under one identifier, ``late`` (so that later ones overtake it,
    by up to ``late_s``), or lost for good.
    """

    twice: float = 0.0
    late: float = 0.0
    late_s: float = 1.0
    lost: float = 0.0
    retry_s: float = 1.0
    """How long after a failed attempt the next one comes (Jira: minutes)."""
    seed: int = 0


@dataclass
class Delivery:
    """One body on its way to one receiver; ``status`` is the last answer's, 0 when there was none."""

    identifier: str
    webhook: int
    event: str
    url: str
    body: bytes
    secret: str
    attempts: int = 0
    status: int = 0
    state: str = "waiting"
    """waiting, delivered, refused (not to be tried again), failed (tried often enough) or lost"""
    sent_at: list[int] = field(default_factory=list)

    def told(self) -> dict[str, Any]:
        """The delivery as JSON, without the secret."""
        told = {name: value for name, value in vars(self).items() if name != "secret"}
        return {**told, "body": self.body.decode()}


def check_delays(description: Any) -> Delays:
    """Delays out of their JSON. Raises ``BadFaultError``."""
    names = {f.name for f in fields(Delays)}
    if not isinstance(description, Mapping) or not set(description) <= names:
        raise BadFaultError("delays are " + ", ".join(sorted(names)))
    if not all(isinstance(value, int | float) for value in description.values()):
        raise BadFaultError("delays are numbers")
    return Delays(**description)


class Sender:
    """Sends what it is given, from a thread of its own; safe to use from several threads."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._queue: list[tuple[float, int, Delivery]] = []
        self._numbers = itertools.count()
        self._deliveries: deque[Delivery] = deque(maxlen=KEPT)
        self._busy = False
        self._over = False
        self._delays = Delays()
        self._chance = random.Random(0)  # noqa: S311 - trouble that can be repeated, not a secret
        threading.Thread(target=self._run, daemon=True).start()

    def set_delays(self, delays: Delays) -> None:
        """Let deliveries from now on suffer this."""
        with self._changed:
            self._delays = delays
            self._chance.seed(delays.seed)

    def send(self, webhook: Webhook, body: Mapping[str, Any]) -> None:
        """Put a body on its way."""
        url = _filled_in(webhook.url, body)
        content = json.dumps(body, separators=(",", ":")).encode()
        delivery = Delivery(uuid.uuid4().hex, webhook.id, body["webhookEvent"], url, content, webhook.secret)
        with self._changed:
            self._deliveries.append(delivery)
            if self._chance.random() < self._delays.lost:
                delivery.state = "lost"
                return
            wait = self._delays.late_s * self._chance.random() if self._chance.random() < self._delays.late else 0.0
            for _ in range(2 if self._chance.random() < self._delays.twice else 1):
                self._put(delivery, wait)

    def deliveries(self) -> list[dict[str, Any]]:
        """What was sent and what waits, oldest first."""
        with self._changed:
            return [delivery.told() for delivery in self._deliveries]

    def is_idle(self) -> bool:
        """Whether nothing waits and nothing is on its way."""
        with self._changed:
            return not self._queue and not self._busy

    def clear(self) -> None:
        """Forget everything, as it was at the start."""
        with self._changed:
            self._queue.clear()
            self._deliveries.clear()
            self._delays = Delays()
            self._chance.seed(0)

    def close(self) -> None:
        """End the thread; what waits is not sent."""
        with self._changed:
            self._over = True
            self._changed.notify_all()

    def _put(self, delivery: Delivery, wait_s: float) -> None:
        heapq.heappush(self._queue, (time.monotonic() + wait_s, next(self._numbers), delivery))
        self._changed.notify_all()

    def _run(self) -> None:
        while True:
            delivery = self._next()
            if delivery is None:
                return
            status = _post(delivery)
            with self._changed:
                self._busy = False
                self._settle(delivery, status)

    def _next(self) -> Delivery | None:
        """Wait for the next that is due; ``None`` at the end."""
        with self._changed:
            while not self._over:
                due = self._queue[0][0] - time.monotonic() if self._queue else None
                if due is not None and due <= 0:
                    self._busy = True
                    return heapq.heappop(self._queue)[2]
                self._changed.wait(due)
        return None

    def _settle(self, delivery: Delivery, status: int) -> None:
        delivery.status = status
        if 200 <= status < 300:
            delivery.state = "delivered"
        elif status != 0 and status < 500 and status not in RETRIED:
            delivery.state = "refused"
        elif delivery.attempts >= ATTEMPTS:
            delivery.state = "failed"
        else:
            self._put(delivery, self._delays.retry_s)


def _filled_in(url: str, body: Mapping[str, Any]) -> str:
    """The URL with the issue's id and key, and its project's, where it has places for them."""
    issue = body.get("issue") or {}
    things = {"issue": issue, "project": issue.get("fields", {}).get("project") or {}}
    return VARIABLE.sub(lambda m: str(things[m[1] or m[3]].get(m[2] or m[4], "")), url)


def signature(secret: str, body: bytes) -> str:
    """What ``X-Hub-Signature`` says of a raw body."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def _post(delivery: Delivery) -> int:
    """Send a delivery once; return the status of the answer, 0 when there was none."""
    delivery.attempts += 1
    delivery.sent_at.append(time.time_ns() // 1_000_000)
    target = urlsplit(delivery.url)
    headers = {
        "Content-Type": "application/json; charset=UTF-8",
        "User-Agent": "Atlassian Webhook HTTP Client",
        "X-Atlassian-Webhook-Identifier": delivery.identifier,
        "X-Atlassian-Webhook-Retry": str(delivery.attempts - 1),
    }
    if delivery.secret:
        headers["X-Hub-Signature"] = signature(delivery.secret, delivery.body)
    kind = http.client.HTTPSConnection if target.scheme == "https" else http.client.HTTPConnection
    connection = kind(target.netloc, timeout=TIMEOUT_S)
    try:
        path = target.path + (f"?{target.query}" if target.query else "")
        connection.request("POST", path or "/", delivery.body, headers)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


def wanted_by(webhook: Webhook, event: str) -> bool:
    """Whether a webhook listens to an event."""
    return webhook.enabled and (not webhook.events or event in webhook.events)


def read_webhooks(rows: Sequence[Row]) -> list[Webhook]:
    """Webhooks out of the store's rows."""
    return [
        Webhook(r["id"], r["name"], r["url"], r["secret"], tuple(json.loads(r["events"])), r["jql"], bool(r["enabled"]))
        for r in rows
    ]
