"""
What each kind of operation asks of Jira, and how it is known again there.

`prepared` reads everything that can fail on our side and returns the request, ready to go. `look` returns what Jira holds of one that
left and was not answered. A create is known by its label, a comment by its property, a file by its name; a status, fields and a
description by the issue's own state, which is read before they are written; links and properties may be written twice.
"""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from alerts.choices import OperationKind
from alerts.models import Alert, Occurrence, Ticket, TicketOperation
from alerts.ticketing import attachment, client, fields, transitions
from alerts.ticketing.document import Body
from alerts.ticketing.errors import JiraRefused

Request = Callable[[], dict[str, Any]]

READ_REQUESTS = 2  # that `prepared` makes at most
# How many requests `look` makes, where more than one: a lease must cover them.
LOOK_REQUESTS = {
    OperationKind.CREATE: 3,  # who we are, the search, and the search at the old address
    OperationKind.COMMENT: 10,  # pages of comments
    OperationKind.UPDATE: 10,
}


class NotYet(Exception):
    """What the operation needs is not there yet (the other case's ticket): it waits, and that is no fault."""


def prepared(operation: TicketOperation) -> Request:
    """Return the request, ready to go. Raises NotYet, JiraRefused, and what reading in Jira raises."""
    if operation.kind == OperationKind.CREATE:
        return _create(operation, _alert(operation))
    build = _BUILDERS.get(OperationKind(operation.kind))
    if build is None:
        raise JiraRefused(f"Nothing is known of an operation {operation.kind!r}.")
    return build(operation, ticket_key(operation))


def look(operation: TicketOperation) -> dict[str, Any] | None:
    """Return what Jira holds of an operation whose request once left; None when it surely holds nothing of it."""
    match operation.kind:
        case OperationKind.CREATE:
            found = client.find_by_label(fields.label(str(operation.pk)))
            return dict(found[0]) if found else None
        case OperationKind.COMMENT | OperationKind.UPDATE:  # an update may have become a comment
            comment = client.find_comment(ticket_key(operation), str(operation.pk), since=operation.created_at)
            return {"comment": comment} if comment else None
        case OperationKind.ATTACH:
            name = file_name(operation)
            return {"file": name} if name in client.attachments(ticket_key(operation)) else None
    return None  # the state is read before it is written, or doing it twice is doing it once


def ticket_key(operation: TicketOperation) -> str:
    """Return the key of the case's ticket. Raises NotYet."""
    ticket = Ticket.objects.filter(case_id=operation.case_id).first()
    if ticket is None:
        raise NotYet("The case has no ticket yet.")
    return ticket.key


def file_name(operation: TicketOperation) -> str:
    """Return the name of an attachment, which holds the operation: `evidence-0192….csv`."""
    stem, dot, kind = str(operation.payload["name"]).rpartition(".")
    return f"{stem}-{operation.pk}{dot}{kind}" if stem else f"{kind}-{operation.pk}"


def _alert(operation: TicketOperation) -> Alert:
    if operation.alert is None:
        raise JiraRefused("The alert that this is about is not there any more.")
    return operation.alert


def _create(operation: TicketOperation, alert: Alert) -> Request:
    # all that the case holds, read before the text is: what comes between is told twice rather than never
    _tells(operation, list(Occurrence.objects.filter(alert__case_id=operation.case_id)))
    wanted = fields.create(alert, str(operation.pk))
    operation.payload["description"] = fields.digest(wanted["description"])
    about = fields.entity_property(alert)
    return lambda: client.create_issue(wanted, str(operation.pk), about)


def _comment(operation: TicketOperation, key: str) -> Request:
    if "text" in operation.payload:
        said = fields.said(str(operation.payload["text"]))
        return lambda: {"comment": client.add_comment(key, said, str(operation.pk))}
    alert, fresh = _alert(operation), _untold(operation)
    _tells(operation, fresh)
    if not fresh:
        return dict  # the ticket's first text or another comment told it meanwhile
    text = fields.comment(alert, fresh)
    return lambda: {"comment": client.add_comment(key, text, str(operation.pk))}


def _description(operation: TicketOperation, alert: Alert, key: str) -> Request:
    """
    Return the request that brings the description up to date, or a comment with what is new where somebody edited it.

    What Jira holds is read just before; it cannot be asked to write only over that, so an edit within that moment is lost.
    """
    text = fields.description(alert)
    create = TicketOperation.objects.filter(case_id=operation.case_id, kind=OperationKind.CREATE).first()
    written = create.payload.get("description") if create else None
    if fields.digest(text) == written:
        return dict  # it says all of this already
    held = fields.digest(client.description(key))
    if held == fields.digest(text):
        return dict  # an update whose answer was lost
    if held == written:
        return partial(_describe, key, text)
    late = fields.late_evidence(alert)
    return lambda: {"comment": client.add_comment(key, late, str(operation.pk))}


def _describe(key: str, text: Body) -> dict[str, Any]:
    client.update_issue(key, {"description": text})
    return {}


def _update(operation: TicketOperation, key: str) -> Request:
    told = operation.payload
    if not told.keys() & {"fields", "add_labels", "remove_labels"}:
        return _description(operation, _alert(operation), key)
    labels = [{"add": name} for name in told.get("add_labels", ())]
    labels += [{"remove": name} for name in told.get("remove_labels", ())]
    return _quietly(client.update_issue, key, told.get("fields") or {}, {"labels": labels} if labels else {})


def _link(operation: TicketOperation, key: str) -> Request:
    told = operation.payload
    other = Ticket.objects.filter(case_id=told["other_case"]).first() if "other_case" in told else None
    if other is None and "other_key" not in told:
        raise NotYet("The other case has no ticket yet.")
    return _quietly(client.link_issues, key, other.key if other else told["other_key"], told["type"])


def _attach(operation: TicketOperation, key: str) -> Request:
    told = operation.payload.get("text")
    content = attachment.content(_alert(operation)) if told is None else str(told).encode()
    return _quietly(client.attach, key, file_name(operation), content)


def _transition(operation: TicketOperation, key: str) -> Request:
    return transitions.prepared(operation.case_id, key)


def _remote_link(operation: TicketOperation, key: str) -> Request:
    return _quietly(client.link_remotely, key, fields.remote_link(_alert(operation)))


def _property(operation: TicketOperation, key: str) -> Request:
    return _quietly(client.set_property, key, client.ALERT_PROPERTY, fields.entity_property(_alert(operation)))


def _delete(operation: TicketOperation, key: str) -> Request:
    if not _alert(operation).rehearsal_id:
        raise JiraRefused("Only the ticket of a rehearsal is ever deleted.")
    return _quietly(client.delete_issue, key)


def _quietly(send: Callable[..., None], *told: Any) -> Request:
    """Return a request whose answer holds nothing to be kept."""

    def request() -> dict[str, Any]:
        send(*told)
        return {}

    return request


def _tells(operation: TicketOperation, occurrences: Iterable[Occurrence]) -> None:
    """Note which occurrences the request tells; committed before it leaves, and true once it is done."""
    operation.payload = {**operation.payload, "told": [occurrence.pk for occurrence in occurrences]}


def _untold(operation: TicketOperation) -> list[Occurrence]:
    """Return the occurrences of the case's alerts that neither the ticket's first text nor a comment told, oldest first."""
    done = TicketOperation.objects.filter(case_id=operation.case_id, state="done")
    told = {pk for payload in done.values_list("payload", flat=True) for pk in payload.get("told", ())}
    fresh = Occurrence.objects.filter(alert__case_id=operation.case_id).exclude(pk__in=told)
    return list(fresh.select_related("alert__monitor").order_by("first_at"))


_BUILDERS: dict[OperationKind, Callable[[TicketOperation, str], Request]] = {
    OperationKind.COMMENT: _comment,
    OperationKind.LINK: _link,
    OperationKind.ATTACH: _attach,
    OperationKind.TRANSITION: _transition,
    OperationKind.UPDATE: _update,
    OperationKind.REMOTE_LINK: _remote_link,
    OperationKind.PROPERTY: _property,
    OperationKind.DELETE: _delete,
}
