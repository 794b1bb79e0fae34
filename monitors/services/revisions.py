"""Saving a monitor: each save is a revision with an author and a reason, and what rollback goes back to."""

from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction

from core import activity, clock
from core.models import Person
from monitors import exclusions, rendering
from monitors.definitions import SEVERITIES
from monitors.errors import DefinitionError, MissingField
from monitors.models import Deployment, Exclusion, Monitor, MonitorRevision, NamedList

LABELS = {
    "version": "Version of the detection",
    "name": "Name",
    "index_pattern": "Index pattern",
    "severity": "Severity",
    "interval_seconds": "Runs every (s)",
    "enabled": "Runs",
    "ticket_policy": "Tickets",
    "kept": "Search of the imported monitor",
}


@dataclass(frozen=True)
class Change:
    """One thing that differs between two revisions, for people: empty where a side has nothing."""

    what: str
    old: str
    new: str


@dataclass(frozen=True)
class Restored:
    """The revision that a roll back made, and in sentences what could not be brought back."""

    revision: MonitorRevision
    left: tuple[str, ...]


def inputs_of(monitor: Monitor) -> rendering.Inputs:
    """Return what the renderer is told of a monitor as it is now, saved or not. Raises DefinitionError."""
    rows = monitor.exclusions_in_force()
    lists = _lists_of(rows)
    return rendering.Inputs(
        definition=monitor.definition(),
        params=monitor.params,
        profile=monitor.profile(),
        monitor_uuid=str(monitor.uuid),
        name=monitor.name,
        severity=monitor.severity,
        interval_seconds=monitor.interval_seconds,
        beat_seconds=settings.OKTADETECT_HEARTBEAT_SECONDS,
        exclusions=tuple(exclusions.Exclusion.from_json(row.conditions, lists) for row in rows),
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
    return revise(monitor, by=by, reason=reason)


@transaction.atomic
def revise(monitor: Monitor, *, by: Person | str, reason: str = "") -> MonitorRevision:
    """Write the next revision of a monitor as it is saved; where nothing changed, return the last one."""
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
        reason=reason[:300],
    )
    deployment, _ = Deployment.objects.select_related("revision").get_or_create(monitor=monitor)
    if not deployment.holds(revision):
        Deployment.objects.filter(monitor=monitor, state=Deployment.State.IN_SYNC).update(
            state=Deployment.State.CHANGED
        )
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


@transaction.atomic
def restore(monitor: Monitor, to: MonitorRevision, *, by: Person | str, reason: str = "") -> Restored:
    """
    Make a new revision with what an old one held: its settings, and the exclusions that were the monitor's own.

    What all monitors share, and the content of lists, stays as it is; an exclusion that has ended since is not brought back.
    Raises DefinitionError when the detection no longer allows the old values.
    """
    left = []
    known = monitor.definition().parameters
    for name in ("name", "index_pattern", "severity", "interval_seconds", "enabled", "ticket_policy"):
        setattr(monitor, name, to.inputs[name])
    monitor.params = {name: value for name, value in to.inputs["params"].items() if name in known}
    gone = sorted(set(to.inputs["params"]) - set(known))
    if gone:
        left.append(f"The detection has no parameter {', '.join(gone)} any more.")
    monitor.kept = to.inputs.get("kept")
    left += _restore_exclusions(monitor, to.inputs["exclusions"], by=by)
    told = f"Rolled back to revision {to.number}" + (f": {reason}" if reason else "")
    try:
        revision = save(monitor, by=by, reason=told)
    except ValidationError as error:
        raise DefinitionError(f"Revision {to.number} cannot be brought back: {' '.join(error.messages)}") from error
    shared = [one for one in to.inputs["exclusions"] if one["scope"] != "monitor"]
    if shared != [one for one in revision.inputs["exclusions"] if one["scope"] != "monitor"]:
        left.append("Exclusions shared with other monitors were left as they are now.")
    then, now = to.inputs.get("lists", {}), revision.inputs.get("lists", {})
    changed = sorted(name for name in now if name in then and then[name] != now[name])
    if changed:
        left.append(f"The content of the list {', '.join(changed)} was left as it is now.")
    return Restored(revision, tuple(left))


def changes(before: Mapping[str, Any], after: Mapping[str, Any], labels: Mapping[str, str]) -> list[Change]:
    """Return what differs between the inputs of two revisions, in words. `labels` names the detection's parameters."""
    told = []
    for name, label in LABELS.items():
        old, new = before.get(name), after.get(name)
        if old != new:
            told.append(Change(label, _in_words(name, old), _in_words(name, new)))
    was, now = before.get("params", {}), after.get("params", {})
    told += [
        Change(labels.get(name, name), _in_words("", was.get(name)), _in_words("", now.get(name)))
        for name in dict.fromkeys([*was, *now])
        if was.get(name) != now.get(name)
    ]
    old_ones, new_ones = _exclusions_by_id(before), _exclusions_by_id(after)
    for key in dict.fromkeys([*old_ones, *new_ones]):
        if old_ones.get(key) != new_ones.get(key):
            told.append(Change("Leaves out", _left_out(old_ones.get(key)), _left_out(new_ones.get(key))))
    lists, lists_now = before.get("lists", {}), after.get("lists", {})
    told += [
        Change(f"List {name}", f"{lists[name]['values']} values", f"{lists_now[name]['values']} values")
        for name in lists_now
        if name in lists and lists[name] != lists_now[name]
    ]
    return told


def changes_between(monitor: Monitor, before: MonitorRevision | None, after: MonitorRevision) -> list[Change]:
    """Return what differs between two revisions of a monitor, with its parameters as its detection names them. Raises DefinitionError."""
    labels = {name: parameter.label for name, parameter in monitor.definition().parameters.items()}
    return changes(before.inputs if before else {}, after.inputs, labels)


def _restore_exclusions(monitor: Monitor, then: Sequence[Mapping[str, Any]], *, by: Person | str) -> list[str]:
    left = []
    own = {one["id"]: one for one in then if one["scope"] == "monitor"}
    for row in Exclusion.objects.filter(monitor=monitor).exclude(pk__in=own):
        activity.record("exclusion.deleted", row, by=by, reason=row.reason, conditions=row.conditions)
        row.delete()
    for key, one in own.items():
        expires_at = datetime.fromisoformat(one["expires_at"]) if one["expires_at"] else None
        if expires_at is not None and expires_at <= clock.now():
            left.append(f"The exclusion “{one['reason']}” has ended since and was not brought back.")
            continue
        kept = {
            "conditions": one["conditions"],
            "reason": one["reason"],
            "owner": Person.objects.filter(pk=one["owner"]).first() if one["owner"] else None,
            "expires_at": expires_at,
        }
        now = Exclusion.objects.filter(pk=key, monitor=monitor).first()
        if now is not None and all(getattr(now, name) == value for name, value in kept.items()):
            continue
        lost = sorted(set(_names_of([one["conditions"]])) - set(_lists(_names_of([one["conditions"]]))))
        if lost:
            left.append(f"The exclusion “{one['reason']}” names the list {', '.join(lost)}, which is no more.")
            continue
        restored, _ = Exclusion.objects.update_or_create(pk=key, defaults={"monitor": monitor, "detection": "", **kept})
        activity.record("exclusion.restored", restored, by=by, reason=restored.reason, conditions=restored.conditions)
    return left


def _wanted(monitor: Monitor) -> dict[str, Any]:
    rows = monitor.exclusions_in_force()
    lists = {
        name: {"values": len(values), "hash": exclusions.list_id(values)} for name, values in _lists_of(rows).items()
    }
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
        "exclusions": [_kept_of(row) for row in rows],
        **({"lists": lists} if lists else {}),
        **({"kept": monitor.kept} if monitor.kept else {}),
    }


def _kept_of(row: Exclusion) -> dict[str, Any]:
    """Return what a revision keeps of an exclusion: enough to bring it back."""
    return {
        "id": row.pk,
        "scope": "monitor" if row.monitor_id else "detection" if row.detection else "all",
        "conditions": row.conditions,
        "reason": row.reason,
        "owner": str(row.owner_id) if row.owner_id else None,
        "expires_at": row.expires_at.isoformat() if row.expires_at else None,
    }


def _lists_of(rows: Iterable[Exclusion]) -> dict[str, list[str]]:
    """Return the values of the lists that exclusions name; one that is not there is left out."""
    return _lists(_names_of([row.conditions for row in rows]))


def _lists(names: set[str]) -> dict[str, list[str]]:
    return dict(NamedList.objects.filter(name__in=names).values_list("name", "values")) if names else {}


def _names_of(all_conditions: Iterable[Sequence[Mapping[str, Any]]]) -> set[str]:
    return {one["list"] for conditions in all_conditions for one in conditions if one.get("list")}


def _exclusions_by_id(inputs: Mapping[str, Any]) -> dict[Any, Mapping[str, Any]]:
    return {one["id"]: one for one in inputs.get("exclusions", [])}


def _left_out(one: Mapping[str, Any] | None) -> str:
    if one is None:
        return ""
    until = f", until {one['expires_at'][:16].replace('T', ' ')} UTC" if one["expires_at"] else ""
    return f"{exclusions.in_words(one['conditions'])} ({one['reason']}{until})"


def _in_words(name: str, value: Any) -> str:
    if value is None:
        return ""
    if name == "severity":
        return SEVERITIES.get(value, str(value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "empty"
    return "the search of an imported monitor" if isinstance(value, dict) else str(value)


def _hash(monitor: Monitor) -> str:
    """Return the hash of what would be pushed; empty where the index cannot serve it yet, which a push says in words."""
    try:
        return rendering.content_hash(inputs_of(monitor))
    except MissingField:
        return ""
