"""
What a ticket or comment says, before it is written in a language of Jira's: blocks of words. Pure.

Every text in here is only ever text. The renderers (`markup` for wiki markup, `adf` for Atlassian documents) make markup of the
blocks alone, so that whoever caused an event can write no link, mention, macro or table cell of their own into a ticket.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from core.text import controls_shown

Body: TypeAlias = str | dict[str, Any]
"""A rendered document as Jira takes it: wiki markup, or an Atlassian document."""


@dataclass(frozen=True)
class Text:
    """Words, bold or not."""

    text: str
    strong: bool = False


@dataclass(frozen=True)
class Link:
    """A link of ours; never one that an event brought."""

    text: str
    href: str


Inline: TypeAlias = str | Text | Link
Line: TypeAlias = tuple[Inline, ...]


@dataclass(frozen=True)
class Paragraph:
    """Lines, one below the other."""

    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Table:
    """Rows of as many cells as `head` has."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Points:
    """A list, of steps when it is numbered."""

    items: tuple[Line, ...]
    numbered: bool = False


@dataclass(frozen=True)
class Code:
    """Text to copy, as it is. It holds no opening brace that JSON would not need."""

    text: str


Block: TypeAlias = Paragraph | Table | Points | Code
Document: TypeAlias = list[Block]


def data(value: Any, limit: int = 200) -> str:
    """Return event data as one line of at most `limit` characters, with its controls written out."""
    words = controls_shown(" ".join(str(value).split()))
    return words if len(words) <= limit else words[: limit - 1] + "…"


def paragraph(*lines: Inline | Line) -> Paragraph:
    """Return a paragraph of lines, each one inline or several."""
    return Paragraph(tuple(line if isinstance(line, tuple) else (line,) for line in lines))


def inlines(line: Line) -> Iterator[Text | Link]:
    """Yield a line's parts that say something, bare words as text."""
    for one in line:
        part = Text(one) if isinstance(one, str) else one
        if part.text:
            yield part
