"""
Proof that detections fire and stay silent: their own events, in a real index of every layout, searched as a monitor would.

Each test has a stretch of time of its own, whose period ends three minutes after midnight, so that its events lie in two daily
indices. Events are indexed out of order, on three shards, and twice where the layout does not key them by uuid.
"""

import random
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from core import clock
from monitors import opensearch, proving
from monitors.definitions import Definition
from monitors.errors import MissingField, MonitorsError
from monitors.findings import Answer, when
from monitors.layouts import LAYOUTS, Layout, bulk_lines
from monitors.profiles import Profile, lacks, learn
from monitors.proving import Case
from monitors.rendering import Inputs
from monitors.services import search

FIRST_END = datetime(2001, 1, 2, 0, 3, tzinfo=UTC)
SHARDS = 3
BULK_LINES = 4_000
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Trial:
    """What came of one test in one layout. `lacks` names the Okta field without which it cannot be told there."""

    detection: str
    layout: str
    case: str
    passed: bool
    reason: str = ""
    lacks: str = ""


@dataclass(frozen=True)
class _Slot:
    definition: Definition
    case: Case
    end: datetime


def prove(
    detections: Iterable[Definition], layouts: Sequence[str] = tuple(LAYOUTS), *, say: Progress = lambda _: None
) -> list[Trial]:
    """Run every test of the detections in every layout. Raises OpenSearchError when the node is away or refuses events."""
    slots = list(_slots(detections))
    trials: list[Trial] = []
    for name in layouts:
        layout = LAYOUTS[name]
        events = [event for slot in slots for event in slot.case.events]
        say(f"{name}: indexing {len(events)} events")
        with indexed(layout, events) as pattern:
            profile = learn(pattern, opensearch.field_caps(pattern))
            for position, slot in enumerate(slots, start=1):
                trials.append(_try(slot, layout, profile))
                if position % 50 == 0 or position == len(slots):
                    say(f"{name}: {position}/{len(slots)} tests")
    return trials


def _slots(detections: Iterable[Definition]) -> Iterator[_Slot]:
    """Lay every test into days that no other test's search looks at."""
    end = FIRST_END
    for definition in detections:
        inputs = _inputs(definition, {}, Profile("", {}))
        days = timedelta(days=2 + (inputs.span_ms + inputs.emit_ms) // 86_400_000)
        for number in range(len(definition.raw["tests"])):
            end += days
            yield _Slot(definition, proving.cases(definition, end)[number], end)


def _inputs(definition: Definition, params: dict[str, object], profile: Profile) -> Inputs:
    return Inputs(definition, params, profile, "proof", definition.title, definition.severity, 60)


@contextmanager
def indexed(layout: Layout, events: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Index events out of order, in two indices by odd and even days, and yield their pattern; take them away afterwards."""
    name = f"oktadetect-proof-{layout.name}-{uuid4().hex[:10]}"
    settings = {"number_of_shards": SHARDS, "number_of_replicas": 0, "index.mapping.total_fields.limit": 5_000}
    body = {"settings": settings, **({"mappings": layout.mapping} if layout.mapping is not None else {})}
    try:
        for half in ("even", "odd"):
            opensearch.call("PUT", f"/{name}-{half}", body=body)
        lines = []
        for event in _shuffled(events, twice=not layout.keyed):
            at = when(event.get("published"))
            lines += bulk_lines(layout, f"{name}-{'odd' if at and at.toordinal() % 2 else 'even'}", event)
        for start in range(0, len(lines), BULK_LINES):
            _bulk(lines[start : start + BULK_LINES])
        opensearch.call("POST", f"/{name}-*/_refresh")
        yield f"{name}-*"
    finally:
        opensearch.call("DELETE", f"/{name}-even,{name}-odd", params={"ignore_unavailable": "true"})


def _shuffled(events: Sequence[Mapping[str, Any]], *, twice: bool) -> list[Mapping[str, Any]]:
    laid = [*events, *events] if twice else list(events)
    random.Random(7).shuffle(laid)  # noqa: S311 - an order that is the same on every run
    return laid


def _bulk(lines: list[str]) -> None:
    answer = opensearch.call("POST", "/_bulk", body="\n".join(lines) + "\n", timeout=60)
    if answer["errors"]:
        refused = next(item["index"]["error"] for item in answer["items"] if "error" in item["index"])
        raise MonitorsError(f"OpenSearch refused a test event: {str(refused)[:400]}")


def _try(slot: _Slot, layout: Layout, profile: Profile) -> Trial:
    definition, case = slot.definition, slot.case
    lacking = lacks(profile, [*definition.needs(), *case.needs])
    told = {"detection": definition.id, "layout": layout.name, "case": case.name}
    if lacking:
        return Trial(**told, passed=False, lacks=lacking[0])
    inputs = _inputs(definition, dict(case.params), profile)
    try:
        answer = search.run(inputs, end_ms=clock.to_ms(slot.end))
    except MissingField as error:
        return Trial(**told, passed=False, lacks=error.field)
    except MonitorsError as error:
        return Trial(**told, passed=False, reason=str(error))
    wrong = judge(case, answer)
    return Trial(**told, passed=not wrong, reason=wrong)


def judge(case: Case, answer: Answer) -> str:
    """Return why the answer is not what the test says, or nothing."""
    if not answer.whole or answer.malformed:
        return "; ".join([*answer.faults, *answer.malformed])
    if len(answer.findings) != case.fires:
        told = "; ".join(finding.sentence for finding in answer.findings[:3])
        return f"{len(answer.findings)} findings instead of {case.fires}{': ' if told else ''}{told}"
    if not answer.findings:
        return ""
    first = answer.findings[0]
    if case.entity and first.entity_id != case.entity:
        return f"it is about {first.entity_id} instead of {case.entity}"
    if case.severity is not None and first.severity != case.severity:
        return (
            f"its severity is {first.severity} instead of {case.severity} ({', '.join(first.reasons) or 'no reason'})"
        )
    if case.says not in first.sentence:
        return f"it says {first.sentence!r}"
    return (
        "a value is missing in its sentence"
        if re.search(r"\bunknown\b", first.sentence) and "unknown" not in case.says
        else ""
    )
