"""A monitor in one sentence whose numbers are its parameters. Pure, but for reading the catalogue's words once."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import yaml

from core.text import few
from monitors.definitions import CATALOG, Definition, Parameter

SHOWN = 3  # names of a list


@dataclass(frozen=True)
class Piece:
    """A piece of the sentence: plain text, or the value of `parameter`, which is (not) the default."""

    text: str
    parameter: str = ""
    is_default: bool = True


def sentence(definition: Definition, values: Mapping[str, Any]) -> list[Piece]:
    """Return the sentence in pieces: of the catalogue's words, else the title; `values` are those of all parameters."""
    template = templates().get(definition.id, definition.title)
    pieces: list[Piece] = []
    for text, name, words in re.findall(r"([^{]+)|\{(\w+)(?::([^}]*))?\}", template):
        if text:
            pieces.append(Piece(text))
        elif words:
            one, many = words.split("|")
            pieces.append(Piece(one if values[name] == 1 else many))
        else:
            pieces.append(_value(definition.parameters[name], values[name]))
    for name, parameter in definition.parameters.items():
        if f"{{{name}}}" not in template and values.get(name) and parameter.type == "list":
            pieces += [
                Piece(f"; {parameter.label[:1].lower()}{parameter.label[1:]}: "),
                _value(parameter, values[name]),
            ]
    return pieces


def plain(definition: Definition, values: Mapping[str, Any]) -> str:
    """Return the sentence as text."""
    return "".join(piece.text for piece in sentence(definition, values))


@cache
def templates() -> Mapping[str, str]:
    """Return the catalogue's words: detection id to template."""
    found: dict[str, str] = yaml.load((CATALOG / "words" / "told.yaml").read_text(), Loader=yaml.CSafeLoader)
    return found


def in_words(parameter: Parameter, value: Any) -> str:
    """Return a parameter's value as people say it: "10 minutes", "900 km/h", "Office, VPN and 2 more"."""
    if parameter.type == "list":
        return few(value, SHOWN) if value else "nothing"
    if parameter.type == "minutes":
        for unit, size in (("day", 1440), ("hour", 60)):
            if value % size == 0 and value >= 2 * size:
                return f"{value // size} {unit}s"
        return f"{value} minute{'' if value == 1 else 's'}"
    number = f"{value:,}" if isinstance(value, int) else f"{value:g}"
    return f"{number} {parameter.unit}".strip()


def _value(parameter: Parameter, value: Any) -> Piece:
    return Piece(in_words(parameter, value), parameter.name, value == parameter.default)
