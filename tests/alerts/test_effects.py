"""Each kind of effect is known again in Jira, so that a lost answer doubles none."""

import pytest

from alerts.models import Alert, Ticket, TicketOperation
from alerts.ticketing import client
from tests.alerts.test_operations import Jira, owing, work
from tests.alerts.test_operations import jira as jira  # the fixture

pytestmark = pytest.mark.django_db


def owed(alert: Alert, kind: str, **payload: object) -> TicketOperation:
    """Owe the ticket of an alert, which is made, one effect more."""
    return TicketOperation.objects.create(case=alert.case, alert=alert, kind=kind, payload=payload)


def ticketed() -> tuple[Alert, str]:
    alert = owing()
    work(alert, times=2)
    return alert, Ticket.objects.get(case=alert.case).key


def test_a_file_whose_answer_was_lost_is_attached_once(jira: Jira) -> None:
    alert, key = ticketed()
    operation = owed(alert, "attach", name="notes.txt", text="Anna called.")
    jira.fault(trouble="drop-after", call="attach")
    work(alert, times=3)
    operation.refresh_from_db()
    assert operation.state == "done"
    [file] = jira.get(f"issue/{key}")["fields"]["attachment"]
    assert file["filename"] == f"notes-{operation.pk}.txt"


def test_a_lost_comment_is_found_below_many_younger_ones(jira: Jira) -> None:
    alert, key = ticketed()
    operation = owed(alert, "comment", text="Looked at it.")
    jira.fault(trouble="drop-after", call="comment")
    work(alert)
    for number in range(7):
        client.add_comment(key, f"younger {number}", "somebody else")
    jira.conditions(page_limit=2)
    work(alert, times=2)
    operation.refresh_from_db()
    assert operation.state == "done"
    jira.conditions()
    assert len(jira.get(f"issue/{key}/comment")["comments"]) == 8


def test_fields_and_labels_are_set_once_even_when_the_answer_is_lost(jira: Jira) -> None:
    alert, key = ticketed()
    owed(alert, "update", fields={"priority": {"name": "Highest"}}, add_labels=["vip"])
    jira.fault(trouble="drop-after", call="update")
    work(alert, times=3)
    issue = jira.get(f"issue/{key}")["fields"]
    assert issue["priority"]["name"] == "Highest"
    assert issue["labels"].count("vip") == 1


def test_only_the_ticket_of_a_rehearsal_is_ever_deleted(jira: Jira) -> None:
    alert, _ = ticketed()
    operation = owed(alert, "delete")
    work(alert)
    operation.refresh_from_db()
    assert (operation.state, len(jira.issues())) == ("failed", 1)
