"""
Rehearsals: a detection's own test events, signed, sent the whole way from an index of their own to the ticket.

Nobody waits for a monitor: a rehearsal is a row whose stages are filled in as they come, by a sweep and by whoever looks at it. Each
step can be done twice, so that a worker's death costs nothing but time. However it ends, it is cleaned up.
"""

from dataclasses import replace
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, Max, Q

from alerts import payload
from alerts.choices import OperationKind, OperationState, Status
from alerts.models import Alert, Delivery, Rehearsal, TicketOperation
from alerts.services import baseline, cases, evidence, rehearsed
from core import activity, clock, jobs
from core.jobs import State
from core.models import Person
from monitors import opensearch, rehearsing
from monitors.errors import MonitorsError
from monitors.ingest import load_template
from monitors.models import Deployment, Monitor
from monitors.rendering import Inputs
from monitors.services import revisions, search

log = structlog.get_logger(__name__)

SLACK = timedelta(seconds=90)  # for the way from the monitor's run to the alert: two sweeps, and the work itself
TICKET_SLACK = timedelta(minutes=3)


class RehearsalRefused(MonitorsError):
    """A rehearsal cannot begin; `str()` says why, and what to do."""

    code = "rehearsal_refused"


def start(monitor: Monitor, *, by: Person | str) -> Rehearsal:
    """Ask for a rehearsal of the monitor as it was pushed. Raises RehearsalRefused."""
    deployment = Deployment.objects.filter(monitor=monitor).select_related("monitor", "revision").first()
    if deployment is None or not deployment.opensearch_id:
        raise RehearsalRefused(f"{monitor} was never pushed. Push it, then rehearse it.")
    if not deployment.runs:
        raise RehearsalRefused(f"{monitor} is paused. Let it run, then rehearse it.")
    played = revisions.pushed(deployment)
    if not played.detection or not played.definition().raw.get("tests"):
        raise RehearsalRefused(f"{monitor} has no detection with test events, so there is nothing to play.")
    if not rehearsed.reads_rehearsals(deployment.pushed_body, played.index_pattern):
        raise RehearsalRefused(
            f"{monitor}, as OpenSearch holds it, does not read rehearsals. Push it again, then rehearse it."
        )
    try:
        with transaction.atomic():
            row = Rehearsal.objects.create(
                monitor=monitor,
                index_pattern=played.index_pattern,
                wants_ticket=bool(settings.OKTADETECT_JIRA_REHEARSAL_PROJECT),
                asked_by=by if isinstance(by, Person) else None,
            )
            activity.record("monitor.rehearsed", monitor, by=by, rehearsal=str(row.pk))
    except IntegrityError as error:
        raise RehearsalRefused(f"A rehearsal of {monitor} is under way already.") from error
    return row


def advance(pk: str) -> None:
    """Do what can be done of a rehearsal now: write its events, note the stages that came, end it, clean up. Twice is once."""
    row = Rehearsal.objects.select_related("monitor").filter(pk=pk).first()
    if row is None or row.cleaned_at is not None:
        return
    if not row.is_over and row.indexed_at is None:
        job = jobs.claim(Rehearsal, pk)
        if job is not None:
            _write_or_fail(job)
    elif not row.is_over:
        _observe(row)
    row.refresh_from_db()
    if row.is_over:
        _clean(row)


def due(limit: int = 50) -> list[str]:
    """Return the rehearsals that are under way or not cleaned up."""
    rows = Rehearsal.objects.filter(cleaned_at=None).order_by("pk")
    return [str(pk) for pk in rows.values_list("pk", flat=True)[:limit]]


def start_scheduled() -> list[Rehearsal]:
    """Begin the rehearsals of this hour: each monitor once in OKTADETECT_REHEARSE_EVERY_DAYS, the longest unrehearsed first."""
    days = settings.OKTADETECT_REHEARSE_EVERY_DAYS
    if not days:
        return []
    running = Deployment.objects.exclude(opensearch_id="").filter(monitor__enabled=True).exclude(monitor__detection="")
    an_hour = -(-running.count() // (days * 24))
    before = clock.now() - timedelta(days=days)
    waiting = Monitor.objects.filter(deployment__in=running).order_by().annotate(last=Max("rehearsals__asked_at"))
    begun = []
    for monitor in waiting.filter(Q(last=None) | Q(last__lt=before)).order_by(F("last").asc(nulls_first=True), "pk")[
        :an_hour
    ]:
        try:
            begun.append(start(monitor, by="schedule"))
        except RehearsalRefused as error:
            log.info("rehearsal_not_begun", monitor=str(monitor.pk), error=str(error))
    return begun


def _write_or_fail(row: Rehearsal) -> None:
    try:
        _write(row)
    except jobs.Cancelled:
        return
    except MonitorsError as error:
        jobs.end(row, State.FAILED, error=str(error))


def _write(row: Rehearsal) -> None:
    """Index the events, and see whether the monitor's own search finds them: what it says no to, the monitor will never tell."""
    monitor = _played(row)
    inputs = revisions.inputs_of(monitor)
    profile = inputs.profile
    if profile.find("uuid") is None:
        raise RehearsalRefused(f"{profile.pattern} holds no uuid, so a rehearsal could not be told from the real.")
    now = clock.now()
    case = rehearsing.choose(inputs.definition, inputs.definition.values(inputs.params), profile, now)
    events = rehearsing.events(case, row.pk)
    index = rehearsing.index_name(profile.pattern, now, row.pk)
    _kept(row, case_name=case.name, index=index, uuids=[event["uuid"] for event in events])
    layout = opensearch.newest_index(profile.pattern) or {
        "mappings": load_template()["template"]["mappings"],
        "settings": {},
    }
    opensearch.make_index(index, rehearsing.index_body(layout["mappings"], layout["settings"]))
    documents = {
        event["uuid"]: rehearsed.marked(rehearsing.document(event, profile), str(row.pk), index) for event in events
    }
    opensearch.put_documents(index, documents)
    limit = timedelta(seconds=2 * inputs.interval_seconds) + SLACK
    _kept(row, indexed_at=clock.now(), limit_at=clock.now() + limit)
    _search(row, inputs)
    _kept(row, searchable_at=clock.now())


def _search(row: Rehearsal, inputs: Inputs) -> None:
    """Run the monitor's own search over the rehearsal alone. Raises RehearsalRefused when it finds nothing."""
    alone = replace(inputs, profile=replace(inputs.profile, pattern=row.index))
    answer = search.run(alone, end_ms=clock.to_ms(clock.now()))
    if not answer.whole:
        raise RehearsalRefused(f"The monitor's search over the rehearsal is not whole. {' '.join(answer.faults)}")
    if not answer.findings:
        raise RehearsalRefused(
            f"With this monitor's own values and exclusions, its test ‘{row.case_name}’ fires nothing. "
            "Look at its limits and at whom it leaves out."
        )


def _played(row: Rehearsal) -> Monitor:
    """Return the monitor as it was pushed. Raises RehearsalRefused when it was deleted meanwhile."""
    deployment = Deployment.objects.filter(monitor=row.monitor).select_related("monitor", "revision").first()
    if deployment is None:
        raise RehearsalRefused("The monitor was deleted meanwhile.")
    return revisions.pushed(deployment)


def _kept(row: Rehearsal, **changes: object) -> None:
    """Write what is known now. Raises Cancelled when the rehearsal ended meanwhile."""
    changed = Rehearsal.objects.filter(pk=row.pk, state=State.RUNNING).update(**changes, alive_at=clock.now())
    if not changed:
        raise jobs.Cancelled
    for name, value in changes.items():
        setattr(row, name, value)


def _observe(row: Rehearsal) -> None:
    """Note the stages that came since, and end it when the last has, or when what is waited for does not come in time."""
    try:
        alert = Alert.objects.filter(rehearsal=row, monitor=row.monitor_id).order_by("id").first()
        if alert is not None and row.alerted_at is None:
            _kept(row, alerted_at=alert.created_at, **_delivered(alert))
        if alert is not None and row.wants_ticket and not _ticketed(row, alert):
            return
    except jobs.Cancelled:
        return
    now = clock.now()
    if row.alerted_at is not None and (row.ticketed_at or not row.wants_ticket):
        jobs.end(row, State.DONE)
    elif row.limit_at is not None and now > row.limit_at:
        jobs.end(row, State.FAILED, error=_missing(row))


def _delivered(alert: Alert) -> dict[str, datetime]:
    """Return when the monitor fired, and when its POST arrived, by the delivery that told of it first."""
    told = alert.occurrences.order_by("id").values_list("delivery", flat=True).first()
    delivery = Delivery.objects.filter(pk=told).first() if told else None
    if delivery is None:
        return {}
    try:
        message = payload.read(bytes(delivery.body or b""))
    except payload.Unreadable:
        return {"delivered_at": delivery.received_at}
    fired = {"fired_at": message.period_end} if isinstance(message, payload.Envelope) else {}
    return {**fired, "delivered_at": delivery.received_at}


def _ticketed(row: Rehearsal, alert: Alert) -> bool:
    """Note the ticket once it is there; return whether what is to be said of it is said."""
    create = TicketOperation.objects.filter(case_id=alert.case_id, kind=OperationKind.CREATE).first()
    if create is not None and create.state == OperationState.DONE and create.done_at:
        _kept(row, ticketed_at=create.done_at, ticket_key=str(create.result.get("key", "")))
        return True
    if create is not None and create.state == OperationState.FAILED:
        jobs.end(row, State.FAILED, error=f"The alert is there, but Jira refused its ticket. {create.last_error}")
        return False
    if clock.now() > alert.created_at + TICKET_SLACK:
        said = create.last_error if create else ""
        jobs.end(
            row, State.FAILED, error=f"The alert is there, but its ticket did not come in time. {said} See Pipeline."
        )
    return False


def _missing(row: Rehearsal) -> str:
    """Return which stage did not come in time, why by what is known, and what to do."""
    deployment = Deployment.objects.filter(monitor=row.monitor).select_related("monitor").first()
    waited = f"{(clock.now() - (row.indexed_at or clock.now())).total_seconds():.0f} s"
    if deployment is None or not deployment.opensearch_id:
        return "The monitor was taken out of OpenSearch while it was rehearsed."
    if deployment.fault:
        return f"The monitor did not tell of it within {waited}. {deployment.fault}"
    heard = Delivery.objects.filter(monitor=row.monitor_id, received_at__gte=row.indexed_at).exists()
    only_new = deployment.monitor.definition().only_new
    learning = baseline.learning(row.index_pattern)
    if heard and only_new and not learning.enough:
        return (
            f"The monitor was heard, but it tells only what is new for a user, and what is normal is not known yet: {learning}. "
            "Rehearse it again once it is."
        )
    if heard:
        return (
            f"The monitor was heard, but told nothing of the rehearsal within {waited}. Its search, run from here, finds it: "
            "push the monitor again, so that OpenSearch runs the same one."
        )
    return (
        f"Nothing was heard from the monitor within {waited}. Look whether it is enabled in OpenSearch, whether its channel "
        "reaches this portal, and at Pipeline for what was refused."
    )


def _clean(row: Rehearsal) -> None:
    """
    Take away what it made: its alerts are closed without a verdict, its ticket's deletion is owed, its index is deleted.

    Its events are kept with its alerts. The index goes last but for the note that it is gone: until that note, whatever a monitor
    still tells of it is known for what it is.
    """
    for alert in Alert.objects.filter(rehearsal=row).exclude(status=Status.CLOSED):
        for occurrence_id in alert.occurrences.values_list("pk", flat=True):
            evidence.fetch(occurrence_id)
        _close(alert)
    if row.index:
        try:
            opensearch.delete_index(row.index)
        except MonitorsError as error:
            log.warning("rehearsal_not_cleaned", rehearsal=str(row.pk), error=str(error))
            return  # the sweep comes again
    Rehearsal.objects.filter(pk=row.pk).update(cleaned_at=clock.now())


@transaction.atomic
def _close(alert: Alert) -> None:
    closed = Alert.objects.filter(pk=alert.pk).exclude(status=Status.CLOSED).update(
        status=Status.CLOSED, snoozed_until=None, closed_at=clock.now(), verdict="", verdict_reason="Rehearsal"
    )  # fmt: skip
    if closed:
        activity.record("alert.closed", alert, by="rehearsal", reason="Rehearsal")
        cases.owe_deletion(alert)
