"""The queue by entity, address or detection: what a group says, and that its link leaves just its alerts."""

import html
import re
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from alerts import grouping
from alerts.choices import Status
from alerts.models import Alert
from alerts.views import queue
from core import clock
from tests.alerts.views.test_queue import shown
from tests.factories import ago, involve, make_alert, make_travel_alert

pytestmark = pytest.mark.django_db

ANNA, LI = "anna.berg@example.com", "li.wei@example.com"


def groups(client: Client, query: str) -> list[tuple[str, int, str]]:
    """Return of each row its name, how many alerts it says, and the address it opens."""
    page = client.get(f"/{query}").content.decode()
    rows = re.findall(r'class="what" href="([^"]*)" title="([^"]*)".*?c-alerts right num">([\d,]+)<', page, re.DOTALL)
    return [(html.unescape(name), int(count.replace(",", "")), html.unescape(to)) for to, name, count in rows]


def test_alerts_of_one_entity_stand_in_one_row_with_its_highest_severity_and_newest_sentence(client: Client) -> None:
    make_alert(entity_name=ANNA, severity=1, sentence="The older one")
    make_alert(entity_name=LI)
    make_alert(entity_name=ANNA, severity=4, sentence="The newer one")
    assert [(name, count) for name, count, _ in groups(client, "?group=entity")] == [(ANNA, 2), (LI, 1)]
    first = client.get("/?group=entity").content.decode().split("<tbody>")[1].split("</tr>")[0]
    assert "Critical" in first
    assert "The newer one" in first


@pytest.mark.parametrize("by", list(grouping.GROUPS))
def test_a_group_opens_into_just_as_many_alerts_as_it_says(client: Client, by: str) -> None:
    for name in (ANNA, ANNA, LI):
        involve(make_travel_alert(entity_name=name), "ip", f"192.0.2.{len(name)}", "source")
    involve(make_alert(entity_name=LI), "user", ANNA, "tried")
    make_alert(entity_name="203.0.113.9", entity_type="ip", detection="Spray & <pray>")
    found = groups(client, f"?tab=new&group={by}")
    assert len(found) > 1
    for name, count, query in found:
        assert len(shown(client, query)) == count, name


def test_groups_are_of_what_the_filters_and_the_tab_leave(client: Client) -> None:
    make_alert(entity_name=ANNA, severity=1)
    make_alert(entity_name=ANNA, severity=2)
    make_alert(entity_name=ANNA, severity=1, status=Status.CLOSED)
    make_alert(entity_name=LI)
    [(name, count, query)] = groups(client, "?severity=1&not=entity:nobody&group=entity")
    assert (name, count) == (ANNA, 1)
    assert query == "?" + urlencode({"severity": 1, "not": "entity:nobody", "entity": ANNA})


def test_all_of_a_group_are_chosen_for_one_decision(client: Client) -> None:
    make_alert(entity_name=ANNA)
    make_alert(entity_name=ANNA)
    make_alert(entity_name=LI)
    page = client.get("/?group=entity").content.decode()
    to = [html.unescape(found) for found in re.findall(r'href="([^"]*)" data-chooses', page)]
    assert "All 2 that match" in client.get(f"/{to[1]}").content.decode()


def test_groups_follow_each_other_without_gap_or_overlap(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "PAGE", 3)
    names = [f"user{number}@example.com" for number in range(7)]
    for name in names:
        make_alert(entity_name=name)
    make_alert(entity_name=names[0])  # the oldest group has the newest alert
    pages, query = [], "?group=entity"
    while query:
        pages.append([name for name, _, _ in groups(client, query)])
        older = re.search(r'href="(\?[^"]*)" rel="next"', client.get(f"/{query}").content.decode())
        query = html.unescape(older[1]) if older else ""
    assert [len(page) for page in pages] == [3, 3, 1]
    assert [name for page in pages for name in page] == [names[0], *reversed(names[1:])]


def test_groups_that_share_their_newest_alert_stand_on_one_page(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "PAGE", 2)
    make_travel_alert()
    alert = make_alert()
    for number in range(5):
        involve(alert, "ip", f"192.0.2.{number}", "source")
    assert len(groups(client, "?group=address")) == 5
    assert len(groups(client, f"?group=address&before={alert.pk}")) == 2


def test_what_is_too_old_to_be_grouped_is_said(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(3):
        make_alert(entity_name=ANNA)
    assert "Grouped are the newest" not in client.get("/?group=entity").content.decode()
    monkeypatch.setattr(grouping, "GROUPED", 2)
    assert "Grouped are the newest 2 alerts that match" in client.get("/?group=entity").content.decode()
    assert [count for _, count, _ in groups(client, "?group=entity")] == [2]


def test_a_group_tells_its_alerts_by_day() -> None:
    make_alert(entity_name=ANNA, last_seen=ago(days=2))
    make_alert(entity_name=ANNA)
    make_alert(entity_name=ANNA)
    make_alert(entity_name=ANNA, last_seen=ago(days=40))
    [group] = grouping.grouped(Alert.objects.all(), "entity", now=clock.now() + timedelta(minutes=5), limit=50).rows
    assert sum(group.days) == 3
    assert group.days[-3:].count(0) == 1


def test_a_grouped_queue_is_kept_as_a_view(client: Client) -> None:
    client.post("/views/", {"query": "tab=all&group=address&before=7", "name": "By address"})
    assert 'href="/?tab=all&amp;group=address"' in client.get("/").content.decode()


def test_a_group_that_makes_no_sense_is_said_and_left_out(client: Client) -> None:
    alert = make_alert()
    assert shown(client, "?group=colour") == [alert.pk]
    assert "The group in the address makes no sense" in client.get("/?group=colour").content.decode()


@pytest.mark.parametrize("by", list(grouping.GROUPS))
def test_groups_cost_the_same_for_one_and_for_many(
    client: Client, django_assert_max_num_queries: DjangoAssertNumQueries, by: str
) -> None:
    for _ in range(30):
        make_travel_alert(entity_name=f"user{_}@example.com")
    client.get("/")  # makes the reader known
    with django_assert_max_num_queries(23):
        client.get(f"/?group={by}")


def test_grouping_asks_four_times(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    make_travel_alert()
    with django_assert_num_queries(4):
        grouping.grouped(Alert.objects.all(), "address", now=clock.now(), limit=50)
