"""Whole events are fetched once, none that is wanted is forgotten, and what can never come is given up."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine

from alerts.models import Evidence, Occurrence
from alerts.services import evidence
from core import clock
from monitors import opensearch
from monitors.errors import OpenSearchAway
from tests.factories import make_alert, make_monitor

pytestmark = pytest.mark.django_db


@pytest.fixture
def occurrence() -> Occurrence:
    return make_alert(monitor=make_monitor()).occurrences.get()


def holds(monkeypatch: pytest.MonkeyPatch, *uuids: str, meanwhile: Any = lambda: None, **fields: Any) -> None:
    """Let OpenSearch hold these events; `meanwhile` happens while it is asked."""

    def events_by_uuid(_pattern: str, _field: str, wanted: list[str], **_: Any) -> list[dict[str, Any]]:
        meanwhile()
        return [
            {"_source": {"uuid": uuid, "published": "2026-11-24T12:00:00Z", **fields}}
            for uuid in uuids
            if uuid in wanted
        ]

    monkeypatch.setattr(opensearch, "events_by_uuid", events_by_uuid)


def test_what_is_wanted_while_events_are_fetched_is_fetched_next(
    occurrence: Occurrence, monkeypatch: pytest.MonkeyPatch
) -> None:
    evidence.want(occurrence, ["a"])
    holds(monkeypatch, "a", "b", meanwhile=lambda: evidence.want(occurrence, ["b"]))
    assert evidence.fetch(occurrence.pk) is False
    assert Evidence.objects.get().wanted == ["b"]
    assert due_in(minutes=5) == [occurrence.pk]
    holds(monkeypatch, "a", "b")
    assert evidence.fetch(occurrence.pk) is True
    assert [event["uuid"] for event in Evidence.objects.get().events] == ["a", "b"]


def test_evidence_of_a_monitor_that_was_deleted_is_given_up(occurrence: Occurrence) -> None:
    evidence.want(occurrence, ["a"])
    occurrence.alert.monitor.delete()  # type: ignore[union-attr]  # it has one
    assert evidence.due() == [occurrence.pk]
    evidence.fetch(occurrence.pk)
    assert due_in(days=1) == []


def test_an_event_with_half_a_character_is_kept(occurrence: Occurrence, monkeypatch: pytest.MonkeyPatch) -> None:
    evidence.want(occurrence, ["a"])
    holds(monkeypatch, "a", name="x\ud800\x00")
    assert evidence.fetch(occurrence.pk) is True
    assert Evidence.objects.get().events[0]["name"] == "x\ufffd\ufffd"


def test_tries_become_rarer_and_end(occurrence: Occurrence, monkeypatch: pytest.MonkeyPatch) -> None:
    evidence.want(occurrence, ["a"])

    def away(*_: Any, **__: Any) -> Any:
        raise OpenSearchAway("away")

    monkeypatch.setattr(opensearch, "events_by_uuid", away)
    waits = []
    for _ in range(evidence.MAX_ATTEMPTS):
        evidence.fetch(occurrence.pk)
        at = Evidence.objects.get().next_attempt_at
        waits.append((at - clock.now()).total_seconds() if at else None)
    assert waits[-1] is None
    assert waits[:-1] == sorted(waits[:-1])  # type: ignore[type-var]  # none but the last is None


def due_in(**duration: float) -> list[int]:
    with time_machine.travel(clock.now() + timedelta(**duration)):
        return evidence.due()
