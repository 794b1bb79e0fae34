"""Small values in the forms that OpenSearch gives them."""

import base64
import json
import secrets
from datetime import UTC, datetime
from typing import Any

Json = dict[str, Any]


def new_id() -> str:
    """An id as OpenSearch makes them: 20 characters that need no escaping in a URL."""
    return base64.urlsafe_b64encode(secrets.token_bytes(15)).decode()


def compact(value: Any) -> str:
    """JSON without spaces, other than ASCII kept as it is."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def pretty(value: Any, indent: str = "") -> str:
    """JSON as OpenSearch prints it for people: two spaces a level, spaces around the colon, `[ ]` for nothing."""
    inner = indent + "  "
    if isinstance(value, dict):
        if not value:
            return "{ }"
        fields = (f"{inner}{json.dumps(key)} : {pretty(item, inner)}" for key, item in value.items())
        return "{\n" + ",\n".join(fields) + f"\n{indent}}}"
    if isinstance(value, list):
        if not value:
            return "[ ]"
        return "[\n" + ",\n".join(inner + pretty(item, inner) for item in value) + f"\n{indent}]"
    return json.dumps(value, ensure_ascii=False)


def instant(ms: int) -> str:
    """Epoch milliseconds as Java prints an Instant: no fraction on a whole second, else three digits."""
    moment = datetime.fromtimestamp(ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    fraction = ms % 1000
    return f"{moment}.{fraction:03d}Z" if fraction else f"{moment}Z"
