"""
Which events an index holds, against what detections need: a detection whose events never come is blind, and nobody would notice.

Read once an hour: all 30 days the first time, then from the day before the last reading on.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog

from core import clock
from core.text import few
from monitors import opensearch
from monitors.definitions import Definition
from monitors.errors import MonitorsError, OpenSearchError
from monitors.models import IndexProfile, Monitor
from monitors.profiles import Profile
from monitors.services import profiles

log = structlog.get_logger(__name__)

DAYS = 30
TIMEOUT_SECONDS = 60.0
MAX_TYPES = 2_000  # Okta knows about 900
BUSY = 20  # events of an hour, below which a silent hour beside it says nothing
REGULAR_DAYS = (
    5  # on so many days a type was seen, on most of those between the first and the last, to be missed when it stops
)
NAMED = 4  # event types that a sentence names
GONE_AFTER = timedelta(days=3)

# Okta's own catalogue of event types marks what only Identity Engine writes; these are the common ones, and those of Classic.
IDENTITY_ENGINE = (
    "device.enrollment.", "device.lifecycle.", "policy.auth_reevaluate.", "security.authenticator.", "app.oauth2.interact.",
    "user.session.context.change",
)  # fmt: skip
CLASSIC = ("user.mfa.okta_verify", "system.mfa.factor.", "application.policy.sign_on.deny_access")


@dataclass(frozen=True)
class Need:
    """Whether a detection's events come: the types that were `never` seen, and those that stopped, with the day they were seen last."""

    never: tuple[str, ...]
    stopped: Mapping[str, str]
    blind: bool

    def sentences(self, pattern: str) -> list[str]:
        """Return what there is to say, each with its likely causes; empty when all comes."""
        said = []
        if self.never:
            cause = "; ".join(dict.fromkeys(_cause(name) for name in self.never))
            said.append(f"It needs {few(self.never, NAMED)}: never seen in {pattern} in {DAYS} days. {cause}.")
        said += [
            f"{name} was seen regularly until {day} and not since: look whether the pipeline drops it."
            for name, day in self.stopped.items()
        ]
        return said


def _cause(name: str) -> str:
    if name.startswith(IDENTITY_ENGINE):
        return "Only Identity Engine writes it, or the pipeline drops it"
    if name.startswith(CLASSIC):
        return "Only Classic Engine writes it, or the pipeline drops it"
    return "It did not happen, or the pipeline drops it"


def read(pattern: str) -> IndexProfile:
    """Read what came since, keep it, and return the row. Raises OpenSearchError; then what was known stays."""
    row = IndexProfile.objects.filter(pattern=pattern).first() or profiles.learn(pattern)
    profile, now = row.profile(), clock.now()
    first = now - timedelta(days=DAYS)
    since = max(first, row.event_types_at - timedelta(days=1)) if row.event_types_at and row.event_types else first
    since = since.replace(hour=0, minute=0, second=0, microsecond=0)
    found, hours = _ask(pattern, profile, since, now)
    row.event_types = _merged(row.event_types, found, since, first)
    row.event_gaps = [hour.isoformat() for hour in silent_hours(hours)]
    row.event_types_at = now
    newest = max((kind["last"] for kind in row.event_types.values()), default=None)
    row.newest_event_at = datetime.fromisoformat(newest) if newest else row.newest_event_at
    row.save(update_fields=["event_types", "event_gaps", "event_types_at", "newest_event_at"])
    return row


def read_all() -> None:
    """Read every index that a monitor searches; one that fails is tried again the next time, and holds up no other."""
    for pattern in Monitor.objects.order_by("index_pattern").values_list("index_pattern", flat=True).distinct():
        try:
            read(pattern)
        except MonitorsError as error:
            log.warning("event_types_not_read", pattern=pattern, error=str(error))


def need(definition: Definition, row: IndexProfile) -> Need:
    """Return how the detection's events come in this index, as it was last read."""
    wanted = definition.event_types()
    held = row.event_types
    if not held or row.event_types_at is None:
        return Need((), {}, blind=False)
    never = tuple(name for name in wanted if name not in held)
    stopped = {
        name: held[name]["last"][:10] for name in wanted if name in held and _stopped(held[name], row.event_types_at)
    }
    return Need(never, stopped, blind=(bool(wanted) and len(never) == len(wanted)) or _stage_blind(definition, held))


def _stage_blind(definition: Definition, held: Mapping[str, Any]) -> bool:
    """Whether a stage, without which there is no finding, asks only for what never comes."""
    context = definition.settings.get("context")
    for stage in definition.stages:
        types = [
            set(one.values)
            for conditions in stage.alternatives
            for one in conditions
            if one.field == "eventType" and one.how == "is" and not one.negated
        ]
        if stage.name != context and len(types) == len(stage.alternatives) and not set().union(*types) & held.keys():
            return True
    return False


def engine(held: Iterable[str]) -> str:
    """Return which of Okta's engines the tenant seems to be, by the types that only one of them writes; empty when none says."""
    names = list(held)
    identity = sum(name.startswith(IDENTITY_ENGINE) for name in names)
    classic = sum(name.startswith(CLASSIC) for name in names)
    if identity:
        return "Identity Engine"
    return "Classic Engine" if classic else ""


def stopped(row: IndexProfile) -> dict[str, str]:
    """Return the types that came regularly and stopped, with the day they were seen last: a gap in the pipeline, or a change in Okta."""
    if row.event_types_at is None:
        return {}
    return {name: kind["last"][:10] for name, kind in row.event_types.items() if _stopped(kind, row.event_types_at)}


def _stopped(kind: Mapping[str, Any], now: datetime) -> bool:
    days = sorted(kind["days"])
    if len(days) < REGULAR_DAYS or now - datetime.fromisoformat(kind["last"]) < GONE_AFTER:
        return False
    whole = (datetime.fromisoformat(days[-1]) - datetime.fromisoformat(days[0])).days + 1
    return len(days) >= 0.8 * whole


def silent_hours(hours: Mapping[datetime, int]) -> list[datetime]:
    """Return the hours without an event whose neighbours on both sides were busy."""
    step = timedelta(hours=1)
    return [
        hour
        for hour, count in sorted(hours.items())
        if count == 0 and min(hours.get(hour - step, 0), hours.get(hour + step, 0)) >= BUSY
    ]


def _ask(
    pattern: str, profile: Profile, since: datetime, now: datetime
) -> tuple[dict[str, dict[str, Any]], dict[datetime, int]]:
    """Return the types of `since` to `now` as they are kept, and the events of each hour of the last two days. Raises OpenSearchError."""
    time, kind = profile.name("published"), profile.find("eventType")
    if kind is None:
        return {}, {}

    def between(start: datetime) -> dict[str, Any]:
        return {"range": {time: {"gte": clock.to_ms(start), "lte": clock.to_ms(now), "format": "epoch_millis"}}}

    days = {"date_histogram": {"field": time, "calendar_interval": "day", "min_doc_count": 1, "format": "yyyy-MM-dd"}}
    types = {
        "terms": {"field": kind, "size": MAX_TYPES},
        "aggs": {"days": days, "last": {"max": {"field": time}}},
    }
    hourly = {"date_histogram": {"field": time, "fixed_interval": "1h", "min_doc_count": 0}}
    body = {
        "size": 0,
        "query": between(since),
        "aggs": {
            "types": types,
            "recent": {"filter": between(max(since, now - timedelta(days=2))), "aggs": {"hours": hourly}},
        },
    }
    answer = opensearch.search(pattern, body, timeout=TIMEOUT_SECONDS)
    if answer["_shards"]["failed"] or answer["timed_out"]:
        raise OpenSearchError("OpenSearch gave only a part of the event types.")
    told = answer.get("aggregations", {})
    found = {
        str(bucket["key"]): {
            "days": {day["key_as_string"]: day["doc_count"] for day in bucket["days"]["buckets"]},
            "last": clock.from_ms(int(bucket["last"]["value"])).isoformat(),
        }
        for bucket in told.get("types", {}).get("buckets", [])
    }
    hours = {
        datetime.fromtimestamp(bucket["key"] / 1000, UTC): int(bucket["doc_count"])
        for bucket in told.get("recent", {}).get("hours", {}).get("buckets", [])
    }
    return found, hours


def _merged(
    before: Mapping[str, Mapping[str, Any]], found: Mapping[str, Mapping[str, Any]], since: datetime, first: datetime
) -> dict[str, dict[str, Any]]:
    """Return what was known up to `since` with what was read from there on; what is older than `first` is forgotten."""
    merged: dict[str, dict[str, Any]] = {}
    for name in sorted({*before, *found}):
        old, new = before.get(name, {}), found.get(name, {})
        kept = {
            day: count for day, count in old.get("days", {}).items() if f"{first:%Y-%m-%d}" <= day < f"{since:%Y-%m-%d}"
        }
        days = {**kept, **new.get("days", {})}
        if days:
            last = new.get("last") or old["last"]
            merged[name] = {"events": sum(days.values()), "last": last, "days": days}
    return merged
