"""What was recorded as a creation, a run of what was created, and what the receiver got, comes out as recorded."""

from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.sandbox.alerting.recordings import comparable, load, names, not_replayed
from tests.sandbox.alerting.standin import MONITORS, Client, Receiver

pytestmark = [pytest.mark.opensearch, pytest.mark.usefixtures("recorded_documents")]

W = "window-programs/"
HEADERS = {"X-Detect-Key": "k", "Content-Type": "application/json"}
REPLAYED_ELSEWHERE = {f"{W}r01-channel", f"{W}r36-toomanybuckets"}


def stems() -> list[str]:
    """The names that a creation, its run and what was received share."""
    found = [name.removesuffix("-create") for name in names() if name.startswith(W) and name.endswith("-create")]
    return [stem for stem in found if stem not in REPLAYED_ELSEWHERE and not not_replayed(f"{stem}-create")]


@pytest.mark.parametrize("stem", stems())
def test_a_recorded_monitor_is_created_and_runs_as_recorded(stem: str, alerting: Client, receiver: Receiver) -> None:
    alerting.channel("rx", f"{receiver.url}/ok", HEADERS)
    create = load(f"{stem}-create")
    alerting.set_clock(create["response"]["body"]["monitor"]["last_update_time"])
    created = alerting.call("POST", create["request"]["path"], create["request"]["body"])
    assert created.status == create["response"]["status"]
    assert created.headers["Location"] == f"{MONITORS}/{created.body['_id']}"
    assert comparable(created.body) == comparable(create["response"]["body"])
    for run in ("dryrun", "execute"):
        if f"{stem}-{run}" in names():
            replay_run(alerting, created.body["_id"], load(f"{stem}-{run}"))
    if f"{stem}-received" in names():
        assert seen(receiver.received) == seen(load(f"{stem}-received"))


def replay_run(alerting: Client, monitor_id: str, recorded: Any) -> None:
    """Run the monitor at the recorded time, and expect the recorded answer."""
    alerting.set_clock(recorded["response"]["body"]["period_end"])
    path = urlsplit(recorded["request"]["path"])
    answer = alerting.call("POST", f"{MONITORS}/{monitor_id}/_execute?{path.query}")
    assert answer.status == recorded["response"]["status"]
    recorded_id = path.path.split("/")[-2]
    assert comparable(answer.body, monitor_id) == comparable(recorded["response"]["body"], recorded_id)


def seen(requests: list[Any], *made: str) -> list[Any]:
    """What a receiver got, without what is of this one receiver."""
    return [
        {
            "path": request["p"],
            "version": request["v"],
            "headers": [tuple(header) for header in request["h"] if header[0] not in {"Host", "Content-Length"}],
            "body": comparable(request["b"], *made),
        }
        for request in requests
    ]
