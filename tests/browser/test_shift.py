"""What a shift holds beside the keys: a storm closed and taken back, a view kept, an exclusion, a ticket and the way back."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from alerts import tasks
from alerts.models import Alert, BulkDecision, SavedView
from alerts.services import cases
from alerts.ticketing import client, operations
from core.roles import DETECTION_ENGINEERS
from monitors.models import Exclusion
from tests.browser.test_portal import sign_in
from tests.factories import make_alert, make_monitor
from tests.sandbox.jira.api import TOKEN, USER, boot, stop

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def jira(tmp_path: Path, settings: Any) -> Iterator[str]:
    """A Jira that the portal is set to; its address."""
    server = boot(tmp_path, "cloud")
    settings.JIRA_URL = f"http://127.0.0.1:{server.server_address[1]}"
    settings.JIRA_USER, settings.JIRA_TOKEN = USER, TOKEN
    client.connection.cache_clear()
    yield settings.JIRA_URL
    client.connection.cache_clear()
    stop(server)


def test_a_storm_is_closed_together_and_taken_back_and_its_view_is_kept(
    page: Page, live_server: LiveServer, complaints: list[str]
) -> None:
    for _ in range(60):
        make_alert(detection="Password spray from one address", detection_id="password-spray-source")
    kept = make_alert()
    sign_in(page, live_server)
    page.goto(f"{live_server.url}/?detection=Password+spray+from+one+address")
    page.wait_for_load_state()
    page.locator(".choose").first.click()
    page.get_by_role("link", name="All that match…").click()
    expect(page.locator("#bulk")).to_contain_text("All 60 that match")
    page.keyboard.press("f")
    expect(page.get_by_role("heading", level=1)).to_have_text("Close 60 alerts")
    page.get_by_text("False positive", exact=True).click()
    page.get_by_text("Test", exact=True).click()
    page.get_by_role("button", name="Close 60 alerts").click()
    expect(page.get_by_text("Waiting for a worker")).to_be_visible()
    tasks.run_bulk_decision(str(BulkDecision.objects.get().pk))
    expect(page.get_by_text("60 done")).to_be_visible()
    assert Alert.objects.filter(status="closed").count() == 60
    expect(page.get_by_role("button", name="Undo")).to_be_visible()
    page.keyboard.press("Control+z")
    expect(page.get_by_role("heading", name="Undo 60 alerts")).to_be_visible()
    tasks.run_bulk_decision(str(BulkDecision.objects.get(kind="undo").pk))
    assert not Alert.objects.filter(status="closed").exists()

    page.goto(f"{live_server.url}/?entity={kept.entity_name}")
    page.get_by_text("Views", exact=True).click()
    page.get_by_label("Keep this view as").fill("What is left")
    page.get_by_role("button", name="Save view").click()
    page.goto(live_server.url)
    page.get_by_text("Views", exact=True).click()
    page.get_by_role("link", name="What is left").click()
    expect(page.locator(".queue tbody tr")).to_have_count(1)
    assert SavedView.objects.get().name == "What is left"
    assert complaints == []


def test_an_alert_is_followed_to_its_ticket_and_back(
    page: Page, live_server: LiveServer, complaints: list[str], jira: str, settings: Any
) -> None:
    settings.PORTAL_URL = live_server.url
    alert = make_alert(entity_name="anna.berg@example.com")
    cases.owe_ticket(alert)
    operations.work_case(alert.case_id)
    sign_in(page, live_server)
    page.goto(f"{live_server.url}/alerts/{alert.pk}/")
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="SEC-1").first.click()
    ticket = opened.value
    ticket.wait_for_url(f"{jira}/browse/SEC-1")
    expect(ticket.get_by_role("heading", level=1)).to_contain_text("anna.berg@example.com")
    ticket.locator(f"a[href='{live_server.url}/alerts/{alert.pk}/']").first.click()
    expect(ticket.get_by_role("heading", level=1)).to_have_text(alert.sentence)
    assert complaints == []


def test_what_an_alert_shows_is_left_out_from_its_page(
    page: Page, live_server: LiveServer, complaints: list[str]
) -> None:
    monitor = make_monitor()
    alert = make_alert(monitor=monitor, entity_name="anna.berg@example.com", entity_id="00uanna")
    sign_in(page, live_server, role=DETECTION_ENGINEERS, is_staff=True)
    page.goto(f"{live_server.url}/alerts/{alert.pk}/")
    page.get_by_role("link", name="Leave this out…").click()
    page.get_by_label("Reason").fill(f"{alert}: her own office, until the new egress is known")
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_url(f"**/alerts/{alert.pk}/**")
    exclusion = Exclusion.objects.get()
    assert exclusion.monitor == monitor
    assert "00uanna" in str(exclusion.conditions)
    assert complaints == []
