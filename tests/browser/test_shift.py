"""An analyst's shift in a real browser: ten alerts by keyboard alone, a storm closed and taken back, an exclusion, a ticket."""

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
from tests.factories import make_alert, make_monitor, make_user
from tests.sandbox.jira.api import TOKEN, USER, boot, stop

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

# What the analyst presses on each alert, newest first, and what the page says then.
DECISIONS = [
    ("f1", "Closed as false positive."),
    ("b1", "Closed as benign true positive."),
    ("u1", "Closed as undetermined."),
    ("f4", "Closed as false positive."),
    ("z5", "Snoozed until it grows."),
    ("i", "Escalated to"),
    ("b3", "Closed as benign true positive."),
    ("f4", "Closed as false positive."),
    ("z1", "Snoozed until"),
    ("f3", "Closed as false positive."),
]


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


def press(page: Page, keys: str) -> None:
    """Press keys one after another."""
    for key in keys:
        page.keyboard.press(key)


def test_ten_alerts_are_decided_one_after_another_by_keyboard_alone(
    page: Page, live_server: LiveServer, complaints: list[str]
) -> None:
    alerts = [make_alert(sentence=f"{number} failed sign-ins of somebody") for number in range(10, 0, -1)]
    sign_in(page, live_server)
    press(page, "j")
    page.keyboard.press("Enter")
    for number, (keys, said) in enumerate(DECISIONS, start=1):
        heading = page.get_by_role("heading", level=1)
        expect(heading).to_have_text(f"{number} failed sign-ins of somebody")
        page.wait_for_load_state()
        press(page, keys)
        expect(page.get_by_role("status").filter(has_text=said)).to_be_visible()
    expect(page.get_by_role("navigation", name="Queue")).to_be_visible()  # after the last, the list
    expect(page.locator(".queue tbody tr")).to_have_count(0)
    states = list(Alert.objects.order_by("-pk").values_list("status", flat=True))
    assert states.count("closed") == 7
    assert Alert.objects.exclude(snoozed_until=None).count() == 2
    assert len(alerts) == len(DECISIONS)
    assert complaints == []


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
    press(page, "f")
    expect(page.get_by_role("heading", level=1)).to_have_text("Close 60 alerts")
    page.get_by_text("False positive", exact=True).click()
    page.get_by_text("Test", exact=True).click()
    page.get_by_role("button", name="Close 60 alerts").click()
    expect(page.get_by_text("Waiting for a worker")).to_be_visible()
    tasks.run_bulk_decision(str(BulkDecision.objects.get().pk))
    expect(page.get_by_text("60 done")).to_be_visible()
    assert Alert.objects.filter(status="closed").count() == 60
    page.get_by_role("button", name="Undo").click()
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
    make_user("mira", role=DETECTION_ENGINEERS, is_staff=True, password="correct horse battery")
    page.goto(live_server.url)
    page.get_by_label("User name").fill("mira")
    page.get_by_label("Password").fill("correct horse battery")
    page.get_by_role("button", name="Sign in").click()
    page.goto(f"{live_server.url}/alerts/{alert.pk}/")
    page.get_by_role("link", name="Leave this out…").click()
    page.get_by_label("Reason").fill(f"{alert}: her own office, until the new egress is known")
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_url(f"**/alerts/{alert.pk}/**")
    exclusion = Exclusion.objects.get()
    assert exclusion.monitor == monitor
    assert "00uanna" in str(exclusion.conditions)
    assert complaints == []
