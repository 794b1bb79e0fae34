"""Whole events, fetched by uuid from OpenSearch and kept with a hash: the index may forget them, the alert does not."""

import hashlib
import json
from datetime import timedelta
from typing import Any

from django.db import transaction

from alerts.models import Alert, Evidence, Occurrence
from alerts.services import cases
from core import clock
from core.text import storable
from monitors import opensearch, rehearsing
from monitors.errors import MonitorsError
from monitors.models import Monitor

FIRST_TRY_SECONDS = 0.5  # before the ticket goes out; later tries may take longer
LATER_TRY_SECONDS = 10.0
MAX_ATTEMPTS = 8
MAX_EVENTS = 50


def want(occurrence: Occurrence, uuids: list[str], *, new: bool = False) -> None:
    """Note which events are still to be fetched; `new` says that the occurrence was made just now, in the same transaction as this."""
    if new:
        wanted = list(dict.fromkeys(uuids))[:MAX_EVENTS]
        next_try = clock.now() if wanted else None
        Evidence.objects.create(occurrence=occurrence, wanted=wanted, next_attempt_at=next_try)
        return
    Evidence.objects.get_or_create(occurrence=occurrence)
    row = Evidence.objects.select_for_update().get(pk=occurrence.pk)  # a fetch that is under way must not write over it
    have = {event.get("uuid") for event in row.events}
    wanted = [uuid for uuid in dict.fromkeys([*row.wanted, *uuids]) if uuid not in have][: MAX_EVENTS - len(have)]
    if wanted != row.wanted:
        Evidence.objects.filter(pk=row.pk).update(
            wanted=wanted, next_attempt_at=clock.now() if wanted else None, attempts=0
        )


def keep(occurrence: Occurrence, events: list[dict[str, Any]]) -> None:
    """Keep events that came with the message itself."""
    row, _ = Evidence.objects.get_or_create(occurrence=occurrence)
    _store(row, events, missing=[])


def fetch(occurrence_id: int, *, timeout: float = LATER_TRY_SECONDS) -> bool:
    """Fetch what is wanted; return whether the evidence is whole now. A failure waits in its row for the next try."""
    row = Evidence.objects.select_related("occurrence__alert__monitor").filter(pk=occurrence_id).first()
    if row is None or not row.wanted:
        return row is not None
    monitor = row.occurrence.alert.monitor
    if monitor is None:  # deleted meanwhile: nothing says any more where the events lie
        Evidence.objects.filter(pk=row.pk).update(next_attempt_at=None)
        return False
    try:
        found = _ask(monitor, row.occurrence.alert, row.wanted, timeout)
    except MonitorsError:
        _put_off(row)
        return False
    with transaction.atomic():
        now = Evidence.objects.select_for_update().get(pk=row.pk)  # more may be wanted by now
        missing = [uuid for uuid in now.wanted if uuid not in found]
        _store(now, list(found.values()), missing=missing)
        if not now.events and now.attempts:
            cases.owe_update(row.occurrence.alert)  # the ticket went out without it
        if missing:
            _put_off(now)
    return not missing


def due(limit: int = 50) -> list[int]:
    """Return the occurrences whose evidence is due for another try."""
    rows = Evidence.objects.filter(next_attempt_at__lte=clock.now()).order_by("next_attempt_at")
    return list(rows.values_list("pk", flat=True)[:limit])


def canonical(events: list[dict[str, Any]]) -> bytes:
    """Return the bytes that the kept hash is made of."""
    return json.dumps(events, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode(
        "utf-8", "surrogatepass"
    )


def _ask(monitor: Monitor, alert: Alert, uuids: list[str], timeout: float) -> dict[str, dict[str, Any]]:
    """Return the events by uuid. Only what is, or claims to be, a rehearsal is looked for where rehearsals lie."""
    profile = monitor.profile()
    pattern = profile.pattern
    if alert.rehearsal_id or alert.rehearsal_claim:
        pattern = f"{rehearsing.without(pattern)},{rehearsing.pattern(pattern)}"
    hits = opensearch.events_by_uuid(pattern, profile.name("uuid"), uuids, timeout=timeout)
    events = [dict(profile.unwrap(hit["_source"])) for hit in hits]
    return {str(event["uuid"]): event for event in events if event.get("uuid") in uuids}


def _store(row: Evidence, events: list[dict[str, Any]], *, missing: list[str]) -> None:
    known = {event.get("uuid"): event for event in row.events}
    known.update({event.get("uuid"): event for event in storable(events)})
    kept = sorted(known.values(), key=lambda event: (str(event.get("published")), str(event.get("uuid"))))[:MAX_EVENTS]
    Evidence.objects.filter(pk=row.pk).update(
        events=kept,
        sha256=hashlib.sha256(canonical(kept)).digest(),
        wanted=missing,
        fetched_at=clock.now(),
        next_attempt_at=None,
    )


def _put_off(row: Evidence) -> None:
    attempts = row.attempts + 1
    later = clock.now() + timedelta(seconds=15 * 2 ** min(attempts, 8)) if attempts < MAX_ATTEMPTS else None
    Evidence.objects.filter(pk=row.pk).update(attempts=attempts, next_attempt_at=later)
