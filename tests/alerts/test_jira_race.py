"""Several workers read one ticket at the same moment."""

import json
import threading
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from alerts.choices import Status
from alerts.models import JiraEvent, Ticket
from alerts.ticketing import sync
from core import activity
from core.models import Activity, Person
from tests.alerts.jira import in_use, move, ticket_of, ticketed

WORKERS = 4


def at_once(act: Any) -> None:
    """Do it in WORKERS threads at the same moment."""
    start = threading.Barrier(WORKERS)

    def run() -> None:
        try:
            start.wait(timeout=10)
            act()
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(WORKERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)


@pytest.mark.django_db(transaction=True)
def test_what_four_workers_read_at_once_happens_once(tmp_path: Path, settings: Any) -> None:
    settings.JIRA_WEBHOOK_PATH = "a-path-that-nobody-guesses"
    with in_use(tmp_path, "cloud", settings) as api:
        alert = ticketed()
        ticket = ticket_of(alert)
        api.as_ada().send("POST", f"/issue/{ticket.key}/comment", {"body": "Mine"})
        move(api.as_ada(), ticket.key, "done")
        body = json.dumps({"webhookEvent": "jira:issue_updated", "issue": {"id": ticket.jira_id}})
        headers = {"X-Atlassian-Webhook-Identifier": "one"}
        answers: list[int] = []
        at_once(
            lambda: answers.append(
                Client()
                .post(f"/jira-events/{settings.JIRA_WEBHOOK_PATH}/", body, "application/json", headers=headers)
                .status_code
            )
        )
        at_once(lambda: sync.read(alert.case_id))
    alert.refresh_from_db()
    assert alert.status == Status.CLOSED
    assert answers == [200] * WORKERS
    assert JiraEvent.objects.count() == 1
    assert activity.history(alert).filter(action="alert.closed").count() == 1
    told = Activity.objects.filter(action__in=["ticket.commented", "ticket.changed"]).values_list("data__id", flat=True)
    assert len(told) == len(set(told)) >= 2
    assert Person.objects.filter(name="Ada Analyst").count() == 1
    assert not Ticket.objects.exclude(read_due_at=None).exists()
