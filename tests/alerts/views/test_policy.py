"""The page of a monitor's ticket policy: what each would have made, before one is saved."""

import pytest
from django.test import Client

from core.roles import ANALYSTS, DETECTION_ENGINEERS
from tests.factories import make_alert, make_monitor, make_user

pytestmark = pytest.mark.django_db


def signed_in(role: str) -> Client:
    client = Client()
    client.force_login(make_user(role=role))
    return client


def test_the_page_shows_what_each_policy_would_have_made_and_saves_the_chosen_one() -> None:
    monitor, client = make_monitor(), signed_in(DETECTION_ENGINEERS)
    for _ in range(3):
        make_alert(monitor=monitor, entity_id="00uanna", severity=4)
    page = f"/monitors/{monitor.pk}/tickets/"
    text = " ".join(client.get(page).text.split())
    assert text.count('<td class="right num">3</td>') == 1  # own: three tickets
    assert text.count('<td class="right num">2</td>') == 2  # join: two comments; score: two without a ticket, then one
    assert client.post(page, {"policy": "join", "reason": "One ticket a user will do."}).status_code == 302
    monitor.refresh_from_db()
    assert monitor.ticket_policy == "join"
    assert monitor.revisions.get().reason == "One ticket a user will do."


def test_an_analyst_sees_it_and_changes_nothing() -> None:
    monitor, client = make_monitor(), signed_in(ANALYSTS)
    page = f"/monitors/{monitor.pk}/tickets/"
    assert client.get(page).status_code == 200
    assert client.post(page, {"policy": "join"}).status_code == 403
    monitor.refresh_from_db()
    assert monitor.ticket_policy == "own"


def test_a_policy_that_there_is_not_is_refused() -> None:
    monitor, client = make_monitor(), signed_in(DETECTION_ENGINEERS)
    assert client.post(f"/monitors/{monitor.pk}/tickets/", {"policy": "none"}).status_code == 422
