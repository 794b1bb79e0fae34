"""Cloud's third version of the API: the same ticket as an Atlassian document, from its making to a comment and a later description."""

from typing import Any

import pytest

from alerts.models import Ticket, TicketOperation
from alerts.services import cases
from alerts.ticketing import adf
from tests.alerts.test_operations import Jira, owe_comment, owing, owing_an_update, work
from tests.alerts.test_operations import jira as jira  # the fixture
from tests.factories import make_occurrence

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def third_version(settings: Any) -> None:
    settings.JIRA_API_VERSION = 3


def held(jira: Jira, path: str) -> Any:
    jira_3 = Jira(jira.url)
    return jira_3.get(f"../3/{path}")


def test_a_ticket_and_its_comment_are_documents(jira: Jira) -> None:
    alert = owing(sentence="[click|http://evil.example] *now*")
    assert work(alert, times=2).state == "done"
    key = Ticket.objects.get().key
    described = held(jira, f"issue/{key}")["fields"]["description"]
    assert "[click|http://evil.example] *now*" in adf.words(described)
    make_occurrence(alert)
    owe_comment(alert)
    work(alert)
    [comment] = held(jira, f"issue/{key}/comment")["comments"]
    assert "Seen again" in adf.words(comment["body"])


def test_late_evidence_is_written_into_a_document_that_nobody_touched(jira: Jira) -> None:
    alert = owing()
    key = owing_an_update(alert)
    work(alert, times=2)
    assert "198.51.100.77" in adf.words(held(jira, f"issue/{key}")["fields"]["description"])
    assert held(jira, f"issue/{key}/comment")["comments"] == []


def test_a_lost_answer_to_a_comment_is_found_again(jira: Jira) -> None:
    alert = owing()
    work(alert)
    make_occurrence(alert)
    cases.owe_comment(alert, at_once=True)
    jira.fault(method="POST", path=r"/comment$", when="after", status=0)
    work(alert, times=3)
    assert len(held(jira, f"issue/{Ticket.objects.get().key}/comment")["comments"]) == 1
    assert not TicketOperation.objects.exclude(state="done").exists()
