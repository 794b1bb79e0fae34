"""
Running a monitor's own search from the portal: plain, whole, and one completion at a time.

An answer that was cut is completed here: a program in as many parts as its answer says, a match page by page.
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
    return _parts(inputs, end_ms)


def _parts(inputs: Inputs, end_ms: int) -> tuple[Finding, ...]:
    """Ask for the whole, and for whatever is cut once more in parts; what came whole is never asked again."""
    found: list[Finding] = []
    waiting = [(0, 1)]
    while waiting:
        part, parts = waiting.pop()
        answer = run(inputs, end_ms=end_ms, part=part, parts=parts)
        if answer.whole:
            found += answer.findings
            continue
        if not answer.cut or parts * answer.split > MAX_PARTS:
            raise OpenSearchError(answer.faults[0])
        waiting += split(part, parts, answer.split)
    return tuple(found)


def split(part: int, parts: int, times: int) -> list[tuple[int, int]]:
    """Return the parts that together are number `part` of `parts`, each so many times smaller: (part, parts)."""
    return [(part + parts * number, parts * times) for number in range(times)]


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
