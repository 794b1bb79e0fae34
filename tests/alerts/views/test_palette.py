"""The palette: what it finds by a key, a ticket, words and names, and where each leads."""

import html
import re

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from alerts.views.palette import PAGES, STAFF_PAGES
from core.activity import person_of
from tests.factories import make_alert, make_monitor, make_ticket, make_user

pytestmark = pytest.mark.django_db


def found(client: Client, text: str) -> list[tuple[str, str]]:
    """Return the words and the address of all that the palette offers for a text, in its order."""
    page = client.get("/palette/", {"q": text}, headers={"HX-Request": "true"}).content.decode()
    options = re.findall(r'role="option".*? href="([^"]*)" title="([^"]*)"', page)
    return [(html.unescape(words), html.unescape(to)) for to, words in options]


@pytest.mark.parametrize("text", ["{key}", "a-{pk}", "{pk}", "sec-7", "travelled oddly"])
def test_an_alert_is_found_by_its_key_its_ticket_and_its_sentence(client: Client, text: str) -> None:
    make_alert(sentence="Somebody else")
    alert = make_alert(sentence="Anna travelled oddly")
    make_ticket(alert, "SEC-7")
    wanted = text.format(key=alert, pk=alert.pk)
    assert ("Anna travelled oddly", f"/alerts/{alert.pk}/") in found(client, wanted)
    assert "Somebody else" not in dict(found(client, wanted))


def test_a_case_is_found_by_its_key(client: Client) -> None:
    case = make_alert().case
    assert found(client, f"c-{case.pk}") == [(str(case), f"/cases/{case.pk}/")]


def test_entities_lead_to_their_pages(client: Client) -> None:
    make_alert(entity_name="anna/berg")
    assert ("anna/berg", "/entities/user/~YW5uYS9iZXJn/") in found(client, "anna")


def test_monitors_lead_engineers_to_their_change_page_and_others_to_the_list(client: Client) -> None:
    monitor = make_monitor(name="Travel of admins")
    assert ("Travel of admins", "/monitors/") in found(client, "of adm")
    client.force_login(make_user(is_staff=True, is_superuser=True))
    assert ("Travel of admins", f"/admin/monitors/monitor/{monitor.pk}/change/") in found(client, "of adm")


def test_kept_views_are_offered_by_name(client: Client) -> None:
    client.post("/views/", {"query": "tab=all&severity=1", "name": "Grave ones"})
    assert ("Grave ones", "/?tab=all&severity=1") in found(client, "gra")


def test_pages_are_found_by_words_that_stand_for_them(client: Client) -> None:
    assert found(client, "mitre") == [("Coverage", "/coverage/")]
    assert ("My alerts", "/?tab=mine") in found(client, "queue mi")
    assert found(client, "")[0] == ("Queue", "/")


def test_only_staff_are_offered_the_admin(client: Client) -> None:
    assert found(client, "admin") == []
    client.force_login(make_user(is_staff=True))
    assert ("Admin", "/admin/") in found(client, "admin")


def test_every_page_that_is_offered_is_there(client: Client) -> None:
    client.force_login(make_user(is_staff=True, is_superuser=True))
    offered = found(client, "")
    assert len(offered) == len(PAGES) + len(STAFF_PAGES)
    for _, to in offered:
        assert client.get(to).status_code == 200, to


def test_what_an_attacker_wrote_stays_text(client: Client) -> None:
    make_alert(sentence='<img src=x onerror=alert(1)> "\u202egnp', entity_name="</a><script>1</script>")
    page = client.get("/palette/", {"q": "<"}, headers={"HX-Request": "true"}).content.decode()
    assert "<img" not in page
    page = client.get("/palette/", {"q": "<script>"}, headers={"HX-Request": "true"}).content.decode()
    assert "<script" not in page
    assert "\u202e" not in client.get("/palette/", {"q": "gnp"}, headers={"HX-Request": "true"}).content.decode()


@pytest.mark.parametrize("text", ["zzzz", "a\x00b", "x" * 300, "9" * 40])
def test_what_finds_nothing_says_so(client: Client, text: str) -> None:
    response = client.get("/palette/", {"q": text}, headers={"HX-Request": "true"})
    assert response.status_code == 200
    assert ("Nothing goes by" in response.content.decode()) == (not found(client, text))


def test_without_its_script_it_is_the_queue_s_search(client: Client) -> None:
    assert client.get("/palette/?q=anna+b")["Location"] == "/?tab=all&q=anna+b"


def test_it_asks_the_same_of_the_database_for_few_and_many(
    client: Client, mira: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    person_of(mira)
    for number in range(12):
        make_alert(entity_name=f"anna{number}@example.com")
        make_monitor(name=f"anna {number}")
    found(client, "anna")  # prepares what each connection prepares once
    with django_assert_max_num_queries(15):
        assert len(found(client, "anna")) == 18
