"""
Somebody else's monitor that was imported: its query and condition are kept as they are, its action points at us. Pure.

It has a definition like every monitor, so that pages, forms and revisions need no case of their own, with the shape KEPT: the
portal never runs its search, since nobody knows what its condition asks of the answer.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from monitors.definitions import Definition
from monitors.errors import DefinitionError

KEPT = "kept"
REPLACE, APPEND = "replace", "append"
QUERY_LEVEL = "query_level_monitor"


def take(body: Mapping[str, Any], *, actions: str) -> dict[str, Any]:
    """
    Return what Monitor.kept holds of a monitor as it was read; `actions` says what becomes of its own: REPLACE or APPEND.

    Raises DefinitionError, in words, for a monitor that cannot be kept without losing what it finds.
    """
    why = refused(body)
    if why:
        raise DefinitionError(why)
    if actions not in {REPLACE, APPEND}:
        raise DefinitionError(f"Actions are replaced or appended to, not {actions!r}.")
    return {"body": dict(body), "actions": actions}


def refused(body: Mapping[str, Any]) -> str:
    """Return why a monitor cannot be imported, and what can be done instead; empty when it can be."""
    kind = body.get("monitor_type", QUERY_LEVEL)
    if kind == "bucket_level_monitor":
        return (
            "A bucket-level monitor tells which buckets are new and never their values, and after a failed post it tells nothing "
            "again. Take a detection with a threshold instead, or let its action post to our channel: each message becomes an alert."
        )
    if kind == "doc_level_monitor":
        return (
            "A document-level monitor tells each document once: what a failed post lost never comes again. Take a detection that "
            "matches events instead, or let its action post to our channel: each message becomes an alert."
        )
    if kind != QUERY_LEVEL:
        return f"A monitor of the type {kind} does not search events."
    triggers = body.get("triggers") or []
    if len(triggers) != 1 or "query_level_trigger" not in triggers[0]:
        return f"It has {len(triggers)} triggers. One monitor here is one trigger: split it in OpenSearch first."
    return ""


def losses(body: Mapping[str, Any]) -> list[str]:
    """Return what an imported monitor does not do that ours do, in sentences."""
    told = [
        "It sends no heartbeat, so that its silence and its death look alike; whether it is there, enabled and unchanged is watched.",
        "What OpenSearch could not deliver is not caught up: its search is its own.",
    ]
    if '"size": 0' in json.dumps(search_of(body)):
        told.append("Its search returns no events: its alerts are about the monitor, not about a user.")
    return told


def search_of(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the search of a query-level monitor; empty where it has none."""
    for one in body.get("inputs") or []:
        inner = one.get("search") if isinstance(one, Mapping) else None
        if isinstance(inner, Mapping):
            found: Mapping[str, Any] = inner.get("query") or {}
            return found
    return {}


def indices_of(body: Mapping[str, Any]) -> list[str]:
    """Return the indices that a monitor looks at, whatever its type."""
    return [
        str(name)
        for one in body.get("inputs") or []
        if isinstance(one, Mapping)
        for inner in one.values()
        if isinstance(inner, Mapping)
        for name in inner.get("indices") or []
    ]


def definition(kept: Mapping[str, Any]) -> Definition:
    """Return the definition of an imported monitor: its name, and nothing that can be tuned here."""
    body = kept["body"]
    return Definition(
        id="",
        version=1,
        title=str(body.get("name", "")),
        why="Somebody's own monitor, imported as it is.",
        shape=KEPT,
        program=None,
        severity=3,
        attack=(),
        engines=(),
        entity_type="user",
        entity_id=(),
        entity_prefix="",
        entity_name="",
        query=(),
        stages=(),
        settings={},
        span=0,
        sentence="",
        observed=(),
        only_new=(),
        modifiers=(),
        parameters={},
        false_positives=(),
        blind=" ".join(losses(body)),
        runbook=(),
        raw={"id": "", "kept": dict(kept)},
    )


def monitor(
    kept: Mapping[str, Any],
    *,
    name: str,
    severity: int,
    monitor_uuid: str,
    period: Mapping[str, Any],
    action: Mapping[str, Any],
    revision: int,
    enabled: bool,
) -> dict[str, Any]:
    """Return the body as it is pushed: theirs, but for name, period, severity, identity, and the action that posts to us."""
    body = kept["body"]
    trigger = body["triggers"][0]["query_level_trigger"]
    theirs = list(trigger.get("actions") or []) if kept["actions"] == APPEND else []
    return {
        "type": "monitor",
        "name": name,
        "monitor_type": QUERY_LEVEL,
        "enabled": enabled,
        "schedule": {"period": period} if "period" in body["schedule"] else body["schedule"],  # a cron stays theirs
        "inputs": body["inputs"],
        "triggers": [
            {
                "query_level_trigger": {
                    **trigger,
                    "id": monitor_uuid,
                    "name": str(revision),
                    "severity": str(severity),
                    "actions": [*theirs, action],
                }
            }
        ],
        "ui_metadata": {
            **(body.get("ui_metadata") or {}),
            "oktadetect": {"monitor": monitor_uuid, "revision": revision, "hash": content_hash(kept)},
        },
    }


def interval_of(body: Mapping[str, Any]) -> int:
    """Return the seconds between two runs; a day for a cron, whose runs are not told by an interval."""
    period = (body.get("schedule") or {}).get("period")
    seconds = {"SECONDS": 1, "MINUTES": 60, "HOURS": 3_600, "DAYS": 86_400}
    if not isinstance(period, Mapping) or period.get("unit") not in seconds:
        return 86_400
    return int(period.get("interval", 1)) * seconds[period["unit"]]


def content_hash(kept: Mapping[str, Any]) -> str:
    """Return the sha256 of what was imported."""
    return hashlib.sha256(json.dumps(kept, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
