"""Exclusions and lists in the admin: said by rows, warned of when too wide, and each save a revision."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from core.activity import person_of
from core.roles import DETECTION_ENGINEERS
from monitors.models import Exclusion, Monitor, NamedList
from monitors.services import revisions
from tests.factories import make_monitor, make_user

pytestmark = pytest.mark.django_db

ADD = "/admin/monitors/exclusion/add/"
RANGES = "10.0.0.0/8\n192.0.2.1"
LISTS = "/admin/monitors/namedlist/"


@pytest.fixture
def engineer(client: Client) -> Client:
    user = make_user("edda", role=DETECTION_ENGINEERS, is_staff=True)
    client.force_login(user)
    return client


@pytest.fixture
def monitor() -> Monitor:
    monitor = make_monitor(name="Brute force")
    revisions.save(monitor, by="test")
    return monitor


def owner() -> str:
    return str(person_of(make_user()).pk)


def form(**changes: Any) -> dict[str, Any]:
    return {"scope": "all", "reason": "Tests sign-ins", "owner": owner(), **changes}


def test_somebody_on_a_network_is_left_out_by_two_rows(engineer: Client, monitor: Monitor) -> None:
    answer = engineer.post(
        ADD,
        form(
            scope="monitor",
            monitor=monitor.pk,
            kind_1="user",
            values_1="ceo@example.com",
            kind_2="address",
            values_2=RANGES,
        ),
        follow=True,
    )
    assert "1 monitor revised" in answer.content.decode()
    row = Exclusion.objects.get()
    assert row.monitor == monitor
    assert row.conditions == [
        {"kind": "user", "values": ["ceo@example.com"]},
        {"kind": "address", "values": ["10.0.0.0/8", "192.0.2.1"]},
    ]
    assert monitor.revisions.count() == 2
    page = engineer.get("/admin/monitors/exclusion/").content.decode()
    assert "user ceo@example.com and addresses 10.0.0.0/8, 192.0.2.1" in page
    page = engineer.get(f"/admin/monitors/exclusion/{row.pk}/change/").content.decode()
    assert "10.0.0.0/8\n192.0.2.1</textarea>" in page


def test_somebody_alone_is_warned_of_and_saved_once_ticked(engineer: Client) -> None:
    told = form(kind_1="user", values_1="ceo@example.com")
    assert "leaves out everything that they ever do" in engineer.post(ADD, told).content.decode()
    assert not Exclusion.objects.exists()
    engineer.post(ADD, {**told, "confirmed": "on"})
    assert Exclusion.objects.count() == 1


def test_somebody_alone_until_a_day_is_no_reason_for_a_warning(engineer: Client) -> None:
    engineer.post(ADD, form(kind_1="user", values_1="ceo@example.com", expires_at="2099-01-01 00:00"))
    assert Exclusion.objects.get().expires_at is not None


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "Say who or what is left out"),
        ({"kind_1": "address", "values_1": "office"}, "office is no address"),
        ({"kind_1": "zone"}, "Give a value, or choose a list"),
        ({"values_1": "Office"}, "Choose what these values are"),
        ({"kind_1": "zone", "values_1": "Office", "scope": "monitor"}, "Choose the monitor"),
        ({"kind_1": "zone", "values_1": "Office", "scope": "detection"}, "Choose the detection"),
        ({"kind_1": "zone", "values_1": "Office", "reason": ""}, "This field is required"),
        ({"kind_1": "zone", "list_1": "vips"}, "holds users"),
    ],
)
def test_what_cannot_be_is_refused_beside_its_field(engineer: Client, changes: dict[str, str], words: str) -> None:
    NamedList.objects.create(name="vips", kind="user", values=["ceo@example.com"])
    assert words in engineer.post(ADD, form(**changes)).content.decode()
    assert not Exclusion.objects.exists()


def test_an_alert_brings_its_values_and_gets_one_back(engineer: Client, monitor: Monitor) -> None:
    address = f"{ADD}?monitor={monitor.pk}&user=anna@example.com&network=64500&next=/alerts/1/"
    page = engineer.get(address).content.decode()
    assert "anna@example.com</textarea>" in page
    assert "64500</textarea>" in page
    assert f'value="{monitor.pk}" selected' in page
    told = form(scope="monitor", monitor=monitor.pk, kind_1="user", values_1="anna", kind_2="network", values_2="64500")
    assert engineer.post(address, told).headers["Location"] == "/alerts/1/"


def test_nobody_is_sent_to_another_site(engineer: Client) -> None:
    answer = engineer.post(f"{ADD}?next=https://evil.example.com/", form(kind_1="zone", values_1="Office"))
    assert "evil" not in answer.headers["Location"]


def test_an_uploaded_column_becomes_a_list_and_what_was_refused_is_said(engineer: Client) -> None:
    file = SimpleUploadedFile("a.csv", b"name,address\nHQ,10.0.0.0/8\nLab,lab\nHQ,10.0.0.0/8\n")
    told = {"name": "offices", "kind": "address", "owner": owner(), "column": "address", "file": file}
    answer = engineer.post(f"{LISTS}add/", told, follow=True)
    page = answer.content.decode()
    assert "1 value kept, 1 came twice" in page
    assert "1 line refused. Line 3: lab is no address" in page
    assert NamedList.objects.get().values == ["10.0.0.0/8"]


def test_a_list_in_use_names_its_places_and_is_not_deleted(engineer: Client, monitor: Monitor) -> None:
    vips = NamedList.objects.create(name="vips", kind="user", values=["ceo@example.com"])
    engineer.post(ADD, form(kind_1="user", list_1="vips", kind_2="zone", values_2="Office"))
    page = engineer.get(f"{LISTS}{vips.pk}/change/").content.decode()
    assert "Tests sign-ins" in page
    page = engineer.post(f"{LISTS}{vips.pk}/delete/", {"post": "yes"}, follow=True).content.decode()
    assert "Nothing was deleted. The list vips is used by 1 exclusion" in page
    engineer.post(
        f"{LISTS}{vips.pk}/change/", {"description": "", "owner": owner(), "text": "ceo@example.com\ncfo@example.com"}
    )
    vips.refresh_from_db()
    assert vips.values == ["ceo@example.com", "cfo@example.com"]
    assert monitor.revisions.count() == 3


def test_analysts_leave_nobody_out(client: Client) -> None:
    client.force_login(make_user("analyst", is_staff=True))
    assert client.post(ADD, form(kind_1="zone", values_1="Office")).status_code == 403
