"""The events of an occurrence, as rows and whole. What stands in them was written by others: any type may come, and nothing is markup."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from alerts.models import Evidence
from alerts.okta import event_words, flatten, place_words
from monitors.findings import when

MAX_WHOLE = 25
MAX_FIELDS = 400


@dataclass(frozen=True)
class Row:
    """One event in a few words; a value that the event does not have is empty."""

    at: datetime | None
    words: str
    type: str
    result: str
    reason: str
    user: str
    ip: str
    proxy: bool
    place: str
    network: str
    device: str
    agent: str
    session: str

    @property
    def failed(self) -> bool:
        """Whether Okta did not let it happen."""
        return self.result in {"FAILURE", "DENY"}


@dataclass(frozen=True)
class Whole:
    """One whole event: a line that names it, and its fields as (dotted path, value). `left_out` counts fields beyond MAX_FIELDS."""

    title: str
    fields: list[tuple[str, str]]
    left_out: int


def rows(events: Iterable[Any]) -> list[Row]:
    """Return an occurrence's events as rows, in their order."""
    return [_row(event) for event in events if isinstance(event, Mapping)]


def whole(evidence: Evidence | None) -> list[Whole]:
    """Return the kept events, flattened: at most MAX_WHOLE."""
    events = evidence.events[:MAX_WHOLE] if evidence else []
    return [_whole(event) for event in events if isinstance(event, Mapping)]


def _row(event: Mapping[str, Any]) -> Row:
    def said(*names: str) -> str:
        return " ".join(str(event[name]) for name in names if event.get(name) not in (None, "", False))

    asn = said("asn")
    return Row(
        at=when(event.get("t")),
        words=event_words(event),
        type=said("type"),
        result=said("result"),
        reason=said("reason"),
        user=said("user"),
        ip=said("ip"),
        proxy=event.get("proxy") is True,
        place=_place(event),
        network=" ".join(filter(None, [f"AS{asn}" if asn.isdigit() else asn, said("as_org")])),
        device=", ".join(filter(None, [said("browser"), said("os")])),
        agent=said("agent"),
        session=said("session"),
    )


def _place(event: Mapping[str, Any]) -> str:
    named = event.get("city") or event.get("country")
    located = isinstance(event.get("lat"), int | float) and isinstance(event.get("lon"), int | float)
    return place_words(event) if named or located else ""


def _whole(event: Mapping[str, Any]) -> Whole:
    fields = flatten(event)
    title = " · ".join(str(event[name]) for name in ("published", "eventType", "uuid") if event.get(name))
    return Whole(title or "Message", fields[:MAX_FIELDS], max(len(fields) - MAX_FIELDS, 0))
