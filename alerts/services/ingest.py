"""
From a delivery to alerts. Idempotent: a delivery that is worked twice tells the same findings twice, which changes nothing.

Every delivery ends *processed* or *quarantined* with its reason. One finding that cannot be read quarantines itself alone.
"""

from collections.abc import Callable, Iterable
from datetime import timedelta
from uuid import UUID

import structlog
from django.db import DataError, IntegrityError, transaction
from psycopg.errors import CheckViolation

from alerts import payload
from alerts.choices import DeliveryStatus
from alerts.models import Delivery
from alerts.payload import ChannelTest, Envelope, Foreign, Group
from alerts.services import baseline, evidence, hiding, rehearsed
from alerts.services.alerting import Origin, Outcome, take
from core import clock
from monitors import facts
from monitors.errors import DefinitionError
from monitors.findings import Answer, Finding, Mark, read_answer, with_facts
from monitors.models import Deployment, Monitor
from monitors.rendering import Inputs
from monitors.services import health, revisions, search

log = structlog.get_logger(__name__)

MAX_ATTEMPTS = 10
DEFAULT_SEVERITY = 3
NO_GAP = timedelta(
    days=36_500
)  # of an imported monitor: how far its search looks back is its own, and no gap is ever filled


def process(delivery_id: str) -> list[Outcome]:
    """Work one delivery; return what became of its findings. One that is not *received* any more is left alone."""
    delivery = Delivery.objects.select_related("source").filter(pk=delivery_id, status=DeliveryStatus.RECEIVED).first()
    if delivery is None or not _claim(delivery):
        return []
    try:
        message = payload.read(bytes(delivery.body or b""))
    except payload.Unreadable as error:
        _end(delivery, DeliveryStatus.QUARANTINED, reason=str(error))
        return []
    if isinstance(message, ChannelTest):
        _end(delivery, DeliveryStatus.PROCESSED)
        return []
    if isinstance(message, Envelope):
        return _envelope(delivery, message)
    return _foreign(delivery, message)


def due(limit: int = 200) -> list[str]:
    """Return the deliveries that nobody finished: their wake-up was lost, or their worker died."""
    rows = Delivery.objects.filter(status=DeliveryStatus.RECEIVED, next_attempt_at__lte=clock.now())
    return [str(pk) for pk in rows.order_by("id").values_list("pk", flat=True)[:limit]]


def take_all(
    findings: Iterable[Finding], origin: Origin, *, delivery: UUID | None, rules: hiding.InForce
) -> tuple[list[Outcome], list[str]]:
    """Take findings one by one, each in a transaction of its own; return what became of them and what the database refused."""
    outcomes, rejected = [], []
    for finding in findings:
        try:
            outcomes.append(take(finding, origin, delivery=delivery, rules=rules))
        except (DataError, IntegrityError) as error:
            if isinstance(error, IntegrityError) and not isinstance(error.__cause__, CheckViolation):
                raise  # a race, which the next try does not meet
            rejected.append(f"{finding.entity_name[:100]}: {error}")
    fetch_evidence(outcomes)
    return outcomes, rejected


def judged(findings: Iterable[Finding], monitor: Monitor, inputs: Inputs) -> list[Finding]:
    """Return findings with what is new for their users; those of a detection that asks for the new, only where something is."""
    context, found = search.context_of(inputs), []
    for finding in findings:
        known = baseline.novelty(finding, monitor.index_pattern)
        if not context.definition.only_new or any(known.get(f"new_{kind}") for kind in context.definition.only_new):
            found.append(with_facts(finding, context, known) if known else finding)
    return found


def fetch_evidence(outcomes: Iterable[Outcome]) -> None:
    """Fetch the events of new occurrences at once, so that a ticket can carry them; what does not come in time comes later."""
    timeout = evidence.FIRST_TRY_SECONDS
    for outcome in outcomes:
        if outcome.new_occurrence and not evidence.fetch(outcome.occurrence.pk, timeout=timeout):
            return  # OpenSearch is slow or away: the sweeper fetches the rest


def origin_of(monitor: Monitor) -> Origin:
    """Return how findings of one of our monitors are known."""
    definition = monitor.definition()
    return Origin(
        monitor=monitor,
        source_name="",
        detection=definition.title,
        detection_id=definition.id,
        limits=definition.values(monitor.params),
    )


def _claim(delivery: Delivery) -> bool:
    """
    Hold the delivery by putting its next try off; False when another worker holds it, or when it was tried enough.

    One that kills its worker is so not tried again at once, even where the broker brings its wake-up back.
    """
    now = clock.now()
    attempts = delivery.attempts + 1
    free = Delivery.objects.filter(pk=delivery.pk, status=DeliveryStatus.RECEIVED, next_attempt_at__lte=now)
    if not free.update(attempts=attempts, next_attempt_at=now + timedelta(seconds=min(15 * 2 ** (attempts - 1), 3600))):
        return False
    if attempts > MAX_ATTEMPTS:
        _end(delivery, DeliveryStatus.QUARANTINED, reason=f"It was tried {MAX_ATTEMPTS} times and never finished.")
    return attempts <= MAX_ATTEMPTS


def _envelope(delivery: Delivery, message: Envelope) -> list[Outcome]:
    monitor = _monitor(message.trigger)
    if monitor is None:
        _end(delivery, DeliveryStatus.QUARANTINED, reason=f"Its trigger {message.trigger[:80]!r} is no monitor here.")
        return []
    try:
        told_by = revisions.told_by(monitor, message.revision)
        inputs, origin = revisions.inputs_of(told_by), origin_of(told_by)
        answer = read_answer(message.results[0], search.context_of(inputs)) if message.results else None
    except DefinitionError as error:
        _end(delivery, DeliveryStatus.QUARANTINED, reason=str(error), monitor=monitor.uuid)
        return []
    if monitor.kept:
        return _kept(delivery, monitor, message, origin, answer)
    findings = judged(answer.findings, told_by, inputs) if answer else []
    told = rehearsed.sort(findings, monitor, inputs.profile, origin, message.period_end)
    outcomes: list[Outcome] = []
    refused: list[str] = []
    rules = hiding.InForce()
    for whose, group in told.groups:
        taken, not_taken = take_all(group, whose, delivery=delivery.pk, rules=rules)
        outcomes += taken
        refused += not_taken
    if told.undecided:
        return outcomes  # it stays received, and is worked again
    _end(
        delivery,
        DeliveryStatus.PROCESSED,
        monitor=monitor.uuid,
        findings=len(outcomes),
        rejected=[*(answer.malformed if answer else ()), *refused],
        answer=answer,
        also=lambda: _heard(delivery, monitor, message, timedelta(milliseconds=inputs.emit_ms), answer),
    )
    return outcomes


def _kept(
    delivery: Delivery, monitor: Monitor, message: Envelope, origin: Origin, answer: Answer | None
) -> list[Outcome]:
    """
    Take what somebody else's imported monitor tells: its hits by entity, as others' are read, under the monitor that it is here.

    Where it tells no hits it fired for reasons of its own, and the alert is about the monitor. Nothing of it is ever caught up.
    """
    theirs = payload.hits(message.results)
    told = [_of_group(group, monitor.name, monitor.severity) for group in theirs.groups]
    is_whole = not message.error and answer is not None and answer.whole
    if not told and not theirs.unread and is_whole:
        told = [(_of_firing(monitor, message), [])]
    outcomes, rejected, rules = [], list(theirs.unread), hiding.InForce()
    for finding, events in told:
        try:
            outcomes.append(take(finding, origin, delivery=delivery.pk, events=events, rules=rules))
        except DataError as error:
            rejected.append(f"{finding.entity_name[:100]}: {error}")
    _end(
        delivery,
        DeliveryStatus.PROCESSED,
        monitor=monitor.uuid,
        findings=len(outcomes),
        rejected=rejected,
        answer=answer,
        also=lambda: _heard(delivery, monitor, message, NO_GAP, answer),
    )
    return outcomes


def _of_firing(monitor: Monitor, message: Envelope) -> Finding:
    """Return the finding that a monitor makes which fired and tells no event: its evidence is the period."""
    return Finding(
        entity_type="monitor",
        entity_id=str(monitor.uuid),
        entity_name=monitor.name,
        count=1,
        first=Mark(message.period_start, None),
        last=Mark(message.period_end, None),
        observed={"count": 1},
        events=[],
        sentence=f"{monitor.name} fired and told no event",
        severity=monitor.severity,
    )


def _monitor(trigger: str) -> Monitor | None:
    try:
        return Monitor.objects.select_related("deployment").filter(uuid=UUID(trigger)).first()
    except ValueError:
        return None


def _heard(
    delivery: Delivery, monitor: Monitor, message: Envelope, look_back: timedelta, answer: Answer | None
) -> None:
    deployment, _ = Deployment.objects.get_or_create(monitor=monitor)
    health.heard(
        deployment,
        received_at=delivery.received_at,
        period_end=message.period_end,
        look_back=look_back,
        error=message.error,
        answer=answer,
    )


def _foreign(delivery: Delivery, message: Foreign) -> list[Outcome]:
    name = message.name or delivery.source.name
    origin = Origin(None, delivery.source.name, detection=name, detection_id="", limits={})
    outcomes, rejected, rules = [], list(message.unread), hiding.InForce()
    told = [_of_group(group, name, message.severity) for group in message.groups] or [_of_text(delivery, message, name)]
    for finding, events in told:
        try:
            outcomes.append(take(finding, origin, delivery=delivery.pk, events=events, rules=rules))
        except DataError as error:
            rejected.append(f"{finding.entity_name[:100]}: {error}")
    _end(delivery, DeliveryStatus.PROCESSED, findings=len(outcomes), rejected=rejected)
    return outcomes


def _of_group(group: Group, name: str, severity: int | None) -> tuple[Finding, list[dict[str, object]]]:
    """Return the finding that somebody else's hits about one entity make, with their events whole."""
    rows = [{"t": clock.to_ms(at), "uuid": event.get("uuid"), **facts.shown(event)} for at, event in group.events]
    marks = [Mark(at, str(event["uuid"]) if event.get("uuid") else None) for at, event in group.events]
    count = len(rows)
    finding = Finding(
        entity_type=group.entity_type,
        entity_id=group.entity_id[:500],
        entity_name=group.entity_name[:500],
        count=count,
        first=marks[0],
        last=marks[-1],
        observed={"count": count},
        events=rows[:25],
        sentence=f"{count} event{'' if count == 1 else 's'} of {group.entity_name} matched {name}",
        severity=severity or DEFAULT_SEVERITY,
    )
    return finding, [dict(event) for _, event in group.events]


def _of_text(delivery: Delivery, message: Foreign, name: str) -> tuple[Finding, list[dict[str, object]]]:
    """Return the finding that a bare message makes: about its source, with the body's hash as its evidence."""
    digest = bytes(delivery.sha256).hex()
    same = Delivery.objects.filter(sha256=delivery.sha256, source=delivery.source)
    earliest = same.order_by("id").values_list("received_at", flat=True).first()
    mark = Mark(earliest or delivery.received_at, digest)
    finding = Finding(
        entity_type="source",
        entity_id=delivery.source.name,
        entity_name=delivery.source.name,
        count=1,
        first=mark,
        last=mark,
        observed={"count": 1},
        events=[],
        sentence=" ".join(message.text.split())[:300] or f"A message from {name}",
        severity=message.severity or DEFAULT_SEVERITY,
    )
    return finding, [{"message": message.text, "sha256": digest, "published": mark.at.isoformat()}]


def _end(
    delivery: Delivery,
    status: DeliveryStatus,
    *,
    reason: str = "",
    monitor: UUID | None = None,
    findings: int = 0,
    rejected: Iterable[str] = (),
    answer: Answer | None = None,
    also: Callable[[], None] | None = None,
) -> None:
    """End a delivery once, together with what must be noted at the same moment."""
    earlier = Delivery.objects.filter(sha256=delivery.sha256, id__lt=delivery.id)
    duplicate_of = earlier.order_by("id").values_list("pk", flat=True).first()
    with transaction.atomic():
        if also is not None:
            also()
        Delivery.objects.filter(pk=delivery.pk, status=DeliveryStatus.RECEIVED).update(
            status=status,
            reason=reason,
            monitor=monitor,
            findings=findings,
            rejected=list(rejected)[:100],
            took_ms=answer.took_ms if answer else None,
            events_read=answer.read if answer else None,
            duplicate_of=duplicate_of,
            processed_at=clock.now(),
            next_attempt_at=None,
        )
    log.info("delivery_ended", delivery=str(delivery.pk), status=status.value, findings=findings, reason=reason)
