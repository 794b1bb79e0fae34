"""
What a fault is: named by its kind, with the setting that is too small, and whether one click mends it. Pure.

The words of OpenSearch are the only thing that says why a search failed; they are known from recordings and from tries.
"""

import re
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What is wrong, and so what mends it."""

    DISABLED = "disabled"
    MISSING = "missing"
    DRIFTED = "drifted"
    MUTED = "muted"
    CHANNEL = "channel"
    AWAY = "away"
    SILENT = "silent"
    MAPPING = "mapping"
    COMPILATIONS = "compilations"
    MEMORY = "memory"
    LOOPS = "loops"
    TOO_LONG = "too long"
    BUSY = "busy"
    OTHER = "other"


@dataclass(frozen=True)
class Diagnosis:
    """
    `words`: what to know beyond the fault's own sentence. `mend`: the label of the button that mends it; empty where none does.

    `common` says that the cause lies in the cluster: such a fault of many monitors is one fault.
    """

    kind: Kind
    words: str = ""
    mend: str = ""
    common: bool = False


MAX_TOLD = 500
QUOTED = re.compile(r"inline script \[.*\] using lang", re.DOTALL)
# The sentences of our own watch begin like this.
OWN = (
    ("OpenSearch no longer holds", Diagnosis(Kind.MISSING, mend="Create it again")),
    ("The monitor was disabled in OpenSearch", Diagnosis(Kind.DISABLED, mend="Enable it again")),
    ("The monitor was changed in OpenSearch", Diagnosis(Kind.DRIFTED)),
    ("An alert of this monitor was acknowledged", Diagnosis(Kind.MUTED, mend="Unmute it")),
    ("The layout of ", Diagnosis(Kind.MAPPING, mend="Learn the index again and push")),
    ("The webhook channel", Diagnosis(Kind.CHANNEL, mend="Write the channel again", common=True)),
    ("OpenSearch did not answer", Diagnosis(Kind.AWAY, common=True)),
    ("OpenSearch at ", Diagnosis(Kind.AWAY, common=True)),
    ("OpenSearch answered 50", Diagnosis(Kind.AWAY, common=True)),
    ("Nothing was heard from this monitor", Diagnosis(Kind.SILENT)),
)
# What OpenSearch says of a search that failed.
SAID = (
    (
        r"Too many dynamic script compilations|max_compilations_rate",
        Diagnosis(
            Kind.COMPILATIONS,
            "The cluster compiles too few templates for so many monitors: script.context.template.max_compilations_rate and "
            "cache_max_size are too low.",
            mend="Raise the cluster's limits",
            common=True,
        ),
    ),
    (
        r"Data too large|circuit_?breaking_?exception",
        Diagnosis(
            Kind.MEMORY,
            "The cluster had too little memory for the search (indices.breaker): shorten the monitor's span, exclude what is "
            "busiest, or give the nodes more heap.",
        ),
    ),
    (
        r"maximum number of statements",
        Diagnosis(
            Kind.LOOPS, "One entity had more events than a program may walk through: exclude it, or shorten the span."
        ),
    ),
    (
        r"max_size_in_bytes|exceed(s|ed) max(imum)? (allowed )?(inline )?(script|size)",
        Diagnosis(
            Kind.TOO_LONG,
            "The search is longer than script.max_size_in_bytes allows: shorten its lists, or raise that setting.",
        ),
    ),
    (
        r"rejected execution|rejected_execution|too_many_requests|answered 429",
        Diagnosis(
            Kind.BUSY, "The cluster was too busy to search. Spread the monitors, or give it more nodes.", common=True
        ),
    ),
    (
        (
            r"No field found for|Fielddata is disabled|[Tt]ext fields are not optimised|[Nn]o mapping found|Expected numeric type"
            r"|class_cast_exception|ClassCastException|cannot be cast|[Uu]nsupported .*field|on field \[[^\]]*\] of type"
            r"|failed to parse date field|is not an IP string literal|different types|but got \[?text"
        ),
        Diagnosis(
            Kind.MAPPING,
            "A field of the index has another type than when it was learnt.",
            mend="Learn the index again and push",
        ),
    ),
)


def diagnose(fault: str) -> Diagnosis | None:
    """Return what a fault's sentence tells; None where there is no fault."""
    if not fault:
        return None
    own = next((told for begins, told in OWN if fault.startswith(begins)), None)
    return own or said(fault) or Diagnosis(Kind.OTHER)


def shortened(text: str) -> str:
    """Return what OpenSearch says without the whole search that it may quote before the cause, in at most MAX_TOLD characters."""
    return QUOTED.sub("inline script […] using lang", text)[:MAX_TOLD]


def said(text: str) -> Diagnosis | None:
    """Return what the words of OpenSearch in a text mean, as far as they are known."""
    return next((told for pattern, told in SAID if re.search(pattern, text)), None)
