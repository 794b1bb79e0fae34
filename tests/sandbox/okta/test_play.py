"""Traffic played into a real index: the past is there at once, an attack when its time comes."""

import json
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sandbox.okta import play as player
from sandbox.okta.__main__ import main
from tests.sandbox.okta.node import call

if TYPE_CHECKING:
    from sandbox.okta.truth import Attack


@pytest.mark.opensearch
def test_each_attack_is_indexed_when_it_is_decided(opensearch_node_url: str) -> None:
    traffic = player.plan_live(
        seed=11,
        users=10,
        seconds=3,
        attacks=6,
        run_id=f"{datetime.now(UTC):%H%M%S%f}",
        hours=2,
        lead=timedelta(seconds=3),
    )
    told: list[tuple[Attack, datetime]] = []
    player.play(traffic, opensearch_node_url, indexed=lambda attack, at: told.append((attack, at)))
    assert [attack.attack for attack, _ in told] == [attack.attack for attack in traffic.truth]
    delays = [at - datetime.fromisoformat(attack.decided) for attack, at in told]
    assert all(timedelta(0) <= delay < timedelta(seconds=5) for delay in delays)

    player.Index(opensearch_node_url).refresh()
    uuids = [attack.deciding_uuid for attack in traffic.truth]
    query = {"query": {"terms": {"uuid": uuids}}, "size": len(uuids)}
    hits = call(opensearch_node_url, "POST", "/okta-system-log-*/_search", query)["hits"]["hits"]
    assert {hit["_id"] for hit in hits} == set(uuids)


def test_an_index_that_stays_away_is_said_so_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(player, "PATIENCE_S", 0.0)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        code = main(["play", "--url", url, "--users", "1", "--attacks", "1", "--truth", str(tmp_path / "truth.jsonl")])
    assert code == 1
    assert f"OpenSearch at {url} is away" in capsys.readouterr().err


def test_generate_writes_events_and_the_truth(tmp_path: Path) -> None:
    events, truth = tmp_path / "events.ndjson", tmp_path / "truth.json"
    span = ["--hours", "2", "--end", "2026-11-24T12:00:00+00:00", "--users", "20", "--attacks", "6"]
    assert main(["generate", "--out", str(events), "--truth", str(truth), *span]) == 0
    uuids = {json.loads(line)["uuid"] for line in events.read_text().splitlines()}
    told = json.loads(truth.read_text())
    assert len(told["attacks"]) == 6
    assert {attack["deciding_uuid"] for attack in told["attacks"]} <= uuids
    assert told["trusted_zones"] == ["Corporate VPN"]
    assert len(told["privileged_groups"]) == 4
