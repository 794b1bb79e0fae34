"""One alert."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from alerts.models import Alert


def page(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one alert."""
    return render(request, "alerts/alert.html", {"alert": get_object_or_404(Alert, pk=pk)})
