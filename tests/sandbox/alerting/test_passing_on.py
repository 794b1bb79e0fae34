"""What is not the plugins' goes to the node and back unchanged."""

import gzip
import http.client
import json
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from sandbox.alerting.node import Node
from tests.sandbox.alerting import standin
from tests.sandbox.alerting.standin import MONITORS, Client

pytestmark = pytest.mark.opensearch

INDEX = "okta-passed-on"
VARYING = {"took", "_seq_no", "_version"}


@pytest.fixture
def node(opensearch_node_url: str) -> Client:
    return Client(opensearch_node_url)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/", None),
        ("HEAD", "/", None),
        ("HEAD", f"/{INDEX}-missing", None),
        ("GET", f"/{INDEX}-missing/_search?q=%C3%A9+x&size=1", None),
        ("POST", f"/{INDEX}/_search?filter_path=hits.total", {"query": {"match_all": {}}}),
        ("POST", f"/{INDEX}/_search", {"query": {"nosuch": {}}}),
        ("POST", f"/{INDEX}/_search", b"{not json"),
        ("GET", "/_cat/indices/no-such-index*?format=json", None),
        ("DELETE", f"/{INDEX}-missing", None),
        ("OPTIONS", "/", None),
        ("PUT", "/_cluster/settings", {"transient": {"no.such.setting": 1}}),
    ],
)
def test_an_answer_is_the_nodes_own(method: str, path: str, body: object, alerting: Client, node: Client) -> None:
    node.call("PUT", f"/{INDEX}", {"settings": {"number_of_replicas": 0}})
    here, there = alerting.call(method, path, body), node.call(method, path, body)
    assert here.status == there.status
    assert {k.lower(): v for k, v in here.headers.items()} == {k.lower(): v for k, v in there.headers.items()}
    assert here.body == there.body if not isinstance(here.body, dict) else _same(here.body, there.body)


def _same(here: dict[str, object], there: dict[str, object]) -> bool:
    return {k: v for k, v in here.items() if k not in VARYING} == {k: v for k, v in there.items() if k not in VARYING}


def test_a_bulk_of_five_megabytes_passes_whole_also_compressed_and_in_chunks(alerting: Client, node: Client) -> None:
    action = json.dumps({"index": {"_index": INDEX}}) + "\n"
    bulk = "".join(f'{action}{{"n": {n}, "text": "{"é" * 400}"}}\n' for n in range(6000)).encode()
    assert len(bulk) > 5_000_000
    ndjson = {"Content-Type": "application/x-ndjson"}
    assert not alerting.done("POST", "/_bulk", bulk, ndjson)["errors"]
    assert not alerting.done("POST", "/_bulk", gzip.compress(bulk), {**ndjson, "Content-Encoding": "gzip"})["errors"]
    connection = http.client.HTTPConnection(urlsplit(alerting.url).netloc, timeout=30)
    connection.request("POST", "/_bulk", iter([bulk[:3_000_000], bulk[3_000_000:]]), ndjson, encode_chunked=True)
    assert json.loads(connection.getresponse().read())["errors"] is False
    connection.close()
    node.done("POST", f"/{INDEX}/_refresh")
    assert alerting.done("GET", f"/{INDEX}/_count")["count"] % 18_000 == 0
    node.done("DELETE", f"/{INDEX}")


def test_a_connection_is_kept(alerting: Client) -> None:
    connection = http.client.HTTPConnection(urlsplit(alerting.url).netloc, timeout=30)
    ports = set()
    for path in ("/", "/_sandbox/clock", f"{MONITORS}/unknown", "/"):
        connection.request("GET", path)
        connection.getresponse().read()
        assert isinstance(connection.sock, socket.socket)
        ports.add(connection.sock.getsockname()[1])
    connection.close()
    assert len(ports) == 1


def test_eight_clients_at_once_are_answered(alerting: Client) -> None:
    body = {"name": "n", "schedule": {"period": {"interval": 1, "unit": "MINUTES"}}, "enabled": False}
    with ThreadPoolExecutor(8) as pool:
        ids = list(pool.map(lambda _: alerting.monitor(body), range(40)))
        found = list(pool.map(lambda key: alerting.done("GET", f"{MONITORS}/{key}")["_id"], ids))
        names = list(pool.map(lambda _: alerting.done("GET", "/")["version"]["number"], range(40)))
    assert found == ids
    assert len(set(ids)) == 40
    assert len(set(names)) == 1


def test_without_a_node_the_answer_says_so(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    with standin.running(Node(f"http://127.0.0.1:{port}"), tmp_path) as alerting:
        answer = alerting.call("GET", "/")
        assert answer.status == 503
        assert "away" in answer.body["error"]
        assert alerting.call("GET", f"{MONITORS}/x").status == 404


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        {"name": "x", "schedule": 5},
        {"name": "x", "schedule": {"period": 1}},
        {"name": "x", "schedule": {"period": {"interval": 1, "unit": "MINUTES"}}, "triggers": [{}]},
        {"name": "x", "schedule": {"period": {"interval": 1, "unit": "MINUTES"}}, "inputs": ["search"]},
    ],
)
def test_a_monitor_of_another_shape_is_refused(body: object, alerting: Client) -> None:
    answer = alerting.call("POST", MONITORS, body)
    assert answer.status == 400
    assert answer.body["error"]["reason"]


def test_what_the_plugins_do_not_know_is_no_handlers(alerting: Client) -> None:
    answer = alerting.call("PATCH", f"{MONITORS}/x?y=1")
    assert answer.status == 400
    assert answer.body == {"error": f"no handler found for uri [{MONITORS}/x?y=1] and method [PATCH]"}
