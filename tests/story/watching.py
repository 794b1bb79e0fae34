"""A monitor of the story's world: what happens to be found, when it runs, and what the portal says of it."""

import re
import time
import zlib
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import requests

from sandbox.okta.play import INDEX_PREFIX, Index
from tests.events import failed_sign_in

if TYPE_CHECKING:
    from tests.story.conftest import Story

BRUTE_FORCE = "brute-force-user"
INTERVAL = 60
TWO_HEARTBEATS = 45.0  # seconds: of 15 s each, and half a minute between two looks of the watch


class Clock:
    """The time by which monitors run: it stands still but for `run`."""

    def __init__(self, story: "Story", monitor: str) -> None:
        self.story, self.monitor = story, monitor
        story.opensearch("POST", "/_sandbox/clock", {"now": int(time.time() * 1000)})

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.story.opensearch("GET", "/_sandbox/clock")["now"] / 1000, UTC)

    def tick(self) -> list[Any]:
        """Let an interval pass, in which every monitor runs; return what became of the runs."""
        return list(self.story.opensearch("POST", "/_sandbox/clock", {"advance_ms": INTERVAL * 1000})["runs"])

    def run(self) -> None:
        """Let the monitor run once more, without any error."""
        assert [run["errors"] for run in self.tick() if run["monitor_id"] == self.monitor] == [[]]


def fail(story: "Story", user: str, at: datetime, times: int) -> None:
    """
    Let somebody's sign-in fail so many times within the minute before `at`, at an address of their own.

    From one that others share, the ticket would rightly be linked to theirs.
    """
    index = Index(story.portal.environ["SANDBOX_OPENSEARCH_NODE_URL"])
    address = f"2001:db8::{zlib.crc32(user.encode()) >> 16:x}"
    events = [failed_sign_in(at - timedelta(seconds=1 + second), user=user, ip=address) for second in range(times)]
    index.write([{**event, "uuid": f"{user}-{at:%H%M%S}-{event['uuid']}"} for event in events])
    index.refresh()


def pushed(story: "Story", detections: Collection[str]) -> list[str]:
    """The monitors of these detections, by their ids in OpenSearch."""
    sql = "SELECT opensearch_id FROM monitors_deployment d JOIN monitors_monitor m ON m.uuid = d.monitor_id WHERE detection = ANY(%s)"
    return [row[0] for row in story.rows(sql, list(detections))]


def withdraw(story: "Story", detections: Collection[str]) -> None:
    """Take monitors of these detections out of OpenSearch again: they would find what other stories play."""
    for one in pushed(story, detections):
        story.opensearch("DELETE", f"/_plugins/_alerting/monitors/{one}")
    story.execute(
        "DELETE FROM monitors_deployment d USING monitors_monitor m WHERE m.uuid = d.monitor_id AND detection = ANY(%s)",
        list(detections),
    )


def clear(story: "Story") -> None:
    """Leave neither monitors nor events of other stories: a world in which nothing happened yet, as a demo expects it."""
    withdraw(story, [name for (name,) in story.rows("SELECT DISTINCT detection FROM monitors_monitor")])
    story.opensearch("DELETE", f"/{INDEX_PREFIX}*")


def fault(story: "Story", monitor: str) -> str:
    """What the portal says is wrong with the monitor."""
    return str(story.rows("SELECT fault FROM monitors_deployment WHERE opensearch_id = %s", monitor)[0][0])


def submit(browser: requests.Session, page: str, filled: dict[str, str]) -> requests.Response:
    """Fill in a page's form and send it, with the hidden fields that stand in it."""
    text = browser.get(page, timeout=20).text
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', text))
    return browser.post(page, data={**hidden, **filled}, headers={"Referer": page}, timeout=20)
