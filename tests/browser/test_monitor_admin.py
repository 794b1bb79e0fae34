"""A detection engineer's pages of a monitor in a real browser, under the content security policy."""

import os
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from core import clock
from core.activity import person_of
from core.roles import DETECTION_ENGINEERS
from monitors.models import Exclusion, Monitor, NamedList
from monitors.services import exclusions, revisions
from tests.factories import make_monitor, make_user

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

WIDE, NARROW = {"width": 1280, "height": 800}, {"width": 375, "height": 800}


def a_monitor_with_a_past() -> Monitor:
    mira = person_of(
        make_user("mira", first_name="Mira", last_name="Okafor", password="correct horse", is_staff=True, role=DETECTION_ENGINEERS)
    )  # fmt: skip
    monitor = make_monitor("push-fatigue-success", name="Push fatigue that worked", severity=1)
    revisions.save(monitor, by=mira)
    monitor.params = {"refusals": 12}
    revisions.save(monitor, by=mira, reason="Service desk phones refuse by habit")
    NamedList.objects.create(name="vips", kind="user", values=["ceo@example.com"])
    conditions = [{"kind": "user", "list": "vips"}, {"kind": "address", "values": ["10.0.0.0/8", "2001:db8::/32"]}]
    until = clock.now() + timedelta(days=30)
    row = Exclusion(monitor=monitor, conditions=conditions, reason="Phones of the board", owner=mira, expires_at=until)
    exclusions.save(row, by=mira)
    return monitor


def sign_in(page: Page, live_server: LiveServer, path: str) -> None:
    page.route("**/favicon.ico", lambda route: route.fulfill(status=204))  # the admin names no icon
    page.goto(f"{live_server.url}/sign-in/?next={path}")
    page.get_by_label("User name").fill("mira")
    page.get_by_label("Password").fill("correct horse")
    page.get_by_role("button", name="Sign in").click()


def look(page: Page, name: str) -> None:
    """Nothing may run out of the page at either width. With LOOK=folder it is drawn: light, dark, narrow."""
    folder = os.environ.get("LOOK")
    for scheme, size in (("light", WIDE), ("dark", WIDE), ("light", NARROW)):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # one of its words
        page.set_viewport_size(size)  # type: ignore[arg-type]  # width and height
        if folder:
            page.screenshot(path=Path(folder) / f"{name}-{scheme}-{size['width']}.png", full_page=True)
    page.set_viewport_size(WIDE)  # type: ignore[arg-type]  # width and height


def test_an_engineer_changes_a_limit_goes_back_and_leaves_somebody_out(
    page: Page, live_server: LiveServer, complaints: list[str]
) -> None:
    monitor = a_monitor_with_a_past()
    address = f"/admin/monitors/monitor/{monitor.pk}/change/"
    sign_in(page, live_server, address)
    expect(page.locator(".sentence")).to_have_text("12 refused pushes, then a success, by one user within 10 minutes")
    look(page, "monitor")

    page.get_by_role("link", name="12", exact=True).click()
    page.get_by_label("Refused pushes").fill("8")
    page.get_by_role("button", name="Save revision").click()
    expect(page.locator(".sentence")).to_contain_text("8 refused pushes")
    page.get_by_role("listitem").filter(has_text="Service desk phones").get_by_role(
        "link", name="Roll back to this…"
    ).click()
    expect(page.get_by_text("Refused pushes: 8 → 12")).to_be_visible()
    look(page, "roll-back")

    page.goto(f"{live_server.url}{address}")
    page.get_by_role("link", name="Leave somebody or something out").click()
    look(page, "exclusion")
    page.locator("#id_kind_1").select_option("user")
    page.locator("#id_values_1").fill("ceo@example.com")
    page.get_by_label("Reason").fill("Travels")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("leaves out everything that they ever do")).to_be_visible()
    page.locator("#id_kind_2").select_option("country")
    page.locator("#id_values_2").fill("Germany")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("link", name="user ceo@example.com and country Germany")).to_be_visible()
    assert complaints == []


def test_the_catalogue_and_the_json_are_looked_at(page: Page, live_server: LiveServer, complaints: list[str]) -> None:
    monitor = a_monitor_with_a_past()
    sign_in(page, live_server, "/admin/monitors/monitor/add/")
    page.get_by_label("Search").fill("push")
    page.get_by_role("button", name="Filter detections").click()
    expect(page.get_by_text("of 68 detections")).to_be_visible()
    look(page, "choose")
    page.goto(f"{live_server.url}/admin/monitors/monitor/{monitor.pk}/json/")
    expect(page.locator("#monitor-json")).to_contain_text("query_level_monitor")
    look(page, "json")
    assert complaints == []
