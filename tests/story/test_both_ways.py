"""What is closed on one side is closed on the other, by real programs: Jira's own webhook, the worker, the portal."""

from datetime import UTC, datetime
from typing import Any

import pytest
import requests

from tests.events import failed_sign_in
from tests.story.conftest import QUICK, SWEPT, Story, article, wait_until

ALERT = "SELECT id, status FROM alerts_alert WHERE entity_name = %s"
CLOSE = """
from alerts.choices import Verdict
from alerts.services import triage
from core.models import Person
triage.close({alert}, Person.objects.create(name="Mira"), verdict=Verdict.BENIGN, reason="Known change")
"""


def told(user: str) -> dict[str, object]:
    """A message about one user."""
    return article(failed_sign_in(datetime.now(UTC), user=user))


def ask(story: Story, method: str, path: str, body: Any = None) -> Any:
    """Call Jira as somebody else does: Ada, an analyst."""
    environ = story.portal.environ
    url = f"{environ['JIRA_URL']}/rest/api/2/{path}"
    answer = requests.request(method, url, json=body, auth=("ada@example.com", environ["JIRA_TOKEN"]), timeout=10)
    assert answer.status_code < 300, answer.text
    return answer.json() if answer.content else None


def category(story: Story, key: str) -> str:
    """The category of an issue's status in Jira."""
    return str(ask(story, "GET", f"issue/{key}")["fields"]["status"]["statusCategory"]["key"])


def move(story: Story, key: str, to: str) -> None:
    """Bring an issue into a status of that category."""
    steps = ask(story, "GET", f"issue/{key}/transitions")["transitions"]
    step = next(one["id"] for one in steps if one["to"]["statusCategory"]["key"] == to)
    ask(story, "POST", f"issue/{key}/transitions", {"transition": {"id": step}})


@pytest.fixture
def webhook(story: Story) -> None:
    """Jira tells the portal of what happens, twice and out of order."""
    url = f"{story.portal.url}/jira-events/{QUICK['JIRA_WEBHOOK_PATH']}/"
    story.jira("DELETE", "webhooks")
    story.jira("POST", "webhooks", {"url": url, "secret": QUICK["JIRA_WEBHOOK_SECRET"]})
    story.jira("PUT", "delays", {"twice": 0.5, "late": 0.5, "late_s": 0.5})


def alert_of(story: Story, about: str) -> tuple[int, str]:
    [(pk, status)] = story.rows(ALERT, about)
    return pk, status


def test_closing_in_jira_closes_the_alert_and_reopening_reopens_it(story: Story, webhook: None) -> None:
    about = "closedthere@example.com"
    story.post(told("closedthere"))
    issue = story.wait_for_ticket(about)
    move(story, issue.key, "done")
    wait_until(lambda: alert_of(story, about)[1] == "closed", 20, "the alert closed")
    move(story, issue.key, "indeterminate")
    wait_until(lambda: alert_of(story, about)[1] == "in_progress", 20, "the alert open again")
    assert category(story, issue.key) == "indeterminate"


def test_closing_the_alert_closes_the_ticket_and_nothing_comes_back(story: Story, webhook: None) -> None:
    about = "closedhere@example.com"
    story.post(told("closedhere"))
    issue = story.wait_for_ticket(about)
    story.portal.manage("shell", "-c", CLOSE.format(alert=alert_of(story, about)[0]))
    wait_until(lambda: category(story, issue.key) == "done", SWEPT, "the ticket done")
    due = "SELECT 1 FROM alerts_ticket WHERE key = %s AND status_category = 'done' AND read_due_at IS NULL AND read_at IS NOT NULL"
    wait_until(lambda: story.rows(due, issue.key), 150, "its own doing confirmed by polling")
    about_it = "subject_kind = 'alert' AND subject_id = %s AND starts_with(action, 'alert.')"
    actions = f"SELECT action FROM core_activity WHERE {about_it} AND action <> 'alert.opened'"  # noqa: S608 - our own words
    assert story.rows(actions, str(alert_of(story, about)[0])) == [("alert.closed",)]
    operations = "SELECT state FROM alerts_ticketoperation o JOIN alerts_ticket t USING (case_id) WHERE t.key = %s AND kind = 'transition'"
    assert story.rows(operations, issue.key) == [("done",)]


def test_a_change_whose_message_was_lost_is_found_by_polling(story: Story) -> None:
    story.jira("DELETE", "webhooks")
    about = "unheard@example.com"
    story.post(told("unheard"))
    issue = story.wait_for_ticket(about)
    move(story, issue.key, "done")
    wait_until(lambda: alert_of(story, about)[1] == "closed", 90, "the alert closed by polling")
