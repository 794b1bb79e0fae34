"""
The way to Jira, shared by all workers through one row: a breaker, a pause that Jira asked for, and a rate of our own.

Every request asks `enter` first, and tells afterwards what became of it: `went_well`, `went_wrong` or `pause`. What is held back was
not sent, and counts as no attempt. Do not call it inside a transaction: the row would be held for as long as that lasts.
"""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import transaction

from alerts.choices import OperationState
from alerts.models import JiraGate, TicketOperation
from alerts.ticketing.errors import JiraHeld
from core import clock
from core.queries import PreparedModels

log = structlog.get_logger(__name__)

OPEN_AFTER = 5  # faults in a row, over all tickets
FIRST_PROBE = timedelta(seconds=5)
LONGEST_PROBE = timedelta(seconds=60)
BURST_SECONDS = 1.0  # of our own rate, that may leave at once
LONGEST_TURN = 10.0  # seconds that a request waits for its turn; well below the margin of a lease


@dataclass(frozen=True)
class Shut:
    """Why nothing goes to Jira now, since when, and when it is tried next."""

    reason: str
    since: datetime | None
    until: datetime


def shut() -> Shut | None:
    """Return why nothing may leave now; None when something may."""
    gate = JiraGate.objects.filter(url=settings.JIRA_URL).first()
    return _shut(gate, clock.now()) if gate else None


BROKEN = PreparedModels(lambda url: JiraGate.objects.filter(url=url, open_since__isnull=False), url="of a stand-in")


def broken() -> JiraGate | None:
    """Return the gate while its breaker is open, also when a probe is due; for pages."""
    return next(iter(BROKEN.all(url=settings.JIRA_URL)), None)


def probe_now() -> None:
    """Let the next request through although a probe is not due yet: somebody mended what was wrong, or wants to see."""
    JiraGate.objects.filter(url=settings.JIRA_URL, open_since__isnull=False).update(probe_at=clock.now())


def enter() -> None:
    """
    Wait for a request's turn. Raises JiraHeld when it may not leave now.

    While the breaker is open one request passes each time that a probe is due; should its worker die, the next probe follows.
    """
    with transaction.atomic():
        gate = _locked()
        now = clock.now()
        closed = _shut(gate, now)
        if closed:
            raise JiraHeld(closed.reason, closed.until)
        turn = _turn(gate, now)
        if (turn - now).total_seconds() > LONGEST_TURN:
            raise JiraHeld("", turn)
        if gate.open_since:
            gate.probe_at = now + _patience()
        gate.save(update_fields=["spent_until", "probe_at"])
    time.sleep(max(0.0, (turn - clock.now()).total_seconds()))


def went_well() -> None:
    """Note that Jira answered as Jira does: faults in a row end here, and nobody waits any longer for it to come back."""
    well = {"faults": 0, "last_fault": "", "open_since": None, "probe_at": None}
    ill = JiraGate.objects.filter(url=settings.JIRA_URL, faults__gt=0)
    was_open = ill.filter(open_since__isnull=False).update(**well)
    if was_open:
        log.info("jira_is_back")
        waiting = TicketOperation.objects.filter(state=OperationState.WAITING, not_before__gt=clock.now())
        waiting.update(not_before=clock.now())
    else:
        ill.update(**well)


@transaction.atomic
def went_wrong(reason: str) -> None:
    """Note a fault that may concern every request. So many in a row open the breaker; further ones put its next probe off."""
    gate, now = _locked(), clock.now()
    gate.faults += 1
    gate.last_fault = reason
    if gate.faults >= OPEN_AFTER:
        if gate.open_since is None:
            gate.open_since = now
            log.warning("jira_is_away", reason=reason)
        gate.probe_at = now + min(FIRST_PROBE * 2 ** min(gate.faults - OPEN_AFTER, 10), LONGEST_PROBE)
    gate.save(update_fields=["faults", "last_fault", "open_since", "probe_at"])


@transaction.atomic
def pause(until: datetime) -> None:
    """Let nobody through before Jira allows it again; of two such times the later counts."""
    gate = _locked()
    gate.paused_until = max(until, gate.paused_until or until)
    gate.save(update_fields=["paused_until"])


def _locked() -> JiraGate:
    rows = JiraGate.objects.select_for_update()
    return rows.filter(url=settings.JIRA_URL).first() or rows.get_or_create(url=settings.JIRA_URL)[0]


def _shut(gate: JiraGate, now: datetime) -> Shut | None:
    if gate.open_since and gate.probe_at and gate.probe_at > now:
        return Shut(f"Jira is not asked for now, since it failed {gate.faults} times in a row. {gate.last_fault}",
                    gate.open_since, gate.probe_at)  # fmt: skip
    if gate.paused_until and gate.paused_until > now:
        return Shut("Jira asked to be left alone until then (Retry-After).", None, gate.paused_until)
    return None


def _turn(gate: JiraGate, now: datetime) -> datetime:
    """Speak for the next turn, and return when it is. What was not used is kept for BURST_SECONDS."""
    step = timedelta(seconds=1 / settings.OKTADETECT_JIRA_REQUESTS_PER_SECOND)
    gate.spent_until = max(gate.spent_until or now, now) + step
    return max(now, gate.spent_until - max(step, timedelta(seconds=BURST_SECONDS)))


def _patience() -> timedelta:
    """How long a probe may take before another is let through: longer than its timeouts."""
    return timedelta(seconds=settings.JIRA_CONNECT_TIMEOUT_SECONDS + settings.JIRA_READ_TIMEOUT_SECONDS + 5)
