"""
What a POST says. Pure: raw bytes in, a typed message out, or Unreadable with its reason.

Five kinds come: our envelope `oktadetect/1`; the whole `ctx` that an article-style monitor sends; any other JSON (bucket- and
document-level monitors of others); plain text; and what OpenSearch posts when somebody tests a channel. Facts about bodies:
recordings of the real sender.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from core.text import storable
from monitors import facts
from monitors.findings import when

MAX_TEXT = 20_000
TEST_MESSAGE = re.compile(r"Test message content body for config id \S{1,100}")


class Unreadable(ValueError):
    """Nothing can be made of the body; `str()` is the reason that its quarantine shows."""


@dataclass(frozen=True)
class Envelope:
    """Our own message. `results` is `ctx.results` whole; `error` the search's or condition's fault, empty when there is none."""

    trigger: str
    revision: str
    monitor_id: str
    period_start: datetime
    period_end: datetime
    error: str
    results: Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Group:
    """What somebody else's monitor found about one entity: its events as they were sent, oldest first."""

    entity_type: str
    entity_id: str
    entity_name: str
    events: Sequence[tuple[datetime, Mapping[str, Any]]]


@dataclass(frozen=True)
class Foreign:
    """A message of somebody else's monitor: every hit of its `ctx`, by entity. `unread` says which hits could not be placed in time."""

    name: str
    severity: int | None
    groups: Sequence[Group]
    text: str
    unread: Sequence[str] = ()


@dataclass(frozen=True)
class ChannelTest:
    """The text that OpenSearch posts when somebody tests a channel: it says that the way is open, and nothing more."""


Message = Envelope | Foreign | ChannelTest


def read(body: bytes) -> Message:
    """Return what the body says. Raises Unreadable."""
    if not body.strip():
        raise Unreadable("The body is empty.")
    text = _decode(body)
    if TEST_MESSAGE.fullmatch(text.strip()):
        return ChannelTest()
    if text.lstrip()[:1] not in {"{", "["}:
        return Foreign(name="", severity=None, groups=(), text=storable(text)[:MAX_TEXT])
    try:
        data = storable(orjson.loads(text))
    except orjson.JSONDecodeError as error:
        raise Unreadable(
            f"It is no valid JSON: {error}. Look at the message template of the monitor that sent it."
        ) from error
    except RecursionError as error:
        raise Unreadable("Its JSON is nested too deeply.") from error
    if isinstance(data, Mapping) and "oktadetect" in data:
        return _envelope(data)
    return _foreign(data, text)


def hits(results: Sequence[Mapping[str, Any]]) -> Foreign:
    """Return the hits of `ctx.results` by entity, as those of somebody else's whole `ctx` are read."""
    return _foreign({"ctx": {"results": list(results)}}, "")


def _decode(body: bytes) -> str:
    encoding = "utf-16" if body[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8-sig"
    try:
        return body.decode(encoding)
    except UnicodeDecodeError as error:
        raise Unreadable(
            f"It is no {encoding.removesuffix('-sig').upper()} text: {error.reason} at byte {error.start}."
        ) from error


def _envelope(data: Mapping[str, Any]) -> Envelope:
    if data["oktadetect"] != 1:
        raise Unreadable(f"It is an envelope of version {str(data['oktadetect'])[:20]}; this version reads 1.")
    trigger, results = data.get("trigger"), data.get("results")
    start, end = when(data.get("period_start")), when(data.get("period_end"))
    if not isinstance(trigger, str) or not trigger:
        raise Unreadable("The envelope names no trigger, so it comes from no monitor of ours.")
    if start is None or end is None:
        raise Unreadable("The envelope names no period.")
    if not isinstance(results, list) or not all(isinstance(result, dict) for result in results):
        raise Unreadable("The envelope carries no results.")
    return Envelope(
        trigger=trigger,
        revision=str(data.get("revision", "")),
        monitor_id=str(data.get("monitor_id", "")),
        period_start=start,
        period_end=end,
        error=str(data.get("error") or ""),
        results=results,
    )


def _foreign(data: Any, text: str) -> Foreign:
    ctx = data.get("ctx", data) if isinstance(data, Mapping) else {}
    ctx = ctx if isinstance(ctx, Mapping) else {}
    groups: dict[tuple[str, str], list[tuple[datetime, Mapping[str, Any]]]] = {}
    names: dict[tuple[str, str], str] = {}
    unread = []
    for event in _events(ctx):
        at = when(event.get("published")) or when(event.get("@timestamp"))
        kind, identity, name = _entity(event)
        if at is None:
            unread.append(f"an event of {name or 'nobody'} has no time")
        elif identity:
            groups.setdefault((kind, identity), []).append((at, event))
            names[kind, identity] = name
        else:
            unread.append(f"the event {str(event.get('uuid'))[:60]} names nobody")
    message = data.get("message") if isinstance(data, Mapping) else None
    return Foreign(
        name=_name(ctx),
        severity=_severity(ctx),
        groups=[
            Group(kind, identity, names[kind, identity], sorted(events, key=lambda pair: pair[0]))
            for (kind, identity), events in groups.items()
        ],
        text=(message if isinstance(message, str) and message else text)[:MAX_TEXT],
        unread=unread,
    )


def _events(ctx: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield every hit's event of every result: the whole `_source`, or what an EventBridge-like wrapper holds in it."""
    results = ctx.get("results")
    for result in results if isinstance(results, list) else []:
        hits = facts.read(result, "hits.hits") if isinstance(result, Mapping) else None
        for hit in hits if isinstance(hits, list) else []:
            source = hit.get("_source") if isinstance(hit, Mapping) else None
            if isinstance(source, Mapping):
                detail = source.get("detail")
                yield detail if isinstance(detail, Mapping) and "eventType" in detail else source


def _entity(event: Mapping[str, Any]) -> tuple[str, str, str]:
    """Return (type, id, name) of whom an event is about: its user, else its address; an empty id for nobody."""
    name = facts.text(event, "actor.alternateId")
    identity = facts.entity_id(event, ("actor.id", "actor.alternateId"))
    if identity is not None:
        return "user", identity, name or identity
    address = facts.text(event, "client.ipAddress")
    return ("ip", address, address) if address else ("user", "", "")


def _name(ctx: Mapping[str, Any]) -> str:
    for key in ("monitor", "monitor_name", "mon", "m", "trigger"):
        value = ctx.get(key)
        found = value.get("name") if isinstance(value, Mapping) else value
        if isinstance(found, str) and found.strip():
            return found.strip()[:120]
    return ""


def _severity(ctx: Mapping[str, Any]) -> int | None:
    trigger = ctx.get("trigger")
    said = trigger.get("severity") if isinstance(trigger, Mapping) else ctx.get("severity", ctx.get("sev"))
    return int(str(said)) if str(said) in {"1", "2", "3", "4", "5"} else None
