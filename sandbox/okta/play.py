"""Traffic into an index: what has happened already at once, the rest as it happens.

The deciding event of each attack is indexed in the moment that it says it was published, so that the time from there to
an alert or a ticket can be measured. ``indexed`` is when OpenSearch had answered that it holds the event, by the wall
clock; a search sees it after the index's next refresh.
"""

import http.client
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from .events import Event
from .traffic import USUAL, Engines, Traffic, now, plan
from .truth import Attack

# Production's own template. The sandbox imports nothing of the apps; a file it may read.
TEMPLATE = Path(__file__).resolve().parents[2] / "monitors" / "okta_system_log_template.json"
INDEX_PREFIX = "okta-system-log-"
BULK_EVENTS = 2_000
TIMEOUT_S = 30.0
PATIENCE_S = 60.0  # how long an OpenSearch that is away or busy is asked again
PAUSE_S = 0.5
BUSY = {429, 502, 503, 504}
# Between planning and the first live event: the past has to be in the index by then.
LEAD = timedelta(seconds=10)


class NotIndexedError(Exception):
    """OpenSearch refused an event, or could not be reached for longer than the sandbox's patience."""


class Index:
    """The indices ``okta-system-log-*`` of one OpenSearch."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")

    def install_template(self) -> None:
        """Put production's index template, so that new daily indices get its mapping."""
        self._send("PUT", "/_index_template/okta-system-log", TEMPLATE.read_bytes(), "application/json", _deadline())

    def write(self, events: Sequence[Event]) -> datetime:
        """Index events, each under its uuid and in the index of its day; return when the last of them was answered.

        An event that is there already is left alone. Raises NotIndexedError.
        """
        waiting = list(events)
        deadline = _deadline()
        while waiting:
            waiting = [event for part in _parts(waiting) for event in self._bulk(part, deadline)]
            if waiting:
                _pause(deadline, "OpenSearch is too busy")
        return now()

    def refresh(self) -> None:
        """Let searches see what was indexed up to now."""
        self._send("POST", f"/{INDEX_PREFIX}*/_refresh", b"", "application/json", _deadline())

    def _bulk(self, events: Sequence[Event], deadline: float) -> list[Event]:
        """Send one bulk request; return the events for which OpenSearch had no room just now."""
        lines = []
        for event in events:
            day = str(event["published"])[:10].replace("-", ".")
            lines.append(json.dumps({"create": {"_index": INDEX_PREFIX + day, "_id": event["uuid"]}}))
            lines.append(json.dumps(event, ensure_ascii=False))
        body = ("\n".join(lines) + "\n").encode()
        items = self._send("POST", "/_bulk", body, "application/x-ndjson", deadline)["items"]
        busy = []
        for event, item in zip(events, items, strict=True):
            status = item["create"]["status"]
            if status in BUSY:
                busy.append(event)
            elif status >= 300 and status != 409:
                raise NotIndexedError(f"{event['uuid']}: {item['create']['error']}")
        return busy

    def _send(self, method: str, path: str, body: bytes, content_type: str, deadline: float) -> Any:
        """Send a request again and again until it is answered; it has to be one that may arrive twice."""
        headers = {"Content-Type": content_type}
        request = urllib.request.Request(self.url + path, body or None, headers, method=method)  # noqa: S310 - our own address
        while True:
            try:
                with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310 - as above
                    return json.load(answer)
            except urllib.error.HTTPError as error:
                if error.code not in BUSY:
                    raise NotIndexedError(f"{method} {path}: {error.code} {error.read(500)!r}") from error
                _pause(deadline, f"OpenSearch is too busy: {error.code}")
            except (urllib.error.URLError, TimeoutError, ConnectionError, http.client.HTTPException) as error:
                _pause(deadline, f"OpenSearch at {self.url} is away: {error}")


def _parts(events: Sequence[Event]) -> list[Sequence[Event]]:
    return [events[start : start + BULK_EVENTS] for start in range(0, len(events), BULK_EVENTS)]


def _deadline() -> float:
    return time.monotonic() + PATIENCE_S


def _pause(deadline: float, reason: str) -> None:
    if time.monotonic() > deadline:
        raise NotIndexedError(reason)
    time.sleep(PAUSE_S)


def plan_live(
    *,
    seed: int,
    users: int,
    seconds: float,
    attacks: int,
    run_id: str,
    engine: Engines = "both",
    hours: float = 24,
    lead: timedelta = LEAD,
    families: Sequence[str] = USUAL,
) -> Traffic:
    """Plan traffic around now: ``hours`` of past, then attacks that are decided over ``seconds``, starting after ``lead``."""
    first = now() + lead
    end = first + timedelta(seconds=seconds)
    return plan(
        seed=seed,
        users=users,
        start=first - timedelta(hours=hours),
        end=end,
        attacks=attacks,
        run_id=run_id,
        engine=engine,
        decide_from=first,
        families=families,
    )


def play(traffic: Traffic, url: str, *, indexed: Callable[[Attack, datetime], None]) -> None:
    """Index the traffic's past at once and the rest when its time comes; return when all is in.

    ``indexed`` is called for each attack as soon as OpenSearch has answered for its deciding event, with the wall time
    of that answer. Raises NotIndexedError.
    """
    index = Index(url)
    index.install_template()
    deciding = {attack.deciding_uuid: attack for attack in traffic.truth}
    at = 0
    while at < len(traffic.events):
        due = _due(traffic.events, at)
        if due == at:
            time.sleep(_seconds_until(traffic.events[at]))
            continue
        batch = traffic.events[at:due]
        answered = index.write(batch)
        for event in batch:
            if attack := deciding.get(event["uuid"]):
                indexed(attack, answered)
        at = due


def _due(events: Sequence[Event], at: int) -> int:
    """The end of the stretch of events, from ``at``, that have been published by now."""
    while at < len(events) and _seconds_until(events[at]) <= 0:
        at += 1
    return at


def _seconds_until(event: Event) -> float:
    return (datetime.fromisoformat(event["published"]) - now()).total_seconds()
