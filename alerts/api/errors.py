"""
What is answered when something is wrong: always JSON, with `code` (stable, for programs) and `detail` (a sentence that says what to do).

A request that makes no sense answers 400 in DRF's shape: each field with what is wrong with it.
"""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views import defaults
from rest_framework import exceptions, status
from rest_framework.response import Response
from rest_framework.views import exception_handler

from alerts.services import comments, triage
from alerts.templatetags.portal import request_id

STATUS: Mapping[type[triage.TriageError], int] = {
    triage.NoSuchAlert: status.HTTP_404_NOT_FOUND,
    triage.AboutYourself: status.HTTP_403_FORBIDDEN,
    triage.ReasonMissing: status.HTTP_400_BAD_REQUEST,
    comments.NothingSaid: status.HTTP_400_BAD_REQUEST,
}
"""What the services refuse; anything else that they refuse is a conflict with how things stand (409)."""


class TooLarge(exceptions.APIException):
    """A body is over the limit."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "too_large"


class LengthRequired(exceptions.APIException):
    """A body came in chunks: Django takes one without a length for empty."""

    status_code = status.HTTP_411_LENGTH_REQUIRED
    default_code = "length_required"


def answer(error: Exception, context: dict[str, Any]) -> Response | None:
    """Return what an endpoint answers to an error; None for one that nobody foresaw."""
    if isinstance(error, triage.TriageError):
        return Response(told(error), status=STATUS.get(type(error), status.HTTP_409_CONFLICT))
    response = exception_handler(error, context)
    if response is None or isinstance(error, exceptions.ValidationError):
        return response
    detail = getattr(error, "detail", None)
    if isinstance(detail, exceptions.ErrorDetail):
        response.data = {"code": detail.code, "detail": str(detail)}
    else:  # Http404 and Django's PermissionDenied, which DRF turned into its own
        code = "not_found" if response.status_code == status.HTTP_404_NOT_FOUND else "permission_denied"
        response.data = {"code": code, "detail": str(error) or response.data["detail"]}
    return response


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer an error that nobody foresaw: programs in JSON, people by a page; both with the id that the log has."""
    if not request.path.startswith("/api/"):
        return defaults.server_error(request)
    detail = f"Something broke on our side. Read anew before you repeat it; the log has it by the id {request_id()}."
    return JsonResponse({"code": exceptions.APIException.default_code, "detail": detail}, status=500)


def told(error: triage.TriageError) -> dict[str, Any]:
    """Return a refusal of the services as it is answered."""
    return {"code": error.code, "detail": str(error)}
