"""
Leaving somebody or something out: each change is a revision of every monitor that it touches, in the same transaction.

An exclusion that has ended is noticed by `expire`, which takes it out of OpenSearch where nothing else would be pushed with it.
"""

from collections.abc import Iterable

from django.db import transaction

from core import activity, clock
from core.models import Person
from monitors import exclusions
from monitors.errors import MonitorsError
from monitors.models import Deployment, Exclusion, Monitor, MonitorRevision
from monitors.services import push, revisions

EXPIRY = "expiry"


def touched(row: Exclusion) -> set[Monitor]:
    """Return the monitors that it is about: one, those of one detection, or all."""
    if row.monitor_id:
        return set(Monitor.objects.filter(pk=row.monitor_id))
    monitors = Monitor.objects.all()
    return set(monitors.filter(detection=row.detection) if row.detection else monitors)


@transaction.atomic
def save(row: Exclusion, *, by: Person | str) -> list[MonitorRevision]:
    """Save it and revise the monitors that it touches, or touched before. Raises ValidationError."""
    row.full_clean(exclude=["owner"])  # a program's has none
    before = Exclusion.objects.filter(pk=row.pk).first() if row.pk else None
    monitors = touched(before) if before else set()
    row.save()
    activity.record(
        "exclusion.saved", row, by=by, reason=row.reason, conditions=row.conditions,
        was=before.conditions if before else None, expires_at=row.expires_at.isoformat() if row.expires_at else None,
    )  # fmt: skip
    return _revise(
        monitors | touched(row), by=by, reason=f"Leaves out {exclusions.in_words(row.conditions)}: {row.reason}"
    )


@transaction.atomic
def delete(row: Exclusion, *, by: Person | str) -> list[MonitorRevision]:
    """Delete it and revise the monitors that it touched."""
    monitors = touched(row)
    told = exclusions.in_words(row.conditions)
    activity.record("exclusion.deleted", row, by=by, reason=row.reason, conditions=row.conditions)
    row.delete()
    return _revise(monitors, by=by, reason=f"No longer leaves out {told}")


def expire() -> list[str]:
    """
    Revise the monitors whose last revision still holds an exclusion that has ended, and push those that were in sync.

    A monitor with changes that a person has not pushed, or one that was changed in OpenSearch, is revised and left for a person.
    A push that fails is tried again by the next call. Returns what could not be pushed, in sentences.
    """
    ended = {row.pk: row for row in Exclusion.objects.filter(expires_at__lte=clock.now()).select_related("owner")}
    if ended:
        for monitor in Monitor.objects.all():
            last = monitor.revisions.first()
            held = [ended[one["id"]] for one in last.inputs["exclusions"] if one["id"] in ended] if last else []
            if held:
                reasons = "; ".join(f"{row.reason} ({row.owner or 'nobody'})" for row in held)
                revisions.revise(monitor, by=EXPIRY, reason=f"An exclusion has ended: {reasons}")
    failed = []
    for deployment in Deployment.objects.filter(state=Deployment.State.CHANGED).select_related("monitor", "revision"):
        if not _only_expiry(deployment):
            continue
        try:
            push.push(deployment.monitor, by=EXPIRY)
        except MonitorsError as error:
            failed.append(f"{deployment.monitor}: {error}")
    return failed


def revise_users_of(list_name: str, *, by: Person | str, reason: str) -> list[MonitorRevision]:
    """Revise every monitor whose exclusions name the list."""
    monitors: set[Monitor] = set()
    for row in naming(list_name):
        monitors |= touched(row)
    return _revise(monitors, by=by, reason=reason)


def naming(list_name: str) -> list[Exclusion]:
    """Return the exclusions that name the list, those that have ended left out."""
    rows = Exclusion.objects.filter(conditions__contains=[{"list": list_name}])
    return list(rows.exclude(expires_at__lte=clock.now()).select_related("monitor").order_by("pk"))


def _revise(monitors: Iterable[Monitor], *, by: Person | str, reason: str) -> list[MonitorRevision]:
    """Revise in one order, so that two who save at once wait for each other and never both. Never-saved monitors have no revision yet."""
    ordered = sorted(monitors, key=lambda monitor: monitor.pk)
    return [revisions.revise(monitor, by=by, reason=reason) for monitor in ordered if monitor.revisions.exists()]


def _only_expiry(deployment: Deployment) -> bool:
    """Whether nothing but the end of exclusions came after what was pushed last."""
    if deployment.revision is None:
        return False
    since = deployment.monitor.revisions.filter(number__gt=deployment.revision.number)
    return since.exists() and not since.exclude(program=EXPIRY).exists()
