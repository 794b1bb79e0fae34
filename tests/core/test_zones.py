"""The zone in which pages show times: the reader's, by their cookie."""

import pytest
from django.test import Client
from django.utils import timezone

from tests.factories import make_alert, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def reader() -> Client:
    client = Client()
    client.force_login(make_user())
    return client


def page_of(client: Client) -> str:
    alert = make_alert()
    return client.get(f"/alerts/{alert.pk}/").content.decode()


def test_times_are_told_in_the_zone_that_the_cookie_names_and_the_zone_is_named(reader: Client) -> None:
    reader.cookies["zone"] = "Asia/Kathmandu"
    page = page_of(reader)
    assert "+05:45" in page
    assert 'data-zone="Asia/Kathmandu"' in page


@pytest.mark.parametrize("name", ["", "Europe/Atlantis", "../../etc/passwd", "<script>", "x" * 4_000, "europe/berlin "])
def test_a_zone_that_is_none_is_that_of_the_settings(reader: Client, name: str) -> None:
    reader.cookies["zone"] = name
    page = page_of(reader)
    assert "+00:00" in page
    assert 'data-zone="UTC"' in page


def test_one_readers_zone_is_nobody_elses(reader: Client) -> None:
    reader.cookies["zone"] = "Asia/Tokyo"
    page_of(reader)
    assert timezone.get_current_timezone_name() == "UTC"
