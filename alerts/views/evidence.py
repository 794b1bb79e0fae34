"""The events of an occurrence, as rows and whole. What stands in them was written by others: any type may come, and nothing is markup."""

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from django.conf import settings

from alerts.models import Evidence
from alerts.okta import event_words, flatten, place_words
from alerts.services import baseline
from monitors import geoip
from monitors.errors import DefinitionError
from monitors.findings import when

log = structlog.get_logger(__name__)

MAX_WHOLE = 25
MAX_FIELDS = 400
MAX_VALUE = 2_000  # letters
LOOKED_UP = dict.fromkeys(("city", "country", "lat", "lon"), "place") | dict.fromkeys(("asn", "as_org"), "network")


@dataclass(frozen=True)
class Row:
    """One event in a few words; a value that the event does not have is empty."""

    at: datetime | None
    words: str
    type: str
    result: str
    reason: str
    user: str
    user_id: str
    ip: str
    proxy: bool
    place: str
    country: str
    network: str
    device: str
    device_id: str
    agent: str
    session: str
    looked_up: frozenset[str] = frozenset()
    """Which of *place* and *network* Okta left empty and our own database told."""
    new: frozenset[str] = frozenset()
    """Which of *address*, *network*, *country*, *device* and *agent* are a first time for this user."""

    @property
    def failed(self) -> bool:
        """Whether Okta did not let it happen."""
        return self.result in {"FAILURE", "DENY"}


@dataclass(frozen=True)
class Whole:
    """
    One whole event: a line that names it, its own fields, and those of each of its parts (client, target[0] …), as (dotted path, value).

    `left_out` counts fields beyond MAX_FIELDS; a value that is longer than MAX_VALUE is cut, and says so.
    """

    title: str
    fields: list[tuple[str, str]]
    parts: list[tuple[str, list[tuple[str, str]]]]
    left_out: int


def completed(events: Iterable[Any]) -> list[Any]:
    """
    Return an occurrence's events with the places and networks that Okta left empty, where a database is configured.

    `looked_up` in an event names what we filled in. A database that cannot be read is logged, and nothing is filled in.
    """
    try:
        places = geoip.reader(settings.OKTADETECT_GEOIP_FILE)
    except DefinitionError as error:
        log.warning("places_not_looked_up", error=str(error))
        places = None
    return [_completed(event, places) if isinstance(event, Mapping) else event for event in events]


def _completed(event: Mapping[str, Any], places: geoip.Places | None) -> dict[str, Any]:
    found = geoip.looked_up(event, places) if places else {}
    return {**event, **found, "looked_up": frozenset(found)}


def rows(events: Iterable[Any], new: Container[tuple[str, str]] = ()) -> list[Row]:
    """Return completed events as rows, in their order; `new` holds the (kind, value) that are a first time for this user."""
    return [_row(event, new) for event in events if isinstance(event, Mapping)]


def only_person(rows: Iterable[Row]) -> Row | None:
    """Return a row of the one who did all of them; None where several did, or there is no row."""
    by_person = {row.user_id: row for row in rows}
    return next(iter(by_person.values())) if len(by_person) == 1 else None


def whole(evidence: Evidence | None) -> list[Whole]:
    """Return the kept events, flattened: at most MAX_WHOLE."""
    events = evidence.events[:MAX_WHOLE] if evidence else []
    return [_whole(event) for event in events if isinstance(event, Mapping)]


def _row(event: Mapping[str, Any], new: Container[tuple[str, str]]) -> Row:
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
        user_id=said("actor") or said("user").lower(),
        ip=said("ip"),
        proxy=event.get("proxy") is True,
        place=_place(event),
        country=said("country"),
        network=" ".join(filter(None, [f"AS{asn}" if asn.isdigit() else asn, said("as_org")])),
        device=", ".join(filter(None, [said("browser"), said("os")])),
        device_id=said("device_token") or said("device"),
        agent=said("agent"),
        session=said("session"),
        looked_up=frozenset(LOOKED_UP[name] for name in event["looked_up"]),
        new=frozenset(str(kind) for kind, value in baseline.values_of(event).items() if (kind, value) in new),
    )


def _place(event: Mapping[str, Any]) -> str:
    named = event.get("city") or event.get("country")
    located = isinstance(event.get("lat"), int | float) and isinstance(event.get("lon"), int | float)
    return place_words(event) if named or located else ""


def _whole(event: Mapping[str, Any]) -> Whole:
    pairs = flatten(event)
    parts: dict[str, list[tuple[str, str]]] = {}
    for path, value in pairs[:MAX_FIELDS]:
        part, dot, _ = path.partition(".")
        parts.setdefault(part if dot else "", []).append((path, _bounded(value)))
    title = " · ".join(str(event[name]) for name in ("published", "eventType", "uuid") if event.get(name))
    own = parts.pop("", [])
    return Whole(title or "Message", own, list(parts.items()), max(len(pairs) - MAX_FIELDS, 0))


def _bounded(value: str) -> str:
    more = len(value) - MAX_VALUE
    return f"{value[:MAX_VALUE]}… and {more:,} more letters, which stand in OpenSearch" if more > 0 else value
