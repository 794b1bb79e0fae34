"""
Playing a monitor over the past for somebody who is about to change it, with what became of everything that was judged.

The verdicts are ours, the search is the monitor's: so this stands here, above both.
"""

from collections.abc import Mapping
from copy import copy
from dataclasses import asdict
from datetime import datetime
from typing import Any

from alerts.models import Occurrence
from alerts.services import ingest
from monitors import backtest
from monitors.backtest import Fate, Judged, Line
from monitors.definitions import Definition
from monitors.models import Backtest, Monitor, SurveyFinding
from monitors.rendering import Inputs
from monitors.services import backtest as playing
from monitors.services import revisions

MAX_JUDGED = 2_000  # stretches whose fate is followed, the newest
SHOWN = 30


def run(job: Backtest) -> None:
    """Play what the job asks for and keep its result. Raises MonitorsError, Cancelled."""
    wanted, saved = _inputs(job.monitor, job.inputs), _inputs(job.monitor, {})
    begins_at, ends_at = job.begins_at.replace(microsecond=0), job.ends_at.replace(microsecond=0)
    line = next((one for one in backtest.lines(wanted.definition) if one.parameter == job.line), None)
    judged = judged_in(job.monitor, begins_at, ends_at)
    played = _play(wanted, job, line, judged)
    before = None if _same_but_for(line, wanted, saved) else _play(saved, job, line, judged)
    now_limit = _limit(wanted, line)
    result = {
        "days": backtest.days_of(begins_at, ends_at),
        "now": _told(played, begins_at, ends_at),
        "before": _told(before, begins_at, ends_at) if before else None,
        "line": _line(wanted.definition, line, now_limit, _limit(saved, line), played),
        "fates": _fates(judged, played, before or played, now_limit, _limit(saved, line)),
        "cost": {
            "searches": played.searches + (before.searches if before else 0),
            "took_ms": played.took_ms + (before.took_ms if before else 0),
            "events": played.read,
        },
        "cut": played.cut,
    }
    result["check"] = asdict(playing.check(wanted, played, begins_at, ends_at, say=job.progress))
    Backtest.objects.filter(pk=job.pk).update(result=result)


def judged_in(monitor: Monitor, begins_at: datetime, ends_at: datetime) -> list[Judged]:
    """Return what was judged of this monitor, and in surveys of its detection, that lies within the span; the newest of it."""
    rows = (
        Occurrence.objects.filter(alert__monitor=monitor, first_at__gte=begins_at, last_at__lte=ends_at)
        .exclude(alert__verdict="")
        .select_related("alert")
        .order_by("-last_at")[:MAX_JUDGED]
    )
    found = [Judged(str(row.alert), row.alert.entity_id, row.first_at, row.last_at, row.alert.verdict) for row in rows]
    surveyed = SurveyFinding.objects.filter(
        detection=monitor.detection, first_at__gte=begins_at, last_at__lte=ends_at
    ).exclude(verdict="")
    found += [
        Judged(f"S-{row.pk}", row.entity_id, row.first_at, row.last_at, row.verdict) for row in surveyed[:MAX_JUDGED]
    ]
    return found


def _inputs(monitor: Monitor, changed: Mapping[str, Any]) -> Inputs:
    """Return what the renderer is told of the monitor with some of its values changed, which nobody saved."""
    then = copy(monitor)
    for name, value in changed.items():
        setattr(then, name, value)
    return revisions.inputs_of(then)


def _play(inputs: Inputs, job: Backtest, line: Line | None, judged: list[Judged]) -> playing.Played:
    played = playing.play(inputs, job.begins_at, job.ends_at, line=line, judged=judged, say=job.progress)
    played.occurrences = asked_for(played.occurrences, job.monitor, inputs)
    return played


def asked_for(found: list[backtest.Occurrence], monitor: Monitor, inputs: Inputs) -> list[backtest.Occurrence]:
    """Return what an ingest would take of it: of a detection that asks for the new, only where something is new for the user."""
    if not inputs.definition.only_new:
        return found
    return [one for one in found if ingest.judged([one.finding], monitor, inputs)]


def _same_but_for(line: Line | None, one: Inputs, other: Inputs) -> bool:
    """Whether two plays would tell the same values, since nothing differs but the limit that is moved."""
    free = {line.parameter} if line else set()
    values = [
        {name: value for name, value in each.definition.values(each.params).items() if name not in free}
        for each in (one, other)
    ]
    return (
        values[0] == values[1]
        and one.exclusions == other.exclusions
        and one.profile == other.profile
        and (line is not None or one.params == other.params)
    )


def _limit(inputs: Inputs, line: Line | None) -> int | None:
    return int(inputs.definition.values(inputs.params)[line.parameter]) if line else None


def _line(
    definition: Definition, line: Line | None, now: int | None, was: int | None, played: playing.Played
) -> dict[str, Any] | None:
    if line is None or played.values is None:
        return None
    parameter = definition.parameters[line.parameter]
    names = {one.finding.entity_id: one.finding.entity_name for one in played.occurrences}
    values = played.values.as_json()
    values["top"] = [[names.get(key.split("|")[0], key), day, value] for key, day, value in values["top"]]
    return {
        "parameter": line.parameter,
        "label": parameter.label,
        "unit": parameter.unit,
        "floor": line.floor,
        "highest": parameter.maximum,
        "now": now,
        "was": was,
        **values,
    }


def _told(played: playing.Played, begins_at: datetime, ends_at: datetime) -> dict[str, Any]:
    found = played.occurrences
    return {
        "occurrences": len(found),
        "entities": len({one.finding.entity_id for one in found}),
        "a_day": backtest.a_day(found, begins_at, ends_at),
        "often": [
            {"name": one.finding.entity_name, "id": one.finding.entity_id, "type": one.finding.entity_type, "n": number}
            for one, number in backtest.most_frequent(found)
        ],
        "findings": [
            {
                "name": one.finding.entity_name,
                "sentence": one.finding.sentence,
                "severity": one.severity,
                "first": one.first_at.isoformat(),
                "last": one.last_at.isoformat(),
                "count": one.count,
            }
            for one in reversed(found[-SHOWN:])
        ],
    }


def _fates(
    judged: list[Judged], played: playing.Played, before: playing.Played, now: int | None, was: int | None
) -> list[dict[str, Any]]:
    """Return each judged thing with whether it is found now and was before."""
    earlier: dict[str, Fate] = {one.key: one for one in backtest.fates(judged, before.occurrences, before.values, was)}
    return [
        {**asdict(one), "kept_before": earlier[one.key].kept}
        for one in backtest.fates(judged, played.occurrences, played.values, now)
    ]
