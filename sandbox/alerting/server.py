"""The stand-in over HTTP/1.1, one thread for each connection."""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from sandbox.alerting.app import App, Request


class Handler(BaseHTTPRequestHandler):
    """Reads a request whole, has it answered, and keeps the connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    app: App  # given by `serve`

    def _serve(self) -> None:
        body = self._read_body()
        reply = self.app.answer(Request(self.command, self.path, list(self.headers.items()), body))
        self.send_response_only(reply.status)
        has_length = False
        for name, value in reply.headers:
            has_length = has_length or name.lower() == "content-length"  # of what HEAD does not bring
            self.send_header(name, value)
        if not has_length:
            self.send_header("content-length", str(len(reply.body)))
        self.end_headers()
        if self.command != "HEAD" and reply.body:
            self.wfile.write(reply.body)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = _serve  # noqa: N815 - http.server's names

    def _read_body(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return b"".join(iter(self._read_chunk, b""))
        length = int(self.headers.get("Content-Length") or 0)
        return self.rfile.read(length) if length else b""

    def _read_chunk(self) -> bytes:
        size = int(self.rfile.readline().partition(b";")[0], 16)
        chunk = self.rfile.read(size)
        while self.rfile.readline() not in {b"\r\n", b"\n", b""}:
            pass  # the end of the chunk, or trailing headers after the last
        return chunk

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is inherited
        """Say nothing of single requests."""


class Server(ThreadingHTTPServer):
    """Listens on this machine only."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, app: App, port: int) -> None:
        handler = type("AppHandler", (Handler,), {"app": app})
        super().__init__(("127.0.0.1", port), handler)
