"""Each fault is named as what it is, by the words that OpenSearch really says."""

import pytest

from monitors.diagnosis import Kind, diagnose, shortened


@pytest.mark.parametrize(
    ("fault", "kind", "can_be_mended"),
    [
        ("OpenSearch no longer holds this monitor. Push it to mend it.", Kind.MISSING, True),
        ("The monitor was disabled in OpenSearch. Push it to mend it.", Kind.DISABLED, True),
        ("The monitor was changed in OpenSearch. Look at the difference, then push.", Kind.DRIFTED, False),
        ("An alert of this monitor was acknowledged in OpenSearch, which mutes it.", Kind.MUTED, True),
        ("The webhook channel is missing in OpenSearch. Push any monitor to mend it.", Kind.CHANNEL, True),
        ("OpenSearch did not answer within 10 s.", Kind.AWAY, False),
        ("OpenSearch answered 503: unavailable", Kind.AWAY, False),
        ("Nothing was heard from this monitor since 2026-11-24 10:00 UTC.", Kind.SILENT, False),
        (
            (
                "The search failed: [script] Too many dynamic script compilations within, max: [75/5m]; please use indexed, or"
                " scripts with parameters instead; this limit can be changed by the [script.context.template."
                "max_compilations_rate] setting"
            ),
            Kind.COMPILATIONS,
            True,
        ),
        (
            "1 of 3 shards failed. The first says: [parent] Data too large, data for [<reused_arrays>]",
            Kind.MEMORY,
            False,
        ),
        (
            "The search failed: The maximum number of statements that can be executed in a loop has been reached.",
            Kind.LOOPS,
            False,
        ),
        (
            (
                "2 of 3 shards failed. The first says: Text fields are not optimised for operations that require per-document"
                " field data like aggregations and sorting"
            ),
            Kind.MAPPING,
            True,
        ),
        ("3 of 3 shards failed. The first says: No field found for [actor.id] in mapping", Kind.MAPPING, True),
        ("The search answered nothing.", Kind.OTHER, False),
    ],
)
def test_a_fault_is_named_and_says_whether_a_click_mends_it(fault: str, kind: Kind, can_be_mended: bool) -> None:
    found = diagnose(fault)
    assert found is not None
    assert (found.kind, bool(found.mend)) == (kind, can_be_mended)


def test_a_search_that_is_quoted_before_the_cause_does_not_hide_it() -> None:
    """As the plugin told it of the hundredth of many monitors."""
    quoted = '{"size":0,"query":{"bool":{"filter":[{"terms":{"eventType":["a"]}}]}}}' * 40
    told = shortened(
        f"ScriptException[runtime error]; nested: GeneralScriptException[Failed to compile inline script [{quoted}] using lang"
        " [mustache]]; nested: CircuitBreakingException[[script] Too many dynamic script compilations within, max: [75/5m]"
    )
    found = diagnose(f"The search failed: {told}")
    assert found is not None
    assert found.kind == Kind.COMPILATIONS
    assert "terms" not in told


def test_no_fault_is_nothing() -> None:
    assert diagnose("") is None
