"""Each observed value beside its limit, in words and as a bar."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from alerts.models import Alert
from monitors.definitions import Definition, Observation
from monitors.errors import DefinitionError
from monitors.findings import duration
from monitors.models import find_detection

LEAST_PER_CENT = 2.0  # a tick at the very edge would not be seen


@dataclass(frozen=True)
class Bar:
    """A number and its limit on one scale, in per cent of its length, 0 to 100."""

    filled: float
    limit: float


@dataclass(frozen=True)
class Reading:
    """What was observed: its name, the value in words, the limit in words (empty: it has none), how they compare, and a bar for numbers."""

    label: str
    value: str
    limit: str = ""
    comparison: str = ""
    bar: Bar | None = None

    @property
    def phrase(self) -> str:
        """The value with its name where that reads as one: "14 refused pushes", "1,240 km/h"."""
        unitless = self.value.replace(",", "").isdigit() and self.value != "1"
        return f"{self.value} {self.label[:1].lower()}{self.label[1:]}" if unitless else self.value


def definition_of(alert: Alert) -> Definition | None:
    """Return the alert's detection; None for others' monitors, and for one that left the catalogue."""
    try:
        return find_detection(alert.detection_id) if alert.detection_id else None
    except DefinitionError:
        return None


def readings(alert: Alert, observed: Mapping[str, Any]) -> list[Reading]:
    """Return what was observed, as the detection declares it. Without a detection: how many events matched."""
    definition = definition_of(alert)
    declared = definition.observed if definition else (Observation("count", "Events"),)
    return [
        _reading(one, observed[one.value], alert.limits.get(one.limit or ""))
        for one in declared
        if observed.get(one.value) is not None
    ]


def headline(alert: Alert) -> Reading | None:
    """Return the one reading that stands in a row of the queue: the first with a limit, else the first."""
    found = readings(alert, alert.observed)
    return next((one for one in found if one.limit), found[0] if found else None)


def in_words(value: Any) -> str:
    """Return an observed value as people read it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return f"{value:,}" if isinstance(value, int) else f"{value:,.1f}"
    if isinstance(value, list):
        return ", ".join(in_words(item) for item in value)
    return str(value)


def _reading(one: Observation, value: Any, limit: Any) -> Reading:
    timed = one.unit == "s" and _is_number(value)
    words = duration(value) if timed else f"{in_words(value)} {one.unit}".rstrip()
    if limit is None:
        return Reading(one.label, words)
    said = f"limit {in_words(limit)}"  # the unit stands with the value
    if not _is_number(value) or not _is_number(limit):
        return Reading(one.label, words, said)
    return Reading(one.label, words, said, _comparison(value, limit), bar(value, limit))


def _comparison(value: float, limit: float) -> str:
    if value == limit:
        return "at the limit"
    if value < limit:
        return "under the limit"
    return f"{value / limit:,.0f} times the limit" if limit > 0 and value >= 2 * limit else "over the limit"


def bar(value: float, limit: float) -> Bar:
    """Return a number and its limit on one scale; the limit is always seen."""
    most = max(value, limit, 1)
    tick = min(max(100 * limit / most, LEAST_PER_CENT), 100 - LEAST_PER_CENT / 2)
    return Bar(filled=round(max(100 * value / most, 0), 1), limit=round(tick, 1))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
