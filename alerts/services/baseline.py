"""
What is normal for a user, read from the index: one search a quarter of an hour, and the past day by day at the start.

Whether something is the *first time for this user* is judged from here, never by a search over months. While fewer days are
known than a judgement needs, nothing is called new: the baseline says "learning, 6 of 30 days".
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from alerts.models import Baseline, Sighting
from core import clock
from monitors import facts, opensearch
from monitors.errors import MonitorsError, OpenSearchError
from monitors.facts import PLACEHOLDERS
from monitors.findings import Finding
from monitors.models import Monitor
from monitors.profiles import Profile

WANTED_DAYS = 30
ENOUGH_DAYS = 7  # a week holds a user's weekday and weekend; below it too much is new
OVERLAP = timedelta(hours=1)  # events are indexed late
PAGE = 5_000
MAX_PAGES = 200
TIMEOUT_SECONDS = 60.0

SEEN_BY = ("user.session.start", "user.authentication.sso", "user.authentication.auth_via_mfa")
FIELDS: Mapping[str, tuple[str, ...]] = {
    Sighting.Kind.ADDRESS: ("client.ipAddress",),
    Sighting.Kind.NETWORK: ("securityContext.asNumber",),
    Sighting.Kind.COUNTRY: ("client.geographicalContext.country",),
    Sighting.Kind.DEVICE: ("debugContext.debugData.dtHash",),
    Sighting.Kind.AGENT: ("client.userAgent.os", "client.userAgent.browser"),
}
SHOWN: Mapping[str, tuple[str, ...]] = {
    Sighting.Kind.ADDRESS: ("ip",),
    Sighting.Kind.NETWORK: ("asn",),
    Sighting.Kind.COUNTRY: ("country",),
    Sighting.Kind.DEVICE: ("device_token",),
    Sighting.Kind.AGENT: ("os", "browser"),
}

UPSERT = """
INSERT INTO alerts_sighting ("user", kind, value, first_at, last_at)
SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::timestamptz[], %s::timestamptz[])
ON CONFLICT ("user", kind, value) DO UPDATE
SET first_at = LEAST(alerts_sighting.first_at, EXCLUDED.first_at), last_at = GREATEST(alerts_sighting.last_at, EXCLUDED.last_at)
"""


@dataclass(frozen=True)
class Known:
    """
    A value of an alert's evidence, under the name that people know it by, and whether the user was seen with it before.

    `first_at` and `last_at` are None where they were not. `is_new` says so only once enough is known to say it.
    """

    kind: Sighting.Kind
    value: str
    name: str
    first_at: datetime | None
    last_at: datetime | None
    is_new: bool


@dataclass(frozen=True)
class Learning:
    """How much of the past is known: `days` of `wanted`, and whether that is enough to call something new."""

    days: int
    wanted: int
    enough: bool

    def __str__(self) -> str:
        return "known" if self.days >= self.wanted else f"learning, {self.days} of {self.wanted} days"


def read_on(pattern: str, profile: Profile) -> int:
    """Read what came since the last time, then one more day of the past; return how many sightings were told. Raises MonitorsError."""
    now = clock.now()
    row, _ = Baseline.objects.get_or_create(
        pattern=pattern, defaults={"read_from": now - timedelta(days=1), "read_to": now - timedelta(days=1)}
    )
    told = _read(pattern, profile, row.read_to - OVERLAP, now)
    Baseline.objects.filter(pk=row.pk).update(read_to=now, fault="")
    if row.read_from > now - timedelta(days=WANTED_DAYS):
        earlier = row.read_from - timedelta(days=1)
        told += _read(pattern, profile, earlier, row.read_from)
        Baseline.objects.filter(pk=row.pk).update(read_from=earlier)
    return told


def read_all() -> None:
    """Read on for every index that a running monitor searches; a fault is kept in its row and the others go on."""
    patterns = (
        Monitor.objects.filter(enabled=True, kept__isnull=True).values_list("index_pattern", flat=True).distinct()
    )
    for pattern in list(patterns):
        monitor = Monitor.objects.filter(index_pattern=pattern).first()
        try:
            read_on(pattern, monitor.profile() if monitor else Profile(pattern, {}))
        except MonitorsError as error:
            Baseline.objects.filter(pattern=pattern).update(fault=str(error))


def learning(pattern: str) -> Learning:
    """Return how much of the index's past is known."""
    return learnt(Baseline.objects.filter(pattern=pattern).first())


def learnt(row: Baseline | None) -> Learning:
    """Return how much a baseline knows; of an index that was never read, nothing."""
    days = (row.read_to - row.read_from).days if row else 0
    return Learning(min(days, WANTED_DAYS), WANTED_DAYS, enough=days >= ENOUGH_DAYS)


def novelty(finding: Finding, pattern: str) -> dict[str, bool]:
    """
    Return {"new_network": True, …} for what this user was never seen with before the finding's first event.

    Empty for what is no user, and while too little is known. A kind that the events say nothing of is left out.
    """
    if finding.entity_type != "user" or not learning(pattern).enough:
        return {}
    values = {kind: found for kind, names in SHOWN.items() if (found := _shown_values(finding.events, names))}
    if not values:
        return {}
    before = set(
        Sighting.objects.filter(user=finding.entity_id, kind__in=values, first_at__lt=finding.first.at).values_list(
            "kind", "value"
        )
    )
    return {f"new_{kind}": any((kind, value) not in before for value in found) for kind, found in values.items()}


def known(user: str, before: datetime, told: Learning, events: Sequence[Any], whole: Sequence[Any]) -> list[Known]:
    """
    Return what the user's own events came with, by kind, each with when the user was seen with it before `before`.

    `events` are in short names; applications stand only in the `whole` ones. `told` is how much of the index is known.
    """
    names = _named(user, events, whole)
    seen = {
        (row.kind, row.value): row
        for row in Sighting.objects.filter(
            user=user,
            kind__in={kind for kind, _ in names},
            value__in={value for _, value in names},
            first_at__lt=before,
        )
    }
    found = []
    for (kind, value), name in names.items():
        row = seen.get((kind, value))
        first, last = (row.first_at, row.last_at) if row else (None, None)
        found.append(Known(kind, value, name, first, last, is_new=row is None and told.enough))
    return found


def values_of(event: Mapping[str, Any]) -> dict[Sighting.Kind, str]:
    """Return what an event in short names would be known by, for each kind that it says something of."""
    return {Sighting.Kind(kind): value for kind, names in SHOWN.items() for value in _shown_values([event], names)}


def _named(user: str, events: Sequence[Any], whole: Sequence[Any]) -> dict[tuple[Sighting.Kind, str], str]:
    """Return (kind, value) of what the user's own events came with, and what people call it, in the order of the kinds."""
    names: dict[tuple[Sighting.Kind, str], str] = {}
    for event in events:
        if isinstance(event, Mapping) and event.get("actor") in (None, user):
            for kind, value in values_of(event).items():
                network = f"AS{value} {event.get('as_org') or ''}".strip()
                names.setdefault((kind, value), network if kind == Sighting.Kind.NETWORK else value)
    for event in whole:
        if isinstance(event, Mapping) and facts.read(event, "actor.id") == user:
            for app in facts.targets_of(event, "0oa"):
                if isinstance(app.get("id"), str):
                    names.setdefault((Sighting.Kind.APP, app["id"]), facts.label(app))
    kinds = list(Sighting.Kind)
    return dict(sorted(names.items(), key=lambda pair: kinds.index(pair[0][0])))


def _shown_values(events: Sequence[Mapping[str, Any]], names: tuple[str, ...]) -> set[str]:
    return {
        " · ".join(str(event[name]) for name in names) for event in events if all(event.get(name) for name in names)
    }


def _read(pattern: str, profile: Profile, start: datetime, end: datetime) -> int:
    """Read one stretch of time and keep what was seen, in one transaction a kind."""
    told = 0
    for kind, fields in FIELDS.items():
        names = [profile.find(name) for name in fields]
        if all(names):
            told += _keep(kind, _seen(pattern, profile, [str(name) for name in names], SEEN_BY, start, end))
    target = profile.find("target.id")
    if target:
        rows = _seen(pattern, profile, [target], ("user.authentication.sso",), start, end)
        told += _keep(Sighting.Kind.APP, (row for row in rows if row[1].startswith("0oa")))
    return told


def _seen(
    pattern: str, profile: Profile, names: list[str], types: Sequence[str], start: datetime, end: datetime
) -> Iterator[tuple[str, str, int, int]]:
    """Yield (user id, value, first ms, last ms), a page at a time. Raises OpenSearchError when an answer is not whole."""
    time, actor = profile.name("published"), profile.name("actor.id")
    sources = [
        {"user": {"terms": {"field": actor}}},
        *({f"v{number}": {"terms": {"field": name}}} for number, name in enumerate(names)),
    ]
    filters = [
        {"terms": {profile.name("eventType"): list(types)}},
        {"term": {profile.name("outcome.result"): "SUCCESS"}},
        {"range": {time: {"gte": clock.to_ms(start), "lt": clock.to_ms(end), "format": "epoch_millis"}}},
    ]
    after: dict[str, Any] | None = None
    for _ in range(MAX_PAGES):
        composite = {"size": PAGE, "sources": sources, **({"after": after} if after else {})}
        bounds = {"first": {"min": {"field": time}}, "last": {"max": {"field": time}}}
        body = {
            "size": 0,
            "query": {"bool": {"filter": filters}},
            "aggs": {"seen": {"composite": composite, "aggs": bounds}},
        }
        answer = opensearch.search(pattern, body, timeout=TIMEOUT_SECONDS)
        if answer["_shards"]["failed"] or answer["timed_out"]:
            raise OpenSearchError("OpenSearch gave only a part of what was seen.")
        found = answer.get("aggregations", {}).get("seen", {})
        for bucket in found.get("buckets", []):
            user, *values = (str(value) for value in bucket["key"].values())
            if not {value.strip().lower() for value in (user, *values)} & PLACEHOLDERS:
                yield user, " · ".join(values), int(bucket["first"]["value"]), int(bucket["last"]["value"])
        after = found.get("after_key")
        if after is None:
            return
    raise OpenSearchError(f"More than {MAX_PAGES * PAGE:,} sightings in one stretch of time.")


@transaction.atomic
def _keep(kind: str, rows: Iterator[tuple[str, str, int, int]]) -> int:
    merged: dict[tuple[str, str], tuple[int, int]] = {}
    for user, value, first, last in rows:
        key = (user[:200], value[:300])
        before = merged.get(key, (first, last))
        merged[key] = (min(first, before[0]), max(last, before[1]))
    # one order for all, so that two readers never wait for each other in a ring
    told = sorted(
        (user, kind, value, clock.from_ms(first), clock.from_ms(last))
        for (user, value), (first, last) in merged.items()
    )
    if told:
        with connection.cursor() as cursor:
            cursor.execute(UPSERT, [list(column) for column in zip(*told, strict=True)])
    return len(told)
