"""The whole way on real programs, in a world of their own: its servers are stopped, killed and flushed here.

`story` is one world and one portal for all of these tests, mended before each. They run in one process of pytest-xdist, and
each tells of people of its own, so that their order does not matter.
"""

import os
import signal
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import psycopg
import pytest
import redis
import requests

from sandbox import handover
from sandbox.demo.issues import Issue, issues_since
from sandbox.demo.portal import Portal
from sandbox.paths import world_folder
from sandbox.processes import Process, load_record, stop, wait_gone
from sandbox.world import NAMES as PART_NAMES
from sandbox.world import PARTS, World
from tests.story.watching import BRUTE_FORCE, INTERVAL, fail, pushed

T = TypeVar("T")

QUICK = {
    "OKTADETECT_HEARTBEAT_SECONDS": "15",
    "OKTADETECT_WEBHOOK_MAX_BYTES": "200000",
    "JIRA_INDEX_LAG_SECONDS": "2",
    "JIRA_WEBHOOK_PATH": "a-path-that-nobody-guesses",
    "JIRA_WEBHOOK_SECRET": "a-secret-that-jira-signs-with",
    "OKTADETECT_WEB_WORKERS": "1",
    "OKTADETECT_JIRA_REHEARSAL_PROJECT": "SEC",
}
DASHBOARDS = {"User-Agent": "OpenSearch-Dashboards"}  # it is shown all of a monitor, and so puts all of it back
SWEPT = 45.0  # seconds: two rounds of the sweeper, and the time for the work itself


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark all of them."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.story)


def wait_until(condition: Callable[[], T], seconds: float, what: str) -> T:
    """Return the condition's first true answer; fail with `what` when there is none within so many seconds."""
    deadline = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > deadline:
            pytest.fail(f"not within {seconds:.0f} s: {what}; the last answer was {answer!r}")
        time.sleep(0.1)


@dataclass
class Story:
    """A world, the portal on it, and what can be asked of both."""

    world: World
    portal: Portal
    began: datetime
    parts: Collection[str] = PART_NAMES
    token: str = ""

    def rows(self, sql: str, *params: Any) -> list[tuple[Any, ...]]:
        """Ask the portal's database."""
        with psycopg.connect(self.portal.environ["DATABASE_URL"], connect_timeout=5) as connection:
            return connection.execute(sql.encode(), params).fetchall()

    def execute(self, sql: str, *params: Any) -> None:
        """Change the portal's database, as when time passes."""
        with psycopg.connect(self.portal.environ["DATABASE_URL"], connect_timeout=5) as connection:
            connection.execute(sql.encode(), params)

    def post(self, body: Any, *, token: str | None = None) -> requests.Response:
        """Post to the webhook as OpenSearch does: JSON, or text as it is."""
        data = body if isinstance(body, bytes) else None
        headers = {"Authorization": f"Bearer {self.token if token is None else token}"}
        return requests.post(self.webhook, data=data, json=None if data else body, headers=headers, timeout=30)

    @property
    def webhook(self) -> str:
        return f"{self.portal.url}/okta-detections"

    def opensearch(self, method: str, path: str, body: Any = None) -> Any:
        """Ask OpenSearch with its Alerting, as its Dashboards do; fails the test on an error."""
        url = f"{self.portal.environ['OPENSEARCH_URL']}{path}"
        answer = requests.request(method, url, json=body, headers=DASHBOARDS, timeout=30)
        assert answer.status_code < 300, answer.text
        return answer.json()

    def jira(self, method: str, path: str, body: Any = None) -> None:
        """Ask the Jira stand-in's own endpoints."""
        url = f"{self.portal.environ['JIRA_URL']}/_sandbox/{path}"
        answer = requests.request(method, url, json=body, timeout=10)
        assert answer.status_code < 300, answer.text

    def issues(self, about: str) -> list[Issue]:
        """The issues about somebody that Jira itself holds."""
        return [issue for issue in issues_since(self.portal.environ, self.began) if issue.about == about]

    def comments(self, key: str) -> list[Any]:
        """The comments of an issue that Jira itself holds."""
        environ = self.portal.environ
        user, token = environ["JIRA_USER"], environ["JIRA_TOKEN"]
        headers = {} if user else {"Authorization": f"Bearer {token}"}
        url = f"{environ['JIRA_URL']}/rest/api/2/issue/{key}/comment"
        answer = requests.get(url, auth=(user, token) if user else None, headers=headers, timeout=10)
        answer.raise_for_status()
        return list(answer.json()["comments"])

    def wait_for_ticket(self, about: str, seconds: float = 20.0) -> Issue:
        """Return the issue about somebody once the portal knows it too; there may be only one."""
        sql = "SELECT t.key FROM alerts_ticket t JOIN alerts_alert a ON a.case_id = t.case_id WHERE a.entity_name = %s"
        wait_until(lambda: self.rows(sql, about), seconds, f"a ticket about {about}")
        issues = self.issues(about)
        assert len(issues) == 1
        return issues[0]

    def deliveries(self, response: requests.Response) -> list[tuple[str, str]]:
        """Return (status, reason) of the delivery that an answer names."""
        return self.rows("SELECT status, reason FROM alerts_delivery WHERE id = %s", response.json()["delivery"])

    def kill(self, name: str) -> None:
        """kill -9: a program of the portal with its children, or a server of the world."""
        process = self.portal.running(name) or self.server(name)
        os.killpg(process.pid, signal.SIGKILL)
        assert wait_gone(process, 10)

    def server(self, name: str) -> Process:
        """A server of the world, which has to run."""
        process = load_record(self.world.paths.records / f"{name}.json")
        assert process is not None
        return process

    @contextmanager
    def without(self, name: str) -> Iterator[None]:
        """Stop a server of the world for as long as the block runs."""
        part = next(part for part in PARTS if part.name == name)
        stop(self.server(name), polite=part.polite, patience=part.patience)
        try:
            yield
        finally:
            self.world.up([name])

    def broker(self) -> redis.Redis:
        """The broker itself."""
        return redis.Redis(unix_socket_path=str(self.world.paths.sockets / "valkey.sock"), socket_timeout=5)

    def mend(self) -> None:
        """Have everything running and nothing in the way."""
        self.world.up(self.parts)
        self.portal.start([name for name in ("web", "worker", "beat") if self.portal.running(name) is None])
        self.jira("DELETE", "faults")


@contextmanager
def running(name: str, parts: Collection[str] = PART_NAMES, **changes: str) -> Iterator[Story]:
    """A world of that name with these parts, empty at first, and a portal that is ready to start on it; both end with the block."""
    ours = handover.read_settings(world_folder(os.environ) / "world.env")  # of the session's world: not this one
    environ = {name: value for name, value in os.environ.items() if name not in ours}
    environ["SANDBOX_DIR"] = str(world_folder(os.environ) / name)
    world = World.of({**environ, **QUICK, **changes}, say=lambda _: None)
    portal = Portal(world)
    try:
        world.reset()
        world.up(parts)
        portal.make_room()  # of a session that was killed
        portal.manage("migrate", "-v", "0")
        story = Story(world, portal, datetime.now(UTC).replace(microsecond=0), parts)
        story.token = portal.manage("source_token", "curl").strip()
        yield story
    finally:
        portal.stop()
        world.down()


@pytest.fixture(scope="session")
def _story() -> Iterator[Story]:
    with running("story") as story:
        story.portal.manage("okta", "template")
        yield story


@pytest.fixture
def story(_story: Story) -> Story:
    """The story's world, whole."""
    _story.mend()
    return _story


@pytest.fixture
def monitor(story: Story) -> Iterator[str]:
    """A monitor that looks for brute force each minute of the stand-in's clock; the id that OpenSearch knows it by."""
    fail(story, "earlier", datetime.now(UTC), 1)  # without any index each run would tell a fault of its own
    story.portal.push_monitors([BRUTE_FORCE], INTERVAL, {})
    yield pushed(story, [BRUTE_FORCE])[0]
    story.opensearch("POST", "/_sandbox/clock", {"now": None})


def article(*events: Mapping[str, Any], monitor: str = "Okta brute force") -> dict[str, Any]:
    """What an article-style monitor posts: the whole `ctx`, with every hit."""
    hits = [{"_index": "okta-system-log", "_id": event["uuid"], "_source": dict(event)} for event in events]
    return {
        "ctx": {
            "monitor": {"name": monitor},
            "trigger": {"name": "more than five", "severity": "2"},
            "results": [{"hits": {"total": {"value": len(hits)}, "hits": hits}}],
        }
    }
