"""
Which alerts a suppression is about. Pure: conditions joined by *and*, against what an alert holds.

A condition on addresses, countries or applications holds only when *every* one that the alert tells of is named: who is seen in the
office and somewhere else is not hidden by the office. One that tells of none is hidden by no such condition.
"""

import ipaddress
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from core.text import few

NEVER = frozenset({"monitor", "index"})  # alerts about our own faults
MAX_VALUES = 50
MAX_LENGTH = 500
WIDEST = {4: 8, 6: 16}  # bits that a range fixes at least: a wider one is no place

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class RuleError(ValueError):
    """What somebody typed makes no condition; `str()` says why, `kind` of what."""

    def __init__(self, words: str, kind: str = "") -> None:
        super().__init__(words)
        self.kind = kind


@dataclass(frozen=True)
class Kind:
    """What a condition can be about: its name for people (one, many), and what its values look like."""

    label: str
    plural: str
    hint: str


KINDS: Mapping[str, Kind] = {
    "detection": Kind("detection", "detections", "Its title"),
    "entity": Kind(
        "entity", "entities", "Whom or what the alert is about: a login, an Okta id, an address. One a line."
    ),
    "address": Kind(
        "address", "addresses", "203.0.113.7 or 10.0.0.0/8, one a line. Every address of the alert is among them."
    ),
    "country": Kind("country", "countries", "As Okta names it, one a line. Every country of the alert is among them."),
    "application": Kind("application", "applications", "Its id, 0oa…, one a line."),
}


@dataclass(frozen=True)
class Facts:
    """What an alert holds that a condition can be about."""

    detection: str
    entity_type: str
    entity_id: str
    entity_name: str
    addresses: frozenset[str]
    countries: frozenset[str]
    applications: frozenset[str]

    @classmethod
    def of(
        cls,
        *,
        detection: str,
        entity: tuple[str, str, str],
        involved: Iterable[tuple[str, str]],
        countries: Iterable[str],
    ) -> "Facts":
        """Return the facts from the entity's (type, id, name), and the (kind, value) of all that took part."""
        pairs = list(involved)
        kind, identity, name = entity
        return cls(
            detection=detection,
            entity_type=kind,
            entity_id=identity,
            entity_name=name,
            addresses=frozenset(value for one, value in pairs if one == "ip"),
            countries=frozenset(countries),
            applications=frozenset(value for one, value in pairs if one == "app"),
        )

    @property
    def names(self) -> frozenset[str]:
        """What the entity is called, as `folded` gives it: its id, and a user's login."""
        known = {self.entity_id, self.entity_name} if self.entity_type == "user" else {self.entity_id}
        return frozenset(folded(name) for name in known if name)


@dataclass(frozen=True)
class Condition:
    """One thing that an alert says: `kind` is one of KINDS, `values` are alternatives."""

    kind: str
    values: tuple[str, ...]

    def __str__(self) -> str:
        kind = KINDS[self.kind]
        if len(self.values) == 1:
            return f"{kind.label} {self.values[0]}"
        return f"{kind.plural} {few(self.values, 3)}"

    def holds(self, facts: Facts) -> bool:
        """Whether the alert says it."""
        return _HOLDS[self.kind](self, facts)

    @cached_property
    def folded(self) -> frozenset[str]:
        """The values as they are compared."""
        return frozenset(map(folded, self.values))

    @cached_property
    def networks(self) -> tuple[Network, ...]:
        """The values as ranges; of no other kind than addresses."""
        return tuple(ipaddress.ip_network(value) for value in self.values)


@dataclass(frozen=True)
class Rule:
    """Conditions of which all must hold. `exempt` are names, as `folded` gives them, of people whose own alerts it never hides."""

    conditions: tuple[Condition, ...]
    exempt: frozenset[str] = frozenset()

    @classmethod
    def from_json(cls, conditions: Sequence[Mapping[str, Any]], exempt: Iterable[str] = ()) -> "Rule":
        """
        Return the rule that a row keeps, or that somebody typed. Raises RuleError: for no condition beside the detection, a kind that
        there is not, or values that are none.
        """
        found = tuple(Condition(str(one.get("kind")), _values(one)) for one in conditions)
        kinds = [one.kind for one in found]
        if len(set(kinds)) < len(kinds):
            raise RuleError("Each kind of condition stands once; its values are alternatives.")
        if not set(kinds) - {"detection"}:
            raise RuleError("Name whom, where from or what, beside the detection: else all of it would be hidden.")
        return cls(found, frozenset(map(folded, exempt)))

    def to_json(self) -> list[dict[str, Any]]:
        """Return the conditions as a row keeps them."""
        return [{"kind": one.kind, "values": list(one.values)} for one in self.conditions]

    def matches(self, facts: Facts) -> bool:
        """Whether it hides an alert that holds these facts."""
        if facts.entity_type in NEVER or (facts.entity_type == "user" and self.exempt & facts.names):
            return False
        return all(condition.holds(facts) for condition in self.conditions)

    def __str__(self) -> str:
        return " and ".join(map(str, self.conditions))


def folded(text: str) -> str:
    """Return a text as it is compared: small letters, but where others than ASCII's are in it, of which many look alike."""
    return text.lower() if text.isascii() else text


def in_words(conditions: Sequence[Mapping[str, Any]]) -> str:
    """Return what the conditions of a row say."""
    return " and ".join(str(Condition(one["kind"], tuple(one["values"]))) for one in conditions)


def _values(condition: Mapping[str, Any]) -> tuple[str, ...]:
    kind, values = condition.get("kind"), condition.get("values")
    if not isinstance(kind, str) or kind not in KINDS:
        raise RuleError("A suppression cannot be about that.")
    if not isinstance(values, list | tuple) or not values or not all(isinstance(value, str) for value in values):
        raise RuleError("Give a value.", kind)
    found = tuple(dict.fromkeys(_checked(kind, value.strip()) for value in values))
    if len(found) > MAX_VALUES:
        raise RuleError(f"At most {MAX_VALUES} values; make a second suppression for more.", kind)
    return found


def _checked(kind: str, value: str) -> str:
    if not value or len(value) > MAX_LENGTH or "\x00" in value:
        raise RuleError(f"A value has 1 to {MAX_LENGTH} characters.", kind)
    return _range(value) if kind == "address" else value


def _range(value: str) -> str:
    """Return an address or a range in its one spelling."""
    try:
        network = ipaddress.ip_network(value, strict=False)
    except ValueError as error:
        raise RuleError(f"{value[:60]} is no address, and no range such as 10.0.0.0/8.", "address") from error
    least = WIDEST[network.version]
    if network.prefixlen < least:
        raise RuleError(f"{value} is too wide to be a place: name a range of /{least} or narrower.", "address")
    return str(network.network_address) if network.num_addresses == 1 else str(network)


def _detection(condition: Condition, facts: Facts) -> bool:
    return facts.detection in condition.values


def _entity(condition: Condition, facts: Facts) -> bool:
    return not condition.folded.isdisjoint(facts.names)


def _addresses(condition: Condition, facts: Facts) -> bool:
    return bool(facts.addresses) and all(_lies_in(text, condition.networks) for text in facts.addresses)


def _countries(condition: Condition, facts: Facts) -> bool:
    return bool(facts.countries) and condition.folded.issuperset(map(folded, facts.countries))


def _applications(condition: Condition, facts: Facts) -> bool:
    return bool(facts.applications) and facts.applications.issubset(condition.values)


def _lies_in(text: str, networks: Iterable[Network]) -> bool:
    """Whether what an event gives as an address is one, and lies in one of the networks."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return any(address in network for network in networks)


_HOLDS: Mapping[str, Callable[[Condition, Facts], bool]] = {
    "detection": _detection,
    "entity": _entity,
    "address": _addresses,
    "country": _countries,
    "application": _applications,
}
