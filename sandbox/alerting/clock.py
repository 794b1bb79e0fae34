"""The clock that the stand-in lives by: the real one, until somebody sets it."""

import threading
import time


class Clock:
    """Epoch milliseconds that run at a speed; at speed 0 time stands still. Safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._speed = 1.0
        self._seen = time.monotonic()
        self._moment = time.time() * 1000

    def now(self) -> int:
        """Epoch milliseconds."""
        with self._lock:
            return int(self._exact())

    def speed(self) -> float:
        """Milliseconds that pass in a millisecond."""
        return self._speed

    def set(self, now: int | None, speed: float | None = None) -> None:
        """Set the time, and how fast it runs from then on: a time that was set stands still unless told otherwise.

        None brings the real time back.
        """
        with self._lock:
            real = time.time() * 1000
            self._moment = real if now is None else float(now)
            self._speed = speed if speed is not None else (1.0 if now is None else 0.0)
            self._seen = time.monotonic()

    def forward_to(self, moment: int) -> None:
        """Move on to a later moment, keeping the speed. An earlier one changes nothing."""
        with self._lock:
            if moment > self._exact():
                self._moment = float(moment)
                self._seen = time.monotonic()

    def seconds_until(self, moment: int) -> float | None:
        """Real seconds until then; None if time stands still before it."""
        with self._lock:
            missing = moment - self._exact()
            if missing <= 0:
                return 0.0
            return missing / 1000 / self._speed if self._speed > 0 else None

    def _exact(self) -> float:
        return self._moment + (time.monotonic() - self._seen) * 1000 * self._speed
