"""System Log events for tests, as small as detections allow and shaped as Okta writes them."""

import itertools
from datetime import datetime
from typing import Any

_numbers = itertools.count(1)

BERLIN = {"city": "Berlin", "country": "Germany", "geolocation": {"lat": 52.52, "lon": 13.405}}
SINGAPORE = {"city": "Singapore", "country": "Singapore", "geolocation": {"lat": 1.3521, "lon": 103.8198}}
POTSDAM = {"city": "Potsdam", "country": "Germany", "geolocation": {"lat": 52.39, "lon": 13.06}}


def event(kind: str, at: datetime, **changes: Any) -> dict[str, Any]:
    """Return an event of one type; `user`, `ip`, `place`, `result`, `reason`, `targets`, `debug`, `zone`, `proxy` and `uuid` fill it."""
    user = changes.get("user", "anna")
    return {
        "uuid": changes.get("uuid", f"event-{next(_numbers)}"),
        "published": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "eventType": kind,
        "displayMessage": kind,
        "actor": {
            "id": changes.get("actor_id", f"00u{user}"),
            "type": "User",
            "alternateId": changes.get("alternate_id", f"{user}@example.com"),
            "displayName": user.title(),
        },
        "client": {
            "ipAddress": changes.get("ip", "203.0.113.7"),
            "zone": changes.get("zone", "null"),
            "device": "Computer",
            "userAgent": {"rawUserAgent": "Mozilla/5.0", "os": changes.get("os", "Mac OS X"), "browser": "CHROME"},
            "geographicalContext": changes.get("place", BERLIN),
        },
        "outcome": {"result": changes.get("result", "SUCCESS"), "reason": changes.get("reason")},
        "target": changes.get("targets", []),
        "transaction": {"type": "WEB", "id": changes.get("transaction", f"t-{next(_numbers)}"), "detail": {}},
        "authenticationContext": {
            "externalSessionId": f"s-{user}",
            "rootSessionId": f"s-{user}",
            "authenticationStep": 0,
        },
        "securityContext": {
            "asNumber": changes.get("asn", 3320),
            "asOrg": "Carrier",
            "isProxy": changes.get("proxy", False),
        },
        "debugContext": {"debugData": {"requestUri": "/api/v1/authn", **changes.get("debug", {})}},
    }


def sign_in(at: datetime, **changes: Any) -> dict[str, Any]:
    """Return a successful sign-in."""
    return event("user.session.start", at, **changes)


def failed_sign_in(at: datetime, **changes: Any) -> dict[str, Any]:
    """Return a failed sign-in."""
    return event("user.session.start", at, **{"result": "FAILURE", "reason": "INVALID_CREDENTIALS", **changes})


def refused_push(at: datetime, *, engine: str = "identity", **changes: Any) -> dict[str, Any]:
    """Return a push that the user refused, as one of the engines writes it."""
    if engine == "classic":
        return event("user.mfa.okta_verify.deny_push", at, **{"result": "FAILURE", **changes})
    debug = {"factor": "OKTA_VERIFY_PUSH", "pushOnlyResponseType": "OV_RESPONSE_DENY"}
    told = {"result": "FAILURE", "reason": "INVALID_CREDENTIALS", "debug": debug, **changes}
    return event("user.authentication.auth_via_mfa", at, **told)


def accepted_push(at: datetime, **changes: Any) -> dict[str, Any]:
    """Return a push that the user accepted."""
    debug = {"factor": "OKTA_VERIFY_PUSH", "pushOnlyResponseType": "OV_RESPONSE_APPROVE"}
    return event("user.authentication.auth_via_mfa", at, **{"debug": debug, **changes})


def user_target(user: str) -> dict[str, Any]:
    """Return a user as a target."""
    return {"id": f"00u{user}", "type": "User", "alternateId": f"{user}@example.com", "displayName": user.title()}


def role_target(role: str, marker: str = "ROLE_ASSIGNED") -> list[dict[str, Any]]:
    """Return the marker and the role of a grant, as they stand among its targets."""
    return [
        {"id": marker, "type": marker, "alternateId": None, "displayName": marker},
        {"id": "role-1", "type": "ROLE", "alternateId": "unknown", "displayName": role},
    ]
