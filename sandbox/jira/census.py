"""What is really there, for tests: every issue with all that hangs on it, past index lag, faults and permissions."""

import json
from collections import defaultdict
from typing import Any

from . import site as setup
from .store import Row, Store


def census(store: Store) -> list[dict[str, Any]]:
    """All issues, oldest first."""
    statuses = {status.id: status for status in setup.STATUSES}
    keys = {row["id"]: row["key"] for row in store.rows("SELECT id, key FROM issue")}
    comments, attachments, remote, labels, former = (
        _by_issue(store, f"SELECT * FROM {table} ORDER BY rowid")  # noqa: S608 - our own table names
        for table in ("comment", "attachment", "remote_link", "label", "former_key")
    )
    properties: dict[tuple[str, int], dict[str, Any]] = defaultdict(dict)
    for row in store.rows("SELECT * FROM property"):
        properties[row["owner"], row["owner_id"]][row["key"]] = json.loads(row["value"])
    links = defaultdict(list)
    kinds = {kind.id: kind.name for kind in setup.LINK_TYPES}
    for row in store.rows("SELECT * FROM link ORDER BY id"):
        links[row["inward"]].append({"type": kinds[row["type"]], "outward": keys[row["outward"]]})
        links[row["outward"]].append({"type": kinds[row["type"]], "inward": keys[row["inward"]]})
    return [
        {
            "id": str(issue["id"]),
            "key": issue["key"],
            "former_keys": [row["key"] for row in former[issue["id"]]],
            "project": issue["project"],
            "summary": issue["summary"],
            "status": statuses[issue["status"]].name,
            "category": statuses[issue["status"]].category,
            "created": issue["created"],
            "labels": sorted(row["label"] for row in labels[issue["id"]]),
            "properties": properties["issue", issue["id"]],
            "comments": [
                {"id": str(row["id"]), "text": row["body_text"], "properties": properties["comment", row["id"]]}
                for row in comments[issue["id"]]
            ],
            "links": links[issue["id"]],
            "remote_links": [{"globalId": row["global_id"], **json.loads(row["body"])} for row in remote[issue["id"]]],
            "attachments": [row["filename"] for row in attachments[issue["id"]]],
        }
        for issue in store.rows("SELECT * FROM issue ORDER BY id")
    ]


def _by_issue(store: Store, sql: str) -> dict[int, list[Row]]:
    found: dict[int, list[Row]] = defaultdict(list)
    for row in store.rows(sql):
        found[row["issue"]].append(row)
    return found
