"""Places and networks that Okta left null, from a MaxMind-format database, where one is configured (OKTADETECT_GEOIP_FILE)."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import maxminddb

from monitors.errors import DefinitionError
from monitors.facts import read

Places = maxminddb.Reader


@cache
def reader(path: str) -> Places | None:
    """Return the database at `path`, or None for an empty path. Raises DefinitionError when it cannot be read."""
    if not path:
        return None
    try:
        return maxminddb.open_database(Path(path))
    except (OSError, maxminddb.InvalidDatabaseError) as error:
        raise DefinitionError(f"OKTADETECT_GEOIP_FILE: {path} cannot be read as a MaxMind database: {error}") from error


def filled(event: Mapping[str, Any], places: Places) -> dict[str, Any]:
    """Return the event with what the database knows of its address, only where Okta says nothing; the event itself is left alone."""
    address = read(event, "client.ipAddress")
    found = _look_up(places, address) if isinstance(address, str) else None
    if not found:
        return dict(event)
    client = event.get("client")
    client = dict(client) if isinstance(client, Mapping) else {}
    known = client.get("geographicalContext")
    context = dict(known) if isinstance(known, Mapping) else {}
    for name, value in _place(found).items():
        if context.get(name) is None and value is not None:
            context[name] = value
    client["geographicalContext"] = context
    security = event.get("securityContext")
    security = dict(security) if isinstance(security, Mapping) else {}
    for name, value in _network(found).items():
        if security.get(name) is None and value is not None:
            security[name] = value
    return {**event, "client": client, "securityContext": security}


def looked_up(row: Mapping[str, Any], places: Places) -> dict[str, Any]:
    """
    Return what the database knows and an event in the short names of `facts.SHOWN` does not say; empty where it knows nothing.

    A place in another country than Okta names is not taken: a city of one and a country of the other would be nowhere.
    """
    address = row.get("ip")
    found = _look_up(places, address) if isinstance(address, str) else None
    if not found:
        return {}
    place, network = _place(found), _network(found)
    told: dict[str, Any] = {"asn": network["asNumber"], "as_org": network["asOrg"]}
    if row.get("country") in (None, "", place["country"]):
        told |= {"city": place["city"], "country": place["country"], **(place["geolocation"] or {})}
    return {name: value for name, value in told.items() if value is not None and row.get(name) in (None, "")}


def _look_up(places: Places, address: str) -> Mapping[str, Any] | None:
    try:
        found = places.get(address)
    except ValueError:
        return None  # no address, or of a kind that the database does not hold
    return found if isinstance(found, Mapping) else None


def _place(found: Mapping[str, Any]) -> dict[str, Any]:
    lat, lon = read(found, "location.latitude"), read(found, "location.longitude")
    numbers = isinstance(lat, int | float) and isinstance(lon, int | float)
    return {
        "city": read(found, "city.names.en"),
        "country": read(found, "country.names.en") or read(found, "country_name"),
        "geolocation": {"lat": lat, "lon": lon} if numbers else None,
    }


def _network(found: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "asNumber": found.get("autonomous_system_number"),
        "asOrg": found.get("autonomous_system_organization"),
    }
