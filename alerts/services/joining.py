"""
What a person decides about cases and their tickets: an issue that is there already becomes a case's ticket, two cases become one; and
how either is taken back.

Each takes the turns of all entities it is about, as the ingest does: no alert slips into a case that is being joined into another.
"""

from collections.abc import Iterable
from functools import partial

from django.db import transaction
from django.db.models import Q

from alerts import tasks
from alerts.choices import OperationKind, OperationState
from alerts.models import Alert, Case, Ticket, TicketOperation
from alerts.services import cases, policies
from alerts.services.cases import NOT_SENT
from alerts.services.triage import NotNow
from alerts.ticketing import client
from alerts.ticketing.errors import JiraError
from core import activity, clock
from core.locks import take_turns
from core.models import Person
from core.wakeups import wake

MAX_KEY = 40


def attach(alert_id: int, key: str, by: Person) -> Ticket:
    """
    Make an issue that is there already the ticket of the alert's case, and comment there on all that the case holds.

    Raises NotNow when the case has a ticket or one is on its way, when Jira knows no such issue, or it is another case's.
    """
    key = key.strip().upper()[:MAX_KEY]
    if not key:
        raise NotNow("Give the key of the issue, as SEC-12.")
    try:
        issue = client.issue(key)  # before the transaction: nobody waits for Jira with rows in hand
    except JiraError as error:
        raise NotNow(f"{key} could not be looked up in Jira. {error}") from error
    return _attach(alert_id, issue["key"], issue["id"], by)


@transaction.atomic
def _attach(alert_id: int, key: str, jira_id: str, by: Person) -> Ticket:
    alert = Alert.objects.select_related("case").get(pk=alert_id)
    _take_turns([alert.case_id])
    alert.refresh_from_db(fields=["case"])
    taken = Ticket.objects.select_for_update().filter(Q(key=key) | Q(jira_id=jira_id)).select_related("case").first()
    if taken is not None:
        raise NotNow(f"{key} is the ticket of {taken.case} already. Join the two cases instead.")
    if Ticket.objects.filter(case_id=alert.case_id).exists():
        raise NotNow("The case has a ticket already.")
    _settle_create(alert, key, jira_id)
    ticket = Ticket.objects.create(case_id=alert.case_id, key=key, jira_id=jira_id, url=client.address(key), attached=True,
                                   read_due_at=clock.now())  # fmt: skip
    activity.record("ticket.attached", alert, by=by, key=key)
    cases.owe_comment(alert, at_once=True)
    _wake(alert.case_id)
    return ticket


def _settle_create(alert: Alert, key: str, jira_id: str) -> None:
    """Let the create stand as done by the issue: what waits for it goes on. One that is on its way, or in doubt, comes first."""
    done = {
        "state": OperationState.DONE,
        "result": {"id": jira_id, "key": key},
        "done_at": clock.now(),
        "last_error": "",
    }
    create = TicketOperation.objects.filter(case_id=alert.case_id, kind=OperationKind.CREATE).first()
    if create is None:
        TicketOperation.objects.create(case_id=alert.case_id, alert=alert, kind=OperationKind.CREATE, **done)
        return
    given_up = Q(state__in=[OperationState.FAILED, OperationState.DISMISSED])
    free = TicketOperation.objects.filter(NOT_SENT | given_up, pk=create.pk)
    if not free.update(**done, not_before=None, lease_until=None):
        raise NotNow("A ticket is on its way, or Jira is asked about it. Try again once that is settled.")
    create.dependants.filter(state=OperationState.DISMISSED).update(state=OperationState.PENDING)


@transaction.atomic
def detach(alert_id: int, by: Person) -> None:
    """Take an attached issue away again. The case then owes Jira nothing, until somebody restores its create. Raises NotNow."""
    alert = Alert.objects.select_related("case").get(pk=alert_id)
    _take_turns([alert.case_id])
    alert.refresh_from_db(fields=["case"])
    ticket = Ticket.objects.select_for_update().filter(case_id=alert.case_id, attached=True).first()
    if ticket is None:
        raise NotNow("Only an issue that was attached here is taken away.")
    operations = TicketOperation.objects.filter(case_id=alert.case_id)
    if operations.filter(state=OperationState.SENDING).exists():
        raise NotNow("Something is being sent to it right now. Try again in a moment.")
    key = ticket.key
    ticket.delete()
    operations.filter(kind=OperationKind.CREATE).update(state=OperationState.DISMISSED, result={}, sent_at=None)
    operations.filter(NOT_SENT).exclude(kind=OperationKind.CREATE).update(state=OperationState.DISMISSED)
    activity.record("ticket.detached", alert, by=by, key=key)


@transaction.atomic
def join(alert_id: int, other_id: int, by: Person) -> Case:
    """
    Join the alert's case, with all its alerts, into that of another alert; return that. Its ticket is linked there as a duplicate.

    A ticket that was not sent yet is not made. Raises NotNow when they are one case already, or one of them is a rehearsal's.
    """
    alert, other = (Alert.objects.filter(pk=pk).first() for pk in (alert_id, other_id))
    if alert is None or other is None:
        raise NotNow(f"There is no alert A-{other_id if alert else alert_id}.")
    _take_turns([alert.case_id, other.case_id])
    alert.refresh_from_db(fields=["case"])
    other.refresh_from_db(fields=["case"])
    case, into = alert.case, other.case
    if case == into:
        raise NotNow(f"{alert} and {other} are one case already.")
    if alert.rehearsal_id or other.rehearsal_id:
        raise NotNow("A rehearsal has a case of its own.")
    moved = list(Alert.objects.select_for_update().filter(case=case).order_by("pk"))
    Alert.objects.filter(case=case).update(case=into)
    Case.objects.filter(joined_into=case).update(joined_into=into)
    case.joined_into, case.joined_alerts = into, [one.pk for one in moved]
    case.save(update_fields=["joined_into", "joined_alerts"])
    for one in moved:
        activity.record("case.joined", one, by=by, was=str(case), into=str(into))
    _give_up_unsent(case)
    creates = TicketOperation.objects.filter(kind=OperationKind.CREATE).exclude(state=OperationState.DISMISSED)
    was_owed, owed = creates.filter(case=case).exists(), creates.filter(case=into).first()
    if owed is not None and was_owed:  # in Jira's words: the first named duplicates the ticket that the link is owed by
        cases.owe_link(alert, case.pk, "Duplicate", owed)
    elif owed is None and TicketOperation.objects.filter(case=case, kind=OperationKind.CREATE).exists():
        _owe_own(other)
    alert.refresh_from_db(fields=["case"])
    cases.owe_comment(alert, at_once=True)
    cases.owe_priority(min(moved, key=lambda one: one.severity))
    _wake(into.pk)
    return into


@transaction.atomic
def part(case_id: int, by: Person) -> Case:
    """
    Take a joining back: the alerts that came from the case go back there, and it owes its ticket again. Raises NotNow.

    A link that was not sent yet is not made; one that is in Jira already stays there, and a comment says that it is void.
    """
    case = Case.objects.filter(pk=case_id).first()
    if case is None or case.joined_into_id is None:
        raise NotNow("The case was not joined into another.")
    into = case.joined_into_id
    _take_turns([case.pk, into])
    case.refresh_from_db()
    if case.joined_into_id != into:
        raise NotNow("The case was moved meanwhile. Look again.")
    moved = list(Alert.objects.select_for_update().filter(pk__in=case.joined_alerts, case_id=into).order_by("pk"))
    Alert.objects.filter(pk__in=[one.pk for one in moved]).update(case=case)
    case.joined_into, case.joined_alerts = None, []
    case.save(update_fields=["joined_into", "joined_alerts"])
    for one in moved:
        activity.record("case.parted", one, by=by, was=f"C-{into}", now=str(case))
    operations = TicketOperation.objects.filter(case=case)
    links = TicketOperation.objects.filter(
        case_id=into, kind=OperationKind.LINK, payload__type="Duplicate", payload__other_case=case.pk
    )
    links.filter(NOT_SENT).update(state=OperationState.DISMISSED)
    create = operations.filter(kind=OperationKind.CREATE).first()
    if create is not None and create.state == OperationState.DISMISSED and create.payload.get("joined"):
        payload = {name: value for name, value in create.payload.items() if name != "joined"}
        operations.filter(pk=create.pk).update(state=OperationState.PENDING, payload=payload, not_before=None)
        create.dependants.filter(state=OperationState.DISMISSED, payload__type="Relates").update(
            state=OperationState.PENDING
        )
    elif create is not None and links.exclude(state=OperationState.DISMISSED).exists():
        TicketOperation.objects.create(
            case=case, alert=moved[0] if moved else None, kind=OperationKind.COMMENT, depends_on=create,
            payload={"text": "This is no duplicate after all: its alerts are worked here again."},
        )  # fmt: skip
    _wake(case.pk)
    return case


def _owe_own(alert: Alert) -> None:
    """Owe the alert's case a ticket, unless somebody gave up the one that it was owed."""
    if not TicketOperation.objects.filter(case_id=alert.case_id, kind=OperationKind.CREATE).exists():
        cases.owe_ticket(alert)


def _give_up_unsent(case: Case) -> None:
    """Owe no ticket for a case that has no alerts any more, where none was asked for yet."""
    operations = TicketOperation.objects.filter(case=case)
    create = operations.filter(NOT_SENT, kind=OperationKind.CREATE).first()
    if create is not None and operations.filter(NOT_SENT, pk=create.pk).update(
        state=OperationState.DISMISSED, payload={**create.payload, "joined": True}
    ):
        create.dependants.filter(NOT_SENT).update(state=OperationState.DISMISSED)


def _take_turns(case_ids: Iterable[int]) -> None:
    """Take the turns of every entity that the cases, and the alerts in them, are about: in one order, so that nobody waits for ever."""
    of_cases = Case.objects.filter(pk__in=list(case_ids)).values_list("entity_type", "entity_id")
    of_alerts = Alert.objects.filter(case_id__in=list(case_ids)).values_list("entity_type", "entity_id")
    for key in sorted({policies.turn_of(*pair) for pair in [*of_cases, *of_alerts]}):
        take_turns(key)


def _wake(case_id: int) -> None:
    transaction.on_commit(partial(wake, tasks.work_case, case_id))
