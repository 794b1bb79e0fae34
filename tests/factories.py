"""Rows for tests, made the short way: each function fills what a test does not care about. Times are relative to now."""

import hashlib
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from django.contrib.auth.models import Group, User

from alerts.choices import DeliveryStatus, OperationKind, OperationState
from alerts.models import (
    Alert,
    AlertEntity,
    Case,
    Delivery,
    Entity,
    Evidence,
    Occurrence,
    Source,
    Ticket,
    TicketOperation,
)
from core import activity, clock
from core.models import Person
from core.roles import ANALYSTS
from monitors.models import Deployment, Monitor

_numbers = count(1)

NEW_YORK = {"city": "New York", "country": "United States", "lat": 40.71, "lon": -74.01}
SINGAPORE = {"city": "Singapore", "country": "Singapore", "lat": 1.35, "lon": 103.82}


def ago(**duration: float) -> datetime:
    """Return the time that long ago: `ago(minutes=3)`."""
    return clock.now() - timedelta(**duration)


def make_user(username: str = "", *, role: str = ANALYSTS, **fields: Any) -> User:
    """Return a user who may sign in, an analyst unless told otherwise; with no password unless one is given (which is slow)."""
    name = username or f"analyst{next(_numbers)}"
    user = User.objects.create_user(name, **{"email": f"{name}@example.com", **fields})
    if role:
        user.groups.add(Group.objects.get(name=role))
    return user


def make_person(user: User | None = None) -> Person:
    """Return the Person who is this user."""
    return activity.person_of(user or make_user())


def make_monitor(detection: str = "brute-force-user", *, deployed: bool = True, **fields: Any) -> Monitor:
    """Return a monitor of a detection; `deployed` says that OpenSearch holds it and was heard a moment ago."""
    monitor = Monitor.objects.create(
        **{
            "detection": detection,
            "name": f"{detection} {next(_numbers)}",
            "index_pattern": "okta-system-log-*",
            "severity": 3,
            **fields,
        }
    )
    if deployed:
        make_deployment(monitor)
    return monitor


def make_deployment(monitor: Monitor, **fields: Any) -> Deployment:
    """Return what OpenSearch holds of a monitor: in sync, heard a moment ago."""
    wanted = {
        "opensearch_id": f"os-{next(_numbers)}",
        "state": Deployment.State.IN_SYNC,
        "heard_at": clock.now(),
        "covered_to": clock.now(),
    }
    return Deployment.objects.create(monitor=monitor, **{**wanted, **fields})


def make_alert(**fields: Any) -> Alert:
    """
    Return a new alert on brute force, with its case, one occurrence and its entity.

    `events` go into the occurrence; all other names are those of Alert.
    """
    number = next(_numbers)
    events = fields.pop("events", None)
    name = fields.get("entity_name", f"user{number}@example.com")
    defaults: dict[str, Any] = {
        "detection": "Brute force on one user",
        "detection_id": "brute-force-user",
        "fingerprint": hashlib.sha256(str(number).encode()).hexdigest(),
        "fingerprint_version": 1,
        "entity_type": "user",
        "entity_id": name,
        "entity_name": name,
        "sentence": f"22 failed sign-ins of {name} in 11 min 4 s, from 2 addresses",
        "severity": 3,
        "observed": {"count": 22, "values": 2, "seconds": 664},
        "limits": {"failures": 20, "window_minutes": 60},
        "occurrence_count": 1,
        "first_seen": ago(minutes=14),
        "last_seen": ago(minutes=3),
    }
    wanted = {**defaults, **fields}
    wanted.setdefault("case", Case.objects.create(entity_type=wanted["entity_type"], entity_id=wanted["entity_id"]))
    alert = Alert.objects.create(**wanted)
    make_occurrence(alert, events=events if events is not None else [make_event(user=name)])
    involve(alert, alert.entity_type, alert.entity_id, "entity")
    activity.record("alert.opened", alert, by="ingest", severity=alert.severity, recovered=alert.recovered)
    return alert


def make_travel_alert(**fields: Any) -> Alert:
    """Return an alert on impossible travel from New York to Singapore within two minutes."""
    name = fields.get("entity_name", "anna.berg@example.com")
    first = make_event(user=name, type="user.session.start", result="SUCCESS", ip="198.51.100.24", asn=7018,
                       as_org="AT&T", os="Mac OS X", browser="CHROME", at=ago(minutes=5), **NEW_YORK)  # fmt: skip
    second = make_event(user=name, type="user.session.start", result="SUCCESS", ip="203.0.113.9", asn=45102,
                        as_org="Alibaba", proxy=True, os="Linux", browser="FIREFOX", at=ago(minutes=3), **SINGAPORE)  # fmt: skip
    alert = make_alert(
        **{
            "detection": "Impossible travel",
            "detection_id": "impossible-travel",
            "entity_name": name,
            "sentence": f"{name} signed in from New York, United States, 2 min 3 s later from Singapore, Singapore",
            "severity": 1,
            "severity_reasons": ["one of the places is a proxy or anonymiser"],
            "observed": {"count": 2, "km": 15338, "kmh": 448917, "seconds": 123, "proxy": True},
            "limits": {"max_kmh": 900, "min_km": 500, "span_minutes": 1440, "trusted_zones": []},
            "events": [first, second],
            **fields,
        }
    )
    involve(alert, "ip", "198.51.100.24", "source")
    involve(alert, "ip", "203.0.113.9", "source")
    return alert


def make_event(*, at: datetime | None = None, **fields: Any) -> dict[str, Any]:
    """Return an event as a search tells it, in the short names of `monitors.facts.SHOWN`."""
    number = next(_numbers)
    defaults = {
        "t": clock.to_ms(at or ago(minutes=3)),
        "uuid": f"event-{number}",
        "type": "user.session.start",
        "result": "FAILURE",
        "reason": "INVALID_CREDENTIALS",
        "user": "anna.berg@example.com",
        "ip": "203.0.113.9",
        "city": "Singapore",
        "country": "Singapore",
        "asn": 64500,
        "as_org": "Example Networks",
        "session": f"idx{number:08d}",
        "os": "Windows 10",
        "browser": "CHROME",
    }
    return {**defaults, **fields}


def make_occurrence(alert: Alert, *, events: list[dict[str, Any]] | None = None, **fields: Any) -> Occurrence:
    """Return an occurrence of the alert, over its whole time unless told otherwise. The alert's own count is left as it is."""
    told = events if events is not None else [make_event()]
    defaults = {
        "fingerprint": alert.fingerprint,
        "first_at": alert.first_seen,
        "last_at": alert.last_seen,
        "first_uuid": f"first-{next(_numbers)}",
        "last_uuid": f"last-{next(_numbers)}",
        "count": max(len(told), 1),
        "observed": alert.observed,
        "events": told,
        "severity": alert.severity,
    }
    return Occurrence.objects.create(alert=alert, **{**defaults, **fields})


def make_evidence(occurrence: Occurrence, events: list[dict[str, Any]]) -> Evidence:
    """Return whole events kept for an occurrence."""
    return Evidence.objects.create(occurrence=occurrence, events=events, sha256=b"\x01" * 32, fetched_at=clock.now())


def involve(alert: Alert, kind: str, value: str, role: str) -> AlertEntity:
    """Note that an entity took part in the alert."""
    entity, _ = Entity.objects.get_or_create(kind=kind, value=value, defaults={"name": value})
    return AlertEntity.objects.create(alert=alert, entity=entity, role=role)


def make_ticket(alert: Alert, key: str = "", *, status: str = "To Do") -> Ticket:
    """Return the Jira issue of the alert's case, with the operation that made it, done."""
    key = key or f"SEC-{next(_numbers)}"
    make_operation(alert, OperationKind.CREATE, state=OperationState.DONE, done_at=clock.now())
    return Ticket.objects.create(
        case=alert.case,
        key=key,
        jira_id=str(next(_numbers)),
        url=f"https://jira.example.com/browse/{key}",
        status=status,
    )


def make_operation(alert: Alert, kind: OperationKind = OperationKind.CREATE, **fields: Any) -> TicketOperation:
    """Return something that Jira is owed for the alert."""
    return TicketOperation.objects.create(case=alert.case, alert=alert, kind=kind, **fields)


def make_source(name: str = "") -> Source:
    """Return somebody who may post."""
    return Source.objects.create(name=name or f"cluster-{next(_numbers)}")


def make_delivery(body: bytes | None = b'{"schema": "oktadetect/1"}', **fields: Any) -> Delivery:
    """Return a processed delivery of a new source, received now."""
    defaults = {
        "received_at": clock.now(),
        "body": body,
        "size": len(body or b""),
        "sha256": hashlib.sha256(body).digest() if body is not None else b"",
        "content_type": "application/json",
        "status": DeliveryStatus.PROCESSED,
    }
    wanted = {**defaults, **fields}
    wanted.setdefault("source", make_source())
    return Delivery.objects.create(**wanted)
