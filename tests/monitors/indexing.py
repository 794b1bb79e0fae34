"""Putting events into the real node, in each layout that people have."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from monitors import opensearch
from monitors.ingest import INDEX_PREFIX, load_template, prepare

BULK_ROWS = 5_000
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def index_by_template(name: str, events: Iterable[dict[str, Any]], *, shards: int = 3) -> str:
    """Index events as our template maps them, in daily indices of several shards; return the pattern."""
    documents = [prepare(event, received=NOW) for event in events]
    template = load_template()["template"]
    indices = {document.index.replace(INDEX_PREFIX, f"{name}-") for document in documents} or {f"{name}-empty"}
    for index in indices:
        settings = {**template.get("settings", {}), "number_of_shards": shards, "number_of_replicas": 0}
        opensearch.call("PUT", f"/{index}", body={"mappings": template["mappings"], "settings": settings})
    _bulk([(document.index.replace(INDEX_PREFIX, f"{name}-"), document.id, document.source) for document in documents])
    return f"{name}-*"


def index_dynamically(name: str, events: Iterable[dict[str, Any]], *, prefix: str = "") -> str:
    """Index events without any mapping, as most pipelines do, without their uuid as _id; return the pattern."""
    rows: list[tuple[str, str | None, dict[str, Any]]] = []
    for event in events:
        source = {prefix: event} if prefix else event
        rows.append((f"{name}-{event['published'][:10]}", None, source))
    _bulk(rows)
    return f"{name}-*"


def _bulk(rows: list[tuple[str, str | None, dict[str, Any]]]) -> None:
    for start in range(0, len(rows), BULK_ROWS):
        lines = []
        for index, identity, source in rows[start : start + BULK_ROWS]:
            lines.append(json.dumps({"index": {"_index": index, **({"_id": identity} if identity else {})}}))
            lines.append(json.dumps(source))
        answer = opensearch.call("POST", "/_bulk", body="\n".join(lines) + "\n", timeout=60)
        assert not answer["errors"], answer
    if rows:
        opensearch.call("POST", f"/{','.join(sorted({index for index, *_ in rows}))}/_refresh", timeout=60)
