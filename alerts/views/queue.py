"""The queue."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def queue(request: HttpRequest) -> HttpResponse:
    """Show alerts, newest first."""
    return render(request, "alerts/queue.html")
