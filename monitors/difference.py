"""What differs between two JSON documents, key path by key path. Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Change:
    """One value that differs: None where the path is absent on that side."""

    path: str
    old: str | None
    new: str | None


def difference(old: Any, new: Any) -> list[Change]:
    """Return every path whose value differs, in the order of `new`, then what only `old` has."""
    before, after = _flat(old), _flat(new)
    paths = [*after, *(path for path in before if path not in after)]
    return [Change(path, before.get(path), after.get(path)) for path in paths if before.get(path) != after.get(path)]


def _flat(node: Any, path: str = "") -> dict[str, str]:
    if isinstance(node, Mapping) and node:
        return {
            key: value
            for name, inner in node.items()
            for key, value in _flat(inner, f"{path}.{name}" if path else name).items()
        }
    if isinstance(node, list) and any(isinstance(item, Mapping | list) for item in node):
        return {
            key: value for place, inner in enumerate(node) for key, value in _flat(inner, f"{path}[{place}]").items()
        }
    return {path: json.dumps(node, ensure_ascii=False)}
