"""What happens to a ticket in Jira is heard here, and closing goes both ways without coming back."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from alerts.choices import Status, Verdict
from alerts.jira_webhook import MAX_BYTES
from alerts.models import Alert, JiraAccount, JiraEvent, JiraState, Ticket, TicketOperation
from alerts.services import triage
from alerts.ticketing import sync
from alerts.ticketing.reading import Actor
from alerts.views import history
from core import activity, clock
from core.models import Activity, Person
from sandbox.jira.webhooks import signature
from tests.alerts.jira import in_use, move, ticket_of, ticketed, work
from tests.factories import make_alert, make_person
from tests.sandbox.jira.api import Api

pytestmark = pytest.mark.django_db

PATH = "a-path-that-nobody-guesses"


@pytest.fixture(params=["cloud", "dc"])
def jira(request: pytest.FixtureRequest, tmp_path: Path, settings: Any) -> Iterator[Api]:
    """A stand-in that the portal uses, as its own account; `as_ada()` is somebody else."""
    settings.JIRA_INDEX_LAG_SECONDS = 0
    settings.JIRA_READ_TIMEOUT_SECONDS = 2.0
    settings.JIRA_WEBHOOK_PATH = PATH
    with in_use(tmp_path, request.param, settings) as api:
        yield api


def heard() -> None:
    """Poll, and read what that found, as the tasks do."""
    for case_id in sync.poll():
        assert sync.read(case_id)
    assert not Ticket.objects.exclude(read_due_at=None).exists(), "nothing is left to be read"


def said(alert: Alert) -> list[tuple[str, str]]:
    """Return (who, words) of what Jira's people did, oldest first, as the alert's page tells it."""
    rows = activity.history(ticket_of(alert)).order_by("id")
    return [(line.who, f"{line.words} {line.detail}".strip()) for line in history.lines(rows)]


def status(alert: Alert) -> str:
    return Alert.objects.get(pk=alert.pk).status


def close(alert: Alert) -> None:
    triage.close(alert.pk, make_person(), verdict=Verdict.BENIGN, reason="Known change")


def test_what_others_do_in_jira_stands_in_the_ticket_and_its_history(jira: Api) -> None:
    alert = ticketed()
    key = ticket_of(alert).key
    ada = jira.as_ada()
    ada.send("PUT", f"/issue/{key}", {"fields": {"priority": {"name": "Highest"}}})
    ada.send("POST", f"/issue/{key}/comment", {"body": "I called *Anna*"})
    move(ada, key, "indeterminate")
    heard()
    ticket = ticket_of(alert)
    assert (ticket.status, ticket.status_category, ticket.priority) == ("In Progress", "indeterminate", "Highest")
    assert ticket.read_at is not None
    assert said(alert) == [
        ("Ada Analyst", "changed the priority in Jira from Medium to Highest"),
        ("Ada Analyst", "commented in Jira I called *Anna*"),
        ("Ada Analyst", "changed the status in Jira from To Do to In Progress"),
    ]
    assert status(alert) == Status.NEW


def test_reading_twice_and_out_of_order_tells_nothing_twice(jira: Api) -> None:
    alert = ticketed()
    ada, key = jira.as_ada(), ticket_of(alert).key
    ada.send("POST", f"/issue/{key}/comment", {"body": "One"})
    sync.read(alert.case_id)
    told = said(alert)
    assert len(told) == 1
    sync.read(alert.case_id)
    heard()
    assert said(alert) == told
    Ticket.objects.update(jira_updated_at=clock.now() + timedelta(hours=1), status="Later", status_category="done")
    sync.read(alert.case_id)  # an answer that is older than what is known
    assert ticket_of(alert).status == "Later"


def test_closing_the_ticket_in_jira_closes_the_alert_as_whoever_closed_it(jira: Api) -> None:
    alert = ticketed()
    move(jira.as_ada(), ticket_of(alert).key, "done")
    heard()
    alert.refresh_from_db()
    assert (alert.status, alert.verdict) == (Status.CLOSED, "")
    assert alert.closed_by is not None
    assert alert.closed_by.name == "Ada Analyst"
    assert "Done in Jira" in alert.verdict_reason
    assert TicketOperation.objects.filter(kind="transition").count() == 0


def test_reopening_the_ticket_in_jira_reopens_what_its_closing_closed(jira: Api) -> None:
    alert = ticketed()
    ada, key = jira.as_ada(), ticket_of(alert).key
    move(ada, key, "done")
    heard()
    move(ada, key, "indeterminate")
    heard()
    assert status(alert) == Status.IN_PROGRESS


def test_closing_the_alert_moves_the_ticket_by_category_and_does_not_come_back(jira: Api) -> None:
    alert = ticketed()
    close(alert)
    work(alert)
    key = ticket_of(alert).key
    assert jira.fields(key)["status"]["statusCategory"]["key"] == "done"
    assert ticket_of(alert).is_done
    heard()
    assert said(alert) == []
    closings = Activity.objects.filter(action="alert.closed", subject_id=str(alert.pk))
    assert closings.count() == 1
    triage.reopen(alert.pk, make_person())
    work(alert)
    assert jira.fields(key)["status"]["statusCategory"]["key"] == "indeterminate"
    heard()
    assert status(alert) == Status.IN_PROGRESS
    assert TicketOperation.objects.filter(kind="transition").count() == 2


def test_a_transition_whose_answer_was_lost_is_done_once(jira: Api) -> None:
    alert = ticketed()
    close(alert)
    jira.control("POST", "/faults", {"trouble": "drop-after", "call": "transition"})
    work(alert, times=3)
    operation = TicketOperation.objects.get(kind="transition")
    assert operation.state == "done"
    posts = [
        row for row in jira.control("GET", "/requests") if row["method"] == "POST" and "/transitions" in row["path"]
    ]
    assert len(posts) == 1


def test_our_own_change_heard_while_its_answer_is_lost_is_not_followed(jira: Api) -> None:
    alert = ticketed()
    close(alert)
    jira.control("POST", "/faults", {"trouble": "drop-after", "call": "transition"})
    work(alert)  # done in Jira, unknown here
    triage.reopen(alert.pk, make_person())  # and somebody thinks better of it
    sync.read(alert.case_id)
    assert status(alert) == Status.IN_PROGRESS
    work(alert, times=3)
    assert jira.fields(ticket_of(alert).key)["status"]["statusCategory"]["key"] != "done"


@pytest.mark.parametrize(
    ("policy", "there", "here"), [("to_jira", True, False), ("from_jira", False, True), ("none", False, False)]
)
def test_each_way_is_gone_only_where_the_policy_lets_it(
    jira: Api, settings: Any, policy: str, there: bool, here: bool
) -> None:
    settings.OKTADETECT_JIRA_CLOSE_POLICY = policy
    from_here, from_there = ticketed(), ticketed()
    close(from_here)
    work(from_here)
    assert (jira.fields(ticket_of(from_here).key)["status"]["name"] == "Done") is there
    move(jira.as_ada(), ticket_of(from_there).key, "done")
    heard()
    assert (status(from_there) == Status.CLOSED) is here
    assert ticket_of(from_there).status == "Done"


def test_nobody_closes_an_alert_about_themself_by_its_ticket(jira: Api) -> None:
    alert = ticketed(entity_name="ada@example.com")
    move(jira.as_ada(), ticket_of(alert).key, "done")
    heard()
    assert status(alert) == Status.NEW
    assert Activity.objects.filter(action="alert.not_closed").count() == 1


def test_a_workflow_that_asks_for_a_resolution_fails_with_the_fix_until_one_is_set(jira: Api, settings: Any) -> None:
    alert = ticketed()
    steps = [{"id": "7", "name": "Finish", "to": "Done", "screen": {"resolution": True}}]
    jira.control("PUT", "/project", {"key": "SEC", "workflow": {"first": "To Do", "transitions": steps}})
    close(alert)
    work(alert)
    operation = TicketOperation.objects.get(kind="transition")
    assert operation.state == "failed"
    assert "OKTADETECT_JIRA_RESOLUTION" in operation.last_error
    settings.OKTADETECT_JIRA_RESOLUTION = "Won't Do"
    triage.retry_ticket(operation.pk, make_person())
    work(alert)
    assert jira.fields(ticket_of(alert).key)["resolution"]["name"] == "Won't Do"


STRICT = [
    {"id": "7", "name": "Begin", "from": ["To Do"], "to": "In Progress"},
    {"id": "8", "name": "Finish", "from": ["In Progress"], "to": "Done"},
]


def test_where_no_step_leads_to_done_at_once_the_ticket_is_begun_first(jira: Api) -> None:
    alert = ticketed()
    jira.control("PUT", "/project", {"key": "SEC", "workflow": {"first": "To Do", "transitions": STRICT}})
    close(alert)
    work(alert, times=2)
    assert jira.fields(ticket_of(alert).key)["status"]["name"] == "Done"
    steps = TicketOperation.objects.filter(kind="transition").order_by("id")
    assert [one.result["status"] for one in steps if one.result] == ["In Progress", "Done"]
    heard()
    assert status(alert) == Status.CLOSED
    assert not steps.exclude(state="done").exists()


def test_a_step_on_the_way_whose_answer_was_lost_is_not_done_again(jira: Api) -> None:
    alert = ticketed()
    jira.control("PUT", "/project", {"key": "SEC", "workflow": {"first": "To Do", "transitions": STRICT}})
    close(alert)
    jira.control("POST", "/faults", {"trouble": "drop-after", "call": "transition"})
    work(alert, times=4)
    assert jira.fields(ticket_of(alert).key)["status"]["name"] == "Done"
    posts = [
        row for row in jira.control("GET", "/requests") if row["method"] == "POST" and "/transitions" in row["path"]
    ]
    assert len(posts) == 2


def test_a_workflow_without_a_way_to_done_fails_with_what_to_change(jira: Api) -> None:
    alert = ticketed()
    jira.control("PUT", "/project", {"key": "SEC", "workflow": {"first": "To Do", "transitions": STRICT[:1]}})
    close(alert)
    work(alert, times=2)
    [failed] = TicketOperation.objects.filter(kind="transition", state="failed")
    assert "No transition leads from “In Progress” to a done status" in failed.last_error


def test_a_deleted_issue_is_said_once_and_a_person_gets_the_case_a_new_one(jira: Api) -> None:
    alert = ticketed()
    key = ticket_of(alert).key
    assert jira.as_ada().send("DELETE", f"/issue/{key}").status == 204
    sync.read(alert.case_id)
    sync.read(alert.case_id)
    assert ticket_of(alert).gone_at is not None
    assert Activity.objects.filter(action="ticket.gone").count() == 1
    assert status(alert) == Status.NEW
    assert sync.replace(alert.case_id, make_person())
    assert not sync.replace(alert.case_id, make_person())
    work(alert, times=2)
    assert ticket_of(alert).key != key
    assert ticket_of(alert).gone_at is None


def test_an_expired_token_and_a_jira_that_is_away_are_never_taken_for_a_deleted_issue(jira: Api, settings: Any) -> None:
    alert = ticketed()
    heard()
    covered = JiraState.load().covered_to
    for trouble in ({"token_expired": True}, {"captcha": True}):
        jira.control("PUT", "/conditions", trouble)
        sync.read(alert.case_id)
        assert sync.poll() == []
        assert JiraState.load().error
    ticket = ticket_of(alert)
    assert (ticket.gone_at, JiraState.load().covered_to) == (None, covered)
    assert ticket.read_due_at is not None


def test_a_moved_issue_is_followed_by_its_id(jira: Api) -> None:
    alert = ticketed()
    was = ticket_of(alert).key
    now = jira.control("POST", "/move", {"issue": was, "project": "SOC"})["key"]
    sync.read(alert.case_id)
    ticket = ticket_of(alert)
    assert ticket.key == now
    assert ticket.url.endswith(f"/browse/{now}")
    assert Activity.objects.filter(action="ticket.moved", data__was=was, data__now=now).count() == 1


def test_polling_finds_every_change_however_short_the_pages_and_whatever_the_time_zone(jira: Api) -> None:
    alerts = [ticketed() for _ in range(5)]
    heard()
    jira.control("PUT", "/conditions", {"page_limit": 2, "time_zone": "Asia/Kolkata"})
    for alert in alerts:
        move(jira.as_ada(), ticket_of(alert).key, "indeterminate")
    heard()
    assert {ticket_of(alert).status for alert in alerts} == {"In Progress"}


def test_an_attached_issue_is_read_without_our_label_and_closes_the_alert_but_its_past_tells_nothing(jira: Api) -> None:
    key = jira.create()
    ada = jira.as_ada()
    ada.send("POST", f"/issue/{key}/comment", {"body": "Long ago"})
    jira_id = jira.send("GET", f"/issue/{key}").json["id"]
    alert = make_alert()
    Ticket.objects.create(case=alert.case, key=key, jira_id=jira_id, attached=True)
    heard()
    assert (ticket_of(alert).status, said(alert)) == ("To Do", [])
    move(ada, key, "done")
    Ticket.objects.update(read_at=clock.now() - timedelta(minutes=6))
    heard()
    assert status(alert) == Status.CLOSED


def post(body: bytes, *, path: str = PATH, **headers: str) -> int:
    """Post to the webhook as Jira does; return the status."""
    url = f"/jira-events/{path}/"
    return (
        Client(enforce_csrf_checks=True).post(url, body, content_type="application/json", headers=headers).status_code
    )


def message(ticket: Ticket) -> bytes:
    return json.dumps(
        {"webhookEvent": "jira:issue_updated", "issue": {"id": ticket.jira_id, "key": ticket.key}}
    ).encode()


def test_a_message_is_taken_once_and_only_says_where_to_look(jira: Api) -> None:
    ticket = ticket_of(ticketed())
    lying = json.loads(message(ticket))
    lying["issue"]["fields"] = {"status": {"name": "Done", "statusCategory": {"key": "done"}}}
    for _ in range(2):
        assert post(json.dumps(lying).encode(), **{"X-Atlassian-Webhook-Identifier": "abc"}) == 200
    assert JiraEvent.objects.get().tickets == 1
    ticket.refresh_from_db()
    assert ticket.read_due_at is not None
    assert sync.due() == [ticket.case_id]
    sync.read(ticket.case_id)
    assert ticket_of(Alert.objects.get()).status == "To Do"


def test_messages_about_our_own_doing_cost_no_request(jira: Api) -> None:
    ticket = ticket_of(ticketed())
    sync.poll()
    told = json.loads(message(ticket)) | {"user": jira.send("GET", "/myself").json}
    assert post(json.dumps(told).encode()) == 200
    assert sync.due() == []


def test_only_who_knows_the_address_and_signs_is_heard(jira: Api, settings: Any) -> None:
    body = message(ticket_of(ticketed()))
    assert post(body, path="guessed") == 404
    settings.JIRA_WEBHOOK_SECRET = "s3cret"
    assert post(body) == 401
    assert post(body, **{"X-Hub-Signature": signature("other", body)}) == 401
    assert post(body, **{"X-Hub-Signature": "sha256=é"}) == 401
    assert JiraEvent.objects.count() == 0
    assert post(body, **{"X-Hub-Signature": signature("s3cret", body)}) == 200
    settings.JIRA_WEBHOOK_PATH = ""
    assert post(body, path="", **{"X-Hub-Signature": signature("s3cret", body)}) == 404


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"", 400), (b"[]", 400), (b"{", 400), (b"\xff", 400), (b'{"issue": 7, "issueLink": []}', 200),
     (b'{"issue": {"id": {"a": 1}}}', 200), (b'{"webhookEvent": "\\u0000", "issue": {"id": "99999"}}', 200),
     (b"[" * 100_000, 400)],
)  # fmt: skip
def test_odd_messages_and_those_about_others_issues_raise_nothing(settings: Any, body: bytes, status: int) -> None:
    settings.JIRA_WEBHOOK_PATH = PATH
    assert post(body) == status


def test_a_message_over_the_limit_is_refused_unread(settings: Any) -> None:
    settings.JIRA_WEBHOOK_PATH = PATH
    assert post(b" " * (MAX_BYTES + 1)) == 413


def test_people_of_jira_are_named_by_key_and_called_as_jira_calls_them_now(jira: Api) -> None:
    alert = ticketed()
    jira.as_ada().send("POST", f"/issue/{ticket_of(alert).key}/comment", {"body": "Hello"})
    heard()
    assert "Ada" not in json.dumps(list(Activity.objects.values_list("data", flat=True)))
    person = Person.objects.get(name="Ada Analyst")
    assert sync.person(Actor(JiraAccount.objects.get(person=person).account, "Ada <b>Berg</b>")).pk == person.pk
    assert said(alert)[0][0] == "Ada <b>Berg</b>"
