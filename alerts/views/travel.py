"""
The picture of a journey that nobody made: two places on a map. Pure.

The map is equirectangular, two units a degree, from 180° W and 90° N (static/vendor/world-atlas-*/land.svg). The line joins the
places for the eye; it is no route.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from alerts.models import Alert
from alerts.okta import place_words
from alerts.views.observed import definition_of, in_words
from monitors.findings import duration, when

WIDTH, HEIGHT = 720.0, 300.0
ASPECT = 2.9
LEAST_WIDTH = 110.0  # 55 degrees: closer than that, the outline of land says little
NAME_SHARE = 0.2  # half of a long name, as a share of the frame
MARGIN = 1.5  # the frame is this much wider than the places lie apart


@dataclass(frozen=True)
class Place:
    """Where one sign-in came from, in the map's units; `anchor` keeps its name inside the frame."""

    name: str
    at: datetime | None
    x: float
    y: float
    anchor: str
    label_y: float


@dataclass(frozen=True)
class Journey:
    """Both places, the frame around them, the line between them, and the figures in words. `unit` is a pixel's share of the frame."""

    start: Place
    end: Place
    view_box: str
    unit: float
    line: str
    distance: str
    time: str
    speed: str
    limit: str
    looked_up: bool

    @property
    def places(self) -> tuple[Place, Place]:
        """Both, in the order of the sign-ins."""
        return self.start, self.end

    def pixels(self, count: float) -> float:
        """Return a length on the screen in the map's units, so that a dot is a dot in whatever frame."""
        return round(count * self.unit, 2)

    @property
    def dot(self) -> float:
        """The radius of a place."""
        return self.pixels(5)

    @property
    def font(self) -> float:
        """The size of a name."""
        return self.pixels(12)

    @property
    def halo(self) -> float:
        """The width of a stroke: of the line, and around a name that stands on land."""
        return self.pixels(2)

    @property
    def dash(self) -> str:
        """The pattern of the line."""
        return f"{self.pixels(5)} {self.pixels(4)}"


def journey(alert: Alert, observed: Mapping[str, Any], events: Sequence[Any]) -> Journey | None:
    """Return the picture of a travel detection's completed events; None for others, and where a place is not known."""
    definition = definition_of(alert)
    located = [event for event in events if isinstance(event, Mapping) and _is_located(event)]
    if definition is None or definition.program != "travel" or len(located) < 2:
        return None
    ends = (located[0], located[-1])
    (ax, ay), (bx, by) = points = [_project(event) for event in ends]
    x, y, width, height = _frame(points)
    start = _place(ends[0], points[0], (x, width), above=ay <= by)
    end = _place(ends[1], points[1], (x, width), above=ay > by)
    limit = alert.limits.get("max_kmh")
    return Journey(
        start=start,
        end=end,
        view_box=f"{x:.1f} {y:.1f} {width:.1f} {height:.1f}",
        unit=width / WIDTH,
        line=f"M{ax:.1f} {ay:.1f}L{bx:.1f} {by:.1f}",
        distance=f"{in_words(observed.get('km', 0))} km",
        time=duration(observed.get("seconds")),
        speed=f"{in_words(observed.get('kmh', 0))} km/h",
        limit=f"{in_words(limit)} km/h" if limit is not None else "",
        looked_up=any("lat" in event["looked_up"] for event in ends),
    )


def _is_located(event: Mapping[str, Any]) -> bool:
    lat, lon = event.get("lat"), event.get("lon")
    return isinstance(lat, int | float) and isinstance(lon, int | float) and -90 <= lat <= 90 and -180 <= lon <= 180


def _project(event: Mapping[str, Any]) -> tuple[float, float]:
    return (event["lon"] + 180) * 2, (90 - event["lat"]) * 2


def _frame(points: Sequence[tuple[float, float]]) -> tuple[float, float, float, float]:
    """Return x, y, width and height of a frame of the map's shape that holds both points with room around them, within the world."""
    (ax, ay), (bx, by) = points
    width = min(max(abs(ax - bx) * MARGIN, abs(ay - by) * MARGIN * ASPECT, LEAST_WIDTH), WIDTH)
    height = min(width / ASPECT, HEIGHT)
    x = min(max((ax + bx) / 2 - width / 2, 0), WIDTH - width)
    y = min(max((ay + by) / 2 - height / 2, 0), HEIGHT - height)
    return x, y, width, height


def _place(event: Mapping[str, Any], point: tuple[float, float], frame: tuple[float, float], *, above: bool) -> Place:
    """Return a place whose name stands on the side that the line does not take, and inside the frame (left edge and width)."""
    x, y = point
    left, width = frame
    unit = width / WIDTH
    share = (x - left) / width
    anchor = "start" if share < NAME_SHARE else "end" if share > 1 - NAME_SHARE else "middle"
    return Place(
        name=place_words(event)[:40],
        at=when(event.get("t")),
        x=round(x, 1),
        y=round(y, 1),
        anchor=anchor,
        label_y=round(y + (-12 if above else 21) * unit, 1),
    )
