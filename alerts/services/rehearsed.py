"""
Whether a finding is a rehearsal: proved by the signature of each of its events, and never by what an event says of itself.

A finding is one only when every event of it that was told lies in the index of a rehearsal that was under way when the search ran,
is signed with our key for that rehearsal, index and content, and stands in no index of real events too. Whatever else lies where
rehearsals lie is taken for real, and the alert says so: nobody can pass off the real as rehearsed.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.utils.crypto import constant_time_compare, salted_hmac

from alerts.models import Rehearsal
from alerts.services.alerting import Origin
from core import clock
from monitors import facts, opensearch, rehearsing
from monitors.errors import OpenSearchError
from monitors.findings import Finding
from monitors.models import Deployment, Monitor
from monitors.profiles import Profile

log = structlog.get_logger(__name__)

TIMEOUT_SECONDS = 2.0
REMEMBERED = timedelta(days=2)  # how long ago a rehearsal may have begun whose events are still told
MIXED = "It holds events of a rehearsal and others: it is taken for real."
FORGED = "Its events claim to be a rehearsal, but the signature does not hold: it is taken for real."
REPLAYED = "Its events claim to be a rehearsal that is not under way: it is taken for real."
ELSEWHERE = "Its events claim to be a rehearsal, but lie among real ones too: it is taken for real."


@dataclass(frozen=True)
class Sorted:
    """
    An envelope's findings by what they are: pairs of an origin and its findings, the real ones first. `undecided` says that some could
    not be told yet, since OpenSearch did not answer: the delivery is worked again.
    """

    groups: Sequence[tuple[Origin, Sequence[Finding]]]
    undecided: bool = False


def sign(source: Mapping[str, Any], rehearsal: str, index: str) -> str:
    """Return the signature of a document, but for its mark, for one rehearsal in one index."""
    content = rehearsing.signed_content(source, rehearsal, index)
    return salted_hmac("oktadetect.rehearsal", content, algorithm="sha256").hexdigest()


def marked(source: Mapping[str, Any], rehearsal: str, index: str) -> dict[str, Any]:
    """Return the document with the mark that says which rehearsal it is of, signed."""
    return {**source, rehearsing.MARK: {"rehearsal": rehearsal, "signature": sign(source, rehearsal, index)}}


def reads_rehearsals(pushed_body: Mapping[str, Any] | None, index_pattern: str) -> bool:
    """Whether a monitor over this pattern reads where its rehearsals lie, by the body that was pushed."""
    inputs = (pushed_body or {}).get("inputs") or [{}]
    return rehearsing.pattern(index_pattern) in (facts.read(inputs[0], "search.indices") or ())


def sort(
    findings: Sequence[Finding], monitor: Monitor, profile: Profile, origin: Origin, period_end: datetime
) -> Sorted:
    """Tell real findings from rehearsed ones. Those of a rehearsal that is over by now are left out: it told its own end."""
    if not findings or not _may_be_rehearsed(monitor, profile):
        return Sorted([(origin, findings)])
    recent = Rehearsal.objects.filter(index_pattern=profile.pattern, asked_at__gte=clock.now() - REMEMBERED)
    known = {uuid: row for row in recent for uuid in row.uuids}
    told = {id(finding): _uuids(finding) for finding in findings}
    try:
        held = _held(rehearsing.pattern(profile.pattern), profile, set().union(*told.values()))
        suspects = [finding for finding in findings if told[id(finding)] & (held.keys() | known.keys())]
        real_too = _among_real(profile, suspects)
    except OpenSearchError as error:
        log.warning("rehearsal_not_told", monitor=str(monitor.uuid), error=str(error))
        surely = [finding for finding in findings if not told[id(finding)] & known.keys()]
        return Sorted([(origin, surely)], undecided=len(surely) < len(findings))
    groups: list[tuple[Origin, Sequence[Finding]]] = [
        (origin, [finding for finding in findings if not told[id(finding)] & (held.keys() | known.keys())])
    ]
    for finding in suspects:
        claim, row = _judge(finding, held, known, real_too, period_end)
        if claim:
            groups.append((replace(origin, claim=claim), [finding]))
        elif row is not None and not row.is_over:
            groups.append((replace(origin, rehearsal=row), [finding]))
    return Sorted(groups)


def _may_be_rehearsed(monitor: Monitor, profile: Profile) -> bool:
    """Whether the monitor, as it was pushed, reads where rehearsals lie; without uuids none can be told from the real."""
    if profile.find("uuid") is None:
        return False
    pushed = Deployment.objects.filter(monitor=monitor).values_list("pushed_body", flat=True).first()
    return reads_rehearsals(pushed, profile.pattern)


def _uuids(finding: Finding) -> set[str]:
    """Return the uuids that a finding tells; an event without one counts as one that is nowhere."""
    named = [event.get("uuid") for event in finding.events] + [finding.first.uuid, finding.last.uuid]
    return {str(uuid or "") for uuid in named}


def _held(pattern: str, profile: Profile, uuids: Iterable[str]) -> dict[str, list[dict[str, Any]]]:
    """Return every hit of a pattern that has one of these uuids, by uuid. Raises OpenSearchError."""
    wanted = sorted(filter(None, uuids))
    body = {"size": min(2 * len(wanted), 10_000), "query": {"terms": {profile.name("uuid"): wanted}}}
    answer = opensearch.search(pattern, body, timeout=TIMEOUT_SECONDS)
    if answer["_shards"]["failed"] or answer["timed_out"]:
        raise OpenSearchError("OpenSearch gave only a part of the rehearsals' events.")
    found: dict[str, list[dict[str, Any]]] = {}
    for hit in answer["hits"]["hits"]:
        found.setdefault(str(profile.unwrap(hit["_source"]).get("uuid")), []).append(hit)
    return found


def _among_real(profile: Profile, findings: Iterable[Finding]) -> set[str]:
    """Return which events of the findings stand in the monitor's own index. Raises OpenSearchError."""
    wanted = sorted(filter(None, set().union(*(_uuids(finding) for finding in findings))))
    return set(_held(profile.pattern, profile, wanted)) if wanted else set()


def _judge(
    finding: Finding,
    held: Mapping[str, Sequence[Mapping[str, Any]]],
    known: Mapping[str, Rehearsal],
    real_too: set[str],
    period_end: datetime,
) -> tuple[str, Rehearsal | None]:
    """Return why a finding that touches a rehearsal is none, or the rehearsal that made it."""
    rows: dict[Any, Rehearsal] = {}
    for uuid in _uuids(finding):
        row = known.get(uuid)
        for hit in held.get(uuid, ()):
            if claim := _fault(hit, row):
                return claim, None
        if row is None:
            return MIXED, None
        if uuid not in held and not row.is_over:
            return FORGED, None  # its events lie there while it runs: this one does not
        if not _was_under_way(row, period_end):
            return REPLAYED, None
        if uuid in real_too:
            return ELSEWHERE, None
        rows[row.pk] = row
    if finding.count > sum(len(row.uuids) for row in rows.values()):
        return MIXED, None
    return "", next(iter(rows.values()))


def _fault(hit: Mapping[str, Any], row: Rehearsal | None) -> str:
    """Return why a hit is no event of this rehearsal, the one that its uuid belongs to; empty when it is."""
    source = hit["_source"]
    mark = source.get(rehearsing.MARK)
    named, signature = (mark.get("rehearsal"), mark.get("signature")) if isinstance(mark, Mapping) else (None, None)
    if not isinstance(named, str) or not isinstance(signature, str):
        return FORGED
    if not constant_time_compare(sign(source, named, str(hit["_index"])), signature):
        return FORGED
    return "" if row is not None and named == str(row.pk) and row.index == hit["_index"] else REPLAYED


def _was_under_way(row: Rehearsal, period_end: datetime) -> bool:
    """Whether the search that told of it ran while its events lay there."""
    end = row.cleaned_at or clock.now()
    return row.started_at is not None and row.started_at <= period_end <= end + timedelta(seconds=5)
