"""
Who or what a monitor leaves out, as clauses of its search. Pure.

The conditions of one exclusion are joined by *and*: "the CEO on the office network" leaves out neither the CEO elsewhere nor others
there. A long list never passes the plugin's template: it lies in a document named by the hash of its content, and the search looks it up.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from monitors.errors import DefinitionError
from monitors.profiles import Profile

LISTS_INDEX = "oktadetect-lists"
LONG = 200  # values; a monitor's whole search must fit 65,535 bytes

# What can be said of an event, and the Okta fields that say it; one of several is enough.
KINDS: Mapping[str, tuple[str, ...]] = {
    "user": ("actor.id", "actor.alternateId"),
    "address": ("client.ipAddress",),
    "network": ("securityContext.asNumber",),
    "zone": ("client.zone",),
    "country": ("client.geographicalContext.country",),
    "device": ("device.id", "debugContext.debugData.dtHash"),
    "target": ("target.id", "target.alternateId", "target.displayName"),
    "agent": ("client.userAgent.rawUserAgent",),
}


@dataclass(frozen=True)
class Condition:
    """One thing that an event says: `kind` is one of KINDS, `values` are alternatives."""

    kind: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Exclusion:
    """What is left out: events for which every condition holds."""

    conditions: tuple[Condition, ...]

    @classmethod
    def from_json(cls, conditions: Sequence[Mapping[str, Any]]) -> "Exclusion":
        """Return the exclusion that a row keeps. Raises DefinitionError for a kind or values that are none."""
        found = []
        for one in conditions:
            values = one.get("values")
            if one.get("kind") not in KINDS:
                raise DefinitionError(f"An exclusion cannot be about {one.get('kind')!r}.")
            if (
                not isinstance(values, list)
                or not values
                or not all(isinstance(value, str) and value for value in values)
            ):
                raise DefinitionError(f"An exclusion about {one['kind']} names no values.")
            found.append(Condition(one["kind"], tuple(sorted(set(values)))))
        if not found:
            raise DefinitionError("An exclusion without a condition would leave out everything.")
        return cls(tuple(found))


def clause(exclusion: Exclusion, profile: Profile) -> dict[str, Any] | None:
    """Return the `must_not` of an exclusion; None where the index lacks what a condition is about, and so nothing can match it."""
    filters = []
    for condition in exclusion.conditions:
        names = [found for name in KINDS[condition.kind] if (found := profile.find(name))]
        if not names:
            return None
        should = [{"terms": {name: _values(condition)}} for name in names]
        filters.append(should[0] if len(should) == 1 else {"bool": {"should": should, "minimum_should_match": 1}})
    return {"bool": {"must_not": [filters[0] if len(filters) == 1 else {"bool": {"filter": filters}}]}}


def documents(exclusions: Iterable[Exclusion]) -> dict[str, list[str]]:
    """Return the lists that must lie in LISTS_INDEX before the search runs: document id to values."""
    return {
        list_id(condition.values): list(condition.values)
        for exclusion in exclusions
        for condition in exclusion.conditions
        if len(condition.values) > LONG
    }


def list_id(values: Sequence[str]) -> str:
    """Return the name of a list: the hash of its content, so that a list once written never changes."""
    return hashlib.sha256(json.dumps(sorted(values), ensure_ascii=False).encode("utf-8", "surrogatepass")).hexdigest()


def _values(condition: Condition) -> Any:
    if len(condition.values) > LONG:
        return {"index": LISTS_INDEX, "id": list_id(condition.values), "path": "values"}
    return list(condition.values)
