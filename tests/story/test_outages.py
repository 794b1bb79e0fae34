"""Whatever is killed, flushed or away: nothing accepted is lost, and nothing happens twice."""

import time
from datetime import UTC, datetime

from tests.events import failed_sign_in
from tests.story.conftest import SWEPT, Story, article, wait_until

STATE = """SELECT o.state FROM alerts_ticketoperation o JOIN alerts_alert a ON a.id = o.alert_id
           WHERE a.entity_name = %s AND o.kind = 'create'"""


def told(user: str) -> dict[str, object]:
    """A message about one user."""
    return article(failed_sign_in(datetime.now(UTC), user=user))


def test_what_came_while_no_worker_ran_gets_its_ticket_once_one_does(story: Story) -> None:
    story.kill("worker")
    assert story.post(told("early")).status_code == 202
    story.portal.start(["worker"])
    story.wait_for_ticket("early@example.com", SWEPT)


def test_a_worker_killed_while_jira_answers_leaves_exactly_one_ticket(story: Story) -> None:
    story.jira("POST", "faults", {"method": "POST", "path": "/issue$", "when": "after", "latency_ms": 20_000})
    story.post(told("killed"))
    wait_until(lambda: story.issues("killed@example.com"), 20, "the issue in Jira")
    assert story.rows(STATE, "killed@example.com") == [("sending",)]
    story.kill("worker")
    story.execute("UPDATE alerts_ticketoperation SET lease_until = now() WHERE state = 'sending'")  # a minute passes
    story.portal.start(["worker"])
    story.wait_for_ticket("killed@example.com", SWEPT)
    assert story.rows(STATE, "killed@example.com") == [("done",)]


def test_a_worker_killed_while_jira_is_away_leaves_the_ticket_to_the_next(story: Story) -> None:
    with story.without("jira"):
        story.post(told("later"))
        wait_until(lambda: story.rows(STATE, "later@example.com") == [("waiting",)], 20, "Jira missed")
        story.kill("worker")
    story.portal.start(["worker"])
    story.wait_for_ticket("later@example.com", SWEPT)


def test_a_broker_that_forgets_everything_loses_nothing(story: Story) -> None:
    story.kill("worker")
    users = [f"flushed{number}" for number in range(5)]
    for user in users:
        assert story.post(told(user)).status_code == 202
    broker = story.broker()
    assert broker.llen("celery") >= len(users)
    broker.flushall()
    story.portal.start(["worker"])
    for user in users:
        story.wait_for_ticket(f"{user}@example.com", SWEPT)


def test_without_a_broker_the_webhook_still_answers_at_once(story: Story) -> None:
    with story.without("valkey"):
        began = time.monotonic()
        answers = [story.post(told(f"brokerless{number}")) for number in range(3)]
        seconds = time.monotonic() - began
    assert [answer.status_code for answer in answers] == [202] * 3
    assert seconds < 2
    for number in range(3):
        story.wait_for_ticket(f"brokerless{number}@example.com", SWEPT)


def test_without_a_database_the_webhook_asks_to_come_again_and_then_takes_it(story: Story) -> None:
    with story.without("postgres"):
        answer = story.post(told("patient"))
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) <= 5
    assert story.post(told("patient")).status_code == 202
    story.wait_for_ticket("patient@example.com", SWEPT)
