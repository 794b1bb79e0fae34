"""Text that somebody else wrote, made fit to be kept and to be read. Pure."""

import re
from collections.abc import Sequence
from typing import Any

# Embeddings, overrides and isolates: with one in a name, "gnp.exe" reads "exe.png", and so does what follows it.
BIDI = (*range(0x202A, 0x202F), *range(0x2066, 0x206A))
# What no keyboard types and many programs obey; tab and the ends of lines are white space.
CONTROLS = tuple(code for code in (*range(0x20), *range(0x7F, 0xA0)) if code not in {0x09, 0x0A, 0x0D, 0x85})
_ANY = re.compile("[" + "".join(map(chr, (*BIDI, *CONTROLS))) + "]")


def controls_shown(text: str) -> str:
    """Return `text` with every control written out, as [U+202E]. Letters that run from right to left need none and stay."""
    return _ANY.sub(lambda found: f"[U+{ord(found[0]):04X}]", text)


def storable(value: Any) -> Any:
    """Return JSON `value` with U+FFFD for what Postgres keeps in no text: U+0000 and surrogates without their other half."""
    if isinstance(value, str):
        whole = value if value.isascii() else value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return whole.replace("\x00", "\ufffd")
    if isinstance(value, dict):
        return {storable(key): storable(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [storable(inner) for inner in value]
    return value


# A spreadsheet takes a cell that begins with one of these for a formula; full-width forms count too in some.
_BEGINS_FORMULA = tuple("=+-@\t\r\n|%\uff1d\uff0b\uff0d\uff20")


def inert_cell(value: Any) -> Any:
    """Return a cell of a CSV file that no spreadsheet takes for a formula: an apostrophe goes before such text. Numbers stay."""
    return f"'{value}" if isinstance(value, str) and value.lstrip(" ").startswith(_BEGINS_FORMULA) else value


def few(values: Sequence[str], most: int, *, between: str = ", ") -> str:
    """Return the first `most` of the values in a row, and how many more there are: "a, b, c and 2 more"."""
    more = f" and {len(values) - most} more" if len(values) > most else ""
    return between.join(values[:most]) + more


def whole_number(text: str) -> int | None:
    """Return the number that an address or a form names, or None for what is none that a database could hold."""
    return int(text) if text.isdecimal() and len(text) <= 18 else None
