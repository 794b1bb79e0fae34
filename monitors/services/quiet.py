"""
Whether indices are still written to: a pipeline that stopped looks like a quiet day, and no monitor can tell the two apart.

An index is quiet when its newest event is older than OKTADETECT_INDEX_QUIET_SECONDS and, by the day before that event, several
would have been usual in that time.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import QuerySet

from core import clock
from monitors import opensearch
from monitors.errors import OpenSearchError
from monitors.models import IndexProfile, Monitor

USUAL = 10  # events that a silence must have swallowed, by the day before it, to be one
A_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Quiet:
    """An index whose newest event lies too long ago; `usual` events an hour were there before, None where that cannot be asked now."""

    pattern: str
    newest_at: datetime
    usual: int | None


def measure() -> None:
    """Keep the newest event of every index that an enabled monitor searches. One that cannot be asked keeps what was known."""
    for row in _searched():
        try:
            newest = _newest(row)
        except OpenSearchError:
            continue  # that OpenSearch is away is said by every monitor's own fault
        if newest is not None and newest != row.newest_event_at:
            IndexProfile.objects.filter(pk=row.pk).update(newest_event_at=newest)


def late_indices() -> list[Quiet]:
    """Return the indices gone quiet; those that were never busy are not among them. One search for each whose newest event is late."""
    limit = timedelta(seconds=settings.OKTADETECT_INDEX_QUIET_SECONDS)
    if not limit:
        return []
    found = []
    for row in _searched().filter(newest_event_at__lt=clock.now() - limit):
        assert row.newest_event_at is not None  # noqa: S101 - the filter says so
        try:
            a_day = _events(row, row.newest_event_at - A_DAY, row.newest_event_at)
        except OpenSearchError:
            found.append(Quiet(row.pattern, row.newest_event_at, None))
            continue
        if a_day * (limit / A_DAY) >= USUAL:
            found.append(Quiet(row.pattern, row.newest_event_at, round(a_day / 24)))
    return found


def _searched() -> QuerySet[IndexProfile]:
    """Return the indices that a monitor of ours searches now."""
    monitors = Monitor.objects.filter(enabled=True, kept__isnull=True).order_by()
    return IndexProfile.objects.filter(pattern__in=monitors.values("index_pattern"))


def _newest(row: IndexProfile) -> datetime | None:
    """Return when the newest event happened, of those that lie not in the future; None where there is none."""
    name = row.profile().find("published")
    if name is None:
        return None
    body = {
        "size": 0,
        "query": {"range": {name: {"lte": clock.to_ms(clock.now()), "format": "epoch_millis"}}},
        "aggs": {"newest": {"max": {"field": name}}},
    }
    value = opensearch.search(row.pattern, body).get("aggregations", {}).get("newest", {}).get("value")
    return clock.from_ms(int(value)) if value else None


def _events(row: IndexProfile, begin: datetime, end: datetime) -> int:
    name = row.profile().name("published")
    span = {"gte": clock.to_ms(begin), "lte": clock.to_ms(end), "format": "epoch_millis"}
    body = {"size": 0, "track_total_hits": 100_000, "query": {"range": {name: span}}}
    return int(opensearch.search(row.pattern, body)["hits"]["total"]["value"])
