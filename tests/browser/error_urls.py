"""The site, and an address for each thing that can go wrong."""

from django.core.exceptions import BadRequest, PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import include, path

from oktadetect.urls import urlpatterns as site


def bad_request(_request: HttpRequest) -> HttpResponse:
    """Answer 400."""
    raise BadRequest("of no sense")


def forbidden(_request: HttpRequest) -> HttpResponse:
    """Answer 403."""
    raise PermissionDenied


def not_found(_request: HttpRequest) -> HttpResponse:
    """Answer 404."""
    raise Http404


def broken(_request: HttpRequest) -> HttpResponse:
    """Answer 500."""
    raise RuntimeError("broken on purpose")


errors = [
    path("bad-request/", bad_request, name="bad-request"),
    path("forbidden/", forbidden, name="forbidden"),
    path("not-found/", not_found, name="not-found"),
    path("broken/", broken, name="broken"),
]
urlpatterns = [path("errors/", include((errors, "errors"))), *site]
