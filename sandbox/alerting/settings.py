"""The plugins' own cluster settings, which the node does not know: kept here, and shown among the node's."""

import json
import threading
from typing import Any

from sandbox.alerting.node import Node, Reply
from sandbox.alerting.store import Store
from sandbox.alerting.values import Json

KIND = "setting"
OURS = ("opensearch.notifications.", "plugins.alerting.")
DENY_LIST = "opensearch.notifications.core.http.host_deny_list"
SCOPES = ("persistent", "transient")


class Settings:
    """Settings by name; None, or a list, or a value."""

    def __init__(self, store: Store, node: Node) -> None:
        self._store = store
        self._node = node
        self._lock = threading.Lock()
        self._values: dict[str, Any] = {key: body["value"] for key, body in store.read(KIND).items()}

    def denied_hosts(self) -> list[str]:
        """The networks and hosts that no message may go to."""
        with self._lock:
            denied = self._values.get(DENY_LIST) or []
        return [denied] if isinstance(denied, str) else list(denied)

    def change(self, body: Json, query: str) -> Reply:
        """`PUT /_cluster/settings`: ours are kept, the others go to the node, and the answer shows both."""
        ours: Json = {}
        theirs: Json = {}
        for scope in SCOPES:
            for name, value in _flat(body.get(scope, {})).items():
                part = ours if name.startswith(OURS) else theirs
                part.setdefault(scope, {})[name] = value
        with self._lock:
            for name, value in (item for scope in ours.values() for item in scope.items()):
                self._keep(name, value)
        if theirs or not ours:
            content = json.dumps(theirs or body).encode()
            headers = [("Content-Type", "application/json")]
            reply = self._node.send("PUT", f"/_cluster/settings{query}", content, headers)
            if reply.status != 200 or not ours:
                return reply
            answer = json.loads(reply.body)
        else:
            answer = {"acknowledged": True}
        for scope in SCOPES:
            answer.setdefault(scope, {})
            for name, value in ours.get(scope, {}).items():
                _nest(answer[scope], name, value)
        return Reply(200, [("content-type", "application/json; charset=UTF-8")], json.dumps(answer).encode())

    def _keep(self, name: str, value: Any) -> None:
        if value is None:
            self._values.pop(name, None)
            self._store.remove(KIND, name)
        else:
            self._values[name] = value
            self._store.write(KIND, name, {"value": value})


def _flat(nested: Json, prefix: str = "") -> Json:
    flat: Json = {}
    for key, value in nested.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = value
    return flat


def _nest(into: Json, name: str, value: Any) -> None:
    *parents, last = name.split(".")
    for parent in parents:
        into = into.setdefault(parent, {})
    into[last] = value
