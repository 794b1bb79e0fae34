"""The recordings, and how an answer of the stand-in is compared with one.

Compared is everything but what is volatile by nature: ids that are made, sequence numbers, times of creation and of
execution, how long a search took, the node's name, ports, addresses of Java objects, and the JVM's stack frames.
Messages and errors that are JSON inside a string are compared as JSON: the order of their keys is not promised.
"""

import json
import re
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[2] / "data" / "alerting"
# The node is shared with other tests: the recordings get indices of their own. Names keep their length, since errors tell
# positions in the text of a search.
EARLIER = ("okta-syslog", "okta-recday")  # the same index, before its documents were written again with another time
RENAMED = (
    ("okta-system-log", "okta-record-log"),
    ("okta-syslog", "okta-reclog"),
    ("oktadetect-lists", "oktarecord-lists"),
    ('"okta-al"', '"rota-al"'),
    ('"okta-a*"', '"rota-a*"'),
)
VOLATILE = {
    "took", "executionTime", "_seq_no", "_primary_term", "last_update_time", "node", "content-length", "timestamp",
    "execution_id", "last_execution_time", "start_time", "last_notification_time", "end_time", "acknowledged_time",
    "last_updated_time_ms", "created_time_ms", "max_score", "_score",
}  # fmt: skip
MADE_ID = re.compile(r"[A-Za-z0-9_-]{20}")
NAMES_ID = {"_id", "id", "monitor_id", "action_id"}
KEYED_BY_ID = {"action_results", "trigger_results"}
NULL = "null_pointer_exception"
FRAME = re.compile(r"[\w.$/]+\(.*\)$")
IN_TEXT = (
    (re.compile(r"127\.0\.0\.1:\d+"), "127.0.0.1:PORT"),
    (re.compile(r"DefaultMustache@[0-9a-f]+"), "DefaultMustache@ADDRESS"),
    (re.compile(r'"took":\d+'), '"took":0'),
    # of a null that it has met often, a JVM without -XX:-OmitStackTraceInFastThrow says neither what nor where
    (re.compile(r"NullPointerException\[Cannot invoke [^;]*? is null\]"), "NullPointerException"),
)


BUCKETS = "a bucket-level monitor: it is stored and listed, and does not run"
DOCUMENTS = "a document-level monitor: it is stored and listed, and does not run"
NODE_SETTING = "the node answers it, and it would change the node that other tests use"
NOT_REPLAYED = {  # by regular expression
    "04-index-create": "the node answers it",
    "11-.*|69-.*|70-.*|74-.*|82-.*|92-.*|93-.*|99b-.*": BUCKETS,
    "13-.*|94-.*|95-.*": DOCUMENTS,
    "6[35]-.*|83-.*": "what a document-level monitor may not be, and its alias, are not looked at",
    "14-alerts-get|80-alerts-completed": "alerts of bucket- and document-level monitors; 21 and r63 show the others",
    "72-.*": "the node refuses a document of the alerts' index, which the stand-in does not have",
    "window-programs/r45-partial-file-.*": "the node reads a file in its working directory, as it does in r45-partial",
    "window-programs/(r52|r81|r82)-.*": NODE_SETTING,
}


def load(name: str, *renamed: tuple[str, str]) -> Any:
    """A recording by the path of its file below the folder, without `.json`. What is renamed here is renamed first."""
    text = (FOLDER / f"{name}.json").read_text()
    for before, after in (*renamed, *RENAMED):
        text = text.replace(before, after)
    return json.loads(text)


def names() -> list[str]:
    """Every recording there is."""
    return sorted(str(path.relative_to(FOLDER))[: -len(".json")] for path in FOLDER.rglob("*.json"))


def comparable(value: Any, *made: str) -> Any:
    """The value without what is volatile. `made` are ids that may stand anywhere in a text."""
    if isinstance(value, dict):
        return {key: _field(key, item, made) for key, item in value.items() if key not in VOLATILE | _of_a_null(value)}
    if isinstance(value, list):
        return [comparable(item, *made) for item in value]
    if isinstance(value, str):
        return _string(value, made)
    return value


def _of_a_null(error: dict[str, Any]) -> set[str]:
    """What a JVM may leave out of an error: see above."""
    cause = error.get("caused_by")
    if isinstance(cause, dict) and cause.get("type") == NULL:
        return {"script_stack", "position"}
    return {"reason"} if error.get("type") == NULL else set()


def _field(key: str, value: Any, made: tuple[str, ...]) -> Any:
    if key == "script_stack":
        return [line for line in value if not FRAME.fullmatch(line)]
    if key == "enabled_time":  # whether it is set: unless it was sent, it is the time of the request
        return value is not None
    if key in NAMES_ID and isinstance(value, str) and MADE_ID.fullmatch(value):
        return "MADE-ID"
    if key in KEYED_BY_ID:
        return {"MADE-ID" if MADE_ID.fullmatch(name) else name: comparable(item, *made) for name, item in value.items()}
    return comparable(value, *made)


def _string(value: str, made: tuple[str, ...]) -> Any:
    if value.startswith(("{", "[")):
        try:
            return {"json": comparable(json.loads(value), *made)}
        except ValueError:
            pass  # a message may look like JSON and be none
    for made_id in filter(None, made):
        value = value.replace(made_id, "MADE-ID")
    for pattern, replacement in IN_TEXT:
        value = pattern.sub(replacement, value)
    return value


def not_replayed(name: str) -> str | None:
    """Why a recording is not replayed; None if it is."""
    return next((reason for pattern, reason in NOT_REPLAYED.items() if re.fullmatch(pattern, name)), None)
