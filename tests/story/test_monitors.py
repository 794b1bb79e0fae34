"""Monitors on a schedule: a burst that goes on is one alert, and what is broken behind our back is seen."""

import requests

from tests.story.conftest import SWEPT, Story, wait_until
from tests.story.watching import BRUTE_FORCE, INTERVAL, TWO_HEARTBEATS, Clock, fail, fault, submit

TOLD = """SELECT a.id, o.count, o.told FROM alerts_occurrence o JOIN alerts_alert a ON a.id = o.alert_id
          WHERE a.entity_name = %s"""


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
    kinds = [kind for (kind,) in story.rows(owed, "burst@example.com")]
    late = {"update", "attach"}  # what evidence owes the ticket that came after it, as on a busy machine
    assert sorted(set(kinds) - late) == ["create", "remote_link"], "what grows is no news, and no comment"
    assert len(kinds) == len(set(kinds))


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
