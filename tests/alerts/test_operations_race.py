"""Two workers at one case never do one effect twice, and what is new is told once, whoever is faster."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from alerts.models import Alert, TicketOperation
from alerts.services import cases
from alerts.ticketing import claims, client, operations
from alerts.ticketing.errors import JiraRefused, JiraUnknown
from core import clock
from tests.factories import make_alert, make_occurrence

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def created(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The operations for which a ticket was made."""
    made: list[str] = []

    def create(_fields: Any, operation_id: str, _about: Any) -> dict[str, str]:
        made.append(operation_id)
        return {"id": "1", "key": "SEC-1"}

    monkeypatch.setattr(client, "create_issue", create)
    monkeypatch.setattr(client, "link_remotely", lambda _key, _link: None)
    return made


def owing() -> Alert:
    alert = make_alert()
    cases.owe_ticket(alert)
    return alert


def seen_again(alert: Alert, *, at_once: bool = True) -> None:
    """Write a new occurrence and what it owes, as the ingest does."""
    with transaction.atomic():
        make_occurrence(alert)
        cases.owe_comment(alert, at_once=at_once)


def beside(work: Callable[[], object]) -> "Future[object]":
    """Start `work` in a thread with a connection of its own; `result()` waits for its end and raises what it raised."""

    def run() -> object:
        try:
            return work()
        finally:
            connection.close()

    return ThreadPoolExecutor(max_workers=1).submit(run)


def wait_for_a_lock(worker: "Future[object]") -> None:
    """Return once another connection waits for a lock of ours, or the worker has ended without."""
    for _ in range(1000):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
            )
            if cursor.fetchone()[0] or worker.done():
                return
        time.sleep(0.01)
    raise AssertionError("nobody waited for a lock within 10 s")


def test_a_worker_that_waited_for_anothers_claim_does_not_claim_too(created: list[str]) -> None:
    alert = owing()
    with transaction.atomic():
        TicketOperation.objects.update(state="sending", lease_until=clock.now() + timedelta(minutes=1))
        worker = beside(lambda: operations.work_case(alert.case_id))
        wait_for_a_lock(worker)
    worker.result(timeout=30)
    assert created == []


def test_a_worker_whose_lease_passed_while_it_looked_sends_nothing(
    created: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    alert = owing()
    TicketOperation.objects.update(state="unknown", sent_at=clock.now() - timedelta(minutes=5))

    def looked_for_too_long(_label: str) -> list[Any]:
        TicketOperation.objects.update(lease_until=clock.now() - timedelta(seconds=1))
        claims.expire_leases(alert.case_id)
        return []

    monkeypatch.setattr(client, "find_by_label", looked_for_too_long)
    operations.work_case(alert.case_id)
    assert created == []
    assert TicketOperation.objects.get().state == "unknown"


def comments_said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    said: list[str] = []

    def add_comment(_key: str, text: str, _operation_id: str) -> str:
        said.append(text)
        return str(len(said))

    monkeypatch.setattr(client, "add_comment", add_comment)
    return said


def work(alert: Alert) -> None:
    TicketOperation.objects.update(not_before=None)
    operations.work_case(alert.case_id)


def test_an_occurrence_that_comes_while_a_comment_is_on_its_way_is_told_by_the_next(
    created: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    alert = owing()
    work(alert)
    said = comments_said(monkeypatch)

    def add_comment(_key: str, text: str, _operation_id: str) -> str:
        said.append(text)
        if len(said) == 1:
            seen_again(alert, at_once=False)
        return str(len(said))

    monkeypatch.setattr(client, "add_comment", add_comment)
    seen_again(alert)
    work(alert)
    work(alert)
    assert [text.count("\n* ") for text in said] == [1, 1]
    assert not TicketOperation.objects.exclude(state="done").exists()


def test_an_occurrence_that_was_written_earlier_and_committed_later_is_told(
    created: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    alert = owing()
    work(alert)
    said = comments_said(monkeypatch)
    seen_again(alert)
    with transaction.atomic():
        seen_again(alert, at_once=False)
        worker = beside(lambda: operations.work_case(alert.case_id))
        wait_for_a_lock(worker)
    worker.result(timeout=30)
    work(alert)
    assert sum(text.count("\n* ") for text in said) == 2


def test_a_comment_whose_answer_was_lost_and_that_is_found_counts_as_told(
    created: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    alert = owing()
    work(alert)
    said = comments_said(monkeypatch)
    lost = [True]
    add = client.add_comment

    def add_comment(key: str, text: str, operation_id: str) -> str:
        add(key, text, operation_id)
        if lost.pop():
            raise JiraUnknown("lost")
        return "2"

    monkeypatch.setattr(client, "add_comment", add_comment)
    monkeypatch.setattr(client, "find_comment", lambda _key, _operation_id, **_: "1")
    seen_again(alert)
    work(alert)
    seen_again(alert)
    lost.append(False)
    work(alert)
    work(alert)
    assert [text.count("\n* ") for text in said] == [1, 1]


def test_a_comment_with_nothing_left_to_tell_is_not_sent(created: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    alert = owing()
    said = comments_said(monkeypatch)
    seen_again(alert)  # before the ticket is made: its first text tells it
    work(alert)
    assert said == []
    assert TicketOperation.objects.get(kind="comment").state == "done"


def test_a_comment_that_jira_refused_is_told_by_the_next_one(
    created: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    alert = owing()
    work(alert)

    def refuse(*_: Any) -> str:
        raise JiraRefused("no")

    monkeypatch.setattr(client, "add_comment", refuse)
    seen_again(alert)
    work(alert)
    said = comments_said(monkeypatch)
    seen_again(alert)
    work(alert)
    assert [text.count("\n* ") for text in said] == [2]
