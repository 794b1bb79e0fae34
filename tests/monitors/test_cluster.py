"""Cluster settings under which monitors would fail are said beforehand, with what to set."""

from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from monitors import opensearch
from monitors.errors import OpenSearchRefused
from monitors.services import cluster, push
from monitors.services.cluster import PLACES, RATE, shortfalls
from tests.factories import make_monitor, make_user

STOCK: dict[str, Any] = {
    "script.max_compilations_rate": "use-context",
    "script.cache.max_size": "100",
    "script.disable_max_compilations_rate": "false",
    "script.max_size_in_bytes": "65535",
    "script.allowed_types": [],
    "script.allowed_contexts": [],
    "search.allow_expensive_queries": "true",
}


def names(changes: dict[str, Any], monitors: int = 120) -> list[str]:
    return [one.setting for one in shortfalls({**STOCK, **changes}, monitors=monitors)]


def test_sixty_monitors_run_at_stock_limits_and_sixty_one_do_not() -> None:
    assert names({}, monitors=60) == []
    assert names({}, monitors=61) == [RATE]


def test_with_120_monitors_both_settings_are_named_with_what_to_set() -> None:
    rate, places = shortfalls(STOCK, monitors=120)
    assert (rate.setting, rate.value) == (RATE, "1000/5m")
    assert (places.setting, places.value) == (PLACES, 1000)
    assert "120 monitors need a template each" in str(rate)
    assert "Set script.context.template.cache_max_size to 1000." in str(places)


@pytest.mark.parametrize(
    ("changes", "lacking"),
    [
        ({RATE: "1000/5m", PLACES: "1000"}, []),
        ({RATE: "unlimited", PLACES: "1000"}, []),
        ({RATE: "30/1m", PLACES: "1000"}, []),  # 150 in five minutes
        ({RATE: "29/1m", PLACES: "1000"}, [RATE]),
        ({"script.disable_max_compilations_rate": "true", PLACES: "1000"}, []),
        # a limit for all contexts is in force instead of theirs, with the cache for all
        (
            {"script.max_compilations_rate": "75/5m", PLACES: "1000", RATE: "1000/5m"},
            ["script.max_compilations_rate", "script.cache.max_size"],
        ),
        ({"script.max_compilations_rate": "1000/5m", "script.cache.max_size": "500"}, []),
    ],
)
def test_limits_are_read_as_opensearch_applies_them(changes: dict[str, Any], lacking: list[str]) -> None:
    assert names(changes) == lacking


@pytest.mark.parametrize(
    ("changes", "lacking"),
    [
        ({"search.allow_expensive_queries": "false"}, ["search.allow_expensive_queries"]),
        ({"script.max_size_in_bytes": "32768"}, ["script.max_size_in_bytes"]),
        ({"script.allowed_types": ["stored"]}, ["script.allowed_types"]),
        ({"script.allowed_types": "inline,stored"}, []),
        ({"script.allowed_contexts": ["search", "update"]}, ["script.allowed_contexts"]),
        ({"script.allowed_contexts": list(cluster.CONTEXTS)}, []),
    ],
)
def test_settings_that_keep_searches_from_running_are_named(changes: dict[str, Any], lacking: list[str]) -> None:
    assert names(changes, monitors=1) == lacking


@pytest.mark.django_db
def test_the_command_prints_what_to_send_and_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    make_monitor()
    held = {"defaults": STOCK | {"script.allowed_types": ["stored"]}, "persistent": {RATE: "1/5m"}, "transient": {}}
    monkeypatch.setattr(opensearch, "call", lambda *_, **__: held)
    out = StringIO()
    with pytest.raises(CommandError, match="2 settings"):
        call_command("okta", "check-cluster", stdout=out)
    assert 'PUT _cluster/settings {"persistent": {"script.context.template.max_compilations_rate": "1000/5m"}}' in (
        out.getvalue()
    )
    assert "in opensearch.yml" in out.getvalue()


@pytest.mark.opensearch
@pytest.mark.django_db
def test_a_cluster_with_raised_limits_lacks_nothing() -> None:
    make_monitor()
    out = StringIO()
    call_command("okta", "check-cluster", stdout=out)
    assert "let every monitor run" in out.getvalue()


@pytest.mark.django_db
@pytest.mark.parametrize("allowed", [True, False])
def test_the_push_page_says_it_and_still_offers_the_push(
    client: Client, monkeypatch: pytest.MonkeyPatch, allowed: bool
) -> None:
    def answer(*_: Any, **__: Any) -> Any:
        if not allowed:
            raise OpenSearchRefused("OpenSearch answered 403: no permissions.")
        return {"defaults": STOCK | {"search.allow_expensive_queries": "false"}}

    monkeypatch.setattr(opensearch, "call", answer)
    monkeypatch.setattr(push, "preview", lambda _: push.Preview({}, None, None, None, "", None))
    client.force_login(make_user("root", is_staff=True, is_superuser=True))
    page = client.get(reverse("admin:monitors_monitor_push", args=[make_monitor().pk])).content.decode()
    said = "Set search.allow_expensive_queries to true." if allowed else "could not be checked. OpenSearch answered 403"
    assert said in page
    assert "Push to OpenSearch" in page
