"""
How OpenSearch stands, as the first run asks it: whether it answers, whether the index holds Okta's events, and where it posts.

Each costs at most the timeouts of what it asks, changes nothing, and raises what `monitors.opensearch` raises.
"""

import ipaddress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.db import models

from core import clock
from monitors import opensearch, profiles
from monitors.errors import NotFound, OpenSearchError
from monitors.models import IndexProfile, Monitor, every_detection
from monitors.services import cluster, push

LOOK_SECONDS = 5.0
LATE = timedelta(hours=1)  # an index whose newest event is older is not written to any more
NAMED = 3


class State(models.TextChoices):
    """How a step stands."""

    DONE = "done", "Done"
    WAITING = "waiting", "Waiting"
    FAILED = "failed", "Failed"


@dataclass(frozen=True)
class Told:
    """
    How a step stands, in words; `at` is when it was last seen to be so. `fix` is what to do next, `command` in a shell.

    `notes` are worth knowing and keep nothing from working.
    """

    state: State
    words: str
    fix: str = ""
    command: str = ""
    at: datetime | None = None
    notes: tuple[str, ...] = field(default=())


def of_opensearch() -> Told:
    if not settings.OPENSEARCH_URL:
        words = "Give its address in OPENSEARCH_URL, with OPENSEARCH_USER and OPENSEARCH_PASSWORD, and start anew."
        return Told(State.WAITING, "No OpenSearch is set.", words)
    version = opensearch.version(timeout=LOOK_SECONDS)
    try:
        opensearch.find_monitors("oktadetect")
    except OpenSearchError as error:
        if "no handler found" not in str(error):
            raise
        words = f"OpenSearch {version} answers, without its Alerting plugin."
        return Told(
            State.FAILED, words, "Install its Alerting and Notifications plugins: the stock distribution has both."
        )
    notes = tuple(one.sentence for one in cluster.check())
    return Told(
        State.DONE,
        f"OpenSearch {version} at {settings.OPENSEARCH_URL}, with Alerting.",
        command="manage.py okta check-cluster" if notes else "",
        notes=notes,
    )


def of_index() -> Told:
    pattern = _searched()
    caps = opensearch.field_caps(pattern)
    if not caps:
        return Told(
            State.WAITING,
            f"No index matches {pattern}, or none holds an event yet.",
            "Point OKTADETECT_INDEX_PATTERN at Okta's System Log, or bring it in: install the index template first.",
            f"manage.py okta template && manage.py okta load FILE  # or check-index {pattern}",
        )
    row = IndexProfile.objects.filter(pattern=pattern).first()
    learnt = profiles.learn(pattern, caps)
    profile = row.corrected(learnt) if row else learnt
    known = every_detection()
    lacking = [(one.title, found) for one in known if (found := profiles.lacks(profile, one.needs()))]
    notes = tuple(f"{title} lacks {', '.join(found[:NAMED])}." for title, found in lacking[:NAMED])
    more = (f"{len(lacking) - NAMED} more lack a field, too.",) if len(lacking) > NAMED else ()
    serves = f"it can serve {len(known) - len(lacking)} of {len(known)} detections"
    check = f"manage.py okta check-index {pattern}"
    newest = _newest(pattern, profile.find("published"))
    if newest is None:
        fix = "Look whether the pipeline brings Okta's events with their time (published)."
        return Told(State.WAITING, f"{pattern} is there and holds no event yet; {serves}.", fix, check)
    if newest < clock.now() - LATE:
        fix = (
            "Its newest event is too old for monitors to find anything. Look at the pipeline that brings Okta's events."
        )
        return Told(
            State.FAILED, f"{pattern} holds events; {serves}. The newest happened", fix, check, newest, notes + more
        )
    if len(lacking) == len(known):
        return Told(
            State.FAILED,
            f"{pattern} holds events, but {serves}.",
            "Correct its profile in the admin.",
            check,
            newest,
            notes,
        )
    return Told(State.DONE, f"{pattern} holds events; {serves}. The newest happened", "", check, newest, notes + more)


def _newest(pattern: str, name: str | None) -> datetime | None:
    """Return when the newest event happened, of those that lie not in the future."""
    if name is None:
        return None
    until = {"range": {name: {"lte": clock.to_ms(clock.now()), "format": "epoch_millis"}}}
    body = {"size": 0, "query": until, "aggs": {"newest": {"max": {"field": name}}}}
    value = (
        opensearch.search(pattern, body, timeout=LOOK_SECONDS).get("aggregations", {}).get("newest", {}).get("value")
    )
    return clock.from_ms(int(value)) if value else None


def _searched() -> str:
    """Return the index pattern that is looked at: the oldest monitor's, else the one that is set."""
    known = Monitor.objects.filter(kept__isnull=True).order_by("created_at").values_list("index_pattern", flat=True)
    return known.first() or settings.OKTADETECT_INDEX_PATTERN


def of_channel() -> Told:
    try:
        config = opensearch.read_channel(push.CHANNEL_ID)
    except NotFound:
        return Told(
            State.WAITING, "OpenSearch has no channel of ours yet.", "The first push makes it, with a token of its own."
        )
    fault = push.channel_fault(config)
    if fault:
        return Told(State.FAILED, fault, "Write it anew.")
    if not push.token_is_live(config):
        return Told(State.FAILED, "The channel carries a token that lets nobody in.", "Write it anew.")
    notes: tuple[str, ...] = ()
    if _is_loopback(settings.OKTADETECT_WEBHOOK_URL) and not _is_loopback(settings.OPENSEARCH_URL):
        notes = ("That address means OpenSearch's own machine. Give one that it reaches in OKTADETECT_WEBHOOK_URL.",)
    return Told(State.DONE, f"The channel posts to {push.webhook_url()}, with a live token.", notes=notes)


def _is_loopback(address: str) -> bool:
    host = urlsplit(address).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
