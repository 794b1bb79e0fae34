"""What Django's `check` should say of the settings, beyond what stops the start."""

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Tags, register
from django.core.checks import Warning as CheckWarning
from django.http.request import validate_host


@register(Tags.security)
def hosts_are_allowed(**_: Any) -> list[CheckMessage]:
    """Warn where the site would answer 400 at its own address: OpenSearch does not come again after that."""
    allowed = settings.ALLOWED_HOSTS or ["localhost", "127.0.0.1", "[::1]"]
    found: list[CheckMessage] = []
    for name in ("OKTADETECT_WEBHOOK_URL", "OKTADETECT_URL"):
        parts = urlsplit(getattr(settings, name))
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        if host and not validate_host(host, allowed):
            words = f"{name} is at {host}, which OKTADETECT_ALLOWED_HOSTS does not take: requests there are answered with 400."
            found.append(CheckWarning(words, id="core.W001", hint=f"Correct {name}, or add the host."))
    return found
