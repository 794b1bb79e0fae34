"""Channels, and what the sender makes of what a receiver answers, as recorded."""

import json
import socket
import time
from typing import Any

import pytest

from sandbox.alerting import delivery
from tests.sandbox.alerting.recordings import EARLIER, comparable, load
from tests.sandbox.alerting.standin import CONFIGS, DROP, MONITORS, OK, SILENCE, Client, Planned, Receiver
from tests.sandbox.alerting.test_recorded_runs import first_day
from tests.sandbox.alerting.test_replay import replay_run, seen

pytestmark = [pytest.mark.opensearch, pytest.mark.usefixtures("recorded_documents")]

W = "window-programs/"
RECORDED_AT = 1795460202889  # when the documents were there to be found
MESSAGE = '{"m":"{{ctx.monitor.name}}","err":"{{ctx.error}}","n":{{ctx.results.0.hits.total.value}}}'


def replay(alerting: Client, name: str) -> Any:
    recorded = load(name)
    answer = alerting.call(recorded["request"]["method"], recorded["request"]["path"], recorded["request"]["body"])
    assert answer.status == recorded["response"]["status"]
    assert comparable(answer.body) == comparable(recorded["response"]["body"])
    return answer.body


def run_recorded(alerting: Client, name: str, recording: str, condition: str = "return true", size: int = 1) -> None:
    """Run a monitor of this name, whose action goes to the channel `fx-NAME`, and expect the recorded answer."""
    monitor_id = alerting.monitor(first_day(name, f"fx-{name}", condition, MESSAGE, size))
    replay_run(alerting, monitor_id, load(recording))


@pytest.mark.parametrize("name", ["01-channel-create", f"{W}r01-channel-create"])
def test_a_channel_is_created_under_an_id_of_ours(name: str, alerting: Client) -> None:
    replay(alerting, name)


@pytest.mark.parametrize("name", ["07-channel-bucket", "08-channel-doc", "09-channel-nohdr"])
def test_a_channel_that_exists_is_not_created_again(name: str, alerting: Client) -> None:
    alerting.done("POST", CONFIGS, load(name)["request"]["body"])
    replay(alerting, name)


def test_a_channel_gives_its_headers_back_in_clear(alerting: Client) -> None:
    replay(alerting, "01-channel-create")
    replay(alerting, "02-channel-get")


def test_the_test_message_of_a_channel_is_plain_text(alerting: Client, receiver: Receiver) -> None:
    alerting.channel("okta-ch-1", f"{receiver.url}/ok/hook", {"X-Source": "opensearch"}, name="okta-detect")
    replay(alerting, "03-channel-test")
    (request,) = receiver.received
    assert request["b"] == "Test message content body for config id okta-ch-1"
    assert dict(request["h"])["Content-Type"] == "text/plain; charset=UTF-8"


@pytest.mark.parametrize(
    ("name", "recording", "answer", "attempts"),
    [
        ("ok", "40-exec-ok", (200, {}, OK), 1),
        ("e500", "41-exec-500", (500, {}, b""), 1),
        ("e503", "42-exec-503", (503, {}, b""), 2),
        ("e429", "43-exec-429-retry-after-4", (429, {"Retry-After": "1"}, b""), 2),
        ("e400", "44-exec-400", (400, {}, b""), 1),
        ("redir", "45-exec-302", (302, {"Location": "/elsewhere"}, b""), 1),
        ("empty", "46-exec-204", (204, {}, b""), 1),
        ("drop", "47-exec-conn-dropped", DROP, 1),
    ],
)
def test_each_answer_of_a_receiver_is_told_as_recorded(
    name: str, recording: str, answer: Planned, attempts: int, alerting: Client, receiver: Receiver
) -> None:
    url = receiver.will_answer(f"/{name}", answer)
    alerting.channel(f"fx-{name}", url)
    run_recorded(alerting, name, recording)
    assert len(receiver.received) == attempts
    (delivered,) = alerting.done("GET", "/_sandbox/deliveries")["deliveries"]
    assert (delivered["url"], delivered["error"] is None) == (url, answer[0] in delivery.ACCEPTED)


def test_a_receiver_that_is_not_there_is_told_as_recorded(alerting: Client) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/hook"
    alerting.channel("fx-down", url)
    run_recorded(alerting, "down", "48-exec-conn-refused")


def test_a_name_that_nobody_knows_is_told_as_recorded(alerting: Client) -> None:
    alerting.channel("fx-unres", "http://nobody.invalid/hook")
    run_recorded(alerting, "unres", "49-exec-unresolvable")


def test_a_receiver_that_stays_silent_is_given_up_as_recorded(
    alerting: Client, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "SILENCE_TIMEOUT", 0.2)
    alerting.channel("fx-slow55", receiver.will_answer("/slow", SILENCE))
    run_recorded(alerting, "slow55", "50-exec-slow-55s")


def test_the_sender_waits_as_long_as_the_plugin_does() -> None:
    assert (delivery.SILENCE_TIMEOUT, delivery.RETRY_AFTER) == (50, 1)


def test_a_receiver_that_asks_for_too_much_patience_is_not_asked_again(alerting: Client, receiver: Receiver) -> None:
    url = receiver.will_answer("/later", (503, {"Retry-After": "120"}, b""), (200, {}, OK))
    alerting.channel("later", url)
    alerting.done("POST", f"{MONITORS}/{alerting.monitor(first_day('l', 'later', 'true', MESSAGE))}/_execute")
    assert len(receiver.received) == 1


def test_a_second_attempt_that_succeeds_is_a_success(alerting: Client, receiver: Receiver) -> None:
    alerting.channel("twice", receiver.will_answer("/twice", (503, {"Retry-After": "0"}, b""), (200, {}, OK)))
    alerting.set_clock(RECORDED_AT)
    monitor_id = alerting.monitor(first_day("twice", "twice", "true", MESSAGE))
    answer = alerting.done("POST", f"{MONITORS}/{monitor_id}/_execute")
    (action,) = answer["trigger_results"]["trg-q1"]["action_results"].values()
    assert action["error"] is None
    assert [request["b"] for request in receiver.received] == ['{"m":"twice","err":"","n":5}'] * 2
    assert alerting.done("GET", "/_sandbox/deliveries")["deliveries"][0]["attempts"] == 2


def test_a_message_over_a_connection_that_was_just_closed_is_lost(alerting: Client, receiver: Receiver) -> None:
    """The trap of a receiver that keeps connections alive for less than two seconds."""
    url = receiver.will_answer("/kept", (200, {}, OK), DROP)
    alerting.channel("kept", url)
    monitor_id = alerting.monitor(first_day("kept", "kept", "true", MESSAGE))
    for lost in (False, True):
        answer = alerting.done("POST", f"{MONITORS}/{monitor_id}/_execute")
        (action,) = answer["trigger_results"]["trg-q1"]["action_results"].values()
        assert ("failed to respond" in (action["error"] or "")) is lost


def test_a_channel_that_is_switched_off_fails_oddly(alerting: Client, receiver: Receiver) -> None:
    alerting.channel("fx-ok", f"{receiver.url}/ok/simple")
    replay(alerting, "76-channel-disable")
    monitor_id = alerting.monitor(first_day("disch", "fx-ok", "return true", MESSAGE, size=0))
    replay_run(alerting, monitor_id, load("77-exec-disabled-channel"))
    assert receiver.received == []


def test_a_denied_network_is_not_written_to(alerting: Client, receiver: Receiver) -> None:
    replay(alerting, "78-denylist-set")
    alerting.channel("fx-denied", f"{receiver.url}/ok")
    run_recorded(alerting, "denied", "79-exec-denied")
    assert receiver.received == []


def test_a_channel_without_headers_calls_its_messages_json(alerting: Client, receiver: Receiver) -> None:
    alerting.channel("nohdr", f"{receiver.url}/ok/nohdr2")
    alerting.set_clock(RECORDED_AT)
    monitor_id = alerting.monitor(first_day("nohdr", "nohdr", "true", MESSAGE))
    alerting.done("POST", f"{MONITORS}/{monitor_id}/_execute")
    assert seen(receiver.received) == seen(load("99-received-no-custom-headers"))


def test_the_first_message_knows_no_alert_and_the_next_one_does(alerting: Client, receiver: Receiver) -> None:
    headers = {"X-Detect-Key": 's3cret-"q"', "X-Source": "opensearch"}
    alerting.channel("okta-ch-1", f"{receiver.url}/ok/hook", headers)
    first = load("90-received-query-first_no-ctx.alert", EARLIER)
    body = load("05-monitor-query-create", EARLIER)["request"]["body"]
    alerting.set_clock(1795459812669)
    monitor_id = alerting.monitor(body)
    alerting.advance(60_000)
    assert seen(receiver.received, monitor_id) == seen(first, "qcm-CaIBQKoStVG6jyvy")
    alerting.advance(60_000)
    (alert,) = alerting.alerts(monitor_id)
    told = json.loads(receiver.received[1]["b"].partition('"alert":')[2].partition(',"results":')[0])
    recorded = load("91-received-query-second_ctx.alert-set")[0]["b"]
    assert told.keys() == json.loads(recorded.partition('"alert":')[2].partition(',"results":')[0]).keys()
    assert (told["id"], told["state"], told["version"]) == (alert["id"], "ACTIVE", -1)


def test_a_large_message_arrives_whole(alerting: Client, receiver: Receiver) -> None:
    """Ten thousand findings, 4 MB, were delivered in one message."""
    alerting.channel("large", f"{receiver.url}/ok")
    source = "List l=new ArrayList(); for(int i=0;i<20000;i++) l.add(['n':i,'text':params.text]); return l"
    program: dict[str, Any] = {"params": {"text": "x" * 200}, "reduce_script": {"source": source}}
    program |= {"map_script": {"source": "state.n=1"}, "combine_script": {"source": "return state"}}
    body = first_day("large", "large", "true", "{{#toJson}}ctx.results{{/toJson}}", size=0)
    body["inputs"][0]["search"]["query"]["aggs"] = {"f": {"scripted_metric": program}}
    alerting.done("POST", f"{MONITORS}/{alerting.monitor(body)}/_execute")
    (request,) = receiver.received
    assert len(request["b"]) > 4_000_000
    assert [row["n"] for row in json.loads(request["b"])[0]["aggregations"]["f"]["value"]] == list(range(20_000))


def test_sending_takes_no_longer_than_its_receiver(alerting: Client, receiver: Receiver) -> None:
    alerting.channel("fx-ok", f"{receiver.url}/ok")
    monitor_id = alerting.monitor(first_day("ok", "fx-ok", "return true", MESSAGE))
    begun = time.monotonic()
    for _ in range(5):
        alerting.done("POST", f"{MONITORS}/{monitor_id}/_execute")
    assert time.monotonic() - begun < 2.5
