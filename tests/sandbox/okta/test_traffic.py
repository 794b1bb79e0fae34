"""Traffic is the same for the same inputs, and holds exactly the attacks that it says it holds."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from sandbox.okta.traffic import Engines, Traffic, plan
from tests.sandbox.okta import detectors

END = datetime(2026, 11, 24, 15, 0, tzinfo=UTC)
FAMILIES = {
    "impossible-travel",
    "brute-force-user",
    "password-spray-source",
    "push-fatigue-success",
    "admin-role-granted",
    "privileged-group-add",
}


def traffic(**changed: Any) -> Traffic:
    inputs: dict[str, Any] = {"seed": 7, "users": 150, "start": END - timedelta(hours=3), "end": END, "attacks": 24}
    return plan(**(inputs | changed))


def found(made: Traffic) -> set[detectors.Finding]:
    facts = made.facts()
    return detectors.all_findings(
        made.events, facts["trusted_zones"], [group["id"] for group in facts["privileged_groups"]]
    )


def expected(made: Traffic) -> set[detectors.Finding]:
    return {(each.detection, each.entity) for attack in made.truth for each in attack.expect}


def test_the_same_inputs_give_the_same_bytes() -> None:
    first, second = traffic(), traffic()
    assert json.dumps(first.events) == json.dumps(second.events)
    assert json.dumps(first.truth_json()) == json.dumps(second.truth_json())


@pytest.mark.parametrize("seed", [1, 7, 20261124])
def test_the_detections_find_the_planted_attacks_and_nothing_else(seed: int) -> None:
    made = traffic(seed=seed, users=300, attacks=40)
    assert found(made) == expected(made)
    assert len(expected(made)) == 40


def test_a_whole_day_of_everyday_life_looks_like_no_attack() -> None:
    made = traffic(seed=3, users=300, attacks=0, start=END - timedelta(days=2))
    assert len(made.events) > 10_000
    assert found(made) == set()


@pytest.mark.parametrize("engine", ["classic", "oie"])
def test_each_engine_can_be_had_alone(engine: Engines) -> None:
    made = traffic(engine=engine)
    denials = Counter(event["eventType"] for event in made.events)["user.mfa.okta_verify.deny_push"]
    as_factor = [e for e in made.events if e["debugContext"]["debugData"].get("factor") == "PASSWORD_AS_FACTOR"]
    assert bool(denials) == (engine == "classic")
    assert bool(as_factor) == (engine == "oie")
    assert found(made) == expected(made)


def test_every_family_is_there_on_both_engines() -> None:
    assert Counter(attack.family for attack in traffic(attacks=24).truth) == dict.fromkeys(FAMILIES, 4)
    refusals = [e for e in traffic(attacks=24).events if e["eventType"] == "user.mfa.okta_verify.deny_push"]
    answers = [e for e in traffic(attacks=24).events if "pushOnlyResponseType" in e["debugContext"]["debugData"]]
    assert refusals
    assert answers


def test_the_deciding_event_is_the_first_that_makes_a_finding() -> None:
    made = traffic()
    for attack in made.truth:
        until = [event for event in made.events if event["published"] <= attack.decided]
        before = [event for event in until if event["uuid"] != attack.deciding_uuid]
        zones, groups = made.facts()["trusted_zones"], [g["id"] for g in made.facts()["privileged_groups"]]
        entity = (attack.expect[0].detection, attack.expect[0].entity)
        assert entity in detectors.all_findings(until, zones, groups)
        assert entity not in detectors.all_findings(before, zones, groups)


def test_another_run_shares_no_entity_with_this_one() -> None:
    first, second = traffic(run_id="a"), traffic(run_id="b")
    assert not expected(first) & expected(second)
    assert not {e["uuid"] for e in first.events} & {e["uuid"] for e in second.events}


def test_two_runs_into_one_index_make_no_attack_that_neither_has() -> None:
    first, second = (
        traffic(run_id="a"),
        traffic(run_id="b", start=END - timedelta(hours=2), end=END + timedelta(hours=1)),
    )
    facts = first.facts()
    groups = [group["id"] for group in facts["privileged_groups"]]
    together = detectors.all_findings([*first.events, *second.events], facts["trusted_zones"], groups)
    assert together == expected(first) | expected(second)


def test_events_are_sorted_unique_and_within_the_span() -> None:
    made = traffic()
    moments = [event["published"] for event in made.events]
    assert moments == sorted(moments)
    assert moments[-1] < made.facts()["end"]
    assert moments[0] >= made.facts()["start"]
    assert len({event["uuid"] for event in made.events}) == len(made.events)


def test_the_truth_names_events_that_are_there() -> None:
    made = traffic()
    uuids = {event["uuid"] for event in made.events}
    for attack in made.truth:
        assert attack.deciding_uuid in attack.uuids
        assert set(attack.uuids) <= uuids
    for look_alike in made.look_alikes:
        assert look_alike.uuids
        assert set(look_alike.uuids) <= uuids


def test_a_wrong_password_on_identity_engine_is_two_events_of_one_transaction() -> None:
    made = traffic(engine="oie")
    starts = [e for e in made.events if e["eventType"] == "user.session.start" and e["outcome"]["result"] == "FAILURE"]
    factors = {
        e["transaction"]["id"]: e
        for e in made.events
        if e["debugContext"]["debugData"].get("factor") == "PASSWORD_AS_FACTOR" and e["outcome"]["result"] == "FAILURE"
    }
    assert starts
    for start in starts:
        factor = factors[start["transaction"]["id"]]
        assert detectors.when(start) - detectors.when(factor) == timedelta(milliseconds=3)


def test_the_awkward_things_of_real_logs_are_there() -> None:
    made = traffic(users=400, start=END - timedelta(hours=12))
    places = [
        (e["client"]["geographicalContext"] or {}).get("geolocation") for e in made.events if e["client"]["ipAddress"]
    ]
    behaviors = {type(e["debugContext"]["debugData"].get("behaviors")) for e in made.events}
    names = {event["actor"]["displayName"] for event in made.events}
    assert None in places
    assert {"lat": 0.0, "lon": 0.0} in places
    assert {str, list, dict} <= behaviors
    assert any(event["client"]["ipAddress"] is None for event in made.events)
    assert any("<script>" in name for name in names)
    assert any(event["client"]["zone"] == "Corporate VPN" for event in made.events)


def test_addresses_belong_to_nobody_and_mail_goes_nowhere() -> None:
    reserved = [
        ip_network(name)
        for name in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "198.18.0.0/15", "2001:db8::/32")
    ]
    made = traffic()
    addresses = {event["client"]["ipAddress"] for event in made.events} - {None}
    assert all(any(ip_address(ip) in network for network in reserved) for ip in addresses)
    logins = {event["actor"]["alternateId"] for event in made.events} - {"system@okta.com"}
    assert all(login.endswith("@example.com") for login in logins)


def test_too_short_a_span_is_refused() -> None:
    with pytest.raises(ValueError, match="after the start"):
        traffic(start=END - timedelta(minutes=30))
