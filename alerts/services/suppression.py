"""
Suppressions as people keep them: made with a preview of what they would have hidden, changed, withdrawn, and undone alert by alert.

A suppression hides alerts here; an exclusion (`monitors.services.exclusions`) changes the search in OpenSearch, which then finds nothing.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Lower

from alerts import tasks
from alerts.choices import Verdict
from alerts.models import Alert, AlertEntity, Suppression
from alerts.rules import NEVER, Rule
from alerts.services import hiding
from alerts.services.triage import NoSuchAlert, NotNow, TriageError
from core import activity, clock
from core.models import Person
from core.wakeups import wake

MOST_DAYS, USUAL_DAYS = 90, 7
MOST_IN_FORCE = 200  # every finding of a delivery is held against all of them
SHOWN_DAYS = 30
MAX_LOOKED = 100_000  # of the newest alerts: what the search for those that match may cost
MAX_PLAYED = 5_000
SHOWN = 20
MOST_BACK = 10_000  # one decision takes no more
MAX_REASON = Suppression._meta.get_field("reason").max_length or 0
UNJUDGED = "not judged"


class NotSuppressed(TriageError):
    """The suppression cannot be, as it was asked for; `str()` says why, and what to do. Nothing was changed."""

    code = "not_suppressed"


class NeedsConfirmation(NotSuppressed):
    """It would have hidden a true positive: whoever wants it all the same says so."""

    code = "needs_confirmation"

    def __init__(self, preview: "Preview") -> None:
        number = preview.true_positives
        super().__init__(
            f"It would have hidden {number} true positive{'' if number == 1 else 's'}. Look at "
            f"{'it' if number == 1 else 'them'}; confirm if you want it all the same."
        )
        self.preview = preview


@dataclass(frozen=True)
class Wanted:
    """A suppression as somebody asks for it. `owner` answers for it."""

    rule: Rule
    reason: str
    owner: Person
    expires_at: datetime


@dataclass(frozen=True)
class Preview:
    """
    What a rule would have hidden of the alerts of the last SHOWN_DAYS: how many, as what they were judged, and the newest.

    `is_cut` says that there are more alerts than are looked at: MAX_LOOKED, and MAX_PLAYED that could match.
    """

    alerts: int
    verdicts: Sequence[tuple[str, int]]
    newest: Sequence[Alert]
    is_cut: bool = False

    @property
    def true_positives(self) -> int:
        """How many of them were judged true positives."""
        return dict(self.verdicts).get(Verdict.TRUE_POSITIVE.label, 0)


def preview(rule: Rule) -> Preview:
    """Hold the rule against the alerts of the last days, by the same function as the ingest does. Five queries."""
    since = clock.now() - timedelta(days=SHOWN_DAYS)
    floor = (Alert.objects.order_by("-id").values_list("pk", flat=True).first() or 0) - MAX_LOOKED
    older = Alert.objects.filter(pk__lte=floor).order_by("-id").values_list("created_at", flat=True).first()
    past = Alert.objects.filter(pk__gt=floor, created_at__gte=since, rehearsal=None).exclude(entity_type__in=NEVER)
    rows = list(_narrowed(past, rule).only(*hiding.HELD, "verdict").order_by("-id")[: MAX_PLAYED + 1])
    facts = hiding.facts_of(rows[:MAX_PLAYED])
    found = [alert for alert in rows[:MAX_PLAYED] if rule.matches(facts[alert.pk])]
    counted = Counter(Verdict(alert.verdict).label if alert.verdict else UNJUDGED for alert in found)
    order = [*(str(verdict.label) for verdict in Verdict), UNJUDGED]
    verdicts = [(label, counted[label]) for label in order if counted[label]]
    newest = Alert.objects.filter(pk__in=[alert.pk for alert in found[:SHOWN]]).order_by("-id")
    is_cut = len(rows) > MAX_PLAYED or (older is not None and older >= since)
    return Preview(len(found), verdicts, list(newest), is_cut=is_cut)


@transaction.atomic
def make(wanted: Wanted, by: Person, *, confirmed: bool = False) -> Suppression:
    """Make it; it holds for alerts that come from now on. Raises NotSuppressed, and NeedsConfirmation unless `confirmed`."""
    _check(wanted, by, confirmed=confirmed)
    if hiding.in_force().count() >= MOST_IN_FORCE:
        raise NotSuppressed(
            f"{MOST_IN_FORCE} suppressions are in force already. Withdraw those that hide nothing more."
        )
    row = Suppression.objects.create(author=by, **_fields(wanted))
    activity.record("suppression.made", row, by=by, **_told(row))
    return row


@transaction.atomic
def change(pk: int, wanted: Wanted, by: Person, *, confirmed: bool = False) -> Suppression:
    """Change one that is in force; what it hid stays hidden. Raises as `make`, and Suppression.DoesNotExist."""
    row = _locked(pk)
    if not row.is_in_force:
        raise NotSuppressed(f"{row} has ended. Make a new one.")
    _check(wanted, by, confirmed=confirmed)
    was = _told(row)
    for name, value in {**_fields(wanted), "author": by}.items():
        setattr(row, name, value)
    row.save()
    activity.record("suppression.changed", row, by=by, was=was, **_told(row))
    return row


@transaction.atomic
def withdraw(pk: int, by: Person) -> Suppression:
    """Have it hide nothing more; what it hid stays hidden until it is brought back. Raises NotSuppressed, Suppression.DoesNotExist."""
    row = _locked(pk)
    if not row.is_in_force:
        raise NotSuppressed(f"{row} has ended already.")
    row.withdrawn_at = clock.now()
    row.save(update_fields=["withdrawn_at"])
    activity.record("suppression.withdrawn", row, by=by)
    return row


@transaction.atomic
def bring_back(alert_id: int, by: Person) -> Alert:
    """Make one hidden alert new, which then owes its ticket. Raises NoSuchAlert, and NotNow."""
    alert = Alert.objects.filter(pk=alert_id).first()
    if alert is None:
        raise NoSuchAlert(f"There is no alert {alert_id}.")
    back = hiding.bring_back(alert, by=by)
    if back is None:
        twin = hiding.open_twin(alert)
        raise NotNow(
            f"{twin} about the same is open. Work that one." if twin else "The alert is not suppressed any more."
        )
    transaction.on_commit(partial(wake, tasks.work_case, back.case_id))
    return back


def to_bring_back(row: Suppression) -> list[int]:
    """Return the keys of the alerts that an ended suppression still hides, the newest first, at most MOST_BACK. Raises NotSuppressed."""
    if row.is_in_force:
        raise NotSuppressed(f"{row} is in force. Withdraw it first, else the next of the same kind is hidden again.")
    return list(row.alerts.order_by("-id").values_list("pk", flat=True)[:MOST_BACK])


def _check(wanted: Wanted, by: Person, *, confirmed: bool) -> None:
    if not wanted.reason.strip():
        raise NotSuppressed("Say why: whoever meets it later decides by that whether it still holds.")
    if not clock.now() < wanted.expires_at <= clock.now() + timedelta(days=MOST_DAYS, minutes=1):
        raise NotSuppressed(f"It ends within {MOST_DAYS} days from now.")
    outlook = preview(exempting(wanted.rule, by, wanted.owner))
    if outlook.true_positives and not confirmed:
        raise NeedsConfirmation(outlook)


def exempting(rule: Rule, *people: Person) -> Rule:
    """Return the rule as these people would keep it: it never hides alerts about them."""
    return Rule(rule.conditions, rule.exempt.union(*(person.names for person in people)))


def _fields(wanted: Wanted) -> dict[str, Any]:
    return {
        "conditions": wanted.rule.to_json(),
        "reason": " ".join(wanted.reason.split())[:MAX_REASON],
        "owner": wanted.owner,
        "expires_at": wanted.expires_at,
    }


def _told(row: Suppression) -> Mapping[str, Any]:
    """Return what history keeps of it."""
    return {
        "conditions": row.conditions,
        "reason": row.reason,
        "owner": str(row.owner_id),
        "expires_at": row.expires_at.isoformat(),
    }


def _locked(pk: int) -> Suppression:
    return Suppression.objects.select_for_update(of=("self",)).select_related("owner", "author").get(pk=pk)


def _narrowed(alerts: QuerySet[Alert], rule: Rule) -> QuerySet[Alert]:
    """Narrow to those that could match: all that do are among them."""
    for condition in rule.conditions:
        values = list(condition.values)
        match condition.kind:
            case "detection":
                alerts = alerts.filter(detection__in=values)
            case "entity":
                spelt = alerts.annotate(id_spelt=Lower("entity_id"), name_spelt=Lower("entity_name"))
                names = {*values, *condition.folded}
                alerts = spelt.filter(
                    Q(id_spelt__in=names) | Q(name_spelt__in=names) | Q(entity_id__in=names) | Q(entity_name__in=names)
                )
            case "address" if any("/" in value or ":" in value for value in values):
                alerts = alerts.filter(_involving(kind="ip"))
            case "address":
                alerts = alerts.filter(_involving(kind="ip", value__in=values))
            case "country":
                alerts = alerts.exclude(countries=[])
            case "application":
                alerts = alerts.filter(_involving(kind="app", value__in=values))
    return alerts


def _involving(**entity: Any) -> Exists:
    named = {f"entity__{name}": value for name, value in entity.items()}
    return Exists(AlertEntity.objects.filter(alert=OuterRef("pk"), **named))
