"""The events behind an alert as a file, where a description cannot hold them all."""

import json
from collections.abc import Iterable

from alerts.models import Alert, Evidence, Occurrence
from alerts.ticketing import words

NAME = "evidence.jsonl"
MAX_BYTES = 5_000_000  # half of what Jira takes unless told otherwise


def is_due(occurrence: Occurrence) -> bool:
    """Whether there is more than the description's table shows."""
    return occurrence.count > words.MAX_ROWS or len(occurrence.events) > words.MAX_ROWS


def content(alert: Alert) -> bytes:
    """
    Return the events as JSON Lines, oldest first: whole ones where they were fetched, else as the search told them.

    JSON is data to every program that reads it: no cell of it is a formula. Lines past MAX_BYTES are left out.
    """
    occurrence = words.latest(alert)
    if occurrence is None:
        return b""
    kept = Evidence.objects.filter(occurrence=occurrence).first()
    return _lines((kept.events if kept else None) or occurrence.events)


def _lines(events: Iterable[object]) -> bytes:
    written = bytearray()
    for event in events:
        line = json.dumps(event, sort_keys=True).encode() + b"\n"
        if len(written) + len(line) > MAX_BYTES:
            break
        written += line
    return bytes(written)
