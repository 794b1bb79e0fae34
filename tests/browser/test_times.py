"""Times in the reader's own zone, and in UTC by one key, in a real browser."""

import re

import pytest
from playwright.sync_api import Browser, expect
from pytest_django.live_server_helper import LiveServer

from tests.browser.test_portal import sign_in
from tests.factories import make_alert

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_times_stand_in_the_readers_zone_and_one_key_away_in_utc(
    browser: Browser, live_server: LiveServer, complaints: list[str]
) -> None:
    alert = make_alert()
    context = browser.new_context(timezone_id="Asia/Kathmandu")
    page = context.new_page()
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    sign_in(page, live_server)
    page.goto(f"{live_server.url}/alerts/{alert.pk}/")
    seen = page.locator(".alert-head time").first
    expect(seen).to_have_attribute("title", re.compile(r"\+05:45$"))
    page.keyboard.press("Shift+U")
    expect(seen).to_have_attribute("title", re.compile(r"\+00:00$"))
    page.keyboard.press("Shift+U")
    expect(seen).to_have_attribute("title", re.compile(r"\+05:45$"))
    assert complaints == []
    context.close()
