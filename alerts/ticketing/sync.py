"""
Hearing what becomes of tickets in Jira.

A webhook message or a poll only says which ticket may have changed; what is true is read from Jira itself, under the ticket's lock.
So order and repetition do not matter, and nobody who can post a message can make us believe anything. A reading that is older than
the last one is dropped.

Ricochet: what we do in Jira comes back as a change. A status of the category that we know of already changes nothing here; while a
transition of ours is under way, or was done since the reading began, the wish here is the newer one and nothing is followed.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Q

from alerts.choices import OperationKind, OperationState, Status
from alerts.models import Alert, JiraAccount, JiraEvent, JiraState, Ticket, TicketOperation
from alerts.services import following
from alerts.ticketing import client, fields, reading
from alerts.ticketing.errors import JiraError, JiraLater
from alerts.ticketing.reading import Actor, Change, Issue
from core import activity, clock
from core.models import Person

log = structlog.get_logger(__name__)

BY = "jira"
POLL_LOCK = 0x6A697261  # "jira": one poll at a time
OVERLAP = timedelta(minutes=2)
LONGEST_LOOK_BACK = timedelta(days=14)
AGAIN = timedelta(minutes=1)
ATTACHED_EVERY = timedelta(minutes=5)
UNDER_WAY = (OperationState.PENDING, OperationState.SENDING, OperationState.WAITING, OperationState.UNKNOWN)
KEEP_EVENTS = timedelta(days=30)


# what may have changed


@transaction.atomic
def hear(message: Mapping[str, Any], identifier: str) -> list[int]:
    """
    Take one message of Jira's webhook; return the cases whose tickets it is about. One that came before is about none.

    Only ids are taken from it. A message about issues that are not ours is noted and means nothing; so is one about our own doing,
    which the next poll confirms, many at a time.
    """
    event = {"event": str(message.get("webhookEvent") or "")[:80]}
    if identifier:
        row, is_new = JiraEvent.objects.get_or_create(identifier=identifier[:128], defaults=event)
        if not is_new:
            return []
    else:
        row = JiraEvent.objects.create(**event)
    if _is_our_doing(message):
        return []
    tickets = Ticket.objects.filter(jira_id__in=_ids(message))
    cases = list(tickets.values_list("case_id", flat=True))
    tickets.update(read_due_at=clock.now())
    JiraEvent.objects.filter(pk=row.pk).update(tickets=len(cases))
    return cases


def _is_our_doing(message: Mapping[str, Any]) -> bool:
    """Whether a message names our own account as who acted."""
    comment = message.get("comment")
    who = reading.actor(message.get("user")) or reading.actor(
        comment.get("author") if isinstance(comment, dict) else None
    )
    return who is not None and who.account == JiraState.load().account


def _ids(message: Mapping[str, Any]) -> set[str]:
    """Return the ids of the issues that a message names."""
    issue, link = message.get("issue"), message.get("issueLink")
    found = [issue.get("id")] if isinstance(issue, dict) else []
    found += [link.get("sourceIssueId"), link.get("destinationIssueId")] if isinstance(link, dict) else []
    return {str(one)[:40] for one in found if isinstance(one, int | str)}


def poll() -> list[int]:
    """
    Find what changed in Jira since the last poll, webhook or not; return the cases whose tickets are to be read.

    The time is told to Jira as minutes ago: neither its time zone nor ours, nor the skew of our clocks, comes into it. Raises nothing
    of Jira's: what stood in the way stands in JiraState, and the next poll begins where the last whole one ended.
    """
    if not settings.JIRA_URL:
        return []
    state, began = JiraState.load(), clock.now()
    since = max(state.covered_to or began, began - LONGEST_LOOK_BACK)
    lag = OVERLAP + timedelta(seconds=settings.JIRA_INDEX_LAG_SECONDS)
    minutes = int((began - since + lag).total_seconds() // 60) + 1
    try:
        account = whoever_we_are()
        changed = list(reading.search(f'labels = "{fields.LABEL}" AND updated >= "-{minutes}m" ORDER BY updated ASC'))
    except JiraError as error:
        JiraState.objects.filter(pk=state.pk).update(error=str(error), polled_at=began)
        return []
    _look_after_attached(began)
    cases = [case for issue in changed if (case := _glimpsed(issue)) is not None]
    JiraState.objects.filter(pk=state.pk).update(account=account, covered_to=began, polled_at=began, error="")
    return list(dict.fromkeys([*cases, *due()]))


def _look_after_attached(now: datetime) -> None:
    """Have attached issues read every so often while their case is open: they may not carry the label that polls look for."""
    stale = Q(read_at=None) | Q(read_at__lt=now - ATTACHED_EVERY)
    open_cases = Alert.objects.exclude(status=Status.CLOSED).values("case_id")
    rows = Ticket.objects.filter(stale, attached=True, gone_at=None, read_due_at=None, case_id__in=open_cases)
    rows.update(read_due_at=now)


def whoever_we_are() -> str:
    """Return our own account id or user name in Jira. Raises JiraLater when Jira does not know us: nothing it then answers is true."""
    ours = reading.actor(client.call("GET", "myself"))
    if ours is None:
        raise JiraLater("Jira does not say who we are. Check JIRA_USER and JIRA_TOKEN.")
    return ours.account


@transaction.atomic
def _glimpsed(issue: Issue) -> int | None:
    """
    Compare what a search told of an issue with what we know; return its case when it has to be read whole.

    The first reading of a ticket that is as new as when we made it is this one: a storm of new tickets costs no requests of its own.
    """
    ticket = Ticket.objects.select_for_update().filter(jira_id=issue.id).first()
    if ticket is None or (
        ticket.jira_updated_at and issue.updated <= ticket.jira_updated_at and ticket.key == issue.key
    ):
        return None
    if ticket.jira_updated_at is None and issue.updated == issue.created and not ticket.status_category:
        ticket.status, ticket.status_category = issue.status, issue.category
        _note(ticket, issue)
        return None
    Ticket.objects.filter(pk=ticket.pk, read_due_at=None).update(read_due_at=clock.now())
    return ticket.case_id


def due(limit: int = 100) -> list[int]:
    """Return the cases whose tickets are to be read now."""
    rows = Ticket.objects.filter(read_due_at__lte=clock.now()).order_by("read_due_at")
    return list(rows.values_list("case_id", flat=True)[:limit])


# what is true


def read(case_id: int) -> bool:
    """
    Read a case's ticket and take what changed; return whether that came to its end. Two at once do it twice, to one effect.

    Raises nothing of Jira's: a reading that failed is due again.
    """
    ticket = Ticket.objects.filter(case_id=case_id).first()
    if ticket is None:
        return False
    began = clock.now()
    Ticket.objects.filter(pk=case_id).update(read_due_at=began + AGAIN)  # for others: somebody is at it
    try:
        issue = reading.read(ticket.jira_id)
    except JiraError as error:
        not_before = getattr(error, "not_before", None) or began + AGAIN
        Ticket.objects.filter(pk=case_id, read_due_at=began + AGAIN).update(read_due_at=not_before)
        log.warning("ticket_not_read", case=case_id, error=str(error))
        return False
    _take(ticket, issue, began)
    return True


@transaction.atomic
def _take(known: Ticket, issue: Issue | None, began: datetime) -> None:
    """Take what was read since `began`. A change that was told meanwhile stays due."""
    ticket = Ticket.objects.select_for_update().filter(pk=known.pk, jira_id=known.jira_id).first()
    if ticket is None:
        return  # another issue took its place
    if ticket.read_due_at == began + AGAIN:
        ticket.read_due_at = None
        ticket.save(update_fields=["read_due_at"])
    if issue is None:
        _gone(ticket)
        return
    if ticket.jira_updated_at and issue.updated < ticket.jira_updated_at:
        return
    if ticket.gone_at:
        activity.record("ticket.back", ticket, by=BY, key=issue.key)
    if ticket.key != issue.key:
        activity.record("ticket.moved", ticket, by=BY, was=ticket.key, now=issue.key)
    _tell(ticket, issue.changes)
    before = ticket.status_category or ("new" if not ticket.attached else issue.category)
    if _moved_by_us(ticket, began):
        _note(ticket, issue, due_at=clock.now() + AGAIN)
        return
    ticket.status, ticket.status_category = issue.status, issue.category
    _note(ticket, issue)
    if ticket.is_done and before != "done":
        following.ticket_closed(ticket, _mover(issue))
    elif before == "done" and not ticket.is_done:
        following.ticket_reopened(ticket, _mover(issue))


def _moved_by_us(ticket: Ticket, began: datetime) -> bool:
    """Whether a transition of ours is under way, or came to its end while this was read: what was read of the status is no news."""
    transitions = TicketOperation.objects.filter(case_id=ticket.case_id, kind=OperationKind.TRANSITION)
    return transitions.filter(Q(state__in=UNDER_WAY) | Q(state=OperationState.DONE, done_at__gte=began)).exists()


def _note(ticket: Ticket, issue: Issue, *, due_at: datetime | None = None) -> None:
    """Keep what Jira holds, but for the status, which the caller decides."""
    ticket.key, ticket.url = issue.key, client.address(issue.key)
    ticket.resolution, ticket.priority, ticket.assignee = issue.resolution, issue.priority, issue.assignee
    ticket.jira_updated_at, ticket.read_at, ticket.gone_at = issue.updated, clock.now(), None
    ticket.read_due_at = due_at or ticket.read_due_at
    ticket.save()


def _gone(ticket: Ticket) -> None:
    """Jira knows the issue no more: said once."""
    now = clock.now()
    if ticket.gone_at is None:
        activity.record("ticket.gone", ticket, by=BY, key=ticket.key)
        ticket.gone_at = now
    ticket.read_at = now
    ticket.save(update_fields=["gone_at", "read_at"])


def _tell(ticket: Ticket, changes: Iterable[Change]) -> None:
    """Write what others did into the ticket's history, each change once, oldest first. Of an attached issue, what came after that."""
    ours = JiraState.load().account
    told = set(activity.history(ticket).filter(data__has_key="id").values_list("data__id", flat=True))
    for change in changes:
        is_old = ticket.attached and change.at < ticket.created_at
        if change.id in told or change.is_ours or is_old or (change.by and change.by.account == ours):
            continue
        by = person(change.by) if change.by else BY
        at = change.at.isoformat()
        if change.field == "comment":
            activity.record("ticket.commented", ticket, by=by, id=change.id, at=at, text=change.now or "")
        else:
            activity.record(
                "ticket.changed", ticket, by=by, id=change.id, at=at, field=change.field,
                was=_value(change.was), now=_value(change.now),
            )  # fmt: skip


def _value(side: str | Actor | None) -> str | None:
    """Return one side of a change as history keeps it: people by key alone."""
    return str(person(side).key) if isinstance(side, Actor) else side


def _mover(issue: Issue) -> Person | str:
    """Return who gave the issue its status."""
    moves = [change.by for change in issue.changes if change.field == "status"]
    return person(moves[-1]) if moves and moves[-1] else BY


def person(who: Actor) -> Person:
    """Return the Person who acts in Jira by that account, called as Jira calls them now, unless the name was erased."""
    known = JiraAccount.objects.select_related("person").filter(account=who.account).first()
    if known is None:
        made = Person.objects.create(name=who.name, email=who.email)
        known, is_new = JiraAccount.objects.get_or_create(account=who.account, defaults={"person": made})
        if not is_new:
            made.delete()
    elif known.person.erased_at is None and (known.person.name, known.person.email) != (who.name, who.email):
        known.person.name, known.person.email = who.name, who.email or known.person.email
        known.person.save(update_fields=["name", "email"])
    return known.person


# a new one for one that is gone


@transaction.atomic
def replace(case_id: int, by: Person) -> bool:
    """
    Owe the case a new ticket in place of one that Jira knows no more, with its links; return whether there was one to replace.

    The create is tried anew under its old label. Should the old issue come back, the sweep tells the two apart by the id that we hold.
    """
    ticket = Ticket.objects.select_for_update().filter(case_id=case_id).exclude(gone_at=None).first()
    operations = TicketOperation.objects.filter(case_id=case_id)
    create = operations.filter(kind=OperationKind.CREATE).first()
    if ticket is None or create is None:
        return False
    activity.record("ticket.replaced", ticket, by=by, key=ticket.key)
    ticket.delete()
    operations.filter(pk=create.pk).update(
        state=OperationState.PENDING, sent_at=None, attempts=0, not_before=None, done_at=None, result={}, last_error=""
    )
    again = operations.filter(kind=OperationKind.LINK, state__in=[OperationState.DONE, OperationState.FAILED])
    again.update(state=OperationState.PENDING, sent_at=None, attempts=0, not_before=None, done_at=None, last_error="")
    return True


def forget_old_events() -> int:
    """Delete what was kept of messages to know them again, long after Jira would repeat one; return how many."""
    return JiraEvent.objects.filter(received_at__lt=clock.now() - KEEP_EVENTS).delete()[0]
