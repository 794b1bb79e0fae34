"""
Running a monitor's own search from the portal: plain, whole, and one completion at a time.

An answer that was cut is completed here: a program in 2, 4, 8 … parts, a match page by page.
"""

from monitors import opensearch
from monitors.errors import OpenSearchError
from monitors.findings import Answer, Context, Finding, read_answer
from monitors.rendering import MAX_HITS, Inputs, plain_search

ONE_AT_A_TIME = 0x63617463  # "catc": whoever searches much takes this lock: one such search at a time for a cluster, and for its workers
MAX_PARTS = 64
MAX_PAGES = 100
TIMEOUT_SECONDS = 60.0


def context_of(inputs: Inputs) -> Context:
    """Return what is needed to read the answers of this monitor's search."""
    return Context(
        definition=inputs.definition,
        values=inputs.definition.values(inputs.params),
        profile=inputs.profile,
        severity=inputs.severity,
    )


def run(inputs: Inputs, *, end_ms: int, part: int = 0, parts: int = 1) -> Answer:
    """Run the search once over the period that ends at `end_ms`. Raises OpenSearchError."""
    body = plain_search(inputs, end_ms=end_ms, part=part, parts=parts)
    return read_answer(opensearch.search(inputs.profile.pattern, body, timeout=TIMEOUT_SECONDS), context_of(inputs))


def run_whole(inputs: Inputs, *, end_ms: int) -> tuple[Finding, ...]:
    """
    Return every finding of the period that ends at `end_ms`, however many searches that takes.

    Raises OpenSearchError when an answer stays incomplete: nothing is ever returned that is not whole.
    """
    if inputs.definition.shape == "match":
        return _pages(inputs, end_ms)
    parts = 1
    while True:
        answers = [run(inputs, end_ms=end_ms, part=part, parts=parts) for part in range(parts)]
        faults = [fault for answer in answers for fault in answer.faults]
        if not faults:
            return tuple(finding for answer in answers for finding in answer.findings)
        if not all(answer.cut for answer in answers if answer.faults) or parts >= MAX_PARTS:
            raise OpenSearchError(faults[0])
        parts *= 2


def _pages(inputs: Inputs, end_ms: int) -> tuple[Finding, ...]:
    context = context_of(inputs)
    after: list[object] | None = None
    found: list[Finding] = []
    for _ in range(MAX_PAGES):
        body = plain_search(inputs, end_ms=end_ms, search_after=after)
        result = opensearch.search(inputs.profile.pattern, body, timeout=TIMEOUT_SECONDS)
        answer = read_answer(result, context)
        if answer.faults and not answer.cut:
            raise OpenSearchError(answer.faults[0])
        found += answer.findings
        hits = result["hits"]["hits"]
        if len(hits) < MAX_HITS:
            return tuple(found)
        after = hits[-1]["sort"]
    raise OpenSearchError(f"More than {MAX_PAGES * MAX_HITS} events match.")
