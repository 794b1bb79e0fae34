"""When something happens: a heat map by weekday and hour of the day. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
STEPS = 4
SIDE, GAP = 22, 2
LEFT, TOP = 40, 20


@dataclass(frozen=True)
class Cell:
    """One hour of one weekday: its place, how many events, and how dark, 0 (none) to STEPS (the most)."""

    x: int
    y: int
    count: int
    step: int
    label: str


@dataclass(frozen=True)
class Heat:
    """The map: its cells, the rows as (weekday, counts of each hour) for a table, and a sentence that says when there is most."""

    cells: list[Cell]
    rows: list[tuple[str, Sequence[int]]]
    sentence: str
    total: int

    side = SIDE
    width = LEFT + 24 * (SIDE + GAP)
    height = TOP + 7 * (SIDE + GAP)

    @property
    def hours(self) -> list[tuple[int, int]]:
        """The hours that are written above, with their place."""
        return [(hour, LEFT + hour * (SIDE + GAP)) for hour in range(0, 24, 3)]

    @property
    def days(self) -> list[tuple[str, int]]:
        """The weekdays in three letters, with their place."""
        return [(name[:3], TOP + day * (SIDE + GAP) + 15) for day, name in enumerate(WEEKDAYS)]


def heat(counts: Sequence[Sequence[int]]) -> Heat:
    """Return the map of counts by weekday (Monday first) and hour."""
    most = max(max(row) for row in counts)
    cells = [
        Cell(
            LEFT + hour * (SIDE + GAP),
            TOP + day * (SIDE + GAP),
            count,
            -(-STEPS * count // most) if count else 0,
            f"{WEEKDAYS[day]} {hour:02d}:00, {count:,} event{'' if count == 1 else 's'}",
        )
        for day, row in enumerate(counts)
        for hour, count in enumerate(row)
    ]
    busiest = max(cells, key=lambda cell: cell.count)
    words = f"Most on {busiest.label}" if most else "No event at any hour"
    return Heat(cells, list(zip(WEEKDAYS, counts, strict=True)), f"{words}.", sum(map(sum, counts)))
