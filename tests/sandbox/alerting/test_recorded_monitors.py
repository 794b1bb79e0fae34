"""Monitors are made, read, changed, found and deleted as recorded."""

from typing import Any

import pytest

from tests.sandbox.alerting.recordings import comparable, load
from tests.sandbox.alerting.standin import MONITORS, Client

pytestmark = [pytest.mark.opensearch, pytest.mark.usefixtures("recorded_documents")]

W = "window-programs/"
DASHBOARDS = {"User-Agent": "OpenSearch-Dashboards"}


def replay(alerting: Client, name: str, path: str | None = None, headers: dict[str, str] | None = None) -> Any:
    """Send a recorded request, perhaps to another path, and expect the recorded answer. Returns its body."""
    recorded = load(name)
    request = recorded["request"]
    answer = alerting.call(request["method"], path or request["path"], request["body"], headers)
    assert answer.status == recorded["response"]["status"]
    recorded_id = request["path"].partition("?")[0].rpartition("/")[2]
    here = (path or request["path"]).partition("?")[0].rpartition("/")[2]
    assert comparable(answer.body, here) == comparable(recorded["response"]["body"], recorded_id)
    return answer.body


@pytest.mark.parametrize(
    "name",
    [
        "05-monitor-query-create",
        "24-create-missing-channel",
        "26-create-bad-painless",
        "28-create-bad-mustache",
        "33-create-seconds",
        "34-create-cron",
        "66-trigger-npe-create",
        f"{W}r40-drift-create",
        "10-monitor-bucket-create",
        "67-bucket-terms-create",
        "68-bucket-sampledocs-create",
        "73-bucket-composite_agg-create",
        "81-bucket-sampledocs-ok-create",
        "12-monitor-doc-create",
        "60-doc-variants-create",
        "61-doc-fail-create",
        "62-doc-nopolicy-create",
        "64-doc-badname",
    ],
)
def test_a_monitor_is_taken_without_a_look_at_its_scripts_templates_and_channels(name: str, alerting: Client) -> None:
    replay(alerting, name)


@pytest.mark.parametrize(
    "name",
    [
        "19-monitor-put-unknown-id",
        "30-create-missing-index",
        "31-create-bad-query",
        "32-create-throttle-2000",
    ],
)
def test_a_wrong_monitor_is_refused_in_the_recorded_words(name: str, alerting: Client) -> None:
    replay(alerting, name)


@pytest.mark.parametrize("name", [f"{W}r80-many-30-create-response", f"{W}r80-many-120-create-response"])
def test_a_monitor_sent_back_as_it_was_answered_keeps_its_form(name: str, alerting: Client) -> None:
    recorded = load(name)
    created = alerting.call("POST", MONITORS, recorded["monitor"])
    assert comparable(created.body) == comparable(recorded)


def test_an_update_needs_the_sequence_number_that_was_read_or_none_at_all(alerting: Client) -> None:
    created = alerting.done("POST", MONITORS, load("05-monitor-query-create")["request"]["body"])
    path = f"{MONITORS}/{created['_id']}"
    read = replay(alerting, "15-monitor-get", path)
    seen = f"?if_seq_no={read['_seq_no']}&if_primary_term={read['_primary_term']}"
    updated = replay(alerting, "16-monitor-update-seqno", path + seen)
    assert updated["_seq_no"] > read["_seq_no"]
    stale = alerting.call("PUT", path + seen, load("17-monitor-update-stale-seqno")["request"]["body"])
    recorded = load("17-monitor-update-stale-seqno")["response"]
    reason = recorded["body"]["error"]["reason"]
    reason = reason.replace("qcm-CaIBQKoStVG6jyvy", created["_id"]).replace("[0]", f"[{read['_seq_no']}]")
    reason = reason.replace("[13]", f"[{updated['_seq_no']}]")
    assert (stale.status, stale.body["error"]["reason"]) == (recorded["status"], reason)
    assert stale.body["error"]["caused_by"]["reason"].endswith(reason)
    assert stale.body.keys() == recorded["body"].keys()
    replay(alerting, "18-monitor-update-noseq", path)


def test_monitors_are_found_by_name(alerting: Client) -> None:
    alerting.monitor(load("05-monitor-query-create")["request"]["body"])
    alerting.monitor(load("10-monitor-bucket-create")["request"]["body"])
    replay(alerting, "20-monitor-search")


def test_what_was_stored_comes_back_and_putting_it_back_changes_nothing(alerting: Client) -> None:
    created = alerting.done("POST", MONITORS, load(f"{W}r40-drift-create")["request"]["body"])
    path = f"{MONITORS}/{created['_id']}"
    read = replay(alerting, f"{W}r40-drift-get", path)
    replay(alerting, f"{W}r41-drift-put-back", path)
    again = alerting.done("GET", path)
    for body in (read, again):
        del body["monitor"]["schema_version"], body["monitor"]["last_update_time"]
    assert again["monitor"] == read["monitor"]


def test_ui_metadata_is_shown_to_dashboards_only_and_erased_by_an_update_without_it(alerting: Client) -> None:
    created = replay(alerting, f"{W}r43-uimeta-create")
    path = f"{MONITORS}/{created['_id']}"
    plain = replay(alerting, f"{W}r43-uimeta-get", path)
    replay(alerting, f"{W}r43-uimeta-get-dashboards-ua", path, DASHBOARDS)
    replay(alerting, f"{W}r43-uimeta-search")
    alerting.done("PUT", path, plain["monitor"])
    assert "ui_metadata" not in alerting.done("GET", path, headers=DASHBOARDS)["monitor"]


def test_an_update_keeps_the_enabled_time_while_a_monitor_is_enabled(alerting: Client) -> None:
    created = alerting.done("POST", MONITORS, load(f"{W}r83-enabled_time-5-create")["request"]["body"])
    assert created["monitor"]["enabled_time"] == 1795519625000
    answer = replay(alerting, f"{W}r88-put-enabled_time", f"{MONITORS}/{created['_id']}")
    assert answer["monitor"]["enabled_time"] == 1795519625000


def test_a_monitor_is_disabled_and_deleted(alerting: Client) -> None:
    request = load("84-monitor-disable")["request"]["body"]
    created = alerting.done("POST", MONITORS, {**request, "enabled": True})
    path = f"{MONITORS}/{created['_id']}"
    replay(alerting, "84-monitor-disable", path)
    alerting.done("DELETE", path)
    assert alerting.call("GET", path).status == 404


@pytest.mark.parametrize("name", ["71-monitor-delete", "85-monitor-delete"])
def test_deleting_answers_with_the_next_version(name: str, alerting: Client) -> None:
    monitor_id = alerting.monitor(load("05-monitor-query-create")["request"]["body"])
    replay(alerting, name, f"{MONITORS}/{monitor_id}")
