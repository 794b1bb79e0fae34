"""Mustache, rendered by the node."""

import json
import re
import secrets
from typing import Any

from sandbox.alerting import faults
from sandbox.alerting.node import Node, failure
from sandbox.alerting.values import Json

PREFIX = b'{"template_output":'
WHOLE_CTX = re.compile(r"\{\{#toJson\}\}\s*ctx\s*\{\{/toJson\}\}")


class TemplateError(Exception):
    """A template that does not compile or does not render; `error` is as the node tells it."""

    def __init__(self, error: Json) -> None:
        super().__init__(error.get("reason"))
        self.error = error


def render(node: Node, source: str, params: Json) -> str:
    """The text that the template gives with these parameters. Raises TemplateError and NodeAwayError.

    The node writes the text as it is into its JSON answer, where plain text is not JSON: it is cut out of the bytes.
    """
    if not source:
        return ""  # the node refuses to render nothing
    body = json.dumps({"source": source, "params": params}).encode()
    reply = node.send("POST", "/_render/template", body, [("Content-Type", "application/json")])
    if reply.status != 200 or not reply.body.startswith(PREFIX):
        raise TemplateError(faults.of_compilation(failure(json.loads(reply.body)), source, "mustache"))
    return reply.body[len(PREFIX) : -1].decode()


def render_message(node: Node, template: Json, ctx: Json) -> str:
    """An action's subject or message. Raises TemplateError with the words that the plugin uses, and NodeAwayError.

    The plugin hands a thrown error to the template as an object that it cannot write as JSON. The node got it as text,
    so that failure is made here. What fails while rendering is told as the address of an object, as recorded.
    """
    source: str = template["source"]
    if ctx["error"] is not None and WHOLE_CTX.search(source):
        raise _unprintable()
    try:
        return render(node, source, {**template.get("params", {}), "ctx": ctx})
    except TemplateError as failed:
        if failed.error["type"] == "mustache_exception":
            raise _unprintable() from failed
        raise


def _unprintable() -> TemplateError:
    reason: Any = f"Error running com.github.mustachejava.codes.DefaultMustache@{secrets.token_hex(4)}"
    return TemplateError({"type": "mustache_exception", "reason": reason})
