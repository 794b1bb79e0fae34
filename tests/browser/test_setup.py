"""The first run ticks by itself, and a suppression is made from an alert with its preview alive beside it."""

import pytest
from playwright.sync_api import Page, expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from alerts.models import Suppression
from tests.browser.test_portal import sign_in
from tests.factories import involve, make_alert, make_delivery

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_the_first_run_ticks_a_step_by_itself_and_says_which_part_is_away(
    page: Page, live_server: LiveServer, complaints: list[str], settings: Settings
) -> None:
    settings.OPENSEARCH_URL = ""
    sign_in(page, live_server)
    page.goto(f"{live_server.url}/first-run/")
    expect(page.locator("#opensearch")).to_contain_text("No OpenSearch is set.")
    expect(page.locator("#channel")).to_contain_text("Failed")
    webhook = page.locator("#webhook")
    expect(webhook).to_contain_text("Nothing was posted")
    make_delivery()
    expect(webhook).to_contain_text("Done", timeout=8_000)
    page.locator("#opensearch-look").click()
    expect(page.locator("#opensearch")).to_contain_text("Waiting")
    assert complaints == []


def test_a_suppression_is_made_from_an_alert_with_what_it_would_have_hidden_beside_it(
    page: Page, live_server: LiveServer, complaints: list[str]
) -> None:
    alert = make_alert()
    for verdict in ("false_positive", "true_positive"):
        involve(make_alert(verdict=verdict, status="closed"), "ip", "203.0.113.9", "source")
    sign_in(page, live_server)
    page.goto(f"{live_server.url}/alerts/{alert.pk}/")
    page.get_by_role("link", name="Suppress alerts like this…").click()
    outlook = page.locator("#outlook")
    expect(outlook).to_contain_text("1 alert: 1 not judged")
    page.get_by_label("Detection", exact=True).select_option("")
    page.get_by_label("and entity").fill("")
    page.get_by_label("and address").fill("203.0.113.0/24")
    expect(outlook).to_contain_text("2 alerts: ▲ 1 true positive, 1 false positive")
    page.get_by_role("button", name="Suppress these alerts").click()
    expect(page.get_by_role("alert").first).to_contain_text("It would have hidden 1 true positive")
    page.get_by_label("hide such alerts all the same").check()
    page.get_by_role("button", name="Suppress these alerts").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(str(Suppression.objects.get()))
    assert [said for said in complaints if "422" not in said] == []  # the form that was sent back
