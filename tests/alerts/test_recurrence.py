"""What is found again after a false positive, and what ends a snooze that lasts until it grows."""

from datetime import timedelta
from typing import Any

import pytest

from alerts.choices import Cause, Status, Verdict
from alerts.models import Alert
from alerts.services import triage
from core import activity, clock
from core.models import Person
from tests.alerts.test_alerting import operations, tell
from tests.factories import make_person

pytestmark = pytest.mark.django_db


@pytest.fixture
def mira() -> Person:
    return make_person()


def events(**facts: Any) -> list[dict[str, Any]]:
    return [
        {"t": 0, "uuid": "e", "ip": "203.0.113.7", "asn": 64500, "device_token": "d1", "country": "France", **facts}
    ]


def a_false_positive(by: Person, **facts: Any) -> Alert:
    alert = tell(0, 10, count=1, events=events(**facts)).occurrence.alert
    return triage.close(alert.pk, by, verdict=Verdict.FALSE_POSITIVE, reason="Frankfurt egress", cause=Cause.VPN)


def actions(alert: Alert) -> list[str]:
    return list(activity.history(alert).values_list("action", flat=True))


def test_a_false_positive_seen_again_from_the_same_place_stays_closed_and_says_so(mira: Person) -> None:
    alert = a_false_positive(mira)
    outcome = tell(30, 40, count=1, events=events())
    alert.refresh_from_db()
    assert (outcome.new_alert, outcome.occurrence.alert) == (False, alert)
    assert (alert.status, alert.verdict, alert.occurrence_count) == (Status.CLOSED, Verdict.FALSE_POSITIVE, 2)
    assert actions(alert)[0] == "alert.stayed_closed"
    assert operations("create") == 1


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"ip": "198.51.100.1"}, "address 198.51.100.1"),
        ({"asn": 64501}, "network 64501"),
        ({"device_token": "d2"}, "device d2"),
    ],
)
def test_a_false_positive_seen_again_from_elsewhere_opens_and_says_what_is_new(
    mira: Person, facts: dict[str, Any], words: str
) -> None:
    alert = a_false_positive(mira)
    outcome = tell(30, 40, count=1, events=events(**facts))
    assert outcome.new_alert
    told = activity.history(outcome.occurrence.alert).get(action="alert.after_false_positive").data
    assert told == {"alert": alert.pk, "new": [words]}


@pytest.mark.parametrize(
    "changes",
    [
        {"count": 30, "events": events()},
        {"count": 1, "events": [{"t": 0, "uuid": "e"}]},
        {"count": 1, "events": events(), "severity": 2},
    ],
    ids=["a sample only", "no place at all", "graver"],
)
def test_what_cannot_be_told_to_be_the_same_again_opens(mira: Person, changes: dict[str, Any]) -> None:
    a_false_positive(mira)
    assert tell(30, 40, **changes).new_alert


def test_what_was_benign_opens_again_from_the_same_place(mira: Person) -> None:
    alert = tell(0, 10, count=1, events=events()).occurrence.alert
    triage.close(alert.pk, mira, verdict=Verdict.BENIGN, reason="Test", cause=Cause.TEST)
    assert tell(30, 40, count=1, events=events()).new_alert


def test_a_new_occurrence_wakes_what_was_snoozed_until_it_grows(mira: Person) -> None:
    alert = tell(0, 10).occurrence.alert
    triage.snooze(alert.pk, mira, until=clock.now() + timedelta(days=7), or_growth=True)
    tell(30, 40)
    alert.refresh_from_db()
    assert (alert.is_snoozed, alert.status) == (False, Status.NEW)
    assert "alert.woken" in actions(alert)


def test_more_of_the_same_stretch_wakes_it_and_the_same_told_again_does_not(mira: Person) -> None:
    alert = tell(0, 10).occurrence.alert
    triage.snooze(alert.pk, mira, until=clock.now() + timedelta(days=7), or_growth=True)
    tell(0, 10)
    alert.refresh_from_db()
    assert alert.is_snoozed
    tell(0, 12, count=40)
    alert.refresh_from_db()
    assert not alert.is_snoozed


def test_a_snooze_until_a_time_lasts_though_it_grows(mira: Person) -> None:
    alert = tell(0, 10).occurrence.alert
    triage.snooze(alert.pk, mira, until=clock.now() + timedelta(hours=4))
    tell(30, 40)
    alert.refresh_from_db()
    assert alert.is_snoozed


def test_an_alert_knows_the_countries_of_its_events() -> None:
    alert = tell(0, 10, count=1, events=events()).occurrence.alert
    tell(30, 40, count=1, events=events(country="Brazil"))
    alert.refresh_from_db()
    assert alert.countries == ["Brazil", "France"]
