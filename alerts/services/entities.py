"""
What is known of a user, an address, a device or a session: from the alerts that name it, the baseline, the exclusions, and the index.

Costs are bounded whatever an attacker names: counts are of the latest MAX_COUNTED alerts, and say so.
"""

import ipaddress
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Max, Min, Q, QuerySet, Value
from django.db.models.functions import Upper

from alerts.models import Alert, AlertEntity, Entity, Sighting
from core import clock
from monitors import exclusions, facts, opensearch
from monitors.errors import OpenSearchError
from monitors.findings import when
from monitors.models import Exclusion, Monitor, NamedList
from monitors.profiles import Profile

KINDS: Mapping[str, str] = {
    "user": "User",
    "ip": "Address",
    "device": "Device",
    "session": "Session",
    "app": "Application",
    "org": "Organisation",
    "source": "Source",
    "monitor": "Monitor",
    "index": "Index",
}
# Where an event names it. The ids of users stand as actor and as target; a device is known by its cookie's hash or its own id.
FIELDS: Mapping[str, tuple[str, ...]] = {
    "user": ("actor.id", "actor.alternateId", "target.id", "target.alternateId"),
    "ip": ("client.ipAddress",),
    "device": ("debugContext.debugData.dtHash", "device.id"),
    "session": ("authenticationContext.externalSessionId", "authenticationContext.rootSessionId"),
    "app": ("target.id", "target.alternateId"),
}
EXCLUDED_AS: Mapping[str, str] = {"user": "user", "ip": "address", "device": "device", "app": "application"}

MAX_COUNTED = 1_000
MAX_TOGETHER = 200  # alerts whose other entities are counted
MAX_LISTED = 2_000  # latest alerts that the list is made of
MAX_FOUND = 50
LETTERS = 3  # that make a trigram: fewer are found by no index
MAX_EXCLUSIONS = 1_000
MAX_EVENTS = 50
DAYS = 28  # four of each weekday
TIMEOUT_SECONDS = 3.0


class NothingToAsk(OpenSearchError):
    """No event names such a thing, or no monitor says where events lie."""


@dataclass(frozen=True)
class Named:
    """An entity as alerts know it: all rows that are the same (an id, and the login it goes by), and what to call it."""

    kind: str
    value: str
    name: str
    rows: tuple[Entity, ...]

    @property
    def values(self) -> tuple[str, ...]:
        """Every value that events may name it by."""
        return tuple(dict.fromkeys([self.value, *(row.value for row in self.rows), *self._login]))

    @property
    def _login(self) -> list[str]:
        return [self.name.lower()] if self.kind == "user" and self.name else []


@dataclass(frozen=True)
class Summary:
    """What became of the latest alerts that name an entity: at most MAX_COUNTED of them; `is_cut` says that there are more."""

    alerts: int
    open: int
    first_seen: datetime | None
    last_seen: datetime | None
    verdicts: list[tuple[str, int]]
    is_cut: bool


@dataclass(frozen=True)
class Together:
    """Another entity in the same alerts: in how many, and when it was seen in one last."""

    entity: Entity
    alerts: int
    last_seen: datetime


@dataclass(frozen=True)
class Look:
    """What the index holds of an entity: the latest events in short names with `t`, and how many came in each hour of DAYS days."""

    events: list[dict[str, Any]]
    hours: Mapping[datetime, int]

    @property
    def total(self) -> int:
        """How many events there were in all."""
        return sum(self.hours.values())


def named(kind: str, value: str) -> Named:
    """Return the entity of this kind and value, whether or not an alert names it: two queries at most."""
    row = Entity.objects.filter(kind=kind, value=value).first()
    name = row.name if row and row.name != value else ""
    rows = [row] if row else []
    if kind == "user" and name:
        rows += Entity.objects.filter(kind=kind, value=name.lower())
    return Named(kind, value, name, tuple(rows))


def name_of(value: str) -> str:
    """Return what to call whatever has this value, of whichever kind; the value itself where nothing else is known."""
    rows = Entity.objects.filter(kind__in=KINDS, value__in={value, value.lower()}).exclude(name="")
    return rows.values_list("name", flat=True).first() or value


def alerts_of(entity: Named, limit: int, *, before: int | None = None) -> QuerySet[Alert]:
    """Return the latest alerts that name it, newest first; with `before`, the latest of a lower number. Asks for their numbers."""
    return Alert.objects.filter(pk__in=list(_latest(entity, limit, before=before))).order_by("-id")


def summary(entity: Named) -> Summary:
    """Return what became of its latest alerts: two queries."""
    latest = list(_latest(entity, MAX_COUNTED + 1))
    rows = Alert.objects.filter(pk__in=latest[:MAX_COUNTED]).order_by()
    counted = rows.values("status", "verdict").annotate(
        alerts=Count("pk"), first=Min("first_seen"), last=Max("last_seen")
    )
    groups = list(counted)
    verdicts: Counter[str] = Counter()
    for group in groups:
        verdicts[group["verdict"]] += group["alerts"]
    labels = dict(Alert._meta.get_field("verdict").flatchoices)
    return Summary(
        alerts=sum(group["alerts"] for group in groups),
        open=sum(group["alerts"] for group in groups if group["status"] != "closed"),
        first_seen=min((group["first"] for group in groups), default=None),
        last_seen=max((group["last"] for group in groups), default=None),
        verdicts=[(str(labels.get(verdict, "Not judged")), number) for verdict, number in verdicts.most_common()],
        is_cut=len(latest) > MAX_COUNTED,
    )


def together(entity: Named, limit: int = 40) -> list[Together]:
    """Return what else stood in its latest alerts, the most frequent first: three queries."""
    links = AlertEntity.objects.filter(alert__in=list(_latest(entity, MAX_TOGETHER)))
    return _counted(links.exclude(entity__in=[row.pk for row in entity.rows]), limit)


def sightings(entity: Named, each: int = 8) -> list[tuple[str, list[Sighting], int]]:
    """Return what a user was seen with: (kind in words, the latest `each`, how many there are); nothing for others. One query."""
    if entity.kind != "user":
        return []
    rows = list(Sighting.objects.filter(user=entity.value).order_by("-last_at")[:MAX_COUNTED])
    kinds = [(kind.label, [row for row in rows if row.kind == kind]) for kind in Sighting.Kind]
    return [(label, found[:each], len(found)) for label, found in kinds if found]


def exclusions_of(entity: Named) -> list[tuple[Exclusion, str]]:
    """Return the exclusions in force that name it, each in words: two queries.."""
    kind = EXCLUDED_AS.get(entity.kind)
    if kind is None:
        return []
    in_force = Q(expires_at=None) | Q(expires_at__gt=clock.now())
    rows = Exclusion.objects.filter(in_force).select_related("monitor", "owner").order_by("-created_at")
    lists = {row.name: row.values for row in NamedList.objects.all()}
    values = {value.lower() for value in entity.values}
    return [
        (row, exclusions.in_words(row.conditions))
        for row in rows[:MAX_EXCLUSIONS]
        if _is_named(row.conditions, kind, values, lists)
    ]


def listed(kind: str = "", limit: int = 50) -> list[Together]:
    """Return what the latest MAX_LISTED alerts name most often, of one kind or of all; rehearsals do not count. Three queries."""
    latest = Alert.objects.filter(rehearsal=None).order_by("-id").values_list("pk", flat=True)[:MAX_LISTED]
    links = AlertEntity.objects.filter(alert__any_of=list(latest))
    return _counted(links.filter(entity__kind=kind) if kind else links, limit)


def search(text: str, kind: str = "") -> list[Entity]:
    """Return at most MAX_FOUND entities whose value or name holds `text` (is it, below LETTERS letters): exactly that one first."""
    exact = {text, text.lower()}
    rows = Entity.objects.filter(kind__in=[kind] if kind else KINDS)
    found = list(rows.filter(value__in=exact))
    holding = Q(words__contains=Upper(Value(text))) if len(text) >= LETTERS else Q(name__iexact=text)
    # in no order: whatever is found first will do, and the newest of a million might be far from the first
    found += rows.filter(holding).exclude(value__in=exact)[: MAX_FOUND - len(found)]
    return sorted(found, key=lambda row: (row.value not in exact, row.value))


def look(entity: Named) -> Look:
    """
    Ask the index for its latest events, and how many came in each hour of the last DAYS days.

    Raises MonitorsError (NothingToAsk where there is nothing to ask for): an index that did not answer is never an empty one.
    """
    if entity.kind == "ip":
        _must_be_address(entity.value)
    now = clock.now()
    profiles = _profiles()
    events: dict[str, dict[str, Any]] = {}
    hours: Counter[datetime] = Counter()
    for profile in profiles:
        answer = opensearch.search(profile.pattern, _body(entity, profile, now), timeout=TIMEOUT_SECONDS)
        if answer["_shards"]["failed"] or answer["timed_out"]:
            raise OpenSearchError("OpenSearch gave only a part of the events.")
        for hit in answer["hits"]["hits"]:
            event = profile.unwrap(hit.get("_source", {}))
            at = when(event.get("published"))
            if at is not None:
                uuid = str(event.get("uuid") or hit.get("_id"))
                events[uuid] = {"t": clock.to_ms(at), "uuid": uuid, **facts.shown(event)}
        for bucket in answer.get("aggregations", {}).get("hours", {}).get("buckets", []):
            hours[clock.from_ms(int(bucket["key"]))] += int(bucket["doc_count"])
    latest = sorted(events.values(), key=lambda event: -event["t"])[:MAX_EVENTS]
    return Look(latest, hours)


def _counted(links: QuerySet[AlertEntity], limit: int) -> list[Together]:
    groups = links.values("entity").annotate(alerts=Count("alert", distinct=True), last=Max("alert__last_seen"))
    found = {row["entity"]: row for row in groups.order_by("-alerts", "-last")[:limit]}
    rows = Entity.objects.in_bulk(found)
    return [Together(rows[pk], row["alerts"], row["last"]) for pk, row in found.items()]


def _latest(entity: Named, limit: int, *, before: int | None = None) -> QuerySet[AlertEntity, int]:
    """Return the numbers of the latest alerts that name it, each once, by the index on (entity, alert)."""
    links = AlertEntity.objects.filter(entity__in=[row.pk for row in entity.rows])
    if before is not None:
        links = links.filter(alert__lt=before)
    return links.order_by("-alert").values_list("alert", flat=True).distinct()[:limit]


def _is_named(
    conditions: Sequence[Mapping[str, Any]], kind: str, values: set[str], lists: Mapping[str, Sequence[str]]
) -> bool:
    for one in conditions:
        if one.get("kind") != kind:
            continue
        said = lists.get(one["list"], ()) if one.get("list") else one.get("values", ())
        if kind == "address" and any(_holds(str(text), values) for text in said):
            return True
        if values & {str(text).lower() for text in said}:
            return True
    return False


def _holds(text: str, values: set[str]) -> bool:
    try:
        network = ipaddress.ip_network(text, strict=False)
        return any(ipaddress.ip_address(value) in network for value in values)
    except ValueError:
        return False


def _must_be_address(value: str) -> None:
    try:
        ipaddress.ip_address(value)
    except ValueError as error:
        raise NothingToAsk("This is no address, so no event can be searched for it.") from error


def _profiles() -> list[Profile]:
    """Return the layout of each index that a monitor searches: one query, and one an index."""
    rows = Monitor.objects.filter(kept__isnull=True).order_by("index_pattern", "pk").distinct("index_pattern")
    found = [monitor.profile() for monitor in rows]
    if not found:
        raise NothingToAsk("No monitor says yet in which index the events lie.")
    return found


def _body(entity: Named, profile: Profile, now: datetime) -> dict[str, Any]:
    time = profile.name("published")
    names = [name for field in FIELDS.get(entity.kind, ()) if (name := profile.find(field))]
    if not names:
        raise NothingToAsk(f"No field of {profile.pattern} names such a thing.")
    since = clock.to_ms(now - timedelta(days=DAYS))
    return {
        "size": MAX_EVENTS,
        "sort": [{time: "desc"}],
        "query": {
            "bool": {
                "filter": [{"range": {time: {"gte": since, "format": "epoch_millis"}}}],
                "should": [{"terms": {name: list(entity.values)}} for name in names],
                "minimum_should_match": 1,
            }
        },
        "aggs": {"hours": {"date_histogram": {"field": time, "fixed_interval": "1h", "min_doc_count": 1}}},
    }
