"""
After the fact: whether Jira holds one ticket for each case that owes one, and nothing of ours besides.

What can only have one right outcome is mended (a duplicate is linked to the one that counts, a ticket that was made is taken as the
case's, a ticket that is owed and was forgotten is owed); all else is reported. Twice the same changes nothing.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Q

from alerts.choices import OperationKind, OperationState, Status
from alerts.models import Alert, Case, JiraState, Ticket, TicketOperation
from alerts.services import cases
from alerts.ticketing import client, fields, reading, sync
from alerts.ticketing.errors import JiraError
from alerts.ticketing.findings import Finding, note, wrong
from alerts.ticketing.reading import Issue
from core import activity, clock
from monitors.models import Monitor

log = structlog.get_logger(__name__)

PREFIX = fields.label("")
RECENT_DAYS = 7
STALE_HOURS = 24
MAX_READ = 100
MAX_TOLD = 100
SETTLED = {OperationState.DONE, OperationState.FAILED, OperationState.DISMISSED}


def run(*, mend: bool, everything: bool = False) -> list[Finding]:
    """
    Look for what does not belong together, in issues of the last RECENT_DAYS days or all of them; keep the findings for the page.

    Raises nothing of Jira's: what could not be asked is a finding.
    """
    if not settings.JIRA_URL:
        return []
    try:
        sync.whoever_we_are()
        found = [*_in_jira(mend, everything), *_owed(mend), *_forgotten(mend), *_stale(mend)]
    except JiraError as error:
        found = [wrong("Jira", str(error), "The next sweep looks again.")]
    state = JiraState.load()
    told = [finding.as_json() for finding in found[:MAX_TOLD]]
    JiraState.objects.filter(pk=state.pk).update(swept=told, swept_at=clock.now())
    log.info("tickets_swept", found=len(found))
    return found


def _in_jira(mend: bool, everything: bool) -> Iterator[Finding]:
    """Compare the issues that carry our label with the tickets that we know."""
    when = "" if everything else f' AND created >= "-{RECENT_DAYS}d"'
    by_operation: dict[UUID, list[Issue]] = defaultdict(list)
    for issue in reading.search(f'labels = "{fields.LABEL}"{when} ORDER BY created ASC'):
        for made in operations_of(issue.labels):
            by_operation[made].append(issue)
    known = TicketOperation.objects.select_related("case__ticket", "alert").in_bulk(by_operation)
    for key, issues in by_operation.items():
        operation = known.get(key)
        if operation is None:
            keys = ", ".join(issue.key for issue in issues)
            words = f"{keys} {'carries' if len(issues) == 1 else 'carry'} our label, and no case here knows of it."
            yield note(
                "Stray", words, "Another installation may have made it; otherwise take the label off, or delete it."
            )
            continue
        yield from _of_operation(operation, issues, mend)


def operations_of(labels: Iterable[str]) -> Iterator[UUID]:
    """Yield the create operations that an issue's labels name."""
    for label in labels:
        try:
            if label.startswith(PREFIX):
                yield UUID(label.removeprefix(PREFIX))
        except ValueError:
            continue  # somebody's own label that begins like ours


def _of_operation(operation: TicketOperation, issues: list[Issue], mend: bool) -> Iterator[Finding]:
    ticket = getattr(operation.case, "ticket", None)
    if ticket is None and operation.state not in SETTLED:
        return  # it settles itself
    if ticket is None:
        oldest = min(issues, key=lambda issue: (issue.created, issue.id))
        yield _unknown_here(operation, oldest, mend)
        ours_id, ours_key = oldest.id, oldest.key
    else:
        ours_id, ours_key = ticket.jira_id, ticket.key
    for other in issues:
        if other.id != ours_id:
            yield _duplicate(ours_key, other.key, mend)


def _unknown_here(operation: TicketOperation, issue: Issue, mend: bool) -> Finding:
    words = f"{issue.key} was made for {operation.case}, which did not know of it."
    if mend and operation.state != OperationState.DISMISSED and adopt(operation, issue):
        return note("Unknown here", f"{words} It is that case's ticket now.")
    if operation.state == OperationState.DISMISSED:
        return wrong(
            "Unknown here", f"{words} The ticket was dismissed.", "Take the dismissal back, or delete the issue."
        )
    return wrong("Unknown here", words, "Run `manage.py jira sweep --mend` to take it as that case's.")


def _duplicate(ours: str, other: str, mend: bool) -> Finding:
    words = f"{other} was made for the same case as {ours}."
    if not mend:
        return wrong("Duplicate", words, "Run `manage.py jira sweep --mend` to link them, then close the second.")
    client.link_issues(ours, other, "Duplicate")  # a repeated link is not doubled
    return wrong("Duplicate", f"{words} It is linked as a duplicate of it.", f"Close or delete {other}.")


@transaction.atomic
def adopt(operation: TicketOperation, issue: Issue) -> bool:
    """Take an issue that the create operation made as its case's ticket; return whether it could be: neither has another."""
    if Ticket.objects.filter(key=issue.key).exclude(case_id=operation.case_id).exists():
        return False
    values = {"key": issue.key, "jira_id": issue.id, "url": client.address(issue.key), "read_due_at": clock.now()}
    ticket, made = Ticket.objects.get_or_create(case_id=operation.case_id, defaults=values)
    if made:
        activity.record("ticket.adopted", ticket, by="sweep", key=issue.key)
        TicketOperation.objects.filter(pk=operation.pk).update(
            state=OperationState.DONE, last_error="", done_at=clock.now(), result={"id": issue.id, "key": issue.key}
        )
    return made


def _owed(mend: bool) -> Iterator[Finding]:
    """Cases whose ticket was made as far as we know, and whose row is not there. What failed stands on the page already."""
    creates = TicketOperation.objects.filter(kind=OperationKind.CREATE, state=OperationState.DONE, case__ticket=None)
    for operation in creates.select_related("case")[:MAX_TOLD]:
        words = f"{operation.case}'s ticket was made, and is not known here."
        issue = _made_by(operation) if mend else None
        if issue is not None and adopt(operation, issue):
            yield note("Owed", f"{words} It is {issue.key}; that is noted now.")
        else:
            yield wrong(
                "Owed",
                words,
                "Run `manage.py jira sweep --mend`; where Jira holds none either, try its creation again.",
            )


def _forgotten(mend: bool) -> Iterator[Finding]:
    """Cases with an open alert for which nobody ever owed a ticket, although their policy wants one."""
    working = Alert.objects.exclude(status=Status.CLOSED).filter(rehearsal=None)
    creates = TicketOperation.objects.filter(kind=OperationKind.CREATE)
    rows = Case.objects.filter(pk__in=working.values("case_id"), ticket=None, joined_into=None)
    rows = rows.exclude(ticket_policy=Monitor.Policy.SCORE).exclude(pk__in=creates.values("case_id"))
    for case in rows.order_by("pk")[:MAX_TOLD]:
        words = f"{case} has an open alert, and no ticket was ever owed for it."
        if not mend:
            yield wrong("Owed", words, "Run `manage.py jira sweep --mend`.")
        elif owe(case):
            yield note("Owed", f"{words} It is owed now.")


@transaction.atomic
def owe(case: Case) -> bool:
    """Owe the case its ticket, unless somebody did meanwhile; return whether that was needed."""
    Case.objects.select_for_update().get(pk=case.pk)
    if TicketOperation.objects.filter(case=case, kind=OperationKind.CREATE).exists():
        return False
    alert = Alert.objects.filter(case=case).exclude(status=Status.CLOSED).order_by("pk").first()
    return alert is not None and cases.owe_ticket(alert) is not None


def _made_by(operation: TicketOperation) -> Issue | None:
    """Return the issue that a done create names in its result or by its label."""
    named: Mapping[str, Any] = operation.result
    if named.get("id"):
        return reading.read(str(named["id"]))
    found = client.find_by_label(fields.label(str(operation.pk)))
    return reading.read(found[0]["id"]) if found else None


def _stale(mend: bool) -> Iterator[Finding]:
    """Tickets of open alerts that were not heard of for a day are read, when mending; those that are gone are told."""
    working = Alert.objects.exclude(status=Status.CLOSED).filter(rehearsal=None).values("case_id")
    tickets = Ticket.objects.filter(case_id__in=working)
    if mend:
        old = clock.now() - timedelta(hours=STALE_HOURS)
        for case_id in tickets.filter(Q(read_at=None) | Q(read_at__lt=old)).values_list("case_id", flat=True)[
            :MAX_READ
        ]:
            sync.read(case_id)
    for ticket in tickets.exclude(gone_at=None)[:MAX_TOLD]:
        fix = f"Look whether somebody deleted it or moved it out of our sight; C-{ticket.case_id} gets a new one by a click on its alert."
        yield wrong("Gone", f"Jira knows {ticket.key} no more, and its alert is open.", fix)
