"""The geometry of the charts that pages draw as SVG: numbers in, rectangles out. Pure."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

MAX_BINS = 40


@dataclass(frozen=True)
class Bar:
    """One bar: its place and size in the chart's own units, its value, and what it is about."""

    x: float
    y: float
    width: float
    height: float
    value: int
    label: str


def bars(values: Sequence[tuple[str, int]], *, width: int, height: int, largest: int = 0) -> list[Bar]:
    """Return a bar for each (label, value), side by side over the width; the largest is as high as the chart. Zero has no height."""
    top = max([largest, 1, *(value for _, value in values)])
    step = width / max(len(values), 1)
    found = []
    for place, (label, value) in enumerate(values):
        high = max(2.0, height * value / top) if value else 0.0
        found.append(
            Bar(
                round(place * step + 1, 2),
                round(height - high, 2),
                round(max(step - 2, 1), 2),
                round(high, 2),
                value,
                label,
            )
        )
    return found


@dataclass(frozen=True)
class Bin:
    """How many values lie from `low` up to and with `high`; `more` says that larger ones are counted in, too."""

    low: int
    high: int
    number: int
    more: bool = False

    @property
    def label(self) -> str:
        """Its range in words."""
        if self.more:
            return f"{self.low} or more"
        return str(self.low) if self.low == self.high else f"{self.low} to {self.high}"


def bins(counts: Mapping[int, int], *, floor: int, reach: int) -> list[Bin]:
    """Return the values in at most MAX_BINS bins of one width, from `floor` to `reach`; what lies above is counted in the last."""
    highest = max(reach, floor)
    size = math.ceil((highest - floor + 1) / MAX_BINS)
    found = []
    for low in range(floor, highest + 1, size):
        high, is_last = low + size - 1, low + size > highest
        inside = [(value, number) for value, number in counts.items() if low <= value and (is_last or value <= high)]
        more = any(value > high for value, _ in inside)
        found.append(Bin(low, high, sum(number for _, number in inside), more))
    return found


def logarithmic(number: int) -> int:
    """Return a height for a count of which a few are a thousand times the others; an order of magnitude is 1,000."""
    return round(1000 * math.log10(1 + number))
