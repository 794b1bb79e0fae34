"""Any event that was seen in the wild indexes into our template, and detections find their fields in it."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from monitors import ingest
from monitors.profiles import GEOLOCATION, KEYWORDS, TYPED, learn
from tests.sandbox.okta.node import call

CASES = Path(__file__).parents[2] / "data" / "okta-cases"
RECEIVED = datetime(2026, 11, 24, 12, tzinfo=UTC)

# A value for every field that detections read.
FULL = {
    "uuid": "a-uuid",
    "published": "2026-11-24T11:59:58.123Z",
    "eventType": "user.session.start",
    "displayMessage": "User login to Okta",
    "outcome": {"result": "FAILURE", "reason": "INVALID_CREDENTIALS"},
    "actor": {"id": "00u1", "type": "User", "alternateId": "Ada@example.com", "displayName": "Ada"},
    "client": {
        "id": "okta.1",
        "zone": "Corporate VPN",
        "device": "Computer",
        "ipAddress": "2001:db8::7",
        "userAgent": {"rawUserAgent": "Mozilla/5.0", "os": "Linux", "browser": "FIREFOX"},
        "geographicalContext": {
            "city": "Zürich",
            "state": "Zurich",
            "country": "Switzerland",
            "geolocation": {"lat": 47.3769, "lon": 8.5417},
        },
    },
    "target": [{"id": "00u1", "type": "User", "alternateId": "ada@example.com", "displayName": "Ada"}],
    "transaction": {"id": "t1", "type": "WEB"},
    "authenticationContext": {"externalSessionId": "s1", "rootSessionId": "r1", "credentialType": "PASSWORD"},
    "securityContext": {
        "asNumber": 64500,
        "asOrg": "example",
        "isp": "example",
        "domain": "example.com",
        "isProxy": False,
    },
    "device": {"id": "guo1", "name": "Ada's laptop", "managed": True},
    "debugContext": {
        "debugData": {
            "dtHash": "d1",
            "factor": "OKTA_VERIFY_PUSH",
            "pushOnlyResponseType": "OV_RESPONSE_DENY",
            "requestUri": "/idp/idx/identify",
            "risk": "{level=LOW}",
            "privilegeGranted": "Super administrator",
            "privilegeRevoked": "Help desk administrator",
            "threatSuspected": "false",
            "networkConnection": "[networkConnections: [anywhere]]",
            "grantedScopes": "okta.users.read",
            "requestedScopes": "okta.users.read,okta.users.manage",
            "pushWithNumberChallengeResponseType": "OV_WITH_CHALLENGE_WRONG_ANSWER",
            "phoneNumber": "+41000000000",
            "behaviors": ["New Device=POSITIVE"],
            "logOnlySecurityData": {"risk": {"level": "LOW"}},
        }
    },
}


def public_events() -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = []
    for file in sorted(CASES.glob("*.ndjson")):
        for line in file.read_text().splitlines():
            row = json.loads(line)
            events.extend(row.get("events") or [row["event"]])
    return events


class Node:
    """A real node with our template under a name and a pattern of this test's own."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.prefix = f"cases-{uuid4().hex[:8]}-"
        template = ingest.load_template()
        template["index_patterns"] = [self.prefix + pattern for pattern in template["index_patterns"]]
        self.send("PUT", f"/_index_template/{self.prefix}", template)

    def send(self, method: str, path: str, body: Any = None) -> Any:
        return call(self.url, method, path, body)

    def index(self, documents: list[ingest.Document]) -> list[Any]:
        """Index documents; return the errors."""
        lines = []
        for document in documents:
            lines.append(json.dumps({"index": {"_index": self.prefix + document.index, "_id": document.id}}))
            lines.append(json.dumps(document.source))
        answer = self.send("POST", "/_bulk?refresh=true", ("\n".join(lines) + "\n").encode())
        return [item["index"]["error"] for item in answer["items"] if "error" in item["index"]]

    def search(self, body: Any) -> Any:
        return self.send("POST", f"/{self.prefix}*/_search", body)


@pytest.fixture
def node(opensearch_node_url: str) -> Iterator[Node]:
    node = Node(opensearch_node_url)
    yield node
    node.send("DELETE", f"/{node.prefix}*")
    node.send("DELETE", f"/_index_template/{node.prefix}")


def prepared(event: dict[str, Any]) -> ingest.Document:
    return ingest.prepare(event, received=RECEIVED)


@pytest.mark.opensearch
def test_every_public_event_is_indexed(node: Node) -> None:
    events = public_events()
    assert len(events) > 100
    assert node.index([prepared(event) for event in events]) == []


@pytest.mark.opensearch
def test_shapes_that_nobody_has_seen_yet_are_indexed_too(node: Node) -> None:
    odd: list[dict[str, Any]] = [
        {"client": "x"},
        {"actor": [{"id": "a"}]},
        {"target": {"id": "x"}},
        {"target": "x"},
        {"client": {"geographicalContext": {"geolocation": {"lat": None, "lon": None}}}},
        {"client": {"geographicalContext": {"geolocation": {"lat": 95, "lon": 200}}}},
        {"client": {"geographicalContext": {"geolocation": "somewhere"}}},
        {"client": {"geographicalContext": {"geolocation": True}}},
        {"client": {"ipAddress": "not an address"}},
        {"securityContext": {"isProxy": "maybe", "asNumber": "AS12"}},
        {"published": {"a": 1}},
        {"published": "redacted"},
        {"debugContext": {"debugData": {"dtHash": {"a": 1}, "risk": ["a", {"b": 2}], "url": "x" * 40_000}}},
        {"debugContext": {"debugData": ["a"]}},
        {"debugContext": "text"},
        {"device": {"managed": 1}},
        {"uuid": ["a"]},
        {"actor_is_target": "x"},
        {"": 1, "a..b": 1, ".": {"b": 1}},
    ]
    assert node.index([prepared({"uuid": f"odd-{number}", **event}) for number, event in enumerate(odd)]) == []


@pytest.mark.opensearch
def test_each_field_that_detections_read_has_doc_values(node: Node) -> None:
    assert node.index([prepared(FULL)]) == []
    fields = [*KEYWORDS, *TYPED, GEOLOCATION, "actor_is_target"]
    hit = node.search({"docvalue_fields": fields, "_source": False})["hits"]["hits"][0]
    assert set(hit["fields"]) == set(fields)
    assert hit["fields"]["client.ipAddress"] == ["2001:db8::7"]
    assert hit["fields"]["debugContext.debugData.pushOnlyResponseType"] == ["OV_RESPONSE_DENY"]
    assert hit["fields"]["securityContext.isProxy"] == [False]
    assert hit["fields"]["actor_is_target"] == [True]
    assert "debugContext.debugData.behaviors" not in hit["fields"]


@pytest.mark.opensearch
def test_the_profile_learnt_from_our_template_lacks_nothing(node: Node) -> None:
    node.index([prepared(FULL)])
    profile = learn("any", node.send("GET", f"/{node.prefix}*/_field_caps?fields=*")["fields"])
    assert all(profile.find(name) == name for name in (*KEYWORDS, *TYPED))
    assert profile.point == GEOLOCATION
    assert profile.conflicts == ()


@pytest.mark.opensearch
def test_an_event_indexed_twice_is_one_document(node: Node) -> None:
    node.index([prepared(FULL), prepared(FULL)])
    assert node.search({"track_total_hits": True})["hits"]["total"]["value"] == 1


def test_what_does_not_fit_is_kept_as_text_beside_its_field() -> None:
    source = prepared({"uuid": "u", "debugContext": {"debugData": "plain words"}}).source
    assert source["debugContext"] == {"debugDataText": "plain words"}
    source = prepared({"uuid": "u", "debugContext": {"debugData": {"dtHash": {"a": 1}, "factor": "F"}}}).source
    assert source["debugContext"] == {"debugData": {"dtHashText": '{"a": 1}', "factor": "F"}}


def test_debug_data_that_is_the_text_of_an_object_becomes_that_object() -> None:
    source = prepared({"uuid": "u", "debugContext": {"debugData": '{"factor": "SMS_FACTOR"}'}}).source
    assert source["debugContext"] == {"debugData": {"factor": "SMS_FACTOR"}}


def test_the_event_itself_is_left_alone() -> None:
    event = {"uuid": "redacted", "debugContext": {"debugData": "x"}}
    prepared(event)
    assert event == {"uuid": "redacted", "debugContext": {"debugData": "x"}}


def test_a_document_lies_under_its_uuid_in_the_index_of_its_day() -> None:
    document = prepared({"uuid": "u-1", "published": "2026-11-23T23:59:59.999Z"})
    assert (document.index, document.id) == ("okta-system-log-2026.11.23", "u-1")


def test_an_event_without_time_lies_in_the_index_of_the_day_it_came() -> None:
    assert prepared({"uuid": "u-1", "published": "redacted"}).index == "okta-system-log-2026.11.24"


def test_events_without_a_uuid_are_told_apart_by_their_content() -> None:
    one, same, other = (prepared({"uuid": "redacted", "eventType": kind}) for kind in ("a", "a", "b"))
    assert one.id == same.id != other.id
    assert one.source["uuid"] == one.id


@pytest.mark.parametrize(
    ("actor", "targets", "expected"),
    [
        ("00u1", [{"id": "00g1"}, {"id": "00u1"}], True),
        ("00u1", [{"id": "00u2"}], False),
        ("unknown", [{"id": "unknown"}], False),
        ("00u1", None, False),
    ],
)
def test_the_actor_is_a_target_only_by_id(actor: str, targets: Any, expected: bool) -> None:
    assert prepared({"uuid": "u", "actor": {"id": actor}, "target": targets}).source["actor_is_target"] is expected
