"""Own, join and score: which case an alert goes into, what Jira is owed for it, and how a recurrence after closing goes on."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from alerts.models import Alert, Case, Rehearsal, Ticket, TicketOperation
from alerts.services import cases, policies
from alerts.services.alerting import Origin, Outcome, take
from core import clock
from core.models import Activity
from monitors.models import Monitor
from tests.alerts.test_alerting import DELIVERY, ORIGIN, OTHER, START, finding
from tests.factories import ago, involve, make_alert, make_monitor, make_operation

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def soon_after_the_findings() -> Iterator[None]:
    """The day on which they happen: weak signals add up over some hours only."""
    with time_machine.travel(START + timedelta(minutes=30)):
        yield


def origin(policy: str, detection: str = "brute-force-user") -> Origin:
    """Return where findings of a monitor with this policy come from."""
    monitor = make_monitor(detection, ticket_policy=policy)
    return Origin(monitor, "test", monitor.name, detection, {})


def tell(where: Origin, **changes: Any) -> Outcome:
    return take(finding(**changes), where, delivery=DELIVERY)


def count(kind: str, **more: Any) -> int:
    return TicketOperation.objects.filter(kind=kind, **more).count()


def score() -> dict[str, Any]:
    """Return how the only case's sum came about."""
    kept = Case.objects.get().score
    assert kept is not None
    return dict(kept)


def test_one_that_joins_comments_at_once_on_the_entitys_open_ticket() -> None:
    first = tell(ORIGIN).occurrence.alert
    second = tell(origin("join")).occurrence.alert
    assert second.case == first.case
    assert (count("create"), count("link"), Case.objects.count()) == (1, 0, 1)
    comment = TicketOperation.objects.get(kind="comment")
    assert (comment.alert, comment.not_before) == (second, None)
    assert Activity.objects.filter(action="alert.opened", data__because="joined").count() == 1


def test_one_that_finds_nothing_to_join_has_a_ticket_of_its_own() -> None:
    tell(ORIGIN, entity_id="00ubert")
    tell(origin("join"))
    assert (count("create"), Case.objects.count()) == (2, 2)


def close(alert: Alert, **changes: Any) -> None:
    Alert.objects.filter(pk=alert.pk).update(**{"status": "closed", "closed_at": clock.now(), **changes})


@pytest.mark.parametrize("why", ["closed", "old", "given up", "gone", "a rehearsal"])
def test_what_is_not_worked_any_more_is_not_joined(why: str) -> None:
    first = tell(ORIGIN).occurrence.alert
    match why:
        case "closed":
            close(first)
        case "old":
            Case.objects.update(opened_at=ago(hours=25))
        case "given up":
            TicketOperation.objects.update(state="dismissed")
        case "gone":
            Ticket.objects.create(
                case=first.case, key="SEC-1", jira_id="1", url="https://x.example", gone_at=clock.now()
            )
        case _:
            Alert.objects.update(rehearsal=Rehearsal.objects.create(monitor=make_monitor(), index_pattern="x"))
    assert tell(origin("join")).occurrence.alert.case != first.case


def test_a_graver_one_that_joins_raises_the_priority_and_a_milder_one_does_not() -> None:
    first = tell(ORIGIN, severity=3).occurrence.alert
    TicketOperation.objects.update(state="done", sent_at=clock.now())
    tell(origin("join"), severity=4)
    assert count("update") == 0
    tell(origin("join"), severity=1)
    update = TicketOperation.objects.get(kind="update")
    assert (update.case, update.payload) == (first.case, {"fields": {"priority": {"name": "Highest"}}})


def test_a_priority_that_somebody_raised_in_jira_is_not_lowered() -> None:
    first = tell(ORIGIN, severity=3).occurrence.alert
    TicketOperation.objects.update(state="done", sent_at=clock.now())
    Ticket.objects.create(case=first.case, key="SEC-1", jira_id="1", url="https://x.example", priority="Highest")
    tell(origin("join"), severity=2)
    assert count("update") == 0


def test_weak_signals_make_one_ticket_once_their_sum_is_reached_and_say_how_it_came_about() -> None:
    first = tell(origin("score"), severity=4).occurrence.alert
    second = tell(origin("score"), severity=4).occurrence.alert
    assert (first.case, count("create")) == (second.case, 0)
    assert score()["sum"] == 4
    third = tell(origin("score"), severity=4).occurrence.alert
    assert count("create") == 1
    kept = score()
    assert (kept["sum"], kept["needed"]) == (6, 6)
    assert {one["alert"]: one["points"] for one in kept["signals"]} == {first.pk: 2, second.pk: 2, third.pk: 2}
    assert Activity.objects.filter(action="alert.score_reached").count() == 1
    tell(origin("score"), severity=5)
    assert (count("create"), count("comment")) == (1, 1)


def test_a_monitors_findings_about_one_entity_count_once_in_the_sum() -> None:
    where = origin("score")
    for hour in range(4):
        alert = tell(where, severity=4, first=hour * 60, last=hour * 60 + 5).occurrence.alert
        close(alert)
    assert score()["sum"] == 2
    assert count("create") == 0


def test_what_was_judged_harmless_counts_nothing() -> None:
    close(tell(origin("score"), severity=3).occurrence.alert, verdict="false_positive")
    tell(origin("score"), severity=3)
    assert count("create") == 0


def test_signals_that_lie_too_far_apart_do_not_add_up() -> None:
    tell(origin("score"), severity=3)
    Alert.objects.update(created_at=ago(hours=30), last_seen=ago(hours=30))
    tell(origin("score"), severity=3)
    assert (count("create"), Case.objects.count()) == (0, 2)


def test_a_signal_that_becomes_graver_can_reach_the_sum() -> None:
    where = origin("score")
    tell(where, severity=4)
    tell(where, severity=1, count=30)
    assert count("create") == 1


def test_a_case_without_a_ticket_is_never_linked_to() -> None:
    tell(origin("score"), severity=5)
    tell(OTHER)
    assert count("link") == 0


def test_an_attack_that_reaches_somebody_else_is_linked_by_what_took_part_in_both() -> None:
    spray = make_alert(entity_type="ip", entity_id="203.0.113.7", entity_name="203.0.113.7")
    make_operation(spray)
    involve(spray, "ip", "203.0.113.7", "source")
    alert = tell(ORIGIN).occurrence.alert
    link = TicketOperation.objects.get(kind="link")
    assert (link.case, link.payload) == (alert.case, {"type": "Relates", "other_case": spray.case_id})


def test_the_address_of_an_office_tells_no_story() -> None:
    for _ in range(cases.CROWD + 1):
        other = make_alert()
        make_operation(other)
        involve(other, "ip", "203.0.113.7", "source")
    tell(ORIGIN)
    assert count("link") == 0


def ticketed(**changes: Any) -> Alert:
    """Return a closed alert whose case has a ticket."""
    alert = tell(ORIGIN).occurrence.alert
    TicketOperation.objects.update(state="done", sent_at=clock.now())
    close(alert)
    ticket = {"key": "SEC-1", "jira_id": "1", "url": "https://x.example", "status_category": "done", **changes}
    Ticket.objects.create(case=alert.case, **ticket)
    return alert


def test_a_recurrence_shortly_after_closing_reopens_the_ticket_and_comments_there() -> None:
    before = ticketed(resolution="Done")
    outcome = tell(ORIGIN, first=60, last=70)
    assert outcome.new_alert
    assert outcome.occurrence.alert.case == before.case
    assert (count("create"), count("comment"), count("transition"), count("link")) == (1, 1, 1, 0)
    before.refresh_from_db()
    assert before.status == "closed"


@pytest.mark.parametrize(
    "ticket", [{"resolution": "Won't Fix"}, {"resolution": "won't do"}, {"gone_at": ago(minutes=1)}, {"old": True}]
)
def test_a_recurrence_of_what_was_closed_for_good_or_long_ago_has_a_new_ticket_linked_to_the_old(
    ticket: dict[str, Any],
) -> None:
    old = ticket.pop("old", False)
    before = ticketed(**ticket)
    if old:
        Alert.objects.update(closed_at=ago(hours=25))
        Case.objects.update(opened_at=ago(hours=80))
    after = tell(ORIGIN, first=60, last=70).occurrence.alert
    assert after.case != before.case
    assert (count("create"), count("transition")) == (2, 0)
    assert TicketOperation.objects.get(kind="link").payload["other_case"] == before.case_id


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("policy", ["join", "score"])
def test_eight_alerts_of_one_entity_at_once_make_one_case_with_one_ticket(policy: str) -> None:
    origins = [origin(policy) for _ in range(8)]
    start = threading.Barrier(8)

    def one(where: Origin) -> None:
        try:
            start.wait()
            tell(where, severity=4)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(one, origins))
    assert (Case.objects.count(), Alert.objects.count(), count("create")) == (1, 8, 1)


def outlooks(monitor: Monitor) -> dict[str, tuple[int, int, int]]:
    return {one.policy: (one.tickets, one.comments, one.quiet) for one in policies.would_have_made(monitor)}


def test_what_each_policy_would_have_made_is_told_from_the_last_alerts() -> None:
    monitor = make_monitor()
    for hours in (50, 49, 48, 2):
        alert = make_alert(monitor=monitor, entity_id="00uanna", severity=4)
        Alert.objects.filter(pk=alert.pk).update(created_at=ago(hours=hours))
    assert outlooks(monitor) == {"own": (4, 0, 0), "join": (2, 2, 0), "score": (1, 0, 3)}


def test_what_others_made_of_the_same_entity_is_there_to_be_joined() -> None:
    monitor = make_monitor()
    make_operation(make_alert(entity_id="00uanna"))
    make_alert(monitor=monitor, entity_id="00uanna")
    assert outlooks(monitor)["join"] == (0, 1, 0)


def test_the_outlook_takes_as_many_queries_for_many_alerts_as_for_one() -> None:
    monitor = make_monitor()
    make_alert(monitor=monitor)
    with CaptureQueriesContext(connection) as few:
        policies.would_have_made(monitor)
    for _ in range(10):
        make_alert(monitor=monitor)
    with CaptureQueriesContext(connection) as many:
        policies.would_have_made(monitor)
    assert len(many) == len(few) == 2
