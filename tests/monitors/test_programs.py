"""The window programs, on a real node: they fire at N, stay silent at N−1, and no layout, order or shard changes the answer."""

import random
import uuid
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from monitors import opensearch
from monitors.definitions import detection
from monitors.errors import OpenSearchError
from monitors.findings import Answer, Finding
from monitors.profiles import learn
from monitors.rendering import Inputs
from monitors.services import search
from tests.events import (
    BERLIN,
    POTSDAM,
    SINGAPORE,
    accepted_push,
    event,
    failed_sign_in,
    refused_push,
    role_target,
    sign_in,
    user_target,
)
from tests.monitors.indexing import index_by_template, index_dynamically

pytestmark = pytest.mark.opensearch

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
Layout = Callable[[str, Iterable[dict[str, Any]]], str]


def by_prefix(name: str, events: Iterable[dict[str, Any]]) -> str:
    return index_dynamically(name, events, prefix="detail")


LAYOUTS: dict[str, Layout] = {"template": index_by_template, "dynamic": index_dynamically, "prefix": by_prefix}


@pytest.fixture(params=LAYOUTS)
def layout(request: pytest.FixtureRequest) -> Layout:
    return LAYOUTS[request.param]


def inputs(detection_id: str, pattern: str, **params: Any) -> Inputs:
    definition = detection(detection_id)
    return Inputs(
        definition=definition,
        params=params,
        profile=learn(pattern, opensearch.field_caps(pattern)),
        monitor_uuid=str(uuid.UUID(int=1)),
        name="test",
        severity=definition.severity,
        interval_seconds=60,
    )


def ask(
    detection_id: str, events: Iterable[dict[str, Any]], layout: Layout = index_by_template, **params: Any
) -> Answer:
    """Index the events in an index of their own, run the detection over it at noon, and return a whole answer."""
    pattern = layout(f"t-{uuid.uuid4().hex[:12]}", events)
    answer = search.run(inputs(detection_id, pattern, **params), end_ms=int(NOON.timestamp() * 1000))
    assert answer.whole, answer.faults
    assert not answer.malformed
    return answer


def only(answer: Answer) -> Finding:
    assert len(answer.findings) == 1, [finding.sentence for finding in answer.findings]
    return answer.findings[0]


def minutes_ago(minutes: float) -> datetime:
    return NOON - timedelta(minutes=minutes)


def test_travel_is_found_in_every_layout_with_real_distance_and_speed(layout: Layout) -> None:
    events = [sign_in(minutes_ago(62), place=BERLIN), sign_in(minutes_ago(2), place=SINGAPORE)]
    finding = only(ask("impossible-travel", events, layout))
    assert finding.entity_id == "00uanna"
    assert finding.entity_name == "anna@example.com"
    assert 9_900 <= finding.observed["km"] <= 9_930  # great circle, from an independent calculator: 9,917 km
    assert finding.observed["kmh"] == pytest.approx(finding.observed["km"], abs=2)
    assert "from Berlin, Germany, 1 h later from Singapore, Singapore" in finding.sentence
    assert [row["session"] for row in finding.events] == ["s-anna", "s-anna"]
    assert [row["asn"] for row in finding.events] == [3320, 3320]


def test_travel_that_an_airliner_makes_is_silent(layout: Layout) -> None:
    events = [sign_in(minutes_ago(12 * 60), place=BERLIN), sign_in(minutes_ago(2), place=SINGAPORE)]
    assert not ask("impossible-travel", events, layout).findings


def test_travel_between_near_places_is_silent() -> None:
    assert not ask("impossible-travel", [sign_in(minutes_ago(2)), sign_in(minutes_ago(1), place=POTSDAM)]).findings


def test_travel_skips_places_that_are_none_and_trusted_zones(layout: Layout) -> None:
    events = [
        sign_in(minutes_ago(30)),
        sign_in(minutes_ago(20), place={"geolocation": {"lat": 0.0, "lon": 0.0}}),
        sign_in(minutes_ago(15), place={"city": None, "country": None, "geolocation": None}),
        sign_in(minutes_ago(10), place=SINGAPORE, zone="Corporate VPN"),
        sign_in(minutes_ago(5)),
    ]
    assert not ask("impossible-travel", events, layout, trusted_zones=["Corporate VPN"]).findings


def test_travel_through_a_proxy_is_graver_and_says_why() -> None:
    events = [sign_in(minutes_ago(30)), sign_in(minutes_ago(5), place=SINGAPORE, proxy=True)]
    finding = only(ask("impossible-travel", events))
    assert finding.severity == 1
    assert "proxy" in finding.reasons[0]


def test_a_pair_over_midnight_lies_in_two_indices_and_is_found(layout: Layout) -> None:
    midnight = datetime(2026, 11, 24, 0, 0, tzinfo=UTC)
    events = [sign_in(midnight - timedelta(minutes=5)), sign_in(midnight + timedelta(minutes=5), place=SINGAPORE)]
    pattern = layout(f"t-{uuid.uuid4().hex[:12]}", events)
    end = midnight + timedelta(minutes=10)
    answer = search.run(inputs("impossible-travel", pattern), end_ms=int(end.timestamp() * 1000))
    assert answer.whole
    assert only(answer).first.at < midnight < only(answer).last.at


def test_a_finding_whose_last_event_is_older_than_emit_is_not_told_again() -> None:
    events = [sign_in(minutes_ago(300)), sign_in(minutes_ago(200), place=SINGAPORE)]
    assert not ask("impossible-travel", events).findings


def failures(count: int, **changes: Any) -> list[dict[str, Any]]:
    return [failed_sign_in(minutes_ago(50 - step), **changes) for step in range(count)]


def test_brute_force_fires_at_its_threshold_and_not_one_below(layout: Layout) -> None:
    events = failures(20) + failures(19, user="bert")
    finding = only(ask("brute-force-user", events, layout))
    assert (finding.entity_id, finding.observed["count"], finding.count) == ("00uanna", 20, 20)
    assert finding.observed["values"] == 1


def test_a_burst_over_the_full_hour_is_not_halved() -> None:
    events = [failed_sign_in(minutes_ago(70 - 2.9 * step)) for step in range(20)]
    assert only(ask("brute-force-user", events)).observed["count"] == 20


def test_failures_spread_wider_than_the_window_are_silent() -> None:
    events = [failed_sign_in(minutes_ago(85 - 4 * step)) for step in range(20)]
    assert not ask("brute-force-user", events).findings


def test_an_event_that_lies_there_twice_counts_once(layout: Layout) -> None:
    events = failures(19)
    assert not ask("brute-force-user", events + events, layout).findings


def test_the_order_of_indexing_changes_nothing() -> None:
    events = failures(25)
    shuffled = random.Random(7).sample(events, len(events))
    assert only(ask("brute-force-user", shuffled)).observed == only(ask("brute-force-user", events)).observed


def test_two_bursts_apart_are_two_findings_and_one_that_goes_on_is_one() -> None:
    apart = [failed_sign_in(minutes_ago(85 - step * 0.1)) for step in range(20)]
    apart += [failed_sign_in(minutes_ago(10 - step * 0.1)) for step in range(20)]
    assert [finding.count for finding in ask("brute-force-user", apart, window_minutes=10).findings] == [20, 20]
    steady = [failed_sign_in(minutes_ago(80 - step)) for step in range(70)]
    assert only(ask("brute-force-user", steady, window_minutes=30)).count == 70


def test_unknown_actors_are_keyed_by_the_name_that_was_typed_in_lower_case() -> None:
    events = [
        failed_sign_in(
            minutes_ago(40 - step),
            actor_id="unknown",
            alternate_id="Eve@Example.com" if step % 2 else "eve@example.com",
        )
        for step in range(20)
    ]
    finding = only(ask("brute-force-user", events))
    assert finding.entity_id == "eve@example.com"


def test_placeholders_are_nobody() -> None:
    events = [failed_sign_in(minutes_ago(40 - step), actor_id="unknown", alternate_id="unknown") for step in range(30)]
    assert not ask("brute-force-user", events).findings


def spray(users: int, **changes: Any) -> list[dict[str, Any]]:
    return [
        failed_sign_in(minutes_ago(50 - step), user=f"user{step}", ip="198.51.100.9", **changes)
        for step in range(users)
    ]


def test_a_spray_fires_at_fifteen_users_and_not_at_fourteen(layout: Layout) -> None:
    finding = only(ask("password-spray-source", spray(15), layout))
    assert (finding.entity_type, finding.entity_id) == ("ip", "198.51.100.9")
    assert finding.observed["values"] == 15
    assert not ask("password-spray-source", [*spray(14), *spray(14)], layout).findings


def pushes(count: int, engine: str) -> list[dict[str, Any]]:
    return [refused_push(minutes_ago(9 - step), engine=engine) for step in range(count)]


@pytest.mark.parametrize("engine", ["classic", "identity"])
def test_push_fatigue_fires_at_five_refusals_and_a_success(engine: str, layout: Layout) -> None:
    finding = only(ask("push-fatigue-success", [*pushes(5, engine), accepted_push(minutes_ago(1))], layout))
    assert finding.observed["count"] == 5
    assert finding.severity == 1
    assert finding.sentence.startswith("5 pushes refused in 8 min, then one accepted")


@pytest.mark.parametrize("engine", ["classic", "identity"])
def test_push_fatigue_is_silent_at_four_refusals_and_without_a_success(engine: str) -> None:
    assert not ask("push-fatigue-success", [*pushes(4, engine), accepted_push(minutes_ago(1))]).findings
    assert not ask("push-fatigue-success", pushes(8, engine)).findings


def test_a_success_between_clears_the_refusals_before_it() -> None:
    events = [
        *pushes(3, "identity"),
        accepted_push(minutes_ago(5.5)),
        refused_push(minutes_ago(4)),
        refused_push(minutes_ago(3)),
    ]
    assert not ask("push-fatigue-success", [*events, accepted_push(minutes_ago(1))]).findings


def test_a_failed_number_challenge_is_no_refusal() -> None:
    debug = {"factor": "OKTA_VERIFY_PUSH", "pushOnlyResponseType": "OV_RESPONSE_APPROVE"}
    wrong = [
        event(
            "user.authentication.auth_via_mfa",
            minutes_ago(9 - step),
            result="FAILURE",
            reason="INVALID_CREDENTIALS",
            debug=debug,
        )
        for step in range(6)
    ]
    assert not ask("push-fatigue-success", [*wrong, accepted_push(minutes_ago(1))]).findings


def test_one_refusal_told_by_both_engines_counts_once() -> None:
    events = []
    for step in range(4):
        at, transaction = minutes_ago(9 - step), f"shared-{step}"
        events.append(refused_push(at, engine="classic", transaction=transaction))
        events.append(refused_push(at + timedelta(milliseconds=3), engine="identity", transaction=transaction))
    assert not ask("push-fatigue-success", [*events, accepted_push(minutes_ago(1))]).findings


def test_failures_then_a_success_need_two_addresses() -> None:
    events = [failed_sign_in(minutes_ago(10 - step), ip=f"203.0.113.{step}") for step in range(5)]
    assert only(ask("failures-then-success", [*events, sign_in(minutes_ago(1))])).observed == {
        "count": 5, "values": 5, "seconds": 540, "proxy": False,
    }  # fmt: skip
    same = [failed_sign_in(minutes_ago(10 - step)) for step in range(5)]
    assert not ask("failures-then-success", [*same, sign_in(minutes_ago(1))]).findings


def grant(minutes: float, receiver: str = "bert", marker: str = "ROLE_ASSIGNED", **changes: Any) -> dict[str, Any]:
    targets = [user_target(receiver), *role_target("Super administrator", marker)]
    return event("user.account.privilege.grant", minutes_ago(minutes), targets=targets, **changes)


def test_a_self_grant_stands_above_other_grants(layout: Layout) -> None:
    answer = ask("admin-role-granted", [grant(5, user="carl"), grant(3, receiver="anna")], layout)
    by_actor = {finding.entity_id: finding for finding in answer.findings}
    assert by_actor["00uanna"].severity == 1
    assert by_actor["00uanna"].sentence == "anna@example.com granted Super administrator to themself"
    assert by_actor["00ucarl"].severity == 2


def test_a_revoke_under_the_name_of_a_grant_is_silent(layout: Layout) -> None:
    assert not ask("admin-role-granted", [grant(5, marker="ROLE_UNASSIGNED")], layout).findings


def test_a_grant_without_marker_is_told_with_the_privileges_it_names() -> None:
    targets, debug = [user_target("bert")], {"privilegeGranted": "Application administrator (all)"}
    finding = only(
        ask("admin-role-granted", [event("user.account.privilege.grant", minutes_ago(1), targets=targets, debug=debug)])
    )
    assert finding.sentence == "anna@example.com granted Application administrator (all) to bert@example.com"


def test_only_listed_groups_are_privileged(layout: Layout) -> None:
    def join(group_id: str, name: str) -> dict[str, Any]:
        group = {"id": group_id, "type": "UserGroup", "alternateId": "unknown", "displayName": name}
        return event("group.user_membership.add", minutes_ago(2), targets=[user_target("bert"), group])

    events = [join("00g1", "Domain Admins"), join("00g2", "Lunch"), join("00g3", "Renamed")]
    answer = ask("privileged-group-add", events, layout, groups=["Domain Admins", "00g3"])
    assert sorted(finding.observed["groups"] for finding in answer.findings) == ["Domain Admins", "Renamed"]


def test_more_matches_than_hits_is_no_whole_answer_and_is_completed_page_by_page() -> None:
    pattern = index_by_template(
        f"t-{uuid.uuid4().hex[:12]}", [grant(1 + step / 100, user=f"u{step}") for step in range(130)]
    )
    rendered, end = inputs("admin-role-granted", pattern), int(NOON.timestamp() * 1000)
    cut = search.run(rendered, end_ms=end)
    assert (cut.whole, cut.cut, len(cut.findings)) == (False, True, 100)
    assert len({finding.entity_id for finding in search.run_whole(rendered, end_ms=end)}) == 130


def test_a_truncated_program_is_completed_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monitors.rendering.MAX_EVENTS_A_SHARD", 40)
    events = [item for user in range(8) for item in failures(20, user=f"user{user}")]
    pattern = index_by_template(f"t-{uuid.uuid4().hex[:12]}", events, shards=1)
    rendered, end = inputs("brute-force-user", pattern), int(NOON.timestamp() * 1000)
    cut = search.run(rendered, end_ms=end)
    assert cut.cut
    assert not cut.whole
    assert {finding.entity_id for finding in search.run_whole(rendered, end_ms=end)} == {
        f"00uuser{user}" for user in range(8)
    }


def test_a_completion_asks_in_as_many_parts_as_the_answer_says_and_never_again_for_what_came_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("monitors.rendering.MAX_EVENTS_A_SHARD", 100)
    events = [item for user in range(25) for item in failures(20, user=f"user{user}")]
    pattern = index_by_template(f"t-{uuid.uuid4().hex[:12]}", events, shards=1)
    asked: list[tuple[int, int, bool]] = []
    run_once = search.run

    def run(inputs: Inputs, *, end_ms: int, part: int = 0, parts: int = 1) -> Answer:
        answer = run_once(inputs, end_ms=end_ms, part=part, parts=parts)
        asked.append((part, parts, answer.whole))
        return answer

    monkeypatch.setattr(search, "run", run)
    found = search.run_whole(inputs("brute-force-user", pattern), end_ms=int(NOON.timestamp() * 1000))
    assert sorted(finding.entity_id for finding in found) == sorted(f"00uuser{user}" for user in range(25))
    assert asked[0] == (0, 1, False)
    assert {parts for _, parts, _ in asked[1:]} >= {6}  # 500 events at 100 a search, and a fifth more
    shares = [1 / parts for _, parts, whole in asked if whole]
    assert sum(shares) == pytest.approx(1)  # each key was told in exactly one whole answer


def test_a_key_that_no_split_makes_small_enough_is_a_fault_after_few_searches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monitors.rendering.MAX_EVENTS_A_SHARD", 10)
    pattern = index_by_template(f"t-{uuid.uuid4().hex[:12]}", failures(20), shards=1)
    searches = []
    run_once = search.run

    def run(*args: Any, **kwargs: Any) -> Answer:
        searches.append(kwargs["parts"])
        return run_once(*args, **kwargs)

    monkeypatch.setattr(search, "run", run)
    with pytest.raises(OpenSearchError, match="truncated"):
        search.run_whole(inputs("brute-force-user", pattern), end_ms=int(NOON.timestamp() * 1000))
    assert len(searches) <= 16


def test_what_users_do_for_themselves_is_told_from_what_others_do_and_placeholders_are_nobody(layout: Layout) -> None:
    def reset(user: str, by: str, minutes: float, kind: str) -> dict[str, Any]:
        return event(kind, minutes_ago(minutes), user=by, targets=[user_target(user)])

    kinds = ("user.account.reset_password", "user.mfa.factor.deactivate")
    events = [reset("anna", "anna", 20 - step, kind) for step, kind in enumerate(kinds)]
    events += [reset("bert", "carl", 20 - step, kind) for step, kind in enumerate(kinds)]
    nobody = {"id": "unknown", "type": "User", "alternateId": "dora@example.com", "displayName": "Dora"}
    events += [
        event(kind, minutes_ago(10 - step), actor_id="unknown", alternate_id="unknown", targets=[nobody])
        for step, kind in enumerate(kinds)
    ]
    found = ask("password-and-mfa-reset", events, layout).findings
    assert {finding.entity_id for finding in found} == {"00ubert", "dora@example.com"}


def test_keys_that_say_the_same_twice_are_spread_over_the_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monitors.rendering.MAX_EVENTS_A_SHARD", 20)
    users = [f"user{number}" for number in range(10, 50)]  # a session is named for its user, as in `00uuser10|s-user10`
    events = [sign_in(minutes_ago(20), user=user) for user in users]
    events += [event("user.authentication.sso", minutes_ago(5), user=user, asn=64500, os="Linux") for user in users]
    pattern = index_by_template(f"t-{uuid.uuid4().hex[:12]}", events, shards=1)
    found = search.run_whole(inputs("session-cookie-replay", pattern), end_ms=int(NOON.timestamp() * 1000))
    assert {finding.entity_id for finding in found} == {f"00u{user}" for user in users}


def test_no_index_is_a_fault_and_never_nothing_found() -> None:
    rendered = inputs("brute-force-user", f"t-none-{uuid.uuid4().hex[:8]}-*")
    answer = search.run(rendered, end_ms=int(NOON.timestamp() * 1000))
    assert answer.faults == ("No index matches the pattern.",)
    with pytest.raises(OpenSearchError):
        search.run_whole(rendered, end_ms=int(NOON.timestamp() * 1000))


def test_an_envelope_stays_small_when_attackers_write_long_values() -> None:
    long = "x" * 5_000
    events = [
        failed_sign_in(minutes_ago(50 - step), os=long, user=f"u{user}") for user in range(30) for step in range(20)
    ]
    pattern = index_by_template(f"t-{uuid.uuid4().hex[:12]}", events)
    answer = search.run(inputs("brute-force-user", pattern), end_ms=int(NOON.timestamp() * 1000))
    assert len(answer.findings) == 30
    assert max(len(str(row.get("os", ""))) for finding in answer.findings for row in finding.events) == 200


def test_an_entity_with_thousands_of_events_does_not_reach_the_limit_of_loops() -> None:
    events = [sign_in(NOON - timedelta(seconds=2 + step)) for step in range(4_000)]
    stolen = event("user.authentication.sso", NOON - timedelta(seconds=1), place=SINGAPORE, asn=64500, os="Linux")
    assert only(ask("session-cookie-replay", [*events, stolen])).last.uuid == stolen["uuid"]
