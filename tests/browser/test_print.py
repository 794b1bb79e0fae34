"""An alert on paper: no bars, what was folded open, both times, and where its ticket lies."""

import re

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from tests.browser.test_entities import burst
from tests.browser.test_portal import sign_in
from tests.factories import make_ticket

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def after(page: Page, selector: str) -> str:
    """Return what the style sheet writes behind an element."""
    return str(page.evaluate("s => getComputedStyle(document.querySelector(s), '::after').content", selector))


def test_an_alert_is_printed_whole_in_black_on_white(
    page: Page, live_server: LiveServer, complaints: list[str]
) -> None:
    alert = burst()
    make_ticket(alert, "SEC-7")
    sign_in(page, live_server)
    page.emulate_media(color_scheme="dark", media="print")
    page.goto(f"{live_server.url}/alerts/{alert.pk}/")
    expect(page.get_by_role("navigation", name="Main")).to_be_hidden()
    expect(page.get_by_role("button")).to_have_count(0)
    expect(page.get_by_role("region", name="Events over time").get_by_role("row").nth(1)).to_be_visible()
    colours = page.evaluate("[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]")
    assert colours == ["rgb(255, 255, 255)", "rgb(0, 0, 0)"]
    assert re.search(r"\(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d\d:\d\d\)", after(page, ".alert-head time.ago"))
    assert re.search(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d\d:\d\d", after(page, ".events time.exact"))
    assert "https://jira.example.com/browse/SEC-7" in after(page, ".alert-head a.chip")
    assert complaints == []
