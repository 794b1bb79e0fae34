"""An analyst's way through the portal in a real browser, under the content security policy."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from alerts.choices import Status, Verdict
from tests.factories import make_alert, make_person, make_travel_alert, make_user

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def sign_in(page: Page, live_server: LiveServer, **fields: Any) -> None:
    """Make Mira, an analyst unless the fields say otherwise, and sign her in."""
    make_user("mira", first_name="Mira", last_name="Okafor", password="correct horse battery", **fields)
    page.goto(live_server.url)
    page.get_by_label("User name").fill("mira")
    page.get_by_label("Password").fill("correct horse battery")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("navigation", name="Queue")).to_be_visible()
    page.wait_for_load_state()  # the keys are there once the page has loaded


def test_an_analyst_signs_in_opens_an_alert_and_closes_it_with_a_verdict(
    page: Page, live_server: LiveServer, complaints: list[str]
) -> None:
    alert = make_travel_alert()
    sign_in(page, live_server)

    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url(
        "**/alerts/*/?from=*"
    )  # with its scripts: a key that is pressed before them is pressed for nothing
    expect(page.get_by_role("heading", level=1)).to_contain_text("from Singapore")
    page.keyboard.press("a")
    expect(page.get_by_text("The alert is yours.")).to_be_visible()
    page.keyboard.press("f")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("1")
    expect(page.get_by_text("Closed as false positive.")).to_be_visible()

    alert.refresh_from_db()
    assert (alert.status, alert.verdict, alert.verdict_reason) == (
        Status.CLOSED,
        Verdict.FALSE_POSITIVE,
        "VPN or network",
    )
    assert alert.closed_by is not None
    assert alert.closed_by.name == "Mira Okafor"
    assert complaints == []


def test_markup_in_event_data_is_shown_and_never_run(
    page: Page, live_server: LiveServer, complaints: list[str]
) -> None:
    hostile = "<img src=x onerror=\"document.title='run'\"><script>document.title='run'</script>"
    alert = make_alert(entity_name=hostile, sentence=f"3 failed sign-ins of {hostile}")
    sign_in(page, live_server)

    for address in ("/", f"/alerts/{alert.pk}/"):
        page.goto(live_server.url + address)
        expect(page.get_by_text("3 failed sign-ins of <img src=x").first).to_be_visible()
        expect(page).not_to_have_title("run")
    assert complaints == []


def test_new_alerts_are_told_without_moving_the_list(
    page: Page, live_server: LiveServer, complaints: list[str]
) -> None:
    make_alert()
    sign_in(page, live_server)
    before = page.locator(".queue tbody tr").count()
    make_alert()

    page.evaluate("htmx.ajax('GET', document.querySelector('#newer').getAttribute('hx-get'), "
                  "{source: '#newer', target: '#newer', swap: 'outerHTML', select: '#newer'})")  # fmt: skip
    pill = page.get_by_role("link", name="1 new alert")
    expect(pill).to_be_visible()
    assert page.locator(".queue tbody tr").count() == before
    pill.click()
    expect(page.locator(".queue tbody tr")).to_have_count(before + 1)
    assert complaints == []


def test_the_theme_is_kept_from_page_to_page(page: Page, live_server: LiveServer, complaints: list[str]) -> None:
    sign_in(page, live_server)
    button = page.locator("[data-theme-button]")
    button.click()
    button.click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.goto(live_server.url + "/pipeline/")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert complaints == []


@pytest.mark.parametrize("path", ["/", "alert", "/monitors/", "/pipeline/"])
def test_nothing_is_wider_than_a_small_phone(page: Page, live_server: LiveServer, path: str) -> None:
    alert = make_travel_alert(entity_name=f"{'x' * 90}@example.com")
    make_alert(entity_name="2001:db8:85a3:8d3:1319:8a2e:370:7348", entity_type="ip")
    make_person()
    sign_in(page, live_server)
    page.set_viewport_size({"width": 375, "height": 800})
    page.goto(live_server.url + (f"/alerts/{alert.pk}/" if path == "alert" else path))
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
