"""
The picture of a burst: how many events lay within the detection's window at each moment, beside its limit. Pure.

That number is what the detection judges, so the line crosses the limit where it fired. It counts the events that were told, at
most 25; of a larger burst the rest is missing, and the picture says so.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from alerts.models import Alert, Occurrence
from alerts.okta import event_words
from alerts.views.observed import definition_of, in_words
from monitors.definitions import Definition
from monitors.findings import duration, when

WIDTH, HEIGHT = 720, 168
LEFT, RIGHT, TOP, BOTTOM = 32, 12, 16, 24
PROGRAMS = ("threshold", "ordered")


@dataclass(frozen=True)
class Point:
    """One event: its place, its time, what it was in words, and how many lay within the window with it (0: it is what came after)."""

    x: float
    y: float
    at: datetime
    words: str
    count: int


@dataclass(frozen=True)
class Timeline:
    """The chart in its own units, and what it says in words."""

    points: list[Point]
    line: str
    shade_x: float
    shade_width: float
    limit: str
    limit_y: float
    window: str
    top: int
    sentence: str
    left_out: int

    width, height = WIDTH, HEIGHT
    left, floor, right = LEFT, HEIGHT - BOTTOM, WIDTH - RIGHT

    @property
    def shade_height(self) -> int:
        """The height of the window's shade."""
        return HEIGHT - BOTTOM - TOP

    ceiling = TOP


def timeline(alert: Alert, shown: Occurrence | None, events: Sequence[Any]) -> Timeline | None:
    """Return the picture of the events of the shown occurrence; None where the detection counts none within a window."""
    definition = definition_of(alert)
    if definition is None or definition.program not in PROGRAMS or shown is None:
        return None
    window, limit = _setting(definition, alert, "window"), _setting(definition, alert, "n")
    timed = sorted(
        ((at, event) for event in events if isinstance(event, Mapping) and (at := when(event.get("t"))) is not None),
        key=lambda pair: pair[0],
    )
    if not window or not limit or len(timed) < 2:
        return None
    length = timedelta(minutes=window)
    counted = timed if definition.program == "threshold" else timed[:-1]
    counts = [sum(1 for other, _ in counted[: n + 1] if at - other <= length) for n, (at, _) in enumerate(counted)]
    most = max(counts)
    end = counted[counts.index(most)][0]
    begin = next(at for at, _ in counted if end - at <= length)
    return _drawn(timed, counts, (begin, end), (limit, length), max(shown.count - len(timed), 0))


def _drawn(
    timed: Sequence[tuple[datetime, Mapping[str, Any]]],
    counts: Sequence[int],
    shade: tuple[datetime, datetime],
    judged: tuple[int, timedelta],
    left_out: int,
) -> Timeline:
    limit, length = judged
    first, last = timed[0][0], timed[-1][0]
    seconds = max((last - first).total_seconds(), 1.0)
    top = max(*counts, limit)

    def x(at: datetime) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * (at - first).total_seconds() / seconds, 1)

    def y(count: float) -> float:
        return round(HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * count / top, 1)

    padded = [*counts, *[0] * (len(timed) - len(counts))]
    points = [
        Point(x(at), y(count), at, event_words(event), count) for (at, event), count in zip(timed, padded, strict=True)
    ]
    path = f"M{points[0].x} {y(0)}" + "".join(f"H{point.x}V{point.y}" for point in points if point.count)
    most = max(counts)
    verdict = "at or over" if most >= limit else "under"
    return Timeline(
        points=points,
        line=path,
        shade_x=x(shade[0]),
        shade_width=round(max(x(shade[1]) - x(shade[0]), 2), 1),
        limit=in_words(limit),
        limit_y=y(limit),
        window=duration(length.total_seconds()),
        top=top,
        sentence=f"Up to {most} of these events within {duration(length.total_seconds())}, {verdict} the limit of {in_words(limit)}.",
        left_out=left_out,
    )


def _setting(definition: Definition, alert: Alert, name: str) -> int | None:
    """Return a setting of the program as it was when it fired: a number, or the parameter that it names."""
    value = definition.settings.get(name)
    if isinstance(value, str) and value.startswith("$"):
        value = alert.limits.get(value[1:])
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None
