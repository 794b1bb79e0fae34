"""Runs happen when they are due, side by side, and none twice."""

import itertools
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from sandbox.paths import PROJECT
from tests.sandbox.alerting.standin import MONITORS, OK, Client, Receiver

pytestmark = pytest.mark.opensearch

SECOND = 1_000
PERIOD = '{"start":"{{ctx.periodStart}}","end":"{{ctx.periodEnd}}","id":"{{ctx.monitor._id}}"}'


def monitor(channel: str, interval: int = 1, unit: str = "SECONDS", **fields: Any) -> dict[str, Any]:
    """A monitor that always fires."""
    action = {"name": "post", "destination_id": channel, "message_template": {"source": PERIOD}}
    condition = {"script": {"source": "true", "lang": "painless"}}
    trigger = {"name": "t", "severity": "1", "condition": condition, "actions": [action]}
    search = {"indices": ["nothing-to-find-*"], "query": {"size": 0, "query": {"match_all": {}}}}
    return {
        "name": channel,
        "schedule": {"period": {"interval": interval, "unit": unit}},
        "inputs": [{"search": search}],
        "triggers": [{"query_level_trigger": trigger}],
        **fields,
    }


def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        threading.Event().wait(0.01)


def ends(receiver: Receiver, path: str) -> list[str]:
    return [json.loads(request["b"])["end"] for request in receiver.received if request["p"] == path]


def test_a_run_starts_within_a_tenth_of_a_second_of_its_time(alerting: Client, receiver: Receiver) -> None:
    alerting.channel("prompt", f"{receiver.url}/prompt")
    created = alerting.done("POST", MONITORS, monitor("prompt"))
    until(lambda: len(receiver.received) >= 3)
    deliveries = alerting.done("GET", "/_sandbox/deliveries")["deliveries"]
    enabled_time = created["monitor"]["enabled_time"]
    lags = [delivery["at"] - enabled_time - (n + 1) * SECOND for n, delivery in enumerate(deliveries)]
    assert all(0 <= lag < 400 for lag in lags), lags  # the lag, and the search and the rendering on a busy machine
    assert min(lags) < 100


def test_a_monitor_that_still_runs_is_not_started_again_and_keeps_nobody_waiting(
    alerting: Client, receiver: Receiver
) -> None:
    release = threading.Event()
    receiver.holds["/slow"] = release
    for name in ("slow", "quick"):
        alerting.channel(name, f"{receiver.url}/{name}")
        alerting.monitor(monitor(name))
    until(lambda: len(ends(receiver, "/quick")) >= 4)
    assert len(ends(receiver, "/slow")) == 1
    release.set()
    until(lambda: len(ends(receiver, "/slow")) >= 2)
    assert len(set(ends(receiver, "/slow"))) == len(ends(receiver, "/slow"))


def test_advancing_runs_everything_that_comes_due_in_order(alerting: Client, receiver: Receiver) -> None:
    alerting.channel("a", f"{receiver.url}/a")
    alerting.channel("b", f"{receiver.url}/b")
    alerting.set_clock(1_795_000_000_000)
    a = alerting.monitor(monitor("a", 60))
    b = alerting.monitor(monitor("b", 2, "MINUTES", enabled_time=1_794_999_930_000))
    runs = alerting.advance(180 * SECOND)
    ran = [(run["monitor_id"], (run["period_end"] - 1_795_000_000_000) // SECOND) for run in runs]
    assert ran == [(b, 50), (a, 60), (a, 120), (b, 170), (a, 180)]
    assert len(receiver.received) == 5
    assert alerting.done("GET", "/_sandbox/clock")["now"] == 1_795_000_180_000
    assert alerting.advance(59 * SECOND) == []


def test_setting_the_clock_leaves_out_what_was_due(alerting: Client, receiver: Receiver) -> None:
    alerting.channel("a", f"{receiver.url}/a")
    alerting.set_clock(1_795_000_000_000)
    alerting.monitor(monitor("a", 1, "MINUTES"))
    alerting.set_clock(1_795_003_600_000)
    assert [run["period_end"] for run in alerting.advance(60 * SECOND)] == [1_795_003_660_000]


def test_a_disabled_and_a_deleted_monitor_run_no_more(alerting: Client, receiver: Receiver) -> None:
    alerting.channel("a", f"{receiver.url}/a")
    alerting.set_clock(1_795_000_000_000)
    disabled, deleted = (alerting.monitor(monitor("a", 1, "MINUTES")) for _ in range(2))
    assert len(alerting.advance(60 * SECOND)) == 2
    alerting.done("PUT", f"{MONITORS}/{disabled}", monitor("a", 1, "MINUTES", enabled=False))
    alerting.done("DELETE", f"{MONITORS}/{deleted}")
    assert alerting.advance(120 * SECOND) == []


def test_a_throttled_action_is_not_sent_again_before_its_time(alerting: Client, receiver: Receiver) -> None:
    alerting.channel("a", f"{receiver.url}/a")
    alerting.set_clock(1_795_000_000_000)
    body = monitor("a", 1, "MINUTES")
    action = body["triggers"][0]["query_level_trigger"]["actions"][0]
    action |= {"throttle_enabled": True, "throttle": {"value": 3, "unit": "MINUTES"}}
    monitor_id = alerting.monitor(body)
    alerting.advance(6 * 60 * SECOND)
    (alert,) = alerting.alerts(monitor_id)
    assert alert["action_execution_results"][0]["throttled_count"] == 4
    assert ends(receiver, "/a") == ["2026-11-18T11:07:40Z", "2026-11-18T11:11:40Z"]


def test_a_bucket_level_monitor_is_listed_and_does_not_run(alerting: Client) -> None:
    body = monitor("b") | {"monitor_type": "bucket_level_monitor"}
    trigger = body["triggers"][0].pop("query_level_trigger")
    trigger["condition"] |= {"parent_bucket_path": "by_user", "buckets_path": {"n": "_count"}}
    body["triggers"][0]["bucket_level_trigger"] = trigger
    monitor_id = alerting.monitor(body)
    answer = alerting.call("POST", f"{MONITORS}/{monitor_id}/_execute")
    assert answer.status == 501
    assert "bucket_level_monitor" in answer.body["error"]["reason"]
    found = alerting.done("POST", f"{MONITORS}/_search", {"query": {"match_all": {}}})
    assert [hit["_id"] for hit in found["hits"]["hits"]] == [monitor_id]


@contextmanager
def program(node_url: str, state: Path) -> Iterator[Client]:
    """The stand-in as a process, as the world runs it."""
    command = [sys.executable, "-m", "sandbox.alerting", "--port", "0", "--node", node_url, "--state", str(state)]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    process = subprocess.Popen(  # noqa: S603 - our own program
        command, stdout=subprocess.PIPE, text=True, env=environment, cwd=state.parent
    )
    assert process.stdout is not None
    try:
        yield Client(process.stdout.readline().split()[3].rstrip(","))
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0
        process.stdout.close()


def test_a_restart_keeps_everything_and_leaves_out_what_was_missed(
    opensearch_node_url: str, tmp_path: Path, receiver: Receiver
) -> None:
    state = tmp_path / "state"
    receiver.will_answer("/again", (200, {}, OK))
    with program(opensearch_node_url, state) as before:
        before.channel("again", f"{receiver.url}/again")
        monitor_id = before.monitor(monitor("again"))
        until(lambda: len(receiver.received) >= 1)
        until(lambda: len(before.alerts(monitor_id)) == 1)
        stored = before.done("GET", f"{MONITORS}/{monitor_id}")
    heard = len(receiver.received)
    resumed = time.time() + 2.5
    until(lambda: time.time() > resumed)  # three runs are missed
    with program(opensearch_node_url, state) as after:
        assert after.done("GET", f"{MONITORS}/{monitor_id}") == stored
        until(lambda: len(receiver.received) >= heard + 2)
        (alert,) = after.alerts(monitor_id)
        assert alert["version"] >= 2
        created = after.done("POST", MONITORS, monitor("again", enabled=False))
        assert created["_seq_no"] > stored["_seq_no"]
        assert created["_primary_term"] == stored["_primary_term"] + 1
    sent = [_ms(end) for end in ends(receiver, "/again")]
    phase = stored["monitor"]["enabled_time"] % SECOND
    assert {end % SECOND for end in sent} == {phase}
    gaps = [later - earlier for earlier, later in itertools.pairwise(sent)]
    assert max(gaps) > 2 * SECOND
    assert len(set(sent)) == len(sent)


def _ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * SECOND)
