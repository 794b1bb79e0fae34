"""
How an index lays out Okta's fields. Pure.

Detections name Okta's own fields (`actor.alternateId`); a Profile turns them into what this index holds: a prefix, a keyword
subfield, a geo_point or two floats. Facts about layouts: Okta's and OpenSearch's documentation, `_field_caps` of real indices.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from monitors.errors import MissingField

# What detections and pages read. All are strings in Okta's events but those typed here.
KEYWORDS = (
    "uuid", "eventType", "outcome.result", "outcome.reason", "displayMessage",
    "actor.id", "actor.type", "actor.alternateId", "actor.displayName",
    "client.zone", "client.device", "client.id",
    "client.userAgent.rawUserAgent", "client.userAgent.os", "client.userAgent.browser",
    "client.geographicalContext.city", "client.geographicalContext.state", "client.geographicalContext.country",
    "target.id", "target.type", "target.alternateId", "target.displayName",
    "transaction.id", "transaction.type",
    "authenticationContext.externalSessionId", "authenticationContext.rootSessionId",
    "securityContext.asOrg", "securityContext.isp", "securityContext.domain",
    "device.id", "device.name",
    "debugContext.debugData.dtHash", "debugContext.debugData.factor", "debugContext.debugData.pushOnlyResponseType",
    "debugContext.debugData.requestUri", "debugContext.debugData.risk", "debugContext.debugData.privilegeGranted",
    "debugContext.debugData.threatSuspected", "debugContext.debugData.networkConnection",
    "debugContext.debugData.privilegeRevoked", "debugContext.debugData.grantedScopes", "debugContext.debugData.requestedScopes",
    "debugContext.debugData.pushWithNumberChallengeResponseType", "debugContext.debugData.phoneNumber",
)  # fmt: skip
TYPED = {
    "published": frozenset({"date", "date_nanos"}),
    "client.ipAddress": frozenset({"ip"}),
    "securityContext.asNumber": frozenset({"long", "integer"}),
    "securityContext.isProxy": frozenset({"boolean"}),
    "device.managed": frozenset({"boolean"}),
}
GEOLOCATION = "client.geographicalContext.geolocation"
EXACT = frozenset({"keyword", "constant_keyword", "wildcard", "ip", "boolean", "long", "integer"})


# Filebeat's okta module and Elastic Agent (elastic/integrations, packages/okta): Okta's name to ECS's. What is not here, that
# layout does not hold; rootSessionId among it.
ECS = {
    "uuid": "okta.uuid",
    "published": "@timestamp",
    "eventType": "okta.event_type",
    "displayMessage": "okta.display_message",
    "outcome.result": "okta.outcome.result",
    "outcome.reason": "okta.outcome.reason",
    "actor.id": "okta.actor.id",
    "actor.type": "okta.actor.type",
    "actor.alternateId": "okta.actor.alternate_id",
    "actor.displayName": "okta.actor.display_name",
    "client.ipAddress": "okta.client.ip",
    "client.zone": "okta.client.zone",
    "client.device": "okta.client.device",
    "client.id": "okta.client.id",
    "client.userAgent.rawUserAgent": "okta.client.user_agent.raw_user_agent",
    "client.userAgent.os": "okta.client.user_agent.os",
    "client.userAgent.browser": "okta.client.user_agent.browser",
    "client.geographicalContext.city": "client.geo.city_name",
    "client.geographicalContext.state": "client.geo.region_name",
    "client.geographicalContext.country": "client.geo.country_name",
    GEOLOCATION: "client.geo.location",
    "target.id": "okta.target.id",
    "target.type": "okta.target.type",
    "target.alternateId": "okta.target.alternate_id",
    "target.displayName": "okta.target.display_name",
    "transaction.id": "okta.transaction.id",
    "transaction.type": "okta.transaction.type",
    "authenticationContext.externalSessionId": "okta.authentication_context.external_session_id",
    "securityContext.asNumber": "okta.security_context.as.number",
    "securityContext.asOrg": "okta.security_context.as.organization.name",
    "securityContext.isp": "okta.security_context.isp",
    "securityContext.domain": "okta.security_context.domain",
    "securityContext.isProxy": "okta.security_context.is_proxy",
    "device.id": "okta.device.id",
    "device.name": "okta.device.name",
    "device.managed": "okta.device.managed",
    "debugContext.debugData.dtHash": "okta.debug_context.debug_data.dt_hash",
    "debugContext.debugData.factor": "okta.debug_context.debug_data.factor",
    "debugContext.debugData.requestUri": "okta.debug_context.debug_data.request_uri",
    "debugContext.debugData.risk": "okta.debug_context.debug_data.risk_level",
    "debugContext.debugData.threatSuspected": "okta.debug_context.debug_data.threat_suspected",
}


@dataclass(frozen=True)
class Profile:
    """
    Where Okta's fields are found in one index pattern.

    `names` maps an Okta field to the name to query and read doc values by; `point` names a geo_point, or `lat`/`lon` two floats.
    `prefix` (with its dot) stands before Okta's path in `_source`.
    """

    pattern: str
    names: Mapping[str, str]
    prefix: str = ""
    point: str | None = None
    lat: str | None = None
    lon: str | None = None
    conflicts: tuple[str, ...] = field(default=())
    ecs: bool = False

    def name(self, okta_field: str) -> str:
        """Return the name to query `okta_field` by. Raises MissingField when the index has none."""
        found = self.names.get(okta_field)
        if found is None:
            raise MissingField(okta_field, self.pattern)
        return found

    def find(self, okta_field: str) -> str | None:
        """Return the name to query `okta_field` by, or None."""
        return self.names.get(okta_field)

    def unwrap(self, source: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the Okta event in a document's `_source`: without the wrapper that `prefix` names, and in Okta's own names."""
        if self.ecs:
            return _from_ecs(source)
        event: Any = source
        for part in self.prefix.rstrip(".").split("."):
            if part and isinstance(event, Mapping) and isinstance(event.get(part), Mapping):
                event = event[part]
        return event if isinstance(event, Mapping) else {}

    def to_json(self) -> dict[str, Any]:
        """Return the profile as it is stored, and as it enters a monitor's hash."""
        return {
            "pattern": self.pattern,
            "prefix": self.prefix,
            "names": dict(sorted(self.names.items())),
            "point": self.point,
            "lat": self.lat,
            "lon": self.lon,
            "conflicts": list(self.conflicts),
            "ecs": self.ecs,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Profile":
        """Return the profile that `to_json` wrote."""
        return cls(**{**data, "conflicts": tuple(data["conflicts"])})


def template_profile(pattern: str) -> Profile:
    """Return the layout of our own index template, which an index that does not exist yet will get."""
    return Profile(pattern=pattern, names={name: name for name in (*KEYWORDS, *TYPED)}, point=GEOLOCATION)


def learn(pattern: str, field_caps: Mapping[str, Mapping[str, Any]]) -> Profile:
    """
    Return the layout told by `fields` of a `_field_caps` answer: {name: {type: {...}}}.

    Without any field (no index yet) it is our template's. Fields of two types on different days are listed in `conflicts`.
    """
    types = {name: set(by_type) - {"unmapped"} for name, by_type in field_caps.items()}
    prefix = _prefix(types)
    ecs = prefix is None and ECS["eventType"] in types
    if prefix is None and not ecs:
        return template_profile(pattern)
    prefix = prefix or ""
    names = {}
    for okta_field in (*KEYWORDS, *TYPED):
        lies_at = ECS.get(okta_field) if ecs else prefix + okta_field
        found = _exact_name(lies_at, types, TYPED.get(okta_field, frozenset())) if lies_at else None
        if found is not None:
            names[okta_field] = found
    place = ECS[GEOLOCATION] if ecs else prefix + GEOLOCATION
    point = place if types.get(place) == {"geo_point"} else None
    floats = point is None and bool(types.get(f"{place}.lat")) and bool(types.get(f"{place}.lon"))
    return Profile(
        pattern=pattern,
        prefix=prefix,
        names=names,
        point=point,
        lat=f"{place}.lat" if floats else None,
        lon=f"{place}.lon" if floats else None,
        conflicts=tuple(sorted(name for name, kinds in types.items() if len(kinds) > 1 and name.startswith(prefix))),
        ecs=ecs,
    )


def lacks(profile: Profile, needed: Iterable[str]) -> list[str]:
    """Return those of the `needed` Okta fields that the index does not hold."""
    has_place = profile.point is not None or profile.lat is not None
    return [name for name in needed if not (has_place if name == GEOLOCATION else profile.find(name))]


def used(profile: Profile, text: str) -> dict[str, str]:
    """Return those of the profile's names that a search's text mentions: what it breaks on when the index lays them out otherwise."""
    names = {**profile.names, **({GEOLOCATION: profile.point} if profile.point else {})}
    return {field: name for field, name in names.items() if re.search(rf"(?<![\w.]){re.escape(name)}(?![\w.])", text)}


def asked_of(layout: Mapping[str, str]) -> list[str]:
    """Return the names to ask `_field_caps` about, for `moved`."""
    return sorted({name for okta_field, found in layout.items() for name in (found, _elsewhere(okta_field, found))})


def moved(layout: Mapping[str, str], field_caps: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """
    Return the Okta fields that no longer hold exact values under their names, {field: name}, though the index holds them.

    A field that no event has yet is nowhere in a mapping that grows with events; that is no fault.
    """
    types = {name: set(by_type) - {"unmapped"} for name, by_type in field_caps.items()}
    found = []
    for okta_field, name in layout.items():
        own = types.get(name, set())
        wanted = {"geo_point"} if okta_field == GEOLOCATION else TYPED.get(okta_field, frozenset()) | EXACT
        if not own <= wanted or (not own and types.get(_elsewhere(okta_field, name))):
            found.append(okta_field)
    return found


def _elsewhere(okta_field: str, name: str) -> str:
    """Return under which other name its values would lie: the field for its keyword subfield and the reverse, two floats for a point."""
    if okta_field == GEOLOCATION:
        return f"{name}.lat"
    return name.removesuffix(".keyword") if name.endswith(".keyword") else f"{name}.keyword"


def _from_ecs(source: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the Okta event of an ECS document: the original where it was kept, else what its fields say."""
    original = source.get("event", {}).get("original") if isinstance(source.get("event"), Mapping) else None
    if isinstance(original, str):
        try:
            event = json.loads(original)
        except ValueError:
            event = None
        if isinstance(event, Mapping):
            return event
    found: dict[str, Any] = {}
    for okta_field, path in ECS.items():
        if not okta_field.startswith("target."):
            _put(found, okta_field, _get(source, path))
    rows = _get(source, "okta.target")
    rows = rows if isinstance(rows, list) else [rows]
    names = {"id": "id", "type": "type", "alternate_id": "alternateId", "display_name": "displayName"}
    found["target"] = [
        {okta: row.get(theirs) for theirs, okta in names.items()} for row in rows if isinstance(row, Mapping)
    ]
    return found


def _get(source: Any, path: str) -> Any:
    for step in path.split("."):
        source = source.get(step) if isinstance(source, Mapping) else None
    return source


def _put(event: dict[str, Any], path: str, value: Any) -> None:
    *steps, last = path.split(".")
    for step in steps:
        event = event.setdefault(step, {})
    event[last] = value


def _prefix(types: Mapping[str, set[str]]) -> str | None:
    """Return what stands before `eventType` (the shortest, "" in most indices), or None when no field ends so."""
    found = sorted(
        (name.removesuffix("eventType") for name in types if name == "eventType" or name.endswith(".eventType")),
        key=len,
    )
    return found[0] if found else None


def _exact_name(name: str, types: Mapping[str, set[str]], wanted: frozenset[str]) -> str | None:
    """Return the field under which `name` holds exact values: itself, or its keyword subfield."""
    own = types.get(name, set())
    if own and own <= (wanted | EXACT):
        return name
    if f"{name}.keyword" in types:
        return f"{name}.keyword"
    return None
