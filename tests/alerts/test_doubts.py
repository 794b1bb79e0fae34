"""What a worker cannot find out about an effect on Jira, a person can: the pipeline asks, and believes the answer."""

from datetime import timedelta

import pytest
from django.test import Client

from alerts.models import Alert, Ticket, TicketOperation
from alerts.services import doubts
from alerts.services.triage import NotNow
from core import clock
from core.models import Activity
from tests.alerts.test_operations import Jira, owing, work
from tests.alerts.test_operations import jira as jira  # the fixture
from tests.factories import make_alert, make_person, make_ticket, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def page(client: Client) -> Client:
    client.force_login(make_user())
    return client


def doubtful(jira: Jira, *, minutes: int = 31) -> tuple[Alert, TicketOperation]:
    """Return an alert whose ticket was made, which nobody could find out since."""
    alert = owing()
    jira.fault(method="POST", path=r"/issue$", when="after", status=0)
    work(alert)
    TicketOperation.objects.update(sent_at=clock.now() - timedelta(minutes=minutes), not_before=None)
    return alert, TicketOperation.objects.get(kind="create")


def test_somebody_who_found_the_issue_makes_it_the_ticket(jira: Jira, page: Client) -> None:
    alert, operation = doubtful(jira)
    assert f"/pipeline/operations/{operation.pk}/settle/" in page.get("/pipeline/").content.decode()
    assert page.get(f"/pipeline/operations/{operation.pk}/settle/").status_code == 200
    page.post(f"/pipeline/operations/{operation.pk}/settle/", {"made": "yes", "key": "sec-1"})
    assert Ticket.objects.get(case=alert.case).key == "SEC-1"
    assert work(alert).state == "done"
    assert jira.posts() == 1
    assert Activity.objects.filter(action="ticket.settled", data__made="SEC-1").count() == 1
    assert "found it made in Jira, as SEC-1" in page.get(f"/alerts/{alert.pk}/").content.decode()


def test_somebody_who_found_nothing_has_it_sent_again_at_once(jira: Jira, page: Client) -> None:
    alert = owing()
    jira.fault(method="POST", path=r"/issue$", when="before", status=0)
    work(alert)
    operation = TicketOperation.objects.get()
    TicketOperation.objects.update(sent_at=clock.now() - timedelta(hours=1))
    page.post(f"/pipeline/operations/{operation.pk}/settle/", {"made": "no"})
    assert work(alert).state == "done"
    assert len(jira.issues()) == 1
    assert Activity.objects.filter(action="ticket.settled", data__made="").count() == 1


def test_an_issue_that_jira_does_not_know_is_not_believed(jira: Jira, page: Client) -> None:
    _, operation = doubtful(jira)
    answer = page.post(f"/pipeline/operations/{operation.pk}/settle/", {"made": "yes", "key": "SEC-999"}, follow=True)
    assert "could not be looked up" in answer.content.decode()
    operation.refresh_from_db()
    assert operation.state == "unknown"


def test_an_issue_that_is_another_cases_ticket_is_not_taken(jira: Jira) -> None:
    _, operation = doubtful(jira)
    make_ticket(make_alert(), "SEC-1")
    with pytest.raises(NotNow, match="SEC-1 is the ticket of"):
        doubts.it_was_made(operation.pk, make_person(), key="SEC-1")


def test_nobody_is_asked_while_it_is_still_looked_for(jira: Jira, page: Client) -> None:
    _, operation = doubtful(jira, minutes=5)
    assert "What became of it" not in page.get("/pipeline/").content.decode()
    with pytest.raises(NotNow):
        doubts.nothing_was_made(operation.pk, make_person())


def test_the_key_is_asked_for_where_an_issue_was_made(jira: Jira, page: Client) -> None:
    _, operation = doubtful(jira)
    answer = page.post(f"/pipeline/operations/{operation.pk}/settle/", {"made": "yes"})
    assert answer.status_code == 422
    assert "Say which issue it is" in answer.content.decode()
