"""
A seeded campaign: alerts by the hundred, a Jira that fails in every way at once, workers killed. At the end everything stands once.

CI runs a small one. `make chaos-jira` runs thousands: CHAOS_ALERTS, CHAOS_SEED, CHAOS_PROFILE and CHAOS_WORKERS change it. The seed repeats
what is done and what fails, not how processes interleave.
"""

import os
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.db.models import QuerySet

from alerts.models import Alert, Occurrence, Ticket, TicketOperation
from alerts.ticketing.client import OPERATION_PROPERTY
from tests.alerts.test_alerting import tell
from tests.chaos.rig import PATIENCE, Rig, all_done, owe_comment, owe_ticket, wait_until

if TYPE_CHECKING:
    from sandbox.jira.site import Profile

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.story]

ALERTS = int(os.environ.get("CHAOS_ALERTS", "60"))
SEED = int(os.environ.get("CHAOS_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)
WORKERS = int(os.environ.get("CHAOS_WORKERS", "2"))
KILL_SECONDS = (2.0, 6.0)
SHARES = {
    "drop-before": 0.02, "drop-after": 0.04, "hang-after": 0.01, "stalled": 0.01, "truncated": 0.02, "429": 0.004, "429-date": 0.004,
    "500": 0.02, "500-after": 0.02, "502": 0.02, "503": 0.02, "503-retry-after": 0.004, "504-after": 0.02, "html": 0.01,
    "html-after": 0.02, "401": 0.01, "captcha": 0.005, "409": 0.01,
}  # fmt: skip


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    profiles: list[Profile] = ["cloud", "dc"]
    profile = random.Random(SEED).choice([one for one in profiles if os.environ.get("CHAOS_PROFILE", one) == one])
    rig = Rig(tmp_path, profile, rate=200.0)
    rig.start(WORKERS)
    yield rig
    rig.stop()


def say(words: str) -> None:
    """Tell whoever runs it; pytest shows it with -s, or when the test fails."""
    print(words, file=sys.stderr, flush=True)  # noqa: T201 - figures for a person


def storm(rig: Rig, chance: random.Random) -> int:
    """Owe ALERTS tickets and half as many comments, while Jira fails and workers die; return how many died."""
    rig.control("PUT", "seed", {"seed": SEED})
    for trouble, share in SHARES.items():
        rig.fault(trouble=trouble, call="any", share=share, times=10**6)
    rig.conditions(search_lag_s=0.4, page_limit=2)
    made: dict[int, Alert] = {}
    killed, next_kill = 0, time.monotonic() + KILL_SECONDS[0]
    comments = ALERTS // 2
    while len(made) < ALERTS or comments > 0:
        for _ in range(chance.randint(1, 12)):
            if len(made) < ALERTS:
                known = chance.choice(list(made.values())).entity_id if made and chance.random() < 0.2 else None
                alert = owe_ticket(**({"entity_id": known, "entity_name": known} if known else {}))
                made[alert.case_id] = alert
        ticketed = list(Ticket.objects.order_by("case_id").values_list("case_id", flat=True))
        for case in chance.sample(ticketed, min(len(ticketed), 4)):
            owe_comment(made[case])
            comments -= 1
        if time.monotonic() > next_kill:
            victim = chance.choice(rig.workers)
            victim.kill()
            victim.wait(10)
            killed += rig.replace_dead()
            next_kill = time.monotonic() + chance.uniform(*KILL_SECONDS)
        time.sleep(0.05)
    return killed


def test_everything_that_was_owed_stands_in_jira_once(rig: Rig) -> None:
    chance = random.Random(SEED)
    say(f"seed {SEED}, {rig.profile}, {ALERTS} alerts, {WORKERS} workers")
    began = time.monotonic()
    killed = storm(rig, chance)
    rig.replace_dead()
    wait_until(lambda: left() <= ALERTS // 10, "nine tenths of it, under faults", seconds=ALERTS + PATIENCE)
    rig.control("DELETE", "faults")
    rig.conditions()
    wait_until(all_done, "everything owed", seconds=ALERTS / 3 + PATIENCE)
    seconds = time.monotonic() - began
    struck = Counter(row["fault"].split()[0] for row in rig.control("GET", "requests") if row["fault"])

    issues = {issue["key"]: issue["fields"] for issue in rig.issues()}
    creates = {f"oktadetect-{pk}": case for pk, case in operations("create").values_list("pk", "case_id")}
    labels = [label for issue in issues.values() for label in issue["labels"] if label in creates]
    assert Counter(labels) == Counter(creates.keys()), f"seed {SEED}"
    assert len(issues) == len(creates)
    keys = dict(Ticket.objects.values_list("case_id", "key"))
    for key, issue in issues.items():
        assert keys[next(creates[label] for label in issue["labels"] if label in creates)] == key

    wanted: dict[str, Counter[str]] = {key: Counter() for key in issues}
    for pk, case, result in operations("comment").values_list("pk", "case_id", "result"):
        if result:  # it had something left to tell
            wanted[keys[case]][str(pk)] += 1
    comments = {key: Counter(map(operation_of, rig.comments(key))) for key in issues}
    assert comments == wanted, f"seed {SEED}"
    told = [
        pk for payload in TicketOperation.objects.values_list("payload", flat=True) for pk in payload.get("told", ())
    ]
    assert set(told) == set(Occurrence.objects.values_list("pk", flat=True))

    pairs = {
        frozenset((keys[case], keys[payload["other_case"]]))
        for case, payload in operations("link").values_list("case_id", "payload")
    }
    linked = Counter(
        frozenset((key, (link.get("inwardIssue") or link["outwardIssue"])["key"]))
        for key, issue in issues.items()
        for link in issue["issuelinks"]
    )
    assert linked == Counter(dict.fromkeys(pairs, 2)), f"seed {SEED}"  # each end shows it
    say(
        f"{len(issues)} tickets, {sum(map(Counter.total, comments.values()))} comments, {len(pairs)} links in {seconds:.0f} s; "
        f"{killed} workers killed, {rig.posts()} POSTs for issues, {struck.total()} calls struck: {dict(struck.most_common())}"
    )
    assert struck.total() > ALERTS / 4


def left() -> int:
    """Return how many effects are still owed."""
    return TicketOperation.objects.exclude(state="done").count()


def operations(kind: str) -> QuerySet[TicketOperation]:
    """Return the operations of a kind, in order."""
    return TicketOperation.objects.filter(kind=kind).order_by("id")


def operation_of(comment: dict[str, Any]) -> str:
    """Return the operation that wrote a comment."""
    return str(next(one["value"]["operation"] for one in comment["properties"] if one["key"] == OPERATION_PROPERTY))


def test_a_storm_of_one_fingerprint_is_one_ticket_and_a_handful_of_comments(rig: Rig) -> None:
    findings, began = 5 * ALERTS, time.monotonic()
    for number in range(findings):
        tell(number / 100, number / 100 + 0.005)
    told = time.monotonic() - began
    TicketOperation.objects.filter(kind="comment", state="pending").update(not_before=None)  # the period is over
    wait_until(all_done, "the storm's end")
    [issue] = rig.issues()
    comments, calls = len(rig.comments(issue["key"])), rig.control("GET", "requests")
    say(f"{findings} findings in {told:.0f} s: 1 ticket, {comments} comments, {len(calls)} calls of Jira")
    assert 1 <= comments <= 5
    assert Occurrence.objects.count() == findings
    assert Alert.objects.count() == 1


def test_a_burst_of_tickets_reaches_jira_no_faster_than_its_rate(tmp_path: Path) -> None:
    rig = Rig(tmp_path, "cloud", rate=10.0)
    rig.start(2)
    try:
        for _ in range(12):
            owe_ticket()
        wait_until(all_done, "the burst's end")
        at = [row["at"] for row in rig.control("GET", "requests") if row["path"].startswith("/rest/")]
    finally:
        rig.stop()
    busiest = max(sum(start <= other < start + 1000 for other in at) for start in at)
    assert busiest <= 25, "10 a second, and what a second may save up; the rest is the clock of a busy machine"
    assert max(at) - min(at) >= (len(at) - 20) * 100
