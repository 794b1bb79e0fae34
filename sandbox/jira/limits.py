"""What Jira does not let a client do at once: too many calls in a while, two transitions of one issue."""

import math
import re
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from .site import Profile

TRANSITION = re.compile(r"^/rest/api/[^/]+/issue/([^/]+)/transitions/?$")


class RateLimit:
    """Counts the calls that were let through; a refused one does not count."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._passed: deque[float] = deque()

    def wait_s(self, limit: int, window_s: float) -> float:
        """0 when a call may pass now, and then it counts; else in how many seconds one may."""
        with self._lock:
            now = time.monotonic()
            while self._passed and self._passed[0] <= now - window_s:
                self._passed.popleft()
            if len(self._passed) < limit:
                self._passed.append(now)
                return 0.0
            return self._passed[len(self._passed) - limit] + window_s - now


def rate_headers(profile: Profile, retry_after_s: float, limit: int, window_s: float) -> dict[str, str]:
    """What a 429 says of the limit beside its Retry-After, which Cloud and Data Center say differently."""
    if profile == "dc":
        return {
            "X-RateLimit-Limit": str(limit),
            "X-RateLimit-Remaining": "0",
            "X-RateLimit-Interval-Seconds": str(max(1, math.ceil(window_s))),
            "X-RateLimit-FillRate": str(limit),
        }
    again = datetime.now(UTC) + timedelta(seconds=retry_after_s)
    return {
        "X-RateLimit-Limit": str(limit),
        "X-RateLimit-Remaining": "0",
        "X-RateLimit-Reset": again.strftime("%Y-%m-%dT%H:%MZ"),
        "RateLimit-Reason": "jira-burst-based",
    }


def date_in(seconds: int) -> str:
    """The HTTP date so many seconds from now, never too early."""
    return format_datetime(datetime.fromtimestamp(math.ceil(time.time()) + seconds, UTC), usegmt=True)


class Moves:
    """The issues that are in the middle of a transition."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._moving: set[str] = set()

    @contextmanager
    def hold(self, method: str, path: str) -> Iterator[bool]:
        """Whether a request may go on: not when it is a transition of an issue that another one holds."""
        match = TRANSITION.match(path) if method == "POST" else None
        key = match[1].upper() if match else ""
        with self._lock:
            is_free = not key or key not in self._moving
            if key and is_free:
                self._moving.add(key)
        try:
            yield is_free
        finally:
            if key and is_free:
                with self._lock:
                    self._moving.discard(key)
