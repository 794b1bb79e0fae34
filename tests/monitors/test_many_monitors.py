"""Every detection as a monitor: OpenSearch takes it, runs it, and sends valid JSON whatever goes wrong; and so 120 at a time."""

import json
import os
import re
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from alerts import payload
from core import clock
from monitors import proving, rendering
from monitors.definitions import Definition, catalog
from monitors.findings import Answer, read_answer
from monitors.ingest import load_template
from monitors.profiles import template_profile
from monitors.rendering import Inputs
from monitors.services.search import context_of
from sandbox.alerting.node import Node, Reply
from sandbox.paths import PROJECT
from tests.events import sign_in
from tests.monitors.indexing import index_by_template
from tests.sandbox.alerting import standin
from tests.sandbox.alerting.standin import MONITORS, Client, Receiver

pytestmark = [pytest.mark.opensearch, pytest.mark.xdist_group("many-monitors")]

END = datetime(2026, 11, 24, 0, 3, tzinfo=UTC)  # just after midnight: what is found lies in two indices
QUIET = END - timedelta(days=300)
CHANNEL: dict[str, Any] = {"channel_id": "oktadetect", "enabled": True, "enabled_time_ms": 0}
Change = Callable[[dict[str, Any]], None]
DIGEST = """
import hashlib, json
from monitors import rendering
from monitors.definitions import catalog
from monitors.profiles import template_profile
digest = hashlib.sha256()
for one in catalog().values():
    inputs = rendering.Inputs(one, {}, template_profile("okta-*"), "u", one.title, one.severity, 60)
    body = rendering.monitor(inputs, channel_id="c", revision=1, enabled=True, enabled_time_ms=0)
    digest.update(json.dumps(body).encode())
print(digest.hexdigest())
"""


def firing(definition: Definition) -> proving.Case:
    """The first test of a detection that fires in our own layout."""
    return next(case for case in proving.cases(definition, END) if case.fires)


def inputs(definition: Definition, pattern: str) -> Inputs:
    params = dict(firing(definition).params)
    identity = str(uuid.uuid5(uuid.NAMESPACE_URL, definition.id))
    profile = template_profile(pattern)
    return Inputs(definition, params, profile, identity, definition.title, definition.severity, 60)


class Altering(Node):
    """The node, but for its answers to searches, which `change` alters: what no small index can be made to answer."""

    def __init__(self, url: str, change: Change) -> None:
        super().__init__(url)
        self._change = change

    def send(self, method: str, target: str, body: bytes = b"", headers: Iterable[tuple[str, str]] = ()) -> Reply:
        reply = super().send(method, target, body, headers)
        if not target.endswith("/_search") or reply.status != 200:
            return reply
        answer = json.loads(reply.body)
        self._change(answer)
        return Reply(200, reply.headers, json.dumps(answer).encode())


@pytest.fixture(scope="module")
def alerting(opensearch_node_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with standin.running(Node(opensearch_node_url), tmp_path_factory.mktemp("alerting")) as client:
        yield client


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with standin.receiving() as running:
        yield running


@pytest.fixture(scope="module")
def events(alerting: Client) -> str:
    """
    The beginning of the names of some indices: in those of `-2026.*` every detection of the catalogue finds something, and in
    `-unreadable` the times are addresses, so that its shard fails.
    """
    name = f"t-{uuid.uuid4().hex[:12]}"
    index_by_template(name, [dict(event) for one in catalog().values() for event in firing(one).events])
    mappings = load_template()["template"]["mappings"]
    mappings["properties"]["published"] = {"type": "ip"}
    settings = {"number_of_shards": 1, "number_of_replicas": 0}
    alerting.done("PUT", f"/{name}-unreadable", {"mappings": mappings, "settings": settings})
    return name


def execute(
    alerting: Client, definition: Definition, pattern: str, *, end: datetime = END, break_it: Change | None = None
) -> payload.Envelope | None:
    """Run a detection's monitor dry, without saving it; return the message that it sends, which has to be one of ours."""
    body = rendering.monitor(inputs(definition, pattern), revision=1, **CHANNEL)
    if break_it:
        break_it(body)
    query = f"dryrun=true&period_end={clock.to_ms(end)}ms"
    answer = alerting.done("POST", f"{MONITORS}/_execute?{query}", body)
    (result,) = answer["trigger_results"].values()
    if not result["triggered"]:
        assert result["error"] is None
        return None
    (action,) = result["action_results"].values()
    assert action["error"] is None
    envelope = payload.read(action["output"]["message"].encode())
    assert isinstance(envelope, payload.Envelope), definition.id
    assert envelope.trigger == inputs(definition, pattern).monitor_uuid
    return envelope


def answered(definition: Definition, envelope: payload.Envelope | None, pattern: str) -> Answer:
    """What the message says that the search answered."""
    assert envelope is not None
    assert envelope.error == ""
    (result,) = envelope.results
    return read_answer(result, context_of(inputs(definition, pattern)))


def test_what_is_found_comes_whole_over_midnight(alerting: Client, events: str) -> None:
    pattern = f"{events}-2026.*"
    for one in catalog().values():
        answer = answered(one, execute(alerting, one, pattern), pattern)
        assert (answer.whole, answer.malformed) == (True, ()), one.id
        assert answer.findings, one.id


def test_nothing_found_is_silent_but_for_the_heartbeat(alerting: Client, events: str) -> None:
    pattern = f"{events}-2026.*"
    beat = QUIET + timedelta(minutes=2)  # the period's end begins five minutes anew
    for one in catalog().values():
        assert execute(alerting, one, pattern, end=QUIET) is None, one.id
        answer = answered(one, execute(alerting, one, pattern, end=beat), pattern)
        assert (answer.whole, answer.findings) == (True, ()), one.id


def test_no_index_is_told(alerting: Client) -> None:
    pattern = f"t-none-{uuid.uuid4().hex[:8]}-*"
    for one in catalog().values():
        answer = answered(one, execute(alerting, one, pattern), pattern)
        assert answer.faults == ("No index matches the pattern.",), one.id


def test_a_shard_that_failed_is_told_with_what_the_others_found(alerting: Client, events: str) -> None:
    pattern = f"{events}-*"
    for one in catalog().values():
        answer = answered(one, execute(alerting, one, pattern), pattern)
        assert re.match(r"1 of \d\d shards failed\.", answer.faults[0]), one.id
        assert answer.findings, one.id


def test_that_all_shards_failed_is_told(alerting: Client, events: str) -> None:
    for one in catalog().values():
        envelope = execute(alerting, one, f"{events}-unreadable")
        assert envelope is not None
        assert "all shards failed" in envelope.error, one.id
        assert envelope.results == []


def test_a_program_that_throws_is_told(alerting: Client, events: str) -> None:
    def break_it(body: dict[str, Any]) -> None:
        metric = body["inputs"][0]["search"]["query"]["aggregations"]["f"]["scripted_metric"]
        metric["reduce_script"] = {"lang": "painless", "source": "int nothing = 0; return 1 / nothing;"}

    for one in catalog().values():
        if one.shape == "program":
            envelope = execute(alerting, one, f"{events}-2026.*", break_it=break_it)
            assert envelope is not None
            assert "runtime error" in envelope.error, one.id


def test_a_search_that_timed_out_is_told(opensearch_node_url: str, events: str, tmp_path: Path) -> None:
    node, pattern = Altering(opensearch_node_url, lambda answer: answer.update(timed_out=True)), f"{events}-2026.*"
    with standin.running(node, tmp_path) as alerting:
        for one in catalog().values():
            answer = answered(one, execute(alerting, one, pattern), pattern)
            assert answer.faults == ("The search timed out.",), one.id


def test_120_monitors_run_at_raised_limits_and_none_fails(alerting: Client, receiver: Receiver) -> None:
    pattern = index_by_template(f"t-{uuid.uuid4().hex[:12]}", [sign_in(clock.now())])
    alerting.channel("oktadetect", f"{receiver.url}/ok")
    now = clock.to_ms(END)
    alerting.set_clock(now)
    definitions = list(catalog().values())
    for number in range(120):
        definition = definitions[number % len(definitions)]
        # how far back it tells of is part of the search, so that each is a template of its own
        one = replace(inputs(definition, pattern), monitor_uuid=str(uuid.UUID(int=number)), emit_seconds=6_000 + number)
        alerting.monitor(rendering.monitor(one, revision=1, **CHANNEL | {"enabled_time_ms": now}))
    for beats in (False, True):
        runs = alerting.advance(60_000)
        assert len(runs) == 120
        assert [run["errors"] for run in runs if run["errors"]] == []
        assert [bool(run["triggered"]) for run in runs] == [beats] * 120  # 00:04 is quiet, at 00:05 each beats
    assert len(receiver.received) == 120
    assert all(isinstance(payload.read(told["b"].encode()), payload.Envelope) for told in receiver.received)


def test_another_process_renders_the_same_bytes() -> None:
    """Whatever the order in which it keeps sets and dictionaries."""
    digests = {
        subprocess.run(  # noqa: S603 - our own command line
            [sys.executable, "-c", DIGEST], env={**os.environ, "PYTHONHASHSEED": seed}, cwd=PROJECT,
            capture_output=True, text=True, timeout=60, check=True,
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(digests) == 1
