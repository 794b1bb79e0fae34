"""Places and networks that Okta left empty are filled in on an alert's page, and marked as ours."""

from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from alerts.models import Alert
from tests import mmdb
from tests.factories import NEW_YORK, ago, make_alert, make_event, make_travel_alert

pytestmark = pytest.mark.django_db

MARK = ">looked up</span>"
UNSAID: dict[str, Any] = {"city": None, "country": None, "asn": None, "as_org": None}
SINGAPORE = {
    "city": {"names": {"en": "Singapore"}},
    "country": {"names": {"en": "Singapore"}},
    "location": {"latitude": 1.35, "longitude": 103.82},
    "autonomous_system_number": 45102,
    "autonomous_system_organization": "Alibaba",
}


@pytest.fixture
def database(tmp_path: Path, settings: Any) -> None:
    settings.OKTADETECT_GEOIP_FILE = mmdb.write(tmp_path / "places.mmdb", {"203.0.113.0/24": SINGAPORE})


def evidence_of(client: Client, alert: Alert) -> str:
    return client.get(f"/alerts/{alert.pk}/").content.decode().split('id="evidence"')[1].split("</section>")[0]


@pytest.mark.usefixtures("database")
def test_a_place_and_a_network_that_okta_left_empty_are_looked_up_and_marked(client: Client) -> None:
    told = evidence_of(client, make_alert(events=[make_event(ip="203.0.113.9", **UNSAID)]))
    assert "Singapore, Singapore" in told
    assert "AS45102 Alibaba" in told
    assert told.count(MARK) == 2


@pytest.mark.usefixtures("database")
def test_what_okta_says_stands_and_is_not_marked(client: Client) -> None:
    event = make_event(ip="203.0.113.9", city="Paris", country="France", asn=3215, as_org="Orange")
    told = evidence_of(client, make_alert(events=[event]))
    assert "Paris, France" in told
    assert "AS3215 Orange" in told
    assert MARK not in told


@pytest.mark.usefixtures("database")
def test_a_city_in_another_country_than_okta_names_is_not_taken(client: Client) -> None:
    event = make_event(ip="203.0.113.9", city=None, country="France", asn=3215, as_org="Orange")
    told = evidence_of(client, make_alert(events=[event]))
    assert "France" in told
    assert "Singapore" not in told


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("ip", ["198.51.100.1", "2001:db8::1", "no address", 7, None])
def test_an_address_that_the_database_does_not_know_stays_without_a_place(client: Client, ip: Any) -> None:
    assert MARK not in evidence_of(client, make_alert(events=[make_event(ip=ip, **UNSAID)]))


def journey_of(client: Client) -> str:
    first = make_event(ip="198.51.100.24", at=ago(minutes=5), **NEW_YORK)
    second = make_event(ip="203.0.113.9", at=ago(minutes=3), **UNSAID)
    return client.get(f"/alerts/{make_travel_alert(events=[first, second]).pk}/").content.decode()


@pytest.mark.usefixtures("database")
def test_a_journey_to_a_place_that_okta_did_not_name_is_drawn_and_says_whose_place_it_is(client: Client) -> None:
    page = journey_of(client)
    assert "New York, United States to Singapore, Singapore" in page
    assert "a place looked up by us, not said by Okta" in page


def test_without_a_database_nothing_is_filled_in_and_nothing_is_drawn(client: Client) -> None:
    page = journey_of(client)
    assert 'class="map"' not in page
    assert MARK not in page


def test_a_database_that_cannot_be_read_leaves_the_page_as_it_was(
    client: Client, tmp_path: Path, settings: Any
) -> None:
    broken = tmp_path / "broken.mmdb"
    broken.write_bytes(b"no database")
    settings.OKTADETECT_GEOIP_FILE = str(broken)
    assert MARK not in evidence_of(client, make_alert(events=[make_event(ip="203.0.113.9", **UNSAID)]))
