"""Pages for whoever runs it: alive, and ready to take deliveries. They say nothing that a stranger could use."""

from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, InterfaceError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe


@require_safe
@login_not_required
def livez(_request: HttpRequest) -> HttpResponse:
    """Answer 200 while the process answers at all."""
    return JsonResponse({"alive": True})


@require_safe
@login_not_required
def readyz(_request: HttpRequest) -> HttpResponse:
    """Answer 200 when a delivery could be kept now, else 503: only the database must be there for that."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except (DatabaseError, InterfaceError):
        return JsonResponse({"ready": False, "database": "away"}, status=503)
    return JsonResponse({"ready": True})
