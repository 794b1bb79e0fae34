"""A document in Jira's wiki markup (API version 2). Pure."""

import re
from urllib.parse import quote

from alerts.ticketing.document import Block, Code, Document, Line, Link, Paragraph, Points, Table, inlines

# Every character that wiki markup reads as its own. A backslash before it makes it a letter.
_MARKUP = re.compile(r"([\\*_?\-+^~{}\[\]()!|#@<>&:%/'\"=;,])")
_BLOCK_AT_START = re.compile(r"^(\s*)(h[1-6]|bq)\.", re.IGNORECASE)


def render(document: Document) -> str:
    """Return the document as wiki markup."""
    return "\n\n".join(filter(None, map(_block, document)))


def inert(text: str) -> str:
    """
    Return text that can only be read, on as many lines as it has.

    Two backslashes would break the line and a backslash before ours would undo it, so each is written as its number; a dot that
    would make a heading is, too.
    """
    lines = _MARKUP.sub(lambda match: "&#92;" if match[0] == "\\" else f"\\{match[0]}", text).split("\n")
    return "\n".join(_BLOCK_AT_START.sub(r"\1\2&#46;", line) for line in lines)


def _block(block: Block) -> str:
    if isinstance(block, Paragraph):
        return "\n".join(filter(None, map(_line, block.lines)))
    if isinstance(block, Table):
        head = "||" + "||".join(map(_cell, block.head)) + "||"
        return "\n".join([head, *("|" + "|".join(map(_cell, row)) + "|" for row in block.rows)])
    if isinstance(block, Points):
        mark = "#" if block.numbered else "*"
        return "\n".join(f"{mark} {_line(item)}" for item in block.items)
    return _code(block)


def _line(line: Line) -> str:
    return "".join(
        f"[{_inert_line(one.text)}|{_href(one)}]"
        if isinstance(one, Link)
        else f"*{_inert_line(one.text)}*"
        if one.strong
        else _inert_line(one.text)
        for one in inlines(line)
    )


def _inert_line(text: str) -> str:
    return inert(" ".join(text.splitlines()))


def _cell(text: str) -> str:
    return _inert_line(text) or " "


def _href(link: Link) -> str:
    return quote(link.href, safe=":/?&=#%.~-_+@")


def _code(block: Code) -> str:
    return "{noformat}\n" + block.text.replace("{noformat", "(noformat") + "\n{noformat}" if block.text else ""
