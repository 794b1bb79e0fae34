"""What check and sweep say: something that is right or wrong, with the fix in one sentence."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Finding:
    """`state` is ok, wrong, or note (worth knowing, no fault; or not looked at). `fix` is empty unless there is something to do."""

    name: str
    state: str
    words: str
    fix: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return it as a row keeps it."""
        return asdict(self)


def ok(name: str, words: str) -> Finding:
    """Return that something is as it must be."""
    return Finding(name, "ok", words)


def wrong(name: str, words: str, fix: str) -> Finding:
    """Return that something keeps tickets from being right."""
    return Finding(name, "wrong", words, fix)


def note(name: str, words: str, fix: str = "") -> Finding:
    """Return something worth knowing."""
    return Finding(name, "note", words, fix)
