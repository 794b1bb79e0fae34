"""
What a suppression does to an alert: it is kept, closed without a verdict and without a ticket, and can be brought back.

Every finding is judged by itself, as it comes: one that no rule in force hides brings its hidden alert back. Rows only; nothing is
sent here.
"""

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from alerts.choices import OperationKind, Status
from alerts.fingerprint import lock_key
from alerts.models import Alert, AlertEntity, Case, Suppression, TicketOperation
from alerts.rules import Facts, Rule
from alerts.services import cases, policies
from core import activity, clock
from core.locks import take_turns
from core.models import Person

HELD = (
    "detection",
    "entity_type",
    "entity_id",
    "entity_name",
    "countries",
)  # what `facts_of` reads of an alert's own row
MAX_REASON = Alert._meta.get_field("verdict_reason").max_length or 0


class InForce:
    """The rules in force, read on first need and once: for all findings of a delivery."""

    @cached_property
    def rules(self) -> list[tuple[Suppression, Rule]]:
        """The rows, oldest first, each as a rule: one query."""
        rows = in_force().select_related("owner__user", "author__user").order_by("pk")
        return [(row, row.rule()) for row in rows]

    def hiding(self, facts: Facts) -> Suppression | None:
        """Return the oldest rule that hides an alert which holds these facts; None where it is to be seen."""
        return next((row for row, rule in self.rules if rule.matches(facts)), None)


def in_force() -> QuerySet[Suppression]:
    """Return the rules that hide what comes now."""
    return Suppression.objects.filter(withdrawn_at=None, expires_at__gt=clock.now())


def facts_of(alerts: Iterable[Alert]) -> Mapping[int, Facts]:
    """Return what each of these alerts holds by now, by its key: one query, whatever their number."""
    rows = list(alerts)
    involved: dict[int, list[tuple[str, str]]] = {alert.pk: [] for alert in rows}
    told = AlertEntity.objects.filter(alert__in=involved, entity__kind__in=["ip", "app"])
    for pk, kind, value in told.values_list("alert_id", "entity__kind", "entity__value"):
        involved[pk].append((kind, value))
    return {
        alert.pk: Facts.of(
            detection=alert.detection,
            entity=(alert.entity_type, alert.entity_id, alert.entity_name),
            involved=involved[alert.pk],
            countries=alert.countries,
        )
        for alert in rows
    }


def hide(alert: Alert, by: Suppression) -> None:
    """Hide an alert that was opened just now, in the same transaction. Its case owes nothing yet."""
    alert.status, alert.suppressed_by, alert.closed_at = Status.CLOSED, by, clock.now()
    alert.verdict_reason = f"Suppressed by {by}: {by.reason}"[:MAX_REASON]
    alert.save(update_fields=["status", "suppressed_by", "closed_at", "verdict_reason", "updated_at"])
    activity.record("alert.suppressed", alert, by="ingest", suppression=by.pk, reason=by.reason)


def open_twin(alert: Alert) -> Alert | None:
    """Return another, open alert about the same, beside which it cannot be open. Whoever acts on it holds the fingerprint's turn."""
    open_ones = Alert.objects.filter(fingerprint=alert.fingerprint).exclude(status=Status.CLOSED)
    return open_ones.exclude(pk=alert.pk).first()


@transaction.atomic
def bring_back(alert: Alert, *, by: Person | str) -> Alert | None:
    """
    Make a hidden alert new, and owe Jira what its monitor's ticket policy wants for it; return it as it is then.

    None where there is nothing to bring back: it is not hidden any more, or another about the same is open.
    """
    take_turns(lock_key(alert.fingerprint))  # before the alert's own row, as the ingest does
    take_turns(policies.turn_of(alert.entity_type, alert.entity_id))  # and this, as whoever arranges cases does
    hidden = (
        Alert.objects.select_for_update(of=("self",))
        .select_related("case", "monitor")
        .filter(pk=alert.pk, suppressed_by__isnull=False)
        .first()
    )
    if hidden is None or open_twin(hidden) is not None:
        return None
    was = hidden.suppressed_by_id
    because = _place(hidden)
    told: dict[str, Any] = {"status": Status.NEW, "suppressed_by": None, "closed_at": None, "verdict_reason": ""}
    for name, value in told.items():
        setattr(hidden, name, value)
    hidden.save(update_fields=[*told, "case", "updated_at"])
    activity.record("alert.unsuppressed", hidden, by=by, suppression=was, **({"because": because} if because else {}))
    cases.owe_for(hidden, because)
    return hidden


def note_expired() -> int:
    """Tell the history of rules that have expired since, once each; return how many."""
    noted = 0
    due = Suppression.objects.filter(withdrawn_at=None, expiry_noted_at=None, expires_at__lte=clock.now())
    for row in due.order_by("pk"):
        with transaction.atomic():
            free = Suppression.objects.filter(
                pk=row.pk, withdrawn_at=None, expiry_noted_at=None, expires_at__lte=clock.now()
            )
            if free.update(expiry_noted_at=clock.now()):
                activity.record("suppression.expired", row, by="expiry")
                noted += 1
    return noted


def _place(alert: Alert) -> str:
    """Put the alert into the case that its policy wants, unless somebody joined its own with others; return why it is not a new one."""
    own = alert.case
    shared = Alert.objects.filter(case=own).exclude(pk=alert.pk).exists()
    if shared or TicketOperation.objects.filter(case=own, kind=OperationKind.CREATE).exists():
        return ""
    policy = alert.monitor.ticket_policy if alert.monitor else policies.Policy.OWN
    place = policies.place(policy, alert.entity_type, alert.entity_id, alert.fingerprint)
    alert.case = place.case
    Alert.objects.filter(pk=alert.pk).update(case=place.case)
    if not own.joined.exists() and not own.operations.exists():
        Case.objects.filter(pk=own.pk).delete()
    return place.because
