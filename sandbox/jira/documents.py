"""Atlassian documents: to and from text, and to HTML for the browse page."""

import html
from collections.abc import Mapping
from typing import Any

Document = Mapping[str, Any]

# What stands around the content of a node, as HTML; attributes are left out, since the page is for reading.
ELEMENTS = {
    "paragraph": "p",
    "bulletList": "ul",
    "orderedList": "ol",
    "listItem": "li",
    "blockquote": "blockquote",
    "panel": "blockquote",
    "codeBlock": "pre",
    "table": "table",
    "tableRow": "tr",
    "tableHeader": "th",
    "tableCell": "td",
}
MARKS = {"strong": "strong", "em": "em", "code": "code", "strike": "s", "underline": "u"}
# Nodes that stand on lines of their own in text.
BLOCKS = {"paragraph", "heading", "codeBlock", "listItem", "tableRow", "rule"}


def is_document(value: Any) -> bool:
    """Whether this is an Atlassian document, as far as Jira's first look goes."""
    return (
        isinstance(value, dict)
        and value.get("type") == "doc"
        and value.get("version") == 1
        and isinstance(value.get("content"), list)
    )


def from_text(text: str) -> Document:
    """A document of plain paragraphs: empty lines part them, line breaks stay."""
    paragraphs = [part for part in text.replace("\r\n", "\n").split("\n\n") if part]
    return {"type": "doc", "version": 1, "content": [_paragraph(part) for part in paragraphs]}


def _paragraph(text: str) -> Document:
    content: list[Document] = []
    for line in text.split("\n"):
        if content:
            content.append({"type": "hardBreak"})
        if line:
            content.append({"type": "text", "text": line})
    return {"type": "paragraph", "content": content}


def to_text(value: Document) -> str:
    """The words of a document: what a search sees, and what v2 tells of a v3 document."""
    return _text(value).strip()


def _text(node: Document) -> str:
    kind = node.get("type")
    if kind == "text":
        return str(node.get("text", ""))
    if kind == "hardBreak":
        return "\n"
    separator = " | " if kind == "tableRow" else ""
    inner = separator.join(_text(child) for child in node.get("content", []))
    return inner.rstrip("\n") + "\n" if kind in BLOCKS else inner


def to_html(value: Document) -> str:
    """HTML of a document, everything escaped; links only to http and https."""
    return _html(value)


def _html(node: Document) -> str:
    kind = str(node.get("type"))
    if kind == "text":
        return _marked(node)
    if kind == "hardBreak":
        return "<br>"
    if kind == "rule":
        return "<hr>"
    inner = "".join(_html(child) for child in node.get("content", []))
    attributes = node.get("attrs", {})
    if kind == "heading":
        level = min(max(int(attributes.get("level", 1)), 1), 6)
        return f"<h{level}>{inner}</h{level}>"
    if kind in {"inlineCard", "blockCard"}:
        url = str(attributes.get("url", ""))
        return _link(url, html.escape(url))
    element = ELEMENTS.get(kind)
    return f"<{element}>{inner}</{element}>" if element else inner


def _marked(node: Document) -> str:
    text = html.escape(str(node.get("text", "")))
    for mark in node.get("marks", []):
        if mark.get("type") == "link":
            text = _link(str(mark.get("attrs", {}).get("href", "")), text)
        element = MARKS.get(str(mark.get("type")))
        text = f"<{element}>{text}</{element}>" if element else text
    return text


def _link(url: str, text: str) -> str:
    if not url.startswith(("http://", "https://")):
        return text
    return f'<a href="{html.escape(url)}" rel="noreferrer">{text}</a>'
