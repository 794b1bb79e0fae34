"""A search's answer is whole or says why not, and one bad row harms no other."""

from datetime import UTC, datetime
from typing import Any

import pytest

from monitors.definitions import Modifier, detection
from monitors.facts import refused_words
from monitors.findings import Context, duration, read_answer, sentence, when
from monitors.profiles import template_profile

SHARDS = {"total": 2, "successful": 2, "skipped": 0, "failed": 0}


def context(detection_id: str = "brute-force-user") -> Context:
    definition = detection(detection_id)
    return Context(definition, definition.values({}), template_profile("okta-*"), definition.severity)


def row(**changes: Any) -> dict[str, Any]:
    told = {
        "entity": "00uanna",
        "count": 20,
        "first": {"t": 1_000, "uuid": "a"},
        "last": {"t": 61_000, "uuid": "b"},
        "observed": {"count": 20, "values": 2, "seconds": 60},
        "events": [{"t": 1_000, "uuid": "a", "user": "anna@example.com"}],
    }
    return {**told, **changes}


def result(*rows: Any, **changes: Any) -> dict[str, Any]:
    value = {"truncated": False, "capped": False, "found": len(rows), "read": 40, "findings": list(rows)}
    return {"took": 3, "timed_out": False, "_shards": SHARDS, "aggregations": {"f": {"value": {**value, **changes}}}}


def test_a_whole_answer_has_no_faults() -> None:
    answer = read_answer(result(row()), context())
    assert (answer.whole, answer.found, answer.read, answer.took_ms) == (True, 1, 40, 3)
    assert answer.findings[0].sentence == "20 failed sign-ins of anna@example.com in 1 min, from 2 addresses"
    assert answer.findings[0].first.at == datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("changed", "words", "cut"),
    [
        ({**result(), "timed_out": True}, "timed out", False),
        ({**result(), "_shards": {**SHARDS, "failed": 1}}, "1 of 2 shards failed", False),
        ({**result(), "_shards": {**SHARDS, "total": 0}}, "No index", False),
        ({"_shards": SHARDS, "timed_out": False}, "no result of the program", False),
        ({}, "without saying how many shards", False),
        (result(truncated=True), "truncated", True),
        (result(row(), capped=True, found=900), "1 of 900 findings", True),
    ],
)
def test_what_is_not_whole_says_so_and_whether_asking_in_parts_helps(
    changed: dict[str, Any], words: str, cut: bool
) -> None:
    answer = read_answer(changed, context())
    assert words in " ".join(answer.faults)
    assert (answer.whole, answer.cut) == (False, cut)


def test_a_cut_answer_says_in_how_many_parts_to_ask_and_at_least_in_two() -> None:
    assert read_answer(result(), context()).split == 1
    assert read_answer(result(truncated=True, split=7), context()).split == 7
    assert read_answer(result(truncated=True), context()).split == 2


def test_the_first_failed_shard_says_why() -> None:
    failures = [{"reason": {"reason": "runtime error", "caused_by": {"reason": "No field found"}}}]
    answer = read_answer({**result(), "_shards": {**SHARDS, "failed": 1, "failures": failures}}, context())
    assert "No field found" in answer.faults[0]


@pytest.mark.parametrize(
    "bad",
    [None, "text", {}, row(entity=None), row(count="20"), row(first={}), row(last={"t": "soon"}), row(observed=None)],
)
def test_one_bad_row_is_named_and_the_others_are_read(bad: Any) -> None:
    answer = read_answer(result(bad, row()), context())
    assert len(answer.findings) == 1
    assert len(answer.malformed) == 1
    assert answer.malformed[0].startswith("finding 0: ")


def hit(**changes: Any) -> dict[str, Any]:
    source = {
        "uuid": "e1",
        "published": "2026-11-24T12:00:00Z",
        "eventType": "user.account.privilege.grant",
        "actor": {"id": "00uanna", "alternateId": "anna@example.com"},
        "outcome": {"result": "SUCCESS"},
        "target": [{"id": "00ubert", "type": "User", "alternateId": "bert@example.com"}],
    }
    return {"_id": "e1", "_source": {**source, **changes}}


def matches(*hits: Any, total: int | None = None) -> dict[str, Any]:
    told = {"total": {"value": len(hits) if total is None else total, "relation": "eq"}, "hits": list(hits)}
    return {"timed_out": False, "_shards": SHARDS, "hits": told}


def test_each_hit_of_a_match_is_a_finding() -> None:
    finding = read_answer(matches(hit()), context("admin-role-granted")).findings[0]
    assert (finding.entity_id, finding.count, finding.first) == ("00uanna", 1, finding.last)
    assert finding.sentence == "anna@example.com granted an administrator role to bert@example.com"


def test_more_matches_than_hits_is_a_cut_answer() -> None:
    answer = read_answer(matches(hit(), total=7), context("admin-role-granted"))
    assert answer.cut
    assert answer.faults == ("The answer holds 1 of 7 matching events.",)


@pytest.mark.parametrize(
    "bad", [{"published": "redacted"}, {"published": None}, {"actor": {"id": "unknown"}}, {"actor": None}]
)
def test_a_hit_without_time_or_actor_is_named(bad: dict[str, Any]) -> None:
    answer = read_answer(matches(hit(**bad), hit()), context("admin-role-granted"))
    assert (len(answer.findings), len(answer.malformed)) == (1, 1)


@pytest.mark.parametrize("target", [None, "text", [None, 3], [{"type": "User", "id": None}], {}])
def test_odd_targets_are_no_fault(target: Any) -> None:
    assert len(read_answer(matches(hit(target=target)), context("admin-role-granted")).findings) == 1


def test_a_refused_grant_is_told_as_tried_and_is_less_grave() -> None:
    finding = read_answer(matches(hit(outcome={"result": "FAILURE"})), context("admin-role-granted")).findings[0]
    assert (finding.severity, finding.reasons) == (4, ("Okta refused the grant",))
    assert "tried to grant" in finding.sentence


def rule_changed(before: Any, after: Any) -> dict[str, Any]:
    details = {"from": {"policyRuleActionJson": before}, "to": {"policyRuleActionJson": after}}
    target = [
        {"type": "PolicyEntity", "id": "00p1", "displayName": "Global session policy"},
        {"type": "PolicyRule", "id": "0pr1", "displayName": "Catch-all rule", "changeDetails": details},
    ]
    return hit(eventType="policy.rule.update", target=target)


ONE = '{"appSignOn":{"verificationMethod":{"factorMode":"1FA"}}}'
TWO = '{"appSignOn":{"verificationMethod":{"factorMode":"2FA"}}}'


@pytest.mark.parametrize(
    ("before", "after", "severity"),
    [
        (TWO, ONE, 2),
        ({"appSignOn": {"factorMode": "2FA"}}, {"appSignOn": {"factorMode": "1FA"}}, 2),
        (ONE, TWO, 4),
        (ONE, ONE, 4),
        (None, ONE, 4),
        (TWO, None, 4),
    ],
)
def test_a_rule_that_asks_for_one_factor_where_it_asked_for_two_is_high(before: Any, after: Any, severity: int) -> None:
    finding = read_answer(matches(rule_changed(before, after)), context("policy-changed")).findings[0]
    assert finding.severity == severity
    assert bool(finding.reasons) == (severity == 2)


def test_the_sentence_of_a_match_names_all_its_targets() -> None:
    finding = read_answer(matches(rule_changed(TWO, TWO)), context("policy-changed")).findings[0]
    assert "Global session policy, Catch-all rule" in finding.sentence


def test_a_threshold_of_a_modifier_holds_from_its_number_on_and_never_for_what_is_no_number() -> None:
    modifier = Modifier(when="values", severity=2, because="many", at_least=3)
    told = [modifier.holds({"values": value}) for value in (2, 3, 4, "5", None)]
    assert told == [False, True, True, False, False]


def test_a_key_of_several_parts_is_about_its_first_and_tells_the_others() -> None:
    finding = read_answer(result(row(entity="00uanna|00gsupport")), context("indirect-self-grant")).findings[0]
    assert (finding.entity_id, finding.observed["key.1"]) == ("00uanna", "00gsupport")
    assert "rights to the group 00gsupport" in finding.sentence


@pytest.mark.parametrize(
    ("results", "words"),
    [
        (["DENY", "RATE_LIMIT", None], "refused"),
        (["ALLOW"], "let through"),
        (["ALLOW", "DENY"], "some refused, some let through"),
        ([None], "with an outcome that is not told"),
    ],
)
def test_a_sentence_says_whether_requests_were_refused(results: list[Any], words: str) -> None:
    assert refused_words(results) == words


def test_values_in_a_sentence_are_data_and_never_templates() -> None:
    assert sentence("{user} failed", {"user": "{count} {{x}} %s"}) == "{count} {{x}} %s failed"
    assert sentence("{user} failed", {}) == "unknown failed"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (59, "59 s"), (60, "1 min"), (200, "3 min 20 s"), (3600, "1 h"), (7500, "2 h 5 min"), ("x", "0 s")],
)
def test_durations_in_words(seconds: Any, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize("value", [None, "redacted", "", {}, 1e30, True, float("nan")])
def test_what_is_no_time_is_none(value: Any) -> None:
    assert when(value) is None
