"""
Figures that are dear to ask the database for, kept for a while.

What takes less than DEAR is asked for each time: in most installations every figure is of this moment. What takes longer is kept, and a
worker asks for it again once it is SHARE times as old as asking took, so that keeping a figure fresh takes a SHAREth of the
database's time, however many alerts there are.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Min, QuerySet

from alerts.models import Figure
from core import clock

DEAR = 0.2  # seconds
SHARE = 600
OLDEST = timedelta(days=1)  # for which nobody looked at the workers either

Rows = Sequence[Sequence[Any]]
Ask = Callable[[int], Rows]


def rows(name: str, days: int, ask: Ask) -> Rows:
    """Return what `ask(days)` answers, or answered when it was last asked for. Its values are plain: JSON holds them as they are."""
    kept = _kept(days).filter(name=name).first()
    return kept.rows if kept else _ask(name, days, ask)


def kept_since(days: int) -> datetime | None:
    """Return of when the oldest of the figures of so many days is; None when all of them are of this moment."""
    oldest: datetime | None = _kept(days).aggregate(at=Min("at"))["at"]
    return oldest


def _kept(days: int) -> QuerySet[Figure]:
    return Figure.objects.filter(days=days, at__gte=clock.now() - OLDEST)


def refresh(asks: Mapping[str, Ask]) -> int:
    """Ask again for what is old enough, and drop what is dear no more. Return how many were asked for."""
    old = [one for one in Figure.objects.all() if clock.now() - one.at >= timedelta(seconds=one.took * SHARE)]
    for one in old:
        _ask(one.name, one.days, asks[one.name])
        Figure.objects.filter(
            pk=one.pk, at=one.at
        ).delete()  # asking took less than DEAR, so nothing was kept in its place
    return len(old)


def _ask(name: str, days: int, ask: Ask) -> Rows:
    at, began = clock.now(), time.perf_counter()
    found = ask(days)
    took = time.perf_counter() - began
    if took >= DEAR:
        Figure.objects.update_or_create(name=name, days=days, defaults={"rows": found, "at": at, "took": took})
    return found
