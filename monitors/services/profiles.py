"""Learning how an index is laid out, and what it can serve."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from core import activity, clock
from core.models import Person
from monitors import opensearch, profiles
from monitors.models import IndexProfile, every_detection
from monitors.profiles import Profile

SAMPLE_EVENTS = 500


@dataclass(frozen=True)
class Serving:
    """Whether an index can serve a detection: the Okta fields that it `lacks`, and the event types that it was never seen to hold."""

    detection: str
    title: str
    lacks: tuple[str, ...]
    unseen: tuple[str, ...]


def learn(pattern: str) -> IndexProfile:
    """
    Read the index and keep its layout; what a person corrected stays corrected. Raises OpenSearchError, and then keeps what was known.
    """
    learnt = profiles.learn(pattern, opensearch.field_caps(pattern))
    row, _ = IndexProfile.objects.update_or_create(
        pattern=pattern, defaults={"learnt": learnt.to_json(), "learnt_at": clock.now()}
    )
    return row


@transaction.atomic
def correct(row: IndexProfile, corrections: Mapping[str, str], *, by: Person | str) -> None:
    """Say under which names some Okta fields really lie; it goes over whatever is learnt, until it is taken back."""
    before = row.corrections
    row.corrections = {name: found for name, found in corrections.items() if found}
    row.save(update_fields=["corrections"])
    activity.record("profile.corrected", row, by=by, was=before, now=row.corrections)


def sample(pattern: str, profile: Profile) -> dict[str, int]:
    """Return how many of the newest events hold each Okta field, out of "events": what `_field_caps` cannot say."""
    time = profile.find("published")
    body: dict[str, Any] = {"size": SAMPLE_EVENTS, **({"sort": [{time: "desc"}]} if time else {})}
    hits = opensearch.search(pattern, body, timeout=30)["hits"]["hits"]
    found = {"events": len(hits)}
    for hit in hits:
        event = profile.unwrap(hit["_source"])
        for name in (*profiles.KEYWORDS, *profiles.TYPED, profiles.GEOLOCATION):
            found[name] = found.get(name, 0) + (_holds(event, name) is not None)
    return found


def _holds(event: Mapping[str, Any], name: str) -> Any:
    value: Any = event
    for step in name.split("."):
        if isinstance(value, list):
            value = value[0] if value else None
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


def serving(profile: Profile, held: set[str]) -> list[Serving]:
    """Return for each detection what this index lacks for it, and which of its event types were never seen."""
    return [
        Serving(
            detection=one.id,
            title=one.title,
            lacks=tuple(profiles.lacks(profile, one.needs())),
            unseen=tuple(kind for kind in one.event_types() if kind not in held) if held else (),
        )
        for one in every_detection()
    ]
