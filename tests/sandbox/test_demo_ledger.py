"""The demo's judgement: what it calls missed, false and doubled, and how it counts seconds."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sandbox.demo.issues import Issue
from sandbox.demo.ledger import Alert, Ledger, Ticket, involved, printable, quantiles, report
from sandbox.okta.truth import Attack, Expected

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def event(user: str, ip: str = "198.18.0.1") -> dict[str, Any]:
    return {"actor": {"id": f"00u{user}", "alternateId": f"{user}@example.com"}, "client": {"ipAddress": ip}}


def attack(user: str, detection: str = "brute-force-user") -> Attack:
    return Attack(
        attack=user, family=detection, story="", expect=(Expected(detection, "user", f"00u{user}"),),
        deciding_uuid="", uuids=(), started="", decided="",
    )  # fmt: skip


def alert(number: int, user: str, detection: str = "brute-force-user") -> dict[str, Any]:
    return {
        "kind": "alert", "alert": number, "detection": detection, "entity_type": "user", "entity": f"00u{user}",
        "name": f"{user}@example.com", "severity": 3, "sentence": f"{user} was attacked",
    }  # fmt: skip


def ticket(number: int, seconds_after_noon: float = 5.0) -> dict[str, Any]:
    created = NOON + timedelta(seconds=seconds_after_noon)
    return {
        "kind": "ticket", "alert": number, "key": f"SEC-{number}", "url": "", "created_at": created.isoformat(),
        "posted_at": None, "seconds_from_post": 0.5,
    }  # fmt: skip


def issue(number: int, user: str) -> Issue:
    return Issue(f"SEC-{number}", f"Security Alert: Brute force on one user for {user}@example.com", NOON)


@pytest.fixture
def ledger() -> Ledger:
    """One attack, on anna; bert is somebody harmless."""
    ledger = Ledger()
    ledger.expect([event("anna"), event("bert")], [attack("anna")])
    ledger.take_indexed(attack("anna"), NOON)
    return ledger


def test_an_attack_with_one_alert_and_one_ticket_that_jira_holds_is_a_success(ledger: Ledger) -> None:
    assert isinstance(ledger.take(alert(1, "anna")), Alert)
    assert not ledger.wait(0)
    assert isinstance(ledger.take(ticket(1)), Ticket)
    assert ledger.wait(0)
    assert report(ledger, [issue(1, "anna")]) == {
        "attacks": 1,
        "alerts": 1,
        "tickets": 1,
        "missed": [],
        "false_alerts": [],
        "seconds_event_to_ticket": {"p50": 5.0, "p95": 5.0, "n": 1},
        "seconds_post_to_ticket": {"p50": 0.5, "p95": 0.5, "n": 1},
    }


def test_an_attack_without_an_alert_is_missed(ledger: Ledger) -> None:
    assert report(ledger, [])["missed"] == ["brute-force-user 00uanna: no alert"]


def test_an_alert_without_a_ticket_is_missed(ledger: Ledger) -> None:
    ledger.take(alert(1, "anna"))
    assert report(ledger, [])["missed"] == ["brute-force-user 00uanna: no ticket for A-1"]


def test_a_ticket_that_jira_does_not_hold_is_missed(ledger: Ledger) -> None:
    ledger.take(alert(1, "anna"))
    ledger.take(ticket(1))
    assert report(ledger, [])["missed"] == ["brute-force-user 00uanna: Jira holds no SEC-1"]


def test_an_alert_on_somebody_harmless_is_false(ledger: Ledger) -> None:
    ledger.take(alert(1, "bert"))
    assert report(ledger, [])["false_alerts"] == ["brute-force-user 00ubert: A-1 is about something harmless"]


def test_another_detection_than_the_expected_one_is_false(ledger: Ledger) -> None:
    ledger.take(alert(1, "anna", "impossible-travel"))
    found = report(ledger, [])
    assert found["false_alerts"] == ["impossible-travel 00uanna: A-1 is about something harmless"]
    assert "brute-force-user 00uanna: no alert" in found["missed"]


def test_a_second_alert_for_the_same_attack_is_doubled(ledger: Ledger) -> None:
    for number in (1, 2):
        ledger.take(alert(number, "anna"))
        ledger.take(ticket(number))
    found = report(ledger, [issue(1, "anna"), issue(2, "anna")])
    assert found["false_alerts"] == ["brute-force-user 00uanna: A-2 doubles A-1"]


def test_a_second_issue_in_jira_that_the_portal_does_not_know_is_found(ledger: Ledger) -> None:
    ledger.take(alert(1, "anna"))
    ledger.take(ticket(1))
    (false,) = report(ledger, [issue(1, "anna"), issue(2, "anna")])["false_alerts"]
    assert false.startswith("SEC-2 in Jira belongs to no alert")


def test_alerts_of_other_traffic_are_neither_counted_nor_false(ledger: Ledger) -> None:
    assert ledger.take(alert(7, "carol")) is None
    assert ledger.take(ticket(7)) is None
    found = report(ledger, [issue(7, "carol")])
    assert (found["alerts"], found["tickets"], found["false_alerts"]) == (0, 0, [])


def test_an_alert_about_the_source_itself_is_false(ledger: Ledger) -> None:
    ledger.take({**alert(1, "x"), "entity_type": "source", "entity": "OpenSearch"})
    assert len(report(ledger, [])["false_alerts"]) == 1


def test_whoever_an_event_names_is_involved_in_any_spelling() -> None:
    named = {**event("Anna", ip="2001:DB8::1"), "target": [{"id": "00uVictim", "alternateId": "Victim@Example.com"}]}
    assert involved([named, {}]) == {
        "00uanna", "anna@example.com", "2001:db8::1", "00uvictim", "victim@example.com"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("values", "p50", "p95"),
    [([], None, None), ([3.0], 3.0, 3.0), ([1.0, None, 2.0], 1.0, 2.0), ([float(n) for n in range(1, 101)], 50, 95)],
)
def test_quantiles_are_nearest_ranks_of_what_is_known(
    values: list[float | None], p50: float | None, p95: float | None
) -> None:
    known = sum(value is not None for value in values)
    assert quantiles(values) == {"p50": p50, "p95": p95, "n": known}


def test_what_an_attacker_wrote_cannot_steer_the_terminal() -> None:
    assert printable("a\x1b[2Jb\u202ec\nd") == "a\ufffd[2Jb\ufffdc\ufffdd"
