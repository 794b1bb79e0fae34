"""The queue: what stands in which tab, what the filters leave, and what a row says."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from alerts.choices import OperationKind, OperationState, Status, Verdict
from alerts.models import Alert, Entity
from alerts.views import queue
from core import clock
from core.activity import person_of
from tests.factories import (
    involve,
    make_alert,
    make_operation,
    make_person,
    make_ticket,
    make_travel_alert,
    make_user,
)

pytestmark = pytest.mark.django_db


def shown(client: Client, query: str = "") -> list[int]:
    """Return the alerts of a page of the queue, in its order."""
    page = client.get(f"/{query}").content.decode()
    return [int(found) for found in re.findall(r'class="what" href="/alerts/(\d+)/\?', page)]


def test_the_newest_alert_stands_first(client: Client) -> None:
    alerts = [make_alert() for _ in range(3)]
    assert shown(client) == [alert.pk for alert in reversed(alerts)]


def test_each_alert_stands_in_the_tab_of_its_status(client: Client, mira: User) -> None:
    later = clock.now() + timedelta(hours=2)
    new = make_alert()
    acknowledged = make_alert(status=Status.ACKNOWLEDGED, assignee=make_person())
    mine = make_alert(status=Status.IN_PROGRESS, assignee=person_of(mira))
    snoozed = make_alert(snoozed_until=later)
    woken = make_alert(snoozed_until=clock.now() - timedelta(minutes=1))
    closed = make_alert(status=Status.CLOSED, assignee=person_of(mira))
    assert shown(client, "?tab=new") == [woken.pk, new.pk]
    assert shown(client, "?tab=mine") == [mine.pk]
    assert shown(client, "?tab=progress") == [mine.pk, acknowledged.pk]
    assert shown(client, "?tab=snoozed") == [snoozed.pk]
    assert shown(client, "?tab=closed") == [closed.pk]
    assert len(shown(client, "?tab=all")) == 6


def test_tabs_say_how_many_they_hold_and_stop_counting_at_99(client: Client) -> None:
    first = make_alert()
    rows = [
        Alert(**{field.attname: getattr(first, field.attname) for field in Alert._meta.concrete_fields if not field.primary_key}
              | {"fingerprint": f"{number:064d}"})
        for number in range(101)
    ]  # fmt: skip
    Alert.objects.bulk_create(rows)
    assert '<span class="n">99+</span>' in client.get("/").content.decode()


@pytest.mark.parametrize(
    "query",
    [
        *("severity=1", "detection=Impossible+travel", "entity=Anna.Berg@example.com", "address=203.0.113.9"),
        *("q=ANNA.berg", "q=203.0.113.9", "q=sec-7", "q=Singapore"),
        *("not=entity:li.wei@example.com", "not=address:192.0.2.1", "not=severity:3", "not=status:acknowledged"),
        *("not=verdict:benign", "not=assignee:jonas", "not=detection:Brute+force+on+one+user"),
    ],
)
def test_a_filter_leaves_what_fits_it(client: Client, query: str) -> None:
    other = make_alert(entity_name="li.wei@example.com", status=Status.ACKNOWLEDGED, verdict=Verdict.BENIGN,
                       assignee=make_person(make_user("jonas")))  # fmt: skip
    involve(other, "ip", "192.0.2.1", "source")
    wanted = make_travel_alert()
    make_ticket(wanted, "SEC-7")
    assert shown(client, f"?tab=all&{query}") == [wanted.pk]


@pytest.mark.parametrize(
    "query", ["entity=anna", "address=203.0.113", "address=anna.berg@example.com", "entity=nobody"]
)
def test_an_entity_or_address_is_meant_exactly(client: Client, query: str) -> None:
    make_travel_alert()
    assert shown(client, f"?{query}") == []


def test_nobody_is_an_owner_to_filter_out(client: Client) -> None:
    make_alert()
    owned = make_alert(assignee=make_person())
    assert shown(client, "?not=assignee:nobody") == [owned.pk]


def test_what_is_filtered_out_is_said_in_words_and_can_be_taken_back(client: Client) -> None:
    make_alert()
    page = client.get("/?severity=3&not=severity:1&not=country:Singapore").content.decode()
    assert 'Not severity <b class="isolate">Critical</b>' in page
    assert 'href="?severity=3&amp;not=country%3ASingapore"' in page


@pytest.mark.parametrize("value", ["severity:9", "time:1h", "nonsense", "country:", "entity:a%00b"])
def test_a_not_that_makes_no_sense_is_left_out(client: Client, value: str) -> None:
    alert = make_alert()
    assert shown(client, f"?not={value}") == [alert.pk]


def test_an_entity_is_called_by_its_name(client: Client) -> None:
    involve(make_alert(), "user", "00uanna", "entity")
    Entity.objects.filter(value="00uanna").update(name="anna.berg@example.com")
    assert 'Entity <b class="isolate">anna.berg@example.com</b>' in client.get("/?entity=00uanna").content.decode()


def test_a_search_keeps_the_filters(client: Client) -> None:
    make_alert()
    page = client.get("/?tab=mine&severity=3&address=192.0.2.1&not=country:Norway").content.decode()
    search = page.split('class="search"')[1].split("</form>")[0]
    for name, value in (("tab", "mine"), ("severity", "3"), ("address", "192.0.2.1"), ("not", "country:Norway")):
        assert f'<input type="hidden" name="{name}" value="{value}">' in search


def test_a_status_filters_within_a_tab(client: Client) -> None:
    make_alert()
    closed = make_alert(status=Status.CLOSED)
    assert shown(client, "?tab=all&status=closed") == [closed.pk]


@pytest.mark.parametrize(
    "query", ["severity=9", "tab=nonsense", "before=abc", "before=99999999999999999999", "status=odd"]
)
def test_a_filter_that_makes_no_sense_is_said_and_left_out(client: Client, query: str) -> None:
    alert = make_alert()
    assert shown(client, f"?{query}") == [alert.pk]
    assert "makes no sense" in client.get(f"/?{query}").content.decode()


def test_a_null_character_in_a_search_is_refused_in_words(client: Client) -> None:
    response = client.get("/?q=a%00b")
    assert response.status_code == 200
    assert "The search in the address makes no sense" in response.content.decode()


def test_pages_follow_each_other_without_gap_or_overlap(client: Client) -> None:
    alerts = [make_alert() for _ in range(queue.PAGE + 3)]
    first = shown(client)
    older = re.search(r'href="(\?[^"]*before=\d+[^"]*)" rel="next"', client.get("/").content.decode())
    assert older is not None
    make_alert()  # arrives between the two pages and moves nothing
    second = shown(client, older[1])
    assert first + second == [alert.pk for alert in reversed(alerts)]


def test_links_keep_the_filters_of_the_address(client: Client) -> None:
    for _ in range(queue.PAGE + 1):
        make_alert(severity=1)
    page = client.get("/?tab=all&severity=1").content.decode()
    assert re.search(r'href="\?tab=all&amp;severity=1&amp;before=\d+" rel="next"', page)
    assert 'href="?tab=closed&amp;severity=1"' in page


def test_new_alerts_are_counted_with_the_filters_of_the_page(client: Client) -> None:
    seen = make_alert()
    make_alert(severity=1)
    make_alert(severity=2)
    assert "1 new alert<" in client.get(f"/newer/?after={seen.pk}&severity=1").content.decode()
    assert "2 new alerts<" in client.get(f"/newer/?after={seen.pk}").content.decode()
    assert "new alert" not in client.get(f"/newer/?after={seen.pk}&severity=4").content.decode()


def test_a_row_says_what_was_observed_beside_its_limit(client: Client) -> None:
    make_alert()
    page = client.get("/").content.decode()
    assert "22 failed sign-ins" in page
    assert "limit 20" in page


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (OperationState.PENDING, "Ticket on its way"),
        (OperationState.WAITING, "Jira later"),
        (OperationState.UNKNOWN, "Asking Jira"),
        (OperationState.FAILED, "Ticket failed"),
    ],
)
def test_a_row_says_how_it_stands_with_the_ticket(client: Client, state: OperationState, words: str) -> None:
    make_operation(make_alert(), state=state, last_error="Jira is away.")
    assert words in client.get("/").content.decode()


def test_a_row_links_to_its_ticket_and_says_what_failed_since(client: Client) -> None:
    alert = make_alert()
    ticket = make_ticket(alert, "SEC-9")
    make_operation(alert, OperationKind.COMMENT, state=OperationState.FAILED, last_error="The issue is gone.")
    page = client.get("/").content.decode()
    assert f'href="{ticket.url}"' in page
    assert "comment failed" in page


def test_the_queue_asks_no_more_of_the_database_for_more_rows(
    client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(30):
        alert = make_alert(assignee=make_person())
        make_ticket(alert)
        make_operation(alert, OperationKind.COMMENT)
    client.get("/")  # makes the reader known
    with django_assert_max_num_queries(21):
        client.get("/")


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("", "No alert yet"),
        ("?tab=mine", "No alert yet"),
        ("?severity=1", "Nothing matches"),
    ],
)
def test_an_empty_queue_teaches_what_will_appear(client: Client, query: str, words: str) -> None:
    assert words in client.get(f"/{query}").content.decode()


def test_a_search_of_two_letters_that_finds_nothing_says_why(client: Client) -> None:
    make_alert()
    assert "Type three or more" in client.get("/?tab=all&q=zz").content.decode()
    assert "Type three or more" not in client.get("/?tab=all&q=zzz").content.decode()


def test_an_empty_tab_beside_full_ones_says_what_belongs_there(client: Client) -> None:
    make_alert()
    assert "Nothing is yours" in client.get("/?tab=mine").content.decode()
    assert "Nothing is snoozed" in client.get("/?tab=snoozed").content.decode()


def test_an_address_that_took_part_is_found_though_the_sentence_does_not_name_it(client: Client) -> None:
    alert = make_alert()
    involve(alert, "ip", "2001:db8::7", "source")
    make_alert()
    assert shown(client, "?q=2001:DB8::7") == [alert.pk]
