"""System Log events in words, for pages and tickets. Pure; the events are data that somebody else wrote."""

from collections.abc import Mapping
from typing import Any

from monitors.facts import place

WORDS = {
    "user.session.start": "Sign-in",
    "user.session.end": "Sign-out",
    "user.session.access_admin_app": "Admin console opened",
    "user.session.clear": "Sessions ended",
    "user.authentication.auth_via_mfa": "Second factor",
    "user.authentication.sso": "Application opened",
    "user.authentication.failed": "Sign-in failed",
    "user.mfa.okta_verify.deny_push": "Push refused",
    "system.push.send_factor_verify_push": "Push sent",
    "user.account.lock": "Account locked",
    "user.account.privilege.grant": "Admin role granted",
    "user.account.privilege.revoke": "Admin role revoked",
    "group.privilege.grant": "Admin role granted to a group",
    "iam.resourceset.bindings.add": "Admin role bound to a resource set",
    "group.user_membership.add": "Added to a group",
    "policy.evaluate_sign_on": "Sign-on policy evaluated",
}


def event_words(row: Mapping[str, Any]) -> str:
    """Return what happened in a shown event, in words; Okta's own name where we have none."""
    kind = str(row.get("type") or "")
    if kind == "user.authentication.auth_via_mfa" and row.get("result") == "FAILURE":
        return "Push or factor refused"
    return WORDS.get(kind, kind)


def place_words(row: Mapping[str, Any]) -> str:
    """Return where a shown event came from; empty where that is not known."""
    words = place(row)
    return "" if words == "an unknown place" else words


def flatten(event: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Return an event as (dotted path, value) pairs in its own order, lists by position."""
    pairs: list[tuple[str, str]] = []
    for key, value in event.items():
        path = f"{prefix}{key}"
        if isinstance(value, Mapping):
            pairs += flatten(value, f"{path}.")
        elif isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
            for position, item in enumerate(value):
                pairs += flatten(item if isinstance(item, Mapping) else {"": item}, f"{path}[{position}].")
        else:
            pairs.append((path, "" if value is None else str(value)))
    return pairs
