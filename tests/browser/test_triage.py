"""Triage by keyboard alone, in a real browser, under the content security policy."""

import os
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from alerts.models import Alert
from core.activity import person_of
from tests.browser.scenes import working_day
from tests.browser.test_portal import sign_in
from tests.factories import make_alert

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_alerts_are_chosen_by_keys_closed_together_and_taken_back(
    page: Page, live_server: LiveServer, complaints: list[str]
) -> None:
    for _ in range(4):
        make_alert()
    sign_in(page, live_server)
    bar = page.locator("#bulk")
    expect(bar).to_be_hidden()
    for key in ("j", "x", "j", "j", "Shift+X"):
        page.keyboard.press(key)
    expect(bar).to_contain_text("3 chosen")
    page.keyboard.press("f")
    expect(page.get_by_role("heading", level=1)).to_have_text("Close 3 alerts")
    page.get_by_text("False positive", exact=True).click()
    page.get_by_text("Test", exact=True).click()
    page.get_by_role("button", name="Close 3 alerts").click()
    expect(page.get_by_text("Close: 3 alerts.")).to_be_visible()
    assert Alert.objects.filter(status="closed", verdict_cause="test").count() == 3
    page.keyboard.press("Control+z")
    expect(page.get_by_role("heading", name="Undo 3 alerts")).to_be_visible()
    assert not Alert.objects.filter(status="closed").exists()
    assert complaints == []


def test_an_alert_is_looked_at_and_its_values_filter(
    page: Page, live_server: LiveServer, complaints: list[str]
) -> None:
    make_alert(detection="Noise")
    make_alert()
    sign_in(page, live_server)
    page.keyboard.press("j")
    page.keyboard.press(" ")
    expect(page.locator("#preview")).to_contain_text("Why it fired")
    page.keyboard.press("Escape")
    expect(page.locator("#preview")).to_be_hidden()
    page.locator(".sub").get_by_text("Noise", exact=True).hover()
    page.get_by_role("menuitem", name="Without this detection").click()
    expect(page.locator(".queue tbody tr")).to_have_count(1)
    expect(page.get_by_role("link", name="Not detection Noise")).to_be_visible()
    assert complaints == []


def test_a_snooze_takes_two_keys_and_a_half_written_comment_survives_a_reload(
    page: Page, live_server: LiveServer, complaints: list[str]
) -> None:
    alert = make_alert()
    sign_in(page, live_server)
    page.goto(f"{live_server.url}/alerts/{alert.pk}/")
    page.wait_for_load_state()
    page.keyboard.press("c")
    page.keyboard.type("Called her, and")
    page.reload()
    expect(page.get_by_label("Comment")).to_have_value("Called her, and")
    page.get_by_role("button", name="Comment", exact=True).click()
    expect(page.locator(".said")).to_have_text("Called her, and")
    expect(page.get_by_label("Comment")).to_have_value("")
    page.keyboard.press("z")
    page.keyboard.press("5")
    expect(page.get_by_text("Snoozed until it grows.")).to_be_visible()
    page.keyboard.press("Control+z")
    expect(page.get_by_text("Undone.")).to_be_visible()
    alert.refresh_from_db()
    assert not alert.is_snoozed
    assert complaints == []


@pytest.mark.skipif(not os.environ.get("LOOK"), reason="Drawn on purpose, to be looked at: LOOK=folder.")
def test_the_pages_of_triage_are_drawn(page: Page, live_server: LiveServer) -> None:
    sign_in(page, live_server)
    alert = working_day(person_of(User.objects.get(username="mira")))
    for scheme, width in (("light", 1280), ("dark", 1280), ("light", 375)):
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        page.set_viewport_size({"width": width, "height": 800})
        page.goto(live_server.url)
        page.wait_for_load_state()
        page.locator(".choose").nth(1).click()
        page.screenshot(path=Path(os.environ["LOOK"]) / f"queue-{scheme}-{width}.png")
        page.goto(f"{live_server.url}/alerts/{alert.pk}/")
        page.screenshot(path=Path(os.environ["LOOK"]) / f"alert-{scheme}-{width}.png")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
