"""Each value has one address, and every address leads back to its value, whatever an attacker called themself."""

import pytest
from django.test import Client
from django.urls import resolve, reverse

from alerts.entity_path import EntityValue
from alerts.templatetags.entities import alert_page, entity_page

HOSTILE = [
    "..",
    ".",
    "a/b",
    "/",
    "a//b/",
    "100%",
    "%2e%2e%2f",
    "{{ 7 }}",
    "\u202egnp.exe",
    "مرحبا",
    "👩‍💻",
    "<script>",
    "~",
    "~Li4",
    " a",
    "a\nb",
    "?x#y",
    "x" * 500,
]


@pytest.mark.parametrize("value", [*HOSTILE, "anna@example.com", "00uanna", "2001:db8::1", "203.0.113.9", "+4930"])
def test_an_address_leads_back_to_its_value(value: str) -> None:
    to = reverse("alerts:entity", args=["user", value])
    assert to == entity_page("user", value), "as tables link it"
    assert to.isascii()
    assert resolve(to).kwargs == {"kind": "user", "value": value}
    assert to.count("/") == 4


def test_an_alert_is_linked_in_tables_as_everywhere() -> None:
    assert alert_page(1204) == reverse("alerts:alert", args=[1204])


def test_common_values_stay_readable() -> None:
    assert reverse("alerts:entity", args=["user", "anna@example.com"]) == "/entities/user/anna@example.com/"
    assert reverse("alerts:entity", args=["ip", "2001:db8::1"]) == "/entities/ip/2001:db8::1/"


@pytest.mark.parametrize("segment", ["~YW5uYQ", "~!", "~_w", "~AA", "~YQ="])
def test_a_segment_that_no_value_is_written_as_is_refused(segment: str) -> None:
    """A plain value written in code, no code, no text, a NUL, and padding."""
    with pytest.raises(ValueError, match=r"."):
        EntityValue().to_python(segment)


@pytest.mark.django_db
def test_such_an_address_is_not_found(client: Client) -> None:
    assert client.get("/entities/user/~YW5uYQ/").status_code in {302, 404}
