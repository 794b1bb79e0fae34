"""
Labelled material of others, and how a detection fares on it. Pure.

A row of NDJSON is a case: `events` (or one `event`), `expected`, and what it is labelled for, `family` or `rule_id`. A false case says
that its own rule must stay silent, never that no detection may fire.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from monitors.definitions import Definition
from monitors.findings import when


@dataclass(frozen=True)
class Labelled:
    """One labelled case. `params` are the publisher's own; `threshold` says that one event of it only counts towards that many."""

    id: str
    label: str
    expected: bool
    events: Sequence[Mapping[str, Any]]
    params: Mapping[str, Any] = field(default_factory=dict)
    threshold: int = 1


@dataclass(frozen=True)
class Claim:
    """A detection that says it covers a label, with the publisher's parameters in our names."""

    definition: Definition
    params: Mapping[str, Any]


@dataclass(frozen=True)
class Verdict:
    """What a detection said of a case: `fired`, what it told, and why it is silent where it should not be."""

    case: Labelled
    detection: str
    fired: bool
    told: Sequence[str]
    reason: str = ""

    @property
    def agrees(self) -> bool:
        """Whether the detection says what the publisher expects."""
        return self.fired == self.case.expected

    @property
    def kind(self) -> str:
        """Return "true positive", "false negative" and so on."""
        return f"{'true' if self.agrees else 'false'} {'positive' if self.fired else 'negative'}"


def read(path: Path) -> Iterator[Labelled]:
    """Yield the cases of an NDJSON file. Raises ValueError with the line of what is none."""
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise ValueError(f"{path}:{number}: no JSON: {error}") from error
        case = _case(row, f"{path.stem}:{number}") if isinstance(row, dict) else None
        if case is not None:
            yield case


def _case(row: Mapping[str, Any], name: str) -> Labelled | None:
    """Return a row's case, or None for an event that nobody labelled."""
    label = row.get("family") or row.get("rule_id")
    events = row.get("events") or ([row["event"]] if row.get("event") else [])
    if not label or not events or not isinstance(row.get("expected"), bool):
        return None
    threshold = row.get("threshold")
    return Labelled(
        id=str(row.get("case_id") or f"{label}: {row.get('test_name', name)}"),
        label=str(label),
        expected=row["expected"],
        events=events,
        params={**(row.get("rule_params") or {}), **({"threshold": threshold} if isinstance(threshold, int) else {})},
        threshold=threshold if isinstance(threshold, int) and threshold > 1 else 1,
    )


def claims(case: Labelled, definitions: Sequence[Definition]) -> list[Claim]:
    """Return the detections that say they cover the case's label."""
    found = []
    for definition in definitions:
        for claim in definition.raw.get("scores", ()):
            if case.label in {claim.get("family"), claim.get("rule")}:
                names = claim.get("params", {})
                params = {ours: case.params[theirs] for theirs, ours in names.items() if theirs in case.params}
                found.append(Claim(definition, {**claim.get("set", {}), **params}))
                break
    return found


def laid(case: Labelled, end: datetime) -> list[dict[str, Any]]:
    """
    Return the case's events moved so that the last lies a second before `end`, in their own distances, each with a uuid of its own.

    An event without a readable time among others that have one stays as it is: no search will find it. One event of a threshold
    rule is repeated as often.
    """
    events = [dict(event) for event in case.events for _ in range(case.threshold if len(case.events) == 1 else 1)]
    if not any(when(event.get("published")) for event in events):  # its time is not what it is labelled for
        events = [{**event, "published": end.isoformat()} for event in events]
    times = [at for event in events if (at := when(event.get("published")))]
    shift = end - timedelta(seconds=1) - max(times) if times else timedelta()
    rows = []
    for number, event in enumerate(events):
        at = when(event.get("published"))
        moved = {"published": (at + shift).isoformat(timespec="milliseconds").replace("+00:00", "Z")} if at else {}
        rows.append({**event, **moved, "uuid": f"{case.id}/{number}"})
    return rows


def duration(case: Labelled) -> timedelta:
    """Return the time from the case's first event to its last."""
    times = [at for event in case.events if (at := when(event.get("published")))]
    return max(times) - min(times) if times else timedelta()
