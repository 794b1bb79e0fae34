"""`POST /jira-events/<secret>/`: take Jira's word for where to look, keep that, answer, wake a worker. Nothing is believed here."""

import hashlib
import hmac
import json
from typing import Any

import structlog
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.csrf import csrf_exempt

from alerts import tasks
from alerts.ticketing import sync
from core.text import storable
from core.wakeups import wake

log = structlog.get_logger(__name__)

MAX_BYTES = 8 * 1024 * 1024  # an issue with its fields and a comment; only ids are taken from it


@method_decorator([csrf_exempt, login_not_required], name="dispatch")
class JiraEvents(View):
    """
    Takes the messages of Jira's webhook. 200 means that it is committed, or about nothing of ours; 503 that it must come again.

    404 where the address is not the secret one, 401 without the signature that JIRA_WEBHOOK_SECRET asks for, 413 over MAX_BYTES, 400
    for what is no JSON object.
    """

    http_method_names = ["post"]

    def post(self, request: HttpRequest, secret: str) -> HttpResponse:
        """Answer with a status alone: whoever posts is told nothing."""
        if not _same(secret, settings.JIRA_WEBHOOK_PATH):
            return HttpResponse(status=404)
        try:
            if int(request.META.get("CONTENT_LENGTH") or 0) > MAX_BYTES:
                return HttpResponse(status=413)
            body = (
                request.META["wsgi.input"].read(MAX_BYTES + 1) if _is_chunked(request) else request.read(MAX_BYTES + 1)
            )
        except (OSError, ValueError):  # the sender went away half-way, or Content-Length is no number
            return HttpResponse(status=400)
        if len(body) > MAX_BYTES:
            return HttpResponse(status=413)
        if not is_signed(body, request.headers.get("X-Hub-Signature", "")):
            return HttpResponse(status=401)
        message = _message(body)
        if message is None:
            return HttpResponse(status=400)
        try:
            cases = sync.hear(message, request.headers.get("X-Atlassian-Webhook-Identifier", ""))
        except (DatabaseError, InterfaceError) as error:
            log.error("jira_event_not_kept", error=type(error).__name__)
            return HttpResponse(status=503, headers={"Retry-After": "5"})
        for case_id in cases:
            wake(tasks.read_ticket, case_id)
        return HttpResponse(status=200)


def is_signed(body: bytes, signature: str) -> bool:
    """Whether the raw body is signed with JIRA_WEBHOOK_SECRET; where none is set, no signature is asked for."""
    if not settings.JIRA_WEBHOOK_SECRET:
        return True
    ours = hmac.new(settings.JIRA_WEBHOOK_SECRET.encode(), body, hashlib.sha256).hexdigest()
    return _same(signature, f"sha256={ours}")


def _same(given: str, wanted: str) -> bool:
    """Compare in constant time; nothing is the same as an empty secret."""
    return bool(wanted) and hmac.compare_digest(given.encode(), wanted.encode())


def _is_chunked(request: HttpRequest) -> bool:
    return "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower()


def _message(body: bytes) -> dict[str, Any] | None:
    try:
        message = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return storable(message) if isinstance(message, dict) else None
