"""Each kind of condition, in each layout, on the real node: it leaves out exactly what it says, whatever the field's type and spelling."""

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from monitors import opensearch
from monitors.errors import DefinitionError
from monitors.exclusions import MAX_RANGES, Exclusion, clause
from monitors.layouts import LAYOUTS, bulk_lines
from monitors.profiles import Profile, learn, template_profile
from tests.events import event

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
VPN = {"id": "00g1", "type": "UserGroup", "alternateId": "unknown", "displayName": "VPN users"}
CRM = {"id": "0oa1", "type": "AppInstance", "alternateId": "crm", "displayName": "CRM"}
CRM_GROUP = {"id": "00g2", "type": "UserGroup", "alternateId": "unknown", "displayName": "CRM"}
EVENTS = {
    "office": event("user.session.start", NOON, user="office", ip="10.20.30.40", zone="Office", asn=64500),
    "edge": event("user.session.start", NOON, user="edge", ip="10.20.31.0"),
    "six": event("user.session.start", NOON, user="six", ip="2001:db8:0:0:1::1"),
    "nine": event("user.session.start", NOON, user="nine", ip="2001:DB9::1"),
    "loop": event("user.session.start", NOON, user="loop", ip="::1"),
    "nowhere": event("user.session.start", NOON, user="nowhere", ip=None),
    "vpn": event("group.user_membership.add", NOON, user="vpn", targets=[VPN]),
    "crm": event("user.authentication.sso", NOON, user="crm", targets=[CRM], debug={"dtHash": "cookie-1"}),
    "crmgroup": event("group.user_membership.add", NOON, user="crmgroup", targets=[CRM_GROUP]),
}


@pytest.fixture(scope="module", params=list(LAYOUTS))
def profile(request: pytest.FixtureRequest, opensearch_url: str) -> Iterator[Profile]:
    layout = LAYOUTS[request.param]
    index = f"t-{uuid.uuid4().hex[:12]}"
    if layout.mapping:
        opensearch.call("PUT", f"/{index}", body={"mappings": layout.mapping})
    lines = [line for one in EVENTS.values() for line in bulk_lines(layout, index, one)]
    answer = opensearch.call("POST", "/_bulk", body="\n".join(lines) + "\n", params={"refresh": "true"}, timeout=60)
    assert not answer["errors"], answer
    yield learn(index, opensearch.field_caps(index))
    opensearch.call("DELETE", f"/{index}")


CASES: list[tuple[list[dict[str, Any]], set[str]]] = [
    ([{"kind": "address", "values": ["10.20.30.0/24"]}], {"office"}),
    ([{"kind": "address", "values": ["10.20.30.0/23"]}], {"office", "edge"}),
    ([{"kind": "address", "values": ["10.20.30.40"]}], {"office"}),
    ([{"kind": "address", "values": ["10.20.30.40", "10.20.31.0/32", "::1"]}], {"office", "edge", "loop"}),
    ([{"kind": "address", "values": ["2001:db8::/32"]}], {"six"}),
    ([{"kind": "address", "values": ["2001:db8:0:0:1:0:0:1"]}], {"six"}),
    ([{"kind": "address", "values": ["2001:db9::1"]}], {"nine"}),
    ([{"kind": "address", "values": ["2001:db8::/31", "10.0.0.0/8"]}], {"six", "nine", "office", "edge"}),
    ([{"kind": "address", "values": ["::ffff:10.20.30.40"]}], {"office"}),
    ([{"kind": "address", "values": ["192.168.0.0/16"]}], set()),
    ([{"kind": "network", "values": ["AS64500"]}], {"office"}),
    ([{"kind": "zone", "values": ["Office"]}], {"office"}),
    ([{"kind": "group", "values": ["VPN users"]}], {"vpn"}),
    ([{"kind": "group", "values": ["00g1"]}], {"vpn"}),
    ([{"kind": "application", "values": ["CRM"]}], {"crm"}),
    ([{"kind": "group", "values": ["CRM"]}], {"crmgroup"}),
    ([{"kind": "target", "values": ["CRM"]}], {"crm", "crmgroup"}),
    ([{"kind": "device", "values": ["cookie-1"]}], {"crm"}),
    ([{"kind": "country", "values": ["Germany"]}], set(EVENTS)),
    ([{"kind": "agent", "values": ["Mozilla/5.0"]}], set(EVENTS)),
    ([{"kind": "user", "values": ["office@example.com", "00uedge"]}], {"office", "edge"}),
    ([{"kind": "user", "values": ["edge@example.com"]}, {"kind": "address", "values": ["10.20.30.0/24"]}], set()),
    ([{"kind": "user", "values": ["office@example.com"]}, {"kind": "address", "values": ["10.0.0.0/8"]}], {"office"}),
    ([{"kind": "user", "list": "vips"}, {"kind": "network", "values": ["64500"]}], {"office"}),
    ([{"kind": "user", "list": "nobody"}], set()),
]
LISTS = {"vips": ["office@example.com", "six@example.com"], "nobody": []}


@pytest.mark.opensearch
@pytest.mark.parametrize(
    ("conditions", "left_out"), CASES, ids=[str(Exclusion.from_json(one, LISTS)) for one, _ in CASES]
)
def test_exactly_what_is_said_is_left_out(
    profile: Profile, conditions: list[dict[str, Any]], left_out: set[str]
) -> None:
    told = clause(Exclusion.from_json(conditions, LISTS), profile)
    query = {"bool": {"filter": [told] if told else []}}
    answer = opensearch.search(profile.pattern, {"size": 100, "query": query}, timeout=20)
    assert answer["_shards"]["failed"] == 0
    kept = {str(profile.unwrap(hit["_source"])["actor"]["alternateId"]).split("@")[0] for hit in answer["hits"]["hits"]}
    assert set(EVENTS) - kept == left_out


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("address", "office"),
        ("address", "10.0.0.300"),
        ("address", "10.0.0.0/33"),
        ("network", "Carrier"),
        ("network", "²"),
    ],
)
def test_a_value_that_would_fail_the_search_is_refused(kind: str, value: str) -> None:
    with pytest.raises(DefinitionError, match="is no "):
        Exclusion.from_json([{"kind": kind, "values": [value]}])


def test_ranges_that_touch_count_once_and_too_many_are_refused_in_words() -> None:
    touching = [f"10.0.{number // 256}.{number % 256}/32" for number in range(2 * MAX_RANGES)]
    told = clause(Exclusion.from_json([{"kind": "address", "values": touching}]), template_profile("okta-*"))
    assert told is not None
    assert len(told["bool"]["must_not"][0]["script"]["script"]["params"]["first"]) == 1
    apart = [f"10.{number // 128}.{2 * (number % 128)}.0/24" for number in range(MAX_RANGES + 1)]
    with pytest.raises(DefinitionError, match="Join or leave out some"):
        clause(Exclusion.from_json([{"kind": "address", "values": apart}]), template_profile("okta-*"))


def test_a_list_that_is_not_there_is_named() -> None:
    with pytest.raises(DefinitionError, match="There is no list vips"):
        Exclusion.from_json([{"kind": "user", "list": "vips"}])
