"""From an alert to who and what took part in it, and back, in a real browser under the content security policy."""

from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from alerts.models import Alert
from core import clock
from monitors import opensearch
from tests.browser.test_portal import sign_in
from tests.factories import ago, involve, make_alert, make_event, make_evidence, make_monitor

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

HOSTILE = "<img src=x onerror=\"document.title='run'\">/../%2e\u202e"


def burst(**fields: Any) -> Alert:
    """Push fatigue that worked, with a session that goes on afterwards."""
    events = [
        make_event(at=ago(minutes=19 - number), actor="00uanna", user="anna.berg@example.com", session="idxA1b2C3d4", result="FAILURE",
                   type="user.authentication.auth_via_mfa", device_token="4e1c9f0ab27d", uuid=f"push-{number}")
        for number in range(6)
    ]  # fmt: skip
    accepted = {**events[-1], "uuid": "accepted", "t": events[-1]["t"] + 60_000, "result": "SUCCESS"}
    alert = make_alert(
        monitor=make_monitor("push-fatigue-success"), detection="Push fatigue that worked",
        detection_id="push-fatigue-success", entity_id="00uanna", entity_name="anna.berg@example.com", severity=1,
        sentence="6 pushes refused in 5 min, then one accepted: anna.berg@example.com", observed={"count": 6, "seconds": 300},
        limits={"refusals": 5, "window_minutes": 10}, events=[*events, accepted], **fields,
    )  # fmt: skip
    for kind, value in (("ip", "203.0.113.9"), ("device", "4e1c9f0ab27d"), ("session", "idxA1b2C3d4")):
        involve(alert, kind, value, "source" if kind == "ip" else kind)
    alert.involved.filter(role="entity").get().entity.__class__.objects.filter(value="00uanna").update(
        name="anna.berg@example.com"
    )
    make_evidence(alert.occurrences.get(), [
        {"uuid": "accepted", "eventType": "user.authentication.auth_via_mfa", "published": "2026-11-24T14:02:11.000Z",
         "actor": {"id": "00uanna", "alternateId": "anna.berg@example.com"}, "client": {"ipAddress": "203.0.113.9", "zone": "OFF_NETWORK"},
         "outcome": {"result": "SUCCESS"}}])  # fmt: skip
    granted = make_event(at=ago(minutes=8), actor="00uanna", user="anna.berg@example.com", session="idxA1b2C3d4", result="SUCCESS",
                         type="user.account.privilege.grant", uuid="grant")  # fmt: skip
    grant = make_alert(
        detection="Admin role granted", detection_id="admin-role-granted", entity_id="00uanna", entity_name="anna.berg@example.com",
        sentence="anna.berg@example.com granted Super Administrator to themself", severity=1, last_seen=ago(minutes=8),
        events=[granted], observed={"count": 1, "roles": "Super Administrator", "receiver": "themself"}, limits={},
    )  # fmt: skip
    involve(grant, "session", "idxA1b2C3d4", "session")
    return alert


def index_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the index answer with a working week, and the session of the user ended by an administrator."""
    now = clock.now()

    def search(_pattern: str, body: dict[str, Any], *, timeout: float) -> dict[str, Any]:
        cleared = {
            "uuid": "clear", "eventType": "user.session.clear", "published": ago(minutes=2).isoformat(),
            "actor": {"id": "00uadmin", "alternateId": "admin@example.com"}, "outcome": {"result": "SUCCESS"},
            "target": [{"id": "00uanna", "type": "User", "alternateId": "anna.berg@example.com"}],
            "client": {"ipAddress": "198.51.100.7", "geographicalContext": {"city": "Berlin", "country": "Germany"}},
        }  # fmt: skip
        hour = now.replace(minute=0, second=0, microsecond=0)
        buckets = [
            {"key": clock.to_ms(at), "doc_count": 1 + at.hour % 5}
            for at in (hour - timedelta(hours=back) for back in range(28 * 24))
            if at.weekday() < 5 and 7 <= at.hour <= 17
        ]
        return {"_shards": {"total": 1, "failed": 0}, "timed_out": False, "hits": {"hits": [{"_source": cleared}]},
                "aggregations": {"hours": {"buckets": buckets}}}  # fmt: skip

    monkeypatch.setattr(opensearch, "search", search)


def test_every_value_of_an_alert_is_a_door_and_a_session_is_one_story(
    page: Page, live_server: LiveServer, complaints: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    index_holds(monkeypatch)
    alert = burst()
    sign_in(page, live_server)
    page.goto(f"{live_server.url}/alerts/{alert.pk}/")
    expect(page.get_by_text("Okta: sessions ended")).to_be_visible()
    expect(page.locator(".steps .ticked")).to_have_count(1)

    page.get_by_role("complementary").get_by_role("link", name="idxA1b2C3d4").click()
    story = page.get_by_role("region", name="The session as one story")
    expect(story.get_by_text("Admin role granted").first).to_be_visible()
    expect(story.get_by_role("link", name="granted Super Administrator")).to_be_visible()
    page.get_by_role("link", name="anna.berg@example.com").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("anna.berg@example.com")
    expect(page.get_by_role("img", name="Events by weekday and hour")).to_be_visible()
    page.get_by_role("link", name="6 pushes refused").click()
    expect(page.get_by_role("img", name="Up to 6 of these events within 10 min")).to_be_visible()
    assert complaints == []


def test_whole_events_are_searched_on_the_page(page: Page, live_server: LiveServer, complaints: list[str]) -> None:
    alert = burst()
    sign_in(page, live_server)
    page.goto(f"{live_server.url}/alerts/{alert.pk}/")
    page.get_by_text("Whole events: 1").click()
    page.get_by_placeholder("Field or value").fill("off_network")
    expect(page.get_by_text("1 field", exact=True)).to_be_visible()
    expect(page.get_by_text("OFF_NETWORK")).to_be_visible()
    expect(page.get_by_text("actor.id", exact=True)).to_be_hidden()

    page.get_by_text("OFF_NETWORK").hover()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("menuitem", name="Copy path").click()
    expect(page.get_by_role("menuitem", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == "client.zone"
    page.get_by_placeholder("Field or value").fill("nowhere")
    expect(page.get_by_text("No field and no value holds “nowhere”.")).to_be_visible()
    assert complaints == []


def test_a_hostile_value_has_its_page_and_runs_nothing(
    page: Page, live_server: LiveServer, complaints: list[str]
) -> None:
    alert = make_alert(entity_id=HOSTILE, entity_name=HOSTILE, sentence="Something hostile")
    sign_in(page, live_server)
    page.goto(f"{live_server.url}/alerts/{alert.pk}/")
    page.get_by_role("complementary").locator("#involved + ul a").click()
    expect(page.get_by_role("link", name="Something hostile")).to_be_visible()
    expect(page.get_by_text("No monitor says yet in which index the events lie.")).to_be_visible()
    expect(page).not_to_have_title("run")
    assert complaints == []


@pytest.mark.parametrize(
    "path",
    ["/entities/", "/entities/user/00uanna/?live=1", "/entities/session/idxA1b2C3d4/", "/cases/", "case", "alert"],
)
def test_nothing_is_wider_than_a_small_phone(
    page: Page, live_server: LiveServer, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    index_holds(monkeypatch)
    alert = burst()
    involve(alert, "user", f"{'x' * 90}@example.com", "tried")
    sign_in(page, live_server)
    page.set_viewport_size({"width": 375, "height": 800})
    addresses = {"alert": f"/alerts/{alert.pk}/", "case": f"/cases/{alert.case_id}/"}
    page.goto(live_server.url + addresses.get(path, path))
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
