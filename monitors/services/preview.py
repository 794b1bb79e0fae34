"""What a monitor would do if it ran now: its search run plainly, its condition judged here, and the message that it would post."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from core import clock
from monitors import opensearch, rendering
from monitors.facts import read
from monitors.findings import Answer, read_answer
from monitors.models import Monitor
from monitors.rendering import Inputs
from monitors.services import profiles, push, revisions
from monitors.services.search import context_of

TIMEOUT_SECONDS = 30.0


@dataclass(frozen=True)
class DryRun:
    """
    One run that nobody else heard of. `posts` says whether the condition holds, `because` why (or why not), as a sentence.

    `envelope` is the message as OpenSearch would render it, whether it would be posted or not.
    """

    at: datetime
    posts: bool
    because: str
    answer: Answer
    envelope: dict[str, Any]


def dry_run(monitor: Monitor) -> DryRun:
    """
    Run the search of a monitor, saved or not, over the period that ends now.

    Nothing is changed but the lists that its search looks up, which are written where they lack. Raises MissingField where the
    index cannot serve it, DefinitionError, OpenSearchError.
    """
    profiles.learn(monitor.index_pattern)
    inputs = revisions.inputs_of(monitor)
    at = clock.now().replace(microsecond=0)
    body = rendering.plain_search(inputs, end_ms=clock.to_ms(at))
    push.ensure_lists(inputs)
    result = opensearch.search(inputs.profile.pattern, body, timeout=TIMEOUT_SECONDS)
    answer = read_answer(result, context_of(inputs))
    posts, because = judge(inputs, result, answer, at)
    last = monitor.revisions.first() if not monitor._state.adding else None
    return DryRun(at, posts, because, answer, envelope(inputs, result, at, revision=last.number if last else 1))


def judge(inputs: Inputs, result: dict[str, Any], answer: Answer, at: datetime) -> tuple[bool, str]:
    """Return whether the monitor's condition holds for this result, and why: the same questions in the same order as its script."""
    is_match = inputs.definition.shape == "match"
    fault = True, f"It would post a fault. {' '.join(answer.faults)}"
    if result.get("timed_out") or read(result, "_shards.failed"):
        return fault
    if read(result, "_shards.total") == 0 if is_match else result.get("aggregations") is None:
        return fault
    if answer.found > 0:
        return True, f"It would post {answer.found} finding{'' if answer.found == 1 else 's'}."
    if not is_match and read(result, "aggregations.f.value.truncated"):
        return fault
    beat = inputs.beat_seconds
    end = int(at.timestamp())
    if end // beat != (end - inputs.interval_seconds) // beat:
        return True, "Nothing is found; this run would post its heartbeat, an envelope without findings."
    return False, f"Nothing is found, so nothing would be posted; a heartbeat follows every {beat} s."


def envelope(inputs: Inputs, result: dict[str, Any], at: datetime, *, revision: int) -> dict[str, Any]:
    """Return the message that the monitor's action renders of this result."""
    return {
        "oktadetect": 1,
        "trigger": inputs.monitor_uuid,
        "revision": str(revision),
        "severity": str(inputs.severity),
        "monitor_id": "",
        "period_start": _instant(at - timedelta(seconds=inputs.interval_seconds)),
        "period_end": _instant(at),
        "error": "",
        "results": [result],
    }


def _instant(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
