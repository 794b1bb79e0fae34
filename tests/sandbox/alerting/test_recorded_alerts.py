"""Alerts, and runs on schedule, as recorded."""

import json
from typing import Any

import pytest

from tests.sandbox.alerting.recordings import comparable, load
from tests.sandbox.alerting.standin import MONITORS, OK, Client, Receiver
from tests.sandbox.alerting.test_recorded_runs import first_day
from tests.sandbox.alerting.test_replay import HEADERS, replay_run, seen

pytestmark = [pytest.mark.opensearch, pytest.mark.usefixtures("recorded_documents")]

W = "window-programs/"
JSON = {"Content-Type": "application/json"}
MINUTE = 60_000


def switched(name: str, condition: str, indices: list[str] | None = None) -> dict[str, Any]:
    """A monitor of the travel program under a condition."""
    body: dict[str, Any] = load(f"{W}r10-travel-create")["request"]["body"]
    body |= {"name": name}
    body["triggers"][0]["query_level_trigger"]["condition"]["script"]["source"] = condition
    if indices:
        body["inputs"][0]["search"]["indices"] = indices
    return body


def test_an_alert_is_found_acknowledged_once_and_then_refused(alerting: Client, receiver: Receiver) -> None:
    alerting.channel("okta-ch-1", f"{receiver.url}/ok")
    body = load("05-monitor-query-create")["request"]["body"]
    alerting.set_clock(1795459903000 + MINUTE)
    monitor_id = alerting.monitor(body)
    for _ in range(5):
        alerting.advance(MINUTE)
    recorded = load("21-alerts-get-one")["response"]["body"]
    found = alerting.done("GET", f"{MONITORS}/alerts?monitorId={monitor_id}&alertState=ACTIVE")
    assert comparable(found) == comparable(recorded)
    (alert,) = found["alerts"]
    assert alert["execution_id"].startswith(f"{monitor_id}_2026-11-23T")
    path = f"{MONITORS}/{monitor_id}/_acknowledge/alerts"
    done = alerting.done("POST", path, {"alerts": [alert["id"]]})
    text = json.dumps(load("22-alert-ack")["response"]["body"]).replace("xcm_CaIBQKoStVG6eSsG", alert["id"])
    assert done == json.loads(text)
    again = alerting.done("POST", path, {"alerts": [alert["id"], "nope"]})
    text = json.dumps(load("23-alert-ack-again")["response"]["body"]).replace("xcm_CaIBQKoStVG6eSsG", alert["id"])
    assert again == json.loads(text)


def test_an_acknowledged_alert_mutes_what_is_found(alerting: Client, receiver: Receiver) -> None:
    alerting.channel("rx", f"{receiver.url}/ok", HEADERS)
    body = load(f"{W}r93-truncated-create")["request"]["body"]
    body |= {"name": "ack"}
    body["inputs"][0]["search"]["query"]["aggregations"]["f"]["scripted_metric"]["params"]["max"] = 50_000
    monitor_id = alerting.monitor(body)
    recorded = load(f"{W}r89-acknowledged-execute")
    alerting.set_clock(recorded["response"]["body"]["period_end"])
    alerting.done("POST", f"{MONITORS}/{monitor_id}/_execute")
    (alert,) = alerting.alerts(monitor_id)
    alerting.done("POST", f"{MONITORS}/{monitor_id}/_acknowledge/alerts", {"alerts": [alert["id"]]})
    replay_run(alerting, monitor_id, recorded)
    assert len(receiver.received) == 1
    assert alerting.alerts(monitor_id)[0]["state"] == "ACKNOWLEDGED"


def test_a_thrown_fault_is_sent_although_the_alert_is_acknowledged(alerting: Client, receiver: Receiver) -> None:
    alerting.channel("rx", f"{receiver.url}/ok", HEADERS)
    monitor_id = alerting.monitor(switched("fault", "true"))
    alerting.set_clock(1795522492742)
    alerting.done("POST", f"{MONITORS}/{monitor_id}/_execute")
    (alert,) = alerting.alerts(monitor_id)
    alerting.done("POST", f"{MONITORS}/{monitor_id}/_acknowledge/alerts", {"alerts": [alert["id"]]})
    alerting.done("PUT", f"{MONITORS}/{monitor_id}", switched("fault", "throw new IllegalStateException('broken')"))
    alerting.done("POST", f"{MONITORS}/{monitor_id}/_execute")
    assert "broken" in receiver.received[1]["b"]
    assert alerting.alerts(monitor_id)[0]["state"] == "ERROR"


def test_an_alert_goes_from_active_to_error_and_is_completed(alerting: Client, receiver: Receiver) -> None:
    alerting.channel("rx", f"{receiver.url}/ok", HEADERS)
    recorded = load(f"{W}r90-alert-states")["response"]["body"]
    condition = "if(ctx.error!=null) throw ctx.error; return ctx.results[0].aggregations.f.value.found>0"
    body = switched("states", condition)
    alerting.set_clock(1795522492742)
    monitor_id = alerting.monitor(body)
    metric = body["inputs"][0]["search"]["query"]["aggregations"]["f"]["scripted_metric"]
    finds, throws, finds_nothing = (
        "return ['found':1]",
        "throw new IllegalArgumentException('x')",
        "return ['found':0]",
    )
    states = []
    for reduce_script in (finds, throws, finds, finds_nothing):
        metric["reduce_script"] = {"source": reduce_script}
        alerting.done("PUT", f"{MONITORS}/{monitor_id}", body)
        alerting.done("POST", f"{MONITORS}/{monitor_id}/_execute")
        states.append([alert["state"] for alert in alerting.alerts(monitor_id)])
    assert states == [["ACTIVE"], ["ERROR"], ["ACTIVE"], ["COMPLETED"]]
    found = alerting.done("GET", f"{MONITORS}/alerts?monitorId={monitor_id}")
    expected = comparable(recorded)
    expected["alerts"][0]["monitor_version"] = 2  # of the recorded one only the documents changed, not the monitor
    assert comparable(found) == expected


def test_a_deleted_monitor_and_a_changed_trigger_leave_deleted_alerts(alerting: Client, receiver: Receiver) -> None:
    alerting.channel("rx", f"{receiver.url}/ok", HEADERS)
    alerting.set_clock(1795522492742)
    body = switched("deleted", "true")
    changed, deleted, disabled = (alerting.monitor(body) for _ in range(3))
    for monitor_id in (changed, deleted, disabled):
        alerting.done("POST", f"{MONITORS}/{monitor_id}/_execute")
    del body["triggers"][0]["query_level_trigger"]["id"]
    alerting.done("PUT", f"{MONITORS}/{changed}", body)
    alerting.done("DELETE", f"{MONITORS}/{deleted}")
    alerting.done("PUT", f"{MONITORS}/{disabled}", switched("deleted", "true") | {"enabled": False})
    states = [[alert["state"] for alert in alerting.alerts(monitor)] for monitor in (changed, deleted, disabled)]
    assert states == [["DELETED"], ["DELETED"], ["ACTIVE"]]


def test_a_monitor_sends_again_on_each_run_until_it_is_heard(alerting: Client, receiver: Receiver) -> None:
    url = receiver.will_answer("/flaky6", (500, {}, b""), (200, {}, OK))
    alerting.channel("rx6", url, JSON)
    create = load(f"{W}r62-sched-500first-create")
    alerting.set_clock(create["response"]["body"]["monitor"]["enabled_time"])
    monitor_id = alerting.monitor(create["request"]["body"])
    recorded = load(f"{W}r64-sched-500first-received")
    for _ in recorded:
        alerting.advance(MINUTE)
        if len(receiver.received) == 2:
            found = alerting.done("GET", f"{MONITORS}/alerts?monitorId={monitor_id}")
            assert comparable(found) == comparable(load(f"{W}r63-sched-alerts")["response"]["body"])
    assert seen(receiver.received, monitor_id) == seen(recorded, create["response"]["body"]["_id"])


@pytest.mark.parametrize(
    ("create", "received", "interval"),
    [
        (f"{W}r60-sched-create", f"{W}r65-sched-received", MINUTE),
        (f"{W}r61-sched-seconds-create", f"{W}r66-sched-seconds-received", 10_000),
    ],
)
def test_a_run_covers_the_interval_that_ends_a_whole_number_of_intervals_after_it_was_enabled(
    create: str, received: str, interval: int, alerting: Client, receiver: Receiver
) -> None:
    recorded = load(received)
    body = load(create)
    alerting.channel("rx5", f"{receiver.url}/flaky", JSON)
    alerting.set_clock(body["response"]["body"]["monitor"]["enabled_time"])
    monitor_id = alerting.monitor(body["request"]["body"])
    runs = alerting.advance(len(recorded) * interval)
    assert [run["monitor_id"] for run in runs] == [monitor_id] * len(recorded)
    assert seen(receiver.received, monitor_id) == seen(recorded, body["response"]["body"]["_id"])


def test_a_monitor_that_cannot_compile_its_search_says_so(alerting: Client, receiver: Receiver) -> None:
    healthy, failing = load(f"{W}r80-many-received-sample")
    assert json.loads(healthy["b"])["error"] == ""
    words = json.loads(failing["b"])["error"]
    assert words.startswith("ScriptException[runtime error]; nested: GeneralScriptException[Failed to compile inline")
    assert "nested: CircuitBreakingException[[script] Too many dynamic script compilations" in words
    body = first_day("limit", "any", "if(ctx.error!=null) throw ctx.error; return true", "{{ctx.error}}")
    body["inputs"][0]["search"]["query"]["query"] = {"terms": {"uuid": ["x" * 70_000]}}
    monitor_id = alerting.monitor(body)
    answer = alerting.done("POST", f"{MONITORS}/{monitor_id}/_execute?dryrun=true")
    limit = "exceeded max allowed inline script size in bytes [65535] with size"
    assert answer["input_results"]["error"].startswith(limit)
    (action,) = answer["trigger_results"]["trg-q1"]["action_results"].values()
    assert action["output"]["message"].startswith(
        f"ScriptException[runtime error]; nested: IllegalArgumentException[{limit}"
    )
