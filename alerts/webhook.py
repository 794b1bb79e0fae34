"""`POST /okta-detections`: authenticate, keep, answer, wake a worker. Nothing is read of the body here."""

from typing import Any

import structlog
from django.conf import settings
from django.db import DatabaseError, InterfaceError
from rest_framework.exceptions import ParseError
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.permissions import AllowAny
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from alerts import tasks
from alerts.models import Source
from alerts.services import intake, sources
from core.wakeups import wake
from monitors.services import health

log = structlog.get_logger(__name__)

RETRY_AFTER_SECONDS = 2  # OpenSearch honours a short Retry-After, and tries once more


class AlwaysJson(BaseContentNegotiation):
    """Answers in JSON whatever the sender would like: a body is never refused over how its answer looks."""

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:  # noqa: ARG002 - DRF's signature
        """Choose the only one."""
        return renderers[0], renderers[0].media_type


class OktaDetections(APIView):
    """Takes what OpenSearch posts. 202 means that it is committed; 401 and 413 that it is not; 503 that it must come again."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    renderer_classes = (JSONRenderer,)
    content_negotiation_class = AlwaysJson

    def post(self, request: Request) -> Response:
        """Answer 202 with the delivery's id, 401, 413 or 503; never 500."""
        try:
            return self._post(request)
        except (DatabaseError, InterfaceError) as error:
            log.error("delivery_not_kept", error=type(error).__name__)
            detail = "The database is away; nothing was kept. Send it again."
            return Response({"detail": detail}, status=503, headers={"Retry-After": str(RETRY_AFTER_SECONDS)})

    def _post(self, request: Request) -> Response:
        source = self._source(request)
        if source is None:
            detail = "Give a live token of a source: Authorization: Bearer …"
            return Response({"detail": detail}, status=401, headers={"WWW-Authenticate": "Bearer"})
        limit = settings.OKTADETECT_WEBHOOK_MAX_BYTES
        try:
            size = int(request.META.get("CONTENT_LENGTH") or 0)
        except ValueError:
            return Response({"detail": "Content-Length is no number."}, status=400)
        if size > limit:
            return self._too_large(request, source, size)
        body = self._body(request)
        if len(body) > limit:
            return self._too_large(request, source, len(body))
        delivery = intake.keep(source, body, content_type=request.content_type or "", headers=dict(request.headers))
        wake(tasks.process_delivery, str(delivery.id))
        return Response({"delivery": str(delivery.id)}, status=202)

    def _source(self, request: Request) -> Source | None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            return None
        return sources.let_in(token.strip(), request.META.get("REMOTE_ADDR"))

    def _body(self, request: Request) -> bytes:
        """Return the body, at most one byte over the limit. A chunked one has no length, and Django would take it for empty."""
        stream = request.META["wsgi.input"] if _is_chunked(request) else request._request
        try:
            data: bytes = stream.read(settings.OKTADETECT_WEBHOOK_MAX_BYTES + 1)
        except OSError as error:  # the sender went away half-way: UnreadablePostError is one
            raise ParseError("The body did not arrive whole.") from error
        return data

    def _too_large(self, request: Request, source: Source, size: int) -> Response:
        limit = settings.OKTADETECT_WEBHOOK_MAX_BYTES
        delivery = intake.keep_refusal(source, size=size, limit=limit, content_type=request.content_type or "")
        health.want_catch_up()
        detail = f"The body is over {limit} bytes."
        return Response({"detail": detail, "delivery": str(delivery.id)}, status=413)


def _is_chunked(request: Request) -> bool:
    return "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower()
