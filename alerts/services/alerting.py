"""
From a finding to its alert. Evidence decides what is new.

A finding that overlaps an occurrence of its fingerprint, in an open or a closed alert, extends it and says nothing. One that
does not is a new occurrence: of the open alert, or of a new one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Least

from alerts import fingerprint as identity
from alerts.choices import Status
from alerts.models import Alert, Case, Occurrence, Rehearsal, Suppression
from alerts.rules import Facts
from alerts.services import cases, evidence, hiding, involved, policies, recurrence
from core import activity
from core.locks import take_turns
from monitors.findings import Finding
from monitors.models import Monitor

WINDOW = timedelta(hours=24)  # an occurrence later than this makes an open alert new again


@dataclass(frozen=True)
class Origin:
    """
    Where a finding comes from: one of our monitors, or a name under somebody else's source. `limits` stand beside `observed`.

    `rehearsal` is the one that surely made it; `claim` says why it is taken for real although its events claim to be one.
    """

    monitor: Monitor | None
    source_name: str
    detection: str
    detection_id: str
    limits: Mapping[str, Any]
    rehearsal: Rehearsal | None = None
    claim: str = ""

    def fingerprint(self, finding: Finding) -> str:
        """Return the identity of (origin, entity)."""
        ours = [str(self.monitor.uuid)] if self.monitor else [self.source_name, self.detection]
        played = (
            ["rehearsal", str(self.rehearsal.pk)] if self.rehearsal else []
        )  # real and rehearsed never share an alert
        return identity.fingerprint(*ours, *played, finding.entity_type, finding.entity_id)

    def hiding(self, finding: Finding, rules: hiding.InForce | None) -> Suppression | None:
        """Return the suppression that hides the finding; never one for a rehearsal, which closes by itself."""
        if rules is None or self.rehearsal is not None:
            return None
        took_part, countries = involved.told(finding)
        entity = (finding.entity_type, finding.entity_id, finding.entity_name)
        pairs = [(kind, value) for kind, value, _ in took_part]
        return rules.hiding(Facts.of(detection=self.detection, entity=entity, involved=pairs, countries=countries))


@dataclass(frozen=True)
class Outcome:
    """What became of a finding: its occurrence, and whether that is new, and whether its alert is."""

    occurrence: Occurrence
    new_occurrence: bool
    new_alert: bool


@transaction.atomic
def take(
    finding: Finding,
    origin: Origin,
    *,
    delivery: UUID | None,
    events: Sequence[Mapping[str, Any]] = (),
    rules: hiding.InForce | None = None,
) -> Outcome:
    """
    Take one finding; twice the same changes nothing.

    `delivery` told it; None says that catch-up found it. `events` are whole events that came with the message itself. `rules` are
    the suppressions, which findings of one delivery share; None leaves everything to be seen, as our own faults are.
    """
    fingerprint = origin.fingerprint(finding)
    take_turns(identity.lock_key(fingerprint))
    overlapping = _overlapping(fingerprint, finding)
    changed = True
    if overlapping is not None:
        changed = _extend(overlapping, finding, origin, rules)
        outcome = Outcome(overlapping, new_occurrence=False, new_alert=False)
    else:
        outcome = _new_occurrence(fingerprint, finding, origin, delivery, rules)
    if origin.claim:
        _note_claim(outcome.occurrence.alert, origin.claim)
    if events:
        evidence.keep(outcome.occurrence, [dict(event) for event in events])
    elif changed:
        uuids = [event["uuid"] for event in finding.events if event.get("uuid")]
        evidence.want(outcome.occurrence, uuids, new=outcome.new_occurrence)
    return outcome


def _overlapping(fingerprint: str, finding: Finding) -> Occurrence | None:
    """Return the latest occurrence that the finding is a part of: one that overlaps it in time, or has the same first and last event."""
    same = Occurrence.objects.filter(fingerprint=fingerprint).select_related("alert").order_by("-last_at")
    found = same.filter(first_at__lte=finding.last.at, last_at__gte=finding.first.at).first()
    if found is None and finding.first.uuid:  # asked for apart, each is found by an index of its own
        found = same.filter(first_uuid=finding.first.uuid, last_uuid=finding.last.uuid or "").first()
    return found


def _note_claim(alert: Alert, claim: str) -> None:
    """Keep that its events claim to be a rehearsal and are none: once, in its history too."""
    if Alert.objects.filter(pk=alert.pk, rehearsal_claim="").update(rehearsal_claim=claim):
        activity.record("alert.rehearsal_refused", alert, by="ingest", because=claim)


def _extend(occurrence: Occurrence, finding: Finding, origin: Origin, rules: hiding.InForce | None) -> bool:
    """Make the occurrence reach as far as the finding; a larger count brings its values and events with it. Return whether it grew."""
    told_before = occurrence.count
    larger = finding.count > occurrence.count or (
        finding.count == occurrence.count and finding.last.at > occurrence.last_at
    )
    earlier, later = finding.first.at < occurrence.first_at, finding.last.at > occurrence.last_at
    graver = finding.severity < occurrence.severity
    occurrence.told += 1
    occurrence.severity = min(occurrence.severity, finding.severity)
    if earlier:
        occurrence.first_at, occurrence.first_uuid = finding.first.at, finding.first.uuid or ""
    if later:
        occurrence.last_at, occurrence.last_uuid = finding.last.at, finding.last.uuid or ""
    if larger:
        occurrence.count, occurrence.observed = finding.count, dict(finding.observed)
        occurrence.events = [dict(event) for event in finding.events]
    occurrence.save()
    alert = occurrence.alert
    Alert.objects.filter(pk=alert.pk, last_seen__lt=occurrence.last_at).update(last_seen=occurrence.last_at)
    Alert.objects.filter(pk=alert.pk, first_seen__gt=occurrence.first_at).update(first_seen=occurrence.first_at)
    if alert.is_open:
        if finding.count > told_before:
            _wake(alert)
        newest = not Occurrence.objects.filter(alert=alert, last_at__gt=occurrence.last_at).exists()
        if newest and (larger or graver):
            _say(alert, finding)
        else:
            _raise(alert, finding)
    elif alert.suppressed_by_id and larger:
        _say(alert, finding)
        if origin.hiding(finding, rules) is None:
            hiding.bring_back(alert, by="ingest")
    return earlier or later or larger or graver


def _wake(alert: Alert) -> None:
    """End a snooze that was to last until it grows: it is new again."""
    asleep = Alert.objects.filter(pk=alert.pk, wakes_when_it_grows=True).exclude(status=Status.CLOSED)
    if asleep.update(status=Status.NEW, snoozed_until=None, wakes_when_it_grows=False):
        activity.record("alert.woken", alert, by="ingest", grew=True)


def _say(alert: Alert, finding: Finding, *changed: str) -> None:
    """Let the alert say what its newest occurrence says; `changed` are other fields to save with it."""
    alert.sentence, alert.observed = finding.sentence[:1000], dict(finding.observed)
    alert.save(update_fields=["sentence", "observed", "updated_at", *changed])
    _raise(alert, finding)
    involved.note(alert, finding)


def _raise(alert: Alert, finding: Finding) -> None:
    """Make the alert as grave as the finding; by itself it never becomes less grave."""
    if finding.severity < alert.severity:
        activity.record("alert.severity_raised", alert, by="ingest", was=alert.severity, now=finding.severity,
                        because=list(finding.reasons))  # fmt: skip
        alert.severity, alert.severity_reasons = finding.severity, list(finding.reasons)
        alert.save(update_fields=["severity", "severity_reasons", "updated_at"])
        cases.owe_when_reached(alert)
        cases.owe_priority(alert)


@dataclass(frozen=True)
class _Home:
    """
    The alert that a new occurrence goes into. `place` is set where it was opened for it, by `hidden_by` hidden at once.

    `settled` is the false positive that it comes after, with what is `new` beside that.
    """

    alert: Alert
    place: policies.Place | None = None
    hidden_by: Suppression | None = None
    settled: Alert | None = None
    new: Sequence[str] = ()


def _new_occurrence(
    fingerprint: str, finding: Finding, origin: Origin, delivery: UUID | None, rules: hiding.InForce | None
) -> Outcome:
    # alone: joined to its case, it would be missed where somebody gives it another one while we wait for it
    alert = Alert.objects.select_for_update().filter(fingerprint=fingerprint).exclude(status=Status.CLOSED).first()
    home = _Home(alert) if alert else _home(fingerprint, finding, origin, rules, recovered=delivery is None)
    alert = home.alert
    latest = alert.last_seen
    occurrence = Occurrence.objects.create(
        alert=alert,
        fingerprint=fingerprint,
        first_at=finding.first.at,
        last_at=finding.last.at,
        first_uuid=finding.first.uuid or "",
        last_uuid=finding.last.uuid or "",
        count=finding.count,
        observed=dict(finding.observed),
        events=[dict(event) for event in finding.events],
        severity=finding.severity,
        recovered=delivery is None,
        delivery=delivery,
    )
    Alert.objects.filter(pk=alert.pk).update(
        occurrence_count=F("occurrence_count") + 1, first_seen=Least(F("first_seen"), finding.first.at)
    )
    if home.place is not None:
        _opened(home, home.place, occurrence)
    elif home.settled is not None:
        Alert.objects.filter(pk=alert.pk, last_seen__lt=finding.last.at).update(last_seen=finding.last.at)
        activity.record("alert.stayed_closed", alert, by="ingest", occurrence=occurrence.pk)
    elif alert.is_open and finding.first.at > latest:
        _recur(alert, finding, occurrence, latest)
    elif alert.suppressed_by_id and finding.first.at > latest:
        Alert.objects.filter(pk=alert.pk).update(last_seen=finding.last.at)
        activity.record("alert.stayed_suppressed", alert, by="ingest", occurrence=occurrence.pk)
        _say(alert, finding)
    elif alert.is_open:  # found late: it lies before what the alert says already
        _raise(alert, finding)
        involved.note(alert, finding)
    return Outcome(occurrence, new_occurrence=True, new_alert=home.place is not None)


def _home(
    fingerprint: str, finding: Finding, origin: Origin, rules: hiding.InForce | None, *, recovered: bool
) -> _Home:
    """Return where a new occurrence goes of which no alert is open: a closed one that it says nothing new of, else a new one."""
    newest = Alert.objects.filter(fingerprint=fingerprint).order_by("-id").first()
    if newest is not None and finding.last.at < newest.first_seen:
        return _Home(newest)  # an older stretch of something that was closed: told, and nothing more
    settled: Alert | None = newest if recurrence.is_settled(newest) else None
    new = recurrence.novelties(settled, finding) if settled else []
    if settled is not None and not new:
        return _Home(settled, settled=settled)
    hidden_by = origin.hiding(finding, rules)
    if newest is not None and hidden_by is not None and newest.suppressed_by_id == hidden_by.pk:
        return _Home(newest)
    place = policies.place(
        origin.monitor.ticket_policy if origin.monitor else policies.Policy.OWN,
        finding.entity_type,
        finding.entity_id,
        fingerprint,
        apart=origin.rehearsal is not None or hidden_by is not None,
    )
    return _Home(
        _open_alert(fingerprint, finding, origin, place.case, recovered=recovered), place, hidden_by, settled, new
    )


def _opened(home: _Home, place: policies.Place, occurrence: Occurrence) -> None:
    """Tell the history of an alert that was opened, and owe Jira what it means; one that is hidden owes nothing."""
    alert = home.alert
    activity.record(
        "alert.opened",
        alert,
        by="ingest",
        severity=alert.severity,
        occurrence=occurrence.pk,
        recovered=alert.recovered,
        **({"case": str(alert.case), "because": place.because} if place.because else {}),
    )
    if home.settled is not None:
        activity.record("alert.after_false_positive", alert, by="ingest", alert=home.settled.pk, new=list(home.new))
    if home.hidden_by is not None:
        hiding.hide(alert, home.hidden_by)
    else:
        cases.owe_for(alert, place.because)


def _open_alert(fingerprint: str, finding: Finding, origin: Origin, case: Case, *, recovered: bool) -> Alert:
    alert = Alert.objects.create(
        monitor=origin.monitor,
        case=case,
        detection=origin.detection,
        detection_id=origin.detection_id,
        fingerprint=fingerprint,
        fingerprint_version=identity.VERSION,
        entity_type=finding.entity_type,
        entity_id=finding.entity_id,
        entity_name=finding.entity_name,
        sentence=finding.sentence[:1000],
        severity=finding.severity,
        severity_reasons=list(finding.reasons),
        observed=dict(finding.observed),
        limits=dict(origin.limits),
        first_seen=finding.first.at,
        last_seen=finding.last.at,
        recovered=recovered,
        rehearsal=origin.rehearsal,
    )
    involved.note(alert, finding)
    return alert


def _recur(alert: Alert, finding: Finding, occurrence: Occurrence, latest: Any) -> None:
    """
    A new occurrence of an open alert, which this transaction holds: said once in the ticket; after a quiet day the alert is new again
    and wakes from a snooze, and at once from one that was to last until it grows.
    """
    grew, woke = alert.wakes_when_it_grows, finding.first.at - latest > WINDOW
    alert.last_seen = finding.last.at
    changed = ["last_seen"]
    if grew or woke:
        alert.status, alert.snoozed_until, alert.wakes_when_it_grows = Status.NEW, None, False
        changed += ["status", "snoozed_until", "wakes_when_it_grows"]
    if grew and not woke:
        activity.record("alert.woken", alert, by="ingest", grew=True)
    woke = grew or woke
    _say(alert, finding, *changed)
    activity.record("alert.recurred", alert, by="ingest", occurrence=occurrence.pk, new_again=woke)
    cases.owe_when_reached(alert)
    cases.owe_comment(alert, at_once=woke)
