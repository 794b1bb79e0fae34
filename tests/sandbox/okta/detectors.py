"""The detections at their usual thresholds, in plain Python: an opinion on traffic that shares no code with it."""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

Event = Mapping[str, Any]
Finding = tuple[str, str]  # detection, entity
PLACEHOLDERS = {None, "", "unknown", "null"}
MINUTE = timedelta(minutes=1)


def when(event: Event) -> datetime:
    return datetime.fromisoformat(event["published"])


def user(event: Event) -> str:
    actor = event["actor"]
    return str(actor["id"] if actor["id"] not in PLACEHOLDERS else actor["alternateId"].lower())


def address(event: Event) -> str:
    return str(event["client"]["ipAddress"])


def is_sign_in(event: Event, result: str) -> bool:
    return bool(event["eventType"] == "user.session.start" and event["outcome"]["result"] == result)


def by(key: Any, events: Iterable[Event]) -> dict[str, list[Event]]:
    groups: dict[str, list[Event]] = defaultdict(list)
    for event in sorted(events, key=when):
        groups[key(event)].append(event)
    return groups


def windows(events: Sequence[Event], width: timedelta) -> Iterator[list[Event]]:
    """For each event, those of the window that ends with it."""
    for last in events:
        yield [event for event in events if when(last) - width <= when(event) <= when(last)]


def kilometres(a: Mapping[str, float], b: Mapping[str, float]) -> float:
    """By the chord between the places, not by the formula that the generator uses."""

    def vector(place: Mapping[str, float]) -> tuple[float, float, float]:
        lat, lon = math.radians(place["lat"]), math.radians(place["lon"])
        return math.cos(lat) * math.cos(lon), math.cos(lat) * math.sin(lon), math.sin(lat)

    chord = math.dist(vector(a), vector(b))
    return 2 * 6371 * math.asin(min(1.0, chord / 2))


def impossible_travel(events: Iterable[Event], trusted_zones: Sequence[str]) -> Iterator[Finding]:
    def has_place(event: Event) -> bool:
        geography: Mapping[str, Any] = event["client"]["geographicalContext"] or {}
        place = geography.get("geolocation")
        if place is None or (place["lat"], place["lon"]) == (0, 0):
            return False
        return event["client"]["zone"] not in trusted_zones

    for person, chain in by(user, (e for e in events if is_sign_in(e, "SUCCESS") and has_place(e))).items():
        for before, after in pairwise(chain):
            places = [event["client"]["geographicalContext"]["geolocation"] for event in (before, after)]
            km = kilometres(*places)
            hours = max((when(after) - when(before)).total_seconds(), 1) / 3600
            if km > 500 and km / hours > 900:
                yield "impossible-travel", person


def brute_force_user(events: Iterable[Event]) -> Iterator[Finding]:
    for person, failures in by(user, (e for e in events if is_sign_in(e, "FAILURE"))).items():
        if any(len(window) >= 20 for window in windows(failures, 60 * MINUTE)):
            yield "brute-force-user", person


def password_spray_source(events: Iterable[Event], trusted_zones: Sequence[str]) -> Iterator[Finding]:
    outside = (e for e in events if is_sign_in(e, "FAILURE") and e["client"]["zone"] not in trusted_zones)
    for ip, failures in by(address, outside).items():
        for window in windows(failures, 60 * MINUTE):
            if len({event["actor"]["alternateId"] for event in window}) >= 15 and len(window) >= 15:
                yield "password-spray-source", ip


def failures_then_success(events: Iterable[Event]) -> Iterator[Finding]:
    for person, chain in by(user, (e for e in events if e["eventType"] == "user.session.start")).items():
        for window in windows(chain, 60 * MINUTE):
            failures = [event for event in window if is_sign_in(event, "FAILURE")]
            if is_sign_in(window[-1], "SUCCESS") and len(failures) >= 5 and len(set(map(address, failures))) >= 2:
                yield "failures-then-success", person


def push_fatigue_success(events: Iterable[Event]) -> Iterator[Finding]:
    def is_refusal(event: Event) -> bool:
        response = event["debugContext"]["debugData"].get("pushOnlyResponseType")
        return bool(event["eventType"] == "user.mfa.okta_verify.deny_push" or response == "OV_RESPONSE_DENY")

    def is_acceptance(event: Event) -> bool:
        is_push = event["debugContext"]["debugData"].get("factor") == "OKTA_VERIFY_PUSH"
        return bool(
            event["eventType"] == "user.authentication.auth_via_mfa"
            and is_push
            and event["outcome"]["result"] == "SUCCESS"
        )

    for person, chain in by(user, (e for e in events if is_refusal(e) or is_acceptance(e))).items():
        for window in windows(chain, 10 * MINUTE):
            if is_acceptance(window[-1]) and sum(map(is_refusal, window)) >= 5:
                yield "push-fatigue-success", person


def admin_role_granted(events: Iterable[Event]) -> Iterator[Finding]:
    for event in events:
        if event["eventType"] in {"user.account.privilege.grant", "group.privilege.grant"}:
            markers = {
                target[name] for target in event["target"] for name in ("id", "type", "alternateId", "displayName")
            }
            if "ROLE_UNASSIGNED" not in markers:
                yield "admin-role-granted", user(event)


def privileged_group_add(events: Iterable[Event], group_ids: Sequence[str]) -> Iterator[Finding]:
    for event in events:
        if event["eventType"] == "group.user_membership.add" and {t["id"] for t in event["target"]} & set(group_ids):
            yield "privileged-group-add", user(event)


def all_findings(events: Sequence[Event], trusted_zones: Sequence[str], group_ids: Sequence[str]) -> set[Finding]:
    """What the detections find, each entity once a detection."""
    return {
        *impossible_travel(events, trusted_zones),
        *brute_force_user(events),
        *password_spray_source(events, trusted_zones),
        *failures_then_success(events),
        *push_fatigue_success(events),
        *admin_role_granted(events),
        *privileged_group_add(events, group_ids),
    }
