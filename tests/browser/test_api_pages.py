"""A token made, copied and withdrawn, and the page that explains the API, in a real browser under the content security policy."""

from typing import Literal

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from alerts.models import ApiToken
from alerts.services import api_tokens
from tests.browser.test_portal import sign_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def widths(page: Page) -> tuple[int, int]:
    """Return how wide the page is, and how wide the window."""
    found: list[int] = page.evaluate("[document.scrollingElement.scrollWidth, innerWidth]")
    return found[0], found[1]


def test_a_token_is_made_shown_once_and_withdrawn(page: Page, live_server: LiveServer, complaints: list[str]) -> None:
    sign_in(page, live_server)
    page.goto(f"{live_server.url}/account/tokens/")
    page.get_by_label("What it is for").fill("SOAR <img src=x onerror=alert(1)>")
    page.get_by_label("alerts:read").check()
    page.get_by_label("alerts:decide").check()
    page.get_by_role("button", name="Make the token").click()
    text = page.locator("#token").inner_text()
    assert api_tokens.let_in(text) is not None
    expect(page.get_by_role("button", name="Copy the token")).to_be_visible()
    page.set_viewport_size({"width": 375, "height": 800})
    wide, window = widths(page)
    assert wide <= window
    page.goto(f"{live_server.url}/account/tokens/")
    assert text not in page.content()
    page.get_by_role("button", name="Withdraw").click()
    expect(page.get_by_text("lets nobody in any more.")).to_be_visible()
    assert api_tokens.let_in(text) is None
    assert ApiToken.objects.get().name.startswith("SOAR <img")
    assert complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_of_the_api_explains_each_operation(
    page: Page, live_server: LiveServer, complaints: list[str], scheme: Literal["light", "dark"]
) -> None:
    page.emulate_media(color_scheme=scheme)
    sign_in(page, live_server)
    page.goto(f"{live_server.url}/api/docs/")
    page.get_by_text("/api/v1/alerts/{id}/close/").click()
    closing = page.locator("#alerts_close")
    expect(closing.get_by_text("alerts:decide")).to_be_visible()
    closing.get_by_role("link", name="Closed").click()
    expect(page.locator("#thing-Closed").get_by_text("false_positive")).to_be_visible()
    for width in (1280, 640, 375):
        page.set_viewport_size({"width": width, "height": 800})
        wide, window = widths(page)
        assert wide <= window, width
    assert complaints == []
