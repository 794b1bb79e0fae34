"""A stand-in in this process, a client for it, and a receiver for what it sends."""

import http.client
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sandbox.alerting.app import App
from sandbox.alerting.node import Node
from sandbox.alerting.server import Server

MONITORS = "/_plugins/_alerting/monitors"
CONFIGS = "/_plugins/_notifications/configs"
OK = b'{"status":"ok"}'

Planned = tuple[int, dict[str, str], bytes]  # status, headers and body of an answer


@dataclass(frozen=True)
class Response:
    status: int
    headers: dict[str, str]
    body: Any


@dataclass(frozen=True)
class Client:
    """Speaks JSON with an HTTP address."""

    url: str

    def call(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Response:
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=120)
        content = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        connection.request(method, path, content, {"Content-Type": "application/json", **(headers or {})})
        response = connection.getresponse()
        raw = response.read()
        connection.close()
        is_json = raw and "json" in response.headers.get("content-type", "")
        return Response(response.status, dict(response.headers), json.loads(raw) if is_json else raw)

    def done(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Any:
        """The body of an answer that must be a success."""
        response = self.call(method, path, body, headers)
        assert response.status < 300, response
        return response.body

    def set_clock(self, now: int) -> None:
        """Have the stand-in's time stand still at a moment."""
        self.done("POST", "/_sandbox/clock", {"now": now})

    def advance(self, ms: int) -> list[dict[str, Any]]:
        """Move the stand-in's time on, and run what comes due."""
        runs: list[dict[str, Any]] = self.done("POST", "/_sandbox/clock", {"advance_ms": ms})["runs"]
        return runs

    def channel(self, channel_id: str, url: str, headers: dict[str, str] | None = None, **config: Any) -> None:
        webhook = {"url": url, "header_params": headers or {}}
        body = {"name": channel_id, "config_type": "webhook", "is_enabled": True, "webhook": webhook} | config
        self.done("POST", CONFIGS, {"config_id": channel_id, "config": body})

    def monitor(self, body: dict[str, Any]) -> str:
        """Create a monitor; returns its id."""
        created: dict[str, Any] = self.done("POST", MONITORS, body)
        return str(created["_id"])

    def alerts(self, monitor_id: str, **params: str) -> list[dict[str, Any]]:
        query = "".join(f"&{key}={value}" for key, value in params.items())
        found: list[dict[str, Any]] = self.done("GET", f"{MONITORS}/alerts?monitorId={monitor_id}{query}")["alerts"]
        return found


@contextmanager
def running(node: Node, folder: Path) -> Iterator[Client]:
    """A stand-in in front of a node, over a real socket, for as long as the context lasts."""
    app = App(node, folder)
    server = Server(app, 0)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    app.start()
    try:
        yield Client(f"http://127.0.0.1:{server.server_port}")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        app.stop()


@dataclass
class Receiver:
    """Keeps every request, and answers by its path: `/500` with that status, `/drop` not at all, and so on."""

    received: list[dict[str, Any]] = field(default_factory=list)
    answers: dict[str, list[Planned]] = field(default_factory=dict)
    holds: dict[str, threading.Event] = field(default_factory=dict)  # by path: what to wait for before answering
    url: str = ""

    def will_answer(self, path: str, *answers: Planned) -> str:
        """Answer the next requests of a path so, and the last answer from then on. Returns the address."""
        self.answers[path] = list(answers)
        return self.url + path

    def next_answer(self, path: str) -> Planned:
        planned = self.answers.get(path)
        if not planned:
            return 200, {}, OK
        return planned.pop(0) if len(planned) > 1 else planned[0]


DROP: Planned = (0, {}, b"")  # close the connection without an answer
SILENCE: Planned = (-1, {}, b"")  # read the request, and say nothing for a second


@contextmanager
def receiving() -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            told = {"p": self.path, "h": list(self.headers.items()), "b": body, "v": self.request_version}
            receiver.received.append(told)
            if self.path in receiver.holds:
                receiver.holds[self.path].wait(timeout=30)
            status, headers, content = receiver.next_answer(self.path)
            if status <= 0:
                time.sleep(1 if status < 0 else 0)  # a receiver that is too slow has to be waited for
                self.close_connection = True
                return
            self.send_response_only(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is inherited
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    receiver.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
