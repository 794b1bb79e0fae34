"""Trouble on request: what the next calls suffer (``/_sandbox/faults``), and what is the matter with the whole site.

A fault is used up one call at a time. Conditions (``/_sandbox/conditions``) hold until they are changed. Both are
described in full, or a fault by the name of a trouble and of a call: ``{"trouble": "drop-after", "call": "create"}``.
"""

import random
import re
import threading
import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

HANGING_MS = 60_000
SIGN_IN_PAGE = "<!doctype html><title>Log in</title><p>Log in to continue</p>"
HTML = "text/html;charset=UTF-8"
CAPTCHA_HEADERS = {"X-Authentication-Denied-Reason": "CAPTCHA_CHALLENGE; login-url=/login.jsp"}

# What can go wrong with one call, by name. "after": Jira has done what was asked, and committed it.
TROUBLES: dict[str, dict[str, Any]] = {
    "drop-before": {"status": 0},
    "drop-after": {"when": "after", "status": 0},
    "hang-before": {"status": 0, "latency_ms": HANGING_MS},
    "hang-after": {"when": "after", "status": 0, "latency_ms": HANGING_MS},
    "stalled": {"when": "after", "cut_at": 0, "stall_ms": HANGING_MS},
    "truncated": {"when": "after", "cut_at": 5},
    "429": {"status": 429, "retry_after": "1"},
    "429-date": {"status": 429, "retry_after": "2", "retry_as": "date"},
    "500": {"status": 500},
    "500-after": {"when": "after", "status": 500},
    "502": {"status": 502, "body": "<html>Bad Gateway</html>", "content_type": HTML},
    "503": {"status": 503, "body": "<html>Service Unavailable</html>", "content_type": HTML},
    "503-retry-after": {"status": 503, "retry_after": "1"},
    "504": {"status": 504, "body": "<html>Gateway Timeout</html>", "content_type": HTML},
    "504-after": {"when": "after", "status": 504, "body": "<html>Gateway Timeout</html>", "content_type": HTML},
    "html": {"status": 200, "body": SIGN_IN_PAGE, "content_type": HTML},
    "html-after": {"when": "after", "status": 200, "body": SIGN_IN_PAGE, "content_type": HTML},
    "slow": {"latency_ms": 800},
    "401": {"status": 401},
    "captcha": {"status": 403, "headers": CAPTCHA_HEADERS, "body": SIGN_IN_PAGE, "content_type": HTML},
    "409": {"status": 409},
}
# What a ticketing client calls, by name: method, and what is searched for in the target.
CALLS: dict[str, tuple[str, str]] = {
    "create": ("POST", r"/issue/?$"),
    "update": ("PUT", r"/issue/[^/]+/?$"),
    "comment": ("POST", r"/issue/[^/]+/comment/?$"),
    "transition": ("POST", r"/issue/[^/]+/transitions/?$"),
    "assign": ("PUT", r"/issue/[^/]+/assignee/?$"),
    "attach": ("POST", r"/issue/[^/]+/attachments/?$"),
    "link": ("POST", r"/issueLink/?$"),
    "remote-link": ("POST", r"/issue/[^/]+/remotelink/?$"),
    "property": ("PUT", r"/properties/[^/]+/?$"),
    "read": ("GET", r"/issue/(?!createmeta)[^/?]+(\?|$)"),
    "comments": ("GET", r"/issue/[^/]+/comment"),
    "search": ("GET|POST", r"/api/[^/]+/search"),
    "myself": ("GET", r"/myself"),
    "write": ("POST|PUT|DELETE", r"/(issue|issueLink|comment)(/|$)"),
    "any": (".*", r".*"),
}


class BadFaultError(ValueError):
    """The description of a fault or of conditions makes no sense; the text says why."""


@dataclass
class Fault:
    """One kind of trouble for the next ``times`` requests whose method and path match.

    ``when`` says whether the handler runs: ``before`` (it does not) or ``after`` (it does, and has committed).
    ``status`` 0 closes the connection without a byte in answer; ``None`` leaves the answer as it is. ``latency_ms``
    delays it, on the side of the handler that ``when`` names. With ``cut_at`` the answer's body breaks off after that
    many bytes of it, at once or after ``stall_ms`` of silence; its Content-Length still promises the whole.
    An answer without a body (204) does not come at all then.
    ``retry_after`` is sent as it was typed; ``retry_as`` *date* makes an HTTP date of its seconds. Of the requests that match, the fault
    strikes only a ``share`` (0 to 1), drawn from the seed of ``Faults``; only those count as ``times``.
    """

    method: str = ".*"
    path: str = ".*"
    times: int = 1
    when: str = "before"
    status: int | None = None
    retry_after: str | None = None
    retry_as: str = "typed"
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""
    content_type: str = "application/json;charset=UTF-8"
    latency_ms: int = 0
    cut_at: int | None = None
    stall_ms: int = 0
    share: float = 1.0
    trouble: str = ""

    def matches(self, method: str, path: str) -> bool:
        """Whether a request would suffer from this."""
        return self.times > 0 and bool(re.fullmatch(self.method, method) and re.search(self.path, path))

    def __str__(self) -> str:
        did = {None: "", 0: "dropped"}.get(self.status, str(self.status))
        cut = "" if self.cut_at is None else f"cut at {self.cut_at}"
        latency = f"{self.latency_ms} ms" if self.latency_ms else ""
        return " ".join(part for part in (self.trouble, self.when, did, latency, cut) if part)


def check_fault(description: Any) -> Fault:
    """A fault out of its JSON. Raises ``BadFaultError``."""
    if not isinstance(description, Mapping):
        raise BadFaultError("a fault is an object")
    told = dict(description)
    trouble, call = told.get("trouble", ""), told.pop("call", None)
    if trouble and trouble not in TROUBLES:
        raise BadFaultError("trouble is one of " + ", ".join(TROUBLES))
    if call is not None and call not in CALLS:
        raise BadFaultError("call is one of " + ", ".join(CALLS))
    where = dict(zip(("method", "path"), CALLS[call], strict=True)) if call else {}
    try:
        fault = Fault(**{**TROUBLES.get(trouble, {}), **where, **told})
        re.compile(fault.method)
        re.compile(fault.path)
    except (TypeError, re.error) as error:
        raise BadFaultError(str(error)) from error
    if fault.when not in {"before", "after"}:
        raise BadFaultError("when is 'before' or 'after'")
    if fault.retry_as not in {"typed", "date"}:
        raise BadFaultError("retry_as is 'typed' or 'date'")
    if fault.retry_as == "date" and not str(fault.retry_after).isdigit():
        raise BadFaultError("retry_after is a number of seconds, to be sent as a date")
    return fault


class Faults:
    """The faults that wait, in the order they were set; safe to use from several threads.

    Which requests a fault with a ``share`` strikes is drawn from ``seed``: the same seed and the same requests in the
    same order suffer the same.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[Fault] = []
        self._chance = random.Random(0)  # noqa: S311 - trouble that can be repeated, not a secret

    def seed(self, seed: int) -> None:
        """Begin the draws anew."""
        with self._lock:
            self._chance.seed(seed)

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
            for fault in self._waiting:
                if fault.matches(method, path) and (fault.share >= 1 or self._chance.random() < fault.share):
                    fault.times -= 1
                    self._waiting = [f for f in self._waiting if f.times > 0]
                    return fault
            return None


@dataclass(frozen=True)
class Conditions:
    """What is the matter with the site as a whole; with none of them it is healthy and quick.

    A new issue is found by a search only after ``search_lag_s`` seconds and ``search_lag_searches`` further searches;
    read by its key it is there at once.
    """

    search_lag_s: float = 0.0
    search_lag_searches: int = 0
    token_expired: bool = False
    """Every call is refused with 401, except a search on Cloud: that one finds nothing, with 200."""
    refusal: str = "text"
    """The body of a 401: ``text``, ``json`` or ``empty``; Jira has been seen to send each."""
    captcha: bool = False
    """Every call is answered with a page and 403, until a person has signed in."""
    latency_ms: int = 0
    """How long each call takes, apart from its faults."""
    page_limit: int = 0
    """The most that a page of a search, of comments or of create metadata holds, whatever is asked for; 0: no limit."""
    time_zone: str = "UTC"
    """The zone in which timestamps are written and dates in JQL are read: that of the caller's profile."""
    rate_limit: int = 0
    """The most calls in any ``rate_window_s``; each further one is answered with 429. 0: no limit."""
    rate_window_s: float = 1.0

    @property
    def zone(self) -> zoneinfo.ZoneInfo:
        """``time_zone`` itself."""
        return zoneinfo.ZoneInfo(self.time_zone)


def check_conditions(description: Any) -> Conditions:
    """Conditions out of their JSON; what is left out is off. Raises ``BadFaultError``."""
    kinds: dict[str, type | tuple[type, ...]] = {f.name: type(f.default) for f in fields(Conditions)}
    kinds |= dict.fromkeys(("search_lag_s", "rate_window_s"), (int, float))
    if not isinstance(description, Mapping):
        raise BadFaultError("conditions are an object")
    for name, value in description.items():
        if name not in kinds:
            raise BadFaultError(f"there is no condition {name!r}; there are {', '.join(kinds)}")
        if not isinstance(value, kinds[name]):
            raise BadFaultError(f"{name} has another type")
    conditions = Conditions(**description)
    try:
        conditions.zone  # noqa: B018 - read to see whether there is such a zone
    except (zoneinfo.ZoneInfoNotFoundError, ValueError) as error:
        raise BadFaultError(f"there is no time zone {conditions.time_zone!r}") from error
    if conditions.refusal not in {"text", "json", "empty"}:
        raise BadFaultError("refusal is 'text', 'json' or 'empty'")
    return conditions
