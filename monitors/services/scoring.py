"""Scoring detections on labelled material: each case indexed as our template maps it, searched with its publisher's parameters."""

from collections.abc import Callable, Sequence
from datetime import timedelta

from core import clock
from monitors import opensearch, scoring
from monitors.definitions import Definition
from monitors.errors import MonitorsError
from monitors.layouts import LAYOUTS
from monitors.profiles import Profile, learn
from monitors.rendering import Inputs
from monitors.scoring import Claim, Labelled, Verdict
from monitors.services import search
from monitors.services.proving import FIRST_END, indexed


def score(
    cases: Sequence[Labelled], definitions: Sequence[Definition], *, say: Callable[[str], None] = lambda _: None
) -> list[Verdict]:
    """Return what each detection says of each case that it claims. Raises OpenSearchError when the node is away."""
    claimed = [(case, found) for case in cases if (found := scoring.claims(case, definitions))]
    end, slots = FIRST_END, []
    for case, found in claimed:
        end += scoring.duration(case) + timedelta(days=10)
        slots.append((case, found, end, scoring.laid(case, end)))
    verdicts: list[Verdict] = []
    with indexed(LAYOUTS["template"], [event for *_, events in slots for event in events]) as pattern:
        profile = learn(pattern, opensearch.field_caps(pattern))
        for position, (case, found, at, _) in enumerate(slots, start=1):
            verdicts += [_judge(case, claim, clock.to_ms(at), profile) for claim in found]
            if position % 20 == 0 or position == len(slots):
                say(f"{position}/{len(slots)} cases")
    return verdicts


def _judge(case: Labelled, claim: Claim, end_ms: int, profile: Profile) -> Verdict:
    definition = claim.definition
    inputs = Inputs(
        definition=definition,
        params={name: _bounded(definition, name, value) for name, value in claim.params.items()},
        profile=profile,
        monitor_uuid="score",
        name=definition.title,
        severity=definition.severity,
        interval_seconds=60,
        emit_seconds=int(scoring.duration(case).total_seconds()) + 60,
    )
    try:
        answer = search.run(inputs, end_ms=end_ms)
    except MonitorsError as error:
        return Verdict(case, definition.id, fired=False, told=(), reason=str(error))
    told = [finding.sentence for finding in answer.findings]
    silent = (
        "; ".join([*answer.faults, *answer.malformed])
        or f"{answer.read} of its {len(case.events)} events pass the query"
    )
    return Verdict(case, definition.id, fired=bool(told), told=told, reason="" if told else silent)


def _bounded(definition: Definition, name: str, value: object) -> object:
    """Return the publisher's value, moved to our bounds where it lies outside."""
    parameter = definition.parameters[name]
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    low = parameter.minimum if parameter.minimum is not None else value
    high = parameter.maximum if parameter.maximum is not None else value
    return type(value)(min(max(value, low), high))
