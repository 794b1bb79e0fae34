"""Saving a monitor: each save is a revision with an author and a reason, and what rollback goes back to."""

from copy import copy
from typing import Any

from django.conf import settings
from django.db import transaction

from core import activity
from core.models import Person
from monitors import exclusions, rendering
from monitors.errors import DefinitionError, MissingField
from monitors.models import Deployment, Monitor, MonitorRevision


def inputs_of(monitor: Monitor) -> rendering.Inputs:
    """Return what the renderer is told of a monitor as it is saved now."""
    return rendering.Inputs(
        definition=monitor.definition(),
        params=monitor.params,
        profile=monitor.profile(),
        monitor_uuid=str(monitor.uuid),
        name=monitor.name,
        severity=monitor.severity,
        interval_seconds=monitor.interval_seconds,
        beat_seconds=settings.OKTADETECT_HEARTBEAT_SECONDS,
        exclusions=tuple(exclusions.Exclusion.from_json(row.conditions) for row in monitor.exclusions_in_force()),
    )


def told_by(monitor: Monitor, revision: str) -> Monitor:
    """
    Return the monitor, unsaved, as the revision of this number has it: by that, and not by what was saved since, its envelopes are read.

    A revision that is not known, or whose values the catalogue no longer allows, gives the monitor as it is.
    """
    row = (
        monitor.revisions.filter(number=int(revision)).first() if revision.isdecimal() and len(revision) < 10 else None
    )
    if row is None:
        return monitor
    then = copy(monitor)
    for name in ("detection", "name", "index_pattern", "params", "severity", "interval_seconds"):
        setattr(then, name, row.inputs[name])
    try:
        then.definition().values(then.params)
    except DefinitionError:
        return monitor
    return then


def pushed(deployment: Deployment) -> Monitor:
    """Return the monitor as OpenSearch runs it: as it was pushed last, whatever was saved since."""
    return told_by(deployment.monitor, str(deployment.revision.number) if deployment.revision else "")


@transaction.atomic
def save(monitor: Monitor, *, by: Person | str, reason: str = "") -> MonitorRevision:
    """
    Save the monitor and write its next revision; where nothing changed, return the last one.

    Raises ValidationError when a value is out of bounds.
    """
    monitor.full_clean()
    monitor.save()
    Monitor.objects.select_for_update().get(pk=monitor.pk)
    last = monitor.revisions.first()
    wanted = _wanted(monitor)
    if last is not None and last.inputs == wanted:
        return last
    revision = MonitorRevision.objects.create(
        monitor=monitor,
        number=last.number + 1 if last else 1,
        inputs=wanted,
        hash=_hash(monitor),
        author=by if isinstance(by, Person) else None,
        program="" if isinstance(by, Person) else by,
        reason=reason,
    )
    Deployment.objects.get_or_create(monitor=monitor)
    Deployment.objects.filter(monitor=monitor, state=Deployment.State.IN_SYNC).update(state=Deployment.State.CHANGED)
    changed = {key: [last.inputs.get(key) if last else None, value] for key, value in wanted.items()}
    activity.record(
        "monitor.saved",
        monitor,
        by=by,
        revision=revision.number,
        reason=reason,
        changes={key: pair for key, pair in changed.items() if pair[0] != pair[1]},
    )
    return revision


def _wanted(monitor: Monitor) -> dict[str, Any]:
    return {
        "detection": monitor.detection,
        "version": monitor.definition().version,
        "name": monitor.name,
        "index_pattern": monitor.index_pattern,
        "params": monitor.definition().values(monitor.params),
        "severity": monitor.severity,
        "interval_seconds": monitor.interval_seconds,
        "enabled": monitor.enabled,
        "ticket_policy": monitor.ticket_policy,
        "exclusions": [row.conditions for row in monitor.exclusions_in_force()],
        **({"kept": monitor.kept} if monitor.kept else {}),
    }


def _hash(monitor: Monitor) -> str:
    """Return the hash of what would be pushed; empty where the index cannot serve it yet, which a push says in words."""
    try:
        return rendering.content_hash(inputs_of(monitor))
    except MissingField:
        return ""
