"""The wiki markup of v2's descriptions and comments, as far as tickets use it: to HTML, and to the words of it.

    h1. … h6.    * item    # item    ||head||head||    |cell|cell|    *bold*    _italic_    {{code}}    [text|url]    \\x

Everything else, and every character after a backslash, is text.
"""

import html
import re
from collections.abc import Callable, Iterator
from itertools import groupby

HEADING = re.compile(r"h([1-6])\. (.*)")
# In this order: an escaped character is never the start of anything else.
INLINE = re.compile(
    r"\\(?P<escaped>[!-/:-@\[-`{-~])"
    r"|\[(?P<text>(?:\\.|[^\]|\\])+)\|(?P<url>(?:\\.|[^\]|\\])+)\]"
    r"|(?<!\w)\*(?P<bold>(?:\\.|[^*\\])+)\*(?!\w)"
    r"|(?<!\w)_(?P<italic>(?:\\.|[^_\\])+)_(?!\w)"
    r"|\{\{(?P<code>(?:\\.|[^}\\])+)\}\}"
)
# A bar ends a cell unless it is escaped or stands in a link.
BAR = re.compile(r"\\.|\[[^\]]*\]|(?P<bar>\|\|?)")
UNESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")


def to_html(text: str) -> str:
    """HTML of wiki markup, everything escaped; links only to http and https."""
    lines = text.replace("\r\n", "\n").split("\n")
    return "".join(BLOCKS[kind](list(block)) for kind, block in groupby(lines, key=_kind))


def to_text(text: str) -> str:
    """The words, without markup: what a search sees."""
    words = INLINE.sub(lambda match: _plain(next(group for group in match.groups() if group is not None)), text)
    return re.sub(r"(?m)^(h[1-6]\. |[*#] )", "", words).replace("|", " ")


def _plain(text: str) -> str:
    return UNESCAPED.sub(r"\1", text)


def _kind(line: str) -> str:
    if HEADING.fullmatch(line):
        return "heading"
    starts = {"* ": "ul", "# ": "ol"}
    if line[:2] in starts:
        return starts[line[:2]]
    if line.startswith("|") and line.rstrip().endswith("|"):
        return "table"
    return "text" if line.strip() else "gap"


def _headings(lines: list[str]) -> str:
    parts = (HEADING.fullmatch(line) for line in lines)
    return "".join(f"<h{part[1]}>{_inline(part[2])}</h{part[1]}>" for part in parts if part)


def _list(element: str) -> Callable[[list[str]], str]:
    return lambda lines: f"<{element}>{''.join(f'<li>{_inline(line[2:])}</li>' for line in lines)}</{element}>"


def _table(lines: list[str]) -> str:
    rows = ("".join(_cells(line.strip())) for line in lines)
    return f"<table>{''.join(f'<tr>{row}</tr>' for row in rows)}</table>"


def _cells(line: str) -> Iterator[str]:
    element = "th" if line.startswith("||") else "td"
    start = None
    for match in BAR.finditer(line):
        if match["bar"]:
            if start is not None:
                yield f"<{element}>{_inline(line[start : match.start()].strip())}</{element}>"
            start = match.end()


def _inline(text: str) -> str:
    parts, at = [], 0
    for match in INLINE.finditer(text):
        parts.append(html.escape(text[at : match.start()]))
        parts.append(_markup(match))
        at = match.end()
    return "".join(parts) + html.escape(text[at:])


def _markup(match: re.Match[str]) -> str:
    if match["escaped"]:
        return html.escape(match["escaped"])
    if match["bold"]:
        return f"<strong>{_inline(match['bold'])}</strong>"
    if match["italic"]:
        return f"<em>{_inline(match['italic'])}</em>"
    if match["code"]:
        return f"<code>{html.escape(_plain(match['code']))}</code>"
    url, text = _plain(match["url"]), _inline(match["text"])
    is_web = url.startswith(("http://", "https://"))
    return f'<a href="{html.escape(url)}" rel="noreferrer">{text}</a>' if is_web else text


BLOCKS: dict[str, Callable[[list[str]], str]] = {
    "heading": _headings,
    "ul": _list("ul"),
    "ol": _list("ol"),
    "table": _table,
    "text": lambda lines: f"<p>{'<br>'.join(_inline(line) for line in lines)}</p>",
    "gap": lambda _: "",
}
