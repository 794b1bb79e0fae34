"""The schema, and a page that shows it: made here, without a script, so that it lives under the portal's content security policy."""

from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from drf_spectacular.renderers import OpenApiJsonRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from alerts.api import reference
from alerts.api.endpoint import Endpoint


class Schema(Endpoint):
    """The description of the API, as OpenAPI 3.1. It stands not in itself."""

    needs: ClassVar[dict[str, Any]] = {"GET": None}
    renderer_classes = (OpenApiJsonRenderer,)
    schema = None

    def get(self, _request: Request) -> Response:
        """Read it."""
        return Response(reference.schema())


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """Show what each operation takes, answers and needs."""
    described = reference.schema()
    context = {
        "section": "api",
        "info": described["info"],
        "groups": reference.groups(described),
        "things": reference.things(described),
        "address": request.build_absolute_uri("/api/v1/"),
    }
    return render(request, "alerts/api.html", context)
