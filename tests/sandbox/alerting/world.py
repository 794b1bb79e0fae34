"""The documents that the recorded searches found, put together again from what the recordings show of them."""

import json
from typing import Any

from tests.sandbox.alerting.recordings import EARLIER, load
from tests.sandbox.alerting.standin import Client

KEYWORD = {"type": "keyword"}
MAPPING: dict[str, Any] = {
    "properties": {
        "published": {"type": "date"},
        "uuid": KEYWORD,
        "eventType": KEYWORD,
        "displayMessage": {"type": "text"},
        "actor": {"properties": {"alternateId": KEYWORD, "displayName": KEYWORD, "id": KEYWORD}},
        "outcome": {"properties": {"result": KEYWORD, "reason": KEYWORD}},
        "client": {
            "properties": {
                "ipAddress": {"type": "ip"},
                "userAgent": {"properties": {"rawUserAgent": KEYWORD}},
                "geographicalContext": {
                    "properties": {"geolocation": {"type": "geo_point"}, "city": KEYWORD, "country": KEYWORD}
                },
            }
        },
    }
}
HOME, AWAY = {"lat": 40.71, "lon": -74.0}, {"lat": -31.95, "lon": 115.86}
MADE = {  # when the indices were made: under an alias, the plugin goes by that
    "okta-record-log-2026.11.23": 1795522400000,
    "okta-record-log-2026.11.24": 1795522401000,
    "okta-hostile-2026.11.24": 1795522565000,
}
LOOKED_UP = ["traveller@example.com", "{{7*7}}@x", "{{{x}}}", *(f"nobody{n}@example.com" for n in range(20_000))]


def prepare(client: Client) -> None:
    """Index everything the recordings need. Doing it again changes nothing."""
    for index, made in MADE.items():
        _index(client, index, 2, {"index.creation_date": str(made)})
    _index(client, "okta-reclog-000001", 1, {})
    _index(client, f"{EARLIER[1]}-000001", 1, {})
    _index(client, "oktarecord-lists", 1, {}, {"dynamic": False})
    client.done("PUT", "/oktarecord-lists/_doc/excl-1", {"values": LOOKED_UP})
    actions = [{"add": {"index": index, "alias": "rota-al"}} for index in MADE]
    client.done("POST", "/_aliases", {"actions": actions})
    documents = [*_daily(), *_first_day(), *_earlier()]
    lines = [line for index, key, source in documents for line in ({"index": {"_index": index, "_id": key}}, source)]
    bulk = "".join(json.dumps(line) + "\n" for line in lines)
    hostile = load("window-programs/r30-hostile-bulk")["request"]["body"]
    answer = client.done("POST", "/_bulk?refresh=true", (bulk + hostile).encode())
    assert not answer["errors"]


def _index(
    client: Client, name: str, shards: int, settings: dict[str, str], mapping: dict[str, Any] | None = None
) -> None:
    body = {
        "settings": {"number_of_shards": shards, "number_of_replicas": 0, **settings},
        "mappings": mapping or MAPPING,
    }
    response = client.call("PUT", f"/{name}", body)
    assert response.status == 200 or response.body["error"]["type"] == "resource_already_exists_exception", response


def _daily() -> list[tuple[str, str, dict[str, Any]]]:
    """The events of the two daily indices: one recorded search found and showed them all."""
    found = load("window-programs/s1-match-found-dryrun")["response"]["body"]["input_results"]["results"][0]
    documents = []
    for hit in found["hits"]["hits"]:
        key, source = hit["_id"], hit["_source"]
        event = dict(source)
        if not key.startswith("alias"):  # those were made later, with less in them
            event["outcome"] = {"result": "FAILURE" if key.startswith("brute") else "SUCCESS"}
            place = {"geographicalContext": {"geolocation": AWAY if key == "trav-2" else HOME}}
            event["client"] = {"ipAddress": "203.0.113.2" if key == "trav-2" else "203.0.113.1", **place}
        documents.append((hit["_index"], key, event))
    return documents


def _earlier() -> list[tuple[str, str, dict[str, Any]]]:
    shown = load("06-monitor-query-dryrun", EARLIER)["response"]["body"]["input_results"]["results"][0]
    return [(hit["_index"], hit["_id"], hit["_source"]) for hit in shown["hits"]["hits"]]


def _first_day() -> list[tuple[str, str, dict[str, Any]]]:
    """The events of the older index: five failures as shown, and a success that only a script's result shows."""
    shown = load("29-exec-bad-mustache")["response"]["body"]["input_results"]["results"][0]
    documents = [(hit["_index"], hit["_id"], hit["_source"]) for hit in shown["hits"]["hits"]]
    (_, _, bob) = documents[-1]
    carol = {
        **bob,
        "uuid": "u-20",
        "outcome": {"result": "SUCCESS"},
        "actor": {"alternateId": "carol@x.io", "id": "00u20"},
    }
    where = {"geolocation": {"lat": 51.5, "lon": -0.12}}
    carol["client"] = {"ipAddress": "192.0.2.9", "geographicalContext": where}
    return [*documents, ("okta-reclog-000001", "u-20", carol)]
