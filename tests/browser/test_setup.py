"""The first run ticks by itself, and a suppression is made from an alert with its preview alive beside it."""

import os
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from alerts.models import Alert, JiraState, Rehearsal, Suppression
from alerts.services import suppression
from core import clock
from core.activity import person_of
from tests.alerts.test_suppression import make, tell
from tests.browser.scenes import working_day
from tests.browser.test_portal import sign_in
from tests.factories import ago, involve, make_alert, make_delivery, make_monitor

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


@pytest.mark.skipif(not os.environ.get("LOOK"), reason="Drawn on purpose, to be looked at: LOOK=folder.")
def test_the_pages_are_drawn(page: Page, live_server: LiveServer, settings: Settings) -> None:
    sign_in(page, live_server)
    mira = person_of(User.objects.get(username="mira"))
    settings.OPENSEARCH_URL = "http://127.0.0.1:9"
    user = User.objects.get(username="mira")
    user.is_staff = user.is_superuser = True
    user.save()
    pages = {"first-run-empty": "/first-run/"}
    draw(page, live_server, pages)
    working_day(mira)
    Rehearsal.objects.create(
        monitor=make_monitor(),
        index_pattern="x",
        state="running",
        indexed_at=ago(seconds=9),
        searchable_at=ago(seconds=8),
    )
    wrong = {
        "name": "Project",
        "state": "wrong",
        "words": "SEC is no project that we see.",
        "fix": "Correct JIRA_PROJECT.",
    }
    JiraState.load()
    JiraState.objects.update(checked_at=clock.now(), checked=[wrong])
    alert = Alert.objects.order_by("pk").first()
    assert alert is not None
    for verdict in ["false_positive"] * 5 + ["true_positive", ""]:
        made = make_alert(
            verdict=verdict, entity_id=alert.entity_id, entity_name=alert.entity_name, detection=alert.detection
        )
        involve(made, "ip", "203.0.113.9", "source")
    row, ended = (
        make(mira),
        make(
            mira,
            reason="A test of the red team, over since Tuesday",
            address="10.0.0.0/8",
            country=["Germany", "France"],
        ),
    )
    hidden = tell().occurrence.alert
    suppression.withdraw(ended.pk, mira)
    draw(page, live_server, {
        "first-run": "/first-run/", "suppressions": "/suppressions/", "suppression": f"/suppressions/{row.pk}/",
        "suppress": f"/suppressions/new/?alert={alert.pk}", "suppressed": f"/alerts/{hidden.pk}/", "measures": "/measures/",
        "alert": f"/alerts/{alert.pk}/",
    })  # fmt: skip


def draw(page: Page, live_server: LiveServer, pages: dict[str, str]) -> None:
    for scheme, width in (("light", 1280), ("dark", 1280), ("light", 375)):
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        page.set_viewport_size({"width": width, "height": 800})
        for name, path in pages.items():
            page.goto(f"{live_server.url}{path}")
            page.wait_for_load_state("networkidle")
            page.screenshot(path=Path(os.environ["LOOK"]) / f"{name}-{scheme}-{width}.png", full_page=True)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, name
