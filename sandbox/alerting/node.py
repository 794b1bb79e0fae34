"""The real node behind the stand-in, over one kept connection per thread."""

import http.client
import json
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from sandbox.alerting.values import Json

HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "host", "expect", "te", "upgrade"}


class NodeAwayError(Exception):
    """The node did not answer; nothing is known of what it did."""


@dataclass(frozen=True)
class Reply:
    """What the node answered: headers in its order, without those that belong to the connection."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


class Node:
    """The node at an http address. Every call waits at most `timeout` seconds for each read."""

    def __init__(self, url: str, timeout: float = 300) -> None:
        address = urlsplit(url)
        self._host = address.hostname or "127.0.0.1"
        self._port = address.port or 9200
        self._timeout = timeout
        self._local = threading.local()

    def send(self, method: str, target: str, body: bytes = b"", headers: Iterable[tuple[str, str]] = ()) -> Reply:
        """Pass one request on. `target` is path and query as they were received.

        A kept connection that the node closed meanwhile (it was restarted) is replaced once. Raises NodeAwayError.
        """
        kept = [(name, value) for name, value in headers if name.lower() not in HOP_BY_HOP]
        connection: http.client.HTTPConnection | None = getattr(self._local, "connection", None)
        if connection is not None:
            try:
                return self._exchange(connection, method, target, body, kept)
            except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
                connection.close()
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                raise NodeAwayError(str(error)) from error
        connection = http.client.HTTPConnection(self._host, self._port, timeout=self._timeout)
        self._local.connection = connection
        try:
            return self._exchange(connection, method, target, body, kept)
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise NodeAwayError(str(error)) from error

    def call(self, method: str, target: str, payload: Any = None) -> tuple[int, Any]:
        """Send JSON, and read the answer as JSON."""
        body = b"" if payload is None else json.dumps(payload).encode()
        reply = self.send(method, target, body, [("Content-Type", "application/json")])
        return reply.status, json.loads(reply.body) if reply.body else None

    @staticmethod
    def _exchange(
        connection: http.client.HTTPConnection, method: str, target: str, body: bytes, headers: list[tuple[str, str]]
    ) -> Reply:
        connection.putrequest(method, target, skip_accept_encoding=True)
        for name, value in headers:
            connection.putheader(name, value)
        if body or method in {"POST", "PUT", "PATCH"}:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body or None)
        response = connection.getresponse()
        content = response.read()
        own = {"connection", "keep-alive", "transfer-encoding"} | (set() if method == "HEAD" else {"content-length"})
        return Reply(response.status, [(k, v) for k, v in response.getheaders() if k.lower() not in own], content)


def failure(answer: Any) -> Json:
    """The error in an answer of the node, without the list of root causes that only REST adds."""
    error = answer.get("error") if isinstance(answer, dict) else None
    if not isinstance(error, dict):
        return {"type": "exception", "reason": str(error)}
    return {key: value for key, value in error.items() if key != "root_cause"}
