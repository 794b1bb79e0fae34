"""Monitors on a schedule: a burst that goes on is one alert, and what is broken behind our back is seen."""

import re
import time
from collections.abc import Generator
from datetime import UTC, datetime, timedelta

import pytest
import requests

from sandbox.okta.play import Index
from tests.events import failed_sign_in
from tests.story.conftest import SWEPT, Story, wait_until

BRUTE_FORCE = "brute-force-user"
INTERVAL = 60
TWO_HEARTBEATS = 45.0  # seconds: of 15 s each, and half a minute between two looks of the watch
TOLD = """SELECT a.id, o.count, o.told FROM alerts_occurrence o JOIN alerts_alert a ON a.id = o.alert_id
          WHERE a.entity_name = %s"""


@pytest.fixture
def monitor(story: Story) -> Generator[str, None, None]:
    """A monitor that looks for brute force each minute of the stand-in's clock; the id that OpenSearch knows it by."""
    fail(story, "earlier", datetime.now(UTC), 1)  # without any index each run would tell a fault of its own
    story.portal.push_monitors([BRUTE_FORCE], INTERVAL, {})
    sql = "SELECT opensearch_id FROM monitors_deployment d JOIN monitors_monitor m ON m.uuid = d.monitor_id WHERE detection = %s"
    yield story.rows(sql, BRUTE_FORCE)[0][0]
    story.opensearch("POST", "/_sandbox/clock", {"now": None})


class Clock:
    """The time by which monitors run: it stands still but for `run`."""

    def __init__(self, story: Story, monitor: str) -> None:
        self.story, self.monitor = story, monitor
        story.opensearch("POST", "/_sandbox/clock", {"now": int(time.time() * 1000)})

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.story.opensearch("GET", "/_sandbox/clock")["now"] / 1000, UTC)

    def run(self) -> None:
        """Let the monitor run once more."""
        answer = self.story.opensearch("POST", "/_sandbox/clock", {"advance_ms": INTERVAL * 1000})
        assert [run["errors"] for run in answer["runs"] if run["monitor_id"] == self.monitor] == [[]]


def fail(story: Story, user: str, at: datetime, times: int) -> None:
    """Let somebody's sign-in fail so many times within the minute before `at`."""
    index = Index(story.portal.environ["SANDBOX_OPENSEARCH_NODE_URL"])
    events = [failed_sign_in(at - timedelta(seconds=1 + second), user=user) for second in range(times)]
    index.write([{**event, "uuid": f"{user}-{at:%H%M%S}-{event['uuid']}"} for event in events])
    index.refresh()


def test_a_burst_over_ten_runs_is_one_occurrence_that_grows_and_one_ticket(story: Story, monitor: str) -> None:
    clock = Clock(story, monitor)
    for run in range(10):
        fail(story, "burst", clock.now(), 20)
        clock.run()
        wait_until(
            lambda run=run: [row[1:] for row in story.rows(TOLD, "burst@example.com")] == [(20 * (run + 1), run + 1)],  # type: ignore[misc]
            20, "the occurrence as large as the burst",
        )  # fmt: skip
    story.wait_for_ticket("burst@example.com")
    owed = (
        "SELECT o.kind FROM alerts_ticketoperation o JOIN alerts_alert a ON a.id = o.alert_id"
        " WHERE a.entity_name = %s ORDER BY o.id"
    )
    wait_until(lambda: len(story.rows(owed, "burst@example.com")) > 1, 20, "the way back from the ticket")
    assert story.rows(owed, "burst@example.com") == [("create",), ("remote_link",)]


def test_a_closed_alert_whose_evidence_is_told_again_stays_closed(story: Story, monitor: str) -> None:
    clock = Clock(story, monitor)
    fail(story, "again", clock.now(), 20)
    clock.run()
    story.wait_for_ticket("again@example.com")
    ((alert, _, told),) = story.rows(TOLD, "again@example.com")
    close_in_the_portal(story, alert)
    clock.run()
    wait_until(lambda: story.rows(TOLD, "again@example.com")[0][2] == told + 1, 20, "the same evidence told again")
    assert story.rows("SELECT id, status FROM alerts_alert WHERE entity_name = 'again@example.com'") == [
        (alert, "closed")
    ]
    assert len(story.issues("again@example.com")) == 1


def close_in_the_portal(story: Story, alert: int) -> None:
    """Sign in and close an alert as an analyst does."""
    story.portal.manage("ensure_user", "closer", stdin="a long password of no use\n")
    with requests.Session() as browser:
        signing_in = f"{story.portal.url}/sign-in/"
        filled = {"username": "closer", "password": "a long password of no use"}
        submit(browser, signing_in, filled)
        page = f"{story.portal.url}/alerts/{alert}/close/"
        answer = submit(browser, page, {"verdict": "false_positive", "reason": "test", "note": ""})
        assert answer.status_code == 200
    assert story.rows("SELECT status FROM alerts_alert WHERE id = %s", alert) == [("closed",)]


def submit(browser: requests.Session, page: str, filled: dict[str, str]) -> requests.Response:
    """Fill in a page's form and send it, with the hidden fields that stand in it."""
    text = browser.get(page, timeout=20).text
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', text))
    return browser.post(page, data={**hidden, **filled}, headers={"Referer": page}, timeout=20)


def test_a_monitor_disabled_in_dashboards_is_a_fault_until_it_is_enabled_again(story: Story, monitor: str) -> None:
    path = f"/_plugins/_alerting/monitors/{monitor}"
    held = story.opensearch("GET", path)["monitor"]
    story.opensearch("PUT", path, {**held, "enabled": False})
    wait_until(lambda: "disabled in OpenSearch" in fault(story, monitor), TWO_HEARTBEATS, "the fault")
    story.opensearch("PUT", path, held)
    wait_until(lambda: fault(story, monitor) == "", TWO_HEARTBEATS, "the fault mended")


def test_a_channel_that_posts_elsewhere_is_a_fault_until_a_push_mends_it(story: Story, monitor: str) -> None:
    channel = "/_plugins/_notifications/configs/oktadetect"
    config = story.opensearch("GET", channel)["config_list"][0]["config"]
    astray = {**config, "webhook": {**config["webhook"], "url": "http://127.0.0.1:9/elsewhere"}}
    story.opensearch("PUT", channel, {"config": astray})
    wait_until(lambda: "not here" in fault(story, monitor), TWO_HEARTBEATS, "the fault")
    story.portal.push_monitors([BRUTE_FORCE], INTERVAL, {})
    wait_until(lambda: fault(story, monitor) == "", TWO_HEARTBEATS, "the fault mended")


def fault(story: Story, monitor: str) -> str:
    """What the portal says is wrong with the monitor."""
    return str(story.rows("SELECT fault FROM monitors_deployment WHERE opensearch_id = %s", monitor)[0][0])


STATE = """SELECT d.state, d.fault FROM monitors_deployment d JOIN monitors_monitor m ON m.uuid = d.monitor_id
           WHERE d.opensearch_id = %s"""
FAULT_ALERT = """SELECT a.status FROM alerts_alert a JOIN monitors_deployment d ON d.monitor_id::text = a.entity_id
                 WHERE d.opensearch_id = %s AND a.entity_type = 'monitor'"""


def test_a_change_behind_our_back_is_found_within_a_minute_and_a_lasting_fault_is_one_ticket_until_it_is_mended(
    story: Story, monitor: str
) -> None:
    path = f"/_plugins/_alerting/monitors/{monitor}"
    body = story.opensearch("GET", path)["monitor"]
    ((name,),) = story.rows(
        "SELECT m.name FROM monitors_monitor m JOIN monitors_deployment d ON m.uuid = d.monitor_id"
        " WHERE d.opensearch_id = %s", monitor,
    )  # fmt: skip
    story.opensearch("PUT", path, {**body, "enabled": False})
    wait_until(lambda: story.rows(STATE, monitor)[0][0] == "disabled", 60, "the change behind our back found")
    assert story.rows(FAULT_ALERT, monitor) == []
    story.execute(
        "UPDATE monitors_deployment SET fault_since = fault_since - interval '1 hour' WHERE opensearch_id = %s", monitor
    )
    wait_until(lambda: story.rows(FAULT_ALERT, monitor) == [("new",)], 60, "an alert about the lasting fault")
    story.wait_for_ticket(name, SWEPT)
    story.opensearch("PUT", path, body)
    # it was silent meanwhile, and counts as mended when its next run is heard
    wait_until(lambda: story.rows(FAULT_ALERT, monitor) == [("closed",)], 150, "the alert closed by itself")
    assert story.rows(STATE, monitor)[0] == ("in_sync", "")
    said = (
        "SELECT o.state FROM alerts_ticketoperation o JOIN alerts_alert a ON a.id = o.alert_id"
        " WHERE a.entity_name = %s AND o.kind = 'comment'"
    )
    wait_until(lambda: story.rows(said, name) == [("done",)], SWEPT, "the ticket told that it is over")
    assert len(story.issues(name)) == 1
