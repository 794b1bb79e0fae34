"""What OpenSearch answers in browser tests that need no node: put in place of the functions of `monitors.opensearch`."""

from datetime import timedelta
from typing import Any

import pytest

from core import clock
from monitors import opensearch
from monitors.errors import NotFound
from monitors.models import Deployment
from monitors.profiles import template_profile
from monitors.services import cluster, profiles, push
from monitors.services.cluster import Shortfall
from tests.browser.world import Say
from tests.events import refused_push

SHARDS = {"total": 1, "successful": 1, "skipped": 0, "failed": 0}


def answer(monkeypatch: pytest.MonkeyPatch, say: Say = str, *, events: list[dict[str, Any]] | None = None) -> None:
    """Let OpenSearch hold one monitor of somebody else, the world's own as somebody changed it, and an index with these events."""
    held = _theirs(say)
    bodies = {"os-theirs": held, "os-drifted": _drifted(say)}
    found = events or [refused_push(clock.now() - timedelta(minutes=minute)) for minute in range(3)]

    def read_monitor(opensearch_id: str) -> dict[str, Any]:
        if opensearch_id not in bodies:
            raise NotFound(f"There is no monitor {opensearch_id}.", status=404)
        return {"_id": opensearch_id, "_seq_no": 7, "_primary_term": 1, "monitor": bodies[opensearch_id]}

    def monitors_page(_begin: int, _size: int, *, words: str = "") -> tuple[list[dict[str, Any]], int]:
        del words
        return [{"_id": key, "_source": body} for key, body in bodies.items()], len(bodies)

    monkeypatch.setattr(opensearch, "read_monitor", read_monitor)
    monkeypatch.setattr(opensearch, "monitors_page", monitors_page)
    monkeypatch.setattr(opensearch, "find_monitors", lambda _name: [])
    monkeypatch.setattr(opensearch, "search", lambda *_, **__: _search(say, found))
    monkeypatch.setattr(profiles, "learn", template_profile)
    monkeypatch.setattr(push, "ensure_lists", lambda _inputs: None)
    monkeypatch.setattr(
        cluster, "check", lambda: [Shortfall("x", None, say("75 compilations in five minutes are too few."))]
    )


def _search(say: Say, events: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what answers a monitor's search and a page's look at the newest events alike."""
    now = clock.now().replace(minute=0, second=0, microsecond=0)
    hours = [now - timedelta(hours=back) for back in range(28 * 24)]
    buckets = [{"key": clock.to_ms(at), "doc_count": 1 + at.hour % 5} for at in hours if 7 <= at.hour <= 17]
    name = say("anna@example.com")
    at = clock.to_ms(clock.now())
    finding = {
        "entity": name, "count": 14, "first": {"t": at - 200_000, "uuid": "a"}, "last": {"t": at - 1_000, "uuid": "b"},
        "observed": {"count": 14, "seconds": 199}, "events": [{"t": at - 1_000, "uuid": "b", "user": name, "ip": name, "city": name}],
    }  # fmt: skip
    told = {"truncated": False, "capped": False, "found": 1, "read": 14, "findings": [finding]}
    return {
        "took": 5,
        "timed_out": False,
        "_shards": SHARDS,
        "hits": {"total": {"value": len(events), "relation": "eq"}, "hits": [{"_source": event} for event in events]},
        "aggregations": {"hours": {"buckets": buckets}, "f": {"value": told}},
    }


def _drifted(say: Say) -> dict[str, Any]:
    """Return what the world's monitor has become in OpenSearch since it was pushed."""
    body: dict[str, Any] = Deployment.objects.get(opensearch_id="os-drifted").pushed_body or {}
    return {**body, "name": say("Push fatigue, quieter"), "enabled": not body["enabled"]}


def _theirs(say: Say) -> dict[str, Any]:
    """Return a monitor as articles have it."""
    action = {
        "name": say("slack"),
        "destination_id": "slack",
        "message_template": {"source": say("{{ctx.monitor.name}}")},
    }
    trigger = {
        "name": say("any"), "severity": "2", "actions": [action],
        "condition": {"script": {"source": "ctx.results[0].hits.total.value > 0", "lang": "painless"}},
    }  # fmt: skip
    query = {"size": 5, "query": {"term": {"eventType": say("user.session.start")}}}
    return {
        "type": "monitor", "name": say("Article of a vendor"), "monitor_type": "query_level_monitor", "enabled": True,
        "schedule": {"period": {"interval": 1, "unit": "HOURS"}}, "triggers": [{"query_level_trigger": trigger}],
        "inputs": [{"search": {"indices": ["okta-*"], "query": query}}],
    }  # fmt: skip
