"""What opens over a page keeps nobody out either: dialogs, menus, the palette, the preview and the doors of values."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from alerts.choices import Status
from tests.browser.axe import barriers
from tests.browser.test_portal import sign_in
from tests.factories import make_travel_alert

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def press(key: str) -> Callable[[Page], None]:
    return lambda page: page.keyboard.press(key)


def click(selector: str) -> Callable[[Page], None]:
    return lambda page: page.locator(selector).first.click()


def search(page: Page) -> None:
    page.keyboard.press("Control+k")
    page.keyboard.type("anna")
    expect(page.locator("#palette [role=option]").first).to_be_visible()


def look(page: Page) -> None:
    page.keyboard.press("j")
    page.keyboard.press("Space")


OPENED = {
    "keys": ("", press("?"), "#keys"),
    "palette": ("", press("Control+k"), "#palette"),
    "palette, searched": ("", search, "#palette"),
    "preview": ("", look, "#preview h2"),
    "views": ("", click(".views summary"), ".views form"),
    "account": ("", click("details.menu:has(.avatar) summary"), "details.menu:has(.avatar) div"),
    "a value's door": ("", lambda page: page.locator("a.value").first.hover(), ".door"),
    "chosen": ("", lambda page: page.locator(".choose").first.check(), "#bulk"),
    "snooze": ("alert", press("z"), "#snooze"),
    "close": ("alert", press("f"), "#close"),
    "whole events": ("alert", click("details.raw summary"), "#whole"),
}


@pytest.mark.parametrize("opened", OPENED)
def test_what_opens_over_a_page_keeps_nobody_out(
    page: Page, live_server: LiveServer, complaints: list[str], opened: str
) -> None:
    where, opens, shown = OPENED[opened]
    alert = make_travel_alert()
    make_travel_alert(status=Status.CLOSED)
    page.emulate_media(reduced_motion="reduce")  # what moves has no colour to be judged by
    sign_in(page, live_server)
    page.goto(f"{live_server.url}/alerts/{alert.pk}/" if where else live_server.url)
    page.wait_for_load_state()
    opens(page)
    expect(page.locator(shown).first).to_be_visible()
    assert list(barriers(page)) == []
    assert complaints == []
