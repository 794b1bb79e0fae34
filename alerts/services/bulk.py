"""
One decision on many alerts: on each by itself, so that one that is refused holds back none.

Few are decided at once; more by a worker, whose progress is watched. Undoing is such a decision, too.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import transaction

from alerts import tasks
from alerts.choices import Cause, Verdict
from alerts.models import Alert, BulkDecision
from alerts.services import suppression, triage, undo
from core import clock, jobs
from core.models import Person
from core.wakeups import wake

AT_ONCE = 50
MOST = 10_000
SAY_EVERY = 10  # alerts between two signs of life
Kind = BulkDecision.Kind
FINAL = (Kind.UNDO, Kind.BRING_BACK)  # not undone themselves


class TooMany(triage.TriageError):
    """More alerts than one decision takes."""

    code = "too_many"


def ask(kind: BulkDecision.Kind, by: Person, alerts: Sequence[int], **parameters: Any) -> BulkDecision:
    """
    Decide on the alerts (by key, in their order) as `by`: at once when there are at most AT_ONCE, else by a worker.

    Parameters are plain: assign `to` (a person's key, or null), snooze `until` (ISO 8601) and `or_growth`, close `verdict`, `cause`
    and `reason`.
    """
    if len(alerts) > MOST:
        raise TooMany(f"One decision takes at most {MOST:,} alerts. Narrow the filters.")
    job = BulkDecision.objects.create(
        kind=kind, parameters=parameters, alerts=list(alerts), total=len(alerts), asked_by=by
    )
    return _begin(job)


def take_back(job: BulkDecision, by: Person) -> BulkDecision:
    """Undo what it did, alert by alert: those that have changed since stay. Raises TooLate, and NoSuchAlert for others' decisions."""
    if job.asked_by_id != by.key or job.kind == Kind.UNDO:
        raise triage.NoSuchAlert("There is no decision of yours to undo.")
    if not can_undo(job):
        raise undo.TooLate(f"A decision can be undone for {triage.UNDO_SECONDS} seconds after its end.")
    lines = [line for _, line, _ in job.results if line]
    # what was decided first may be long ago when the last one is: they are undone together
    age = (clock.now() - job.asked_at).total_seconds() + 3600
    reverse = BulkDecision.objects.create(
        kind=Kind.UNDO, alerts=lines, total=len(lines), asked_by=by, parameters={"within": age}
    )
    return _begin(reverse)


def can_undo(job: BulkDecision) -> bool:
    """Whether there is still time to take it back."""
    until = undo_until(job)
    return until is not None and until > clock.now()


def undo_until(job: BulkDecision) -> datetime | None:
    """Until when it can be taken back; None while it is at work, and for what is never undone."""
    if job.finished_at is None or job.kind in FINAL or not any(line for _, line, _ in job.results):
        return None
    return job.finished_at + undo.WINDOW


def run(job: BulkDecision) -> None:
    """Decide on what is left of it: a worker that died has kept what it did."""
    assert job.asked_by is not None  # noqa: S101 - people are never deleted
    results = list(job.results)
    for number, key in enumerate(job.alerts[len(results) :], len(results) + 1):
        with transaction.atomic():  # the decision and its result, or neither
            results.append(_decide(job, job.asked_by, key))
            BulkDecision.objects.filter(pk=job.pk).update(results=results)
        if number % SAY_EVERY == 0:
            job.progress(number, len(job.alerts), f"{number:,} of {len(job.alerts):,} alerts")


def _begin(job: BulkDecision) -> BulkDecision:
    if len(job.alerts) <= AT_ONCE:
        jobs.work(BulkDecision, job.pk, run, expected=())
        job.refresh_from_db()
    else:
        transaction.on_commit(partial(wake, tasks.run_bulk_decision, str(job.pk)))
    return job


def _decide(job: BulkDecision, by: Person, key: int) -> list[Any]:
    try:
        with transaction.atomic():
            alert, said = _act(job.kind, job.parameters, by, key)
    except triage.TriageError as error:
        return [key, None, str(error)]
    return [alert.pk, triage.newest_change(alert), said]


def _act(kind: str, told: dict[str, Any], by: Person, key: int) -> tuple[Alert, str]:
    match kind:
        case Kind.ASSIGN:
            to = Person.objects.get(pk=told["to"]) if told["to"] else None
            return triage.assign(key, by, to=to), f"Assigned to {to.name if to else 'nobody'}."
        case Kind.ACKNOWLEDGE:
            return triage.acknowledge(key, by), "Acknowledged."
        case Kind.SNOOZE:
            until = datetime.fromisoformat(told["until"])
            return triage.snooze(key, by, until=until, or_growth=told["or_growth"]), "Snoozed."
        case Kind.CLOSE:
            cause = Cause(told["cause"]) if told["cause"] else None
            verdict = Verdict(told["verdict"])
            closed = triage.close(key, by, verdict=verdict, cause=cause, reason=told["reason"])
            return closed, f"Closed as {verdict.label.lower()}."
        case Kind.BRING_BACK:
            return suppression.bring_back(key, by), "New again."
    return undo.undo(key, by, within=timedelta(seconds=told["within"])), "Undone."
