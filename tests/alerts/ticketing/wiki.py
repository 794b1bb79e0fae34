"""A small reader of wiki markup: what in a text is markup, and what is only said. Errs on the side of markup."""

import re
from dataclasses import dataclass, field

_ESCAPED = re.compile(r"\\([^A-Za-z0-9\s])")
_NUMBERED = re.compile(r"&#(\d+);")
_NOFORMAT = re.compile(r"\{noformat\}\n.*?\n\{noformat\}", re.DOTALL)
# A surrogate for each escaped character, so that nothing below takes it for markup. No text has one of its own.
_HIDDEN = 0xD800


@dataclass
class Read:
    """What was found: links as (text, address), bold words, rows of tables by their cells, and whatever else would be live."""

    links: list[tuple[str, str]] = field(default_factory=list)
    bold: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    other: list[str] = field(default_factory=list)


def shown(text: str) -> str:
    """What a person reads of an escaped text."""
    return "".join(chr(ord(c) - _HIDDEN) if _HIDDEN <= ord(c) < _HIDDEN + 0x100 else c for c in _hide(text))


def read(text: str) -> Read:
    """Read a text that our renderer wrote."""
    found = Read()
    for line in _hide(_NOFORMAT.sub("", text)).split("\n"):
        _read_line(line, found)
    return found


def _hide(text: str) -> str:
    text = _ESCAPED.sub(lambda match: chr(_HIDDEN + ord(match[1])) if ord(match[1]) < 0x100 else match[1], text)
    return _NUMBERED.sub(lambda match: chr(_HIDDEN + int(match[1])), text)


def _read_line(line: str, found: Read) -> None:
    for text, address in re.findall(r"\[([^\[\]|]*)\|([^\[\]|]*)\]", line):
        found.links.append((shown(text), address))
    line = re.sub(r"\[[^\[\]|]*\|[^\[\]|]*\]", "", line)
    line = re.sub(r"^[*#] ", "", line)
    if line.startswith("||"):
        found.rows.append([shown(cell) for cell in line.strip("|").split("||")])
        line = line.replace("|", "")
    elif line.startswith("|"):
        found.rows.append([shown(cell) for cell in line[1:-1].split("|")])
        line = line.replace("|", "")
    for words in re.findall(r"\*([^*]+)\*", line):
        found.bold.append(shown(words))
    line = re.sub(r"\*[^*]+\*", "", line)
    found.other += re.findall(
        r"[\\*_?\-+^~{}\[\]()!|#@<>&%]|[a-z]+://|^\s*(?:h[1-6]|bq)\.|[:;]\S|\w+:\w", line, re.IGNORECASE
    )
