"""
A detection's own test events, from the few words of its file to whole System Log events. Pure.

Every event of a test lies before the end of the search's period; what the file does not say is filled in as an everyday event.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from monitors.definitions import Definition
from monitors.errors import DefinitionError

PLACES: Mapping[str, Mapping[str, Any]] = {
    "Berlin": {"city": "Berlin", "country": "Germany", "geolocation": {"lat": 52.52, "lon": 13.405}},
    "Hamburg": {"city": "Hamburg", "country": "Germany", "geolocation": {"lat": 53.5511, "lon": 9.9937}},
    "Singapore": {"city": "Singapore", "country": "Singapore", "geolocation": {"lat": 1.3521, "lon": 103.8198}},
    "New York": {"city": "New York", "country": "United States", "geolocation": {"lat": 40.7128, "lon": -74.006}},
    "Sydney": {"city": "Sydney", "country": "Australia", "geolocation": {"lat": -33.8688, "lon": 151.2093}},
    "none": {"city": None, "country": None, "geolocation": None},
    "zero": {"city": None, "country": None, "geolocation": {"lat": 0.0, "lon": 0.0}},
}
UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86_400}
KINDS = {
    "user": ("User", "00u"),
    "group": ("UserGroup", "00g"),
    "app": ("AppInstance", "0oa"),
    "role": ("ROLE", "role"),
}
AGENT = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 Chrome/142.0.0.0 Safari/537.36"


@dataclass(frozen=True)
class Case:
    """One test of a detection: `fires` findings over `events`, the first about `entity`, of `severity`, saying `says`."""

    name: str
    events: tuple[Mapping[str, Any], ...]
    fires: int = 1
    entity: str = ""
    severity: int | None = None
    says: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)
    look_alike: bool = False
    needs: tuple[str, ...] = ()


def cases(definition: Definition, end: datetime) -> list[Case]:
    """Return the tests of a detection with their events laid before `end`. Raises DefinitionError."""
    return [
        Case(
            name=told["name"],
            events=tuple(
                event
                for position, row in enumerate(told["events"])
                for event in _row(definition, number, position, row, end)
            ),
            **{key: value for key, value in told.items() if key not in {"name", "events"}},
        )
        for number, told in enumerate(definition.raw["tests"])
    ]


def _row(
    definition: Definition, number: int, position: int, told: Mapping[str, Any], end: datetime
) -> list[dict[str, Any]]:
    start, step = end - span(told["at"][1:]), span(told.get("every", "1m"))
    rows = []
    for n in range(told.get("times", 1)):
        at = start + step * n
        if at > end:
            raise DefinitionError(f"{definition.id}: test {number}: an event lies after the period's end.")
        uuid = str(uuid5(NAMESPACE_URL, f"{definition.id}/{number}/{position}/{n}/{end.isoformat()}"))
        rows.append(event(_numbered(told, n), at, uuid))
    return rows


def span(text: str) -> timedelta:
    """Return the time that "50m", "3s", "250ms", "1.5h" or "2d" say."""
    amount, unit = re.fullmatch(r"([0-9.]+)(ms|s|m|h|d)", text).groups()  # type: ignore[union-attr]  # the schema holds it to this form
    return timedelta(seconds=float(amount) * UNITS[unit])


def event(told: Mapping[str, Any], at: datetime, uuid: str) -> dict[str, Any]:
    """Return a whole event of what a test tells of it."""
    user = told.get("user", "anna")
    made: dict[str, Any] = {
        "uuid": uuid,
        "published": at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "eventType": told["type"],
        "version": "0",
        "severity": "INFO",
        "displayMessage": told["type"],
        "actor": {
            "id": f"00u{user}",
            "type": "User",
            "alternateId": f"{user}@example.com",
            "displayName": user.title(),
        },
        "client": {
            "ipAddress": told.get("ip", "203.0.113.7"),
            "zone": "null",
            "device": "Computer",
            "id": None,
            "userAgent": {"rawUserAgent": AGENT, "os": "Mac OS X", "browser": "CHROME"},
            "geographicalContext": {**PLACES[told.get("place", "Berlin")], "state": None, "postalCode": None},
        },
        "outcome": {"result": told.get("result", "SUCCESS"), "reason": told.get("reason")},
        "target": [_target(text) for text in told.get("targets", ())],
        "transaction": {"type": "WEB", "id": uuid, "detail": {}},
        "authenticationContext": {
            "externalSessionId": f"idx-{user}",
            "rootSessionId": f"idx-{user}",
            "authenticationStep": 0,
        },
        "securityContext": {
            "asNumber": 3320,
            "asOrg": "Deutsche Telekom",
            "isp": "Deutsche Telekom",
            "domain": None,
            "isProxy": False,
        },
        "device": {"id": f"guo{user}", "managed": True, "name": f"{user}'s laptop"},
        "debugContext": {"debugData": {"requestUri": "/api/v1/authn", "dtHash": f"dt-{user}"}},
        "request": {"ipChain": []},
    }
    for path, value in told.get("set", {}).items():
        _set(made, path, value)
    return made


def _numbered(value: Any, n: int) -> Any:
    if isinstance(value, str):
        return value.replace("{n}", str(n))
    if isinstance(value, Mapping):
        return {key: _numbered(inner, n) for key, inner in value.items()}
    return [_numbered(inner, n) for inner in value] if isinstance(value, list) else value


def _target(text: str) -> dict[str, Any]:
    """Return a target: "user:bert", "group:Domain Admins", or with its own id "ROLE:role-1:Super administrator"."""
    kind, _, name = text.partition(":")
    if kind == "user":
        return {"id": f"00u{name}", "type": "User", "alternateId": f"{name}@example.com", "displayName": name.title()}
    if kind in KINDS:
        okta_type, prefix = KINDS[kind]
        return {
            "id": prefix + re.sub(r"\W", "", name),
            "type": okta_type,
            "alternateId": "unknown",
            "displayName": name,
        }
    identity, _, shown = name.partition(":")
    return {"id": identity, "type": kind, "alternateId": "unknown", "displayName": shown or identity}


def _set(event: dict[str, Any], path: str, value: Any) -> None:
    """Set a dotted path; null removes it, as Okta leaves out what it does not know."""
    *steps, last = path.split(".")
    for step in steps:
        event = event.setdefault(step, {})
    if value is None:
        event.pop(last, None)
    else:
        event[last] = value
