"""Every value is a door: by pointer, by keyboard and by finger, on an alert's page, an entity's and in the queue."""

import pytest
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from tests.browser.test_portal import sign_in
from tests.factories import involve, make_alert, make_travel_alert

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

HOSTILE = "<img src=x onerror=\"document.title='run'\">/../%2e"


def test_hover_on_a_value_of_an_alert_leads_to_the_queue_with_it_and_without(
    page: Page, live_server: LiveServer, complaints: list[str]
) -> None:
    alert = make_travel_alert(countries=["Singapore", "United States"])
    make_alert(sentence="Another one")
    sign_in(page, live_server)
    page.goto(f"{live_server.url}/alerts/{alert.pk}/")
    page.get_by_role("complementary").get_by_role("link", name="203.0.113.9").hover()
    door = page.get_by_role("menu", name="What to do with 203.0.113.9")
    expect(door.get_by_role("menuitem", name="Open its page")).to_be_visible()
    door.get_by_role("menuitem", name="Only this address in the queue").click()
    page.wait_for_url("**/?tab=all&address=203.0.113.9")
    expect(page.get_by_role("link", name="2 min 3 s later")).to_be_visible()
    expect(page.get_by_text("Another one")).to_be_hidden()

    page.goto(f"{live_server.url}/alerts/{alert.pk}/")
    page.get_by_role("region", name="Events").get_by_text("Singapore", exact=False).first.hover()
    page.get_by_role("menuitem", name="Without this country in the queue").click()
    expect(page.get_by_text("Another one")).to_be_visible()
    expect(page.get_by_role("link", name="2 min 3 s later")).to_be_hidden()
    assert complaints == []


def test_by_keyboard_a_value_opens_its_door_and_escape_closes_it_and_gives_the_focus_back(
    page: Page, live_server: LiveServer, complaints: list[str]
) -> None:
    alert = make_travel_alert()
    sign_in(page, live_server)
    page.goto(f"{live_server.url}/alerts/{alert.pk}/")
    values = page.get_by_role("complementary").locator("#involved + ul a")
    values.nth(0).focus()
    page.keyboard.press("Tab")
    value = values.nth(1)
    expect(value).to_be_focused()
    door = page.get_by_role("menu", name="What to do with 198.51.100.24")
    expect(door).to_be_visible()
    page.keyboard.press("ArrowDown")
    expect(door.get_by_role("menuitem", name="Only this address in the queue")).to_be_focused()
    page.keyboard.press("Escape")
    expect(door).to_be_hidden()
    expect(value).to_be_focused()
    page.keyboard.press("Tab")
    expect(values.nth(2)).to_be_focused()
    assert complaints == []


def test_a_value_of_the_queue_narrows_the_queue_as_it_is(page: Page, live_server: LiveServer) -> None:
    make_alert(detection="Brute force on one user", severity=2)
    make_alert(detection="Impossible travel", severity=2)
    sign_in(page, live_server)
    page.goto(f"{live_server.url}/?severity=2")
    page.get_by_role("cell").get_by_text("Impossible travel").hover()
    page.get_by_role("menuitem", name="Without this detection").click()
    page.wait_for_url("**/?severity=2&not=detection*")
    expect(page.get_by_role("row")).to_have_count(2)


def test_the_first_tap_opens_the_door_and_the_door_leads_on(
    browser: Browser, live_server: LiveServer, complaints: list[str]
) -> None:
    alert = make_travel_alert()
    context = browser.new_context(viewport={"width": 375, "height": 700}, has_touch=True, is_mobile=True)
    page = context.new_page()
    page.on("pageerror", lambda error: complaints.append(str(error)))
    sign_in(page, live_server)
    page.goto(f"{live_server.url}/alerts/{alert.pk}/")
    page.get_by_role("complementary").get_by_role("link", name="203.0.113.9").tap()
    door = page.get_by_role("menu", name="What to do with 203.0.113.9")
    expect(door).to_be_visible()
    box = door.bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 375
    door.get_by_role("menuitem", name="Open its page").tap()
    page.wait_for_url("**/entities/ip/203.0.113.9/")
    assert complaints == []
    context.close()


def test_a_hostile_value_is_text_in_its_door(page: Page, live_server: LiveServer, complaints: list[str]) -> None:
    alert = make_alert()
    involve(alert, "device", HOSTILE, "device")
    sign_in(page, live_server)
    page.goto(f"{live_server.url}/alerts/{alert.pk}/")
    page.get_by_role("complementary").get_by_role("link", name=HOSTILE).hover()
    expect(page.locator(".door b")).to_have_text(HOSTILE)
    page.get_by_role("menuitem", name="Only this entity in the queue").click()
    expect(page.get_by_role("link", name=alert.sentence)).to_be_visible()
    expect(page).not_to_have_title("run")
    assert complaints == []
