"""The list of cases, and the page of one."""

import re
from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from alerts import caseload
from alerts.choices import OperationKind, OperationState, Status, Verdict
from alerts.models import Alert, Case, Rehearsal
from alerts.services import cases, joining, triage
from monitors.models import Monitor
from tests.factories import ago, involve, make_alert, make_monitor, make_operation, make_person, make_ticket

pytestmark = pytest.mark.django_db

HOSTILE = ["<script>alert(1)</script>", "\u202egnp.exe", "👩‍💻" * 80, "x" * 490]


@pytest.fixture(autouse=True)
def needed(settings: Any) -> None:
    settings.OKTADETECT_SCORE_NEEDED = 8


def listed(client: Client, query: str = "") -> str:
    response = client.get(f"/cases/{query}")
    assert response.status_code == 200
    return response.content.decode()


def page_of(client: Client, case: Case, query: str = "") -> str:
    response = client.get(f"/cases/{case.pk}/{query}")
    assert response.status_code == 200
    return response.content.decode()


def order(page: str, *cases: Case) -> list[Case]:
    """Return the cases that the list shows, in its order."""
    places = {case: page.find(f'href="/cases/{case.pk}/"') for case in cases}
    return sorted((case for case in cases if places[case] >= 0), key=lambda case: places[case])


def together(number: int = 2, **fields: Any) -> Case:
    """Return a case with several alerts."""
    first = make_alert(**fields)
    for _ in range(number - 1):
        make_alert(case=first.case, entity_name=first.entity_name, **fields)
    return first.case


def gathering(points: int = 5) -> Alert:
    """Return an alert in a case that gathers weak signals."""
    alert = make_alert(severity=2 if points == 5 else 3)
    Case.objects.filter(pk=alert.case_id).update(ticket_policy=Monitor.Policy.SCORE)
    alert.refresh_from_db()
    cases.owe_when_reached(alert)
    return alert


def test_cases_of_several_alerts_or_a_score_stand_first_then_the_newest(client: Client) -> None:
    several, scored = together(), gathering().case
    older, newer = make_alert().case, make_alert().case
    assert order(listed(client), several, scored, older, newer) == [scored, several, newer, older]


def test_a_row_tells_the_gravest_open_alert_how_many_there_are_the_sum_and_the_ticket(client: Client) -> None:
    alert = gathering()
    make_alert(case=alert.case, severity=1, sentence="Grave and closed", status=Status.CLOSED, verdict=Verdict.BENIGN)
    make_alert(case=alert.case, severity=4, sentence="Weak and open")
    make_ticket(alert, "SEC-77")
    page = listed(client)
    assert alert.sentence in page
    assert "Grave and closed" not in page
    assert '<b>2</b> <span class="quiet">of 3' in page
    assert "5 points" in page
    assert "of 8 needed" in page
    assert "SEC-77" in page


def test_closed_cases_and_rehearsals_are_left_to_all(client: Client) -> None:
    closed, rehearsed = (
        make_alert(status=Status.CLOSED).case,
        make_alert(rehearsal=Rehearsal.objects.create(monitor=make_monitor())).case,
    )
    assert order(listed(client), closed, rehearsed) == []
    assert order(listed(client, "?tab=all"), closed, rehearsed) == [closed]


def test_a_case_that_was_joined_into_another_is_worked_there_alone(client: Client) -> None:
    alert, other = make_alert(), make_alert()
    gone = alert.case
    joining.join(alert.pk, other.pk, make_person())
    assert order(listed(client, "?tab=all"), gone, other.case) == [other.case]
    assert f'It was joined into <a href="/cases/{other.case_id}/">' in page_of(client, gone)
    assert "was joined into this one" in page_of(client, other.case)


def test_cases_are_filtered_by_entity_policy_and_what_jira_holds(client: Client) -> None:
    anna = make_alert(entity_name="anna@example.com")
    involve(anna, "ip", "203.0.113.9", "source")
    scored = gathering()
    done, failed, owed = (make_alert() for _ in range(3))
    make_ticket(anna, status="To Do")
    ticket = make_ticket(done)
    ticket.status_category = "done"
    ticket.save()
    make_operation(failed, state=OperationState.FAILED)
    make_operation(owed)
    every = [one.case for one in (anna, scored, done, failed, owed)]
    for query, expected in {
        "entity=Anna@example.com": [anna],
        "entity=203.0.113.9": [anna],
        "entity=nobody": [],
        "policy=score": [scored],
        "ticket=open": [anna],
        "ticket=done": [done],
        "ticket=failed": [failed],
        "ticket=owed": [owed],
        "ticket=none": [scored],
        "policy=score&ticket=open": [],
    }.items():
        assert order(listed(client, f"?{query}"), *every) == [one.case for one in expected], query


def test_an_address_that_makes_no_sense_is_said_and_left_out(client: Client) -> None:
    case = make_alert().case
    for query in ("policy=x", "ticket=x", "tab=x", "before=x", "before=1-9999999999999999999"):
        page = listed(client, f"?{query}")
        assert "makes no sense and was left out" in page
        assert order(page, case) == [case]


def test_the_list_is_paged_without_a_gap_or_a_repeat(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alerts.views.cases.PAGE", 2)
    every = [make_alert().case, together(), make_alert().case, together(), make_alert().case]
    seen: list[Case] = []
    query = ""
    for _ in range(3):
        page = listed(client, query)
        seen += order(page, *every)
        further = re.search(r'href="(\?before=[^"]+)" rel="next"', page)
        query = further[1] if further else ""
    assert seen == [every[3], every[1], every[4], every[2], every[0]]


def test_what_is_not_looked_through_is_said(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(caseload, "POOL", 2)
    every = [make_alert(entity_name=f"user-{number}").case for number in range(3)]
    page = listed(client)
    assert order(page, *every) == [every[2], every[1]]
    assert "the newest 2 open alerts" in page
    assert order(listed(client, "?entity=user-0"), *every) == [every[0]]


def test_an_empty_list_says_what_a_case_is_and_how_to_see_more(client: Client) -> None:
    assert "alerts worked as one, with one Jira ticket" in listed(client)
    assert "No case matches" in listed(client, "?policy=score")


def test_a_case_tells_its_alerts_how_its_sum_came_about_and_what_was_done(client: Client) -> None:
    alert = gathering()
    other = make_alert(case=alert.case, severity=3, sentence="Another weak signal")
    other.refresh_from_db()
    cases.owe_when_reached(other)
    triage.acknowledge(other.pk, make_person())
    page = page_of(client, alert.case)
    assert alert.sentence in page
    assert "Another weak signal" in page
    assert "8 points</b>" in page
    assert '<b class="num">+5</b>' in page
    assert '<b class="num">+3</b>' in page
    assert "reached: a ticket is owed" in page
    assert "acknowledged it" in page
    assert f'href="/alerts/{alert.pk}/case/"' in page


def test_a_sum_that_is_not_reached_says_what_it_lacks(client: Client) -> None:
    assert "3 short of a ticket" in page_of(client, gathering().case)


def test_links_are_told_on_both_sides(client: Client) -> None:
    alert, other = make_alert(), make_alert()
    ticket = make_ticket(other, "SEC-9")
    make_operation(alert, OperationKind.LINK, payload={"type": "Relates", "other_case": other.case_id})
    assert str(ticket) in page_of(client, alert.case).split('id="links"')[1].split("</section>")[0]
    theirs = page_of(client, other.case).split('id="links"')[1].split("</section>")[0]
    assert f'href="/cases/{alert.case_id}/"' in theirs
    assert "Relates" in theirs


def test_the_alerts_of_a_case_are_paged(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alerts.views.cases.PAGE", 2)
    case = together(3)
    first, *_, last = case.alerts.order_by("pk")
    assert f'href="/alerts/{first.pk}/"' not in page_of(client, case).split("<aside")[0].split("<main")[1]
    older = page_of(client, case, f"?before={last.pk - 1}").split("<aside")[0].split("<main")[1]
    assert f'href="/alerts/{first.pk}/"' in older


def test_an_alert_leads_to_its_case(client: Client) -> None:
    alert = make_alert()
    assert f'href="/cases/{alert.case_id}/"' in client.get(f"/alerts/{alert.pk}/").content.decode()


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_text(client: Client, name: str) -> None:
    alert = make_alert(entity_name=name[:480], entity_id=name[:480], sentence=f"Something of {name}")
    for page in (listed(client), page_of(client, alert.case)):
        assert "<script>alert(1)" not in page
        assert "\u202e" not in page


def test_the_list_costs_the_same_however_many_cases(
    client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(12):
        make_operation(Alert.objects.filter(case=together()).latest("pk"))
    listed(client)
    with django_assert_max_num_queries(22):
        listed(client)


def test_a_case_costs_the_same_however_many_alerts(
    client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    case = together(20)
    for alert in case.alerts.all():
        triage.acknowledge(alert.pk, make_person())
    with django_assert_max_num_queries(26):
        page_of(client, case)


def test_an_alert_last_seen_long_ago_is_found_by_its_entity(client: Client) -> None:
    old = make_alert(entity_name="anna@example.com", first_seen=ago(days=400), last_seen=ago(days=400))
    assert order(listed(client, "?entity=anna@example.com"), old.case) == [old.case]
