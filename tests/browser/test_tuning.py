"""Tuning a threshold from an alert in a real browser: play, drag the line, save and push, and back again."""

import os
import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from alerts import tasks
from alerts.choices import Verdict
from alerts.models import Alert, Occurrence
from core import clock
from core.roles import DETECTION_ENGINEERS
from monitors import opensearch
from monitors.models import Backtest, Deployment, Monitor
from monitors.services import push, revisions
from tests.browser.shots import draw
from tests.events import failed_sign_in
from tests.factories import make_alert, make_user
from tests.monitors.indexing import index_by_template

pytestmark = [pytest.mark.browser, pytest.mark.opensearch, pytest.mark.django_db(transaction=True)]

# Who failed how often, how many days ago, and what that was judged.
BURSTS: list[tuple[str, int, float, str]] = [
    ("anna", 12, 1.2, Verdict.FALSE_POSITIVE),
    ("bert", 25, 2.1, Verdict.TRUE_POSITIVE),
    ("carl", 14, 3.3, Verdict.FALSE_POSITIVE),
    ("dora", 11, 4.4, Verdict.FALSE_POSITIVE),
    ("emil", 31, 4.6, ""),
    ("fred", 6, 5.5, ""),
    ("gina", 4, 5.6, ""),
]


@pytest.fixture
def alert() -> Iterator[Alert]:
    """The newest of the judged alerts of a monitor that OpenSearch runs; it is gone from there afterwards."""
    now = clock.now().replace(microsecond=0)
    events: dict[str, list[dict[str, Any]]] = {
        user: [failed_sign_in(now - timedelta(days=days) + timedelta(seconds=n), user=user) for n in range(size)]
        for user, size, days, _ in BURSTS
    }
    pattern = index_by_template(f"t-{uuid.uuid4().hex[:12]}", [one for some in events.values() for one in some])
    monitor = Monitor(
        detection="brute-force-user", name=f"Brute force {uuid.uuid4().hex[:6]}", index_pattern=pattern, severity=3,
        interval_seconds=3600, params={"failures": 10, "window_minutes": 10},
    )  # fmt: skip
    revisions.save(monitor, by="test", reason="As the publisher says")
    push.push(monitor, by="test")
    made = []
    for user, size, _, verdict in BURSTS[:4]:
        first, last = events[user][0]["published"], events[user][-1]["published"]
        one = make_alert(monitor=monitor, entity_id=f"00u{user}", entity_name=f"{user}@example.com", verdict=verdict,
                         sentence=f"{size} failed sign-ins of {user}@example.com", observed={"count": size},
                         limits={"failures": 10})  # fmt: skip
        Occurrence.objects.filter(alert=one).update(first_at=first, last_at=last, count=size)
        made.append(one)
    yield made[0]
    for hit in opensearch.find_monitors(monitor.name):
        opensearch.delete_monitor(hit["_id"])


def look(page: Page, name: str) -> None:
    """Nothing may run out of the page at either width. With LOOK=folder it is drawn: light, dark, narrow."""
    folder = os.environ.get("LOOK")
    for scheme, width in (("light", 1280), ("dark", 1280), ("light", 375)):
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        if folder:
            page.screenshot(path=Path(folder) / f"{name}-{scheme}-{width}.png", full_page=True)
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 1280, "height": 800})


def in_sync(monitor: Monitor, failures: int) -> bool:
    """Whether OpenSearch holds this limit and we know that it does."""
    deployment = Deployment.objects.select_related("revision").get(monitor=monitor)
    assert deployment.revision is not None
    held = str(opensearch.read_monitor(deployment.opensearch_id)["monitor"]["inputs"])
    return (
        deployment.state == Deployment.State.IN_SYNC
        and deployment.revision.inputs["params"]["failures"] == failures
        and f"'n': {failures}" in held
    )


def test_a_threshold_is_tuned_from_an_alert_pushed_and_rolled_back(
    page: Page, live_server: LiveServer, complaints: list[str], alert: Alert
) -> None:
    make_user(
        "eve", first_name="Eve", last_name="Moreau", password="correct horse", role=DETECTION_ENGINEERS, is_staff=True
    )
    page.goto(f"{live_server.url}/sign-in/?next=/alerts/{alert.pk}/")
    page.get_by_label("User name").fill("eve")
    page.get_by_label("Password").fill("correct horse")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("link", name="Tune this monitor")).to_be_visible()
    look(page, "tune-alert")
    page.get_by_role("link", name="Tune this monitor").click()
    expect(page.get_by_role("button", name="Play the past")).to_be_visible()
    look(page, "tune-before")

    page.get_by_label("Play the last").select_option("7")
    page.get_by_role("button", name="Play the past").click()
    expect(page.get_by_role("progressbar")).to_be_visible()
    tasks.run_backtest(str(Backtest.objects.get().pk))
    alerts = page.locator("[data-alerts]")
    expect(alerts).to_have_text("5")
    fates = page.locator("[data-fates]")
    expect(fates).to_contain_text("Keeps all 3 false positives.")
    look(page, "tune-played")
    draw(page, "tuning", whole=True)

    line = page.get_by_role("slider")
    box = page.locator("[data-limit] .grip").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2 + 260, box["y"] + 40, steps=5)
    page.mouse.up()
    expect(alerts).to_have_text("2")
    expect(fates).to_contain_text("Drops 3 of 3 false positives.")
    expect(fates).to_contain_text("Keeps the one true positive.")
    field = page.get_by_label("Failed sign-ins").first
    field.fill("25")
    expect(line).to_have_attribute("aria-valuenow", "25")
    expect(alerts).to_have_text("2")
    line.press("ArrowRight")
    expect(field).to_have_value("26")
    expect(fates).to_contain_text("Drops 1 of 1 true positive.")
    line.press("ArrowLeft")
    line.press("PageDown")
    expect(field).to_have_value("15")
    expect(page.locator(".sentence")).to_contain_text("15")
    look(page, "tune-moved")

    page.get_by_label("Reason for this change").fill("Drops three false positives, keeps the true one")
    page.get_by_role("button", name="Save and push…").click()
    expect(page.get_by_role("link", name=f"Back to alert A-{alert.pk}")).to_be_visible()
    page.get_by_role("button", name="Push to OpenSearch").click()
    expect(page.get_by_text("OpenSearch holds revision 2 now (read back, in sync).")).to_be_visible()
    assert alert.monitor is not None
    assert in_sync(alert.monitor, 15)

    first = (
        page.get_by_role("complementary", name="Revisions")
        .get_by_role("listitem")
        .filter(has_text="As the publisher says")
    )
    first.get_by_role("link", name="Roll back to this…").click()
    page.get_by_role("button", name="Roll back to revision 1").click()
    page.get_by_role("button", name="Push to OpenSearch").click()
    expect(page.get_by_text("OpenSearch holds revision 3 now (read back, in sync).")).to_be_visible()
    assert in_sync(alert.monitor, 10)
    page.get_by_role("link", name=f"Back to alert A-{alert.pk}").click()
    expect(page).to_have_url(f"{live_server.url}/alerts/{alert.pk}/")
    assert complaints == []
