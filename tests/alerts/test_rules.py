"""What a suppression is about: every condition holds, and every address, country and application that is told is named."""

from typing import Any

import pytest

from alerts.rules import MAX_VALUES, Facts, Rule, RuleError, in_words

HOSTILE = ["<script>alert(1)</script>", "{{7*7}}", "‮gnp.exe", "' OR 1=1 --", "=HYPERLINK(1)", "a" * 500, "名前"]


def facts(**changes: Any) -> Facts:
    told: dict[str, Any] = {
        "detection": "Brute force on one user",
        "entity": ("user", "00uanna", "Anna@Example.com"),
        "involved": [("ip", "10.1.2.3"), ("ip", "10.9.9.9"), ("session", "s1"), ("user", "00uanna")],
        "countries": ["Germany"],
    }
    return Facts.of(**{**told, **changes})


def rule(exempt: tuple[str, ...] = (), **values: Any) -> Rule:
    conditions = [{"kind": kind, "values": [one] if isinstance(one, str) else one} for kind, one in values.items()]
    return Rule.from_json(conditions, exempt=exempt)


@pytest.mark.parametrize(
    ("conditions", "hides"),
    [
        ({"entity": "anna@example.com"}, True),
        ({"entity": "00uAnna"}, True),
        ({"entity": ["bert@example.com", "00uanna"]}, True),
        ({"entity": "anna"}, False),
        ({"address": "10.0.0.0/8"}, True),
        ({"address": ["10.1.2.3", "10.9.9.9"]}, True),
        ({"address": "10.1.2.3"}, False),
        ({"country": "germany"}, True),
        ({"country": "Austria"}, False),
        ({"application": "0oawiki"}, False),
        ({"detection": "Brute force on one user", "country": "Germany"}, True),
        ({"detection": "Impossible travel", "country": "Germany"}, False),
        ({"entity": "00uanna", "address": "192.0.2.0/24"}, False),
    ],
)
def test_it_hides_an_alert_for_which_every_condition_holds(conditions: dict[str, Any], hides: bool) -> None:
    assert rule(**conditions).matches(facts()) is hides


def test_one_address_or_country_that_is_not_named_is_enough_to_be_seen() -> None:
    elsewhere = facts(involved=[("ip", "10.1.2.3"), ("ip", "203.0.113.9")])
    assert not rule(address="10.0.0.0/8").matches(elsewhere)
    assert not rule(country="Germany").matches(facts(countries=["Germany", "Singapore"]))


def test_an_alert_that_tells_of_no_address_is_hidden_by_no_condition_on_addresses() -> None:
    nothing = facts(involved=[], countries=[])
    assert not rule(address="10.0.0.0/8").matches(nothing)
    assert not rule(country="Germany").matches(nothing)


@pytest.mark.parametrize("text", ["unknown", "10.1.2.3, 203.0.113.9", "10.1.2", "", *HOSTILE])
def test_what_is_no_address_lies_in_no_range(text: str) -> None:
    assert not rule(address="10.0.0.0/8").matches(facts(involved=[("ip", text)]))


def test_ranges_of_both_kinds_stand_side_by_side() -> None:
    both = rule(address=["10.0.0.0/8", "2001:db8::/32"])
    assert both.matches(facts(involved=[("ip", "10.0.0.1"), ("ip", "2001:DB8::0:1")]))


@pytest.mark.parametrize("kind", ["monitor", "index"])
def test_our_own_faults_are_never_hidden(kind: str) -> None:
    assert not rule(entity="away").matches(facts(entity=(kind, "away", "OpenSearch")))


def test_nobodys_own_alerts_are_hidden_by_a_rule_of_theirs() -> None:
    assert not rule(exempt=("anna@example.com",), address="10.0.0.0/8").matches(facts())
    assert rule(exempt=("bert@example.com",), address="10.0.0.0/8").matches(facts())


def test_letters_that_only_look_like_others_are_others() -> None:
    assert not rule(entity="kim@example.com").matches(
        facts(entity=("user", "\u212aim@example.com", ""))
    )  # Kelvin's sign


@pytest.mark.parametrize(
    "conditions",
    [
        [],
        [{"kind": "detection", "values": ["Brute force on one user"]}],
        [{"kind": "planet", "values": ["Mars"]}],
        [{"kind": ["entity"], "values": ["x"]}],
        [{"kind": "entity", "values": []}],
        [{"kind": "entity", "values": "x"}],
        [{"kind": "entity", "values": [" "]}],
        [{"kind": "entity", "values": [7]}],
        [{"kind": "entity", "values": ["a\x00b"]}],
        [{"kind": "entity", "values": ["a" * 501]}],
        [{"kind": "entity", "values": ["a"]}, {"kind": "entity", "values": ["b"]}],
        [{"kind": "entity", "values": [str(number) for number in range(MAX_VALUES + 1)]}],
        [{"kind": "address", "values": ["office"]}],
        [{"kind": "address", "values": ["0.0.0.0/0"]}],
        [{"kind": "address", "values": ["::/0"]}],
    ],
)
def test_what_makes_no_rule_is_refused_in_words(conditions: list[dict[str, Any]]) -> None:
    with pytest.raises(RuleError) as refused:
        Rule.from_json(conditions)
    assert str(refused.value)


@pytest.mark.parametrize("value", HOSTILE)
def test_hostile_values_are_values(value: str) -> None:
    kept = rule(entity=value)
    assert kept.matches(facts(entity=("user", value, "")))
    assert Rule.from_json(kept.to_json()) == kept
    assert value in in_words(kept.to_json())


def test_addresses_are_kept_in_their_one_spelling() -> None:
    assert rule(address=["10.1.2.3/8", "2001:DB8::1", "192.0.2.7/32"]).to_json() == [
        {"kind": "address", "values": ["10.0.0.0/8", "2001:db8::1", "192.0.2.7"]}
    ]
    assert (
        str(rule(address="10.1.2.3/8", country=["A", "B", "C", "D"]))
        == "address 10.0.0.0/8 and countries A, B, C and 1 more"
    )
