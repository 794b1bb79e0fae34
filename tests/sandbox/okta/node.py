"""Requests to a real OpenSearch node."""

import http.client
import json
from typing import Any
from urllib.parse import urlsplit


def call(url: str, method: str, path: str, body: Any = None) -> Any:
    """The JSON that a node answers; ``body`` is JSON, or bytes of NDJSON. Fails the test on any error."""
    data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    content_type = "application/x-ndjson" if isinstance(body, bytes) else "application/json"
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    try:
        connection.request(method, path, data, {"Content-Type": content_type})
        answer = connection.getresponse()
        text = answer.read().decode()
    finally:
        connection.close()
    assert answer.status < 300, text
    return json.loads(text)
