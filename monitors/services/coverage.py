"""
What is covered: ATT&CK techniques against the detections that speak of them, each *proved*, *deployed*, *blind* or *missing*.

Nothing is guessed: proved says that a rehearsal came the whole way not long ago, and blind says which event or field never comes.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import models

from core import clock
from core.jobs import State as JobState
from monitors import attack
from monitors.definitions import Definition
from monitors.models import Deployment, IndexProfile, Monitor, every_detection
from monitors.profiles import lacks
from monitors.services import events

PROVED_FOR = timedelta(days=90)
LAYER_COLOURS = {"proved": "#29a383", "deployed": "#3e63dd", "blind": "#ffc53d", "missing": "#cdced6"}


class State(models.TextChoices):
    """How well something is covered, the best first."""

    PROVED = "proved", "Proved"
    DEPLOYED = "deployed", "Deployed"
    BLIND = "blind", "Blind"
    MISSING = "missing", "Missing"


ORDER = list(State)
MEANING = {
    State.PROVED: "a monitor runs, and its last rehearsal came the whole way within 90 days",
    State.DEPLOYED: "a monitor runs; no rehearsal of it came through within 90 days",
    State.BLIND: "a monitor is there, but its index lacks an event or a field that it needs",
    State.MISSING: "no monitor of it runs",
}


@dataclass(frozen=True)
class Rehearsed:
    """How the last rehearsal of a monitor went."""

    pk: UUID
    state: str
    at: datetime
    seconds: float | None = None

    @property
    def words(self) -> str:
        """Say it in a word or two."""
        return "✓ came through" if self.state == JobState.DONE else str(JobState(self.state).label)


@dataclass(frozen=True)
class Cell:
    """One detection under one technique. `why` says in sentences what keeps it from being better; `monitor` is None when there is none."""

    definition: Definition
    state: State
    why: tuple[str, ...]
    monitor: Monitor | None
    rehearsed: Rehearsed | None


@dataclass(frozen=True)
class Technique:
    """An ATT&CK technique with the detections that speak of it, the best covered first."""

    id: str
    name: str
    cells: tuple[Cell, ...]

    @property
    def state(self) -> State:
        """How well its best detection covers it."""
        return min((cell.state for cell in self.cells), key=ORDER.index)


def last_rehearsals(monitor: Monitor | None = None) -> dict[UUID, Rehearsed]:
    """Return how each monitor's last rehearsal went, by the monitor; only one's where one is named."""
    wanted = Monitor.objects.filter(pk=monitor.pk) if monitor else Monitor.objects.all()
    rows = wanted.exclude(rehearsals=None).order_by("pk", "-rehearsals__uuid").distinct("pk")
    told = rows.values_list("pk", "rehearsals__uuid", "rehearsals__state", "rehearsals__asked_at")
    return {monitor: Rehearsed(pk, state, at) for monitor, pk, state, at in told}


def techniques() -> list[Technique]:
    """Return every technique that a detection speaks of, in the order of their ids: four queries, however many there are."""
    profiles = {row.pattern: row for row in IndexProfile.objects.all()}
    rehearsals = last_rehearsals()
    monitors: dict[str, list[Monitor]] = {}
    for monitor in Monitor.objects.select_related("deployment__revision").exclude(detection=""):
        monitors.setdefault(monitor.detection, []).append(monitor)
    found: dict[str, list[Cell]] = {}
    for definition in every_detection():
        cell = _cell(definition, monitors.get(definition.id, []), profiles, rehearsals)
        for technique in definition.attack:
            found.setdefault(technique, []).append(cell)
    return [
        Technique(
            one,
            attack.name(one),
            tuple(sorted(cells, key=lambda cell: (ORDER.index(cell.state), cell.definition.title))),
        )
        for one, cells in sorted(found.items())
    ]


def _cell(
    definition: Definition,
    monitors: Iterable[Monitor],
    profiles: Mapping[str, IndexProfile],
    rehearsals: Mapping[UUID, Rehearsed],
) -> Cell:
    """Return how the best of the detection's monitors covers it."""
    cells = [_of_monitor(definition, monitor, profiles, rehearsals) for monitor in monitors]
    if cells:
        return min(cells, key=lambda cell: ORDER.index(cell.state))
    unseen = blindness(definition, profiles.get(settings.OKTADETECT_INDEX_PATTERN))
    blind = ["It would be blind. " + unseen[0]] if unseen else []
    return Cell(definition, State.MISSING, ("No monitor of it was made.", *blind), None, None)


def _of_monitor(
    definition: Definition,
    monitor: Monitor,
    profiles: Mapping[str, IndexProfile],
    rehearsals: Mapping[UUID, Rehearsed],
) -> Cell:
    rehearsed = rehearsals.get(monitor.pk)
    deployment: Deployment | None = getattr(monitor, "deployment", None)
    if deployment is None or not deployment.opensearch_id:
        return Cell(definition, State.MISSING, ("Its monitor was never pushed.",), monitor, rehearsed)
    if not deployment.runs:
        return Cell(definition, State.MISSING, ("Its monitor is paused.",), monitor, rehearsed)
    unseen = blindness(definition, profiles.get(monitor.index_pattern))
    if unseen:
        return Cell(definition, State.BLIND, tuple(unseen), monitor, rehearsed)
    if deployment.fault:
        return Cell(definition, State.DEPLOYED, (deployment.fault,), monitor, rehearsed)
    if rehearsed is None:
        return Cell(definition, State.DEPLOYED, ("It was never rehearsed.",), monitor, None)
    if rehearsed.state != JobState.DONE:
        return Cell(
            definition, State.DEPLOYED, (f"Its last rehearsal: {rehearsed.words.lower()}.",), monitor, rehearsed
        )
    if rehearsed.at < clock.now() - PROVED_FOR:
        return Cell(definition, State.DEPLOYED, ("Its last rehearsal is older than 90 days.",), monitor, rehearsed)
    return Cell(definition, State.PROVED, (), monitor, rehearsed)


def blindness(definition: Definition, row: IndexProfile | None) -> list[str]:
    """Return why the detection can find nothing in an index, in sentences; empty when it can, or when the index is not known."""
    if row is None:
        return []
    lacking = lacks(row.profile(), definition.needs())
    said = [f"{row.pattern} lacks {', '.join(lacking)}."] if lacking else []
    need = events.need(definition, row)
    return said + (need.sentences(row.pattern) if need.blind else [])


def counts(found: Iterable[Technique]) -> list[tuple[State, int, str]]:
    """Return (state, techniques whose best detection is so, what the state means)."""
    states = [technique.state for technique in found]
    return [(state, states.count(state), MEANING[state]) for state in ORDER]


def rows(found: Iterable[Technique]) -> list[list[str]]:
    """Return the table as rows of text, with a head."""
    head = ["technique", "name", "detection", "state", "why", "monitor", "last rehearsal"]
    return [head] + [
        [
            technique.id,
            technique.name,
            cell.definition.id,
            cell.state.value,
            " ".join(cell.why),
            cell.monitor.name if cell.monitor else "",
            f"{cell.rehearsed.at:%Y-%m-%d %H:%M} UTC {cell.rehearsed.state}" if cell.rehearsed else "",
        ]
        for technique in found
        for cell in technique.cells
    ]


def layer(found: Iterable[Technique]) -> dict[str, Any]:
    """Return an ATT&CK Navigator layer (format 4.5): a colour and a score for each technique, 3 proved to 0 missing."""
    return {
        "name": "oktadetect",
        "versions": {"layer": "4.5", "navigator": "5.1.0"},
        "domain": "enterprise-attack",
        "description": "Okta detections: " + "; ".join(f"{state.label.lower()}, {MEANING[state]}" for state in ORDER),
        "techniques": [
            {
                "techniqueID": technique.id,
                "score": 3 - ORDER.index(technique.state),
                "color": LAYER_COLOURS[technique.state.value],
                "comment": "; ".join(
                    f"{cell.definition.title}: {cell.state.label.lower()}" for cell in technique.cells
                ),
                "enabled": True,
            }
            for technique in found
        ],
        "legendItems": [{"label": state.label, "color": LAYER_COLOURS[state.value]} for state in ORDER],
    }
