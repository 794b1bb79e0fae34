"""The Jira stand-in as a test of ticketing looks at it: what we did there, and what somebody else does there."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alerts.models import Alert, JiraGate, Ticket, TicketOperation
from alerts.services import cases
from alerts.ticketing import client, operations
from sandbox.jira.site import Profile
from tests.factories import make_alert
from tests.sandbox.jira.api import TOKEN, USER, Api, boot, stop


@contextmanager
def in_use(folder: Path, profile: Profile, settings: Any) -> Iterator[Api]:
    """Boot a stand-in that the portal uses, as its own account; `as_ada()` is somebody else."""
    server = boot(folder, profile)
    api = Api(f"http://127.0.0.1:{server.server_address[1]}", profile)
    settings.JIRA_URL, settings.JIRA_TOKEN = api.url, TOKEN
    settings.JIRA_USER = USER if profile == "cloud" else ""
    settings.OKTADETECT_JIRA_REQUESTS_PER_SECOND = 1000.0
    client.connection.cache_clear()
    try:
        yield api
    finally:
        client.connection.cache_clear()
        stop(server)


def work(alert: Alert, times: int = 1) -> None:
    """Work the alert's case, as often as a sweeper would, each time as if its waiting were over."""
    for _ in range(times):
        TicketOperation.objects.update(not_before=None)
        JiraGate.objects.update(paused_until=None, probe_at=None)
        operations.work_case(alert.case_id)


def ticketed(**changes: Any) -> Alert:
    """Return an alert whose case has its ticket in Jira."""
    alert = make_alert(**changes)
    cases.owe_ticket(alert)
    work(alert)
    return alert


def ticket_of(alert: Alert) -> Ticket:
    """Return the ticket as the database has it now."""
    return Ticket.objects.get(case=alert.case_id)


def move(api: Api, key: str, category: str, **fields: Any) -> None:
    """Bring an issue into a status of that category, as whoever `api` is."""
    steps = api.send("GET", f"/issue/{key}/transitions").json["transitions"]
    step = next(one for one in steps if one["to"]["statusCategory"]["key"] == category)
    body: dict[str, Any] = {"transition": {"id": step["id"]}}
    got = api.send("POST", f"/issue/{key}/transitions", body | ({"fields": fields} if fields else {}))
    assert got.status == 204, got.text
