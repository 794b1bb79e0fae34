"""The first run ticks by itself, and a suppression is made from an alert with its preview alive beside it."""

import os

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from alerts.models import JiraState, Rehearsal, Suppression
from alerts.services import first_run
from alerts.services.standing import State, Told
from core.activity import person_of
from tests.browser.scenes import working_day
from tests.browser.test_portal import SCREENSHOTS, sign_in
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


@pytest.mark.skipif(not os.environ.get("SCREENSHOTS"), reason="Screenshots are made on purpose: SCREENSHOTS=1.")
def test_screenshots_are_made(page: Page, live_server: LiveServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A portal half-way through its first day, and a suppression about to be made."""
    look, answers = first_run.told, {
        "opensearch": Told(State.DONE, "OpenSearch 3.4.0 at https://search.example.com, with Alerting."),
        "index": Told(State.DONE, "okta-system-log-* holds events; it can serve 62 of 64 detections. The newest came", at=ago(seconds=9),
                      command="manage.py okta check-index okta-system-log-*", notes=("Log stream changed lacks debugContext.debugData.",)),
        "channel": Told(State.DONE, "The channel posts to https://oktadetect.example.com/okta-detections, with a live token."),
    }  # fmt: skip
    monkeypatch.setattr(first_run, "told", lambda step: answers.get(step.key) or look(step))
    wrong = {
        "name": "Project",
        "state": "wrong",
        "words": "SEC is no project that we see.",
        "fix": "Correct JIRA_PROJECT.",
    }
    JiraState.load()
    JiraState.objects.update(checked_at=ago(minutes=2), checked=[wrong])
    make_delivery()
    Rehearsal.objects.create(
        monitor=make_monitor(name="Travel"), index_pattern="x", state="running",
        indexed_at=ago(seconds=9), searchable_at=ago(seconds=8),
    )  # fmt: skip
    sign_in(page, live_server)
    User.objects.update(is_superuser=True)
    draw(
        page,
        live_server,
        [("onboarding", "/first-run/", "light", 1280), ("onboarding-375", "/first-run/", "light", 375)],
    )
    alert = working_day(person_of(User.objects.get(username="mira")))
    like = {"entity_id": alert.entity_id, "entity_name": alert.entity_name, "detection": alert.detection}
    for number, verdict in enumerate(["false_positive"] * 5 + ["true_positive", ""]):
        make_alert(
            **like,
            verdict=verdict,
            status="closed" if verdict else "new",
            sentence=alert.sentence,
            last_seen=ago(days=number + 1),
        )
    draw(page, live_server, [("suppress", f"/suppressions/new/?alert={alert.pk}", "light", 1280),
                             ("suppress-dark", f"/suppressions/new/?alert={alert.pk}", "dark", 1280)])  # fmt: skip


def draw(page: Page, live_server: LiveServer, shots: list[tuple[str, str, str, int]]) -> None:
    for name, address, scheme, width in shots:
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        page.set_viewport_size({"width": width, "height": 800})
        page.goto(live_server.url + address)
        page.wait_for_load_state("networkidle")
        page.evaluate("document.fonts.ready")
        page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
