"""What is true about some traffic: its attacks with what has to be found, and what only looks like one."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from .events import Event


@dataclass(frozen=True)
class Expected:
    """A finding that a detection has to make. ``detection`` is its slug; ``entity_type`` is ``user`` or ``ip``."""

    detection: str
    entity_type: str
    entity: str


@dataclass(frozen=True)
class Attack:
    """One story. ``decided`` is when the event was published that makes it an attack; times are as Okta writes them.

    Each of ``expect`` has to be found: the story's own finding first, then what its stages set off besides.
    """

    attack: str
    family: str
    story: str
    expect: tuple[Expected, ...]
    deciding_uuid: str
    uuids: tuple[str, ...]
    started: str
    decided: str

    def to_json(self) -> dict[str, Any]:
        """The attack as JSON."""
        return asdict(self)


@dataclass(frozen=True)
class LookAlike:
    """Something that comes close to an attack; nobody may alert on it."""

    kind: str
    story: str
    uuids: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """The look-alike as JSON."""
        return asdict(self)


def tell(
    name: str,
    family: str,
    story: str,
    expected: Expected,
    events: Sequence[Event],
    deciding: Event,
    *,
    further: tuple[Expected, ...] = (),
) -> Attack:
    """An attack out of its events; ``further`` is what its stages have to set off besides."""
    ordered = sorted(events, key=lambda event: (event["published"], event["uuid"]))
    return Attack(
        attack=name,
        family=family,
        story=story,
        expect=(expected, *further),
        deciding_uuid=deciding["uuid"],
        uuids=tuple(event["uuid"] for event in ordered),
        started=ordered[0]["published"],
        decided=deciding["published"],
    )
