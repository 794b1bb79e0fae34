"""
What a System Log event says, in the few words that findings, pages and tickets use. Pure.

Everything here was written by whoever caused the event: it is data, never markup, and may be absent or of an odd type.
"""

from collections.abc import Iterable, Mapping
from typing import Any

TYPE_OF_PREFIX = {"00u": "User", "00g": "UserGroup", "0oa": "AppInstance"}
PLACEHOLDERS = frozenset({"", "unknown", "null", "none"})

# What a window program shows of each event: short name to Okta field. The same names are read off whole events here.
SHOWN = {
    "actor": "actor.id",
    "user": "actor.alternateId",
    "display": "actor.displayName",
    "type": "eventType",
    "result": "outcome.result",
    "reason": "outcome.reason",
    "ip": "client.ipAddress",
    "city": "client.geographicalContext.city",
    "country": "client.geographicalContext.country",
    "asn": "securityContext.asNumber",
    "as_org": "securityContext.asOrg",
    "proxy": "securityContext.isProxy",
    "zone": "client.zone",
    "session": "authenticationContext.externalSessionId",
    "root_session": "authenticationContext.rootSessionId",
    "device_token": "debugContext.debugData.dtHash",
    "os": "client.userAgent.os",
    "browser": "client.userAgent.browser",
    "agent": "client.userAgent.rawUserAgent",
    "managed": "device.managed",
    "device": "device.id",
    "target": "target.displayName",
}

REFUSED = frozenset({"FAILURE", "DENY", "RATE_LIMIT"})  # outcomes after which nothing came of a request

# What Okta's own verdicts say, in a few words.
HAPPENED = {
    "user.risk.change": "the user's risk became high",
    "user.risk.detect": "a risk was detected",
    "user.session.context.change": "the surroundings of a session changed",
    "policy.auth_reevaluate.fail": "a policy no longer holds",
    "security.breached_credential.detected": "the password is known from a breach",
    "security.attack.start": "an attack on the organisation began",
}


def read(event: Mapping[str, Any], path: str) -> Any:
    """Return the value at a dotted `path` of an event, or None where any step is missing or no object."""
    value: Any = event
    for step in path.split("."):
        if not isinstance(value, Mapping):
            return None
        value = value.get(step)
    return value


def text(event: Mapping[str, Any], path: str) -> str | None:
    """Return the string at `path`, or None where there is none or only a placeholder."""
    value = read(event, path)
    return value if isinstance(value, str) and value.strip().lower() not in PLACEHOLDERS else None


def shown(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return an event in the short names of SHOWN, with its place where it has one: what a program tells of it."""
    row = {name: value for name, path in SHOWN.items() if (value := read(event, path)) not in (None, "")}
    if named := [label(target) for target in targets(event)]:
        row["target"] = named[0]
    place = read(event, "client.geographicalContext.geolocation")
    if (
        isinstance(place, Mapping)
        and isinstance(place.get("lat"), int | float)
        and isinstance(place.get("lon"), int | float)
    ):
        row["lat"], row["lon"] = place["lat"], place["lon"]
    return row


def entity_id(event: Mapping[str, Any], paths: Iterable[str], prefix: str = "") -> str | None:
    """
    Return the identity that `paths` name: the first as it stands, a later one (a name) lower-cased; None for nobody.

    A path into the targets means the first of them whose id begins with `prefix`.
    """
    for position, path in enumerate(paths):
        if path.startswith("target."):
            value = next((text(target, path.removeprefix("target.")) for target in targets_of(event, prefix)), None)
        else:
            value = text(event, path)
        if value is not None:
            return value.lower() if position > 0 and path.endswith(("alternateId", "displayName")) else value
    return None


def targets(event: Mapping[str, Any], *, kind: str | None = None) -> list[Mapping[str, Any]]:
    """Return the event's targets, of one `type` where given; none where `target` is null or no list."""
    found = event.get("target")
    rows = [row for row in found if isinstance(row, Mapping)] if isinstance(found, list) else []
    return [row for row in rows if kind is None or row.get("type") == kind]


def targets_of(event: Mapping[str, Any], prefix: str) -> list[Mapping[str, Any]]:
    """
    Return the targets whose id begins with `prefix`: 00u users, 00g groups, 0oa applications.

    Where no id does (redacted ones, other systems' events), the targets of that type.
    """
    found = [target for target in targets(event) if str(target.get("id") or "").startswith(prefix)]
    return found or targets(event, kind=TYPE_OF_PREFIX.get(prefix, ""))


def label(target: Mapping[str, Any]) -> str:
    """Return what people call a target: its alternateId where that is a name, else displayName, else id."""
    for key in ("alternateId", "displayName", "id"):
        value = target.get(key)
        if isinstance(value, str) and value.strip().lower() not in PLACEHOLDERS:
            return value
    return "somebody"


def place(row: Mapping[str, Any]) -> str:
    """Return where a shown event came from, in words."""
    words = [str(row[key]) for key in ("city", "country") if row.get(key)]
    if words:
        return ", ".join(words)
    if row.get("lat") is not None:
        return f"{row['lat']:.2f}, {row['lon']:.2f}"
    return "an unknown place"


def of_event(event: Mapping[str, Any]) -> dict[str, Any]:
    """
    Return what one event says, for sentences and modifiers: roles, groups, application, receiver, and whether the actor did it to themself.

    `privilegeGranted` lists all current privileges of the receiver, not the change, so a ROLE target is preferred.
    """
    users, groups, apps = (targets(event, kind=kind) for kind in ("User", "UserGroup", "AppInstance"))
    named = [target.get("displayName") or target.get("alternateId") for target in targets(event, kind="ROLE")]
    debug = "debugContext.debugData."
    said = text(event, f"{debug}privilegeRevoked") or text(event, f"{debug}privilegeGranted") or ""
    roles = [str(role) for role in named if role] or [said]
    self_grant = any(_is_actor(event, target) for target in users)
    receivers = [label(target) for target in users] or [_name(group) for group in groups]
    failed = text(event, "outcome.result") in REFUSED
    return {
        "roles": ", ".join(role for role in roles if role) or "an administrator role",
        "groups": ", ".join(_name(group) for group in groups) or "a group",
        "app": ", ".join(_name(app) for app in apps) or "an application",
        "target": ", ".join(_name(target) for target in targets(event)) or "nothing named",
        "receiver": "themself" if self_grant else ", ".join(receivers) or "somebody",
        "what": text(event, "displayMessage") or text(event, "eventType") or "an event",
        "event": text(event, "eventType") or "",
        "why": text(event, "outcome.reason") or "no reason given",
        "place": place(shown(event)),
        "address": text(event, "client.ipAddress") or "an unknown address",
        "agent": text(event, "client.userAgent.rawUserAgent") or "no user agent",
        "self_grant": self_grant,
        "super_admin": any("super admin" in role.lower() for role in roles),
        "failed": failed,
        "weakened": any(_weakened(target) for target in targets(event)),
        "granted": "tried to grant" if failed else "granted",
    }


def refused_words(results: Iterable[Any]) -> str:
    """Return whether requests with these outcomes were refused: all of them, some, or none, as far as a finding shows them."""
    refused = {result in REFUSED for result in results if result}
    if len(refused) == 2:
        return "some refused, some let through"
    return {True: "refused", False: "let through"}[refused.pop()] if refused else "with an outcome that is not told"


def _weakened(target: Mapping[str, Any]) -> bool:
    """
    Whether a target's change lets one factor do where the rule asked for more: `1FA` in what it became, and not in what it was.

    Okta tells a rule's actions before and after in `changeDetails`, as the text of a JSON object; some pipelines parse it.
    """
    before, after = (read(target, f"changeDetails.{step}.policyRuleActionJson") for step in ("from", "to"))
    return bool(before) and "1FA" in str(after) and "1FA" not in str(before)


def _is_actor(event: Mapping[str, Any], target: Mapping[str, Any]) -> bool:
    """Whether a target is who did it: by the name people know them by where both have one, else by id."""
    ours, theirs = text(event, "actor.alternateId"), text(target, "alternateId")
    if ours and theirs:
        return ours.lower() == theirs.lower()
    actor = text(event, "actor.id")
    return actor is not None and target.get("id") == actor


def _name(target: Mapping[str, Any]) -> str:
    """Return a target's display name, else what people call it."""
    return text(target, "displayName") or label(target)
