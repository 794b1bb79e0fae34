"""
From a raw System Log event to the document that our index template takes. Pure.

An event is never refused for its shape: what does not fit the type that the template gives its field is put aside, as
text under the field's name with `Text` behind it (`debugContext.debugDataText`), where it stays readable in `_source`.
All else stays as Okta wrote it. Seen in real events: `debugData` as a string, `uuid` and `published` "redacted".
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

TEMPLATE = Path(__file__).parent / "okta_system_log_template.json"
TEMPLATE_NAME = "okta-system-log"
INDEX_PREFIX = "okta-system-log-"
ASIDE = "Text"
PLACEHOLDERS = frozenset({"", "null", "none", "unknown", "redacted"})


@dataclass(frozen=True)
class Document:
    """What to index where. `id` is the event's uuid: indexing an event twice leaves one document."""

    index: str
    id: str
    source: dict[str, Any]


def load_template() -> dict[str, Any]:
    """Return the index template, as it is sent to `_index_template/okta-system-log`."""
    template: dict[str, Any] = json.loads(TEMPLATE.read_text())
    return template


@cache
def _mapping() -> Mapping[str, Any]:
    properties: Mapping[str, Any] = load_template()["template"]["mappings"]["properties"]
    return properties


def prepare(event: Mapping[str, Any], *, received: datetime) -> Document:
    """
    Return the document of one raw event; the event itself is left alone.

    Its index is that of the UTC day it was published on. An event without a readable `published` lies in the index of
    the day it was `received`, and no search by time finds it. One without a uuid gets a hash of its content for one.
    """
    source = _fit(event, _mapping())
    uuid = event.get("uuid")
    if not isinstance(uuid, str) or uuid.lower() in PLACEHOLDERS:
        uuid = source["uuid"] = _content_id(event)
    source["actor_is_target"] = actor_is_target(event)
    day = (published(event) or received).astimezone(UTC)
    return Document(index=f"{INDEX_PREFIX}{day:%Y.%m.%d}", id=uuid, source=source)


def published(event: Mapping[str, Any]) -> datetime | None:
    """Return when Okta published the event, or None where it does not say so in ISO 8601."""
    text = event.get("published")
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def actor_is_target(event: Mapping[str, Any]) -> bool:
    """Whether who did it is among those it was done to. It only makes a search faster: detections work without it."""
    actor, targets = event.get("actor"), event.get("target")
    actor_id = actor.get("id") if isinstance(actor, Mapping) else None
    if not isinstance(actor_id, str) or actor_id.lower() in PLACEHOLDERS or not isinstance(targets, list):
        return False
    return any(isinstance(target, Mapping) and target.get("id") == actor_id for target in targets)


def _content_id(event: Mapping[str, Any]) -> str:
    content = json.dumps(event, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return "sha256-" + hashlib.sha256(content.encode()).hexdigest()


def _fit(value: Mapping[str, Any], properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy whose mapped fields have shapes that the mapping takes; what does not fit is put aside."""
    fitted: dict[str, Any] = {}
    for name, content in value.items():
        mapped = properties.get(name)
        if mapped is None or content is None:
            fitted[_usable(name)] = content
        elif "properties" in mapped:
            objects = _objects(content)
            if objects is None:
                fitted[name + ASIDE] = _text(content)
            else:
                parts = [part and _fit(part, mapped["properties"]) for part in objects]
                fitted[name] = parts if isinstance(content, list) else parts[0]
        elif all(_fits_leaf(part, mapped["type"]) for part in _flat(content)):
            fitted[name] = content
        else:
            fitted[name + ASIDE] = _text(content)
    return fitted


def _usable(name: str) -> str:
    """Return a name that OpenSearch takes: the same, unless it is empty or has dots with nothing between them."""
    return name if all(part.strip() for part in name.split(".")) else name.replace(".", "_").strip() or "_"


def _objects(content: Any) -> list[Mapping[str, Any] | None] | None:
    """Return the objects that `content` is or lists (it may be their JSON), or None where it is something else."""
    if isinstance(content, str):
        try:
            content = json.loads(content)
        except ValueError:
            return None
        return [content] if isinstance(content, dict) else None
    parts = content if isinstance(content, list) else [content]
    return parts if all(part is None or isinstance(part, Mapping) for part in parts) else None


def _flat(content: Any) -> Iterable[Any]:
    return content if isinstance(content, list) else [content]


def _fits_leaf(content: Any, kind: str) -> bool:
    """Whether OpenSearch takes this under a leaf of that type; what is only malformed, it ignores by itself."""
    if content is None:
        return True
    if kind == "boolean":
        return content is True or content is False or content in ("true", "false", "")
    if kind == "geo_point":
        return isinstance(content, Mapping | str | int | float)
    return not isinstance(content, Mapping | list)


def _text(content: Any) -> str:
    return content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
