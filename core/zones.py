"""The zone in which a reader is shown times: their own, as static/js/times.js learns it from the browser, or UTC by their choice."""

import zoneinfo
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

COOKIE = "zone"
KNOWN = frozenset(zoneinfo.available_timezones())


def reader_zone(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: show times in the zone that the reader's cookie names; without one, or with one that is none, in that of the settings."""

    def answer(request: HttpRequest) -> HttpResponse:
        name = request.COOKIES.get(COOKIE, "")
        if name not in KNOWN:
            return get_response(request)
        with timezone.override(zoneinfo.ZoneInfo(name)):
            return get_response(request)

    return answer
