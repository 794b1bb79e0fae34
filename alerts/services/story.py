"""
What was kept of an entity's events with its alerts: a session told as one story, and when somebody was active while OpenSearch is away.

Costs are bounded: the events of the latest MAX_ALERTS alerts that name it, at most 25 an occurrence.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from alerts.models import Alert, Occurrence
from alerts.services.entities import Named, alerts_of
from monitors.findings import when

MAX_ALERTS = 50
MAX_OCCURRENCES = 200
GAP = timedelta(minutes=30)  # a quiet time that a story names
# Where an event as findings tell it names an entity.
NAMED_BY: Mapping[str, tuple[str, ...]] = {
    "user": ("actor", "user"),
    "ip": ("ip",),
    "device": ("device_token", "device"),
    "session": ("session", "root_session"),
}
PLACED_BY = ("ip", "os", "browser", "user")  # what each event of a client names; a device's own id many leave out


@dataclass(frozen=True)
class Kept:
    """The events that name an entity, the earliest first, each once, and of how many alerts they were kept."""

    events: Sequence[Mapping[str, Any]]
    alerts: Sequence[Alert]

    @property
    def hours(self) -> Mapping[datetime, int]:
        """How many came in each hour."""
        times = (at for event in self.events if (at := when(event.get("t"))) is not None)
        return Counter(at.replace(minute=0, second=0, microsecond=0) for at in times)


@dataclass(frozen=True)
class Moment:
    """
    One line of a story: an event in short names, or an alert.

    `quiet` is the time since the line before, where that was long; `moved` names what of *ip*, *country* and *device_token* differs
    from the event before. Events that repeat themselves are one line: `times` of them, the last `until` then.
    """

    at: datetime
    event: Mapping[str, Any] | None = None
    alert: Alert | None = None
    quiet: timedelta | None = None
    moved: frozenset[str] = frozenset()
    times: int = 1
    until: datetime | None = None


@dataclass(frozen=True)
class Place:
    """From where a session was used: the event that tells it, how many events came from there, the first and the last."""

    event: Mapping[str, Any]
    count: int
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True)
class Story:
    """A session in time order, and each place, device and user that it was seen with, in the order in which they came up."""

    moments: Sequence[Moment]
    places: Sequence[Place]


def kept(entity: Named, told: Iterable[Mapping[str, Any]] = ()) -> Kept:
    """Return the events that were kept of it, with those `told` by the index: three queries."""
    alerts = list(alerts_of(entity, MAX_ALERTS))
    occurrences = Occurrence.objects.filter(alert__in=[row.pk for row in alerts]).order_by("-last_at")
    names, values = NAMED_BY.get(entity.kind, ()), {value.lower() for value in entity.values}
    events: dict[str, Mapping[str, Any]] = {}
    for position, event in enumerate([*told, *_events_of(occurrences[:MAX_OCCURRENCES])]):
        if any(str(event.get(name) or "").lower() in values for name in names):
            events.setdefault(str(event.get("uuid") or position), event)
    timed = [(at, event) for event in events.values() if (at := when(event.get("t"))) is not None]
    return Kept([event for _, event in sorted(timed, key=lambda pair: pair[0])], alerts)


def of_session(entity: Named, told: Iterable[Mapping[str, Any]] = ()) -> Story:
    """Return a session across detections, in time order: its events, kept with alerts or `told` by the index, and its alerts."""
    found = kept(entity, told)
    moments = [Moment(at, event=event) for event in found.events if (at := when(event.get("t"))) is not None]
    moments += [Moment(row.last_seen, alert=row) for row in found.alerts]
    moments.sort(key=lambda moment: (moment.at, moment.alert is not None))
    return Story(_folded(_compared(moments)), _places(moments))


def by_weekday(hours: Mapping[datetime, int]) -> list[list[int]]:
    """Return how many events came on each weekday (Monday first) in each hour of the day, in the current time zone."""
    found = [[0] * 24 for _ in range(7)]
    for hour, number in hours.items():
        local = timezone.localtime(hour)
        found[local.weekday()][local.hour] += number
    return found


def _events_of(occurrences: Iterable[Occurrence]) -> Iterable[Mapping[str, Any]]:
    for occurrence in occurrences:
        yield from (event for event in occurrence.events if isinstance(event, Mapping))


def _compared(moments: Iterable[Moment]) -> Iterable[Moment]:
    """Say of each moment how long it was quiet before, and of each event what differs from the one before."""
    last: Moment | None = None
    before: Mapping[str, Any] = {}
    for moment in moments:
        quiet = moment.at - last.at if last and moment.at - last.at >= GAP else None
        moved = {
            name
            for name in ("ip", "country", "device_token")
            if moment.event and moment.event.get(name) and before.get(name) and moment.event[name] != before[name]
        }
        yield replace(moment, quiet=quiet, moved=frozenset(moved))
        last = moment
        if moment.event:
            before = {**before, **{name: value for name, value in moment.event.items() if value}}


def _folded(moments: Iterable[Moment]) -> list[Moment]:
    """Take events that say the same as the one before, without a quiet time or a move between them, together."""
    found: list[Moment] = []
    for moment in moments:
        last = found[-1] if found else None
        if last and last.event and moment.event and not moment.quiet and not moment.moved and _same(last, moment):
            found[-1] = replace(last, times=last.times + 1, until=moment.at)
        else:
            found.append(moment)
    return found


def _same(one: Moment, other: Moment) -> bool:
    first, second = one.event or {}, other.event or {}
    return all(first.get(name) == second.get(name) for name in ("type", "result", "reason", *PLACED_BY))


def _places(moments: Iterable[Moment]) -> list[Place]:
    found: dict[tuple[str, ...], list[Moment]] = {}
    for moment in moments:
        if moment.event and moment.event.get("ip"):
            found.setdefault(tuple(str(moment.event.get(name)) for name in PLACED_BY), []).append(moment)
    return [Place(group[0].event or {}, len(group), group[0].at, group[-1].at) for group in found.values()]
