"""Whether what comes after a false positive is that false positive again: the same addresses, networks and devices, nothing else."""

from collections.abc import Iterable, Mapping
from typing import Any

from alerts.choices import Status, Verdict
from alerts.models import Alert, Occurrence
from monitors.findings import Finding

LOOKED_FOR = {"ip": "address", "asn": "network", "device_token": "device"}
MAX_TOLD = 5


def is_settled(alert: Alert | None) -> bool:
    """Whether it was closed as a false positive."""
    return alert is not None and alert.status == Status.CLOSED and alert.verdict == Verdict.FALSE_POSITIVE


def novelties(alert: Alert, finding: Finding) -> list[str]:
    """
    Return in words what is new about the finding beside all that the alert's occurrences showed; empty when it is the same again.

    What cannot be told from its events counts as new: a finding that tells only a sample, or neither address, network nor device.
    """
    if finding.severity < alert.severity:
        return ["it is graver than before"]
    if finding.count > len(finding.events):
        return ["not all of its events were told"]
    known: dict[str, set[str]] = {key: set() for key in LOOKED_FOR}
    for events in Occurrence.objects.filter(alert=alert).values_list("events", flat=True):
        for key, values in _values(events).items():
            known[key] |= values
    found = _values(finding.events)
    if not any(found.values()):
        return ["nothing is known of where it came from"]
    return [f"{word} {value}" for key, word in LOOKED_FOR.items() for value in sorted(found[key] - known[key])][
        :MAX_TOLD
    ]


def _values(events: Iterable[Mapping[str, Any]]) -> dict[str, set[str]]:
    events = list(events)
    return {key: {str(event[key]) for event in events if event.get(key)} for key in LOOKED_FOR}
