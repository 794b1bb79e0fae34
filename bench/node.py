"""A node of the benchmark's own, with 1 GB of heap, and indices on it that hold a crowd."""

import http.client
import json
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import django

from sandbox.paths import PROJECT, world_folder
from sandbox.world import World

TEMPLATE = PROJECT / "monitors" / "okta_system_log_template.json"
HEAP = "-Xms1g -Xmx1g -XX:+UseG1GC"
TIMEOUT_SECONDS = 300.0
BUSY_PAUSES = 120


class BusyError(OSError):
    """The node has no room for a request just now."""


class Node:
    """OpenSearch over one kept connection."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=TIMEOUT_SECONDS)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Return the JSON of an answer. Raises OSError with what the node said when it is no success."""
        content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        kind = "application/x-ndjson" if isinstance(body, bytes) else "application/json"
        self._connection.request(method, path, content, {"Content-Type": kind})
        answer = self._connection.getresponse()
        said = answer.read()
        if answer.status == 429:
            raise BusyError(f"{method} {path}: {said[:500]!r}")
        if answer.status >= 300:
            raise OSError(f"{method} {path}: {answer.status} {said[:500]!r}")
        return json.loads(said)

    def make_indices(self, prefix: str, start: datetime, end: datetime, *, shards: int = 3) -> str:
        """Make a daily index for each day, mapped as our template does; return their pattern."""
        template = json.loads(TEMPLATE.read_text())["template"]
        settings = {"number_of_shards": shards, "number_of_replicas": 0, "refresh_interval": "-1"}
        day = start
        while day.date() <= end.date():
            body = {"settings": {"index": settings}, "mappings": template["mappings"]}
            self.call("PUT", f"/{prefix}{day:%Y.%m.%d}", body)
            day += timedelta(days=1)
        return f"{prefix}*"

    def write(self, bodies: Iterable[bytes]) -> int:
        """
        Send bulk requests one after another, again while the node is too busy; return how many events were indexed.

        Raises OSError when one was not.
        """
        written = 0
        for body in bodies:
            answer = self._bulk(body)
            if answer["errors"]:
                raise OSError("OpenSearch refused an event.")
            written += len(answer["items"])
        self.call("POST", "/_all/_refresh")
        return written

    def _bulk(self, body: bytes) -> Any:
        for _ in range(BUSY_PAUSES):
            try:
                return self.call("POST", "/_bulk?filter_path=errors,items.*.status", body)
            except BusyError:
                time.sleep(1)  # its heap is full of what it has not written yet
        raise OSError(f"The node was too busy for {BUSY_PAUSES} s.")

    def settle(self, pattern: str) -> None:
        """Merge what was written, so that a search reads a few large segments as it does in daily life."""
        self.call("POST", f"/{pattern}/_forcemerge?max_num_segments=3")


def configure(url: str) -> None:
    """Have the portal's own search talk to this node; no database is needed."""
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "oktadetect.settings",
        "OKTADETECT_SECRET_KEY": "of-no-use",
        "DATABASE_URL": "postgres:///of-no-use",
        "OPENSEARCH_URL": url,
    }
    django.setup()


@contextmanager
def running() -> Iterator[Node]:
    """A node in a world of its own below the sandbox, empty at first, gone afterwards; downloads are shared."""
    shared = world_folder(os.environ)
    environ = {name: value for name, value in os.environ.items() if name != "OPENSEARCH_URL"}
    environ |= {"SANDBOX_DIR": str(shared / "bench"), "SANDBOX_OPENSEARCH_JAVA_OPTS": HEAP}
    environ.setdefault("SANDBOX_CACHE_DIR", str(shared / "cache"))
    world = World.of(environ, say=lambda _: None)
    world.reset()
    try:
        world.up(["alerting"])  # whose start writes down where the node is
        yield Node(world.settings()["SANDBOX_OPENSEARCH_NODE_URL"])
    finally:
        world.reset()


def alive(node: Node) -> float:
    """Return in how many seconds the node answers a simple search; raises OSError when it does not."""
    began = time.monotonic()
    node.call("GET", "/_search?size=0")
    return time.monotonic() - began
