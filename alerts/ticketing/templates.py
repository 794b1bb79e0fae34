"""
The small language of ticket templates: `{entity}`, `{observed.count}`. Pure.

A name in braces stands for a value of the alert; `{{` and `}}` are braces. There is nothing else: no expressions, no calls, no
attributes. What a value says is never read again as a template.
"""

import re
from collections.abc import Mapping
from typing import Any

NAMES = {
    "entity": "the user, address or whatever it is about, by name",
    "entity_id": "the same by its id",
    "entity_type": "user, ip, …",
    "sentence": "what happened, in a sentence",
    "detection": "the detection's title",
    "monitor": "the monitor's name",
    "severity": "1 to 5, 1 is highest",
    "severity_word": "critical, high, medium, low, info",
    "first_seen": "when it began, as 2026-11-24T12:00:00.000+0000",
    "last_seen": "when it was last seen",
    "count": "how often it was seen",
    "alert": "the alert's number, as A-12",
    "link": "its address in the portal",
}
OPEN = {"observed": "what was observed: {observed.count}", "limits": "the limit it stood beside: {limits.failures}"}
_PIECES = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_NAME = re.compile(r"[a-z_]+(\.[A-Za-z_][A-Za-z0-9_]*)?\Z")


class TemplateError(Exception):
    """A template that cannot be filled in; `str()` says what is wrong with it."""


def check(template: str) -> None:
    """Raise TemplateError when the template names what no alert has, or leaves a brace open."""
    render(template, {}, checked=True)


def render(template: str, values: Mapping[str, Any], *, checked: bool = False) -> str:
    """Fill in the values; one that the alert does not have is empty. Raises TemplateError as `check()` does."""

    def piece(match: re.Match[str]) -> str:
        if match[0] in {"{{", "}}"}:
            return match[0][0]
        if match[1] is None:
            raise TemplateError(
                f"There is a lone “{match[0]}”. Write {match[0] * 2} for a brace, {{entity}} for a value."
            )
        return "" if checked else _value(_known(match[1]), values)

    if checked:
        for match in _PIECES.finditer(template):
            if match[1] is not None:
                _known(match[1])
    return _PIECES.sub(piece, template)


def listed(text: str) -> list[str]:
    """Return the names that a text gives, separated by commas."""
    return [part.strip() for part in text.split(",") if part.strip()]


def _known(name: str) -> str:
    name = name.strip()
    base, _, rest = name.partition(".")
    if _NAME.match(name) and (base in OPEN if rest else name in NAMES):
        return name
    raise TemplateError(f"No alert has “{{{name}}}”. Known are {', '.join(NAMES)}, observed.… and limits.…")


def _value(name: str, values: Mapping[str, Any]) -> str:
    base, _, rest = name.partition(".")
    value = values.get(base)
    if rest:
        value = value.get(rest) if isinstance(value, Mapping) else None
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)
