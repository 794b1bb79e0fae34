"""
Every monitor that OpenSearch holds: ours, those of ours that nobody here knows any more, and others'.

Others' can be imported: their query stays as it is, and their action points at us. What they were is kept, so that giving one back
restores it whole.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction

from core import activity, clock
from core.models import Person
from monitors import kept, opensearch
from monitors.errors import Conflict, DefinitionError, NotFound, PushError
from monitors.explain import Explanation, explain_body
from monitors.findings import duration
from monitors.models import Deployment, Monitor, every_detection
from monitors.normal import VOLATILE
from monitors.services import push, revisions

PAGE_SIZE = 100
TYPES = {
    "query_level_monitor": "query",
    "bucket_level_monitor": "bucket",
    "doc_level_monitor": "document",
    "cluster_metrics_monitor": "cluster metrics",
}


@dataclass(frozen=True)
class Listed:
    """One monitor of the cluster. `monitor` is ours where it is; `lost` says that it is ours and nobody here knows it."""

    opensearch_id: str
    name: str
    type: str
    enabled: bool
    every: str
    indices: str
    monitor: Monitor | None
    lost: bool


@dataclass(frozen=True)
class Held:
    """A monitor as it is read, with what it does in words (None: it is no search), why it cannot be imported, and what that loses."""

    opensearch_id: str
    seq_no: int
    primary_term: int
    body: dict[str, Any]
    listed: Listed
    explanation: Explanation | None
    refused: str
    losses: list[str]


def listed(begin: int, *, words: str = "") -> tuple[list[Listed], int]:
    """Return PAGE_SIZE of the cluster's monitors by name from `begin` on, and how many there are. Raises OpenSearchError."""
    hits, total = opensearch.monitors_page(begin, PAGE_SIZE, words=words)
    return _listed([(hit["_id"], hit["_source"].get("monitor", hit["_source"])) for hit in hits]), total


def read(opensearch_id: str) -> Held:
    """Return one monitor of the cluster. Raises NotFound, OpenSearchError."""
    found = opensearch.read_monitor(opensearch_id)
    body = found["monitor"]
    (row,) = _listed([(opensearch_id, body)])
    try:
        told: Explanation | None = explain_body(body, every_detection())
    except DefinitionError:
        told = None
    return Held(
        opensearch_id=opensearch_id,
        seq_no=found["_seq_no"],
        primary_term=found["_primary_term"],
        body=body,
        listed=row,
        explanation=told,
        refused=kept.refused(body),
        losses=kept.losses(body),
    )


def import_monitor(opensearch_id: str, *, by: Person | str, actions: str, seen_seq_no: int) -> Monitor:
    """
    Import somebody else's monitor and push it: query and condition stay, its action posts to us (beside or instead of its own).

    Its identity becomes a uuid of ours. Raises PushError, OpenSearchError, DefinitionError; after an error in the push the monitor is
    imported and its push can be tried again, or it is given back.
    """
    held = _as_seen(opensearch_id, seen_seq_no)
    if held.listed.monitor is not None or held.listed.lost:
        raise PushError(f"{held.body['name']} is a monitor of ours already.")
    trigger = next(iter(held.body["triggers"][0].values())) if held.body.get("triggers") else {}
    severity = str(trigger.get("severity", "3"))
    monitor = Monitor(
        name=str(held.body["name"])[:120],
        index_pattern=",".join(kept.indices_of(held.body))[:200],
        severity=int(severity) if severity in {"1", "2", "3", "4", "5"} else 3,
        interval_seconds=min(max(kept.interval_of(held.body), 10), 86_400),
        enabled=bool(held.body.get("enabled")),
        kept=kept.take(_lasting(held.body), actions=actions),
    )
    _take_in(monitor, held, by=by, reason="Imported from OpenSearch.")
    push.push(monitor, by=by, seen_seq_no=seen_seq_no)
    return monitor


def import_back(opensearch_id: str, *, by: Person | str, seen_seq_no: int) -> Monitor:
    """Know a monitor of ours again that OpenSearch still holds, by what lies beside it. Nothing is pushed. Raises PushError."""
    held = _as_seen(opensearch_id, seen_seq_no)
    note = (held.body.get("ui_metadata") or {}).get("oktadetect")
    uuid = push.trigger_id(held.body)
    if not held.listed.lost or uuid is None:
        raise PushError(f"{held.body['name']} is no monitor of ours that is missing here.")
    if not isinstance(note, Mapping) or not note.get("detection"):
        raise PushError("Nothing lies beside it that says which detection it is. Take it out, and make it anew.")
    trigger = held.body["triggers"][0]["query_level_trigger"]
    monitor = Monitor(
        uuid=UUID(uuid),
        detection=str(note["detection"]),
        params=dict(note.get("params") or {}),
        name=str(held.body["name"])[:120],
        index_pattern=kept.indices_of(held.body)[0],
        severity=int(trigger["severity"]),
        interval_seconds=kept.interval_of(held.body),
        enabled=bool(held.body.get("enabled")),
    )
    _take_in(monitor, held, by=by, reason="Imported back from OpenSearch.")
    return monitor


def take_out(opensearch_id: str, *, by: Person, seen_seq_no: int) -> None:
    """Delete a monitor of ours that nobody here knows. Raises PushError for any other, OpenSearchError."""
    held = _as_seen(opensearch_id, seen_seq_no)
    if not held.listed.lost:
        raise PushError(f"{held.body['name']} is not one of ours that nobody knows here, and is left alone.")
    activity.record("monitor.taken_out", by, by=by, opensearch_id=opensearch_id, name=held.body["name"])
    opensearch.delete_monitor(opensearch_id)


def give_back(monitor: Monitor, *, by: Person | str) -> None:
    """
    Restore somebody else's monitor in OpenSearch as it was imported, and forget it here; its alerts stay.

    Raises PushError when it was changed there since our last push, OpenSearchError; then nothing was changed.
    """
    if not monitor.kept:
        raise PushError(f"{monitor.name} is ours: it was never imported.")
    deployment = Deployment.objects.get(monitor=monitor)
    planned = push.preview(monitor)
    if planned.needs_force:
        raise PushError(f"{monitor.name} was changed in OpenSearch since our last push. Look at the difference first.")
    if planned.seen is not None and planned.seq_no is not None and planned.primary_term is not None:
        try:
            opensearch.update_monitor(
                planned.opensearch_id,
                monitor.kept["body"],
                seq_no=planned.seq_no,
                primary_term=planned.primary_term,
            )
        except Conflict as error:
            raise PushError(f"{monitor.name} {push.CHANGED_NOW}") from error
    with transaction.atomic():
        activity.record("monitor.given_back", monitor, by=by, name=monitor.name, opensearch_id=deployment.opensearch_id)
        Deployment.objects.filter(pk=deployment.pk).delete()  # it refers to a revision, which goes with the monitor
        monitor.delete()


def _as_seen(opensearch_id: str, seen_seq_no: int) -> Held:
    try:
        held = read(opensearch_id)
    except NotFound as error:
        raise PushError("OpenSearch no longer holds this monitor.") from error
    if held.seq_no != seen_seq_no:
        raise PushError(f"{held.body['name']} {push.CHANGED_NOW}")
    return held


@transaction.atomic
def _take_in(monitor: Monitor, held: Held, *, by: Person | str, reason: str) -> None:
    """Save the monitor with what OpenSearch holds of it, which a push may then replace."""
    try:
        revision = revisions.save(monitor, by=by, reason=reason)
    except ValidationError as error:
        raise PushError(f"It cannot be imported: {'; '.join(error.messages)}") from error
    Deployment.objects.update_or_create(
        monitor=monitor,
        defaults={
            "opensearch_id": held.opensearch_id,
            "seq_no": held.seq_no,
            "primary_term": held.primary_term,
            "revision": revision,
            "state": Deployment.State.CHANGED,
            "pushed_body": held.body,
            "read_body": held.body,
            "pushed_at": clock.now(),
            "read_at": clock.now(),
            "covered_to": clock.now(),
        },
    )
    activity.record("monitor.imported", monitor, by=by, opensearch_id=held.opensearch_id)


def _listed(bodies: list[tuple[str, dict[str, Any]]]) -> list[Listed]:
    deployed = {
        row.opensearch_id: row.monitor
        for row in Deployment.objects.filter(opensearch_id__in=[key for key, _ in bodies]).select_related("monitor")
    }
    uuids = {key: found for key, body in bodies if (found := _uuid(body)) is not None}
    known = Monitor.objects.in_bulk(list(uuids.values()))
    rows = []
    for key, body in bodies:
        monitor = deployed.get(key) or (known.get(uuids[key]) if key in uuids else None)
        kind = str(body.get("monitor_type", "query_level_monitor"))
        rows.append(
            Listed(
                opensearch_id=key,
                name=str(body.get("name", "")),
                type=TYPES.get(kind, kind),
                enabled=bool(body.get("enabled")),
                every=_every(body),
                indices=", ".join(kept.indices_of(body)),
                monitor=monitor,
                lost=monitor is None and _is_ours(body),
            )
        )
    return rows


def _is_ours(body: Mapping[str, Any]) -> bool:
    """Whether we made it: our note lies beside it, or its only action is ours."""
    return bool((body.get("ui_metadata") or {}).get("oktadetect")) or (_uuid(body) is not None and _posts_to_us(body))


def _posts_to_us(body: Mapping[str, Any]) -> bool:
    triggers = body.get("triggers") or []
    actions = next(iter(triggers[0].values())).get("actions") or [] if triggers else []
    return any(action.get("id") == f"post-{push.trigger_id(dict(body))}" for action in actions)


def _uuid(body: Mapping[str, Any]) -> UUID | None:
    try:
        return UUID(push.trigger_id(dict(body)) or "")
    except ValueError:
        return None


def _every(body: Mapping[str, Any]) -> str:
    schedule = body.get("schedule") or {}
    if "period" in schedule:
        return f"every {duration(kept.interval_of(body))}"
    return f"cron {schedule.get('cron', {}).get('expression', '')}".strip()


def _lasting(body: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in body.items() if key not in VOLATILE}
