"""What every page shows around its content."""

from typing import Any

from django.http import HttpRequest


def frame(request: HttpRequest) -> dict[str, Any]:
    """Context processor: counts and pulse for signed-in people."""
    return {}
