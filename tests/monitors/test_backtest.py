"""Playing the past, on a real node: it gives what stepping the monitor's own search through it gives, for every limit that can be moved."""

import random
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from monitors import backtest
from monitors.backtest import Judged, Line, Occurrence, Slice, Values
from monitors.definitions import catalog, detection
from monitors.rendering import Inputs
from monitors.services import backtest as service
from monitors.services import search
from tests.events import BERLIN, SINGAPORE, event, failed_sign_in, refused_push, sign_in, user_target
from tests.monitors.indexing import index_by_template
from tests.monitors.test_programs import inputs

BEGIN = datetime(2026, 11, 20, 0, 0, tzinfo=UTC)
END = datetime(2026, 11, 23, 10, 30, tzinfo=UTC)


def some_days(one: Callable[[str, datetime], dict[str, Any]], *, users: int, bursts: int) -> list[dict[str, Any]]:
    """Return bursts of events of a few users over the span, among them some over midnight and one at its very end."""
    chance = random.Random(5)
    events = []
    for number in range(bursts):
        start = BEGIN + timedelta(minutes=chance.randrange(int((END - BEGIN).total_seconds() / 60)))
        if number % 5 == 0:
            start = start.replace(hour=23, minute=40)
        user = f"u{chance.randrange(users)}"
        for _ in range(chance.randrange(2, 30)):
            at = start + timedelta(seconds=chance.randrange(45 * 60))
            if at < END:
                events.append(one(user, at))
    return events


def stepped(asked: Inputs) -> list[Occurrence]:
    """Return what the monitor's own search finds when it is run through the span, each time looking back `emit`."""
    step = timedelta(milliseconds=asked.emit_ms)
    ends = [BEGIN + step * number for number in range(1, (END - BEGIN) // step + 1)]
    found = [one for end in [*ends, END] for one in search.run_whole(asked, end_ms=int(end.timestamp() * 1000))]
    return [one for one in backtest.occurrences(found) if one.last_at >= BEGIN]


def told(occurrences: list[Occurrence]) -> list[tuple[str, datetime, datetime]]:
    return sorted((one.finding.entity_id, one.first_at, one.last_at) for one in occurrences)


def indexed(detection_id: str, events: list[dict[str, Any]], **params: Any) -> Inputs:
    return inputs(detection_id, index_by_template(f"t-{uuid.uuid4().hex[:12]}", events), **params)


def entity_days(occurrences: list[Occurrence]) -> set[tuple[str, int]]:
    return {(one.finding.entity_id, (one.last_at - BEGIN).days) for one in occurrences}


def travelling(user: str, at: datetime) -> dict[str, Any]:
    return sign_in(at, user=user, place=SINGAPORE if at.minute % 2 else BERLIN)


CASES = {
    "brute-force-user": lambda user, at: failed_sign_in(at, user=user),
    "push-fatigue": lambda user, at: refused_push(at, user=user),
    "impossible-travel": travelling,
    "failures-then-success": lambda user, at: (failed_sign_in if at.second % 20 else sign_in)(
        at, user=user, ip=f"203.0.113.{at.second % 9}"
    ),
}


@pytest.mark.opensearch
@pytest.mark.parametrize("detection_id", CASES)
def test_it_finds_what_stepping_finds(detection_id: str) -> None:
    asked = indexed(detection_id, some_days(CASES[detection_id], users=12, bursts=40))
    played = service.play(asked, BEGIN, END)
    assert told(played.occurrences) == told(stepped(asked))
    assert len(played.occurrences) > 5
    assert played.searches == 2  # one to count, one for the whole span
    assert service.check(asked, played, BEGIN, END) == service.Checked(10, ())


@pytest.mark.opensearch
@pytest.mark.parametrize("detection_id", CASES)
def test_every_limit_gives_what_the_search_with_that_limit_gives(detection_id: str) -> None:
    asked = indexed(detection_id, some_days(CASES[detection_id], users=12, bursts=40))
    definition = detection(detection_id)
    for line in backtest.lines(definition):
        played = service.play(asked, BEGIN, END, line=line)
        assert played.values is not None
        default = int(definition.parameters[line.parameter].default)
        highest = definition.parameters[line.parameter].maximum or default * 4
        for limit in sorted({line.floor, default, min(default * 2, int(highest))}):
            again = service.play(Inputs(**{**vars(asked), "params": {line.parameter: limit}}), BEGIN, END)
            known = {(key.split("|")[0], day) for key, day, value in played.values.top if value >= limit}
            # a stretch over midnight is found on both its days, and told by its last event alone
            assert entity_days(again.occurrences) <= known, (line, limit)
            assert {one for one, _ in known} == {one.finding.entity_id for one in again.occurrences}, (line, limit)
            assert played.values.total(limit) == len(known)


@pytest.mark.opensearch
def test_slices_and_parts_give_what_one_search_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = indexed("brute-force-user", some_days(CASES["brute-force-user"], users=12, bursts=60), failures=8)
    line = backtest.lines(asked.definition)[0]
    judged = [Judged(f"A-{number}", f"00uu{number}", BEGIN, END, "false_positive") for number in range(12)]
    whole = service.play(asked, BEGIN, END, line=line, judged=judged)
    monkeypatch.setattr(backtest, "MAX_EVENTS", 150)
    steps: list[str] = []
    cut = service.play(asked, BEGIN, END, line=line, judged=judged, say=lambda _done, _total, step: steps.append(step))
    assert cut.searches > 4
    assert len(steps) > 2
    assert told(cut.occurrences) == told(whole.occurrences)
    assert whole.values is not None
    assert cut.values is not None
    assert cut.values.days == whole.values.days
    assert cut.values.judged == whole.values.judged
    assert sorted(cut.values.top) == sorted(whole.values.top)


@pytest.mark.opensearch
def test_more_findings_than_one_search_tells_are_asked_for_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = indexed("brute-force-user", some_days(CASES["brute-force-user"], users=12, bursts=60), failures=4)
    whole = service.play(asked, BEGIN, END)
    monkeypatch.setattr(backtest, "MAX_TOLD", 12)
    assert told(service.play(asked, BEGIN, END).occurrences) == told(whole.occurrences)
    assert len(whole.occurrences) > 14


@pytest.mark.opensearch
def test_a_judged_stretch_is_measured_by_itself() -> None:
    noon = BEGIN + timedelta(hours=36)
    small = [failed_sign_in(noon - timedelta(hours=6, seconds=n)) for n in range(4)]
    large = [failed_sign_in(noon - timedelta(seconds=n)) for n in range(25)]
    asked = indexed("brute-force-user", [*small, *large])
    entity = service.play(asked, BEGIN, END).occurrences[0].finding.entity_id
    line = backtest.lines(asked.definition)[0]
    judged = [
        Judged("small", entity, noon - timedelta(hours=6, minutes=1), noon - timedelta(hours=6), "false_positive"),
        Judged("large", entity, noon - timedelta(minutes=1), noon, "true_positive"),
        Judged("gone", "00u-nobody", noon - timedelta(minutes=1), noon, "true_positive"),
    ]
    played = service.play(asked, BEGIN, END, line=line, judged=judged)
    assert played.values is not None
    assert played.values.judged == {"small": 4, "large": 25}


@pytest.mark.opensearch
def test_findings_are_told_with_what_their_events_show() -> None:
    noon = BEGIN + timedelta(hours=36)
    asked = indexed("impossible-travel", [sign_in(noon, place=BERLIN),
                                          sign_in(noon + timedelta(minutes=2), place=SINGAPORE)])  # fmt: skip
    one = service.play(asked, BEGIN, END).occurrences[0]
    assert one.finding.entity_name == "anna@example.com"
    assert "Berlin" in one.finding.sentence
    assert "Singapore" in one.finding.sentence


@pytest.mark.opensearch
def test_a_match_is_played_event_by_event() -> None:
    def deactivated(at: datetime) -> dict[str, Any]:
        return event("user.mfa.factor.reset_all", at, user="eve", targets=[user_target("anna")])

    asked = indexed("mfa-factor-reset", [deactivated(BEGIN + timedelta(hours=hour)) for hour in (1, 2, 60)])
    played = service.play(asked, BEGIN, END)
    assert [one.first_at for one in played.occurrences] == [BEGIN + timedelta(hours=hour) for hour in (1, 2, 60)]
    assert not played.cut


def test_the_span_is_cut_at_midnight_where_one_search_would_read_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backtest, "MAX_EVENTS", 100)
    day = timedelta(days=1)
    begins = BEGIN + timedelta(hours=5)
    events = {BEGIN + number * day: count for number, count in enumerate((40, 40, 40, 250))}
    assert backtest.slices(begins, END, events) == [
        Slice(begins, BEGIN + 2 * day),
        Slice(BEGIN + 2 * day, BEGIN + 3 * day),
        Slice(BEGIN + 3 * day, END, 3),
    ]


def test_the_limit_for_so_many_is_the_lowest_that_keeps_below() -> None:
    values = Values(days={0: {5: 3, 8: 1}, 1: {5: 1, 20: 1}})
    assert [values.total(limit) for limit in (5, 6, 9, 21)] == [6, 2, 1, 0]
    assert [values.limit_for(wanted) for wanted in (10, 5, 2, 1, 0)] == [5, 6, 6, 9, 21]
    assert Values.from_json(values.as_json()) == values
    assert Values().limit_for(3) is None


def test_every_threshold_of_the_catalogue_that_stands_alone_can_be_moved() -> None:
    movable = {one.id: [line.parameter for line in backtest.lines(one)] for one in catalog().values()}
    assert movable["impossible-travel"] == ["max_kmh", "min_km"]
    assert movable["brute-force-user"] == ["failures"]
    assert movable["deactivate-reactivate-shuffle"] == ["switches"]
    assert not movable["admin-role-granted"]
    assert isinstance(backtest.lines(detection("push-fatigue"))[0], Line)
