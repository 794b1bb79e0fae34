"""People arrange cases: an issue that is there becomes the ticket, two cases become one, and both are taken back; each exactly once."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.test import Client as Browser

from alerts.models import Alert, Case, Ticket, TicketOperation
from alerts.services import cases, joining
from alerts.services.triage import NotNow
from alerts.ticketing import client, fields, operations
from core.models import Activity
from tests.alerts.test_operations import Jira, owing, work
from tests.alerts.test_operations import jira as jira  # the fixture
from tests.factories import make_alert, make_operation, make_person, make_ticket, make_user

pytestmark = pytest.mark.django_db


def refused_alert() -> Alert:
    """Return an alert whose ticket Jira refused."""
    alert = make_alert()
    make_operation(alert, state="failed")
    return alert


def in_jira(jira: Jira) -> str:
    """Return the key of an issue that is no ticket of ours."""
    return client.create_issue(fields.create(make_alert(), "by-hand"), "by-hand")["key"]


def test_an_issue_that_is_there_becomes_the_ticket_and_is_told_what_the_case_holds(jira: Jira) -> None:
    key, alert = in_jira(jira), refused_alert()
    ticket = joining.attach(alert.pk, f" {key.lower()} ", make_person())
    assert (ticket.key, ticket.attached) == (key, True)
    TicketOperation.objects.update(not_before=None)
    operations.work_case(alert.case_id)
    [comment] = jira.get(f"issue/{key}/comment")["comments"]
    assert f"/alerts/{alert.pk}/" in comment["body"]
    assert (len(jira.issues()), Activity.objects.filter(action="ticket.attached").count()) == (1, 1)


def test_an_issue_that_jira_does_not_know_is_not_attached(jira: Jira) -> None:
    alert = refused_alert()
    with pytest.raises(NotNow, match="SEC-999 could not be looked up"):
        joining.attach(alert.pk, "SEC-999", make_person())
    assert not Ticket.objects.exists()


def test_the_ticket_of_another_case_is_not_attached(jira: Jira) -> None:
    other = owing()
    work(other)
    with pytest.raises(NotNow, match="Join the two cases"):
        joining.attach(refused_alert().pk, Ticket.objects.get().key, make_person())


def test_nothing_is_attached_while_a_ticket_is_on_its_way(jira: Jira) -> None:
    key, alert = in_jira(jira), make_alert()
    make_operation(alert, state="unknown")
    with pytest.raises(NotNow, match="on its way"):
        joining.attach(alert.pk, key, make_person())
    assert not Ticket.objects.exists()


def test_an_attached_issue_is_taken_away_again_and_one_that_was_made_is_not(jira: Jira) -> None:
    key, alert = in_jira(jira), refused_alert()
    joining.attach(alert.pk, key, make_person())
    joining.detach(alert.pk, make_person())
    assert not Ticket.objects.exists()
    assert set(TicketOperation.objects.values_list("kind", "state")) == {
        ("create", "dismissed"), ("comment", "dismissed"),
    }  # fmt: skip
    made = make_alert()
    make_ticket(made)
    with pytest.raises(NotNow):
        joining.detach(made.pk, make_person())


def test_a_joined_cases_ticket_is_linked_as_duplicate_of_the_one_that_goes_on(jira: Jira) -> None:
    first, second = owing(), owing(detection="Other", detection_id="")
    work(first)
    work(second)
    joining.join(second.pk, first.pk, make_person())
    assert Alert.objects.filter(case=first.case).count() == 2
    work(first)
    key = Ticket.objects.get(case=second.case).key
    [link] = jira.get(f"issue/{key}")["fields"]["issuelinks"]
    assert (link["type"]["name"], link["outwardIssue"]["key"]) == ("Duplicate", Ticket.objects.get(case=first.case).key)
    comments = jira.get(f"issue/{Ticket.objects.get(case=first.case).key}/comment")["comments"]
    assert len(comments) == 1


def test_a_ticket_that_was_not_sent_yet_is_not_made_for_a_joined_case_and_owed_again_once_it_parts() -> None:
    first, second = make_alert(), make_alert()
    make_ticket(first)
    was = second.case
    cases.owe_ticket(second)
    joining.join(second.pk, first.pk, make_person())
    assert TicketOperation.objects.get(case=was, kind="create").state == "dismissed"
    assert not TicketOperation.objects.filter(kind="link", payload__type="Duplicate").exists()
    joining.part(was.pk, make_person())
    second.refresh_from_db()
    assert second.case == was
    assert TicketOperation.objects.get(case=was, kind="create").state == "pending"
    assert Activity.objects.filter(action__in=["case.joined", "case.parted"]).count() == 2


def test_a_duplicate_that_was_none_is_said_so_in_its_ticket() -> None:
    first, second = make_alert(), make_alert()
    make_ticket(first)
    make_ticket(second)
    was = second.case
    joining.join(second.pk, first.pk, make_person())
    TicketOperation.objects.filter(kind="link").update(state="done")
    joining.part(was.pk, make_person())
    assert "no duplicate" in TicketOperation.objects.get(case=was, kind="comment").payload["text"]


def test_a_case_is_not_joined_into_itself_or_into_nothing() -> None:
    alert = make_alert()
    for other in (alert.pk, alert.pk + 1000):
        with pytest.raises(NotNow):
            joining.join(alert.pk, other, make_person())


@pytest.mark.django_db(transaction=True)
def test_two_people_who_join_two_cases_crosswise_make_one_case() -> None:
    first, second = make_alert(), make_alert()
    make_ticket(first)
    make_ticket(second)
    people = [make_person(), make_person()]
    start = threading.Barrier(2)

    def one(number: int) -> None:
        pair = (first.pk, second.pk) if number else (second.pk, first.pk)
        try:
            start.wait()
            joining.join(*pair, people[number])
        except NotNow:
            pass  # whoever is second finds one case
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(one, [0, 1]))
    assert Alert.objects.values("case").distinct().count() == 1
    assert Case.objects.exclude(joined_into=None).count() == 1
    assert TicketOperation.objects.filter(kind="link", payload__type="Duplicate").count() == 1


def test_the_page_joins_parts_and_says_what_cannot_be() -> None:
    browser = Browser()
    browser.force_login(make_user())
    first, second = make_alert(), make_alert()
    page = f"/alerts/{second.pk}/case/"
    assert "Join into another case" in browser.get(page).text
    assert browser.post(page, {"do": "join", "other": str(first)}).status_code == 302
    assert Alert.objects.filter(case=first.case).count() == 2
    assert f"Take {second.case} out again" in browser.get(page).text
    assert browser.post(page, {"do": "part", "case": str(second.case_id)}).status_code == 302
    answer = browser.post(page, {"do": "join", "other": "nonsense"})
    assert (answer.status_code, "as A-12" in answer.text) == (422, True)
