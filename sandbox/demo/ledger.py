"""Which attack became which alert and which ticket, and how fast. Pure: facts in, a report out.

Everything is attributed by whom it is about. Other traffic on the same index has other people and addresses, so what it
raises is neither missed nor false here.
"""

import math
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sandbox.demo.issues import Issue
from sandbox.okta.truth import Attack

Pair = tuple[str, str]
"""A detection and the entity that it is about: a user's id, or an address."""
Event = Mapping[str, Any]


@dataclass(frozen=True)
class Alert:
    """An alert as the portal tells it."""

    id: int
    pair: Pair
    entity_type: str
    name: str
    sentence: str
    severity: int


@dataclass(frozen=True)
class Ticket:
    """A ticket as the portal tells it. `seconds_from_post` is None for what catch-up found."""

    alert: int
    key: str
    url: str
    created: datetime
    seconds_from_post: float | None


@dataclass
class Ledger:
    """What is known so far. Safe to use from several threads."""

    expected: set[Pair] = field(default_factory=set)
    indexed: dict[Pair, datetime] = field(default_factory=dict)
    involved: set[str] = field(default_factory=set)
    alerts: dict[int, Alert] = field(default_factory=dict)
    tickets: dict[int, Ticket] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.changed = threading.Condition()

    def expect(self, events: Iterable[Event], attacks: Iterable[Attack]) -> None:
        """Take traffic that is about to be played, and what has to be found in it."""
        with self.changed:
            self.involved |= involved(events)
            self.expected |= {(each.detection, each.entity) for attack in attacks for each in attack.expect}

    def take_indexed(self, attack: Attack, at: datetime) -> None:
        """OpenSearch answered at this time that it holds the event which decides the attack."""
        with self.changed:
            self.indexed.update({(each.detection, each.entity): at for each in attack.expect})

    def take(self, fact: Mapping[str, Any]) -> Alert | Ticket | None:
        """Take a line of `follow --json`; return what it tells, None if it is about other traffic."""
        with self.changed:
            told = self._ticket(fact) if fact["kind"] == "ticket" else self._alert(fact)
            self.changed.notify_all()
            return told

    def wait(self, seconds: float) -> bool:
        """Return once every expected pair has its ticket, or after so many seconds; whether they all have."""
        with self.changed:
            return self.changed.wait_for(lambda: not self.open_pairs(), timeout=seconds)

    def open_pairs(self) -> set[Pair]:
        """The expected pairs that have no ticket yet."""
        return self.expected - {self.alerts[alert].pair for alert in self.tickets}

    def seconds_from_event(self, ticket: Ticket) -> float | None:
        """From OpenSearch's answer for the deciding event to the ticket; None for what is no attack of ours."""
        at = self.indexed.get(self.alerts[ticket.alert].pair)
        return (ticket.created - at).total_seconds() if at else None

    def _alert(self, fact: Mapping[str, Any]) -> Alert | None:
        if fact["entity_type"] != "source" and fact["entity"].lower() not in self.involved:
            return None
        pair = (fact["detection"], fact["entity"])
        alert = Alert(
            fact["alert"], pair, fact["entity_type"], fact["name"], printable(fact["sentence"]), fact["severity"]
        )
        self.alerts[alert.id] = alert
        return alert

    def _ticket(self, fact: Mapping[str, Any]) -> Ticket | None:
        if fact["alert"] not in self.alerts:
            return None
        created = datetime.fromisoformat(fact["created_at"])
        ticket = Ticket(fact["alert"], fact["key"], fact["url"], created, fact["seconds_from_post"])
        self.tickets[ticket.alert] = ticket
        return ticket


def report(ledger: Ledger, issues: Sequence[Issue]) -> dict[str, Any]:
    """What became of the attacks, by the portal and by Jira itself; it is a success when nothing is missed or false."""
    from_event = [ledger.seconds_from_event(ticket) for ticket in ledger.tickets.values()]
    from_post = [ticket.seconds_from_post for ticket in ledger.tickets.values()]
    return {
        "attacks": len(ledger.expected),
        "alerts": len(ledger.alerts),
        "tickets": len(ledger.tickets),
        "missed": list(_missed(ledger, {issue.key for issue in issues})),
        "false_alerts": list(_false(ledger, issues)),
        "seconds_event_to_ticket": quantiles(from_event),
        "seconds_post_to_ticket": quantiles(from_post),
    }


def _missed(ledger: Ledger, keys: set[str]) -> Iterator[str]:
    """Say which pairs have no alert, which alerts no ticket, and which tickets Jira does not hold."""
    for pair in sorted(ledger.expected - {alert.pair for alert in ledger.alerts.values()}):
        yield f"{_words(pair)}: no alert"
    for alert in ledger.alerts.values():
        ticket = ledger.tickets.get(alert.id)
        if ticket is None:
            yield f"{_words(alert.pair)}: no ticket for A-{alert.id}"
        elif ticket.key not in keys:
            yield f"{_words(alert.pair)}: Jira holds no {ticket.key}"


def _false(ledger: Ledger, issues: Sequence[Issue]) -> Iterator[str]:
    """Say which alerts are about something harmless or double another, and which issues nobody owns up to."""
    first: dict[Pair, Alert] = {}
    for alert in ledger.alerts.values():
        if alert.pair not in ledger.expected:
            yield f"{_words(alert.pair)}: A-{alert.id} is about something harmless"
        elif first.setdefault(alert.pair, alert) is not alert:
            yield f"{_words(alert.pair)}: A-{alert.id} doubles A-{first[alert.pair].id}"
    told = {ticket.key for ticket in ledger.tickets.values()}
    names = {alert.name for alert in ledger.alerts.values()}
    for issue in issues:
        if issue.key not in told and issue.about in names:
            yield f"{issue.key} in Jira belongs to no alert: {printable(issue.summary)}"


def quantiles(values: Iterable[float | None]) -> dict[str, float | int | None]:
    """Return p50 and p95 (nearest rank, in the values' unit; None without values) and how many values there are."""
    known = sorted(value for value in values if value is not None)

    def rank(share: float) -> float | None:
        return round(known[math.ceil(share * len(known)) - 1], 3) if known else None

    return {"p50": rank(0.5), "p95": rank(0.95), "n": len(known)}


def involved(events: Iterable[Event]) -> set[str]:
    """Whoever these events name: ids, logins and addresses, in lower case."""
    found: set[str] = set()
    for event in events:
        people = [event.get("actor") or {}, *(event.get("target") or [])]
        found |= {str(value).lower() for one in people for value in (one.get("id"), one.get("alternateId")) if value}
        address = (event.get("client") or {}).get("ipAddress")
        if address:
            found.add(str(address).lower())
    return found


def printable(text: str) -> str:
    """The text on one line of a terminal: whoever caused an event also chose some of its words."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)


def _words(pair: Pair) -> str:
    return f"{pair[0]} {printable(pair[1])}"
