"""Trouble on request: what the next calls suffer (``/_sandbox/faults``), and what is the matter with the whole site.

A fault is used up one call at a time. Conditions (``/_sandbox/conditions``) hold until they are changed.
"""

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


class BadFaultError(ValueError):
    """The description of a fault makes no sense; the text says why."""


@dataclass
class Fault:
    """One kind of trouble for the next ``times`` requests whose method and path match.

    ``when`` says whether the handler runs: ``before`` (it does not) or ``after`` (it does, and has committed).
    ``status`` 0 closes the connection without a byte in answer; ``None`` leaves the answer as it is. ``latency_ms``
    delays it, on the side of the handler that ``when`` names. With ``cut_at`` the answer's body breaks off after that
    many bytes of it, at once or after ``stall_ms`` of silence; its Content-Length still promises the whole.
    """

    method: str = ".*"
    path: str = ".*"
    times: int = 1
    when: str = "before"
    status: int | None = None
    retry_after: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""
    content_type: str = "application/json;charset=UTF-8"
    latency_ms: int = 0
    cut_at: int | None = None
    stall_ms: int = 0

    def matches(self, method: str, path: str) -> bool:
        """Whether a request would suffer from this."""
        return self.times > 0 and bool(re.fullmatch(self.method, method) and re.search(self.path, path))

    def __str__(self) -> str:
        did = {None: "", 0: "dropped"}.get(self.status, str(self.status))
        cut = "" if self.cut_at is None else f"cut at {self.cut_at}"
        return " ".join(
            part for part in (self.when, did, f"{self.latency_ms} ms" if self.latency_ms else "", cut) if part
        )


@dataclass(frozen=True)
class Conditions:
    """What is the matter with the site as a whole.

    A new issue is found by a search only after ``search_lag_s`` seconds and ``search_lag_searches`` further searches;
    read by its key it is there at once. With ``token_expired`` every call is refused with 401, except a search on
    Cloud: that one finds nothing, with 200.
    """

    search_lag_s: float = 0.0
    search_lag_searches: int = 0
    token_expired: bool = False


def check_fault(description: Mapping[str, Any]) -> Fault:
    """A fault out of its JSON. Raises ``BadFaultError``."""
    try:
        fault = Fault(**description)
        re.compile(fault.method)
        re.compile(fault.path)
    except (TypeError, re.error) as error:
        raise BadFaultError(str(error)) from error
    if fault.when not in {"before", "after"}:
        raise BadFaultError("when is 'before' or 'after'")
    return fault


class Faults:
    """The faults that wait, in the order they were set; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Let a fault wait for its requests."""
        with self._lock:
            self._waiting.append(fault)

    def clear(self) -> None:
        """Forget all that still wait."""
        with self._lock:
            self._waiting.clear()

    def waiting(self) -> list[dict[str, Any]]:
        """What still waits, as JSON."""
        with self._lock:
            return [vars(fault).copy() for fault in self._waiting]

    def take(self, method: str, path: str) -> Fault | None:
        """The fault that this request suffers, if any; it counts as used."""
        with self._lock:
            fault = next((f for f in self._waiting if f.matches(method, path)), None)
            if fault:
                fault.times -= 1
                self._waiting = [f for f in self._waiting if f.times > 0]
            return fault
