"""The page of one alert: what it tells, and the decisions taken on it."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from alerts.choices import OperationState, Status, Verdict
from alerts.models import Alert
from alerts.services import triage
from core.activity import person_of
from tests.factories import (
    ago,
    involve,
    make_alert,
    make_event,
    make_evidence,
    make_occurrence,
    make_operation,
    make_person,
    make_ticket,
    make_travel_alert,
)

pytestmark = pytest.mark.django_db

HOSTILE = [
    "<script>alert(1)</script>",
    "\"'><img src=x onerror=alert(1)>",
    "\u202egnp.exe",
    "{{ 7|add:7 }}",
    "👩‍💻 " * 20,
    "x" * 500,
]


def page_of(client: Client, alert: Alert, query: str = "") -> str:
    response = client.get(f"/alerts/{alert.pk}/{query}")
    assert response.status_code == 200
    return response.content.decode()


def decide(client: Client, alert: Alert, action: str, **fields: str) -> int:
    """Post a decision as the page does, and return the answer's status."""
    seen = str(triage.newest_change(alert))
    return client.post(f"/alerts/{alert.pk}/{action}/", {"seen": seen, **fields}).status_code


def test_the_page_says_what_happened_and_why_it_fired(client: Client) -> None:
    page = page_of(client, make_travel_alert())
    assert "2 min 3 s later from Singapore" in page
    assert "448,917 km/h" in page
    assert "limit 900, 499 times the limit" in page
    assert "since one of the places is a proxy or anonymiser" in page
    assert "Clear user sessions" in page


def test_travel_is_drawn_between_its_two_places(client: Client) -> None:
    page = page_of(client, make_travel_alert())
    assert 'aria-label="New York, United States to Singapore, Singapore, 15,338 km in 2 min 3 s"' in page
    assert page.count('class="place"') == 2


def test_travel_without_places_is_told_without_a_picture(client: Client) -> None:
    page = page_of(client, make_travel_alert(events=[make_event(), make_event(lat="north", lon=None)]))
    assert 'class="map"' not in page


def test_evidence_is_told_in_words_and_marks_proxies(client: Client) -> None:
    alert = make_travel_alert()
    page = page_of(client, alert)
    assert "AS45102 Alibaba" in page
    assert '<span class="tag">proxy</span>' in page
    assert "FIREFOX, Linux" in page


def test_whole_events_are_shown_field_by_field(client: Client) -> None:
    alert = make_alert()
    make_evidence(
        alert.occurrences.get(), [{"uuid": "5c0d", "actor": {"alternateId": "a@example.com"}, "target": [{"id": "t1"}]}]
    )
    page = page_of(client, alert)
    assert "<dt>actor.alternateId</dt><dd>a@example.com</dd>" in page
    assert "<dt>target[0].id</dt><dd>t1</dd>" in page


def test_an_earlier_occurrence_can_be_looked_at(client: Client) -> None:
    alert = make_alert(occurrence_count=2)
    earlier = make_occurrence(
        alert, first_at=ago(hours=5), last_at=ago(hours=4), events=[make_event(ip="198.51.100.99")]
    )
    assert "198.51.100.99" not in page_of(client, alert)
    assert "198.51.100.99" in page_of(client, alert, f"?occurrence={earlier.pk}")


def test_an_occurrence_of_another_alert_is_not_found(client: Client) -> None:
    other = make_alert().occurrences.get()
    assert client.get(f"/alerts/{make_alert().pk}/?occurrence={other.pk}").status_code == 404


def test_alerts_of_the_same_person_or_address_within_a_day_are_related(client: Client) -> None:
    alert = make_alert(entity_name="anna@example.com")
    involve(alert, "ip", "203.0.113.9", "source")
    same_person = make_alert(entity_name="anna@example.com", sentence="Same person")
    same_address = make_alert(sentence="Same address")
    involve(same_address, "ip", "203.0.113.9", "source")
    make_alert(entity_name="anna@example.com", sentence="Long ago", first_seen=ago(days=3), last_seen=ago(days=3))
    make_alert(sentence="Somebody else")
    page = page_of(client, alert)
    assert same_person.sentence in page
    assert same_address.sentence in page
    assert "Long ago" not in page
    assert "Somebody else" not in page


@pytest.mark.parametrize("name", HOSTILE)
def test_what_an_attacker_wrote_is_shown_as_text(client: Client, name: str) -> None:
    said: dict[str, Any] = dict.fromkeys(
        ("user", "city", "as_org", "browser", "agent", "session", "ip", "type", "result", "reason"), name
    )
    alert = make_alert(
        entity_name=name,
        sentence=f"3 failed sign-ins of {name}",
        detection=name[:120],
        detection_id="",
        events=[make_event(**said)],
    )
    make_evidence(alert.occurrences.get(), [{"uuid": name, name: name}])
    involve(alert, "device", name, "device")
    for page in (page_of(client, alert), client.get("/").content.decode()):
        assert "<script>alert" not in page
        assert "\u202e" not in page  # it would turn what follows around
        assert "<img src=x" not in page
        assert "{{ 7" in page or "{{" not in name


def test_events_of_odd_types_do_not_break_the_page(client: Client) -> None:
    odd = [
        {},
        {"t": "yesterday"},
        {"t": True, "type": None, "ip": ["a"], "city": {"x": 1}},
        "no object",
        None,
        {"lat": 1, "lon": "x"},
    ]
    alert = make_travel_alert(
        events=odd, observed={"kmh": "fast", "km": None, "seconds": "?"}, limits={"max_kmh": "900"}
    )
    assert "fast km/h" in page_of(client, alert)


def test_an_alert_of_somebody_elses_monitor_has_a_page(client: Client) -> None:
    alert = make_alert(detection="Their rule", detection_id="", observed={"count": 3}, limits={}, events=[])
    page = page_of(client, alert)
    assert "Their rule" in page
    assert "told no events one by one" in page


def test_an_alert_whose_detection_left_the_catalogue_stays_readable(client: Client) -> None:
    assert "Gone" in page_of(client, make_alert(detection="Gone", detection_id="gone-detection"))


def test_the_page_asks_a_bounded_number_of_queries(
    client: Client, mira: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    person_of(mira)
    alert = make_travel_alert()
    make_ticket(alert)
    for number in range(20):
        make_occurrence(alert, first_at=ago(hours=number + 1), last_at=ago(hours=number + 1))
        make_alert(entity_name=alert.entity_name)
        triage.assign(alert.pk, make_person(), to=make_person())
    with django_assert_max_num_queries(26):
        page_of(client, alert)


def test_history_names_people_and_says_what_they_did(client: Client, mira: User) -> None:
    alert = make_alert()
    decide(client, alert, "assign")
    decide(client, alert, "acknowledge")
    decide(client, alert, "close", verdict="benign", reason="test", note="the red team")
    page = page_of(client, alert)
    assert "Mira Okafor</b> acknowledged it" in page
    assert "Mira Okafor</b> took it" in page
    assert "closed it as benign true positive" in page
    assert "Test: the red team" in page


def test_a_decision_leads_back_to_the_alert_and_says_what_was_done(client: Client) -> None:
    alert = make_alert()
    response = client.post(f"/alerts/{alert.pk}/assign/", {"seen": triage.newest_change(alert)}, follow=True)
    assert response.redirect_chain == [(f"/alerts/{alert.pk}/", 302)]
    assert "The alert is yours." in response.content.decode()


def test_each_button_does_what_it_says(client: Client, mira: User) -> None:
    alert = make_alert()

    def now() -> tuple[str, str, bool]:
        alert.refresh_from_db()
        return alert.status, alert.verdict, alert.assignee == person_of(mira)

    assert decide(client, alert, "assign") == 302
    assert now() == (Status.NEW, "", True)
    assert decide(client, alert, "acknowledge") == 302
    assert now() == (Status.ACKNOWLEDGED, "", True)
    assert decide(client, alert, "true-positive") == 302
    assert now() == (Status.IN_PROGRESS, Verdict.TRUE_POSITIVE, True)
    assert decide(client, alert, "close", verdict="true_positive", note="Contained.") == 302
    assert now() == (Status.CLOSED, Verdict.TRUE_POSITIVE, True)
    assert decide(client, alert, "reopen") == 302
    assert now() == (Status.IN_PROGRESS, "", True)
    assert decide(client, alert, "assign", to="nobody") == 302
    assert now() == (Status.IN_PROGRESS, "", False)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"reason": "test"}, "Choose a verdict."),
        ({"verdict": "benign"}, "Choose a reason."),
        ({"verdict": "benign", "reason": "other"}, "Say what the other reason is."),
        ({"verdict": "benign", "reason": "change"}, "Say which change: its ticket."),
        ({"verdict": "true_positive"}, "Say what was done."),
        ({"verdict": "odd", "reason": "test"}, "odd is not one of the available choices"),
    ],
)
def test_a_closing_without_verdict_or_reason_is_asked_again(client: Client, fields: dict[str, str], words: str) -> None:
    alert = make_alert()
    response = client.post(f"/alerts/{alert.pk}/close/", {"seen": triage.newest_change(alert), **fields})
    assert response.status_code == 422
    assert words in response.content.decode()
    alert.refresh_from_db()
    assert alert.is_open


@pytest.mark.parametrize("seen", ["", "abc", "-1", "9" * 30])
def test_a_decision_that_does_not_say_what_was_seen_is_refused(client: Client, seen: str) -> None:
    alert = make_alert()
    assert client.post(f"/alerts/{alert.pk}/acknowledge/", {"seen": seen}).status_code == 400
    alert.refresh_from_db()
    assert alert.status == Status.NEW


def test_a_conflict_shows_both_what_was_wanted_and_what_happened_and_can_be_insisted_on(client: Client) -> None:
    alert = make_alert()
    seen = triage.newest_change(alert)
    triage.acknowledge(alert.pk, make_person())
    wanted = {"verdict": "benign", "reason": "change", "note": "CHG-1"}
    response = client.post(f"/alerts/{alert.pk}/close/", {"seen": seen, **wanted})
    page = response.content.decode()
    assert response.status_code == 409
    assert "Close it as benign true positive: Known change: CHG-1" in page
    assert "acknowledged it" in page
    assert 'name="note" value="CHG-1"' in page

    assert decide(client, alert, "close", **wanted) == 302
    alert.refresh_from_db()
    assert alert.verdict == Verdict.BENIGN


def test_an_analyst_is_not_offered_to_judge_an_alert_about_themself(client: Client) -> None:
    alert = make_alert(entity_name="mira@example.com")
    page = page_of(client, alert)
    assert "This alert is about you" in page
    assert "True positive" not in page.split('aria-label="Decide"')[1].split("</div>")[0]
    decide(client, alert, "true-positive")
    alert.refresh_from_db()
    assert alert.verdict == ""


def test_a_failed_ticket_shows_its_error_and_can_be_tried_again(client: Client) -> None:
    alert = make_alert()
    operation = make_operation(alert, state=OperationState.FAILED, last_error="Jira knows no project SEC.")
    assert "Jira knows no project SEC." in page_of(client, alert)
    assert client.post(f"/alerts/{alert.pk}/operations/{operation.pk}/retry/").status_code == 302
    operation.refresh_from_db()
    assert operation.state == OperationState.WAITING


def test_the_ticket_of_another_alert_is_not_retried_from_this_one(client: Client) -> None:
    operation = make_operation(make_alert(), state=OperationState.FAILED)
    assert client.post(f"/alerts/{make_alert().pk}/operations/{operation.pk}/retry/").status_code == 404
    operation.refresh_from_db()
    assert operation.state == OperationState.FAILED
