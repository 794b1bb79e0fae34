"""
What a monitor would have found in the past: the search that plays it, and how its answer is read. Pure.

The programs are the monitor's own; only the tail of the reduce is another. It tells the findings without their evidence and, where the
detection has a limit that can be moved, of each entity the largest value a day. So moving the limit is a sum, not a search.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from core import clock
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
    end_ms = clock.to_ms(part_of.ends_at)
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
            stretch = {"id": one.key, "from": clock.to_ms(one.first_at), "to": clock.to_ms(one.last_at)}
            stretches.setdefault(one.entity_id, []).append(stretch)
        plain = {name: value for name, value in params.items() if not isinstance(value, list | dict)}
        params["measure"] = {
            **plain,
            "line": line.setting,
            line.setting: 0,
            "floor": line.floor,
            "begin": clock.to_ms(_midnight(begins_at)),
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


@dataclass(frozen=True)
class Fate:
    """What would have become of something judged: `value` is what was measured of it (None: not measured), `kept` whether it is found."""

    key: str
    verdict: str
    value: int | None
    kept: bool


def fates(
    judged: Sequence[Judged], found: Sequence[Occurrence], values: Values | None, limit: float | None
) -> list[Fate]:
    """Return the fate of each judged thing (it may have several stretches), with this limit where one was measured."""
    by_entity: dict[str, list[Occurrence]] = {}
    for occurrence in found:
        by_entity.setdefault(occurrence.finding.entity_id, []).append(occurrence)
    told: dict[str, Fate] = {}
    for one in judged:
        if values is not None and limit is not None:
            value = values.judged.get(one.key)
            told[one.key] = Fate(one.key, one.verdict, value, value is not None and value >= limit)
            continue
        overlaps = (
            other.first_at <= one.last_at and one.first_at <= other.last_at
            for other in by_entity.get(one.entity_id, ())
        )
        before = told.get(one.key)
        told[one.key] = Fate(one.key, one.verdict, None, any(overlaps) or (before is not None and before.kept))
    return list(told.values())


def fate_words(told: Sequence[Mapping[str, Any]], verdicts: Mapping[str, str]) -> list[str]:
    """
    Return what a change does to what was judged, in sentences: of each verdict how many it drops and adds. The gravest loss comes first.

    `told` holds mappings with `verdict`, `kept` and `kept_before`; `verdicts` maps a verdict to its words, in their order.
    """
    words = []
    for verdict, label in verdicts.items():
        mine = [one for one in told if one["verdict"] == verdict]
        before = sum(one["kept_before"] for one in mine)
        dropped = sum(one["kept_before"] and not one["kept"] for one in mine)
        added = sum(one["kept"] and not one["kept_before"] for one in mine)
        if not mine:
            continue
        noun = label.lower() + ("" if before == 1 else "s")
        kept = f"keeps {'the one' if before == 1 else f'all {before}'} {noun}" if before else ""
        change = f"drops {dropped} of {before} {noun}" if dropped else kept
        more = f"finds {added} more judged {label.lower()}" if added else ""
        words.append(
            " and ".join(filter(None, (change, more))) or f"finds none of {len(mine)} {label.lower()}s, as before"
        )
    return words


def days_of(begins_at: datetime, ends_at: datetime) -> list[str]:
    """Return the days (UTC) that a span touches, as ISO dates."""
    first = _midnight(begins_at)
    return [
        (first + DAY * number).date().isoformat()
        for number in range(-(-int((ends_at - first) / DAY * 1e6) // 1_000_000))
    ]


def a_day(found: Sequence[Occurrence], begins_at: datetime, ends_at: datetime) -> list[int]:
    """Return how many entities would have been found on each day of the span, by the day of their last event."""
    days = days_of(begins_at, ends_at)
    entities: list[set[str]] = [set() for _ in days]
    for one in found:
        entities[min(max((one.last_at - _midnight(begins_at)).days, 0), len(days) - 1)].add(one.finding.entity_id)
    return [len(one) for one in entities]


def most_frequent(found: Sequence[Occurrence], limit: int = 20) -> list[tuple[Occurrence, int]]:
    """Return the entities found most often, each by its newest occurrence, with how often."""
    number: dict[str, int] = {}
    newest: dict[str, Occurrence] = {}
    for one in found:
        number[one.finding.entity_id] = number.get(one.finding.entity_id, 0) + 1
        newest[one.finding.entity_id] = one
    return [(newest[entity], number[entity]) for entity in sorted(number, key=lambda one: -number[one])[:limit]]


def _parts(events: int) -> int:
    return max(1, -(-events // MAX_EVENTS))


def _midnight(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
