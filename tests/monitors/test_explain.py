"""A pasted monitor is explained: why it never fires, what it loses, and what answers it."""

import json
from typing import Any

import pytest
from django.test import Client

from monitors.definitions import catalog
from monitors.errors import DefinitionError
from monitors.explain import event_types, explain
from tests.factories import make_user

DETECTIONS = list(catalog().values())


def monitor(query: Any, condition: str = "ctx.results[0].hits.total.value > 0", **action: Any) -> str:
    trigger = {
        "query_level_trigger": {
            "name": "t",
            "severity": "1",
            "condition": {"script": {"source": condition}},
            "actions": [action],
        }
    }
    body = {
        "name": "Article's own",
        "inputs": [{"search": {"indices": ["okta-*"], "query": query}}],
        "triggers": [trigger],
    }
    return json.dumps(body)


TRAVEL = monitor(
    {
        "query": {
            "bool": {
                "must": [
                    {"term": {"eventType.keyword": "user.session.start"}},
                    {"range": {"published": {"gte": "now-10m"}}},
                    {"range": {"geo_distance": {"gte": 500}}},
                ]
            }
        }
    },
    throttle_enabled=True,
)


def test_a_field_that_okta_does_not_write_is_why_it_never_fires() -> None:
    told = explain(TRAVEL, DETECTIONS)
    assert told.never == ("`geo_distance` is not a field of these events: this never fires.",)
    assert told.ours[0].id == "impossible-travel"
    words = " ".join(told.doubts)
    for loss in ("looks back from `now`", "all users together", "a broken monitor looks quiet", "throttle"):
        assert loss in words


def test_an_event_type_that_okta_never_writes_is_named_with_what_it_writes() -> None:
    told = explain(
        monitor({"query": {"terms": {"eventType": ["user.mfa.challenge", "user.session.start"]}}}), DETECTIONS
    )
    assert told.never == (
        "`user.mfa.challenge` is no event type of Okta's; Okta writes system.push.send_factor_verify_push: this part never matches.",
    )
    assert "push-challenges-success" in {one.id for one in told.ours}


def test_ten_buckets_are_a_loss() -> None:
    told = explain(
        json.dumps(
            {
                "query": {"match_all": {}},
                "aggs": {"users": {"terms": {"field": "actor.alternateId.keyword", "size": 10}}},
            }
        ),
        DETECTIONS,
    )
    assert told.never == ()
    assert "ten entities" in told.doubts[0]


def test_a_sound_search_has_nothing_against_it() -> None:
    told = explain(
        json.dumps({"query": {"term": {"eventType": {"value": "user.account.privilege.grant"}}}}), DETECTIONS
    )
    assert (told.never, told.doubts) == ((), ())
    assert told.ours[0].id == "admin-role-granted"


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"inputs": []}', '{"inputs": [3]}', '"text"', "null"])
def test_what_is_no_monitor_is_refused(text: str) -> None:
    with pytest.raises(DefinitionError, match="It is n"):
        explain(text, DETECTIONS)


def test_every_event_type_of_the_catalogue_is_one_of_oktas() -> None:
    accepted = {"user.authentication.failed"}  # what some pipelines rename to
    unknown = {kind for one in DETECTIONS for kind in one.event_types()} - event_types() - accepted
    assert unknown == set()


@pytest.mark.django_db
def test_the_admin_explains_and_offers_ours(client: Client) -> None:
    client.force_login(make_user("root", is_staff=True, is_superuser=True))
    page = client.post("/admin/monitors/monitor/explain/", {"text": TRAVEL}).content.decode()
    assert "is not a field of these events: this never fires" in page
    assert "?detection=impossible-travel" in page
    assert "It is no JSON" in client.post("/admin/monitors/monitor/explain/", {"text": "{"}).content.decode()
    assert "/admin/monitors/monitor/explain/" in client.get("/admin/monitors/monitor/add/").content.decode()
