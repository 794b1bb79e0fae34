"""An alert opened from the queue: what comes before and after it in that list, and where a decision leads."""

import html
import re
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from alerts.choices import Status
from alerts.models import Alert
from alerts.services import triage
from core.activity import person_of
from tests.factories import make_alert, make_user

pytestmark = pytest.mark.django_db

CLOSE = {"verdict": "false_positive", "reason": "vpn"}


def address(alert: Alert, query: str = "") -> str:
    return f"/alerts/{alert.pk}/?" + urlencode({"from": query})


def decide(client: Client, alert: Alert, what: str, query: str | None = "", **fields: str) -> str:
    """Take a decision on an alert that was opened from a list; return where it leads."""
    told = {"seen": str(triage.newest_change(alert)), **fields}
    if query is not None:
        told["from"] = query
    response = client.post(f"/alerts/{alert.pk}/{what}/", told)
    assert response.status_code == 302, response.content.decode()
    return response["Location"]


def neighbours(client: Client, alert: Alert, query: str = "") -> tuple[str, str, str]:
    """Return the place that the page says, and the addresses of the previous and the next alert."""
    page = client.get(address(alert, query)).content.decode()
    place = re.search(r'<span class="quiet num">([^<]*)</span>', page.split('class="walk"')[1])
    links = {rel: re.search(rf'rel="{rel}" href="([^"]*)"', page) for rel in ("prev", "next")}
    found = [html.unescape(link[1]) if link else "" for link in links.values()]
    return place[1] if place else "", found[0], found[1]


def test_an_alert_opened_from_the_queue_says_where_it_stands_in_that_list(client: Client) -> None:
    oldest, _, middle, newest = make_alert(severity=1), make_alert(), make_alert(severity=1), make_alert(severity=1)
    query = "tab=all&severity=1"
    assert neighbours(client, middle, query) == ("2 of 3", address(newest, query), address(oldest, query))
    assert neighbours(client, newest, query) == ("1 of 3", "", address(middle, query))
    assert neighbours(client, oldest, query) == ("3 of 3", address(middle, query), "")


def test_the_queue_s_links_take_the_list_along(client: Client) -> None:
    alert = make_alert(severity=1)
    page = client.get("/?tab=all&severity=1&before=999999999&nonsense=1&group=").content.decode()
    assert f'href="{html.escape(address(alert, "tab=all&severity=1"))}"' in page


def test_an_alert_opened_elsewhere_has_no_neighbours(client: Client) -> None:
    alert = make_alert()
    assert 'class="walk"' not in client.get(f"/alerts/{alert.pk}/").content.decode()
    assert decide(client, alert, "close", None, **CLOSE) == f"/alerts/{alert.pk}/"


def test_an_alert_that_has_left_the_list_stands_where_it_was(client: Client) -> None:
    older, gone, newer = make_alert(), make_alert(status=Status.CLOSED), make_alert()
    assert neighbours(client, gone) == ("", address(newer), address(older))


def test_far_down_a_long_list_there_are_neighbours_though_no_count(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    alerts = [make_alert() for _ in range(6)]
    monkeypatch.setattr("alerts.views.walk.COUNT_LIMIT", 2)
    assert neighbours(client, alerts[4]) == ("2 of 3", address(alerts[5]), address(alerts[3]))
    assert neighbours(client, alerts[3]) == ("3 of 3", address(alerts[4]), address(alerts[2]))
    assert neighbours(client, alerts[1]) == ("", address(alerts[2]), address(alerts[0]))
    assert neighbours(client, alerts[0]) == ("", address(alerts[1]), "")


@pytest.mark.parametrize(
    ("what", "fields"),
    [("close", CLOSE), ("snooze", {"wanted": "1h"}), ("escalate", {}), ("assign", {"to": "jonas"}), ("assign", {"to": "nobody"})],
)  # fmt: skip
def test_whoever_is_done_with_an_alert_goes_on_to_the_next_one(
    client: Client, what: str, fields: dict[str, str]
) -> None:
    make_user("jonas")
    older, alert = make_alert(), make_alert()
    assert decide(client, alert, what, "tab=all", **fields) == address(older, "tab=all")
    assert f"{alert}: " in client.get("/").content.decode().split('class="message"')[1].split("</form>")[0]


@pytest.mark.parametrize(("what", "fields"), [("assign", {}), ("acknowledge", {}), ("true-positive", {})])
def test_whoever_takes_an_alert_stays_with_it(client: Client, what: str, fields: dict[str, str]) -> None:
    make_alert()
    alert = make_alert()
    assert decide(client, alert, what, "tab=all", **fields) == address(alert, "tab=all")


def test_after_the_last_alert_one_goes_back_to_the_list(client: Client) -> None:
    alert = make_alert(severity=1)
    assert decide(client, alert, "close", "severity=1", **CLOSE) == "/?severity=1"


def test_a_refused_decision_leads_nowhere_else(client: Client, mira: User) -> None:
    make_alert()
    own = make_alert(entity_name=mira.email)
    assert decide(client, own, "close", "", **CLOSE) == address(own)


def test_what_was_undone_is_shown_with_its_list(client: Client, mira: User) -> None:
    make_alert()
    alert = make_alert()
    decide(client, alert, "close", "tab=all", **CLOSE)
    offer = client.session["undo"]["address"]
    assert client.post(offer)["Location"] == address(alert, "tab=all")
    alert.refresh_from_db()
    assert alert.is_open


@pytest.mark.parametrize(
    "query",
    ["https://evil.example", "//evil.example", "tab=all&next=//evil.example", "%0d%0aSet-Cookie:a=b", "before=1"],
)
def test_a_list_is_read_and_never_followed(client: Client, query: str) -> None:
    older, alert = make_alert(), make_alert()
    assert decide(client, alert, "close", query, **CLOSE) in (address(older), address(older, "tab=all"))


def test_a_list_of_absurd_length_is_left_out(client: Client) -> None:
    alert = make_alert()
    assert decide(client, alert, "close", "q=" + "x" * 5000, **CLOSE) == f"/alerts/{alert.pk}/"


def test_every_way_to_decide_takes_the_list_along(client: Client) -> None:
    alert = make_alert()
    held = '<input type="hidden" name="from" value="tab=all">'
    page = client.get(address(alert, "tab=all")).content.decode()
    ways = "assign|acknowledge|snooze|escalate|true-positive|close|comments"
    decisions = re.findall(rf'<form[^>]*action="/alerts/\d+/(?:{ways})/".*?</form>', page, re.DOTALL)
    assert len(decisions) == 7
    assert all(held in form for form in decisions)
    for what in ("close", "snooze", "assign"):
        assert held in client.get(f"/alerts/{alert.pk}/{what}/?from=tab%3Dall").content.decode()


def test_a_conflict_keeps_the_list(client: Client, mira: User) -> None:
    make_alert()
    alert = make_alert()
    seen = triage.newest_change(alert)
    triage.acknowledge(alert.pk, person_of(make_user()))
    response = client.post(f"/alerts/{alert.pk}/close/", {"seen": seen, "from": "tab=all", **CLOSE})
    assert response.status_code == 409
    assert '<input type="hidden" name="from" value="tab=all">' in response.content.decode().split('class="conflict"')[1]


def test_the_list_costs_an_alert_s_page_one_query(client: Client) -> None:
    alert = make_alert()
    client.get(address(alert))  # makes the reader known
    counts = []
    for to in (f"/alerts/{alert.pk}/", address(alert, "tab=all")):
        with CaptureQueriesContext(connection) as queries:
            client.get(to)
        counts.append(len(queries))
    assert counts[1] == counts[0] + 1
