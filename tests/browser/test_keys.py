"""A shift by keyboard alone: ten alerts one after the other, and the palette, in a real browser under the content security policy."""

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from alerts.models import Alert
from tests.browser.test_portal import sign_in
from tests.factories import make_alert, make_monitor

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_ten_alerts_are_triaged_by_keys_one_after_the_other(
    page: Page, live_server: LiveServer, complaints: list[str]
) -> None:
    alerts = [make_alert(severity=2, sentence=f"Finding number {number}") for number in range(10)]
    make_alert(severity=4, sentence="Not in this list")
    sign_in(page, live_server)
    page.goto(f"{live_server.url}/?severity=2")
    page.wait_for_load_state()
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    decisions = [
        ("f1", "Closed as false positive."),
        ("b3", "Closed as benign true positive."),
        ("z1", "Snoozed until"),
        ("i", "Escalated to"),
        ("u4", "Closed as undetermined."),
        ("f2", "Closed as false positive."),
        ("f1", "Closed as false positive."),
        ("z5", "Snoozed until it grows."),
        ("b1", "Closed as benign true positive."),
        ("f4", "Closed as false positive."),
    ]
    for alert, (pressed, said) in zip(reversed(alerts), decisions, strict=True):
        page.wait_for_url(f"**/alerts/{alert.pk}/?from=*")
        expect(page.get_by_role("heading", level=1)).to_have_text(alert.sentence)
        page.wait_for_load_state()
        for key in pressed:
            page.keyboard.press(key)
        if pressed == "f2":  # a known change asks for its ticket
            page.keyboard.type("CHG-7")
            page.keyboard.press("Tab")
            page.keyboard.press("Enter")
        expect(page.get_by_role("status").filter(has_text=f"{alert}: {said}")).to_be_visible()
    page.wait_for_url("**/?severity=2")
    expect(page.get_by_text("Nothing matches")).to_be_visible()
    expect(page.get_by_role("navigation", name="Queue")).to_be_visible()
    expect(page.locator(".queue tbody tr")).to_have_count(0)
    assert Alert.objects.filter(status="closed").count() == 7
    assert Alert.objects.exclude(snoozed_until=None).count() == 2
    page.keyboard.press("Control+z")
    expect(page.get_by_text("Undone.")).to_be_visible()
    assert Alert.objects.filter(status="closed").count() == 6
    assert complaints == []


def test_neighbours_are_a_key_away(page: Page, live_server: LiveServer) -> None:
    newest = [make_alert(sentence=f"Finding number {number}") for number in range(3)][::-1]
    sign_in(page, live_server)
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    for key, alert in (("", newest[0]), ("n", newest[1]), ("j", newest[2]), ("k", newest[1]), ("p", newest[0])):
        if key:
            page.keyboard.press(key)
        page.wait_for_url(f"**/alerts/{alert.pk}/?from=*")
        page.wait_for_load_state()
        expect(page.get_by_role("navigation", name="The list it was opened from")).to_contain_text(
            f"{newest.index(alert) + 1} of 3"
        )


def test_the_palette_finds_and_goes_and_does(page: Page, live_server: LiveServer, complaints: list[str]) -> None:
    hostile = "<img src=x onerror=\"document.title='run'\">"
    alert = make_alert(sentence=f"Anna signed in from {hostile}", entity_name=hostile)
    make_monitor(name="Travel")
    sign_in(page, live_server)
    palette = page.locator("#palette")
    field = palette.get_by_role("combobox")
    page.keyboard.press("Control+k")
    expect(field).to_be_focused()
    expect(palette.get_by_role("option", name="Queue", exact=True)).to_be_visible()
    field.fill("Travel")
    expect(palette.get_by_role("option", name="Travel")).to_be_visible()
    field.fill("img src")
    expect(palette.get_by_role("option", name=hostile).first).to_be_visible()
    expect(page).not_to_have_title("run")
    first = palette.get_by_role("option").first
    expect(first).to_have_attribute("aria-selected", "true")
    expect(field).to_have_attribute("aria-activedescendant", "palette-1-1")
    page.keyboard.press("ArrowDown")
    expect(first).to_have_attribute("aria-selected", "false")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/alerts/{alert.pk}/")
    page.wait_for_load_state()
    page.keyboard.press("Control+k")
    field.fill("close false")
    expect(palette.get_by_role("option")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name="Close this alert")).to_be_visible()
    page.keyboard.press("1")
    expect(page.get_by_text("Closed as false positive.")).to_be_visible()
    page.keyboard.press("Control+k")
    page.keyboard.press("Escape")
    expect(field).to_be_hidden()
    assert complaints == []


def test_the_palette_opens_by_touch_on_a_phone(page: Page, live_server: LiveServer) -> None:
    make_alert(sentence="A sentence of " + "many words " * 30)
    sign_in(page, live_server)
    page.set_viewport_size({"width": 375, "height": 700})
    page.locator(".rail .more summary").click()
    page.get_by_role("button", name="Go to anything").click()
    palette = page.get_by_role("dialog", name="Go to anything")
    palette.get_by_role("combobox").fill("many words")
    option = palette.get_by_role("option").first
    expect(option).to_be_visible()
    box = option.bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 375
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
