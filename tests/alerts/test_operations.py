"""Every effect on Jira happens exactly once, whatever becomes of the answer."""

import re
from collections.abc import Iterator
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
import requests
from django.db import transaction

from alerts.models import Alert, JiraGate, Ticket, TicketOperation
from alerts.services import cases
from alerts.ticketing import client, fields, operations
from core import clock
from core.models import Activity
from tests.factories import make_alert, make_event, make_occurrence, make_ticket
from tests.sandbox.jira.api import TOKEN, USER, boot, stop

pytestmark = pytest.mark.django_db


class Jira:
    """The stand-in, as a test looks at it."""

    def __init__(self, url: str) -> None:
        self.url = url

    def get(self, path: str, **params: Any) -> Any:
        answer = requests.get(f"{self.url}/rest/api/2/{path}", params=params, auth=(USER, TOKEN), timeout=5)
        return answer.json()

    def issues(self) -> list[Any]:
        return list(self.get("search/jql", jql="project = SEC", fields="*all").get("issues", []))

    def fault(self, **fault: Any) -> None:
        requests.post(f"{self.url}/_sandbox/faults", json=fault, timeout=5).raise_for_status()

    def conditions(self, **conditions: Any) -> None:
        requests.put(f"{self.url}/_sandbox/conditions", json=conditions, timeout=5).raise_for_status()

    def posts(self) -> int:
        log = requests.get(f"{self.url}/_sandbox/requests", timeout=5).json()
        rows = log["requests"] if isinstance(log, dict) else log
        return sum(row["method"] == "POST" and row["path"].split("?")[0].endswith("/issue") for row in rows)


@pytest.fixture
def jira(tmp_path: Path, settings: Any) -> Iterator[Jira]:
    server = boot(tmp_path, "cloud")
    settings.JIRA_URL = f"http://127.0.0.1:{server.server_address[1]}"
    settings.JIRA_USER, settings.JIRA_TOKEN = USER, TOKEN
    settings.JIRA_INDEX_LAG_SECONDS = 0
    settings.JIRA_READ_TIMEOUT_SECONDS = 1.0
    settings.OKTADETECT_JIRA_REQUESTS_PER_SECOND = 1000.0
    client.connection.cache_clear()
    yield Jira(settings.JIRA_URL)
    client.connection.cache_clear()
    stop(server)


def owing(**changes: Any) -> Alert:
    """Return an alert whose case owes a ticket."""
    alert = make_alert(**changes)
    cases.owe_ticket(alert)
    return alert


def work(alert: Alert, times: int = 1) -> TicketOperation:
    """Work the alert's case, as often as a sweeper would, each time as if its waiting were over; return its create operation."""
    for _ in range(times):
        TicketOperation.objects.update(not_before=None)
        JiraGate.objects.update(paused_until=None, probe_at=None)
        operations.work_case(alert.case_id)
    return TicketOperation.objects.get(case=alert.case, kind="create")


def test_an_alert_becomes_one_issue_that_a_responder_can_work_from(jira: Jira) -> None:
    alert = owing(entity_name="anna@example.com")
    assert work(alert, times=3).state == "done"
    issue = jira.issues()[0]["fields"]
    assert issue["summary"] == "Security Alert: Brute force on one user for anna@example.com"
    assert (issue["priority"]["name"], issue["issuetype"]["name"]) == ("Medium", "Task")
    for words in ("22", "20", "Runbook", f"/alerts/{alert.pk}/"):
        assert words in issue["description"]
    ticket = Ticket.objects.get(case=alert.case)
    assert ticket.url.endswith(f"/browse/{ticket.key}")
    assert jira.posts() == 1
    assert Activity.objects.filter(action="ticket.created", subject_id=str(alert.pk)).count() == 1


ONCE: dict[str, dict[str, Any]] = {
    "commit, then the connection drops": {"when": "after", "status": 0},
    "the connection drops before": {"when": "before", "status": 0},
    "commit, then 500": {"when": "after", "status": 500},
    "500": {"status": 500},
    "502": {"status": 502},
    "503 without Retry-After": {"status": 503},
    "504 after commit": {"when": "after", "status": 504},
    "commit, then no answer in time": {"when": "after", "latency_ms": 1500},
    "a truncated 201": {"when": "after", "cut_at": 10},
    "a page at 200": {"when": "before", "status": 200, "body": "<html>sign in</html>", "content_type": "text/html"},
    "429 with seconds": {"status": 429, "retry_after": "1"},
    "503 with Retry-After": {"status": 503, "retry_after": "1"},
    "401": {"status": 401, "body": "who are you", "content_type": "text/plain"},
    "403 with a CAPTCHA": {"status": 403, "body": "<html>", "content_type": "text/html"},
}


@pytest.mark.parametrize("fault", list(ONCE))
def test_one_ticket_whatever_becomes_of_the_request(jira: Jira, fault: str) -> None:
    alert = owing()
    jira.fault(method="POST", path=r"/issue$", times=1, **ONCE[fault])
    first = work(alert)
    assert first.state in {"waiting", "unknown"}
    assert first.last_error
    assert TOKEN not in first.last_error
    assert work(alert, times=3).state == "done"
    assert len(jira.issues()) == 1


def test_an_unknown_create_waits_past_the_index_lag_before_it_looks(jira: Jira, settings: Any) -> None:
    settings.JIRA_INDEX_LAG_SECONDS = 120
    alert = owing()
    jira.fault(method="POST", path=r"/issue$", when="after", status=0)
    operation = work(alert)
    assert operation.state == "unknown"
    assert operation.not_before is not None
    assert operation.not_before > clock.now() + timedelta(seconds=100)
    operations.work_case(alert.case_id)
    assert jira.posts() == 1


def test_an_expired_token_is_never_taken_for_an_empty_search(jira: Jira) -> None:
    alert = owing()
    jira.fault(method="POST", path=r"/issue$", when="after", status=0)
    work(alert)
    jira.conditions(token_expired=True)
    assert work(alert, times=2).state == "waiting"
    jira.conditions(token_expired=False)
    assert work(alert, times=2).state == "done"
    assert len(jira.issues()) == 1


def test_retry_after_as_a_date_is_honoured(jira: Jira) -> None:
    alert = owing()
    at = clock.now() + timedelta(minutes=7)
    jira.fault(method="POST", path=r"/issue$", status=429, retry_after=format_datetime(at, usegmt=True))
    operation = work(alert)
    assert operation.not_before is not None
    assert abs((operation.not_before - at).total_seconds()) < 2


def test_a_worker_that_died_while_sending_leaves_a_doubt_and_not_a_second_ticket(jira: Jira) -> None:
    alert = owing()
    operation = TicketOperation.objects.get()
    issue = client.create_issue(fields.create(alert, str(operation.pk)), str(operation.pk))
    past = clock.now() - timedelta(seconds=1)
    TicketOperation.objects.update(state="sending", sent_at=past, lease_until=past)
    assert operations.due() == [alert.case_id]
    assert work(alert, times=3).state == "done"
    assert Ticket.objects.get().key == issue["key"]
    assert jira.posts() == 1


def test_a_worker_that_died_before_sending_leaves_it_to_the_next(jira: Jira) -> None:
    alert = owing()
    TicketOperation.objects.update(state="sending", sent_at=None, lease_until=clock.now() - timedelta(seconds=1))
    assert work(alert, times=2).state == "done"
    assert len(jira.issues()) == 1


def test_a_held_lease_is_respected(jira: Jira) -> None:
    alert = owing()
    TicketOperation.objects.update(state="sending", lease_until=clock.now() + timedelta(seconds=30))
    assert work(alert).state == "sending"
    assert jira.posts() == 0


def test_a_request_that_jira_refuses_fails_for_good_says_why_and_can_be_retried(jira: Jira, settings: Any) -> None:
    settings.JIRA_ISSUE_TYPE = "Nonsense"
    alert = owing()
    operation = work(alert)
    assert operation.state == "failed"
    assert "issuetype" in operation.last_error
    assert Activity.objects.filter(action="ticket.failed").count() == 1
    assert work(alert, times=2).state == "failed"
    settings.JIRA_ISSUE_TYPE = "Task"
    operations.retry(operation)
    assert work(alert).state == "done"


def test_nothing_listening_is_waited_for_and_nothing_is_in_doubt(settings: Any) -> None:
    settings.JIRA_URL = "http://127.0.0.1:9"
    client.connection.cache_clear()
    operation = work(owing())
    client.connection.cache_clear()
    assert (operation.state, operation.sent_at) == ("waiting", None)
    assert "not reached" in operation.last_error


def test_a_second_alert_of_the_user_is_linked_once_both_have_tickets(jira: Jira) -> None:
    first = owing(entity_id="00uanna")
    second = owing(entity_id="00uanna", detection="Other", detection_id="")
    work(second)
    link = TicketOperation.objects.get(kind="link")
    assert (link.state, link.last_error) == ("waiting", "The other case has no ticket yet.")
    work(first)
    work(second)
    link.refresh_from_db()
    assert link.state == "done"
    key = Ticket.objects.get(case=second.case).key
    links = jira.get(f"issue/{key}")["fields"]["issuelinks"]
    assert [one["type"]["name"] for one in links] == ["Relates"]


def test_a_comment_tells_all_that_is_new_once_even_when_its_answer_is_lost(jira: Jira) -> None:
    alert = owing()
    work(alert)
    for _ in range(3):
        make_occurrence(alert)
    Alert.objects.update(occurrence_count=4)
    cases.owe_comment(alert, at_once=True)
    jira.fault(method="POST", path=r"/comment$", when="after", status=0)
    work(alert, times=3)
    comments = jira.get(f"issue/{Ticket.objects.get().key}/comment")["comments"]
    assert len(comments) == 1
    assert comments[0]["body"].count("\n* ") == 3


def test_comments_come_at_most_once_a_period(jira: Jira) -> None:
    alert = owing()
    work(alert)
    assert cases.owe_comment(alert, at_once=False) is not None
    assert cases.owe_comment(alert, at_once=False) is None
    waiting = TicketOperation.objects.get(kind="comment")
    assert waiting.not_before is not None
    assert waiting.not_before > clock.now() + timedelta(minutes=50)


HOSTILE = (
    "[click|http://evil.example] {code}x{code} ~admin@x @bob !http://evil/x.png! |cell| *b* h1. {color:red}r{color}"
)


def test_what_events_say_makes_no_markup_in_a_ticket(jira: Jira) -> None:
    alert = owing(sentence=f"22 failed sign-ins of {HOSTILE}", entity_name=HOSTILE)
    work(alert)
    text = jira.issues()[0]["fields"]["description"]
    for live in ("[click|", "{code}", "{color", "!http", "*b*", "[~"):
        assert not re.search(rf"(?<!\\){re.escape(live)}", text), live
    assert len(text) <= 32_767


def test_a_summary_is_one_line_of_at_most_255_characters(jira: Jira) -> None:
    alert = owing(entity_name="a\nb" * 150)
    assert work(alert).state == "done"
    summary = jira.issues()[0]["fields"]["summary"]
    assert len(summary) <= 255
    assert "\n" not in summary


@pytest.mark.parametrize(
    "body", ['{"message": "sign in"}', "[]", '"sign in"', '{"issues": null}', "null", '{"issues": [7]}']
)
def test_an_odd_answer_to_the_search_is_never_taken_for_nothing_found(jira: Jira, body: str) -> None:
    alert = owing()
    jira.fault(method="POST", path=r"/issue$", when="after", status=0)
    assert work(alert).state == "unknown"
    jira.fault(method="GET", path=r"/search/jql", times=1, when="before", status=200, body=body)
    operation = work(alert)
    assert operation.state == "unknown"
    assert "answer" in operation.last_error
    assert work(alert).state == "done"
    assert jira.posts() == 1


@pytest.mark.parametrize("status", [400, 404, 410])
def test_a_search_that_jira_refuses_leaves_the_create_in_doubt(jira: Jira, status: int) -> None:
    alert = owing()
    jira.fault(method="POST", path=r"/issue$", when="after", status=0)
    work(alert)
    jira.fault(method="GET", path=r"/search", times=2, status=status)
    operation = work(alert)
    assert (operation.state, operation.done_at) == ("unknown", None)
    assert work(alert).state == "done"
    assert jira.posts() == 1


def test_a_ticket_that_was_moved_to_another_project_is_found_all_the_same(jira: Jira, settings: Any) -> None:
    alert = owing()
    jira.fault(method="POST", path=r"/issue$", when="after", status=0)
    work(alert)
    settings.JIRA_PROJECT = "OTHER"  # as if it lay elsewhere than where we look by default
    assert work(alert).state == "done"
    assert jira.posts() == 1


@pytest.mark.parametrize("body", ["", "[]", "{}", "null"])
def test_an_odd_answer_to_a_comment_leaves_it_in_doubt_and_does_not_double_it(jira: Jira, body: str) -> None:
    alert = owing()
    work(alert)
    make_occurrence(alert)
    owe_comment(alert)
    jira.fault(method="POST", path=r"/comment$", times=1, when="before", status=200, body=body)
    work(alert)
    assert TicketOperation.objects.get(kind="comment").state == "unknown"
    work(alert, times=2)
    assert len(jira.get(f"issue/{Ticket.objects.get().key}/comment")["comments"]) == 1


def test_tickets_wait_while_no_jira_is_set_and_go_once_one_is(jira: Jira, settings: Any) -> None:
    address = settings.JIRA_URL
    settings.JIRA_URL = ""
    client.connection.cache_clear()
    alert = owing()
    operation = work(alert)
    assert operation.state == "waiting"
    assert "JIRA_URL" in operation.last_error
    settings.JIRA_URL = address
    assert work(alert).state == "done"


def test_a_retry_after_in_another_century_is_not_waited_for(jira: Jira) -> None:
    alert = owing()
    jira.fault(method="POST", path=r"/issue$", status=429, retry_after="Fri, 01 Jan 2199 00:00:00 GMT")
    operation = work(alert)
    assert operation.not_before is not None
    assert operation.not_before < clock.now() + timedelta(hours=2)


def test_what_turns_text_around_is_written_out_in_a_ticket(jira: Jira) -> None:
    work(owing(entity_name="exe.\u202egnp\x07", sentence="\u2066hidden"))
    issue = jira.issues()[0]["fields"]
    assert issue["summary"].endswith("for exe.[U+202E]gnp[U+0007]")
    assert not {"\u202e", "\u2066", "\x07"} & set(issue["description"])


def owing_an_update(alert: Alert) -> str:
    """Let the alert's evidence grow after its ticket was made, and owe the description once more; return the ticket's key."""
    work(alert)
    occurrence = alert.occurrences.get()
    occurrence.events = [*occurrence.events, make_event(ip="198.51.100.77")]
    occurrence.save()
    cases.owe_update(alert)
    return Ticket.objects.get(case=alert.case).key


def test_late_evidence_is_written_into_a_description_that_nobody_touched(jira: Jira) -> None:
    alert = owing()
    key = owing_an_update(alert)
    work(alert, times=2)
    issue = jira.get(f"issue/{key}")["fields"]
    assert "198.51.100.77" in issue["description"]
    assert jira.get(f"issue/{key}/comment")["comments"] == []


def test_a_description_that_somebody_edited_is_left_alone_and_what_is_new_is_one_comment(jira: Jira) -> None:
    alert = owing()
    key = owing_an_update(alert)
    mine = jira.get(f"issue/{key}")["fields"]["description"] + "\n\nAnna is on holiday; I called her."
    client.update_issue(key, {"description": mine})
    jira.fault(method="POST", path=r"/comment$", when="after", status=0)
    work(alert, times=3)
    assert jira.get(f"issue/{key}")["fields"]["description"] == mine
    [comment] = jira.get(f"issue/{key}/comment")["comments"]
    assert "198.51.100.77" in comment["body"]
    assert TicketOperation.objects.get(kind="update").state == "done"


def test_line_ends_that_jira_rewrote_are_no_edit(jira: Jira) -> None:
    alert = owing()
    key = owing_an_update(alert)
    held = jira.get(f"issue/{key}")["fields"]["description"]
    client.update_issue(key, {"description": held.replace("\n", "\r\n") + "\r\n"})
    work(alert)
    assert "198.51.100.77" in jira.get(f"issue/{key}")["fields"]["description"]


def test_an_update_whose_answer_was_lost_is_not_taken_for_an_edit(jira: Jira) -> None:
    alert = owing()
    key = owing_an_update(alert)
    jira.fault(method="PUT", path=r"/issue/", when="after", status=0)
    work(alert, times=3)
    assert TicketOperation.objects.get(kind="update").state == "done"
    assert jira.get(f"issue/{key}/comment")["comments"] == []


def test_an_update_that_would_say_nothing_new_says_nothing(jira: Jira) -> None:
    alert = owing()
    work(alert)
    key = Ticket.objects.get(case=alert.case).key
    client.update_issue(key, {"description": "Rewritten by hand."})
    cases.owe_update(alert)
    work(alert)
    assert jira.get(f"issue/{key}")["fields"]["description"] == "Rewritten by hand."
    assert jira.get(f"issue/{key}/comment")["comments"] == []


def owe_comment(alert: Alert) -> None:
    with transaction.atomic():
        cases.owe_comment(alert, at_once=True)


def test_a_key_that_another_case_goes_by_is_a_failure_in_words_and_makes_no_second_issue(jira: Jira) -> None:
    other = make_alert()
    make_ticket(other, "SEC-1")
    alert = owing()
    operation = work(alert, times=2)
    assert operation.state == "failed"
    assert f"here SEC-1 is {other.case}'s ticket" in operation.last_error
    Ticket.objects.filter(case=other.case).delete()
    operations.retry(operation)
    assert work(alert).state == "done"
    assert Ticket.objects.get(case=alert.case).key == "SEC-1"
    assert jira.posts() == 1
