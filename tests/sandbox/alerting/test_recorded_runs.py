"""A run answers as recorded: dry, unsaved, for another period, and when the search, a script or a template fails."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from sandbox.alerting.node import Node, Reply
from tests.sandbox.alerting import standin
from tests.sandbox.alerting.recordings import EARLIER, comparable, load
from tests.sandbox.alerting.standin import MONITORS, Client, Receiver
from tests.sandbox.alerting.test_replay import HEADERS, replay_run, seen

pytestmark = [pytest.mark.opensearch, pytest.mark.usefixtures("recorded_documents")]

W = "window-programs/"
FINDINGS = "ctx.results.0.aggregations.f.value.findings"
HIT = "ctx.results.0.hits.hits.0._source"
VALUES = {
    "num": "{{ctx.results.0.hits.total.value}}",
    "score": '"{{ctx.results.0.hits.hits.0._score}}"',
    "missing": '"{{ctx.nothing}}"',
    "bool": "{{ctx.results.0.timed_out}}",
    "list": f'"{{{{{HIT}.target}}}}"',
    "tgt0": f'"{{{{{HIT}.target.0.displayName}}}}"',
    "obj": f'"{{{{{HIT}.actor}}}}"',
    "null": f'"{{{{{HIT}.outcome.reason}}}}"',
    "join": f'"{{{{#join}}}}{HIT}.tags{{{{/join}}}}"',
    "url": f'"{{{{#url}}}}{{{{{HIT}.actor.alternateId}}}}{{{{/url}}}}"',
    "size": '"{{ctx.results.0.hits.hits.size}}"',
    "geo": f'"{{{{{HIT}.client.geographicalContext.geolocation.lat}}}}"',
    "ps": '"{{ctx.periodStart}}"',
    "trigsev": '"{{ctx.trigger.severity}}"',
    "alertid": '"{{ctx.alert.id}}"',
    "trigcond": '"{{ctx.trigger.condition.script.source}}"',
    "monq": "{{#toJson}}ctx.monitor.inputs{{/toJson}}",
    "ctxkeys": "{{#toJson}}ctx{{/toJson}}",
}
POINTS: dict[str, Any] = {
    "init_script": {"source": "state.m=new HashMap()"},
    "map_script": {
        "source": "def k=doc['actor.alternateId'].value; def g=doc['client.geographicalContext.geolocation'];"
        "def l=state.m.get(k); if(l==null){l=new ArrayList(); state.m.put(k,l);}"
        "l.add(['t':doc['published'].value.toInstant().toEpochMilli(),'lon':g.lon,'lat':g.lat])"
    },
    "combine_script": {"source": "return state.m"},
    "reduce_script": {
        "source": "List out=new ArrayList(); for(s in states) for(e in s.entrySet())"
        "out.add(['user':e.getKey(),'n':e.getValue().size(),'pts':e.getValue()]); return out"
    },
}


def first_day(
    name: str, channel: str, condition: str, message: str, size: int = 1, enabled: bool = False
) -> dict[str, Any]:
    """A monitor like those whose creation was not recorded, as far as their runs show it."""
    body: dict[str, Any] = load("33-create-seconds")["request"]["body"]
    body |= {"name": name, "enabled": enabled, "schedule": {"period": {"interval": 1, "unit": "MINUTES"}}}
    body["inputs"][0]["search"]["query"]["size"] = size
    trigger = body["triggers"][0]["query_level_trigger"]
    trigger["condition"]["script"]["source"] = condition
    trigger["actions"][0] |= {
        "destination_id": channel,
        "message_template": {"source": message},
    }
    return body


def test_a_dry_run_shows_the_message_and_sends_nothing(alerting: Client, receiver: Receiver) -> None:
    alerting.channel("okta-ch-1", f"{receiver.url}/ok/hook")
    monitor_id = alerting.monitor(load("05-monitor-query-create", EARLIER)["request"]["body"])
    replay_run(alerting, monitor_id, load("06-monitor-query-dryrun", EARLIER))
    assert receiver.received == []


@pytest.mark.parametrize(
    ("create", "run"),
    [
        ("24-create-missing-channel", "25-exec-missing-channel"),
        ("26-create-bad-painless", "27-exec-bad-painless"),
        ("28-create-bad-mustache", "29-exec-bad-mustache"),
    ],
)
def test_what_creation_did_not_look_at_fails_when_it_runs(
    create: str, run: str, alerting: Client, receiver: Receiver
) -> None:
    alerting.channel("okta-ch-1", f"{receiver.url}/ok/hook", name="okta-detect")
    replay_run(alerting, alerting.monitor(load(create)["request"]["body"]), load(run))


def test_an_empty_message_is_not_sent(alerting: Client) -> None:
    body = first_day("v10", "okta-ch-1", "ctx.results[0].hits.total.value > 0", "", size=5)
    replay_run(alerting, alerting.monitor(body), load("35-exec-empty-message"))


def test_every_kind_of_value_comes_out_of_a_template_as_recorded(alerting: Client, receiver: Receiver) -> None:
    alerting.channel("fx-must", f"{receiver.url}/ok/must", {"Content-Type": "application/json"})
    template = "{" + ",".join(f'"{key}":{value}' for key, value in VALUES.items()) + "}"
    monitor_id = alerting.monitor(first_day("must", "fx-must", "return true", template))
    recorded = load("51-exec-mustache-values")
    replay_run(alerting, monitor_id, recorded)
    recorded_id = recorded["request"]["path"].split("/")[-2]
    assert seen(receiver.received, monitor_id) == seen(load("98-received-mustache-values"), recorded_id)


def test_the_whole_ctx_comes_out_of_a_template_as_recorded(alerting: Client, receiver: Receiver) -> None:
    alerting.channel("fx-ctx1", f"{receiver.url}/ok/ctx1")
    monitor_id = alerting.monitor(first_day("ctx1", "fx-ctx1", "return true", "{{#toJson}}ctx{{/toJson}}"))
    replay_run(alerting, monitor_id, load("52-exec-whole-ctx"))


def test_the_whole_ctx_with_an_error_in_it_does_not_come_out(alerting: Client) -> None:
    throws = "return ctx.results[0].aggregations.nope.value > 1"
    monitor_id = alerting.monitor(first_day("cterrj", "any", throws, "{{#toJson}}ctx{{/toJson}}"))
    replay_run(alerting, monitor_id, load("75-exec-ctx-tojson-with-error"))


def test_the_result_of_a_scripted_metric_comes_out_as_recorded(alerting: Client, receiver: Receiver) -> None:
    alerting.channel("fx-sm", f"{receiver.url}/ok/sm", {"Content-Type": "application/json"})
    rows = '{{#ctx.results.0.aggregations.m.value}}{"u":"{{user}}","n":{{n}},"lat":{{pts.0.lat}}},'
    rows += "{{/ctx.results.0.aggregations.m.value}}"
    message = f'{{"v":{{{{#toJson}}}}ctx.results.0.aggregations.m.value{{{{/toJson}}}},"rows":[{rows}null]}}'
    body = first_day("sm", "fx-sm", "return true", message)
    body["inputs"][0]["search"]["query"] = {
        "size": 0,
        "query": {"match_all": {}},
        "aggs": {"m": {"scripted_metric": POINTS}},
    }
    monitor_id = alerting.monitor(body)
    replay_run(alerting, monitor_id, load("53-exec-scripted-metric"))
    assert seen(receiver.received) == seen(load("97-received-scripted-metric"))


def test_a_thrown_error_is_told_in_plain_words_also_as_json(alerting: Client, receiver: Receiver) -> None:
    alerting.channel("dx-trgerr", f"{receiver.url}/ok/trgerr", {"Content-Type": "application/json"})
    monitor_id = alerting.monitor(load("66-trigger-npe-create")["request"]["body"])
    alerting.set_clock(1795460377950)
    alerting.done("POST", f"{MONITORS}/{monitor_id}/_execute")
    assert seen(receiver.received) == seen(load("96-received-trigger-error"))


def test_a_run_of_another_period_names_its_end_with_a_unit(alerting: Client, receiver: Receiver) -> None:
    alerting.channel("rx", f"{receiver.url}/ok", HEADERS)
    monitor_id = alerting.monitor(load(f"{W}r10-travel-create")["request"]["body"])
    replay_run(alerting, monitor_id, load(f"{W}r11-travel-dryrun"))
    replay_run(alerting, monitor_id, load(f"{W}r12-travel-dryrun-period_end"))
    refused = load(f"{W}r13-travel-dryrun-period_end-without-ms")
    query = urlsplit(refused["request"]["path"]).query
    answer = alerting.call("POST", f"{MONITORS}/{monitor_id}/_execute?{query}")
    assert (answer.status, answer.body) == (refused["response"]["status"], refused["response"]["body"])
    assert receiver.received == []
    replay_run(alerting, monitor_id, load(f"{W}r14-travel-execute"))
    recorded = load(f"{W}r14-received")
    assert seen(receiver.received) == seen(recorded)


def test_a_pattern_without_an_index_is_an_answer_without_aggregations(alerting: Client, receiver: Receiver) -> None:
    alerting.channel("rx", f"{receiver.url}/ok", HEADERS)
    monitor_id = alerting.monitor(load(f"{W}r16-noindex-create")["request"]["body"])
    replay_run(alerting, monitor_id, load(f"{W}r16-noindex-execute"))
    assert seen(receiver.received) == seen(load(f"{W}r16-received"))


def test_hostile_values_come_out_of_a_template_unevaluated(alerting: Client, receiver: Receiver) -> None:
    alerting.channel("rx", f"{receiver.url}/ok", HEADERS)
    body = load(f"{W}r31-A-brief-hostile-create")["request"]["body"]
    rows = f'{{{{#{FINDINGS}}}}}{{"a":"{{{{actor}}}}","n":{{{{km}}}}}},{{{{/{FINDINGS}}}}}'
    message = f'{{"m":"{{{{ctx.monitor.name}}}}","rows":[{rows}null]}}'
    action = body["triggers"][0]["query_level_trigger"]["actions"][0]
    action["message_template"]["source"] = message
    monitor_id = alerting.monitor({**body, "name": "h2\x00\u2028{{7*7}}"})
    replay_run(alerting, monitor_id, load(f"{W}r39-plain-braces-hostile-execute"))
    assert seen(receiver.received) == seen(load(f"{W}r39-received"))


@pytest.mark.parametrize(
    "name",
    [
        f"{W}r70-execute-unsaved-dryrun",
        f"{W}r70w-execute-unsaved-wrapped",
        f"{W}r71-execute-unsaved-period_end",
        f"{W}r72-execute-unsaved-real",
        f"{W}r73-execute-unsaved-notriggers",
        f"{W}r74-execute-unsaved-noactions",
        f"{W}r75-execute-unsaved-nochannel",
        f"{W}r76-execute-unsaved-noids",
    ],
)
def test_a_monitor_runs_without_being_saved(name: str, alerting: Client, receiver: Receiver) -> None:
    alerting.channel("rx", f"{receiver.url}/ok", HEADERS)
    recorded = load(name)
    if recorded["response"]["status"] == 200:
        alerting.set_clock(recorded["response"]["body"]["period_end"])
    answer = alerting.call("POST", recorded["request"]["path"], recorded["request"]["body"])
    assert answer.status == recorded["response"]["status"]
    assert comparable(answer.body) == comparable(recorded["response"]["body"])
    assert len(receiver.received) == name.endswith("real")


def test_a_preview_by_plain_search_passes_through(alerting: Client) -> None:
    recorded = load(f"{W}r87-preview-by-search")
    answer = alerting.call("POST", recorded["request"]["path"], recorded["request"]["body"])
    assert answer.status == 200
    assert comparable(answer.body) == comparable(recorded["response"]["body"])


def test_a_heartbeat_is_sent_in_the_period_of_the_beat_and_in_no_other(alerting: Client) -> None:
    create = load(f"{W}s01-heartbeat-create")
    alerting.set_clock(create["response"]["body"]["monitor"]["last_update_time"])
    created = alerting.call("POST", MONITORS, create["request"]["body"])
    assert comparable(created.body) == comparable(create["response"]["body"])
    for name in (f"{W}s02-heartbeat-dryrun-beat", f"{W}s03-heartbeat-dryrun-quiet"):
        replay_run(alerting, created.body["_id"], load(name))


class Refusing(Node):
    """The node, but for one request that it answers with an error, as under a limit that other tests must not meet."""

    def __init__(self, url: str, path: str, having: bytes, status: int, error: dict[str, Any]) -> None:
        super().__init__(url)
        self._path, self._having, self._status, self._error = path, having, status, error

    def send(self, method: str, target: str, body: bytes = b"", headers: Iterable[tuple[str, str]] = ()) -> Reply:
        if target == self._path and self._having in body:
            return Reply(self._status, [], json.dumps({"error": self._error, "status": self._status}).encode())
        return super().send(method, target, body, headers)


def test_a_search_with_too_many_buckets_is_told(opensearch_node_url: str, tmp_path: Path, receiver: Receiver) -> None:
    recorded = load(f"{W}r36-toomanybuckets-execute")
    error = json.loads(recorded["response"]["body"]["trigger_results"]["trg-1"]["error"])["caused_by"]
    node = Refusing(opensearch_node_url, "/okta-record-log-*/_search", b"terms", 503, error)
    with standin.running(node, tmp_path) as alerting:
        alerting.channel("rx", f"{receiver.url}/ok", HEADERS)
        create = load(f"{W}r36-toomanybuckets-create")
        created = alerting.call("POST", MONITORS, create["request"]["body"])
        assert comparable(created.body) == comparable(create["response"]["body"])
        replay_run(alerting, created.body["_id"], recorded)
    assert seen(receiver.received) == seen(load(f"{W}r36-toomanybuckets-received"))


def test_the_limit_of_compilations_is_told(opensearch_node_url: str, tmp_path: Path) -> None:
    recorded = load(f"{W}r86-preview-100-last")
    error = json.loads(recorded["response"]["body"]["trigger_results"]["trg-1"]["error"] or "{}")["caused_by"]
    node = Refusing(opensearch_node_url, "/_render/template", b'"params": {"period_start"', 429, error)
    with standin.running(node, tmp_path) as alerting:
        alerting.set_clock(recorded["response"]["body"]["period_end"])
        answer = alerting.done("POST", recorded["request"]["path"], recorded["request"]["body"])
    assert comparable(answer) == comparable(recorded["response"]["body"])
