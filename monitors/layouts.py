"""
The ways in which Okta events lie in people's indices, as documents and mappings: what a detection is proved in. Pure.

Facts: Okta's log-streaming documentation, OpenSearch's dynamic mapping, Elastic's okta integration.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from monitors import ingest
from monitors.facts import read, targets
from monitors.profiles import ECS, GEOLOCATION, TYPED

PREFIX = "detail"


@dataclass(frozen=True)
class Layout:
    """How one kind of pipeline indexes: the mapping it makes beforehand (None: none), its document of an event, and whether uuid is _id."""

    name: str
    who: str
    mapping: Mapping[str, Any] | None
    document: Callable[[Mapping[str, Any]], dict[str, Any]]
    keyed: bool


def _by_template(event: Mapping[str, Any]) -> dict[str, Any]:
    return ingest.prepare(event, received=datetime.now(UTC)).source


def _raw(event: Mapping[str, Any]) -> dict[str, Any]:
    return dict(event)


def _wrapped(event: Mapping[str, Any]) -> dict[str, Any]:
    return {"detail-type": "SystemLog", "time": event.get("published"), PREFIX: dict(event)}


def _ecs(event: Mapping[str, Any]) -> dict[str, Any]:
    document: dict[str, Any] = {}
    for okta_field, path in ECS.items():
        if okta_field.startswith("target."):
            continue
        value = read(event, okta_field)
        if value is not None:
            _put(document, path, value)
    _put(document, "okta.target", [
        {"id": row.get("id"), "type": row.get("type"), "alternate_id": row.get("alternateId"), "display_name": row.get("displayName")}
        for row in targets(event)
    ])  # fmt: skip
    return document


def _put(document: dict[str, Any], path: str, value: Any) -> None:
    *steps, last = path.split(".")
    for step in steps:
        document = document.setdefault(step, {})
    document[last] = value


def _ecs_mapping() -> dict[str, Any]:
    """Return keyword throughout, with the few types that the integration gives."""
    properties: dict[str, Any] = {}
    kinds = {name: ("date" if "date" in types else max(types)) for name, types in TYPED.items()} | {
        GEOLOCATION: "geo_point"
    }
    for okta_field, path in ECS.items():
        inner = properties
        *steps, last = path.split(".")
        for step in steps:
            inner = inner.setdefault(step, {"properties": {}})["properties"]
        inner[last] = {"type": kinds.get(okta_field, "keyword")}
    return {"dynamic": False, "properties": properties}


LAYOUTS: Mapping[str, Layout] = {
    layout.name: layout
    for layout in (
        Layout(
            "template", "our index template", ingest.load_template()["template"]["mappings"], _by_template, keyed=True
        ),
        Layout("dynamic", "dynamic mapping", None, _raw, keyed=False),
        Layout("prefix", f"dynamic mapping behind {PREFIX}.", None, _wrapped, keyed=False),
        Layout("ecs", "Filebeat's okta module, Elastic Agent", _ecs_mapping(), _ecs, keyed=False),
    )
}


def bulk_lines(layout: Layout, index: str, event: Mapping[str, Any]) -> list[str]:
    """Return the two lines of a bulk request that index an event in this layout."""
    action: dict[str, Any] = {"_index": index}
    if layout.keyed and event.get("uuid"):
        action["_id"] = event["uuid"]
    return [json.dumps({"index": action}), json.dumps(layout.document(event), ensure_ascii=False)]
