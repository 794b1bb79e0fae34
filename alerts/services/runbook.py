"""
A detection's runbook as a checklist: what people ticked, and what Okta reported as done.

Nothing is kept but the alert's history: `runbook.ticked`, `runbook.unticked` (people) and `runbook.reported` (Okta). What a person
said of a step last holds; a step that no person touched is ticked once Okta reported everything that it asks for.

Okta's word is taken for what somebody else did to the alert's user after the alert's first event: an attacker who resets the
password of the account that they hold, or ends its sessions, has contained nothing.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import transaction
from django.shortcuts import get_object_or_404

from alerts.choices import Status
from alerts.models import Alert
from core import activity, clock
from core.models import Activity, Person
from monitors import facts, opensearch
from monitors.definitions import Definition
from monitors.errors import DefinitionError, MonitorsError, OpenSearchError
from monitors.findings import when
from monitors.models import Monitor, find_detection

log = structlog.get_logger(__name__)

PAGE_TIMEOUT_SECONDS = 2.0
BEAT_TIMEOUT_SECONDS = 20.0
MAX_EVENTS = 500
MAX_ALERTS = 200
KEPT_OPEN = timedelta(days=7)  # older alerts are not listened for by themselves; their page still asks
PROGRAM = "okta"


@dataclass(frozen=True)
class Deed:
    """Something that a step may ask for and Okta reports: how steps say it, and the event types that say it was done to a user."""

    done: str
    said: re.Pattern[str]
    types: tuple[str, ...]


DEEDS = (
    Deed(
        "sessions ended",
        re.compile(r"\b(end|clear)\b[^.]*\bsessions?\b", re.IGNORECASE),
        ("user.session.clear", "user.authentication.universal_logout"),
    ),
    Deed(
        "user suspended",
        re.compile(r"\bsuspend\b", re.IGNORECASE),
        ("user.lifecycle.suspend", "user.lifecycle.deactivate"),
    ),
    Deed(
        "password reset",
        re.compile(r"\breset\b[^.]*\bpassword\b", re.IGNORECASE),
        ("user.account.reset_password", "user.account.expire_password"),
    ),
    Deed(
        "factors reset",
        re.compile(r"\b(re-enrol|reset)\b[^.]*\b(factors?|Okta Verify)\b", re.IGNORECASE),
        ("user.mfa.factor.reset_all", "user.mfa.factor.deactivate"),
    ),
    Deed("role revoked", re.compile(r"\brevoke\b[^.]*\brole\b", re.IGNORECASE), ("user.account.privilege.revoke",)),
)
TYPES = {kind: deed.done for deed in DEEDS for kind in deed.types}


@dataclass(frozen=True)
class Report:
    """What Okta reported: what was done, when, by whom (an Okta id), and the event that says so."""

    done: str
    at: datetime
    actor: str
    uuid: str


@dataclass(frozen=True)
class Step:
    """One step: its words, whether it is ticked, since when and by whom (empty: by Okta), and what Okta reported of it."""

    key: str
    words: str
    wanted: tuple[str, ...]
    ticked: bool = False
    at: datetime | None = None
    person: str = ""
    reports: list[Report] = field(default_factory=list)

    @property
    def contains(self) -> bool:
        """Whether it is about containment, which comes before anything else."""
        return self.words.startswith("Contain:")


class NoSuchStep(Exception):
    """The runbook has no such step, or no longer."""

    code = "no_such_step"


def key_of(words: str) -> str:
    """Return what a step is known by in history: it survives a reordering, and a step said anew is another."""
    return hashlib.sha256(words.encode()).hexdigest()[:12]


def steps(definition: Definition, rows: Iterable[Activity]) -> list[Step]:
    """Return the runbook's steps, containment first, as the alert's history `rows` (any order) tells of them. Pure."""
    told: dict[str, list[Activity]] = {}
    for row in sorted(rows, key=lambda row: row.id):
        if row.action.startswith("runbook."):
            told.setdefault(str(row.data.get("step")), []).append(row)
    found = [_step(words, told.get(key_of(words), ())) for words in definition.runbook]
    return sorted(found, key=lambda step: not step.contains)


def steps_of(alert: Alert) -> list[Step]:
    """Return the steps of the alert's runbook, as it stands now; none without a detection, or when that left the catalogue."""
    try:
        definition = find_detection(alert.detection_id) if alert.detection_id else None
    except DefinitionError:
        definition = None
    if definition is None:
        return []
    return steps(definition, activity.history(alert).filter(action__startswith="runbook."))


@transaction.atomic
def tick(alert_id: int, key: str, by: Person, *, done: bool) -> None:
    """Tick a step, or take the tick back; said again it changes nothing. 404 for an alert or a step that is not there."""
    alert = get_object_or_404(Alert.objects.select_for_update(), pk=alert_id)
    step = next((one for one in steps_of(alert) if one.key == key), None)
    if step is None:
        raise NoSuchStep
    if step.ticked != done:
        activity.record("runbook.ticked" if done else "runbook.unticked", alert, by=by, step=key, words=step.words)


def listens(alert: Alert, found: Sequence[Step]) -> bool:
    """Whether there is a step that Okta could still report, and an index to hear it from."""
    return (
        alert.monitor_id is not None
        and alert.entity_type == "user"
        and alert.rehearsal_id is None
        and any(set(step.wanted) - {report.done for report in step.reports} for step in found)
    )


def hear(alert: Alert) -> None:
    """Ask the index, for somebody who waits, what was done since the alert's first event, and keep it. Raises MonitorsError."""
    if alert.monitor is not None and alert.entity_type == "user" and alert.rehearsal_id is None:
        _hear(alert.monitor, [alert], timeout=PAGE_TIMEOUT_SECONDS)


def hear_open() -> None:
    """Ask the same for the open alerts of the last days: one search an index. One that fails is logged, and holds up no other."""
    rows = (
        Alert.objects.exclude(status=Status.CLOSED)
        .filter(entity_type="user", rehearsal=None, monitor__isnull=False, last_seen__gte=clock.now() - KEPT_OPEN)
        .select_related("monitor")
        .order_by("-id")[:MAX_ALERTS]
    )
    by_index: dict[str, list[Alert]] = {}
    for alert in rows:
        assert alert.monitor is not None  # noqa: S101 - the filter says so
        by_index.setdefault(alert.monitor.index_pattern, []).append(alert)
    for pattern, alerts in by_index.items():
        assert alerts[0].monitor is not None  # noqa: S101 - as above
        try:
            _hear(alerts[0].monitor, alerts, timeout=BEAT_TIMEOUT_SECONDS)
        except MonitorsError as error:
            log.warning("runbook_not_heard", pattern=pattern, error=str(error))


def _step(words: str, rows: Sequence[Activity]) -> Step:
    wanted = tuple(deed.done for deed in DEEDS if deed.said.search(words))
    reports = [_report(row) for row in rows if row.action == "runbook.reported"]
    people = [row for row in rows if row.action != "runbook.reported"]
    step = Step(key_of(words), words, wanted, reports=reports)
    if people:
        last = people[-1]
        return Step(
            step.key, words, wanted, last.action == "runbook.ticked", last.at, str(last.person or ""), reports=reports
        )
    if wanted and {report.done for report in reports} >= set(wanted):
        return Step(step.key, words, wanted, ticked=True, at=max(report.at for report in reports), reports=reports)
    return step


def _report(row: Activity) -> Report:
    said = row.data
    at = when(said.get("at")) or row.at
    return Report(str(said.get("done")), at, str(said.get("actor") or ""), str(said.get("uuid") or ""))


def _hear(monitor: Monitor, alerts: Sequence[Alert], *, timeout: float) -> None:
    events = _ask(monitor, alerts, timeout)
    for alert in alerts:
        mine = [event for event in events if _is_about(event, alert)]
        if mine:
            _keep(alert, mine)


@transaction.atomic
def _keep(alert: Alert, events: Sequence[Mapping[str, Any]]) -> None:
    """Note each deed of each step once: the first event that says it."""
    Alert.objects.select_for_update().get(pk=alert.pk)  # two who look at once must not note it twice
    for step in steps_of(alert):
        known = {report.done for report in step.reports}
        for event in events:
            done = TYPES[str(event["eventType"])]
            if done in step.wanted and done not in known:
                known.add(done)
                activity.record(
                    "runbook.reported", alert, by=PROGRAM, step=step.key, words=step.words, done=done,
                    at=event.get("published"), uuid=event.get("uuid"), actor=facts.text(event, "actor.id") or "",
                )  # fmt: skip


def _ask(monitor: Monitor, alerts: Sequence[Alert], timeout: float) -> list[Mapping[str, Any]]:
    """Return the events of these users, the earliest first. Raises OpenSearchError when the answer is not whole."""
    profile = monitor.profile()
    time = profile.name("published")
    users = sorted({alert.entity_id for alert in alerts})
    names = [name for path in ("target.id", "target.alternateId") if (name := profile.find(path))]
    since = clock.to_ms(min(alert.first_seen for alert in alerts))
    body = {
        "size": MAX_EVENTS,
        "sort": [{time: "asc"}],
        "query": {
            "bool": {
                "filter": [
                    {"terms": {profile.name("eventType"): sorted(TYPES)}},
                    {"term": {profile.name("outcome.result"): "SUCCESS"}},
                    {"range": {time: {"gte": since, "format": "epoch_millis"}}},
                ],
                "should": [{"terms": {name: users}} for name in names],
                "minimum_should_match": 1,
            }
        },
    }
    answer = opensearch.search(profile.pattern, body, timeout=timeout)
    if answer["_shards"]["failed"] or answer["timed_out"]:
        raise OpenSearchError("OpenSearch gave only a part of what was done.")
    events = [profile.unwrap(hit.get("_source", {})) for hit in answer["hits"]["hits"]]
    return [event for event in events if event.get("eventType") in TYPES]


def _is_about(event: Mapping[str, Any], alert: Alert) -> bool:
    """Whether somebody else did it to the alert's user, after the alert's first event."""
    at = when(event.get("published"))
    if at is None or at < alert.first_seen:
        return False
    named = {
        str(target.get(name) or "").lower()
        for target in facts.targets(event, kind="User")
        for name in ("id", "alternateId")
    }
    by = {str(facts.read(event, f"actor.{name}") or "").lower() for name in ("id", "alternateId")}
    user = alert.entity_id.lower()
    return user in named and user not in by and alert.entity_name.lower() not in by
