"""
The picture of power that changed hands: who gave what to whom. Pure.

Three columns: givers, what they gave, receivers; a row for each gift. Whoever receives and gives is drawn once, among the givers, and
what comes back to them is a line around the picture: a grant to oneself is a loop, also one that goes through a group.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from unicodedata import east_asian_width

from alerts.gifts import RULES, Gift, Thing, gifts
from alerts.models import Alert
from alerts.views.observed import definition_of

WIDTH, MARGIN = 720, 24
BOX_WIDTH, BOX_HEIGHT = 168, 60
ROW, TOP, LANE = 80, 8, 22
COLUMNS = (MARGIN, (WIDTH - BOX_WIDTH) // 2, WIDTH - MARGIN - BOX_WIDTH)
LINE, SHORT_LINE = 19, 12  # letters that a box holds in a line: as drawn, and in the larger letters of a small screen
BREAKS = " .@-_/:"
MAX_DRAWN = 6


@dataclass(frozen=True)
class Box:
    """Somebody or something: its place, its kind, its name in at most two lines, and in the larger letters of a small screen."""

    x: int
    y: int
    kind: str
    name: str
    lines: list[str]
    short: list[str]

    width, height = BOX_WIDTH, BOX_HEIGHT


@dataclass(frozen=True)
class Edge:
    """A line with its words, and where these stand. `loops` says that it comes back to whoever gave."""

    path: str
    words: str
    x: int
    y: int
    loops: bool = False
    refused: bool = False


@dataclass(frozen=True)
class Graph:
    """The picture in its own units, what it says in words, and all that was given, for a table; `left_out` of it is not drawn."""

    boxes: list[Box]
    edges: list[Edge]
    height: int
    sentence: str
    gifts: list[Gift]
    left_out: int

    width = WIDTH


def graph(alert: Alert, told: Sequence[Any], whole: Iterable[Any], observed: Mapping[str, Any]) -> Graph | None:
    """Return the picture of what the shown events gave; None where the detection looks for no such event, and where none gave anything."""
    definition = definition_of(alert)
    if definition is None or not RULES.keys() & set(definition.event_types()):
        return None
    found = gifts(told, whole, observed)
    if not found:
        return None
    drawn = list({_same(gift): gift for gift in reversed(found)}.values())[::-1]
    return _drawn(drawn[:MAX_DRAWN], found, len(drawn) - len(drawn[:MAX_DRAWN]))


def _same(gift: Gift) -> tuple[Any, ...]:
    return (gift.giver.key, gift.verb, gift.given.key, gift.receiver and gift.receiver.key)


def _drawn(drawn: Sequence[Gift], found: list[Gift], left_out: int) -> Graph:
    boxes: dict[tuple[str, str], Box] = {}
    givers = {gift.giver.key for gift in drawn}
    receivers = {gift.receiver.key for gift in drawn if gift.receiver} - givers
    for row, gift in enumerate(drawn):
        given = 2 if gift.given.key in receivers else 1
        for thing, column in ((gift.giver, 0), (gift.given, given), (gift.receiver, 2)):
            if thing is not None:
                boxes.setdefault(thing.key, _box(thing, COLUMNS[column], TOP + row * ROW))
    floor = TOP + len(drawn) * ROW - (ROW - BOX_HEIGHT)
    lanes: dict[tuple[str, str], int] = {}
    edges: list[Edge] = []
    for row, gift in enumerate(drawn):
        middle = TOP + row * ROW + BOX_HEIGHT // 2
        start, given_box = boxes[gift.giver.key], boxes[gift.given.key]
        edges.append(_across(start, given_box, middle, gift.verb, refused=gift.refused))
        if gift.receiver is None:
            continue
        end, way = boxes[gift.receiver.key], "from" if gift.takes else "to"
        if gift.receiver.key in givers:
            lane = lanes.setdefault(gift.receiver.key, len(lanes))
            words = f"{way} themself" if gift.to_themself else f"{way} {_fitted(gift.receiver.name, 2 * LINE, 1)[0]}"
            edges.append(_around(given_box, end, floor + LANE * (lane + 1), words, refused=gift.refused))
        else:
            edges.append(_across(given_box, end, middle, way, refused=gift.refused))
    sentence = " ".join(gift.words for gift in drawn)
    return Graph(list(boxes.values()), edges, floor + LANE * (len(lanes) + 1), sentence, found, left_out)


def _across(start: Box, end: Box, lane: int, words: str, *, refused: bool) -> Edge:
    """Return a line to the right, through the row `lane` of its gift, so that it crosses no box between the two."""
    x1, y1, x2, y2 = start.x + BOX_WIDTH, _middle(start), end.x, _middle(end)
    gap = (COLUMNS[1] - COLUMNS[0] - BOX_WIDTH) // 2
    bend = f"C{x1 + gap} {y1} {x1 + gap} {lane} {x1 + 2 * gap} {lane}"
    if x2 - x1 > 3 * gap:
        path = f"M{x1} {y1}{bend}H{x2 - 2 * gap}C{x2 - gap} {lane} {x2 - gap} {y2} {x2} {y2}"
    else:
        path = f"M{x1} {y1}C{x1 + gap} {y1} {x2 - gap} {y2} {x2} {y2}"
    return Edge(path, words, x1 + gap, (y1 + (lane if x2 - x1 > 3 * gap else y2)) // 2, refused=refused)


def _around(start: Box, end: Box, lane: int, words: str, *, refused: bool) -> Edge:
    """Return a line out to the right, below everything, and in again from the left."""
    x1, y1, y2, turn = start.x + BOX_WIDTH, _middle(start), _middle(end), 8
    right, left = x1 + MARGIN // 2, end.x - MARGIN // 2 - 4
    path = (
        f"M{x1} {y1}H{right - turn}Q{right} {y1} {right} {y1 + turn}V{lane - turn}Q{right} {lane} {right - turn} {lane}"
        f"H{left + turn}Q{left} {lane} {left} {lane - turn}V{y2 + turn}Q{left} {y2} {left + turn} {y2}H{end.x}"
    )
    return Edge(path, words, (left + right) // 2, lane, loops=True, refused=refused)


def _middle(box: Box) -> int:
    return box.y + BOX_HEIGHT // 2


def _box(thing: Thing, x: int, y: int) -> Box:
    return Box(x, y, thing.kind[:LINE], thing.name, _fitted(thing.name, LINE), _fitted(thing.name, SHORT_LINE))


def _fitted(name: str, length: int, most: int = 2) -> list[str]:
    """
    Return a name in at most so many lines of so many letters; wide letters count twice. What does not fit ends in an ellipsis.

    A line ends behind a space or an at sign, else behind a dot or the like, where one stands in its last two thirds; else where it is
    full.
    """
    rest = " ".join(name.split())
    lines: list[str] = []
    while rest and len(lines) < most:
        end = _fits(rest, length)
        if end < len(rest) and len(lines) == most - 1:
            lines.append(f"{rest[: _fits(rest, length - 1)]}…")
            break
        signs = [n + 1 for n, letter in enumerate(rest[:end]) if letter in BREAKS and n + 1 >= length // 3]
        if end < len(rest) and signs:
            end = max(signs, key=lambda n: (rest[n - 1] in " @", n))
        lines.append(rest[:end].strip())
        rest = rest[end:].strip()
    return lines or [""]


def _fits(text: str, length: int) -> int:
    """Return how many of its letters stand in a line of that length; at least one."""
    used = 0
    for n, letter in enumerate(text):
        used += 2 if east_asian_width(letter) in "WF" else 1
        if used > length:
            return max(n, 1)
    return len(text)
