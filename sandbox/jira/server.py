"""The sockets of one Jira."""

import json
import sqlite3
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from .calls import Answer
from .control import PREFIX, control
from .jira import Jira, Request
from .site import Site
from .store import Store

LONGEST_BODY = 32 * 2**20


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60  # seconds without a byte, after which a connection is closed
    wbufsize = -1  # an answer goes out in one piece: two would wait 40 ms for each other (Nagle's algorithm)
    server: "Server"

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if length > LONGEST_BODY:
            self.close_connection = True
            self.send_error(413)
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, self.path, headers, self.rfile.read(length))
        if request.path.startswith(PREFIX):
            answer: Answer | None = control(self.server.jira, request)
        elif self.server.is_refusing:
            answer = None  # a connection from before
        else:
            answer = self.server.jira.dispatch(request)
        if answer is None:
            self.close_connection = True
            return
        self._send(answer)

    do_GET = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815 - http.server's names

    def _send(self, answer: Answer) -> None:
        if answer.body is None:
            body = b""
        elif isinstance(answer.body, bytes):
            body = answer.body
        elif isinstance(answer.body, str):
            body = answer.body.encode()
        else:
            body = json.dumps(answer.body).encode()
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if body:
            self.send_header("Content-Type", answer.content_type)
        if answer.status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: answer.cut_at])
        if answer.cut_at is not None:
            self.wfile.flush()
            time.sleep(answer.stall_ms / 1000)
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the parent's name
        """Requests are logged in the store, with their bodies."""


class Server(ThreadingHTTPServer):
    """The socket of one Jira, on the loopback interface. Port 0 takes a free one."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, site: Site, store: Store, port: int) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self._over = threading.Event()
        self._refuse_s = 0.0
        self.jira = Jira(site, store, f"http://127.0.0.1:{self.server_port}", self._refuse)

    @property
    def is_refusing(self) -> bool:
        """Whether connections are refused just now."""
        return self._refuse_s > 0

    def serve_in_background(self) -> threading.Thread:
        """Serve from a thread of its own until ``shutdown``."""
        thread = threading.Thread(target=self._serve_on, daemon=True)
        thread.start()
        return thread

    def _serve_on(self) -> None:
        while not self._over.is_set():
            self.serve_forever(poll_interval=0.05)
            if self.is_refusing:
                self._over.wait(self._refuse_s)
                self._listen_again()

    def _refuse(self, seconds: float) -> None:
        """Close the socket for a while: connections are refused, and those that there are get no answer."""
        listening = self.socket
        self._refuse_s = seconds
        super().shutdown()
        listening.close()

    def _listen_again(self) -> None:
        address = self.server_address
        self.socket = type(self.socket)(self.address_family, self.socket_type)
        self.server_address = address
        self.server_bind()
        self.server_activate()
        self._refuse_s = 0.0

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Tell what went wrong here, and nothing of whoever hung up, or asked while this was switched off."""
        error = sys.exception()
        switched_off = self._over.is_set() and isinstance(error, sqlite3.ProgrammingError)
        if not (isinstance(error, ConnectionError) or switched_off):
            super().handle_error(request, client_address)

    def shutdown(self) -> None:
        """Stop serving."""
        self._over.set()
        super().shutdown()

    def server_close(self) -> None:
        """Close the socket, and send no more webhooks."""
        super().server_close()
        self.jira.sender.close()
