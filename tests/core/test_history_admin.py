"""The admin's list of history: its newest lines, by whole keys and by actions."""

import re

import pytest
from django.test import Client

from core import admin
from tests.factories import make_alert, make_user

pytestmark = pytest.mark.django_db
HISTORY = "/admin/core/activity/"


@pytest.fixture
def client() -> Client:
    client = Client()
    client.force_login(make_user(role="", is_staff=True, is_superuser=True))
    return client


def subjects(client: Client, query: str = "") -> list[str]:
    page = client.get(f"{HISTORY}{query}").content.decode()
    return re.findall(r'field-subject_id">([^<]*)<', page)


def test_a_search_finds_a_whole_key_and_no_part_of_one(client: Client) -> None:
    first, second = make_alert(), make_alert()
    assert subjects(client) == [str(second.pk), str(first.pk)]
    assert subjects(client, f"?q={first.pk}") == [str(first.pk)]
    assert subjects(client, f"?q={first.pk}0") == []


def test_lines_are_filtered_by_what_was_done(client: Client) -> None:
    alert = make_alert()
    assert subjects(client, "?action=alert.opened") == [str(alert.pk)]
    assert subjects(client, "?action=alert.closed") == []
    assert "?action=alert.opened" in client.get(HISTORY).content.decode()


def test_only_the_newest_lines_have_pages(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admin, "MOST_LISTED", 2)
    for _ in range(3):
        make_alert()
    assert "2 activity" in client.get(HISTORY).content.decode()
