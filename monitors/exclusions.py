"""
Who or what a monitor leaves out, as clauses of its search. Pure.

The conditions of one exclusion are joined by *and*: "the CEO on the office network" leaves out neither the CEO elsewhere nor others
there. A long list never passes the plugin's template: it lies in a document named by the hash of its content, and the search looks it up.
"""

import hashlib
import ipaddress
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from core.text import few
from monitors.errors import DefinitionError
from monitors.profiles import Profile

LISTS_INDEX = "oktadetect-lists"
LONG = 200  # values; a monitor's whole search must fit 65,535 bytes
MAX_RANGES = 400  # each is 64 digits of the search; a list of them cannot be looked up by a script
WITHIN = Path(__file__).parent / "painless" / "within.painless"


@dataclass(frozen=True)
class Kind:
    """What a condition can be about: its name for people (one, many), the Okta fields that say it, and what its values look like."""

    label: str
    plural: str
    fields: tuple[str, ...]
    hint: str
    target_type: str = ""  # of what type one of the event's targets must be


# One of several fields is enough. The ids of groups and applications are unlike all others, but their names are not.
KINDS: Mapping[str, Kind] = {
    "user": Kind("User", "users", ("actor.id", "actor.alternateId"), "Okta id or login of who acts: anna@example.com"),
    "address": Kind(
        "Address or range", "addresses", ("client.ipAddress",), "203.0.113.7, 10.0.0.0/8, 2001:db8::/32"
    ),
    "network": Kind("Network (ASN)", "networks", ("securityContext.asNumber",), "Number of the network: 64500"),
    "zone": Kind("Zone", "zones", ("client.zone",), "Name of an Okta network zone"),
    "country": Kind("Country", "countries", ("client.geographicalContext.country",), "As Okta names it: Germany"),
    "device": Kind("Device", "devices", ("device.id", "debugContext.debugData.dtHash"), "Id of a device, or dtHash"),
    "agent": Kind("Agent", "agents", ("client.userAgent.rawUserAgent",), "The whole User-Agent header"),
    "group": Kind("Target group", "groups", ("target.id", "target.displayName"), "Id or name: 00g…, VPN users", "UserGroup"),
    "application": Kind(
        "Application", "applications", ("target.id", "target.displayName"), "Id or name: 0oa…, Salesforce", "AppInstance"
    ),
    "target": Kind(
        "Other target", "targets", ("target.id", "target.alternateId", "target.displayName"), "Id, login or name"
    ),
}  # fmt: skip
LONE = frozenset({"user"})  # alone it leaves out everything that somebody ever does


@dataclass(frozen=True)
class Condition:
    """One thing that an event says: `kind` is one of KINDS, `values` are alternatives, of the list that is named, if any."""

    kind: str
    values: tuple[str, ...]
    named: str = ""

    def __str__(self) -> str:
        kind = KINDS[self.kind]
        if self.named:
            return f"{kind.plural} of the list {self.named}"
        label = kind.label[:1].lower() + kind.label[1:]
        if len(self.values) == 1:
            return f"{label} {self.values[0]}"
        return f"{kind.plural} {few(self.values, 3)}"


@dataclass(frozen=True)
class Exclusion:
    """What is left out: events for which every condition holds."""

    conditions: tuple[Condition, ...]

    @classmethod
    def from_json(
        cls, conditions: Sequence[Mapping[str, Any]], lists: Mapping[str, Sequence[str]] | None = None
    ) -> "Exclusion":
        """
        Return the exclusion that a row keeps; `lists` are the values of the lists that conditions name.

        Raises DefinitionError for a kind, a list or values that are none.
        """
        found = []
        for one in conditions:
            kind, named = str(one.get("kind")), one.get("list", "")
            if kind not in KINDS:
                raise DefinitionError(f"An exclusion cannot be about {kind!r}.")
            values = one.get("values")
            if named:
                if named not in (lists or {}):
                    raise DefinitionError(f"There is no list {named}.")
                values = list((lists or {})[named])
            elif not values:
                raise DefinitionError(f"An exclusion about {kind} names no values.")
            if not isinstance(values, list) or not all(isinstance(value, str) and value for value in values):
                raise DefinitionError(f"An exclusion about {kind} names no values.")
            found.append(Condition(kind, tuple(sorted({check(kind, value) for value in values})), named))
        if not found:
            raise DefinitionError("An exclusion without a condition would leave out everything.")
        return cls(tuple(found))

    @property
    def is_lone(self) -> bool:
        """Whether it leaves out everything that somebody ever does."""
        return all(condition.kind in LONE for condition in self.conditions)

    def __str__(self) -> str:
        return " and ".join(map(str, self.conditions))


def in_words(conditions: Sequence[Mapping[str, Any]]) -> str:
    """Return what conditions say, without asking what their lists hold."""
    return " and ".join(
        str(Condition(one["kind"], tuple(one.get("values", ())), one.get("list", ""))) for one in conditions
    )


def check(kind: str, value: str) -> str:
    """Return the value as the search takes it. Raises DefinitionError for one that would fail the search: no address, no number."""
    if kind == "address":
        try:
            return str(ipaddress.ip_network(value, strict=False)) if "/" in value else str(ipaddress.ip_address(value))
        except ValueError as error:
            raise DefinitionError(f"{value} is no address, and no range such as 10.0.0.0/8.") from error
    if kind == "network":
        number = value.upper().removeprefix("AS").strip()
        if not (number.isascii() and number.isdecimal()) or int(number) >= 2**32:
            raise DefinitionError(f"{value} is no number of a network, such as 64500.")
        return str(int(number))
    return value


def clause(exclusion: Exclusion, profile: Profile) -> dict[str, Any] | None:
    """
    Return the `must_not` of an exclusion.

    None where nothing can match it: the index lacks what a condition is about, or its list is empty. Raises DefinitionError
    for more ranges than a search can hold.
    """
    filters: list[dict[str, Any]] = []
    for condition in exclusion.conditions:
        kind = KINDS[condition.kind]
        names = [found for name in kind.fields if (found := profile.find(name))]
        if not names or not condition.values:
            return None
        if kind.target_type:
            type_name = profile.find("target.type")
            if type_name is None:
                return None
            filters.append({"term": {type_name: kind.target_type}})
        filters.append(_either(_addresses(names[0], condition) if condition.kind == "address" else [
            {"terms": {name: _values(condition.values)}} for name in names
        ]))  # fmt: skip
    return {"bool": {"must_not": [filters[0] if len(filters) == 1 else {"bool": {"filter": filters}}]}}


def documents(exclusions: Iterable[Exclusion]) -> dict[str, list[str]]:
    """Return the lists that must lie in LISTS_INDEX before the search runs: document id to values."""
    found = {}
    for exclusion in exclusions:
        for condition in exclusion.conditions:
            values = _exact(condition) if condition.kind == "address" else condition.values
            if len(values) > LONG:
                found[list_id(values)] = list(values)
    return found


def list_id(values: Sequence[str]) -> str:
    """Return the name of a list: the hash of its content, so that a list once written never changes."""
    return hashlib.sha256(json.dumps(sorted(values), ensure_ascii=False).encode("utf-8", "surrogatepass")).hexdigest()


def _either(clauses: list[dict[str, Any]]) -> dict[str, Any]:
    return clauses[0] if len(clauses) == 1 else {"bool": {"should": clauses, "minimum_should_match": 1}}


def _values(values: Sequence[str]) -> Any:
    if len(values) > LONG:
        return {"index": LISTS_INDEX, "id": list_id(values), "path": "values"}
    return list(values)


def _exact(condition: Condition) -> tuple[str, ...]:
    """Return the IPv4 addresses, which have one spelling only: a keyword can hold no other."""
    return tuple(value for value in condition.values if "/" not in value and ":" not in value)


def _addresses(name: str, condition: Condition) -> list[dict[str, Any]]:
    """Return terms for plain addresses, and the one script for ranges, which is right whatever the field's type."""
    exact = _exact(condition)
    ranges = _joined(value for value in condition.values if value not in set(exact))
    if len(ranges) > MAX_RANGES:
        raise DefinitionError(
            f"A condition holds {len(ranges)} ranges of addresses that do not touch; a search can hold {MAX_RANGES}. "
            "Join or leave out some, or name networks by their ASN."
        )
    clauses: list[dict[str, Any]] = [{"terms": {name: _values(exact)}}] if exact else []
    if ranges:
        first, last = ([f"{end:032x}" for end in ends] for ends in zip(*ranges, strict=True))
        params = {"field": name, "first": first, "last": last}
        clauses.append({"script": {"script": {"lang": "painless", "source": _within(), "params": params}}})
    return clauses


def _joined(values: Iterable[str]) -> list[tuple[int, int]]:
    """Return the ranges as first and last number, sorted, those that touch joined. IPv4 lies at ::ffff:0:0/96."""
    found: list[tuple[int, int]] = []
    for first, last in sorted(map(_ends, values)):
        if found and first <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(found[-1][1], last))
        else:
            found.append((first, last))
    return found


def _ends(value: str) -> tuple[int, int]:
    network = ipaddress.ip_network(value)
    offset = 0xFFFF << 32 if network.version == 4 else 0
    return int(network.network_address) + offset, int(network.broadcast_address) + offset


@cache
def _within() -> str:
    return WITHIN.read_text()
