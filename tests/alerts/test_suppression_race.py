"""Suppressed alerts that two act on at the same moment."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from alerts.models import Alert, TicketOperation
from alerts.services import hiding, suppression, triage
from alerts.services.alerting import take
from tests.alerts.test_alerting import DELIVERY, ORIGIN, finding
from tests.alerts.test_suppression import events, make, tell

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*acts: Callable[[], object]) -> list[str]:
    """Do all of it at the same moment; return what was refused, in words."""
    start, refused = threading.Barrier(len(acts)), []

    def one(act: Callable[[], object]) -> None:
        try:
            start.wait(timeout=10)
            act()
        except triage.TriageError as error:
            refused.append(str(error))
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as pool:
        list(pool.map(one, acts))
    return refused


def test_of_many_who_bring_an_alert_back_one_does_and_it_owes_one_ticket() -> None:
    row = make()
    alert = tell().occurrence.alert
    refused = at_once(*[lambda: suppression.bring_back(alert.pk, row.owner)] * 6)
    assert refused == ["The alert is not suppressed any more."] * 5
    assert TicketOperation.objects.filter(kind="create").count() == 1


def test_brought_back_while_it_is_seen_elsewhere_there_is_one_open_alert_about_it() -> None:
    row = make()
    alert = tell().occurrence.alert
    elsewhere = finding(600, 610, events=events("198.51.100.1"))
    at_once(
        lambda: suppression.bring_back(alert.pk, row.owner),
        lambda: take(elsewhere, ORIGIN, delivery=DELIVERY, rules=hiding.InForce()),
    )
    open_ones = Alert.objects.exclude(status="closed")
    assert open_ones.count() == 1
    assert TicketOperation.objects.filter(kind="create").count() == 1


def test_while_a_rule_is_withdrawn_each_alert_is_hidden_with_its_reason_or_seen_with_its_ticket() -> None:
    row = make()

    def told(number: int) -> Callable[[], object]:
        found = finding(entity_id=f"00u{number}", entity_name=f"u{number}@example.com")
        return lambda: take(found, ORIGIN, delivery=DELIVERY, rules=hiding.InForce())

    at_once(*[told(number) for number in range(5)], lambda: suppression.withdraw(row.pk, row.owner))
    for alert in Alert.objects.all():
        owes = TicketOperation.objects.filter(alert=alert, kind="create").exists()
        assert (alert.suppressed_by_id is None) == owes
        assert (alert.status == "closed") == bool(alert.verdict_reason) == (not owes)
