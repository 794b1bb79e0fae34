"""
Each fault of Jira, of a worker and of the database, on Cloud and on Data Center: one ticket, one comment, and how long it took.

The workers are real processes. Their waits are shortened, so that a row takes seconds: 1 s of index lag stands for 120 s, and so on. With
JIRA_FAULTS_TABLE=write the figures are written to docs/jira-faults.md.
"""

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from alerts.models import TicketOperation
from sandbox.paths import PROJECT
from tests.chaos import table
from tests.chaos.rig import LAG_SECONDS, Rig, all_done, owe_comment, owe_ticket, wait_until
from tests.events import failed_sign_in
from tests.story.conftest import SWEPT, Story, article, running
from tests.story.conftest import wait_until as wait_until_true

pytestmark = pytest.mark.django_db(transaction=True)

PAGE = PROJECT / "docs" / "jira-faults.md"
LONG = 20_000  # ms: longer than any timeout
HANDS_OFF = 1.5  # seconds that Jira refuses everybody
Act = Callable[[Rig, str], None]


def trouble(name: str, **changes: Any) -> Act:
    """Return an act: the next call of a kind suffers from a trouble of that name."""
    return lambda rig, call: rig.fault(trouble=name, call=call, **changes)


def held(rig: Rig, call: str, seconds: float = 10) -> None:
    """Wait until a worker has such a request under way."""
    kind = {"create": "create", "comment": "comment"}[call]
    rows = TicketOperation.objects.filter(kind=kind, state="sending", sent_at__isnull=False)
    wait_until(rows.exists, "a request under way", seconds=seconds)
    time.sleep(0.2)


@dataclass(frozen=True)
class Fault:
    """One row. `before` acts before the effect is owed, `meanwhile` once it is."""

    name: str
    before: Act
    meanwhile: Act | None = None


def _killed_while(rig: Rig, call: str) -> None:
    held(rig, call)
    rig.kill()


def _killed_before(rig: Rig, _call: str) -> None:
    rig.die_flag.touch()


def _replaced(rig: Rig, _call: str) -> None:
    wait_until(rig.replace_dead, "a worker killed", seconds=15)


def _refused_for_a_while(rig: Rig, _call: str) -> None:
    time.sleep(HANDS_OFF)
    rig.conditions()


def _unplugged_for_a_while(rig: Rig, _call: str) -> None:
    time.sleep(HANDS_OFF)
    rig.boot()


def _second_worker_takes_over(rig: Rig, call: str) -> None:
    """The lease of the one that waits for Jira is over, and another takes the same row."""
    held(rig, call, seconds=5)
    TicketOperation.objects.filter(state="sending").update(lease_until="2026-01-01T00:00:00Z")


def _connections_cut(rig: Rig, call: str) -> None:
    held(rig, call)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def _lagging(rig: Rig, call: str) -> None:
    rig.conditions(search_lag_s=LAG_SECONDS / 2)
    rig.fault(trouble="drop-after", call=call)


FAULTS = [
    Fault("commit, then the connection drops", trouble("drop-after")),
    Fault("commit, then no answer", trouble("hang-after", latency_ms=LONG)),
    Fault("stalled 201", trouble("stalled", stall_ms=LONG)),
    Fault("truncated 201", trouble("truncated")),
    Fault("429, Retry-After in seconds", trouble("429")),
    Fault("429, Retry-After as a date", trouble("429-date")),
    Fault("500", trouble("500")),
    Fault("500 after commit", trouble("500-after")),
    Fault("502", trouble("502")),
    Fault("503", trouble("503")),
    Fault("504 after commit", trouble("504-after")),
    Fault("HTML at 200", trouble("html")),
    Fault("HTML at 200 after commit", trouble("html-after")),
    Fault("slow", trouble("slow")),
    Fault("refused connection", lambda rig, _call: rig.unplug(), _unplugged_for_a_while),
    Fault("expired token", lambda rig, _call: rig.conditions(token_expired=True), _refused_for_a_while),
    Fault("CAPTCHA", lambda rig, _call: rig.conditions(captcha=True), _refused_for_a_while),
    Fault("index lag of 60 s, answer lost", _lagging),
    Fault("worker killed before the call", _killed_before, _replaced),
    Fault("worker killed during the call", trouble("hang-before", latency_ms=LONG), _killed_while),
    Fault("worker killed after the call", trouble("hang-after", latency_ms=LONG), _killed_while),
    Fault("two workers on one operation", trouble("slow", latency_ms=800), _second_worker_takes_over),
    Fault("database connections cut", trouble("slow", latency_ms=800), _connections_cut),
]


FLUSHED, RESTARTED = "broker flushed", "database restarted"
"""What only a whole portal suffers from: a broker between web and workers, and a database of its own."""


NAMES = [*(fault.name for fault in FAULTS), FLUSHED, RESTARTED]


def note(fault: str, profile: str, tickets: int, comments: int, ticket_seconds: float, comment_seconds: float) -> None:
    """Keep a row's figures, and where that is wanted write the page with all that there are."""
    table.note(fault, profile, tickets, comments, ticket_seconds, comment_seconds)
    if os.environ.get("JIRA_FAULTS_TABLE") == "write":
        PAGE.write_text(table.page(NAMES))


@pytest.fixture(scope="module", params=["cloud", "dc"])
def rig_of(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    rig = Rig(tmp_path_factory.mktemp(request.param), request.param)
    yield rig
    rig.stop()


@pytest.fixture
def rig(rig_of: Rig, transactional_db: None) -> Rig:
    """A rig whose workers are on this test's database."""
    if not rig_of.workers:
        rig_of.start()
    rig_of.replace_dead()
    rig_of.wait_for_workers()
    rig_of.mend()
    return rig_of


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_one_ticket_and_one_comment_whatever_happens(rig: Rig, fault: Fault) -> None:
    fault.before(rig, "create")
    began = time.monotonic()
    alert = owe_ticket()
    if fault.meanwhile:
        fault.meanwhile(rig, "create")
    wait_until(all_done, "the ticket")
    ticket_seconds = time.monotonic() - began
    rig.control("DELETE", "faults")
    rig.conditions()
    [issue] = rig.issues()

    fault.before(rig, "comment")
    began = time.monotonic()
    owe_comment(alert)
    if fault.meanwhile:
        fault.meanwhile(rig, "comment")
    wait_until(all_done, "the comment")
    comment_seconds = time.monotonic() - began
    rig.conditions()
    comments = rig.comments(issue["key"])
    note(fault.name, rig.profile, len(rig.issues()), len(comments), ticket_seconds, comment_seconds)
    assert len(comments) == 1
    assert TicketOperation.objects.get(kind="create").case.ticket.key == issue["key"]
    assert max(ticket_seconds, comment_seconds) < 30


@pytest.fixture(scope="module", params=["cloud", "dc"])
def whole(request: pytest.FixtureRequest) -> Iterator[tuple[str, Story]]:
    """A profile of Jira, and a portal on it with a broker and a database of its own."""
    profile = request.param
    user = {"JIRA_USER": ""} if profile == "dc" else {}
    with running(f"faults-{profile}", ["postgres", "valkey", "jira"], SANDBOX_JIRA_PROFILE=profile, **user) as story:
        story.mend()
        yield profile, story


@pytest.mark.parametrize("fault", [FLUSHED, RESTARTED])
def test_one_ticket_and_one_comment_whatever_the_broker_or_the_database_does(
    whole: tuple[str, Story], fault: str
) -> None:
    profile, story = whole
    suffer = {FLUSHED: _broker_flushed, RESTARTED: _database_restarted}[fault]
    user, now = fault.partition(" ")[0], datetime.now(UTC)
    ticket_seconds = suffer(story, "create", lambda: _tell(story, user, now - timedelta(hours=6)))
    comment_seconds = suffer(story, "comment", lambda: _tell(story, user, now))
    [issue] = story.issues(f"{user}@example.com")
    comments = story.comments(issue.key)
    note(fault, profile, 1, len(comments), ticket_seconds, comment_seconds)
    assert len(comments) == 1


def _tell(story: Story, user: str, at: datetime) -> None:
    assert story.post(article(failed_sign_in(at, user=user))).status_code == 202


def _states(story: Story, kind: str) -> list[str]:
    rows = story.rows("SELECT state FROM alerts_ticketoperation WHERE kind = %s", kind)
    return [state for (state,) in rows]


def _broker_flushed(story: Story, kind: str, tell: Callable[[], None]) -> float:
    """Flush all wake-ups before any worker had one; return how long the effect took from when workers are back."""
    already = _states(story, kind).count("done")
    story.kill("worker")
    tell()
    story.broker().flushall()
    story.portal.start(["worker"])
    return _wait_for_one_more(story, kind, already)


def _database_restarted(story: Story, kind: str, tell: Callable[[], None]) -> float:
    """Restart Postgres while Jira answers slowly; return how long the effect took from then on."""
    already = _states(story, kind).count("done")
    story.jira("POST", "faults", {"trouble": "slow", "call": kind, "latency_ms": 5_000})
    tell()
    wait_until_true(lambda: "sending" in _hastened(story, kind), SWEPT, "the request under way")
    with story.without("postgres"):
        pass
    wait_until_true(lambda: _expired(story), SWEPT, "the database back")
    return _wait_for_one_more(story, kind, already)


def _expired(story: Story) -> bool:
    """Let the lease pass of whoever lost the database while it waited for Jira."""
    story.execute("UPDATE alerts_ticketoperation SET lease_until = now() WHERE state = 'sending'")
    return True


def _hastened(story: Story, kind: str) -> list[str]:
    """Let the period pass for which comments wait for each other; return the states of all operations of the kind."""
    story.execute("UPDATE alerts_ticketoperation SET not_before = NULL WHERE state = 'pending' AND kind = %s", kind)
    return _states(story, kind)


def _wait_for_one_more(story: Story, kind: str, already: int) -> float:
    began = time.monotonic()
    wait_until_true(lambda: _hastened(story, kind).count("done") > already, 2 * SWEPT, f"the {kind}")
    return time.monotonic() - began


def test_the_page_shows_every_fault_on_both_kinds_of_jira_with_one_ticket_and_one_comment() -> None:
    rows = table.rows(PAGE.read_text())
    assert list(rows) == NAMES
    for name, cells in rows.items():
        tickets_and_comments = [cells[at] for at in (0, 1, 4, 5)]
        assert tickets_and_comments == ["1"] * 4, name
