"""
A first look: the whole catalogue played over the past of an index, before anything is enabled.

Its figures are those that pushed monitors would give: the searches are theirs, and findings become occurrences and alerts as they do.
"""

import time
from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.db import transaction
from uuid_utils.compat import uuid7

from alerts.services.backtests import asked_for
from core import activity, clock
from core.jobs import Unfinished
from core.models import Person
from monitors import backtest
from monitors.backtest import Line, Occurrence
from monitors.definitions import Definition
from monitors.errors import MissingField, MonitorsError, OpenSearchAway
from monitors.models import Monitor, Survey, SurveyFinding, SurveyRow, every_detection
from monitors.profiles import Profile, lacks
from monitors.rendering import Inputs
from monitors.services import backtest as playing
from monitors.services import profiles, revisions
from monitors.signals import job_wanted

SECONDS_A_TASK = 360  # then the next task goes on: far below the limit of a long task, with a slow search to come
WORTH_JUDGING = 20
A_DETECTION = 3  # of them, at most, so that one noisy detection does not take them all
LOUD = 0.2  # who makes this share of the findings is worth an exclusion


def ask(pattern: str, days: int, *, by: Person | None, wake: bool = True) -> Survey:
    """Ask for a survey of the last `days`, and wake a worker unless whoever asks works it."""
    now = clock.now()
    survey = Survey.objects.create(
        index_pattern=pattern, begins_at=now - timedelta(days=days), ends_at=now, asked_by=by
    )
    if wake:
        job_wanted.send(sender=Survey, job=str(survey.pk))
    return survey


def run(survey: Survey, *, seconds: float = SECONDS_A_TASK) -> None:
    """
    Play what was not played yet; each detection's row is kept at once. Raises Unfinished after `seconds`, but for one detection at least.

    One detection that fails says so in its row and holds up no other. Raises OpenSearchAway, which ends the survey, and Cancelled.
    """
    began = time.monotonic()
    profile = profiles.learn(survey.index_pattern).profile()
    every = every_detection()
    played = set(survey.rows.values_list("detection", flat=True))
    ran = False
    for place, definition in enumerate(every):
        if definition.id in played:
            continue
        if ran and time.monotonic() - began > seconds:
            raise Unfinished
        ran = True
        say = partial(_say, survey, place, len(every), f"Playing {definition.title}")
        say(0, 1, "")
        _row(survey, definition, profile, say)
    _keep_the_worth_judging(survey)


def _say(survey: Survey, place: int, of: int, step: str, *_: Any) -> None:
    """Say which detection is played: its own steps are no more than signs of life."""
    survey.progress(place, of, step)


def _row(survey: Survey, definition: Definition, profile: Profile, say: playing.Say) -> None:
    lacking = lacks(profile, definition.needs())
    if lacking:
        SurveyRow.objects.create(survey=survey, detection=definition.id, lacks=lacking)
        return
    inputs = inputs_for(definition, profile)
    line = next(iter(backtest.lines(definition)), None)
    try:
        played = playing.play(inputs, survey.begins_at, survey.ends_at, line=line, say=say)
    except OpenSearchAway:
        raise
    except MissingField as error:
        SurveyRow.objects.create(survey=survey, detection=definition.id, lacks=[error.field])
        return
    except MonitorsError as error:
        SurveyRow.objects.create(survey=survey, detection=definition.id, error=str(error))
        return
    unsaved = Monitor(detection=definition.id, index_pattern=survey.index_pattern)
    found = asked_for(played.occurrences, unsaved, inputs)
    result = told(definition, found, played, line, survey.begins_at, survey.ends_at)
    with transaction.atomic():
        SurveyRow.objects.create(survey=survey, detection=definition.id, result=result)
        SurveyFinding.objects.bulk_create(_candidate(survey, definition, one) for one in _candidates(found))


def inputs_for(definition: Definition, profile: Profile) -> Inputs:
    """Return what the renderer is told of a detection on its publisher's values, of which there is no monitor yet."""
    return Inputs(
        definition=definition,
        params={},
        profile=profile,
        monitor_uuid=str(uuid7()),
        name=definition.title,
        severity=definition.severity,
        interval_seconds=60,
        beat_seconds=settings.OKTADETECT_HEARTBEAT_SECONDS,
    )


def told(
    definition: Definition,
    found: Sequence[Occurrence],
    played: playing.Played,
    line: Line | None,
    begins_at: datetime,
    ends_at: datetime,
) -> dict[str, Any]:
    """
    Return what a row keeps.

    `alerts` counts entities: while an alert is open, all that is found about its entity lies under it, and it has one ticket.
    `a_week` counts an entity once a day, as somebody who closes alerts the same day would see them again.
    """
    weeks = max((ends_at - begins_at) / timedelta(days=7), 1 / 7)
    a_day = backtest.a_day(found, begins_at, ends_at)
    return {
        "alerts": len({one.finding.entity_id for one in found}),
        "occurrences": len(found),
        "a_week": round(sum(a_day) / weeks, 1),
        "a_day": a_day,
        "limit": _limit(definition, played, line, weeks),
        "quiet": quieter(definition, found),
        "newest": found[-1].finding.sentence if found else "",
        "cut": played.cut,
        "took_ms": played.took_ms,
        "events": played.read,
    }


def _limit(definition: Definition, played: playing.Played, line: Line | None, weeks: float) -> dict[str, Any] | None:
    """Return the value that would give one alert a week, beside the publisher's; None where no limit can be moved."""
    if line is None or played.values is None:
        return None
    parameter = definition.parameters[line.parameter]
    wanted = played.values.limit_for(max(1, round(weeks)))
    value = max(line.floor, wanted) if wanted is not None else None
    if value is not None and parameter.maximum is not None:
        value = min(value, int(parameter.maximum))
    return {
        "parameter": line.parameter,
        "label": parameter.label,
        "publisher": parameter.default,
        "one_a_week": value,
        "then_a_week": round(played.values.total(value) / weeks, 1) if value is not None else 0,
    }


def quieter(definition: Definition, found: Sequence[Occurrence]) -> list[dict[str, Any]]:
    """Return exclusions that would quiet it most: who makes a large share of what was found, and from where it comes."""
    told_in_full = [one for one in found if any(len(event) > 2 for event in one.finding.events)]
    counts: Counter[tuple[str, str, str]] = Counter()
    kind = {"user": "user", "ip": "address"}.get(definition.entity_type)
    if kind:
        for one in found:
            counts[(kind, one.finding.entity_id, one.finding.entity_name)] += 1
    for one in told_in_full:
        for event in one.finding.events[-1:]:
            for name, other in (("ip", "address"), ("asn", "network"), ("zone", "zone")):
                if event.get(name) and other != kind:
                    counts[(other, str(event[name]), str(event[name]))] += 1
    loud = []
    for (which, value, name), number in counts.most_common(10):
        of = len(found) if which == kind else len(told_in_full)
        if number >= 3 and number / of >= LOUD:
            loud.append({"kind": which, "value": value, "name": name, "findings": number, "of": of})
    return loud[:3]


def _candidates(found: Sequence[Occurrence]) -> list[Occurrence]:
    """Return those of a detection whose verdict would say most: the newest of each of its most frequent entities."""
    return [one for one, _ in backtest.most_frequent(found, A_DETECTION)]


def _candidate(survey: Survey, definition: Definition, one: Occurrence) -> SurveyFinding:
    return SurveyFinding(
        survey=survey,
        detection=definition.id,
        entity_type=one.finding.entity_type,
        entity_id=one.finding.entity_id,
        entity_name=one.finding.entity_name,
        sentence=one.finding.sentence[:1000],
        first_at=one.first_at,
        last_at=one.last_at,
        count=one.count,
        observed=dict(one.finding.observed),
        severity=one.severity,
    )


def _keep_the_worth_judging(survey: Survey) -> None:
    """Keep the candidates of the detections that tell most, by turns: the first of each, then the second of each."""
    loudness = {row.detection: (row.result or {}).get("a_week", 0) for row in survey.rows.all()}
    seen: Counter[str] = Counter()
    ranked: list[tuple[int, float, int, int]] = []
    for one in survey.findings.order_by("pk"):
        ranked.append((seen[one.detection], -loudness.get(one.detection, 0), one.severity, one.pk))
        seen[one.detection] += 1
    keep = [pk for *_, pk in sorted(ranked)[:WORTH_JUDGING]]
    survey.findings.exclude(pk__in=keep).filter(verdict="").delete()


@transaction.atomic
def judge(finding: SurveyFinding, verdict: str, *, by: Person) -> None:
    """Keep somebody's verdict on a finding of a survey (empty: take it back); from now on every backtest of its detection follows it."""
    finding.verdict = verdict
    finding.judged_by, finding.judged_at = (by, clock.now()) if verdict else (None, None)
    finding.save(update_fields=["verdict", "judged_by", "judged_at"])
    activity.record(
        "survey.judged", finding.survey, by=by, finding=finding.pk, detection=finding.detection, verdict=verdict
    )


def totals(rows: Sequence[SurveyRow]) -> Mapping[str, float]:
    """Return the sums over a survey's rows: detections that were played, that found something, and what they found."""
    results = [row.result for row in rows if row.result]
    return {
        "played": len(results),
        "silent": sum(not one["occurrences"] for one in results),
        "alerts": sum(one["alerts"] for one in results),
        "occurrences": sum(one["occurrences"] for one in results),
        "a_week": round(sum(one["a_week"] for one in results), 1),
        "unserved": sum(bool(row.lacks) for row in rows),
        "failed": sum(bool(row.error) for row in rows),
    }


@transaction.atomic
def make_monitors(survey: Survey, chosen: Iterable[str], *, quiet: Container[str], by: Person) -> list[Monitor]:
    """
    Return a new monitor for each chosen detection that was played and has none on this index yet.

    They have the publisher's values; those in `quiet` have the one that would have given an alert a week. Raises ValidationError.
    """
    known = {one.id: one for one in every_detection()}
    rows = {row.detection: row.result for row in survey.rows.all() if row.result}
    there = set(Monitor.objects.filter(index_pattern=survey.index_pattern).values_list("detection", flat=True))
    made = []
    for name in dict.fromkeys(chosen):
        if name not in rows or name not in known or name in there:
            continue
        limit, definition = rows[name]["limit"], known[name]
        moved = name in quiet and limit is not None and limit["one_a_week"] is not None
        taken = Monitor.objects.filter(name=definition.title).exists()
        monitor = Monitor(
            detection=name,
            name=f"{definition.title} on {survey.index_pattern}"[:120] if taken else definition.title,
            index_pattern=survey.index_pattern,
            severity=definition.severity,
            params={limit["parameter"]: limit["one_a_week"]} if moved else {},
        )
        reason = "chosen in a survey" + (", at one alert a week" if moved else "")
        revisions.save(monitor, by=by, reason=reason)
        made.append(monitor)
    return made
