"""The alert from which somebody came to a monitor's pages: it stays in the address through plays, saves and pushes, for the way back."""

from django.http import HttpRequest
from django.urls import reverse


def alert_of(request: HttpRequest) -> str:
    """Return the number of that alert, or nothing."""
    given = request.GET.get("alert", "")
    return given if given.isdecimal() and given.isascii() and len(given) < 12 else ""


def page(request: HttpRequest, name: str, *args: object) -> str:
    """Return the address of a page of the admin that still knows the way back."""
    address = reverse(f"admin:{name}", args=args)
    alert = alert_of(request)
    return f"{address}?alert={alert}" if alert else address
