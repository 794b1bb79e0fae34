"""Descriptions and comments: text in v2, an Atlassian document in v3, and each told as the version asks for it."""

import json
from typing import Any

from . import documents, wiki
from .calls import Call, RefusedError

TEXT_LIMIT = 32_767
NOT_A_DOCUMENT = "Operation value must be an Atlassian Document (see the Atlassian Document Format)"
NOT_A_STRING = "Operation value must be a string"


def check_body_text(call: Call, name: str, value: Any) -> str:
    """The words of a description or a comment; refused unless it is what this version of the API takes."""
    if call.version == "3":
        if not documents.is_document(value):
            raise RefusedError(400, errors={name: NOT_A_DOCUMENT})
    elif not isinstance(value, str):
        raise RefusedError(400, errors={name: NOT_A_STRING})
    text = wiki.to_text(value) if isinstance(value, str) else documents.to_text(value)
    if len(value if isinstance(value, str) else text) > TEXT_LIMIT:
        raise RefusedError(
            400,
            errors={name: f"The entered text is too long. It exceeds the allowed limit of {TEXT_LIMIT:,} characters."},
        )
    return text


def body_for(call: Call, stored: str | None) -> Any:
    """A stored description or comment as this version of the API tells it; ``stored`` is JSON."""
    value = json.loads(stored) if stored else None
    if call.version == "3":
        return documents.from_text(wiki.to_text(value)) if isinstance(value, str) else value
    return documents.to_text(value) if isinstance(value, dict) else value
