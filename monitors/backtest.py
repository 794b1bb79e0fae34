"""
What a monitor would have found in the past: the search that plays it, and how its answer is read. Pure.

The programs are the monitor's own; only the tail of the reduce is another. It tells the findings without their evidence and, where the
detection has a limit that can be moved, of each entity the largest value a day. So moving the limit is a sum, not a search.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from monitors.definitions import Definition
from monitors.findings import Finding
from monitors.rendering import Inputs, plain_search, script

MAX_EVENTS = 1_000_000  # events of one search: 1.4 M were safe on a node with 1 GB, with all their values
MAX_TOLD = 5_000  # findings, and entity-days, told by one search
DAY = timedelta(days=1)

# The limits of the programs that can be moved without asking again, the one people turn first before the others.
MOVABLE = ("n", "values", "others", "kmh", "km")


@dataclass(frozen=True)
class Line:
    """A limit that can be moved: the parameter's name, the program's setting that it fills, and the lowest value it may have."""

    parameter: str
    setting: str
    floor: int


def lines(definition: Definition) -> list[Line]:
    """Return the limits of a detection that can be moved without another search, the most usual one first."""
    found = []
    for setting in MOVABLE if definition.shape == "program" else ():
        named = definition.settings.get(setting)
        if isinstance(named, str) and named.startswith("$"):
            parameter = definition.parameters[named.removeprefix("$")]
            found.append(Line(parameter.name, setting, int(parameter.minimum or 1)))
    return found


@dataclass(frozen=True)
class Judged:
    """A stretch of evidence that somebody judged: what it is called, whose it is, its times, and the verdict."""

    key: str
    entity_id: str
    first_at: datetime
    last_at: datetime
    verdict: str


@dataclass(frozen=True)
class Slice:
    """Whole days that one search plays: from `begins_at` up to `ends_at`, in `parts` where they hold too much for one."""

    begins_at: datetime
    ends_at: datetime
    parts: int = 1

    @property
    def seconds(self) -> int:
        """How long it is."""
        return int((self.ends_at - self.begins_at).total_seconds())


def slices(begins_at: datetime, ends_at: datetime, events: Mapping[datetime, int]) -> list[Slice]:
    """
    Return the stretches that together play the span, as few as MAX_EVENTS allows. Cut at midnight UTC, where days are counted.

    `events` says how many events of the search lie in each day (by its midnight); the day before a slice is read with it, as look-back.
    """
    found: list[Slice] = []
    start, held = begins_at, events.get(_midnight(begins_at) - DAY, 0)
    day = _midnight(begins_at)
    while day < ends_at:
        following = min(day + DAY, ends_at)
        more = events.get(day, 0)
        if start < day and held + more > MAX_EVENTS:
            found.append(Slice(start, day, _parts(held)))
            start, held = day, events.get(day - DAY, 0)
        held += more
        day = following
    return [*found, Slice(start, ends_at, _parts(held))]


def search(
    inputs: Inputs,
    part_of: Slice,
    *,
    begins_at: datetime,
    line: Line | None,
    judged: Sequence[Judged] = (),
    part: int = 0,
) -> dict[str, Any]:
    """Return the search that plays a program over one slice (of a span that began at `begins_at`), or over one part of it."""
    end_ms = int(part_of.ends_at.timestamp() * 1000)
    body = plain_search(replace(inputs, emit_seconds=part_of.seconds), end_ms=end_ms, part=part, parts=part_of.parts)
    metric = body["aggregations"]["f"]["scripted_metric"]
    params = metric["params"]
    compared = sorted({one["shown"] for one in params["relations"]})
    params |= {
        "show": [params["show"][place] for place in compared],
        "names": [params["names"][place] for place in compared],
        "relations": [{**one, "shown": compared.index(one["shown"])} for one in params["relations"]],
        "max": MAX_EVENTS,
        "cap": MAX_TOLD,
        "sample": 2,
        "rows": 0,
    }
    if line is not None:
        stretches: dict[str, list[dict[str, Any]]] = {}
        for one in judged:
            stretch = {"id": one.key, "from": _ms(one.first_at), "to": _ms(one.last_at)}
            stretches.setdefault(one.entity_id, []).append(stretch)
        plain = {name: value for name, value in params.items() if not isinstance(value, list | dict)}
        params["measure"] = {
            **plain,
            "line": line.setting,
            line.setting: 0,
            "floor": line.floor,
            "begin": _ms(_midnight(begins_at)),
            "judged": stretches,
        }
    metric["reduce_script"] = script("reduce", str(inputs.definition.program), "played")
    return body


@dataclass(frozen=True)
class Occurrence:
    """A stretch of evidence that would have been found, as it would lie under an alert; `finding` is what says most of it."""

    finding: Finding
    first_at: datetime
    last_at: datetime
    count: int
    severity: int


def occurrences(findings: Iterable[Finding]) -> list[Occurrence]:
    """Return findings as occurrences, oldest first: those of one entity that overlap are one, as they are under an alert."""
    found: list[Occurrence] = []
    newest: dict[str, int] = {}
    for one in sorted(findings, key=lambda finding: (finding.first.at, finding.last.at)):
        place = newest.get(one.entity_id)
        if place is not None and one.first.at <= found[place].last_at:
            before = found[place]
            found[place] = Occurrence(
                one if one.count > before.count else before.finding,
                before.first_at,
                max(before.last_at, one.last.at),
                max(before.count, one.count),
                min(before.severity, one.severity),
            )
            continue
        newest[one.entity_id] = len(found)
        found.append(Occurrence(one, one.first.at, one.last.at, one.count, one.severity))
    return found


@dataclass
class Values:
    """
    What was measured around a limit: `days` counts, for each day of the span, how many entities had which largest value.

    `top` names the largest entity-days, [entity, day, value]; `below` says how many smaller ones it leaves out. `judged` is the largest
    value within each judged stretch.
    """

    days: dict[int, dict[int, int]] = field(default_factory=dict)
    top: list[tuple[str, int, int]] = field(default_factory=list)
    below: int = 0
    judged: dict[str, int] = field(default_factory=dict)

    def add(self, told: Mapping[str, Any]) -> None:
        """Take in what one search told. An entity-day lies in one slice and one part, so sums are exact."""
        for day, counts in told.get("days", {}).items():
            mine = self.days.setdefault(int(day), {})
            for value, number in counts.items():
                mine[int(value)] = mine.get(int(value), 0) + number
        self.top = sorted([*self.top, *((key, int(day), int(value)) for key, day, value in told.get("top", ()))],
                          key=lambda one: -one[2])  # fmt: skip
        self.below += told.get("below", 0) + max(0, len(self.top) - MAX_TOLD)
        self.top = self.top[:MAX_TOLD]
        for key, value in told.get("judged", {}).items():
            self.judged[key] = max(self.judged.get(key, 0), int(value))

    def at(self, limit: float) -> dict[int, int]:
        """Return how many entities would have been found on each day with this limit."""
        return {
            day: sum(n for value, n in counts.items() if value >= limit) for day, counts in sorted(self.days.items())
        }

    def total(self, limit: float) -> int:
        """Return how many entity-days would have been found with this limit."""
        return sum(self.at(limit).values())

    def limit_for(self, wanted: int) -> int | None:
        """Return the lowest limit at which at most `wanted` entity-days would have been found; None where nothing was measured."""
        values = sorted({value for counts in self.days.values() for value in counts}, reverse=True)
        for value in values:
            if self.total(value) > wanted:
                return value + 1
        return values[-1] if values else None

    def as_json(self) -> dict[str, Any]:
        """Return it as it is kept."""
        return asdict(self)

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> "Values":
        """Return what `as_json` gave."""
        days = {int(day): {int(value): n for value, n in counts.items()} for day, counts in told["days"].items()}
        return cls(days, [(key, day, value) for key, day, value in told["top"]], told["below"], dict(told["judged"]))


def _parts(events: int) -> int:
    return max(1, -(-events // MAX_EVENTS))


def _midnight(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)
